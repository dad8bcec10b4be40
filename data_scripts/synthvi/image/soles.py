"""The floor right beside soles, where no light comes at all: a dark line of 1 to 2 cm, filled at pixel size."""

from __future__ import annotations

import numpy as np

from ..compiled import compiled
from .blur import blurred, half_width

TOUCH = 0.025  # metres: a sole that is nearer to the floor touches it
BESIDE = 0.014  # metres beside the sole that get no light either
SOFT = 0.5  # of that, standard deviation of the line's edge
DARKEST = 0.80


@compiled
def darken_under(factor, seen, sole, ground, up, around, lens, tilt):
    """Darken the floor under a sole that touches it, and just beside it, in place.

    Parameters
    ----------
    factor : (h, w) float32
        On the floor's light; multiplied.
    seen, sole : (n, 3) float32, (k,) int
        Vertices in the camera's coordinates, and which of them are the sole's.
    ground, up : (3,) float
        A point of the floor and its normal.
    around : (directions, 2) float
        Unit vectors all around.
    lens : (focal, column, row)
        Focal length and optical axis, pixels.
    tilt : float
        How much the floor is foreshortened, 0..1.
    """
    focal, column_0, row_0 = lens
    wide = BESIDE * focal / -ground[2]
    tall = wide * max(0.3, tilt)
    rows, columns = np.zeros(len(around)), np.zeros(len(around))
    best, lowest, count = np.full(len(around), -np.inf), TOUCH, 0
    for i in sole:
        height = 0.0
        for k in range(3):
            height += up[k] * (seen[i, k] - ground[k])
        if height >= TOUCH:
            continue
        count, lowest = count + 1, min(lowest, height)
        away = height * up[2] - seen[i, 2]
        column = focal * (seen[i, 0] - height * up[0]) / away + column_0
        row = -focal * (seen[i, 1] - height * up[1]) / away + row_0
        for k in range(len(around)):  # the hull's outermost points
            reach = around[k, 0] * column + around[k, 1] * row
            if reach > best[k]:
                best[k] = reach
                columns[k], rows[k] = column + wide * around[k, 0], row + tall * around[k, 1]
    if count < 3:
        return
    room = 1 + int(2.0 * half_width(SOFT * wide))
    top, left = int(np.floor(rows.min())) - room, int(np.floor(columns.min())) - room
    height, width = int(np.ceil(rows.max())) + room + 1 - top, int(np.ceil(columns.max())) + room + 1 - left
    mask = blurred(_fill(rows - top, columns - left, height, width), (SOFT * wide, SOFT * wide))
    strength = np.float32(DARKEST * min(1.0, 1.0 - lowest / TOUCH))
    for r in range(max(0, -top), min(height, factor.shape[0] - top)):
        for c in range(max(0, -left), min(width, factor.shape[1] - left)):
            factor[top + r, left + c] *= np.float32(1.0) - strength * mask[r, c]


@compiled
def _fill(rows, columns, height, width):
    """Coverage (height, width) float32 of the convex hull of points (k,) in pixels."""
    mask = np.zeros((height, width), np.float32)
    for sub in range(2 * height):
        y, left, right = 0.5 * sub + 0.25, np.inf, -np.inf
        for i in range(len(rows)):
            for j in range(len(rows)):
                if rows[i] <= y < rows[j]:  # an edge or a diagonal of the hull crosses this line
                    x = columns[i] + (y - rows[i]) / (rows[j] - rows[i]) * (columns[j] - columns[i])
                    left, right = min(left, x), max(right, x)
        for column in range(width):
            covered = min(right, column + 1.0) - max(left, np.float64(column))
            mask[sub // 2, column] += 0.5 * max(0.0, covered)
    return mask
