"""The z-buffer: one pass over the triangles gives, for every sample, surface, rest position and normal.

The same buffers are then shaded as a visible or as a near-infrared picture (``shading.py``).
"""

from __future__ import annotations

import numba
import numpy as np

from .pieces import Surface

FIRST_TWO_SIDED = int(Surface.COAT)
HEAD = int(
    Surface.HEAD
)  # two-sided as well: thinning leaves pinholes at nostrils, through which skin must show


@numba.njit(cache=True)
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
    rest, normals : (n, k) float32, (n, 3) float32
        Rest positions (and what else is to be interpolated), and unit normals in the camera's frame.
    faces, surfaces : (m, 3) int32, (m,) uint8
        Triangles (counter-clockwise seen from outside), and what they belong to.
    height, width : int
        Size of the buffers in samples.

    Returns
    -------
    surface : (height, width) uint8
        0 where nothing was drawn.
    rest, normal : (height, width, k) and (height, width, 3) float32
        Interpolated over the triangle; normals have unit length.
    depth : (height, width) float32
        Nearness of what was drawn, 0 for nothing.
    """
    depth = np.zeros((height, width), np.float32)
    face_of = np.full((height, width), -1, np.int32)
    share_b = np.zeros((height, width), np.float32)
    share_c = np.zeros((height, width), np.float32)
    for f in range(faces.shape[0]):
        _fill(f, faces[f], int(surfaces[f]), screen, nearness, cut, depth, face_of, share_b, share_c)
    surface, rest_out, normal = _interpolate(face_of, share_b, share_c, rest, normals, faces, surfaces)
    return surface, rest_out, normal, depth


@numba.njit(cache=True)
def _fill(f, corners, kind, screen, nearness, cut, depth, face_of, share_b, share_c):
    """Draw triangle ``f``: where it is nearest, write its number and its barycentric shares."""
    height, width = depth.shape
    a, b, c = corners[0], corners[1], corners[2]
    ax, ay = screen[a, 0], screen[a, 1]
    bx, by = screen[b, 0] - ax, screen[b, 1] - ay
    cx, cy = screen[c, 0] - ax, screen[c, 1] - ay
    area = bx * cy - by * cx
    one_sided = kind < FIRST_TWO_SIDED and kind != HEAD
    if (area >= 0.0 and one_sided) or abs(area) < 1e-9:
        return  # seen from behind (rows grow downwards) or edge-on
    low_x = max(0, int(np.ceil(ax + min(0.0, bx, cx) - 0.5)))
    high_x = min(width - 1, int(np.floor(ax + max(0.0, bx, cx) - 0.5)))
    low_y = max(0, int(np.ceil(ay + min(0.0, by, cy) - 0.5)))
    high_y = min(height - 1, int(np.floor(ay + max(0.0, by, cy) - 0.5)))
    inverse = 1.0 / area
    has_edge = min(cut[a], cut[b], cut[c]) < 0.0
    for row in range(low_y, high_y + 1):
        py = row + 0.5 - ay
        for column in range(low_x, high_x + 1):
            px = column + 0.5 - ax
            u = (px * cy - py * cx) * inverse
            v = (bx * py - by * px) * inverse
            if u < 0.0 or v < 0.0 or u + v > 1.0:
                continue
            w = 1.0 - u - v
            near = w * nearness[a] + u * nearness[b] + v * nearness[c]
            if near <= depth[row, column]:
                continue
            if has_edge and w * cut[a] + u * cut[b] + v * cut[c] < 0.0:
                continue
            depth[row, column] = near
            face_of[row, column] = f
            share_b[row, column] = u
            share_c[row, column] = v


@numba.njit(cache=True)
def _interpolate(face_of, share_b, share_c, rest, normals, faces, surfaces):
    """Second half of `rasterize`: attributes of the visible triangle of every sample."""
    height, width = face_of.shape
    surface = np.zeros((height, width), np.uint8)
    rest_out = np.zeros((height, width, rest.shape[1]), np.float32)
    normal_out = np.zeros((height, width, 3), np.float32)
    for row in range(height):
        for column in range(width):
            f = face_of[row, column]
            if f < 0:
                continue
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            u, v = share_b[row, column], share_c[row, column]
            w = np.float32(1.0) - u - v
            surface[row, column] = surfaces[f]
            length = np.float32(0.0)
            for k in range(rest.shape[1]):
                rest_out[row, column, k] = w * rest[a, k] + u * rest[b, k] + v * rest[c, k]
            for k in range(3):
                value = w * normals[a, k] + u * normals[b, k] + v * normals[c, k]
                normal_out[row, column, k] = value
                length += value * value
            if length > 0.0:
                scale = np.float32(1.0) / np.sqrt(length)
                for k in range(3):
                    normal_out[row, column, k] *= scale
    return surface, rest_out, normal_out


@numba.njit(cache=True)
def hollows(depth, out, reach, step):
    """Write into ``out`` (h, w) how far each sample lies in a hollow: between legs, under arms, below hems and chin.

    For pairs of opposite neighbours at ``reach`` and ``reach / 3`` samples, the mean of their depths is compared with the sample's
    own: 0 = flat or bulging, 1 = as deep as the neighbours are away. Pairs that touch the background, or that differ by
    more than a limb's thickness, say nothing. ``step`` is the metres of one sample at unit depth.
    """
    height, width = depth.shape
    for row in range(0, height, 2):
        for column in range(0, width, 2):
            near = depth[row, column]
            if near == 0.0:
                continue
            own = 1.0 / near
            total = 0.0
            for ring in range(2):
                radius = reach if ring == 0 else reach / 3.0
                straight, slant = int(radius + 0.5), int(0.7 * radius + 0.5)
                metres = max(1, straight) * step * own
                for pair in range(4):
                    dr = 0 if pair == 0 else (straight if pair == 1 else slant)
                    dc = straight if pair == 0 else (0 if pair == 1 else (slant if pair == 2 else -slant))
                    r1, c1, r2, c2 = row + dr, column + dc, row - dr, column - dc
                    if min(r1, r2, c1, c2) < 0 or max(r1, r2) >= height or max(c1, c2) >= width:
                        continue
                    first, second = depth[r1, c1], depth[r2, c2]
                    if first == 0.0 or second == 0.0:
                        continue
                    ahead = max(-0.12, min(0.12, own - 1.0 / first)) + max(
                        -0.12, min(0.12, own - 1.0 / second)
                    )
                    if ahead > 0.0:
                        total += min(1.0, 0.5 * ahead / metres)
            value = total / 8.0
            for i in range(2):
                for j in range(2):
                    if row + i < height and column + j < width:
                        out[row + i, column + j] = value
