"""Shoes of several forms: a flat sole, an upper that encloses the foot, and for boots a shaft that stands off the leg."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

import numpy as np

from ..compiled import constants, inlined
from .drape import directions
from .garments import leg_drape
from .mannequin import Mannequin, ramp, regions
from .materials import Material
from .pieces import Piece, Surface, ring_faces

COLUMNS = 18
ANKLE = -0.655  # rest height at which high-tops end


class ShoeForm(IntEnum):
    """Form of a shoe; a plain one with a high ``shoe_top`` is a boot."""

    PLAIN = 0
    SNEAKER = 1  # thick sole that stands out, a stripe at the side
    HIGH_TOP = 2  # up to the ankle, with a cap at the toe
    LOAFER = 3  # low: shows the instep
    WEDGE = 4  # low, on a thick sole
    SANDAL = 5  # straps


FORMS, ROW = constants(ShoeForm), constants(Material)
SOLES = np.array([0.024, 0.038, 0.030, 0.020, 0.055, 0.024])  # thickness by form, metres
WELT = (1.04, 1.12, 1.06, 1.02, 1.00, 1.06)  # width of the sole by form, share of the foot's
# Height above the sole, reach of the front and width (shares of the whole) ring by ring
CLOSED = (
    (0.081, 0.43, 0.84),
    (0.061, 0.53, 0.88),
    (0.044, 0.68, 0.93),
    (0.026, 0.90, 0.96),
    (0.010, 0.975, 0.97),
)
TALL = (
    (0.098, 0.52, 0.88),
    (0.078, 0.62, 0.92),
    (0.056, 0.76, 0.95),
    (0.034, 0.92, 0.98),
    (0.010, 0.98, 0.98),
)
LOW = ((0.052, 0.34, 0.86), (0.040, 0.46, 0.91), (0.026, 0.80, 0.95), (0.010, 0.97, 0.97))
PROFILES = {ShoeForm.SNEAKER: TALL, ShoeForm.HIGH_TOP: TALL, ShoeForm.LOAFER: LOW, ShoeForm.WEDGE: LOW}


def shoes(mannequin: Mannequin, shoe_top: float, pointed: float, form: int = ShoeForm.PLAIN) -> list[Piece]:
    """Both shoes. ``shoe_top`` is the rest height at which they end, ``pointed`` 0..1 the form of the toe."""
    top = max(shoe_top, ANKLE) if form == ShoeForm.HIGH_TOP else shoe_top
    return [_shoe(mannequin, sign, top, pointed, form) for sign in (1, -1)]


@inlined
def shoe_material(x, y, z, style):
    """Mixture (first, second, share): ``x`` across and ``y`` above the floor in metres, ``z`` 0 heel … 1 toe."""
    form = style.shoe_form
    if y < SOLES[int(form)] + 0.001:
        return ROW.SOLE, ROW.SHOE, 0.0
    if form == FORMS.SNEAKER:
        stripe = abs(x) > 0.02 and abs(z - 0.42 - 2.0 * (y - 0.06)) < 0.055
        return ROW.SHOE, ROW.SOLE, 1.0 if stripe or z < 0.06 else 0.0
    if form == FORMS.HIGH_TOP:
        return ROW.SHOE, ROW.SOLE, 1.0 if z > 0.84 else 0.0
    if form == FORMS.SANDAL:
        strap = 0.16 < z < 0.26 or 0.60 < z < 0.78 or y < SOLES[int(form)] + 0.006
        return (ROW.SHOE if strap else ROW.SKIN), ROW.SHOE, 0.0
    return ROW.SHOE, ROW.SOLE, 0.0


def _shoe(mannequin: Mannequin, sign: int, shoe_top: float, pointed: float, form: int) -> Piece:
    """One shoe as a stack of rings from top to sole, closed below."""
    area = regions()
    foot = area.trunk & (area.side == sign) & (mannequin.rest[:, 1] < -0.735)
    points = mannequin.vertices[foot]
    thick, wide = float(SOLES[form]), WELT[form]
    floor = points[:, 1].min() + 0.018 - thick  # the foot stands in the sole
    back, front = points[:, 2].min() - 0.008, points[:, 2].max() + 0.012
    middle, half = 0.5 * (points[:, 0].min() + points[:, 0].max()), 0.5 * np.ptp(points[:, 0]) + 0.004
    length = front - back
    profile = PROFILES.get(form, CLOSED)
    upper = [(thick + height, reach, width) for height, reach, width in profile]
    sole = [
        (thick, 0.985, 0.97),
        (thick, 1.0, wide),
        (0.004, 0.995, wide),
        (0.0, 0.97, wide - 0.08),
        (0.0, 0.4, 0.1),
    ]
    rings, heights = [], []
    for height, reach, width in upper + sole:
        start = back + (0.008 if height > thick else 0.0)
        rings.append(_outline(start, start + reach * (front - start), width * half, pointed))
        heights.append(floor + height)
    rows = np.stack(rings) + [middle, 0.0]
    made = np.stack([rows[..., 0], np.repeat(np.array(heights)[:, None], COLUMNS, 1), rows[..., 1]], -1)
    if shoe_top > -0.70:
        made = np.concatenate([_shaft(mannequin, sign, shoe_top, made[0]), made])
    return _piece(mannequin, sign, made.reshape(-1, 3), len(made), floor, back, length)


def _outline(back: float, front: float, half: float, pointed: float) -> np.ndarray:
    """One ring (columns, 2) in x and z: an oval, narrower at the heel and, if pointed, at the toe."""
    x, z, heel, toe = _oval()
    narrow = 1.0 - 0.14 * heel - 0.45 * pointed * toe
    return np.stack([half * x * narrow, 0.5 * (back + front) + 0.5 * (front - back) * z], 1)


@lru_cache(maxsize=1)
def _oval() -> tuple[np.ndarray, ...]:
    """An oval, x and z (columns,) in -1..1, and 0..1 how much each point belongs to the heel and to the toe."""
    u = directions(COLUMNS)
    z = np.sign(u[:, 1]) * np.abs(u[:, 1]) ** 0.8
    x = np.sign(u[:, 0]) * np.abs(u[:, 0]) ** 0.75
    return x, z, ramp(-z, 0.0, 1.0), ramp(z, 0.2, 1.0)


def _shaft(mannequin: Mannequin, sign: int, shoe_top: float, ankle: np.ndarray) -> np.ndarray:
    """Rings (rows, columns, 3) of a boot's shaft above the ankle ring."""
    levels = np.linspace(shoe_top, -0.665, max(2, int((shoe_top + 0.665) / 0.05) + 2))
    shaft = leg_drape(mannequin, sign, levels, 0.25, COLUMNS).widen(0.018)
    rings = shaft.points().reshape(len(levels), COLUMNS, 3)
    between = 0.5 * (rings[-1] + ankle)
    between[:, [0, 2]] = 0.3 * rings[-1][:, [0, 2]] + 0.7 * ankle[:, [0, 2]]
    return np.concatenate([rings, between[None]])


def _piece(
    mannequin: Mannequin, sign: int, points: np.ndarray, rows: int, floor: float, back: float, length: float
) -> Piece:
    """Weights of foot, toes and shin; rest = across, height above the floor, share of the length."""
    body, side = mannequin.body, "l" if sign > 0 else "r"
    ball = body.bone(f"ball_{side}")
    toes = ramp(points[:, 2], mannequin.joints[ball, 2] - 0.02, mannequin.joints[ball, 2] + 0.03)
    shin = ramp(points[:, 1] - floor, 0.10, 0.16)
    weights = np.zeros((len(points), len(body.bone_names) + 1))
    weights[:, body.bone(f"calf_{side}")] = shin
    weights[:, ball] = (1 - shin) * toes
    weights[:, body.bone(f"foot_{side}")] = (1 - shin) * (1 - toes)
    across = points[:, 0] - points[:, 0].mean()
    rest = np.stack([across, points[:, 1] - floor, (points[:, 2] - back) / length], 1)
    cut = points[:COLUMNS, 1].mean() - points[:, 1]
    return Piece(Surface.SHOE, points, rest, ring_faces(rows, COLUMNS), weights, cut)
