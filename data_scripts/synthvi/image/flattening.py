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
    ground, up : (3,) float
        A point of the floor and its normal; ``up`` is a tuple.
    along : tuple of 3 floats
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
    places = _places(seen, ground, up, along, view)
    lowest, half = np.full(size, np.inf, np.float32), np.float32(0.5)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if min(places[a, 3], places[b, 3], places[c, 3]) >= limit:
            continue
        ax, bx, cx = places[a, 0], places[b, 0], places[c, 0]
        left, right = np.ceil(min(ax, bx, cx) - half), np.floor(max(ax, bx, cx) - half)
        ay, by, cy = places[a, 1], places[b, 1], places[c, 1]
        top, bottom = np.ceil(min(ay, by, cy) - half), np.floor(max(ay, by, cy) - half)
        if left > right or top > bottom:
            continue  # between the cells' centres, as most
        if min(places[a, 2], places[b, 2], places[c, 2]) > 0.0 and cut[a] + cut[b] + cut[c] >= 0.0:
            _lower(places[a], places[b], places[c], (top, bottom, left, right), limit, lowest)
    return lowest


@compiled
def _places(seen, ground, up, along, view):
    """Where vertices fall on the floor, (n, 4) float32: column, row, nearness (0 = not before the camera); their height."""
    focal, column, row = view
    up_x, up_y, up_z = up
    along_x, along_y, along_z = along
    floor = up_x * ground[0] + up_y * ground[1] + up_z * ground[2]
    places = np.empty((len(seen), 4), np.float32)
    for i in range(len(seen)):
        x, y, z = seen[i, 0], seen[i, 1], seen[i, 2]
        height = up_x * x + up_y * y + up_z * z - floor
        depth = height * along_z - z
        near = 1.0 / depth
        places[i, 0] = column + focal * (x - height * along_x) * near
        places[i, 1] = row - focal * (y - height * along_y) * near
        places[i, 2] = near if depth > NEAREST else 0.0
        places[i, 3] = height
    return places


@inlined
def _lower(a, b, c, box, limit, lowest):
    """Draw a triangle of corners (column, row, nearness, height): whichever side, wherever it covers a cell's centre."""
    top, bottom = int(max(box[0], 0.0)), int(min(box[1], lowest.shape[0] - 1.0))
    left, right = int(max(box[2], 0.0)), int(min(box[3], lowest.shape[1] - 1.0))
    bx, by, cx, cy = b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]
    area = bx * cy - by * cx
    if abs(area) < 1e-9:
        return
    for row in range(top, bottom + 1):
        py = row + 0.5 - a[1]
        for column in range(left, right + 1):
            px = column + 0.5 - a[0]
            u, v = (px * cy - py * cx) / area, (bx * py - by * px) / area
            if min(u, v) < 0.0 or u + v > 1.0:
                continue
            wa, wb, wc = (1.0 - u - v) * a[2], u * b[2], v * c[2]  # linear in space, not in the picture
            high = (wa * a[3] + wb * b[3] + wc * c[3]) / (wa + wb + wc)
            if high < limit:
                lowest[row, column] = min(lowest[row, column], np.float32(high))
