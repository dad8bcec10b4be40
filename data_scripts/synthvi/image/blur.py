"""Blur of any width at a price that does not grow with it: a box from running sums, twice."""

from __future__ import annotations

import numpy as np

from ..compiled import compiled, inlined


@inlined
def half_width(deviation):
    """Half the width of the box that, applied twice, blurs with this standard deviation; 0.5 blurs nothing.

    The box may end within a cell: Gwosdek, Grewenig, Bruhn and Weickert, "Theoretical foundations of Gaussian convolution by
    extended box filtering" (2011).
    """
    variance = 0.5 * deviation * deviation
    whole = np.floor(0.5 + np.sqrt(0.25 + 3.0 * variance))
    short = variance - whole * (whole - 1.0) / 3.0  # what a box of whole cells lacks
    return whole - 0.5 + 0.5 * (2.0 * whole - 1.0) * short / (whole * whole - variance)


@compiled
def blurred(values, deviations):
    """Blur (rows, columns) float32 with two standard deviations, along rows and along columns; nothing lies outside."""
    aside, down = half_width(deviations[0]), half_width(deviations[1])
    return _box(_box(_box(_box(values, aside), down), aside), down)


@compiled
def _box(values, half):
    """Mean within ``half`` cells along each row, any width, from running sums; the result is transposed."""
    rows, columns = values.shape
    out, sums = np.empty((columns, rows), np.float32), np.zeros(columns + 2)
    whole = int(np.floor(half + 0.5))
    part, scale = half + 0.5 - whole, 0.5 / half
    for row in range(rows):
        for column in range(columns):
            sums[column + 1] = sums[column] + values[row, column]
        sums[columns + 1] = sums[columns]
        for column in range(columns):
            last, first = min(columns, column + whole), max(0, column + 1 - whole)
            ends = sums[last + 1] - sums[last] + sums[first] - sums[max(0, first - 1)]
            out[column, row] = scale * (sums[last] - sums[first] + part * ends)
    return out
