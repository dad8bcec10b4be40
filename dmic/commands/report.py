"""Make the HTML page of a finished run: its curves, clusters, scores and ranked galleries, as notebook 09 draws them.

    dmic report runs/toy          # leaves report.html and the executed notebook in the run folder

Needs the repository's notebooks and the extra "course" (pip install 'dmic[course]').
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dmic.config import PRESETS, Config, from_json, preset
from dmic.storage.files import read_json, write_text
from dmic.storage.project import project_path

__all__ = ["changes_from_preset", "main"]

NOTEBOOK = "notebooks/09_full_training.ipynb"


class ReportError(RuntimeError):
    """No page can be made of this folder, or here; the message says why and what to do."""


def changes_from_preset(config: Config) -> dict[str, Any]:
    """Return the fields, by dotted name, in which a configuration differs from the preset whose name it bears."""
    from dmic.storage.provenance import changed_fields  # torch takes seconds: after what may be wrong

    return {name: ours for name, (_, ours) in changed_fields(preset(config.name), config).items()}


def _parameters(run: Path, data: Path | None) -> dict[str, Any]:
    """Notebook 09's parameters for the run that is in a folder."""
    if not (run / "summary.json").is_file():
        unfinished = (run / "config.json").is_file()
        what = "is not finished: the command that began it goes on" if unfinished else "holds no run"
        raise ReportError(f"{run} {what}; expected the folder of a finished run, with summary.json")
    config = from_json((run / "config.json").read_text(encoding="utf-8"))
    if config.name not in PRESETS:
        raise ReportError(
            f"{run} was trained with a configuration called {config.name!r}, which is no preset"
        )
    known = read_json(run / "environment.json")
    if "parts" not in known:
        raise ReportError(
            f"{run} was made by an older version, whose runs do not know their data; train it anew"
        )
    stored = known.get("data_folder")
    folder = data or (Path(stored) if stored else None)
    if folder is None or not (folder / "dataset.json").is_file():
        where = f"not in {folder}" if folder else "in no folder that it knows"
        raise ReportError(f"the images of {run} are {where}; give their folder with --data")
    changes = changes_from_preset(config)
    seed, device = changes.pop("training.seed", 0), changes.pop("training.device", "auto")
    return {
        "preset": config.name,
        "data_root": str(folder.resolve()),
        "run_dir": str(run),
        "seed": seed,
        "device": device,
        "overrides": json.dumps(changes),
    }


def main(arguments: Sequence[str]) -> int:
    """Run ``dmic report``; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="dmic report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, nargs="?", help="folder of a finished run")
    parser.add_argument("--run", dest="named", type=Path, help="the same, by name")
    parser.add_argument("--data", type=Path, help="its data set folder, where it has moved since")
    parser.add_argument("--traceback", action="store_true", help="show where an error arose")
    options = parser.parse_args(arguments)
    if (options.run or options.named) is None:
        parser.error("which run? For example: dmic report runs/toy")
    run = (options.run or options.named).absolute()
    parameters = _parameters(run, options.data)
    notebook = project_path(NOTEBOOK)
    missing = [
        name for name in ("papermill", "nbconvert", "ipykernel") if importlib.util.find_spec(name) is None
    ]
    if missing or not notebook.is_file():
        wanted = (
            f"the packages {', '.join(missing)} (pip install 'dmic[course]')"
            if missing
            else f"{NOTEBOOK} of the repository"
        )
        raise ReportError(f"a page needs {wanted}")

    import nbconvert
    import papermill

    executed = run / notebook.name
    quiet = not sys.stderr.isatty()
    papermill.execute_notebook(
        str(notebook), str(executed), parameters, kernel_name="python3", progress_bar=not quiet
    )
    page, _ = nbconvert.HTMLExporter().from_filename(str(executed))
    write_text(run / "report.html", page)
    print(f"\nReport:  {run / 'report.html'}   (open it in a browser)")
    print(f"Numbers: {run / 'summary.json'}; one line per epoch in {run / 'metrics.jsonl'}")
    print(f"Next:    open {NOTEBOOK} (make lab), and try its exercises")
    return 0
