"""From a rest position to materials: stripes, cuts, prints; how crumpled the cloth is.

All of it happens per sample, so edges stay crisp on a coarse mesh, and moves with the body because rest positions do.
A sample's material is a mixture ``(first, second, share)``: ``share`` of the second, the rest of the first.
"""

from __future__ import annotations

import math

from ..compiled import constants, inlined
from .cuts import SHOULDER_X, SHOULDER_Y, SHOULDER_Z, lower_cut, upper_cut
from .face import head_material
from .mannequin import SHOULDER, WRIST
from .materials import Material
from .pieces import FOLD, MATERIAL, Fold, Surface
from .prints import bag_ink, coat_ink, thigh_ink, top_ink
from .shoes import shoe_material
from .wardrobe import Bag, Pattern

ROW, KIND, PATTERNS = constants(Material), constants(Surface), constants(Pattern)
FOLDS, BAGS = constants(Fold), constants(Bag)
ARM_X, ARM_Y, ARM_Z = (float(v) for v in WRIST - SHOULDER)
ARM_SQUARE = ARM_X**2 + ARM_Y**2 + ARM_Z**2


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
    if pattern == PATTERNS.RINGS:
        return odd(along, period)
    if pattern == PATTERNS.STRIPES:
        return odd(across + 100.25 * period, 0.8 * period)
    if pattern == PATTERNS.CHECKS:
        return odd(along, period) != odd(across + 100.25 * period, period)
    if pattern == PATTERNS.TWO_TONE:
        return (share > 0.45) if on_arm else y < split
    if pattern == PATTERNS.SIDES:
        return abs(x) > 0.15 and y > 0.17
    if pattern == PATTERNS.CHEST_BAND:
        return (0.18 < share < 0.42) if on_arm else abs(y - split) < 0.075
    return False


@inlined
def material_at(surface, x, y, z, style):
    """Mixture (first, second, share) of a sample from its surface and its rest position (metres)."""
    if surface == KIND.HEAD:
        return head_material(x, y, z, style)
    if surface == KIND.BODY:
        return (ROW.SOCK if y < style.sock_top else ROW.SKIN), ROW.SKIN, 0.0
    if surface == KIND.SCARF:
        return ROW.SCARF, ROW.SCARF_SECOND, 1.0 if odd(y + 2.0, 0.15) and style.scarf > 1.5 else 0.0
    if surface == KIND.SHOE:
        return shoe_material(x, y, z, style)
    if surface == KIND.BAG:
        return _bag(x, y, z, style)
    if surface == KIND.SKIRT or surface == KIND.BOTTOM:
        return _bottom(x, y, z, style)
    if FOLD[surface] == FOLDS.TRUNK or FOLD[surface] == FOLDS.SLEEVE:
        return _upper(surface, x, y, z, style)
    return MATERIAL[surface], MATERIAL[surface], 0.0


@inlined
def printed(first, second, share, ink, cover):
    """A mixture of a garment's two colours with a print over it; the first ink is the one of the two that lies not below."""
    if cover == 0.0:
        return first, second, share
    below, other = (second, first) if share > 0.5 else (first, second)
    return below, (other if ink == 1 else ROW.PRINT_SECOND), cover


@inlined
def _bag(x, y, z, style):
    """Body (|y| ≤ 1), lid (2.6 … 3.4) and pocket (−3.4 … −2.6) of a bag; seams and a buckle in the second colour."""
    ink, cover = bag_ink(x, y, z, style) if style.bag_print > 0.5 else (0, 0.0)
    if y > 2.0:
        return printed(ROW.BAG_SECOND, ROW.BAG, 0.0 if y < 2.72 else 0.35, ink, cover)
    if y < -2.0:
        return printed(ROW.BAG, ROW.BAG_SECOND, 1.0 if y > -2.70 else 0.35, ink, cover)
    return printed(ROW.BAG, ROW.BAG_SECOND, 0.8 if -0.10 < y < -0.02 else 0.0, ink, cover)


@inlined
def _upper(surface, x, y, z, style):
    """Tops and coats: pattern, cut and print."""
    on_arm = FOLD[surface] == FOLDS.SLEEVE
    share = arm_share(x, y, z) if on_arm else 0.0
    if MATERIAL[surface] == ROW.COAT:
        return _coat(x, y, z, share, on_arm, style)
    second = second_color(style.top_pattern, x, y, share, on_arm, style.top_period, style.top_split)
    if style.top_cut > 0.5:
        level, side, hem = style.cut_level, style.cut_side, style.top_hem
        second |= upper_cut(style.top_cut, x, y, z, share, on_arm, level, side, hem, style.sleeve)
    ink, cover = 0, 0.0
    if style.top_print > 0.5 and not on_arm:
        ink, cover = top_ink(x, y, z, style)
    below = ROW.TOP_SECOND if second else ROW.TOP
    return below, (ROW.LOGO if ink == 1 else ROW.PRINT_SECOND), cover


