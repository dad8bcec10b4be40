"""Shoes and boots: a flat sole, an upper that encloses the foot, and for boots a shaft that stands off the leg."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .drape import directions
from .garments import leg_drape
from .mannequin import Mannequin, ramp, regions
from .pieces import Piece, Surface, ring_faces

COLUMNS = 18
SOLE = 0.024  # thickness, metres


def shoes(mannequin: Mannequin, shoe_top: float, pointed: float) -> list[Piece]:
    """Both shoes. ``shoe_top`` is the rest height at which they end, ``pointed`` 0..1 the form of the toe."""
    return [_shoe(mannequin, sign, shoe_top, pointed) for sign in (1, -1)]


def _shoe(mannequin: Mannequin, sign: int, shoe_top: float, pointed: float) -> Piece:
    """One shoe as a stack of rings from top to sole, closed below."""
    area = regions()
    foot = area.trunk & (area.side == sign) & (mannequin.rest[:, 1] < -0.735)
    points = mannequin.vertices[foot]
    floor = points[:, 1].min() - 0.006
    back, front = points[:, 2].min() - 0.008, points[:, 2].max() + 0.012
    middle, half = 0.5 * (points[:, 0].min() + points[:, 0].max()), 0.5 * np.ptp(points[:, 0]) + 0.004
    length = front - back
    # height above the floor, reach of the front and width (shares of the whole) ring by ring
    upper = [
        (0.105, 0.43, 0.84),
        (0.085, 0.53, 0.88),
        (0.068, 0.68, 0.93),
        (0.050, 0.90, 0.96),
        (0.034, 0.975, 0.97),
    ]
    sole = [(SOLE, 0.985, 0.97), (SOLE, 1.0, 1.04), (0.004, 0.995, 1.04), (0.0, 0.97, 0.96), (0.0, 0.4, 0.1)]
    rings, heights = [], []
    for height, reach, width in upper + sole:
        start = back + (0.008 if height > SOLE else 0.0)
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
