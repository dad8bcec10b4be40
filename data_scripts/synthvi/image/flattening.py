"""Triangles flattened onto the floor along a direction of light: which cells of the floor they shade, and from how high."""

from __future__ import annotations

import numpy as np

from ..compiled import compiled, inlined

NEAREST = 0.2  # metres before the camera: triangles that would be nearer are left out


@compiled
def flattened(seen, faces, cut, ground, up, along, view, limit, size):
    """Flatten triangles onto the floor, as a distant light throws their shadow there, and rasterise them as the camera sees it.

    Every cell is shaded or not, whichever side of a triangle is hit, so the result does not depend on how fine a mesh is.

    Parameters
    ----------
    seen, faces : (n, 3) float32, (m, 3) int32
        Vertices in the camera's coordinates, metres; triangles.
    cut : (n,) float32
        Triangles where its mean is negative are cut away: see `Outfit`.
    ground, up : (3,) float64
        A point of the floor and its normal.
    along : (3,) float64
        How far a vertex is moved against the light, per metre of height above the floor.
    view : (focal, column, row)
        Focal length and optical axis in cells.
    limit : float
        Metres: what is higher casts nothing.
    size : (rows, columns)
        Cells.

    Returns
    -------
    (rows, columns) float32
        Height of the lowest part that shades each cell, metres; inf where nothing does.
    """
    focal, column, row = view
    places = np.empty((len(seen), 4), np.float32)  # column, row, nearness, height
    for i in range(len(seen)):
        height = 0.0
        for k in range(3):
            height += up[k] * (seen[i, k] - ground[k])
        depth = height * along[2] - seen[i, 2]
        near = 1.0 / depth
        places[i, 0] = column + focal * (seen[i, 0] - height * along[0]) * near
        places[i, 1] = row - focal * (seen[i, 1] - height * along[1]) * near
        places[i, 2] = near if depth > NEAREST else 0.0
        places[i, 3] = height
    lowest = np.full(size, np.inf, np.float32)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if min(places[a, 2], places[b, 2], places[c, 2]) == 0.0 or cut[a] + cut[b] + cut[c] < 0.0:
            continue  # behind the camera; cut away
        if min(places[a, 3], places[b, 3], places[c, 3]) < limit:
            _lower(places[a], places[b], places[c], limit, lowest)
    return lowest


@inlined
def _lower(a, b, c, limit, lowest):
    """Draw a triangle of corners (column, row, nearness, height): whichever side, wherever it covers a cell's centre."""
    height, width = lowest.shape
    low_x = max(0, int(np.ceil(min(a[0], b[0], c[0]) - 0.5)))
    high_x = min(width - 1, int(np.floor(max(a[0], b[0], c[0]) - 0.5)))
    low_y = max(0, int(np.ceil(min(a[1], b[1], c[1]) - 0.5)))
    high_y = min(height - 1, int(np.floor(max(a[1], b[1], c[1]) - 0.5)))
    if low_x > high_x or low_y > high_y:
        return  # most: between the centres
    bx, by, cx, cy = b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]
    area = bx * cy - by * cx
    if abs(area) < 1e-9:
        return
    for row in range(low_y, high_y + 1):
        py = row + 0.5 - a[1]
        for column in range(low_x, high_x + 1):
            px = column + 0.5 - a[0]
            u, v = (px * cy - py * cx) / area, (bx * py - by * px) / area
            if min(u, v) < 0.0 or u + v > 1.0:
                continue
            wa, wb, wc = (1.0 - u - v) * a[2], u * b[2], v * c[2]  # linear in space, not in the picture
            high = (wa * a[3] + wb * b[3] + wc * c[3]) / (wa + wb + wc)
            if high < limit:
                lowest[row, column] = min(lowest[row, column], np.float32(high))
