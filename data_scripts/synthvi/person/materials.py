"""What each material of a person looks like in the visible and at 850 nm.

Colours are *display* values 0..1 (what an uncorrected picture would show); reflectances used for shading are linear
(display ** GAMMA). In the near-infrared most dyes turn transparent, so a garment's brightness follows its visible luminance
only in part: ``World.nir_luminance_share`` says how much.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ..display import GAMMA
from ..world import World

NEAR_BLACK = 0.25  # display luminance below which cloth counts as black
CARBON_SHARE = 0.4  # share of black cloth that is black with carbon
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
    LOGO = 13
    SOCK = 14
    FACE_DARK = 15
    LIPS = 16
    SCARF = 17
    SCARF_SECOND = 18
    BELT = 19
    STRAP = 20  # of bags
    PRINT_SECOND = 21  # a print's second ink; the first is LOGO
    GLASSES = 22


def luminance(display: np.ndarray) -> np.ndarray:
    """Display brightness (…,) of display colours (…, 3)."""
    return (np.asarray(display, dtype=float) ** GAMMA @ LUMINANCE) ** (1.0 / GAMMA)


def infrared_display(colors: np.ndarray, rng: np.random.Generator, world: World) -> np.ndarray:
    """NIR brightness (materials,) of a person's materials from their display colours (materials, 3).

    Garments: ``s * luminance + (1 - s) * dye + scatter`` with the knob s = ``nir_luminance_share``. The brightness of the dye
    is uniform in 0..1 for colours; for near-black cloth it is 0 if the cloth is black with carbon (soot absorbs at every
    wavelength) and 0.7..1 if it is dyed. The knob ``nir_reflectance_std`` is the scatter's standard deviation. Skin is
    bright, hair medium.
    """
    dye = rng.uniform(0.0, 1.0, len(colors))
    carbon = rng.uniform(size=len(colors)) < CARBON_SHARE
    dye = np.where(luminance(colors) < NEAR_BLACK, np.where(carbon, 0.0, 0.7 + 0.3 * dye), dye)
    scatter = rng.normal(0.0, world.nir_reflectance_std, len(colors))
    bright = world.nir_luminance_share * luminance(colors) + (1.0 - world.nir_luminance_share) * dye + scatter
    bright = 0.06 + 0.88 * bright
    bright[Material.SKIN] = (
        0.80 + 0.3 * scatter[Material.SKIN] + 0.08 * (luminance(colors[Material.SKIN]) - 0.5)
    )
    bright[Material.HAIR] = 0.24 + 0.45 * luminance(colors[Material.HAIR]) + 0.3 * scatter[Material.HAIR]
    bright[Material.FACE_DARK] = 0.35
    bright[Material.LIPS] = 0.74
    return np.clip(bright, 0.04, 0.97)
