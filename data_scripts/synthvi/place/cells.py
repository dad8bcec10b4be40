"""Which solids matter where: rectangles sorted into square cells, so that a ray asks a few solids instead of all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..compiled import compiled, inlined

NOWHERE, EVERYWHERE = (1.0, 1.0, -1.0, -1.0), (-1e9, -1e9, 1e9, 1e9)


class Cells(NamedTuple):
    """Square cells of a plane; those of cell (i, j) are ``members[starts[n]:starts[n + 1]]``, n = i · columns + j, ascending."""

    low: np.ndarray  # (2,) lowest coordinates of the first cell
    size: float
    rows: int
    columns: int
    starts: np.ndarray  # (rows · columns + 1,) int64
    members: np.ndarray  # int64


@inlined
def cell_of(cells, a, b):
    """Number of the cell at coordinates (a, b); −1 outside of all cells."""
    i, j = int(np.floor((a - cells.low[0]) / cells.size)), int(np.floor((b - cells.low[1]) / cells.size))
    return i * cells.columns + j if 0 <= i < cells.rows and 0 <= j < cells.columns else -1


@compiled
def _fill(spans, starts, members, columns):
    """Count the members of each cell if ``members`` is empty, else write them at ``starts``, which moves on."""
    for k in range(len(spans)):
        for i in range(spans[k, 0], spans[k, 2] + 1):
            for j in range(spans[k, 1], spans[k, 3] + 1):
                n = i * columns + j
                if len(members):
                    members[starts[n]] = k
                starts[n] += 1


def sort_into_cells(rectangles: np.ndarray, size: float, low: np.ndarray, high: np.ndarray) -> Cells:
    """Sort rectangles (k, 4: lowest a, lowest b, highest a, highest b) into cells that reach from ``low`` to ``high`` (2,)."""
    low = np.asarray(low, dtype=float)
    rows, columns = (int(count) for count in np.floor((high - low) / size) + 1)
    spans = np.floor((rectangles - np.tile(low, 2)) / size)
    spans[:, :2] = np.maximum(spans[:, :2], 0)
    spans[:, 2:] = np.minimum(spans[:, 2:], [rows - 1, columns - 1])
    spans[rectangles[:, 0] > rectangles[:, 2]] = NOWHERE
    spans = spans.astype(np.int64)
    counts = np.zeros(rows * columns, np.int64)
    _fill(spans, counts, np.zeros(0, np.int64), columns)
    starts = np.concatenate([[0], np.cumsum(counts)])
    members = np.zeros(starts[-1], np.int64)
    if len(members):
        _fill(spans, starts[:-1].copy(), members, columns)
    return Cells(low, float(size), rows, columns, starts, members)


def cells_around(rectangles: np.ndarray, size: float) -> Cells:
    """Sort rectangles into cells that cover all of them."""
    if len(rectangles) == 0:
        return sort_into_cells(rectangles, size, np.zeros(2), np.zeros(2))
    return sort_into_cells(rectangles, size, rectangles[:, :2].min(0), rectangles[:, 2:].max(0))
