"""From buffers to linear light: visible (sun and sky) or near-infrared (a lamp beside the camera)."""

from __future__ import annotations

import numpy as np

from .compiled import compiled, inlined
from .dressing import arm_share, crumple, material_at
from .folds import slope_at
from .pieces import Surface

SLEEVE, COAT_SLEEVE, SKIRT, HAIR = (
    int(Surface.SLEEVE),
    int(Surface.COAT_SLEEVE),
    int(Surface.SKIRT),
    int(Surface.HAIR),
)
HEM, LAST_BARE, SHOE = 0.011, int(Surface.HAND), int(Surface.SHOE)


@inlined
def bend(kind, x, y, z, style, texture):
    """How far wrinkles (or strands of hair) bend the normal: to the side, and up."""
    shift = 0.37 * style.fold_phase
    if kind == HAIR:
        a, b = slope_at(texture, 3.5 * (x + 0.6 * z) + shift, 0.4 * y + shift)
        return 0.24 * a, 0.06 * b
    strength = 0.11 * crumple(kind, x, y, z, style)
    if strength == 0.0:
        return 0.0, 0.0
    if kind == SLEEVE or kind == COAT_SLEEVE:
        a, b = slope_at(texture, 0.8 * (y + z) + shift, 0.45 * arm_share(x, y, z) + shift)
    elif kind == SKIRT:
        a, b = slope_at(texture, 1.3 * (x + 0.8 * z) + shift, 0.25 * y + shift)
    else:
        a, b = slope_at(texture, 0.8 * (x + 0.7 * z) + shift, 0.9 * y + shift)
    return strength * a, strength * b


@inlined
def darkening(kind, edge, hollow):
    """Light lost in hollows, and at the seam of a hem."""
    amount = 1.0 - min(0.55, 1.5 * hollow)
    if kind > LAST_BARE and kind != HAIR and kind != SHOE and edge < HEM:
        amount *= 0.80 if edge > 0.6 * HEM else 0.90
    return amount


@compiled
def shade_visible(
    surface, rest, normal, table, style, light, sun, sky, samples, texture, corner, color, coverage
):
    """Shade a person under a sun and a sky, and average samples to pixels.

    Parameters
    ----------
    surface, rest, normal : (samples * h, samples * w[, 5 or 3])
        Buffers of `stage.draw_buffers`; normals in the camera's frame.
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
    texture : (SIZE, SIZE, 2) float32
        From `folds.relief`.
    corner : (int, int)
        Row and column of the picture at which the buffers begin, pixels.
    color, coverage : (h, w, 3) float32, (h, w) float32
        The picture, zeros, to be written: linear light, already times the coverage; share 0..1 of the pixel that the person fills.
    """
    height, width = surface.shape[0] // samples, surface.shape[1] // samples
    part = np.float32(1.0 / (samples * samples))
    for row in range(height * samples):
        pixel_row = corner[0] + row // samples
        for across in range(width):
            pixel = corner[1] + across
            for column in range(across * samples, (across + 1) * samples):
                kind = surface[row, column]
                if kind == 0:
                    continue
                x, y, z = rest[row, column, 0], rest[row, column, 1], rest[row, column, 2]
                nx, ny, nz = normal[row, column, 0], normal[row, column, 1], normal[row, column, 2]
                flip = -1.0 if nz < -0.15 else 1.0
                aside, along = bend(kind, x, y, z, style, texture)
                nx, ny, nz = flip * nx + aside, flip * ny + along, flip * nz
                scale = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz)
                lit = max(0.0, scale * (nx * light[0] + ny * light[1] + nz * light[2]))
                amount = sky * (0.68 + 0.32 * scale * ny) + sun * lit
                amount *= part * darkening(kind, rest[row, column, 3], rest[row, column, 4])
                first, second, share = material_at(kind, x, y, z, style)
                for k in range(3):
                    bright = table[first, k] + share * (table[second, k] - table[first, k])
                    color[pixel_row, pixel, k] += amount * bright
                coverage[pixel_row, pixel] += part


@compiled
def shade_infrared(
    surface, rest, normal, table, style, lamp, falloff, samples, texture, corner, color, coverage
):
    """Shade a person in the light of the camera's own 850 nm lamp: bright where the surface faces the camera.

    Parameters as in `shade_visible`, with ``table`` (materials,) and ``color`` (h, w, 1); ``lamp`` (3,) is the direction towards
    the lamp, ``falloff`` 0..1 how much surfaces darken that turn away.
    """
    height, width = surface.shape[0] // samples, surface.shape[1] // samples
    part = np.float32(1.0 / (samples * samples))
    for row in range(height * samples):
        pixel_row = corner[0] + row // samples
        for across in range(width):
            pixel = corner[1] + across
            for column in range(across * samples, (across + 1) * samples):
                kind = surface[row, column]
                if kind == 0:
                    continue
                x, y, z = rest[row, column, 0], rest[row, column, 1], rest[row, column, 2]
                nx, ny, nz = normal[row, column, 0], normal[row, column, 1], normal[row, column, 2]
                aside, along = bend(kind, x, y, z, style, texture)
                nx, ny = nx + aside, ny + along
                scale = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz)
                facing = scale * abs(nx * lamp[0] + ny * lamp[1] + nz * lamp[2])
                amount = 1.0 - falloff * (1.0 - facing)
                amount *= part * darkening(kind, rest[row, column, 3], rest[row, column, 4])
                first, second, share = material_at(kind, x, y, z, style)
                bright = table[first] + share * (table[second] - table[first])
                color[pixel_row, pixel, 0] += amount * bright
                coverage[pixel_row, pixel] += part
