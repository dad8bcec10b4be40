"""Train both phases on a data set; the run folder can be resumed, reported on and used.

    dmic train --preset toy                                     # people are rendered first where they are missing
    dmic train --preset sysu-mm01 --data data/sysu-mm01 --run runs/sysu --set training.epochs=30 loss.tau=0.07
    torchrun --nproc_per_node 2 -m -- dmic train --preset regdb --data data/regdb

The same command goes on where an earlier one stopped, and reads a finished run; --restart begins anew. Another data.protocol
scores a finished run without training.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dmic.config import PRESETS, preset, with_overrides
from dmic.evaluation.ranking import SCORES
from dmic.storage.dataset_folder import DatasetError
from dmic.storage.project import default_data_folder, ensure_data, project_path

__all__ = ["json_object", "main", "parser", "setting"]


def setting(text: str) -> tuple[str, Any]:
    """Read ``field=value``: the value is JSON where it can be (3, 0.5, true, null), else text.

    Examples
    --------
    >>> setting("training.epochs=3"), setting("backbone.weights=random")
    (('training.epochs', 3), ('backbone.weights', 'random'))
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(
            f"found {text!r}; expected field=value, for example training.epochs=3"
        )
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def json_object(text: str) -> dict[str, Any]:
    """Read ``{"field": value, ...}``."""
    try:
        fields = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"found {text!r}, which is not JSON ({error})") from None
    if not isinstance(fields, dict):
        raise argparse.ArgumentTypeError(
            f'found {text!r}; expected an object, for example {{"training.epochs": 3}}'
        )
    return fields


def parser() -> argparse.ArgumentParser:
    """Return the options of ``dmic train``."""
    options = argparse.ArgumentParser(
        prog="dmic train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = options.add_argument
    add("--preset", default="toy", help=f"one of {', '.join(PRESETS)} (default: toy)")
    add("--data", type=Path, help="prepared data set folder (default: data/<preset> of the clone)")
    add("--run", type=Path, help="run folder (default: runs/<preset> or runs/<preset>-seed<N> of the clone)")
    add("--seed", type=int, default=0, help="of weights, sampling, augmentation, memories (default: 0)")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"), help="(default: auto)")
    add("--set", dest="settings", type=setting, nargs="+", action="extend", default=[], metavar="FIELD=VALUE",
        help="change fields of the configuration, see dmic/config.py")  # fmt: skip
    add("--overrides", type=json_object, default={}, metavar="JSON", help="the same as one JSON object")
    add("--restart", action="store_true", help="delete the run that is in the run folder, and train anew")
    add("--traceback", action="store_true", help="show where an error arose")
    return options


def main(arguments: Sequence[str]) -> int:
    """Run ``dmic train``; returns the exit status."""
    options = parser().parse_args(arguments)
    fields = {"training.seed": options.seed, "training.device": options.device}
    config = with_overrides(preset(options.preset), {**fields, **options.overrides, **dict(options.settings)})
    seed = config.training.seed
    default_run = project_path(f"runs/{options.preset}{f'-seed{seed}' if seed else ''}")
    run_dir = options.run.absolute() if options.run else default_run
    folder = options.data.absolute() if options.data else default_data_folder(options.preset)
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1  # under torchrun
    if several and not (folder / "dataset.json").is_file():
        raise DatasetError(
            f"no data set in {folder}; several processes make none: render or prepare it first"
        )
    if config.training.device == "cuda":  # before anything is rendered; torch takes seconds to load
        from dmic.compute.devices import check_device

        check_device(config.training)
    data = ensure_data(folder, preset=options.preset)

    from dmic.images import open_dataset  # torch takes seconds: after what may be wrong with the request
    from dmic.storage.checkpoints import Checkpoints
    from dmic.training import fit

    table = open_dataset(data)
    try:
        result = fit(config, table, run_dir=run_dir, resume=not options.restart)
    except KeyboardInterrupt:
        whole = Checkpoints(run_dir / "checkpoints").epochs()
        without = " without --restart (make: FRESH=1)" if options.restart else ""
        kept = (
            f"epoch {whole[-1]} is whole, and the same command{without} goes on from there"
            if whole
            else "no epoch yet"
        )
        print(f"\ninterrupted; {kept} ({run_dir})", file=sys.stderr)
        return 130
    if not several or os.environ.get("RANK") == "0":
        _print(result.summary, run_dir)
    return 0


def _print(summary: dict[str, Any], run_dir: Path) -> None:
    for stage, name in {
        "start": "before training",
        "phase1": "after phase 1",
        "final": "after phase 2",
    }.items():
        scores = "   ".join(f"{SCORES[key]} {summary[stage][key]:5.1f} %" for key in ("rank1", "mAP", "mINP"))
        print(f"{name:<16} {scores}")
    skipped = f", {n} skipped without a true match" if (n := summary["queries_skipped"]) else ""
    unused = f"; {n} test images not used" if (n := summary["unused_test_images"]) else ""
    print(f"by protocol {summary['protocol']}: {summary['queries']} queries{skipped}{unused}")
    print(f"Run: {run_dir}   (its page: dmic report {run_dir})")
