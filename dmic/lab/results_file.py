"""What a study leaves for others: one file in ``results/`` with every run's numbers and where they were made.

``dmic.lab.report`` puts them into texts, notebook 08 draws them.

Taught in: notebooks/08_ablations.ipynb
"""

from __future__ import annotations

import datetime
import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dmic.compute.devices import bf16_is_fast
from dmic.compute.threads import available_cpus
from dmic.lab.arms import ARMS
from dmic.storage.files import to_jsonable, write_json
from dmic.storage.project import git_commit, project_path

__all__ = [
    "KEPT",
    "SHOWN",
    "ResultsError",
    "held_runs",
    "made",
    "results_path",
    "run_line",
    "summarise",
    "write_study",
]

SHOWN = (
    "outlier_share",
    "ari",
    "mixed_cluster_share",
    "cross_modality_recall",
    "cross_camera_recall",
    "camera_splitting",
)
"""Label metrics that a study prints."""

KEPT = ("clusters", "purity", "modality_splitting", *SHOWN)
"""Label metrics that a results file keeps of every run."""


_WHERE = ("git", "code", "precision", "torch", "machine", "threads", "device")
"""What it keeps of a run's environment: that of its last epochs, and the number of parts that were made differently."""


class ResultsError(ValueError):
    """A results file belongs to another study; the message says which and what to do."""


def results_path(preset: str, data: str) -> Path:
    """Return where a study of a preset on a data set is kept: ``results/study_toy_synthvi-toy.json``, in the project."""
    return project_path("results") / f"study_{preset}_{data}.json"


def made(seeds: Iterable[int]) -> dict[str, Any]:
    """Return where numbers come from: command, commit, date, machine (cores, units, GPU, torch) and seeds."""
    commit, changed = git_commit()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    units = torch.backends.cpu.get_cpu_capability()
    units += " with bfloat16" if bf16_is_fast() else ""
    name = getattr(sys.modules["__main__"], "__spec__", None)
    command = ["python", "-m", name.name] if name else [Path(sys.argv[0]).name]
    return {
        "command": shlex.join([*command, *sys.argv[1:]]),
        "commit": commit,
        "date": datetime.date.today().isoformat(),
        "machine": f"{available_cpus()} cores, {units}, {gpu}, torch {torch.__version__}",
        "seeds": sorted(seeds),
        "note": "with changes that are not in the commit" if changed else "",
    }


def run_line(arm: str, seed: int, run_dir: Path, numbers: dict[str, Any]) -> dict[str, Any]:
    """Return one run as the file holds it: scores, what its labels were worth, and where it was made."""
    parts = json.loads((run_dir / "environment.json").read_text(encoding="utf-8"))["parts"]
    labels = {
        when: {stream: {key: found.get(key) for key in KEPT} for stream, found in numbers[when].items()}
        for when in ("last_epoch", "equal_outliers")
    }
    where = {key: parts[-1][key] for key in _WHERE} | {"parts": len(parts)}
    where["precision"] = ", ".join(f"{use} {kind}" for use, kind in where["precision"].items())
    kept = {"overrides": ARMS[arm], "test": numbers["test"], **labels, "seconds": numbers["seconds"]}
    return {"arm": arm, "seed": seed, **_rounded(kept), "environment": where}


def held_runs(path: Path, about: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the runs that the file holds already, none if it does not exist.

    Parameters
    ----------
    path
        A results file.
    about
        What all runs of a study share: ``preset``, ``overrides``, ``share``, ``data``, ``identities``.

    Raises
    ------
    ResultsError
        If the file holds a study with another ``about``: nothing is ever written over somebody's results.
    """
    if not path.exists():
        return []
    held = json.loads(path.read_text(encoding="utf-8"))
    for key, value in to_jsonable(about).items():
        if key == "data" and "manifest_sha256" not in held["data"]:  # the file is older than this entry
            value = {name: entry for name, entry in value.items() if name != "manifest_sha256"}
        if held.get(key) != value:
            shown = f" ({held.get(key)}; now {value})" if key != "data" else ""
            raise ResultsError(
                f"{path} holds a study with another {key}{shown}; give this one a file of its own: "
                "--results results/NAME.json (make: RESULTS=results/NAME.json)"
            )
    return held["runs"]


def write_study(
    path: Path, about: dict[str, Any], runs: list[dict[str, Any]], origin: dict[str, Any]
) -> None:
    """Write a study's file, or add runs to it: those of other arms and seeds that it holds stay.

    `origin` is what `made` said when the study started. Runs that were there already, in the file or as run folders, may have
    been made by other code: each line keeps the commit of its own run, and then the file says how many there are.

    Raises
    ------
    ResultsError
        If the file holds another study.
    """
    new = {(run["arm"], run["seed"]): run for run in runs}
    held = {(run["arm"], run["seed"]): run for run in held_runs(path, about)}
    order = {arm: place for place, arm in enumerate(ARMS)}  # an arm that is no longer there comes last
    both = {**held, **new}.values()
    lines = sorted(both, key=lambda run: (order.get(run["arm"], len(order)), run["arm"], run["seed"]))
    origin = {**origin, "seeds": sorted({run["seed"] for run in lines})}
    commits = {run["environment"]["git"] for run in lines}
    if commits != {origin["commit"]}:
        several = f"runs of {len(commits)} commits" if len(commits) > 1 else "runs of another commit"
        origin["note"] = "; ".join(filter(None, [origin["note"], f"{several}, see environment of each run"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {**about, "seeds": origin["seeds"], "made": origin, "runs": lines}, indent=1)


def summarise(runs: list[Any]) -> dict[str, Any]:
    """Return mean and standard deviation over runs of one arm, for every number in them (nested dicts alike)."""
    first = runs[0]
    if isinstance(first, dict):
        return {key: summarise([run[key] for run in runs]) for key in first}
    values = np.array([np.nan if run is None else run for run in runs], np.float64)
    return {"mean": float(values.mean()), "std": float(values.std(ddof=1)) if len(values) > 1 else None}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return round(value, 4) if isinstance(value, float) else value
