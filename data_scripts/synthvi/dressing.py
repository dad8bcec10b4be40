"""From a rest position to a material: where sleeves and hems end, stripes, checks, logos, hair, faces.

All of it happens per sample, so edges stay crisp on a coarse mesh, and moves with the body because rest positions do.
"""

from __future__ import annotations

import math

import numba

from .materials import Material
from .outfit import SHOULDER, WRIST, Surface
from .wardrobe import Bag, Hair, Pattern

# numba reads these as constants
SKIN, HAIR, TOP, TOP_SECOND = (
    int(Material.SKIN),
    int(Material.HAIR),
    int(Material.TOP),
    int(Material.TOP_SECOND),
)
BOTTOM, BOTTOM_SECOND, COAT = int(Material.BOTTOM), int(Material.BOTTOM_SECOND), int(Material.COAT)
COAT_SECOND, SHOE, SOLE, HAT = (
    int(Material.COAT_SECOND),
    int(Material.SHOE),
    int(Material.SOLE),
    int(Material.HAT),
)
BAG, BAG_SECOND, LOGO, SOCK = (
    int(Material.BAG),
    int(Material.BAG_SECOND),
    int(Material.LOGO),
    int(Material.SOCK),
)
FACE_DARK, LIPS = int(Material.FACE_DARK), int(Material.LIPS)
ARM, HEAD, HAND, SKIRT = int(Surface.ARM), int(Surface.HEAD), int(Surface.HAND), int(Surface.SKIRT)
LONG = int(Hair.LONG)
HAIR_SURFACE, BAG_SURFACE, BRIM = int(Surface.HAIR), int(Surface.BAG), int(Surface.BRIM)
RINGS, STRIPES, CHECKS = int(Pattern.RINGS), int(Pattern.STRIPES), int(Pattern.CHECKS)
TWO_TONE, SIDES, CHEST_BAND = int(Pattern.TWO_TONE), int(Pattern.SIDES), int(Pattern.CHEST_BAND)
BACKPACK, SHOULDER_BAG = int(Bag.BACKPACK), int(Bag.SHOULDER)
ARM_X, ARM_Y, ARM_Z = (float(v) for v in WRIST - SHOULDER)
ARM_SQUARE = ARM_X**2 + ARM_Y**2 + ARM_Z**2
SHOULDER_X, SHOULDER_Y, SHOULDER_Z = (float(v) for v in SHOULDER)


@numba.njit(cache=True)
def odd(value, period):
    """True in every second half-period."""
    return math.floor(2.0 * value / period) % 2 != 0


@numba.njit(cache=True)
def second_color(pattern, x, y, share, on_arm, period, split):
    """Whether a pattern shows its second colour here (``share``: place along the arm)."""
    along = -0.55 * share if on_arm else y  # sleeves get rings, too
    across = y * 0.5 if on_arm else x
    if pattern == RINGS:
        return odd(along, period)
    if pattern == STRIPES:
        return odd(across + 100.25 * period, 0.8 * period)
    if pattern == CHECKS:
        return odd(along, period) != odd(across + 100.25 * period, period)
    if pattern == TWO_TONE:
        return (share > 0.45) if on_arm else y < split
    if pattern == SIDES:
        return on_arm or abs(x) > 0.14
    if pattern == CHEST_BAND:
        return (0.18 < share < 0.42) if on_arm else abs(y - split) < 0.075
    return False


@numba.njit(cache=True)
def material_at(surface, x, y, z, style):
    """Material of a sample from its surface and its rest position (metres)."""
    if surface == HEAD:
        return _head(x, y, z, style)
    if surface == HAND:
        return SKIN
    if surface == HAIR_SURFACE:
        return HAIR
    if surface == BRIM:
        return HAT
    if surface == BAG_SURFACE:
        return BAG_SECOND if (y > 0.62 or (abs(x) < 0.55 and -0.7 < y < -0.15 and abs(z) > 0.5)) else BAG
    if surface == SKIRT:
        if style.coat > 0.5:
            return _coat(x, y, 0.0, False, style)
        return _bottom(x, y, style)
    return _cloth(surface == ARM, x, y, z, style)


