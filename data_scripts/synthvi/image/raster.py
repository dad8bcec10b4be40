"""The z-buffer: one pass over the triangles gives, for every sample, surface, rest position and normal.

The same buffers are then shaded as a visible or as a near-infrared picture (``shading.py``).
"""

from __future__ import annotations

import numpy as np

from ..compiled import compiled, inlined
from ..person.pieces import TWO_SIDED

CARRIED = 4  # numbers that are interpolated besides the normal: rest position, distance from an edge

WIDE = 4  # columns from which on it pays to find the ends of a triangle's rows
SLACK = 1e-3  # samples by which rows are tried too far: rounding must lose none
FAR = 1e18


@compiled
def rasterize(screen, nearness, cut, rest, normals, faces, surfaces, height, width):
    """Draw triangles into buffers, nearest first.

    Parameters
    ----------
    screen : (n, 2) float32
        Column and row of every vertex, in samples; the centre of the first sample is (0.5, 0.5).
    nearness : (n,) float32
        One over the depth in front of the camera, 1/metres.
    cut : (n,) float32
        Samples where its interpolated value is negative are left out: crisp hems from coarse meshes.
    rest, normals : (n, CARRIED) float32, (n, 3) float32
        Rest positions and distances from the cloth's edge, metres; unit normals in the camera's frame.
    faces, surfaces : (m, 3) int32, (m,) uint8
        Triangles (counter-clockwise seen from outside), and what they belong to.
    height, width : int
        Size of the buffers in samples.

    Returns
    -------
    surface : (height, width) uint8
        0 where nothing was drawn.
    rest, normal : (height, width, CARRIED) and (height, width, 3) float32
        Interpolated over the triangle; normals have unit length. Not set where nothing was drawn.
    depth : (height, width) float32
        Nearness of what was drawn, 0 for nothing.
    """
    depth = np.zeros((height, width), np.float32)
    face_of = np.full((height, width), -1, np.int32)
    share_b = np.empty((height, width), np.float32)  # read only where there is a face
    share_c = np.empty((height, width), np.float32)
    for f in range(faces.shape[0]):
        _fill(f, faces, int(surfaces[f]), screen, nearness, cut, depth, face_of, share_b, share_c)
    corners = np.empty((len(rest), CARRIED + 3), np.float32)  # side by side in memory
    corners[:, :CARRIED] = rest
    corners[:, CARRIED:] = normals
    surface, rest_out, normal = _interpolate(face_of, share_b, share_c, corners, faces, surfaces)
    return surface, rest_out, normal, depth


@inlined
def _fill(f, faces, kind, screen, nearness, cut, depth, face_of, share_b, share_c):
    """Draw triangle ``f``: where it is nearest, write its number and its barycentric shares."""
    height, width = depth.shape
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    ax, ay = screen[a, 0], screen[a, 1]
    bx, by = screen[b, 0] - ax, screen[b, 1] - ay
    cx, cy = screen[c, 0] - ax, screen[c, 1] - ay
    area = bx * cy - by * cx
    if (area >= 0.0 and not TWO_SIDED[kind]) or abs(area) < 1e-9:
        return  # seen from behind (rows grow downwards) or edge-on
    low_x = max(0, int(np.ceil(ax + min(0.0, bx, cx) - 0.5)))
    high_x = min(width - 1, int(np.floor(ax + max(0.0, bx, cx) - 0.5)))
    low_y = max(0, int(np.ceil(ay + min(0.0, by, cy) - 0.5)))
    high_y = min(height - 1, int(np.floor(ay + max(0.0, by, cy) - 0.5)))
    if low_x > high_x or low_y > high_y:
        return  # between samples, or outside
    near, edge = (nearness[a], nearness[b], nearness[c]), (cut[a], cut[b], cut[c])
    if _hidden(max(near), low_x, high_x, low_y, high_y, depth):
        return
    triangle = (ax, ay, bx, by, cx, cy, 1.0 / area, near, edge, min(edge) < 0.0)
    if high_x - low_x >= WIDE:
        _fill_wide(f, triangle, low_x, high_x, low_y, high_y, depth, face_of, share_b, share_c)
        return
    for row in range(low_y, high_y + 1):
        _fill_row(f, triangle, row, low_x, high_x, depth, face_of, share_b, share_c)


@inlined
def _hidden(nearest, low_x, high_x, low_y, high_y, depth):
    """Whether all that was drawn in a box is nearer: the far arm, the inside of a coat."""
    for row in range(low_y, high_y + 1):
        for column in range(low_x, high_x + 1):
            if depth[row, column] <= nearest:
                return False
    return True


@inlined
def _fill_row(f, triangle, row, first, last, depth, face_of, share_b, share_c):
    """Draw one row of triangle ``f``, trying the columns first … last."""
    ax, ay, bx, by, cx, cy, inverse, (near_a, near_b, near_c), (cut_a, cut_b, cut_c), has_edge = triangle
    py, entered = row + 0.5 - ay, False
    for column in range(first, last + 1):
        px = column + 0.5 - ax
        u = (px * cy - py * cx) * inverse
        v = (bx * py - by * px) * inverse
        if min(u, v) < 0.0 or u + v > 1.0:
            if entered:
                break  # what is inside hangs together
            continue
        entered = True
        w = 1.0 - u - v
        near = w * near_a + u * near_b + v * near_c
        if near <= depth[row, column]:
            continue
        if has_edge and w * cut_a + u * cut_b + v * cut_c < 0.0:
            continue
        depth[row, column] = near
        face_of[row, column] = f
        share_b[row, column] = u
        share_c[row, column] = v


