"""The z-buffer: one pass over the triangles gives, for every sample, surface, rest position and normal.

The same buffers are then shaded as a visible or as a near-infrared picture (``shading.py``).
"""

from __future__ import annotations

import numba
import numpy as np

from .outfit import Surface

FIRST_CUT = int(Surface.SKIRT)
LAST_CUT = int(Surface.HAIR)
FIRST_TWO_SIDED = int(Surface.SKIRT)


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
        Samples of skirts and hair where its interpolated value is negative are left out: crisp hems from coarse meshes.
    rest, normals : (n, 3) float32
        Rest positions, and unit normals in the camera's frame.
    faces, surfaces : (m, 3) int32, (m,) uint8
        Triangles (counter-clockwise seen from outside), and what they belong to.
    height, width : int
        Size of the buffers in samples.

    Returns
    -------
    surface : (height, width) uint8
        0 where nothing was drawn.
    rest, normal : (height, width, 3) float32
        Interpolated over the triangle; normals have unit length.
    """
    depth = np.zeros((height, width), np.float32)
    face_of = np.full((height, width), -1, np.int32)
    share_b = np.zeros((height, width), np.float32)
    share_c = np.zeros((height, width), np.float32)
    for f in range(faces.shape[0]):
        _fill(f, faces[f], int(surfaces[f]), screen, nearness, cut, depth, face_of, share_b, share_c)
    return _interpolate(face_of, share_b, share_c, rest, normals, faces, surfaces)


@numba.njit(cache=True)
def _fill(f, corners, kind, screen, nearness, cut, depth, face_of, share_b, share_c):
    """Draw triangle ``f``: where it is nearest, write its number and its barycentric shares."""
    height, width = depth.shape
    a, b, c = corners[0], corners[1], corners[2]
    ax, ay = screen[a, 0], screen[a, 1]
    bx, by = screen[b, 0] - ax, screen[b, 1] - ay
    cx, cy = screen[c, 0] - ax, screen[c, 1] - ay
    area = bx * cy - by * cx
    if (area >= 0.0 and kind < FIRST_TWO_SIDED) or abs(area) < 1e-9:
        return  # seen from behind (rows grow downwards) or edge-on
    low_x = max(0, int(np.ceil(ax + min(0.0, bx, cx) - 0.5)))
    high_x = min(width - 1, int(np.floor(ax + max(0.0, bx, cx) - 0.5)))
    low_y = max(0, int(np.ceil(ay + min(0.0, by, cy) - 0.5)))
    high_y = min(height - 1, int(np.floor(ay + max(0.0, by, cy) - 0.5)))
    for row in range(low_y, high_y + 1):
        py = row + 0.5 - ay
        for column in range(low_x, high_x + 1):
            px = column + 0.5 - ax
            u = (px * cy - py * cx) / area
            v = (bx * py - by * px) / area
            if u < 0.0 or v < 0.0 or u + v > 1.0:
                continue
            w = 1.0 - u - v
            near = w * nearness[a] + u * nearness[b] + v * nearness[c]
            if near <= depth[row, column]:
                continue
            if FIRST_CUT <= kind <= LAST_CUT and w * cut[a] + u * cut[b] + v * cut[c] < 0.0:
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
    rest_out = np.zeros((height, width, 3), np.float32)
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
            for k in range(3):
                rest_out[row, column, k] = w * rest[a, k] + u * rest[b, k] + v * rest[c, k]
                value = w * normals[a, k] + u * normals[b, k] + v * normals[c, k]
                normal_out[row, column, k] = value
                length += value * value
            if length > 0.0:
                scale = np.float32(1.0) / np.sqrt(length)
                for k in range(3):
                    normal_out[row, column, k] *= scale
    return surface, rest_out, normal_out
