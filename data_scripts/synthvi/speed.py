"""How fast one core renders, start-up left out: the same people again and again, nothing is written.

    python -m data_scripts.synthvi.speed                        # 128×64
    python -m data_scripts.synthvi.speed --preset sysu-shaped   # 288×144

Every person's shortest time shows what a core does that nobody disturbs; on shared machines the median is longer.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from .dataset import people, render_person
from .render import Studio
from .world import PRESETS, WORLDS, preset_by_name, world_by_name


def measure(studio: Studio, numbers: list[int], rounds: int) -> tuple[int, np.ndarray]:
    """Images of these people, and CPU seconds (rounds, people) for each of them; one more round before is not counted."""
    seconds, count = np.empty((rounds + 1, len(numbers))), 0
    for again in range(rounds + 1):
        count = 0
        for column, number in enumerate(numbers):
            start = time.process_time()
            count += len(render_person(studio, number)[0])
            seconds[again, column] = time.process_time() - start
    return count, seconds[1:]


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="toy", choices=list(PRESETS))
    parser.add_argument("--world", default="a", choices=list(WORLDS))
    parser.add_argument("--people", type=int, default=8, help="evenly over the preset's (default: 8)")
    parser.add_argument("--rounds", type=int, default=9, help="how often (default: 9)")
    options = parser.parse_args(arguments)
    if min(options.people, options.rounds) < 1:
        parser.error("--people and --rounds must be at least 1")
    preset = preset_by_name(options.preset)
    numbers = np.linspace(1, len(people(preset)), options.people).astype(int).tolist()
    count, seconds = measure(Studio(0, world_by_name(options.world), preset), numbers, options.rounds)
    median, fastest, slowest = (f(seconds, axis=0).sum() for f in (np.median, np.min, np.max))
    print(
        f"{count} images of {preset.height}×{preset.width}, {options.rounds} times, one core: {count / median:.0f} images/s "
        f"(median), {count / fastest:.0f} undisturbed, {count / slowest:.0f} in the slowest moments"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
