"""Prints on clothes and bags: a motif is looked up in rest coordinates, so it moves with the cloth."""

from __future__ import annotations

from ..compiled import constants, inlined
from .motifs import SIZE, atlas
from .wardrobe import Bag

ATLAS = atlas()  # numba reads it as a constant
BAGS = constants(Bag)
SOFT = 0.003  # metres: an edge is as soft as four points that far from each other to either side
BAND = 0.048  # metres: width of bands around a coat's trunk
SPREAD = 0.3  # the same, in samples: four points stand for what lies within one


@inlined
def _ink(motif, u, v):
    """Ink of a motif at (u, v) in -1..1, v upwards: 0 none, 1, 2."""
    if abs(u) >= 1.0 or abs(v) >= 1.0:
        return 0
    return ATLAS[int(motif), int((1.0 - v) * (SIZE / 2)), int((1.0 + u) * (SIZE / 2))]


@inlined
def ink_at(motif, across, up, width, height, fine):
    """Ink of a print at (across, up) metres from its middle, and the share 0..1 that it covers.

    ``width`` and ``height`` are half the print's edges, ``fine`` is the size of a sample, all in metres.
    """
    if abs(across) >= width or abs(up) >= height:
        return 0, 0.0
    first, second, soft = 0, 0, max(SOFT, SPREAD * fine)
    for i in range(4):
        a = across + (soft if i < 2 else -soft)
        b = up + (soft if i % 2 == 0 else -soft)
        ink = _ink(motif, a / width, b / height)
        first += ink == 1
        second += ink == 2
    return (2 if second > first else 1), 0.25 * (first + second)


@inlined
def top_ink(x, y, z, style, fine):
    """Ink and share of the print on a top's trunk."""
    front = z > 0.01
    if (front and style.top_print == 2) or (not front and style.top_print == 1):
        return 0, 0.0
    across = x - style.print_x if front else -x  # legible from behind, too
    return ink_at(style.top_motif, across, y - style.print_y, style.print_width, style.print_height, fine)


@inlined
def coat_ink(x, y, z, share, on_arm, style, fine):
    """Ink and share of a print on a coat's back, or of bands around trunk and sleeves."""
    if style.coat_print > 1.5:
        shown = min(1.0, BAND / fine)  # of what is narrower than a sample
        if on_arm:
            return 1, shown if abs(share - 0.45) < 0.055 else 0.0
        return 1, shown if abs(y - 0.27) < 0.5 * BAND or abs(y - 0.10) < 0.5 * BAND else 0.0
    if on_arm or z > 0.0:
        return 0, 0.0
    return ink_at(style.coat_motif, -x, y - 0.31, style.coat_print_size, style.coat_print_size, fine)


@inlined
def thigh_ink(x, y, z, style, fine):
    """Ink and share of the print on the front of one thigh."""
    if z < 0.01:
        return 0, 0.0
    return ink_at(style.bottom_motif, x - 0.115 * style.bottom_print, y + 0.21, 0.055, 0.07, fine)


@inlined
def bag_ink(x, y, z, style, fine):
    """Ink and share of the print on a backpack's pocket, the front of a pouch, the sides of other bags; places as in `bags`."""
    form = style.bag_form if style.bag_form > 0.5 else style.bag
    up = y  # of the body
    if abs(y) > 2.0:  # pocket or lid
        up = 2.5 * (y + 3.0) if y < 0.0 else 2.5 * (y - 3.0)
    if form == BAGS.BACKPACK or form == BAGS.ONE_STRAP:
        if y > -2.0 or z > -abs(x):
            return 0, 0.0
        return ink_at(style.bag_motif, -0.1 * x, 0.1 * up, 0.08, 0.08, fine)
    if form == BAGS.WAIST:
        return ink_at(style.bag_motif, 0.1 * x, 0.1 * up, 0.06, 0.08, fine) if z > abs(x) else (0, 0.0)
    if abs(x) < abs(z):
        return 0, 0.0
    return ink_at(style.bag_motif, -0.1 * z if x > 0.0 else 0.1 * z, 0.1 * up, 0.07, 0.075, fine)
