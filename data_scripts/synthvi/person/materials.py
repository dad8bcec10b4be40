"""The materials of a person, as rows of tables, and how bright a colour looks.

Colours are *display* values 0..1 (what an uncorrected picture would show); reflectances used for shading are linear
(display ** GAMMA). `colors` draws what materials look like in visible light, `cloth` what they reflect at 850 nm.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ..display import GAMMA

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709


class Material(IntEnum):
    """Index of a row in a person's tables of reflectances."""

    SKIN = 0
    HAIR = 1
    TOP = 2
    TOP_SECOND = 3
    BOTTOM = 4
    BOTTOM_SECOND = 5
    COAT = 6
    COAT_SECOND = 7
    SHOE = 8
    SOLE = 9
    HAT = 10
    BAG = 11
    BAG_SECOND = 12
    LOGO = 13  # first ink of prints on tops
    SOCK = 14
    FACE_DARK = 15
    LIPS = 16
    SCARF = 17
    SCARF_SECOND = 18
    BELT = 19
    STRAP = 20  # of bags
    PRINT_SECOND = 21  # second ink of prints; the first is LOGO on tops, elsewhere the garment's other colour
    GLASSES = 22


def luminance(display: np.ndarray) -> np.ndarray:
    """Display brightness (…,) of display colours (…, 3)."""
    return (np.asarray(display, dtype=float) ** GAMMA @ LUMINANCE) ** (1.0 / GAMMA)
