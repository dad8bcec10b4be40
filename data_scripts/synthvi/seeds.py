"""One seed, many independent generators: every draw depends on what it is for, never on the order of work.

`generator` serves the chains of SynthVI 2: one generator for many attributes drawn one after another, which is why nothing may
ever be inserted there: it would change all that follows. Whatever is new takes `Draws`, one generator a name.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a generator draws."""

    CAMERA = 1
    VIEWPOINT = 2
    PLACE = 3
    PALETTE = 5
    PERSON = 6
    SUBSET = 7
    SEASON = 10
    BYSTANDER = 11


def root(seed: int, world_name: str) -> int:
    """Seed of all draws of one world: worlds of another name share nothing, even with the same ``seed``."""
    return seed + (ord(world_name[0]) - ord("a")) * 2**32


def generator(seed: int, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """Generator for one purpose in the world ``seed``; ``numbers`` say for which person, camera, capture …."""
    return np.random.default_rng(np.random.SeedSequence([seed, int(purpose), *numbers]))


class Draws:
    """Generators of one thing (a person, a capture, …), each named by a word: what one draws never changes what others draw.

    Draw always and use maybe: an attribute that is drawn only for those who have it is a chain again.

    >>> draws = Draws(7, "person", 17)
    >>> float(draws("collar").uniform()) == float(draws("collar").uniform())
    True
    """

    def __init__(self, *path: int | str) -> None:
        self._path = path

    def __call__(self, name: str) -> np.random.Generator:
        """Return the generator of that name, at its beginning."""
        text = "/".join(map(str, (*self._path, name)))
        seed = hashlib.blake2b(text.encode(), digest_size=16).digest()
        return np.random.default_rng(np.frombuffer(seed, "<u4"))  # as the whole number would, but faster
