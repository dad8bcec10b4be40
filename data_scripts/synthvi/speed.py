"""How fast one core renders, start-up and the cameras' frames left out: the same people again and again, nothing is written.

    python -m data_scripts.synthvi.speed                        # 128×64
    python -m data_scripts.synthvi.speed --preset sysu-shaped   # 288×144

Every person's shortest time shows what an undisturbed core does; on shared machines the median is longer.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from .knobs import KnobError, preset_by_name, world_by_name
from .world import PRESETS, WORLDS

if TYPE_CHECKING:  # imported below where it is needed: --help does not wait for compiled code
    import numpy as np

    from .render import Studio


def measure(studio: Studio, numbers: list[int], rounds: int) -> tuple[int, np.ndarray]:
    """Time the rendering of some people.

    Parameters
    ----------
    studio : Studio
        World, preset and seed.
    numbers : list of int
        Identities.
    rounds : int
        How often each is rendered; one more round before them compiles and is not counted.

    Returns
    -------
    count : int
        Images of these people.
    seconds : (rounds, people) float64
        CPU seconds for each person.
    """
    import numpy as np

    from .dataset import render_person

    seconds, count = np.empty((rounds + 1, len(numbers))), 0
    for again in range(rounds + 1):
        count = 0
        for column, number in enumerate(numbers):
            start = time.process_time()
            count += len(render_person(studio, number).images)
            seconds[again, column] = time.process_time() - start
    return count, seconds[1:]


def trace_frames(studio: Studio) -> float:
    """CPU seconds to trace the frames of all cameras, which the studio keeps; one round before compiles."""
    for number in studio.cameras:
        studio.trace(number)
    start = time.process_time()
    for number in studio.cameras:
        studio.place_picture(number)
    return time.process_time() - start


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status: 0 done, 2 wrong request."""
    parser = argparse.ArgumentParser(
        prog="python -m data_scripts.synthvi.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--preset", default="toy", help=f"one of {', '.join(PRESETS)} (default: toy)")
    parser.add_argument("--world", default="a", help=f"one of {', '.join(WORLDS)} (default: a)")
    parser.add_argument(
        "--people", type=int, default=8, help="how many, spread evenly over the preset's people (default: 8)"
    )
    parser.add_argument("--rounds", type=int, default=9, help="how often each is rendered (default: 9)")
    options = parser.parse_args(arguments)
    if min(options.people, options.rounds) < 1:
        parser.error(f"--people and --rounds must be at least 1, found {options.people} and {options.rounds}")
    try:
        world, preset = world_by_name(options.world), preset_by_name(options.preset)
    except KnobError as error:
        print(f"KnobError: {error}", file=sys.stderr)
        return 2
    import numpy as np

    from .dataset import people
    from .render import Studio

    numbers = np.linspace(1, len(people(preset)), options.people).astype(int).tolist()
    studio = Studio(0, world, preset)
    frames = trace_frames(studio)
    count, seconds = measure(studio, numbers, options.rounds)
    median, fastest, slowest = (f(seconds, axis=0).sum() for f in (np.median, np.min, np.max))
    print(
        f"{count} images of {preset.height}×{preset.width}, {options.rounds} times, one core: {count / median:.0f} images/s "
        f"(median), {count / fastest:.0f} undisturbed, {count / slowest:.0f} in the slowest moments"
    )
    print(f"before them, once: {len(studio.cameras)} frames traced in {frames:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
