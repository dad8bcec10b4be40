"""Boxes, upright cylinders and leafy ellipsoids: where rays meet them, how their surfaces lie, what they reach."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ..compiled import compiled
from .textures import noise

FAR = 1e9


class Solid(IntEnum):
    """First entry of a row that describes a solid; six numbers and the material follow."""

    BOX = 0  # lower corner x, y, z, upper corner x, y, z
    CYLINDER = 1  # middle x, z, radius, lowest y, highest y, unused; stands upright
    BUSH = 2  # centre x, y, z, radii along x, y, z; with gaps between leaves


def bounds(solids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corners, each (k, 3), of the boxes around solids (k, 8)."""
    kind, low, high = solids[:, 0], solids[:, 1:4].copy(), solids[:, 4:7].copy()
    bush, round_ = kind == Solid.BUSH, kind == Solid.CYLINDER
    low[bush], high[bush] = (solids[bush, 1:4] + sign * solids[bush, 4:7] for sign in (-1, 1))
    x, z, radius, bottom, top = solids[round_, 1:6].T
    low[round_] = np.stack([x - radius, bottom, z - radius], axis=1)
    high[round_] = np.stack([x + radius, top, z + radius], axis=1)
    return low, high


def corners(solids: np.ndarray) -> np.ndarray:
    """All corners (k, 8, 3) of the boxes around solids (k, 8)."""
    both = np.stack(bounds(solids), axis=1)  # (k, 2, 3)
    picks = np.array(np.unravel_index(np.arange(8), (2, 2, 2)))  # (3, 8)
    return both[:, picks, np.arange(3)[:, None]].transpose(0, 2, 1)


@compiled
def meet(solid, ox, oy, oz, dx, dy, dz):
    """Distance along the ray to the solid, in lengths of the direction; FAR if it is missed."""
    kind = int(solid[0])
    if kind == 0:
        enter, leave = 1e-4, FAR
        for k in range(3):
            o = ox if k == 0 else (oy if k == 1 else oz)
            d = dx if k == 0 else (dy if k == 1 else dz)
            if abs(d) < 1e-9:
                d = 1e-9
            a, b = (solid[1 + k] - o) / d, (solid[4 + k] - o) / d
            enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
        return enter if leave > enter else FAR
    if kind == 1:
        x, z = ox - solid[1], oz - solid[2]
        a, b, c = dx * dx + dz * dz, x * dx + z * dz, x * x + z * z - solid[3] * solid[3]
        under = b * b - a * c
        if under > 0.0 and a > 1e-12:
            t = (-b - np.sqrt(under)) / a
            if t > 1e-4 and solid[4] <= oy + t * dy <= solid[5]:
                return t
        lid = (solid[5] - oy) / dy if abs(dy) > 1e-9 else FAR
        x, z = x + lid * dx, z + lid * dz
        return lid if lid > 1e-4 and x * x + z * z < solid[3] * solid[3] else FAR
    x, y, z = (ox - solid[1]) / solid[4], (oy - solid[2]) / solid[5], (oz - solid[3]) / solid[6]
    u, v, w = dx / solid[4], dy / solid[5], dz / solid[6]
    a, b, c = u * u + v * v + w * w, x * u + y * v + z * w, x * x + y * y + z * z - 1.0
    under = b * b - a * c
    if under <= 0.0:
        return FAR
    for sign in (-1.0, 1.0):
        t = (-b + sign * np.sqrt(under)) / a
        if t > 1e-4 and noise(31.0 * (ox + t * dx), 31.0 * (oy + t * dy), 31.0 * (oz + t * dz)) > 0.36:
            return t
    return FAR


@compiled
def surface(solid, x, y, z):
    """Normal and surface coordinates (nx, ny, nz, u, v) of a solid at a point on it."""
    kind = int(solid[0])
    if kind == 0:
        best, axis, sign = FAR, 0, 1.0
        for k in range(3):
            p = x if k == 0 else (y if k == 1 else z)
            for side in range(2):
                gap = abs(p - solid[1 + 3 * side + k])
                if gap < best:
                    best, axis, sign = gap, k, 2.0 * side - 1.0
        if axis == 0:
            return sign, 0.0, 0.0, z, y
        if axis == 1:
            return 0.0, sign, 0.0, x, z
        return 0.0, 0.0, sign, x, y
    if kind == 1:
        nx, nz = (x - solid[1]) / solid[3], (z - solid[2]) / solid[3]
        if abs(y - solid[5]) < 1e-3:
            return 0.0, 1.0, 0.0, x, z
        return nx, 0.0, nz, solid[3] * np.arctan2(nx, nz), y
    nx, ny, nz = (x - solid[1]) / solid[4], (y - solid[2]) / solid[5], (z - solid[3]) / solid[6]
    length = max(1e-6, np.sqrt(nx * nx + ny * ny + nz * nz))
    return nx / length, ny / length, nz / length, x + 0.7 * z, y + 0.4 * z
