"""From a rest position to materials: stripes, checks, logos, soles, how crumpled the cloth is.

All of it happens per sample, so edges stay crisp on a coarse mesh, and moves with the body because rest positions do.
A sample's material is a mixture ``(first, second, share)``: ``share`` of the second, the rest of the first.
"""

from __future__ import annotations

import math

from ..compiled import inlined
from .face import head_material
from .mannequin import SHOULDER, WRIST
from .materials import Material
from .pieces import Surface
from .shoes import SOLE as SOLE_HEIGHT
from .wardrobe import Pattern

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
BAG, BAG_SECOND, LOGO, SOCK, STRAP = (
    int(Material.BAG),
    int(Material.BAG_SECOND),
    int(Material.LOGO),
    int(Material.SOCK),
    int(Material.STRAP),
)
BODY_S, HEAD_S, HAND_S, SHOE_S = int(Surface.BODY), int(Surface.HEAD), int(Surface.HAND), int(Surface.SHOE)
TOP_S, SLEEVE_S, BOTTOM_S, BAG_S = (
    int(Surface.TOP),
    int(Surface.SLEEVE),
    int(Surface.BOTTOM),
    int(Surface.BAG),
)
STRAP_S, COAT_S, COAT_SLEEVE_S, SKIRT_S = (
    int(Surface.STRAP),
    int(Surface.COAT),
    int(Surface.COAT_SLEEVE),
    int(Surface.SKIRT),
)
HAIR_S, HAT_S, SCARF_S = int(Surface.HAIR), int(Surface.HAT), int(Surface.SCARF)
RINGS, STRIPES, CHECKS = int(Pattern.RINGS), int(Pattern.STRIPES), int(Pattern.CHECKS)
TWO_TONE, SIDES, CHEST_BAND = int(Pattern.TWO_TONE), int(Pattern.SIDES), int(Pattern.CHEST_BAND)
SIDE_STRIPE, FADE = int(Pattern.SIDE_STRIPE), int(Pattern.FADE)
ARM_X, ARM_Y, ARM_Z = (float(v) for v in WRIST - SHOULDER)
ARM_SQUARE = ARM_X**2 + ARM_Y**2 + ARM_Z**2
SHOULDER_X, SHOULDER_Y, SHOULDER_Z = (float(v) for v in SHOULDER)


@inlined
def arm_share(x, y, z):
    """Place along the arm: 0 shoulder, 1 wrist."""
    return ((abs(x) - SHOULDER_X) * ARM_X + (y - SHOULDER_Y) * ARM_Y + (z - SHOULDER_Z) * ARM_Z) / ARM_SQUARE


@inlined
def odd(value, period):
    """True in every second half-period."""
    return math.floor(2.0 * value / period) % 2 != 0


@inlined
def second_color(pattern, x, y, share, on_arm, period, split):
    """Whether a pattern shows its second colour here (``share``: place along the arm)."""
    along = -0.43 * share if on_arm else y  # sleeves get rings, too
    across = 0.6 * y if on_arm else x
    if pattern == RINGS:
        return odd(along, period)
    if pattern == STRIPES:
        return odd(across + 100.25 * period, 0.8 * period)
    if pattern == CHECKS:
        return odd(along, period) != odd(across + 100.25 * period, period)
    if pattern == TWO_TONE:
        return (share > 0.45) if on_arm else y < split
    if pattern == SIDES:
        return abs(x) > 0.15 and y > 0.17
    if pattern == CHEST_BAND:
        return (0.18 < share < 0.42) if on_arm else abs(y - split) < 0.075
    return False


@inlined
def material_at(surface, x, y, z, style):
    """Mixture (first, second, share) of a sample from its surface and its rest position (metres)."""
    if surface == HEAD_S:
        return head_material(x, y, z, style)
    if surface == HAND_S:
        return SKIN, SKIN, 0.0
    if surface == BODY_S:
        return (SOCK if y < style.sock_top else SKIN), SKIN, 0.0
    if surface == HAIR_S:
        return HAIR, HAIR, 0.0
    if surface == HAT_S:
        return HAT, HAT, 0.0
    if surface == SCARF_S:
        return BAG_SECOND, HAT, 1.0 if odd(y + 2.0, 0.15) and style.scarf > 1.5 else 0.0
    if surface == SHOE_S:
        return (SOLE if y < SOLE_HEIGHT + 0.001 else SHOE), SHOE, 0.0
    if surface == STRAP_S:
        return STRAP, STRAP, 0.0
    if surface == BAG_S:
        return _bag(y)
    if surface == SKIRT_S or surface == BOTTOM_S:
        return _bottom(x, y, z, style)
    return _upper(surface, x, y, z, style)


