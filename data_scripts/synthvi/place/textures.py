"""Surfaces that are not flat: value noise, and the tiles, bricks, planks, leaves and goods made from it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ..compiled import compiled


class Texture(IntEnum):
    """How a surface mixes its two colours over its own coordinates u, v (metres)."""

    PLAIN = 0  # slow and fine noise only
    TILES = 1  # tiles of scale_u × scale_v with joints in the second colour
    BRICKS = 2  # the same, every other row shifted by half a brick
    PLANKS = 3  # boards along u, each with its own tint and fibres
    SPECKLE = 4  # asphalt, concrete, terrazzo
    GRASS = 5
    LEAVES = 6
    GOODS = 7  # shelves: rows of goods in many tints over a dark gap
    GLASS = 8  # a pane: bright above, dark below, one slanting reflection
    PRINT = 9  # a poster: a field, a block, lines of writing
    SLATS = 10  # horizontal bars with dark gaps


JOINT = 0.012  # metres, half the width of a joint between tiles


@compiled
def scatter(i, j, k):
    """Hash three integers to a number in 0..1 that looks random; the same on every machine."""
    value = (i * 374761393 + j * 668265263 + k * 362437) & 0xFFFFFFFF
    value = ((value ^ (value >> 13)) * 1274126177) & 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 668265263) & 0xFFFFFFFF
    return ((value ^ (value >> 15)) & 0xFFFFFF) / 16777216.0


@compiled
def noise(x, y, z):
    """Value noise 0..1: random values at whole numbers, blended smoothly in between."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    a, b, c = x - i, y - j, z - k
    a, b, c = a * a * (3 - 2 * a), b * b * (3 - 2 * b), c * c * (3 - 2 * c)
    total = 0.0
    for p in range(2):
        for q in range(2):
            for r in range(2):
                share = (a if p else 1 - a) * (b if q else 1 - b) * (c if r else 1 - c)
                total += share * scatter(i + p, j + q, k + r)
    return total


@compiled
def noise2(x, y, seed):
    """Value noise 0..1 over a surface, as `noise` but half the work."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(seed)
    a, b = x - i, y - j
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    low = (1 - a) * scatter(i, j, k) + a * scatter(i + 1, j, k)
    high = (1 - a) * scatter(i, j + 1, k) + a * scatter(i + 1, j + 1, k)
    return low + b * (high - low)


@compiled
def paint(kind, u, v, scale_u, scale_v, strength, seed):
    """Look of a surface at one point.

    Parameters
    ----------
    kind : int
        A `Texture`.
    u, v : float
        Coordinates on the surface, metres; v is the height on upright surfaces.
    scale_u, scale_v : float
        Size of the pattern, metres.
    strength : float
        0 = no unevenness.
    seed : int
        Makes two surfaces of one kind differ.

    Returns
    -------
    mix : float
        0..1, from the first to the second colour.
    bright : float
        Factor on the colour, about 1.
    """
    slow = noise2(1.3 * u + 17.0 * seed, 1.3 * v, seed) - 0.5
    fine = noise2(23.0 * u, 23.0 * v, seed + 31) - 0.5
    mix, bright = 0.0, 1.0 + strength * (0.9 * slow + 0.35 * fine)
    column, row = np.floor(u / scale_u), np.floor(v / scale_v)
    if kind == 1 or kind == 2:
        if kind == 2 and int(row) % 2:
            column = np.floor(u / scale_u + 0.5)
            u += 0.5 * scale_u
        inside_u, inside_v = u - column * scale_u, v - row * scale_v
        edge = min(min(inside_u, scale_u - inside_u), min(inside_v, scale_v - inside_v))
        mix = 1.0 if edge < min(JOINT, 0.06 * scale_v) else 0.0
        bright *= 1.0 + strength * (scatter(int(column), int(row), seed) - 0.5)
    elif kind == 3:
        shifted = np.floor((u + 1.7 * scatter(int(row), 5, seed)) / scale_u)
        fibre = noise2(2.0 * u, 55.0 * v, seed)
        mix = 0.6 * scatter(int(shifted), int(row), seed) * strength * 3 + 0.25 * fibre
        bright *= 0.72 if v - row * scale_v < 0.006 else 1.0
    elif kind == 4:
        speckle = noise2(110.0 * u, 110.0 * v, seed)
        mix = 1.0 if speckle > 0.70 else 0.5 * speckle
        bright *= 1.0 - 0.9 * strength * max(0.0, noise2(0.7 * u, 1.1 * v, seed + 57) - 0.5)
    elif kind == 5:
        mix = noise2(60.0 * u, 22.0 * v, seed)
        bright *= 1.0 + 0.5 * (noise2(3.0 * u, 3.0 * v, seed) - 0.5) + 0.4 * (mix - 0.5)
    elif kind == 6:
        mix = noise2(26.0 * u, 26.0 * v, seed)
        bright *= 0.65 + 0.7 * mix
    elif kind == 7:
        height = v - row * scale_v
        wide = scale_u * (0.6 + 0.8 * scatter(int(row), 1, seed))
        item = np.floor(u / wide)
        tall = (0.45 + 0.45 * scatter(int(item), int(row), seed)) * scale_v
        mix = scatter(int(item), int(row), seed + 7)
        bright *= 0.55 + 0.6 * scatter(int(item), int(row), seed + 9)
        if height > tall or u - item * wide < 0.012:
            bright *= 0.3
    elif kind == 8:
        slant = np.sin(5.0 * (u + 0.35 * v) + seed)
        mix = min(1.0, max(0.0, 0.75 - v / (2.0 * scale_v))) * (0.75 if slant > 0.55 else 1.0)
    elif kind == 9:
        block = scatter(int(np.floor(u / scale_u)), int(np.floor(v / scale_v)), seed)
        line = int(np.floor(v / 0.035)) % 2 == 0 and noise2(40.0 * u, 60.0 * v, seed) > 0.4
        mix = 1.0 if block > 0.62 else (0.7 if block < 0.3 and line else 0.0)
    elif kind == 10:
        mix = 1.0 if v - row * scale_v < 0.22 * scale_v else 0.0
    return mix, max(0.0, bright)