@numba.njit(cache=True)
def _cloth(on_arm, x, y, z, style):
    """Trunk, arms, legs and feet."""
    share = ((abs(x) - SHOULDER_X) * ARM_X + (y - SHOULDER_Y) * ARM_Y + (z - SHOULDER_Z) * ARM_Z) / ARM_SQUARE
    if on_arm:
        if style.coat > 0.5:
            return _coat(x, y, share, True, style)
        return _top(x, y, z, share, True, style) if share < style.sleeve else SKIN
    if y < style.shoe_top:
        return SOLE if y < -0.795 else SHOE
    strap = _strap(x, y, z, style)
    if strap >= 0:
        return strap
    if style.coat > 0.5 and y > style.coat_hem:
        open_half = style.coat_open + 0.5 * max(0.0, y - 0.35) * (style.coat_open > 0)
        if not (z > 0.0 and abs(x) < open_half) and y < 0.60:
            return _coat(x, y, 0.0, False, style)
    if y > style.top_hem:
        collar = style.neckline + 0.6 * abs(x) if z > 0.03 else max(style.neckline, 0.565)
        return SKIN if y > collar else _top(x, y, z, 0.0, False, style)
    if style.skirt > 0.5:
        return (
            _bottom(x, y, style)
            if y > max(style.bottom_hem, -0.05)
            else (SOCK if y < style.sock_top else SKIN)
        )
    if y > style.bottom_hem:
        return _bottom(x, y, style)
    return SOCK if y < style.sock_top else SKIN


@numba.njit(cache=True)
def _top(x, y, z, share, on_arm, style):
    """Shirt or jumper with pattern and logo."""
    if style.logo > 0.5 and not on_arm:
        chest = (style.logo == 1 or style.logo == 3) and z > 0.04
        back = style.logo >= 2 and z < 0.0
        inside = abs(x) < style.logo_size and abs(y - 0.36) < 0.7 * style.logo_size
        if (chest or back) and inside:
            return LOGO
    second = second_color(style.top_pattern, x, y, share, on_arm, style.top_period, style.top_split)
    return TOP_SECOND if second else TOP


@numba.njit(cache=True)
def _coat(x, y, share, on_arm, style):
    """Coat or jacket."""
    second = second_color(
        style.coat_pattern, x, y, share, on_arm, 2.0 * style.top_period, style.top_split - 0.1
    )
    return COAT_SECOND if second else COAT


@numba.njit(cache=True)
def _bottom(x, y, style):
    """Trousers or skirt."""
    kind, period = style.bottom_pattern, style.bottom_period
    if kind == 1:  # a stripe along the outside of the legs
        return BOTTOM_SECOND if abs(x) > 0.16 + 0.09 * max(0.0, -y) else BOTTOM
    if kind == 2:
        return BOTTOM_SECOND if odd(y, period) != odd(x + 100.25 * period, period) else BOTTOM
    if kind == 3:
        return BOTTOM_SECOND if odd(y, 2.5 * period) else BOTTOM
    return BOTTOM


@numba.njit(cache=True)
def _strap(x, y, z, style):
    """Straps of backpacks and shoulder bags; -1 where there is none."""
    if style.bag == BACKPACK and y > 0.2 and 0.085 < abs(x) < 0.125 and (z > 0.0 or y > 0.45):
        return BAG
    if style.bag == SHOULDER_BAG and 0.0 < y < 0.56 and abs((y - 0.03) - 1.75 * (x + 0.15)) < 0.055:
        return BAG
    return -1


@numba.njit(cache=True)
def _head(x, y, z, style):
    """Hat, hair, eyes, beard, lips, skin."""
    if style.hat > 0.5 and y > style.hat_line - 0.35 * (0.06 - min(z, 0.06)):
        return HAT
    if style.hair > 0.5 and y > 0.700 + 0.65 * min(max(z, -0.05), 0.2) + style.hairline:
        return HAIR
    if style.hair == LONG and z < 0.05 and y > max(0.56, style.hair_bottom):
        return HAIR  # under the strands
    if z > 0.08:
        if 0.718 < y < 0.752 and 0.014 < abs(x) < 0.048 and (y < 0.733 or y > 0.744):
            return FACE_DARK
        if abs(x) < 0.026 and 0.649 < y < 0.662:
            return LIPS
        if style.beard > 0.5 and 0.60 < y < 0.672:
            return HAIR
    elif style.beard > 0.5 and 0.625 < y < 0.70 and z > 0.045:
        return HAIR
    return SKIN
