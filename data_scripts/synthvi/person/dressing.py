"""From a rest position to materials: stripes, cuts, prints.

All of it happens per sample, so edges stay crisp on a coarse mesh, and moves with the body because rest positions do.
A sample's material is a mixture ``(first, second, share)``: ``share`` of the second, the rest of the first. So a pattern that is
too fine for the samples can be what the eye sees of it, the mean of its colours.
"""

from __future__ import annotations

import math

from ..compiled import constants, inlined
from .cuts import arm_share, lower_cut, upper_cut
from .face import head_material
from .folds import clear
from .materials import Material
from .pieces import FOLD, MATERIAL, Fold, Surface
from .prints import bag_ink, coat_ink, thigh_ink, top_ink
from .shoes import shoe_material
from .wardrobe import Bag, Pattern

ZIP = 0.012  # metres
ROW, KIND, PATTERNS = constants(Material), constants(Surface), constants(Pattern)
FOLDS, BAGS = constants(Fold), constants(Bag)


@inlined
def wave(value, period, fine):
    """1 in every second half-period and -1 in the others; nearer to 0, their mean, where samples of ``fine`` metres miss them."""
    contrast = clear(period, fine)
    return contrast if math.floor(2.0 * value / period) % 2 != 0 else -contrast


@inlined
def second_color(pattern, x, y, share, on_arm, period, split, fine):
    """Share 0..1 of a pattern's second colour here (``share``: place along the arm)."""
    along = -0.43 * share if on_arm else y  # sleeves get rings, too
    across = 0.6 * y if on_arm else x
    if pattern == PATTERNS.RINGS:
        return 0.5 + 0.5 * wave(along, period, fine)
    if pattern == PATTERNS.STRIPES:
        return 0.5 + 0.5 * wave(across + 100.25 * period, 0.8 * period, fine)
    if pattern == PATTERNS.CHECKS:
        return 0.5 - 0.5 * wave(along, period, fine) * wave(across + 100.25 * period, period, fine)
    if pattern == PATTERNS.TWO_TONE:
        return 1.0 if ((share > 0.45) if on_arm else y < split) else 0.0
    if pattern == PATTERNS.SIDES:
        return 1.0 if abs(x) > 0.15 and y > 0.17 else 0.0
    if pattern == PATTERNS.CHEST_BAND:
        return 1.0 if ((0.18 < share < 0.42) if on_arm else abs(y - split) < 0.075) else 0.0
    return 0.0


@inlined
def material_at(surface, x, y, z, style, fine):
    """Mixture (first, second, share) of a sample from its surface and its rest position; ``fine`` is its size, metres."""
    if surface == KIND.HEAD:
        return head_material(x, y, z, style)
    if surface == KIND.BODY:
        return (ROW.SOCK if y < style.sock_top else ROW.SKIN), ROW.SKIN, 0.0
    if surface == KIND.SCARF:
        return (
            ROW.SCARF,
            ROW.SCARF_SECOND,
            0.5 + 0.5 * wave(y + 2.0, 0.15, fine) if style.scarf > 1.5 else 0.0,
        )
    if surface == KIND.SHOE:
        return shoe_material(x, y, z, style)
    if surface == KIND.BAG:
        return _bag(x, y, z, style, fine)
    if surface == KIND.SKIRT or surface == KIND.BOTTOM:
        return _bottom(x, y, z, style, fine)
    if FOLD[surface] == FOLDS.TRUNK or FOLD[surface] == FOLDS.SLEEVE:
        return _upper(surface, x, y, z, style, fine)
    return MATERIAL[surface], MATERIAL[surface], 0.0


@inlined
def printed(first, second, share, ink, cover):
    """A mixture of a garment's two colours with a print over it; the first ink is the one of the two that lies not below."""
    if cover == 0.0:
        return first, second, share
    below, other = (second, first) if share > 0.5 else (first, second)
    return below, (other if ink == 1 else ROW.PRINT_SECOND), cover


@inlined
def _bag(x, y, z, style, fine):
    """Body (|y| ≤ 1), lid (2.6 … 3.4) and pocket (−3.4 … −2.6) of a bag; seams and a buckle in the second colour."""
    ink, cover = bag_ink(x, y, z, style, fine) if style.bag_print > 0.5 else (0, 0.0)
    if y > 2.0:
        return printed(ROW.BAG_SECOND, ROW.BAG, 0.0 if y < 2.72 else 0.35, ink, cover)
    if y < -2.0:
        return printed(ROW.BAG, ROW.BAG_SECOND, 1.0 if y > -2.70 else 0.35, ink, cover)
    return printed(ROW.BAG, ROW.BAG_SECOND, 0.8 if -0.10 < y < -0.02 else 0.0, ink, cover)


@inlined
def _upper(surface, x, y, z, style, fine):
    """Tops and coats: pattern, cut and print."""
    on_arm = FOLD[surface] == FOLDS.SLEEVE
    share = arm_share(x, y, z) if on_arm else 0.0
    if MATERIAL[surface] == ROW.COAT:
        return _coat(x, y, z, share, on_arm, style, fine)
    second = second_color(style.top_pattern, x, y, share, on_arm, style.top_period, style.top_split, fine)
    if style.top_cut > 0.5:
        level, side, hem = style.cut_level, style.cut_side, style.top_hem
        if upper_cut(style.top_cut, x, y, z, share, on_arm, level, side, hem, style.sleeve):
            second = 1.0
    if style.top_print > 0.5 and not on_arm:
        ink, cover = top_ink(x, y, z, style, fine)
        if cover > 0.0:
            below = ROW.TOP_SECOND if second > 0.5 else ROW.TOP
            return below, (ROW.LOGO if ink == 1 else ROW.PRINT_SECOND), cover
    return ROW.TOP, ROW.TOP_SECOND, second


@inlined
def _coat(x, y, z, share, on_arm, style, fine):
    """Pattern, cut, zip and print of a coat."""
    if style.coat_open == 0.0 and not on_arm and z > 0.02 and abs(x) < 0.5 * ZIP:
        return ROW.COAT, ROW.COAT_SECOND, 0.5 * min(1.0, ZIP / fine)
    period, split = 2.0 * style.top_period, style.top_split - 0.1
    second = second_color(style.coat_pattern, x, y, share, on_arm, period, split, fine)
    if style.coat_cut > 0.5:
        level, side, hem = style.cut_level, style.cut_side, style.coat_hem
        if upper_cut(style.coat_cut, x, y, z, share, on_arm, level, side, hem, 1.0):
            second = 1.0
    ink, cover = 0, 0.0
    if style.coat_print > 0.5:
        ink, cover = coat_ink(x, y, z, share, on_arm, style, fine)
    return printed(ROW.COAT, ROW.COAT_SECOND, second, ink, cover)


@inlined
def _bottom(x, y, z, style, fine):
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
    cut, ink, cover = False, 0, 0.0
    if style.bottom_cut > 0.5:
        cut = lower_cut(style.bottom_cut, x, y, z, style.cut_level, style.cut_side, style.bottom_hem)
    if style.bottom_print != 0.0 and style.skirt < 0.5:
        ink, cover = thigh_ink(x, y, z, style, fine)
    if style.skirt > 0.5:
        x = 0.19 * math.atan2(x, z - 0.03)  # along the cloth
    second = 1.0 if cut else second_color(kind, x, y, 0.0, False, period, 0.0, fine)
    return printed(ROW.BOTTOM, ROW.BOTTOM_SECOND, second, ink, cover)
