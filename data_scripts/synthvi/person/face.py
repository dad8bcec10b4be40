"""The bare head, sample by sample: brows, eyes, lips, beard and glasses as soft mixtures with the skin."""

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
def _beard(x, y, z, form):
    """Share 0..1 of hair in a beard: full, at chin and mouth, or above the lips only."""
    beside = abs(x)
    if form > 0.5:
        lip = min(1.0, 2.0 * spot(x / 0.036, (y - 0.677 + 0.12 * beside) / 0.010)) if z > 0.07 else 0.0
        if form > 1.5:
            return lip
        return max(lip, min(1.0, 2.0 * spot(x / 0.034, (y - 0.630) / 0.030)) if z > 0.05 else 0.0)
    # along the jaw, around the mouth; fades towards cheeks and neck
    jaw = 0.675 + 0.35 * max(0.0, beside - 0.03)
    below = min(1.0, max(0.0, (jaw - y) / 0.012))
    above = min(1.0, max(0.0, (y - 0.606) / 0.015))
    return below * above * min(1.0, (z - 0.02) / 0.03)


@inlined
def _glasses(beside, y, z, kind):
    """Share 0..1 of a frame or dark lens: 1 thin, 2 thick, 3 dark."""
    if z < 0.085 or y < 0.69:
        return 0.9 if abs(y - 0.735) < 0.0045 and beside > 0.06 and -0.005 < z < 0.09 else 0.0  # temples
    u, v = (beside - 0.034) / 0.029, (y - 0.7255) / 0.021
    inside = u**4 + v**4
    if inside < 1.0:
        rim = 0.30 if kind > 1.5 else 0.55
        return 0.92 if kind > 2.5 or inside > rim else 0.0
    bridge = beside < 0.008 and abs(y - 0.732) < 0.004
    return 0.9 if bridge or (beside > 0.058 and abs(y - 0.735) < 0.004) else 0.0


@inlined
def head_material(x, y, z, style):
    """Mixture (first, second, share) of a point of head or neck in the rest position (metres)."""
    beside = abs(x)
    if style.glasses > 0.5:
        share = _glasses(beside, y, z, style.glasses)
        if share > 0.0:
            return ROW.SKIN, ROW.GLASSES, share
    if z > 0.085 and y > 0.64:
        eye = spot((beside - 0.031) / 0.019, (y - 0.7275) / 0.0085)
        if eye > 0.0:
            return ROW.SKIN, ROW.FACE_DARK, min(0.8, 1.5 * eye)
        high = 0.0065 * style.brows
        brow = spot((beside - 0.032) / 0.026, (y - 0.7465 - 0.10 * (beside - 0.032)) / high)
        if brow > 0.0:
            return ROW.SKIN, ROW.HAIR, min(0.7, 1.2 * brow) * min(1.0, 0.4 + 0.6 * style.brows)
        lips = spot(x / 0.026, (y - 0.660) / 0.0105)
        if lips > 0.0:
            return ROW.SKIN, ROW.LIPS, min(0.75, 1.5 * lips)
    if style.beard > 0.5 and z > 0.02:
        return ROW.SKIN, ROW.HAIR, style.beard_density * _beard(x, y, z, style.beard_form)
    if style.hair < 0.5 or style.hair > 4.5:  # shaven sides of a bald head
        shadow = min(1.0, max(0.0, (y - 0.70 - 0.4 * max(0.0, z)) / 0.03)) * math.exp(
            -((max(0.0, y - 0.77) / 0.03) ** 2)
        )
        return ROW.SKIN, ROW.HAIR, 0.25 * shadow
    return ROW.SKIN, ROW.SKIN, 0.0
