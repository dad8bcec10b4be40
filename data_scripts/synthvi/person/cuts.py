"""How garments are cut from two colours: yokes, panels, bands, stripes along a limb, patch pockets."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ..compiled import constants, inlined
from .mannequin import SHOULDER, WRIST


class Cut(IntEnum):
    """Where a garment shows its second colour, apart from its pattern."""

    NONE = 0
    YOKE = 1  # shoulders
    RAGLAN = 2  # sleeves, up to the collar
    HALF = 3  # one side
    DIAGONAL = 4  # above a slanting line
    PANELS = 5  # flanks
    SLEEVE_STRIPE = 6  # along the outside of the arms
    SLEEVE_STRIPES = 7  # two of them
    BANDS = 8  # hem and cuffs
    DOUBLE_BAND = 9  # two rings around chest and arms
    CHEST_POCKET = 10
    POCKETS = 11  # two in front
    KANGAROO = 12  # one wide pocket in front
    LEG_STRIPES = 13  # two along the outside of the legs
    CARGO = 14  # pockets at the outside of the thighs
    KNEES = 15  # patches
    SHANKS = 16  # everything below a line
    LEG = 17  # one leg


CUTS = constants(Cut)
CUFF = 0.11  # share of the arm
BAND = 0.055  # metres

_AXIS = (WRIST - SHOULDER) / np.linalg.norm(WRIST - SHOULDER)
_OUTWARD = np.array([1.0, 0.0, 0.0]) - _AXIS[0] * _AXIS  # from the arm's axis to its outside
_OUTWARD /= np.linalg.norm(_OUTWARD)
SHOULDER_X, SHOULDER_Y, SHOULDER_Z = SHOULDER.tolist()
OUT_X, OUT_Y, OUT_Z = _OUTWARD.tolist()
ACROSS_X, ACROSS_Y, ACROSS_Z = np.cross(_AXIS, _OUTWARD).tolist()
ARM_X, ARM_Y, ARM_Z = (WRIST - SHOULDER).tolist()
ARM_SQUARE = ARM_X**2 + ARM_Y**2 + ARM_Z**2


@inlined
def arm_share(x, y, z):
    """Place along the arm: 0 shoulder, 1 wrist."""
    return ((abs(x) - SHOULDER_X) * ARM_X + (y - SHOULDER_Y) * ARM_Y + (z - SHOULDER_Z) * ARM_Z) / ARM_SQUARE


@inlined
def arm_stripe(x, y, z):
    """Metres from the line along the outside of an arm; 1 on its inside."""
    dx, dy, dz = abs(x) - SHOULDER_X, y - SHOULDER_Y, z - SHOULDER_Z
    if dx * OUT_X + dy * OUT_Y + dz * OUT_Z < 0.0:
        return 1.0
    return abs(dx * ACROSS_X + dy * ACROSS_Y + dz * ACROSS_Z)


@inlined
def upper_cut(cut, x, y, z, share, on_arm, level, side, hem, sleeve):
    """Whether the cut of a top or coat shows its second colour here.

    ``share`` is the place along the arm (0 shoulder, 1 wrist), ``level`` 0..1 shifts lines, ``side`` ±1 is the side of cuts with one;
    ``hem`` and ``sleeve`` say where the garment ends (metres; share of the arm).
    """
    if on_arm:
        if cut == CUTS.YOKE:
            return share < 0.05 + 0.15 * level
        if cut == CUTS.HALF or cut == CUTS.DIAGONAL:
            return x * side > 0.0
        if cut == CUTS.SLEEVE_STRIPE:
            return arm_stripe(x, y, z) < 0.014 + 0.010 * level
        if cut == CUTS.SLEEVE_STRIPES:
            return 0.008 < arm_stripe(x, y, z) < 0.024
        if cut == CUTS.BANDS:
            return share > min(sleeve, 1.0) - CUFF
        if cut == CUTS.DOUBLE_BAND:
            return 0.14 < share < 0.22 or 0.32 < share < 0.40
        return cut == CUTS.RAGLAN
    if cut == CUTS.YOKE:
        return y > 0.37 + 0.08 * level + 0.25 * abs(x)
    if cut == CUTS.RAGLAN:
        return y > 0.30 and abs(x) > 0.05 + 0.45 * (0.57 - y)
    if cut == CUTS.HALF:
        return x * side > 0.0
    if cut == CUTS.DIAGONAL:
        return y - 0.20 - 0.16 * level + 0.9 * side * x > 0.0
    if cut == CUTS.PANELS:
        return abs(x) > 0.10 + 0.05 * level
    if cut == CUTS.BANDS:
        return y < hem + BAND
    if cut == CUTS.DOUBLE_BAND:
        below = abs(y - 0.30 - 0.06 * level)
        return 0.022 < below < 0.058
    return z > 0.03 and _pocket(cut, x, y, level, side, hem)


@inlined
def _pocket(cut, x, y, level, side, hem):
    """Whether a pocket on the front of a top or coat lies here."""
    if cut == CUTS.CHEST_POCKET:
        return abs(x - 0.085 * side) < 0.048 and 0.29 < y < 0.40
    if cut == CUTS.POCKETS:
        return abs(abs(x) - 0.10) < 0.055 and abs(y - max(hem + 0.12, 0.10 * level - 0.04)) < 0.075
    if cut == CUTS.KANGAROO:
        return max(0.03, hem + 0.03) < y < 0.17 and abs(x) < 0.20 - 0.6 * max(0.0, y - 0.06)
    return False


@inlined
def lower_cut(cut, x, y, z, level, side, hem):
    """Whether the cut of trousers or skirt shows its second colour here; arguments as in `upper_cut`."""
    beyond = abs(x) - 0.155 - 0.10 * max(0.0, -y)  # metres outside a line along the outside of the leg
    if cut == CUTS.LEG_STRIPES:
        return beyond > 0.0 and 0.010 < abs(z - 0.01) < 0.032
    if cut == CUTS.PANELS:
        return beyond > 0.0
    if cut == CUTS.CARGO:
        return beyond > -0.03 and abs(y + 0.32) < 0.085 and abs(z - 0.02) < 0.065
    if cut == CUTS.KNEES:
        return z > 0.015 and abs(y + 0.37) < 0.075
    if cut == CUTS.SHANKS:
        return y < -0.30 - 0.15 * level
    if cut == CUTS.LEG:
        return x * side > 0.0
    return cut == CUTS.BANDS and y < hem + BAND
