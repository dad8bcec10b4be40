"""Render SynthVI: people seen by visible and near-infrared cameras, as a data set folder.

    python data_scripts/render_synthvi.py --preset toy --out data/synthvi-toy
    python data_scripts/render_synthvi.py --preset toy --out data/synthvi-val --seed 1000
    python data_scripts/render_synthvi.py --preset toy --out data/easy --set rho=1 --set camera_gap=0.3
    python data_scripts/render_synthvi.py --preset toy --out data/elsewhere --world b
    python data_scripts/render_synthvi.py --preset sysu-shaped --out data/synthvi-sysu-shaped

The bytes depend on preset, seed and knobs only: not on the machine's number of cores.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import closing
from pathlib import Path

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the imports below take their second: end silently
os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core per worker process
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_scripts.stopping import interrupted, stoppable  # noqa: E402
from data_scripts.synthvi import dataset  # noqa: E402
from data_scripts.synthvi.world import (
    PRESETS,
    WORLDS,
    KnobError,
    apply_overrides,
    preset_by_name,
    world_by_name,
)  # noqa: E402


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Knobs: see World and Preset in world.py.",
    )
    parser.add_argument("--preset", default="toy", help=f"one of {', '.join(PRESETS)} (default: toy)")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument(
        "--seed", type=int, default=0, help="of people, places, cameras and shots (default: 0)"
    )
    parser.add_argument("--world", default="a", help=f"one of {', '.join(WORLDS)} (default: a)")
    parser.add_argument("--workers", type=int, help="processes (default: one per core)")
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="NAME=VALUE", help="change a knob"
    )
    parser.add_argument("--force", action="store_true", help="render again even if the folder is there")
    return parser.parse_args(arguments)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def render(options: argparse.Namespace) -> str:
    """Do what was asked for; returns a sentence about it."""
    world, preset = apply_overrides(
        world_by_name(options.world), preset_by_name(options.preset), options.overrides
    )
    if options.seed < 0:
        raise KnobError(f"The seed must not be negative, found {options.seed}.")
    workers = available_cores() if options.workers is None else options.workers
    if workers < 1:
        raise KnobError(f"--workers must be at least 1, found {workers}. Without it: one process per core.")
    made = dataset.description(options.seed, world, preset, options.preset)
    if not options.force and dataset.matches(options.out, made):
        return f"{options.out} is complete with this preset, seed and world: nothing to do (--force renders it again)."
    with closing(dataset.Progress(dataset.image_count(options.seed, world, preset))) as bar:
        total = dataset.write_dataset(
            options.out,
            seed=options.seed,
            world=world,
            preset=preset,
            preset_name=options.preset,
            workers=workers,
            overwrite=options.force,
            progress=bar,
        )
    return f"{options.out}: {total} images of {preset.train_people} + {preset.test_people} people"


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status: 0 done, 1 a worker died, 2 wrong request, 130 interrupted."""
    from dmic.images import DatasetError

    options = parse(arguments)
    try:
        with stoppable():
            print(render(options))
    except (KnobError, DatasetError, dataset.WorkerError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1 if isinstance(error, dataset.WorkerError) else 2
    except KeyboardInterrupt as error:
        return interrupted(error, options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
