"""From buffers to linear light: visible (sun and sky) or near-infrared (a lamp beside the camera)."""

from __future__ import annotations

import math

import numpy as np

from ..compiled import compiled, constants, inlined
from ..person.dressing import arm_share, crumple, material_at
from ..person.folds import slope_at
from ..person.garments import CHAMBER
from ..person.materials import Material
from ..person.pieces import FOLD, MATERIAL, SEAM, Fold

FOLDS, COAT = constants(Fold), int(Material.COAT)
WRINKLE = 0.11  # slope of cloth where `crumple` is 1
QUILT = 0.35  # slope of cloth beside the seams of quilting
HEM = 0.011  # metres from the cloth's edge to its seam
TWO = np.uint64(2)  # what is unsigned stays so


@inlined
def bend(kind, x, y, z, style, texture):
    """How far wrinkles (strands of hair, quilting) bend the normal, to the side and up, and the share of light that seams leave."""
    shift, fold = 0.37 * style.fold_phase, FOLD[kind]
    if fold == FOLDS.HAIR:
        a, b = slope_at(texture, 3.5 * (x + 0.6 * z) + shift, 0.4 * y + shift)
        return 0.24 * a, 0.06 * b, 1.0
    across, along = crumple(fold, x, y, z, style)
    if along == 0.0:
        return 0.0, 0.0, 1.0
    around, length = x + 0.7 * z, y
    if fold == FOLDS.SLEEVE:
        around, length = y + z, 0.43 * arm_share(x, y, z)
    elif fold == FOLDS.LEG:
        length = y + 0.45 * abs(abs(x) - 0.13)  # a zigzag about the middle of the leg
    up = WRINKLE * across * slope_at(texture, 0.40 * around + shift, 0.9 * length + shift)[1]
    aside = WRINKLE * along * slope_at(texture, 1.2 * around + shift, 0.22 * length + shift)[0]
    if style.quilt > 0.0 and MATERIAL[kind] == COAT:
        chamber = (y if fold == FOLDS.TRUNK else length) / CHAMBER
        place = 2.0 * (chamber - math.floor(chamber)) - 1.0  # -1 … 1 between two seams
        return aside, up + QUILT * place, 1.0 - 0.4 * place**6
    return aside, up, 1.0


@inlined
def darkening(kind, edge, ambient_occlusion):
    """Share of the light that is left after ambient occlusion, and at the seam of a hem."""
    amount = 1.0 - min(0.55, 1.5 * ambient_occlusion)
    if SEAM[kind] and edge < HEM:
        amount *= 0.80 if edge > 0.6 * HEM else 0.90
    return amount


@compiled
def shade_visible(
    surface, rest, normal, ambient_occlusion, table, style, light, sun, sky,
    samples, texture, corner, color, coverage,
):  # fmt: skip
    """Shade a person under a sun and a sky, and average samples to pixels.

    Parameters
    ----------
    surface, rest, normal, ambient_occlusion : (samples * box_h, samples * box_w[, 4 or 3]), the last one half as high and wide
        Buffers of `gbuffer.draw_buffers`, the box around the person; normals in the camera's frame.
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
        The whole picture, zeros, to be written: linear light, already times the coverage; share 0..1 of the pixel that the person fills.
    """
    columns, normals, amount = _row_buffers(surface.shape[1])
    pixels = _pixels_of(surface.shape[1], samples, corner[1])
    part = np.float32(1.0 / (samples * samples))
    sunward = (light[0], light[1], light[2])
    for row in range(surface.shape[0]):
        count = _bend_row(
            row, surface, rest, normal, ambient_occlusion, style, texture, True, columns, normals, amount
        )
        for n in range(count):
            x, y, z = normals[0, n], normals[1, n], normals[2, n]
            scale = 1.0 / np.sqrt(x * x + y * y + z * z)
            lit = max(0.0, scale * (x * sunward[0] + y * sunward[1] + z * sunward[2]))
            amount[n] = (sky * (0.68 + 0.32 * scale * y) + sun * lit) * (part * amount[n])
        pixel_row = corner[0] + row // samples
        for n in range(count):
            c = columns[n]
            pixel = pixels[c]
            first, second, share = material_at(
                surface[row, c], rest[row, c, 0], rest[row, c, 1], rest[row, c, 2], style
            )
            for k in range(3):
                bright = table[first, k] + share * (table[second, k] - table[first, k])
                color[pixel_row, pixel, k] += amount[n] * bright
            coverage[pixel_row, pixel] += part


