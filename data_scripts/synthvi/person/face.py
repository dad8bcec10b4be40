"""The bare head, sample by sample: brows, eyes, lips, stubble and beard as soft mixtures with the skin."""

from __future__ import annotations

import math

from ..compiled import constants, inlined
from .materials import Material

ROW = constants(Material)


@inlined
def spot(u, v):
    """A soft spot: 1 in the middle, 0 outside the unit ellipse."""
    inside = 1.0 - u * u - v * v
    return max(0.0, inside)


@inlined
def head_material(x, y, z, style):
    """Mixture (first, second, share) of a point of head or neck in the rest position (metres)."""
    beside = abs(x)
    if z > 0.085 and y > 0.64:
        eye = spot((beside - 0.031) / 0.019, (y - 0.7275) / 0.0085)
        if eye > 0.0:
            return ROW.SKIN, ROW.FACE_DARK, min(0.8, 1.5 * eye)
        brow = spot((beside - 0.032) / 0.026, (y - 0.7465 - 0.10 * (beside - 0.032)) / 0.0065)
        if brow > 0.0:
            return ROW.SKIN, ROW.HAIR, min(0.7, 1.2 * brow)
        lips = spot(x / 0.026, (y - 0.660) / 0.0105)
        if lips > 0.0:
            return ROW.SKIN, ROW.LIPS, min(0.75, 1.5 * lips)
    if style.beard > 0.5 and z > 0.02:
        # along the jaw, around the mouth; fades towards cheeks and neck
        jaw = 0.675 + 0.35 * max(0.0, beside - 0.03)
        below = min(1.0, max(0.0, (jaw - y) / 0.012))
        above = min(1.0, max(0.0, (y - 0.606) / 0.015))
        share = style.beard_density * below * above * min(1.0, (z - 0.02) / 0.03)
        return ROW.SKIN, ROW.HAIR, share
    if style.hair < 0.5 or style.hair > 4.5:  # shaven sides of a bald head
        shadow = min(1.0, max(0.0, (y - 0.70 - 0.4 * max(0.0, z)) / 0.03)) * math.exp(
            -((max(0.0, y - 0.77) / 0.03) ** 2)
        )
        return ROW.SKIN, ROW.HAIR, 0.25 * shadow
    return ROW.SKIN, ROW.SKIN, 0.0
