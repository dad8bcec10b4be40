"""From buffers to linear light, in one channel or three: a person under the sun, the sky and the camera's own lamp."""

from __future__ import annotations

import numpy as np

from ..compiled import compiled, inlined
from ..light import lamp_light, sky_light
from ..person.dressing import material_at
from ..person.folds import fold_slopes, fold_state
from ..person.pieces import SEAM

HEM = 0.011  # metres from the cloth's edge to its seam
AWAY = -0.15  # cosine below which a normal looks away: the inside of a coat, and not a coarse mesh's outline
TWO = np.uint64(2)  # what is unsigned stays so


@compiled
def shade(
    surface, rest, normal, ambient_occlusion, nearness, table, style, slopes, light, turn, bends,
    samples, texture, color, coverage,
):  # fmt: skip
    """Shade a person, and average samples to pixels.

    Ambient occlusion takes light of the sky only: what the lens sees, a lamp beside it lights.

    Parameters
    ----------
    surface, rest, normal, ambient_occlusion, nearness : (samples * h, samples * w[, 4 or 3]), the fourth half as high and wide
        `gbuffer.Buffers`; normals in the camera's coordinates.
    table : (materials, channels) float32
        Linear reflectances.
    style : wardrobe.Style
        All fields float.
    slopes : (3,) float32
        Slope right and slope up of the first sample's centre, and slope from sample to sample.
    light : (9,) float32
        Direction to the sun, and the world's up, both of unit length in the camera's coordinates; sun, sky, lamp as in `Light`.
    turn : (3, 3) float32
        From the person's axes (left, up, forward) to the camera's.
    bends : (4,) float32
        How far left and right elbow, left and right knee are bent, radians.
    samples : int
        Samples per pixel along each edge.
    texture : (SIZE, SIZE, 2) float32
        From `folds.relief`.
    color, coverage : (h, w, channels) float32, (h, w) float32
        Zeros, to be written: linear light, already times the coverage; share 0..1 of the pixel that the person fills.
    """
    width, channels = surface.shape[1], color.shape[2]
    columns, normals, shares = np.empty(width, np.uint64), np.empty((3, width)), np.empty((4, width))
    amount, pixels, asides = np.empty(width), np.empty(width, np.uint64), np.empty(width)
    for column in range(width):  # once here is cheaper than for every sample
        pixels[column] = column // samples
        asides[column] = slopes[0] + column * slopes[2]
    part, step, state = np.float32(1.0 / (samples * samples)), slopes[2], fold_state(style, bends)
    for row in range(surface.shape[0]):
        count = _bend_row(
            row, surface, rest, normal, ambient_occlusion, nearness, style, slopes, turn, state, texture,
            asides, columns, normals, shares,
        )  # fmt: skip
        _light_row(count, slopes[1] - row * step, normals, shares, step, light, amount)
        pixel_row = row // samples
        for n in range(count):
            c = columns[n]
            pixel, bright = pixels[c], part * amount[n]
            x, y, z = rest[row, c, 0], rest[row, c, 1], rest[row, c, 2]
            first, second, share = material_at(surface[row, c], x, y, z, style, shares[2, n])
            for k in range(channels):
                color[pixel_row, pixel, k] += bright * (
                    table[first, k] + share * (table[second, k] - table[first, k])
                )
            coverage[pixel_row, pixel] += part


@inlined
def _bend_row(
    row, surface, rest, normal, ambient_occlusion, nearness, style, slopes, turn, state, texture,
    asides, columns, normals, shares,
):  # fmt: skip
    """Count a row's samples and write where they are, their normals and what is known of their light.

    Normals that look away (the inside of a coat) are turned round, then bent by folds; their length is not 1. The four
    ``shares`` are the light that seams leave, the sky's light that ambient occlusion leaves, metres per sample, and slope aside.
    Columns are unsigned: numba then leaves out what indices below 0 would need.
    """
    count, up, step = 0, slopes[1] - row * slopes[2], slopes[2]
    for column in range(surface.shape[1]):
        columns[count] = column
        count += surface[row, column] != 0
    for n in range(count):
        c = columns[n]
        kind, fine = surface[row, c], step / nearness[row, c]
        left, high, ahead, share = fold_slopes(
            kind, rest[row, c, 0], rest[row, c, 1], rest[row, c, 2], style, state, texture, fine
        )
        if SEAM[kind] and rest[row, c, 3] < HEM:
            seam = 0.20 if rest[row, c, 3] > 0.6 * HEM else 0.10
            share *= 1.0 - seam * min(1.0, HEM / fine)
        normals[0, n], normals[1, n], normals[2, n] = left, high, ahead
        shares[0, n], shares[2, n] = share, fine
    a, b, c = (
        (turn[0, 0], turn[0, 1], turn[0, 2]),
        (turn[1, 0], turn[1, 1], turn[1, 2]),
        (turn[2, 0], turn[2, 1], turn[2, 2]),
    )
    for n in range(count):
        column = columns[n]
        aside, x, y, z = (
            asides[column],
            normal[row, column, 0],
            normal[row, column, 1],
            normal[row, column, 2],
        )
        left, high, ahead = normals[0, n], normals[1, n], normals[2, n]
        flip = -1.0 if z - x * aside - y * up < AWAY else 1.0
        normals[0, n] = flip * (x - a[0] * left - a[1] * high - a[2] * ahead)
        normals[1, n] = flip * (y - b[0] * left - b[1] * high - b[2] * ahead)
        normals[2, n] = flip * (z - c[0] * left - c[1] * high - c[2] * ahead)
        shares[1, n] = 1.0 - min(0.55, 1.5 * ambient_occlusion[row // 2, column // TWO])
        shares[3, n] = aside
    return count


@inlined
def _light_row(count, up, normals, shares, step, light, amount):
    """Write the light on a row's samples, at the slope ``up``: by the formulas of `light`, times what seams leave."""
    sun, sky, lamp = light[6], light[7], light[8]
    toward, above = (light[0], light[1], light[2]), (light[3], light[4], light[5])
    amount[:count] = 0.0
    if sun + sky > 0.0:
        for n in range(count):
            x, y, z = normals[0, n], normals[1, n], normals[2, n]
            scale = 1.0 / np.sqrt(x * x + y * y + z * z)
            level = scale * (x * above[0] + y * above[1] + z * above[2])
            lit = max(0.0, scale * (x * toward[0] + y * toward[1] + z * toward[2]))
            amount[n] = shares[0, n] * (shares[1, n] * sky_light(sky, level) + sun * lit)
    if lamp > 0.0:
        for n in range(count):
            x, y, z = normals[0, n], normals[1, n], normals[2, n]
            aside = shares[3, n]
            ray = np.sqrt(1.0 + aside * aside + up * up)  # metres per metre of depth
            facing = abs(z - x * aside - y * up) / (ray * np.sqrt(x * x + y * y + z * z))
            amount[n] += shares[0, n] * lamp_light(lamp, ray * shares[2, n] / step, facing)