@compiled
def shade_infrared(
    surface, rest, normal, ambient_occlusion, table, style, lamp, falloff,
    samples, texture, corner, color, coverage,
):  # fmt: skip
    """Shade a person in the light of the camera's own 850 nm lamp: bright where the surface faces the camera.

    Parameters as in `shade_visible`, with ``table`` (materials,) and ``color`` (h, w, 1); ``lamp`` (3,) is the direction towards
    the lamp, ``falloff`` 0..1 how much surfaces darken that turn away.
    """
    columns, normals, amount = _row_buffers(surface.shape[1])
    pixels = _pixels_of(surface.shape[1], samples, corner[1])
    part = np.float32(1.0 / (samples * samples))
    lampward = (lamp[0], lamp[1], lamp[2])
    for row in range(surface.shape[0]):
        count = _bend_row(
            row, surface, rest, normal, ambient_occlusion, style, texture, False, columns, normals, amount
        )
        for n in range(count):
            x, y, z = normals[0, n], normals[1, n], np.float32(normals[2, n])
            scale = 1.0 / np.sqrt(x * x + y * y + z * z)
            facing = scale * abs(x * lampward[0] + y * lampward[1] + z * lampward[2])
            amount[n] = (1.0 - falloff * (1.0 - facing)) * (part * amount[n])
        pixel_row = corner[0] + row // samples
        for n in range(count):
            c = columns[n]
            pixel = pixels[c]
            first, second, share = material_at(
                surface[row, c], rest[row, c, 0], rest[row, c, 1], rest[row, c, 2], style
            )
            color[pixel_row, pixel, 0] += amount[n] * (table[first] + share * (table[second] - table[first]))
            coverage[pixel_row, pixel] += part


@inlined
def _row_buffers(width):
    """Room for the samples of a row: their columns, their normals, how much light.

    Columns are unsigned: numba then leaves out what indices below 0 would need.
    """
    return np.empty(width, np.uint64), np.empty((3, width)), np.empty(width)


@inlined
def _pixels_of(width, samples, first):
    """Column of the picture of each column of samples: dividing once here is cheaper than for every sample."""
    pixels = np.empty(width, np.uint64)
    for column in range(width):
        pixels[column] = first + column // samples
    return pixels


@inlined
def _bend_row(row, surface, rest, normal, ambient_occlusion, style, texture, turn, columns, normals, amount):
    """Count a row's samples and write where they are, their normals bent by wrinkles, and the light left after ambient occlusion.

    With ``turn``, normals that look away (the inside of a coat) are turned round.
    """
    count = 0
    for column in range(surface.shape[1]):
        columns[count] = column
        count += surface[row, column] != 0
    for n in range(count):
        c = columns[n]
        kind = surface[row, c]
        aside, along, left = bend(kind, rest[row, c, 0], rest[row, c, 1], rest[row, c, 2], style, texture)
        flip = -1.0 if turn and normal[row, c, 2] < -0.15 else 1.0
        normals[0, n] = flip * normal[row, c, 0] + aside
        normals[1, n] = flip * normal[row, c, 1] + along
        normals[2, n] = flip * normal[row, c, 2]
        amount[n] = left * darkening(kind, rest[row, c, 3], ambient_occlusion[row // 2, c // TWO])
    return count
