"""Render SynthVI: people seen by visible and near-infrared cameras, as a data set folder.

    python data_scripts/render_synthvi.py --preset toy --out data/synthvi-toy
    python data_scripts/render_synthvi.py --preset toy --out data/synthvi-val --seed 1000
    python data_scripts/render_synthvi.py --preset toy --out data/easy --set nir_gray_copy=1 --set camera_gap=0.3
    python data_scripts/render_synthvi.py --preset toy --out data/elsewhere --world b
    python data_scripts/render_synthvi.py --preset sysu-shaped --out data/synthvi-sysu-shaped

The bytes depend on world, preset, seed and knobs, not on the number of processes.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import closing
from pathlib import Path

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl-C during the imports, those in `main` included, ends silently.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core per worker process
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_scripts.stopping import interrupted, stoppable  # noqa: E402
from data_scripts.synthvi.knobs import (  # noqa: E402
    KnobError,
    help_text,
    request,
)
from data_scripts.synthvi.world import PRESETS, WORLDS  # noqa: E402


def parse(arguments: list[str] | None, prog: str | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=help_text(),
    )
    parser.add_argument("--preset", default="toy", help=f"one of {', '.join(PRESETS)} (default: toy)")
    parser.add_argument("--out", type=Path, required=True, help="data set folder to make")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed gives other people, places and cameras (default: 0)"
    )
    parser.add_argument("--world", default="a", help=f"one of {', '.join(WORLDS)} (default: a)")
    parser.add_argument("--workers", type=int, help="processes (default: one per core)")
    parser.add_argument(
        "--set",
        dest="overrides",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="change knobs",
    )
    parser.add_argument("--force", action="store_true", help="replace a data set folder that is there")
    return parser.parse_args(arguments)


def render(options: argparse.Namespace) -> str:
    """Render a data set folder as the command line asks; returns a sentence about it."""
    from data_scripts.synthvi import dataset
    from dmic.compute.threads import available_cpus

    world, preset = request(options.world, options.preset, options.overrides)
    if options.seed < 0:
        raise KnobError(f"The seed must be 0 or more, found {options.seed}.")
    workers = available_cpus() if options.workers is None else options.workers
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


def main(arguments: list[str] | None = None, prog: str | None = None) -> int:
    """Command line; returns the exit status: 0 done, 1 a worker died, 2 wrong request, 130 interrupted."""
    options = parse(arguments, prog)
    from data_scripts.synthvi import dataset  # not before --help: compiled code takes a second to load
    from dmic.images import DatasetError

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
