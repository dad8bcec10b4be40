"""From buffers to linear light: visible (sun and sky) or near-infrared (a lamp beside the camera)."""

from __future__ import annotations

import numba
import numpy as np

from .dressing import material_at


@numba.njit(cache=True)
def fold(x, y, z, phase):
    """Brightness of the folds of cloth, about -1..1, smooth in the rest position."""
    a = np.sin(31.0 * y + 9.0 * x + phase) * np.sin(23.0 * x - 14.0 * z + 2.0 * phase)
    b = np.sin(11.0 * y - 19.0 * x + 3.0 * phase)
    return 0.6 * a + 0.4 * b


@numba.njit(cache=True)
def shade_visible(surface, rest, normal, table, style, light, sun, sky, samples):
    """Shade a person under a sun and a sky, and average samples to pixels.

    Parameters
    ----------
    surface, rest, normal : (samples * h, samples * w[, 3])
        Buffers of `raster.rasterize`; normals in the camera's frame.
    table : (materials, 3) float32
        Linear reflectances.
    style : wardrobe.Style
        All fields float.
    light : (3,) float32
        Unit direction towards the sun, camera's frame.
    sun, sky : float
        Strength of the direct and the ambient light.
    samples : int
        Samples per pixel along each edge.

    Returns
    -------
    color : (h, w, 3) float32
        Linear light, already times the coverage.
    coverage : (h, w) float32
        0..1, share of the pixel that the person fills.
    """
    height, width = surface.shape[0] // samples, surface.shape[1] // samples
    color = np.zeros((height, width, 3), np.float32)
    coverage = np.zeros((height, width), np.float32)
    part = np.float32(1.0 / (samples * samples))
    for row in range(height * samples):
        for column in range(width * samples):
            kind = surface[row, column]
            if kind == 0:
                continue
            x, y, z = rest[row, column, 0], rest[row, column, 1], rest[row, column, 2]
            nx, ny, nz = normal[row, column, 0], normal[row, column, 1], normal[row, column, 2]
            flip = -1.0 if nz < -0.15 else 1.0
            lit = max(0.0, flip * (nx * light[0] + ny * light[1] + nz * light[2]))
            amount = sky * (0.68 + 0.32 * flip * ny) + sun * lit
            m = material_at(kind, x, y, z, style)
            if m >= 2:
                amount *= 1.0 + 0.11 * fold(x, y, z, style.fold_phase)
            for k in range(3):
                color[row // samples, column // samples, k] += part * amount * table[m, k]
            coverage[row // samples, column // samples] += part
    return color, coverage


@numba.njit(cache=True)
def shade_infrared(surface, rest, normal, table, style, lamp, falloff, samples):
    """Shade a person in the light of the camera's own 850 nm lamp: bright where the surface faces the camera.

    Parameters and results as in `shade_visible`, with ``table`` (materials,) and ``color`` (h, w); ``lamp`` (3,) is the
    direction towards the lamp, ``falloff`` 0..1 how much surfaces darken that turn away.
    """
    height, width = surface.shape[0] // samples, surface.shape[1] // samples
    color = np.zeros((height, width), np.float32)
    coverage = np.zeros((height, width), np.float32)
    part = np.float32(1.0 / (samples * samples))
    for row in range(height * samples):
        for column in range(width * samples):
            kind = surface[row, column]
            if kind == 0:
                continue
            x, y, z = rest[row, column, 0], rest[row, column, 1], rest[row, column, 2]
            nx, ny, nz = normal[row, column, 0], normal[row, column, 1], normal[row, column, 2]
            facing = abs(nx * lamp[0] + ny * lamp[1] + nz * lamp[2])
            amount = 1.0 - falloff * (1.0 - facing)
            m = material_at(kind, x, y, z, style)
            if m >= 2:
                amount *= 1.0 + 0.09 * fold(x, y, z, style.fold_phase)
            color[row // samples, column // samples] += part * amount * table[m]
            coverage[row // samples, column // samples] += part
    return color, coverage