@inlined
def _bag(y):
    """Body (|y| ≤ 1), lid (2.6 … 3.4) and pocket (−3.4 … −2.6) of a bag; seams and a buckle in the second colour."""
    if y > 2.0:
        return BAG_SECOND, BAG, 0.0 if y < 2.72 else 0.35
    if y < -2.0:
        return BAG, BAG_SECOND, 1.0 if y > -2.70 else 0.35
    return BAG, BAG_SECOND, 0.8 if -0.10 < y < -0.02 else 0.0


@inlined
def _upper(surface, x, y, z, style):
    """Tops and coats with pattern and logo."""
    on_arm = surface == SLEEVE_S or surface == COAT_SLEEVE_S
    share = arm_share(x, y, z) if on_arm else 0.0
    if surface == COAT_S or surface == COAT_SLEEVE_S:
        if style.coat_open == 0.0 and not on_arm and z > 0.02 and abs(x) < 0.006:
            return COAT, COAT_SECOND, 0.5  # zip
        second = second_color(
            style.coat_pattern, x, y, share, on_arm, 2.0 * style.top_period, style.top_split - 0.1
        )
        return COAT, COAT_SECOND, 1.0 if second else 0.0
    if style.logo > 0.5 and not on_arm:
        chest = (style.logo == 1 or style.logo == 3) and z > 0.04
        back = style.logo >= 2 and z < 0.0
        u, v = abs(x) / style.logo_size, abs(y - 0.36) / (0.7 * style.logo_size)
        round_one = style.fold_phase > 3.0
        inside = (u * u + v * v < 1.0) if round_one else (max(u, v) < 1.0 and not 0.25 < v < 0.45)
        if (chest or back) and inside:
            return LOGO, TOP, 0.0
    second = second_color(style.top_pattern, x, y, share, on_arm, style.top_period, style.top_split)
    return TOP, TOP_SECOND, 1.0 if second else 0.0


@inlined
def _bottom(x, y, z, style):
    """Trousers or skirt."""
    kind, period = style.bottom_pattern, style.bottom_period
    if style.skirt < 0.5 and 0.125 < y < 0.157:
        return BOTTOM, SHOE, 0.9 if style.belt > 0.5 else 0.25  # waistband or belt
    if kind == SIDE_STRIPE:  # along the outside of the legs
        edge = 0.16 + 0.09 * max(0.0, -y)
        return BOTTOM, BOTTOM_SECOND, 1.0 if abs(x) > edge and abs(z - 0.01) < 0.028 else 0.0
    if kind == FADE:  # washed-out thighs and knees
        front = min(1.0, max(0.0, (z - 0.01) / 0.06)) * math.exp(-(((y + 0.24) / 0.16) ** 2))
        return BOTTOM, BOTTOM_SECOND, 0.55 * front
    if style.skirt > 0.5:
        x = 0.19 * math.atan2(x, z - 0.03)  # along the cloth
    return BOTTOM, BOTTOM_SECOND, 1.0 if second_color(kind, x, y, 0.0, False, period, 0.0) else 0.0


@inlined
def bell(distance):
    """exp(−distance²), but 0 where a sum of about 1 would not feel it: most samples are far from most joints."""
    square = distance**2
    return math.exp(-square) if square < 40.0 else 0.0


@inlined
def crumple(surface, x, y, z, style):
    """How strongly cloth is wrinkled here: more at joints and where it is wide, less where it is stretched."""
    if surface == BOTTOM_S:
        loose = 0.45 + min(1.0, style.bottom_volume / 0.02)
        knee, groin, ankle = bell((y + 0.37) / 0.08), bell((y + 0.01) / 0.07), bell((y + 0.74) / 0.06)
        return loose * (0.45 + 0.8 * knee + 0.7 * groin + 0.9 * ankle)
    if surface == SLEEVE_S or surface == COAT_SLEEVE_S:
        share = arm_share(x, y, z)
        return 0.55 + 0.9 * bell((share - 0.52) / 0.16)
    if surface == TOP_S or surface == COAT_S:
        loose = 0.5 + min(1.0, style.top_volume / 0.025)
        return loose * (0.45 + 0.6 * bell((y - 0.12) / 0.10))
    if surface == SKIRT_S:
        return 0.8
    if surface == SCARF_S:
        return 1.5
    return 0.0