@inlined
def _fill_wide(f, triangle, low_x, high_x, low_y, high_y, depth, face_of, share_b, share_c):
    """Draw triangle ``f``, trying in each row only the columns between its edges (and a little beyond)."""
    ax, ay, bx, by, cx, cy, inverse = triangle[:7]
    step_b, left_b, right_b = _bounds(bx, by, -inverse)
    step_c, left_c, right_c = _bounds(cx, cy, inverse)
    step_d, left_d, right_d = _bounds(cx - bx, cy - by, -inverse)  # from b to c
    for row in range(low_y, high_y + 1):
        py = row + 0.5 - ay
        x_b, x_c, x_d = step_b * py, step_c * py, bx + step_d * (py - by)
        left = max(x_b + left_b, x_c + left_c, x_d + left_d)
        right = min(x_b + right_b, x_c + right_c, x_d + right_d)
        first = max(low_x, int(np.ceil(ax + left - 0.5 - SLACK)))
        last = min(high_x, int(np.floor(ax + right - 0.5 + SLACK)))
        _fill_row(f, triangle, row, first, last, depth, face_of, share_b, share_c)


@inlined
def _bounds(along_x, along_y, inward):
    """How an edge bounds the rows of its triangle.

    Parameters
    ----------
    along_x, along_y : float
        The edge.
    inward : float
        Its sign: where ``inward * along_y`` is positive, the inside of the triangle lies to the right of the edge.

    Returns
    -------
    step : float
        Columns per row.
    left, right : float
        0 if the edge is the left (right) end of rows, else so far away that it bounds nothing. Edges that are almost
        level bound nothing: where they cross a row is not known to the ``SLACK``.
    """
    if abs(along_y) < 1e-3:
        return 0.0, -FAR, FAR
    opens = inward * along_y > 0.0
    return along_x / along_y, 0.0 if opens else -FAR, FAR if opens else 0.0


@compiled
def _interpolate(face_of, share_b, share_c, corners, faces, surfaces):
    """Second half of `rasterize`: attributes of the visible triangle of every sample."""
    height, width = face_of.shape
    surface = np.zeros((height, width), np.uint8)
    rest_out = np.empty((height, width, CARRIED), np.float32)
    normal_out = np.empty((height, width, 3), np.float32)
    for row in range(height):
        for column in range(width):
            f = face_of[row, column]
            if f < 0:
                continue
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            u, v = share_b[row, column], share_c[row, column]
            w = np.float32(1.0) - u - v
            surface[row, column] = surfaces[f]
            for k in range(CARRIED):
                rest_out[row, column, k] = w * corners[a, k] + u * corners[b, k] + v * corners[c, k]
            x = w * corners[a, CARRIED] + u * corners[b, CARRIED] + v * corners[c, CARRIED]
            y = w * corners[a, CARRIED + 1] + u * corners[b, CARRIED + 1] + v * corners[c, CARRIED + 1]
            z = w * corners[a, CARRIED + 2] + u * corners[b, CARRIED + 2] + v * corners[c, CARRIED + 2]
            length = x * x + y * y + z * z
            scale = np.float32(1.0) / np.sqrt(length) if length > 0.0 else np.float32(1.0)
            normal_out[row, column, 0] = x * scale
            normal_out[row, column, 1] = y * scale
            normal_out[row, column, 2] = z * scale
    return surface, rest_out, normal_out


@compiled
def ambient_occlusion(depth, reach, step):
    """Screen-space ambient occlusion: crevices between legs, under arms, below hems and chin get less light from the sky.

    For pairs of opposite neighbours at ``reach`` and ``reach / 3`` samples, the mean of their depths is compared with the depth of
    the sample. Pairs that touch the background do not count. Depths beyond the thickness of a limb count as that thickness.

    Parameters
    ----------
    depth : (h, w) float32
        From `rasterize`: nearness, 0 for nothing.
    reach : float
        Distance of the outer neighbours, samples.
    step : float
        Metres of one sample at unit depth.

    Returns
    -------
    (h / 2, w / 2) float32, rounded up
        One value for four samples: 0 = flat or convex, 1 = as deep as the neighbours are away.
    """
    height, width = depth.shape
    out = np.zeros(((height + 1) // 2, (width + 1) // 2), np.float32)
    far = np.empty((height, width))
    for row in range(height):
        for column in range(width):
            far[row, column] = 1.0 / depth[row, column]  # infinite behind everything
    straights = (int(reach + 0.5), int(reach / 3.0 + 0.5))
    slants = (int(0.7 * reach + 0.5), int(0.7 * (reach / 3.0) + 0.5))
    for row in range(0, height, 2):
        for column in range(0, width, 2):
            if depth[row, column] == 0.0:
                continue
            total = 0.0
            for ring in range(2):
                s, d = straights[ring], slants[ring]
                metres = max(1, s) * step * far[row, column]
                if s <= column < width - s:
                    total += _ambient_occlusion_between(far, row, column, 0, s, metres)
                if s <= row < height - s:
                    total += _ambient_occlusion_between(far, row, column, s, 0, metres)
                if d <= row < height - d and d <= column < width - d:
                    total += _ambient_occlusion_between(far, row, column, d, d, metres)
                    total += _ambient_occlusion_between(far, row, column, d, -d, metres)
            out[row // 2, column // 2] = total / 8.0
    return out


@inlined
def _ambient_occlusion_between(far, row, column, down, right, metres):
    """How deep a sample lies between its neighbours at ``down`` rows and ``right`` columns to either side, ``metres`` away: 0..1."""
    own, first, second = far[row, column], far[row + down, column + right], far[row - down, column - right]
    ahead = max(-0.12, min(0.12, own - first)) + max(-0.12, min(0.12, own - second))
    share = max(0.0, min(1.0, 0.5 * ahead / metres))
    return share if (first < np.inf) & (second < np.inf) else 0.0