@inlined
def _coat(x, y, z, share, on_arm, style):
    """Pattern, cut, zip and print of a coat."""
    if style.coat_open == 0.0 and not on_arm and z > 0.02 and abs(x) < 0.006:
        return ROW.COAT, ROW.COAT_SECOND, 0.5  # zip
    period, split = 2.0 * style.top_period, style.top_split - 0.1
    second = second_color(style.coat_pattern, x, y, share, on_arm, period, split)
    if style.coat_cut > 0.5:
        level, side, hem = style.cut_level, style.cut_side, style.coat_hem
        second |= upper_cut(style.coat_cut, x, y, z, share, on_arm, level, side, hem, 1.0)
    ink, cover = 0, 0.0
    if style.coat_print > 0.5:
        ink, cover = coat_ink(x, y, z, share, on_arm, style)
    return printed(ROW.COAT, ROW.COAT_SECOND, 1.0 if second else 0.0, ink, cover)


@inlined
def _bottom(x, y, z, style):
    """Trousers or skirt."""
    kind, period = style.bottom_pattern, style.bottom_period
    if style.skirt < 0.5 and 0.125 < y < 0.157:
        return ROW.BOTTOM, ROW.BELT, 0.9 if style.belt > 0.5 else 0.25  # waistband or belt
    if kind == PATTERNS.SIDE_STRIPE:  # along the outside of the legs
        edge = 0.16 + 0.09 * max(0.0, -y)
        return ROW.BOTTOM, ROW.BOTTOM_SECOND, 1.0 if abs(x) > edge and abs(z - 0.01) < 0.028 else 0.0
    if kind == PATTERNS.FADE:  # washed-out thighs and knees
        front = min(1.0, max(0.0, (z - 0.01) / 0.06)) * math.exp(-(((y + 0.24) / 0.16) ** 2))
        return ROW.BOTTOM, ROW.BOTTOM_SECOND, 0.55 * front
    second, ink, cover = False, 0, 0.0
    if style.bottom_cut > 0.5:
        second = lower_cut(style.bottom_cut, x, y, z, style.cut_level, style.cut_side, style.bottom_hem)
    if style.bottom_print != 0.0 and style.skirt < 0.5:
        ink, cover = thigh_ink(x, y, z, style)
    if style.skirt > 0.5:
        x = 0.19 * math.atan2(x, z - 0.03)  # along the cloth
    second |= second_color(kind, x, y, 0.0, False, period, 0.0)
    return printed(ROW.BOTTOM, ROW.BOTTOM_SECOND, 1.0 if second else 0.0, ink, cover)


@inlined
def bell(distance):
    """exp(−distance²), but 0 where a sum of about 1 would not feel it: most samples are far from most joints."""
    square = distance**2
    return math.exp(-square) if square < 40.0 else 0.0


@inlined
def crumple(fold, x, y, z, style):
    """How strongly cloth is wrinkled here by folds across and along the limb: across at joints, along where it hangs."""
    if fold == FOLDS.LEG:
        loose = 0.45 + min(1.0, style.bottom_volume / 0.02)
        knee, groin, ankle = bell((y + 0.37) / 0.08), bell((y + 0.01) / 0.07), bell((y + 0.72) / 0.06)
        return loose * (0.10 + 0.60 * knee + 0.45 * groin + 0.65 * ankle), 0.35 * loose
    if fold == FOLDS.SLEEVE:
        return 0.20 + 0.75 * bell((arm_share(x, y, z) - 0.52) / 0.16), 0.35
    if fold == FOLDS.TRUNK:
        loose = 0.5 + min(1.0, style.top_volume / 0.025)
        hanging = min(1.0, max(0.0, 5.0 * (0.15 - y)))
        return loose * (0.15 + 0.45 * bell((y - 0.12) / 0.10)), loose * (0.28 + 0.25 * hanging)
    if fold == FOLDS.SKIRT:
        return 0.10, 0.75
    if fold == FOLDS.SCARF:
        return 1.2, 1.2
    return 0.0, 0.0
