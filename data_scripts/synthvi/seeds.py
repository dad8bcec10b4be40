"""One seed, many independent generators: every draw depends on what it is for, never on the order of work."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a generator draws."""

    CAMERA = 1
    VIEWPOINT = 2
    PLACE = 3
    SPOT = 4
    PALETTE = 5
    PERSON = 6
    SUBSET = 7
    CAPTURE = 8
    HEADINGS = 9
    SEASON = 10
    BYSTANDER = 11
    OBSTACLE = 12
    WALK = 13


def root(seed: int, world_name: str) -> int:
    """Seed of all draws of one world: worlds of another name share nothing, even with the same ``seed``."""
    return seed + (ord(world_name[0]) - ord("a")) * 2**32


def generator(seed: int, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """Generator for one purpose in the world ``seed``; ``numbers`` say for which person, camera, capture …."""
    return np.random.default_rng(np.random.SeedSequence([seed, int(purpose), *numbers]))
