"""Surfaces that are not flat: value noise, and the tiles, bricks, planks, leaves and goods made from it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ..compiled import compiled, inlined


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
SPECKLED = 0.35  # mean mix of a speckled surface


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


@inlined
def _kept(cells):
    """How much of a value noise is kept, 0..1, whose cells are ``cells`` a sample wide: none that samples cannot show."""
    return min(1.0, max(0.0, 2.0 - 2.0 * cells))


@inlined
def _band(distance, half, sample):
    """Share of a sample, ``sample`` wide, that a line covers whose middle is ``distance`` away and ``half`` its width."""
    return max(0.0, min(distance + 0.5 * sample, half) - max(distance - 0.5 * sample, -half)) / sample


@compiled
def _rough(u, v, wide, high, seed):
    """Value noise less its mean, −0.5..0.5, of cells of 1, as far as samples of ``wide`` × ``high`` cells can show it."""
    kept = _kept(max(wide, high))
    return kept * (noise2(u, v, seed) - 0.5) if kept > 0.0 else 0.0


@compiled
def _tiles(kind, u, v, wide, high, scale_u, scale_v, seed):
    """Share of joint in a sample, 0..1, and the tile's own tint, −0.5..0.5."""
    row = np.floor(v / scale_v)
    if kind == 2 and int(row) % 2:
        u += 0.5 * scale_u
    column = np.floor(u / scale_u)
    half = min(JOINT, 0.06 * scale_v)
    in_u, in_v = u - column * scale_u, v - row * scale_v
    across = _band(min(in_u, scale_u - in_u), half, wide)
    along = _band(min(in_v, scale_v - in_v), half, high)
    kept = _kept(max(wide / scale_u, high / scale_v))
    across += (1.0 - _kept(wide / scale_u)) * (2.0 * half / scale_u - across)
    along += (1.0 - _kept(high / scale_v)) * (2.0 * half / scale_v - along)
    return across + along - across * along, kept * (scatter(int(column), int(row), seed) - 0.5)


@compiled
def _goods(u, v, wide, high, scale_u, scale_v, seed):
    """Mix and brightness of a shelf's goods."""
    row = np.floor(v / scale_v)
    width = scale_u * (0.6 + 0.8 * scatter(int(row), 1, seed))
    item = np.floor(u / width)
    tall = (0.45 + 0.45 * scatter(int(item), int(row), seed)) * scale_v
    gap = v - row * scale_v > tall or u - item * width < 0.012
    kept = _kept(max(wide / width, high / scale_v))
    bright = (0.55 + 0.6 * scatter(int(item), int(row), seed + 9)) * (0.3 if gap else 1.0)
    return 0.5 + kept * (scatter(int(item), int(row), seed + 7) - 0.5), 0.61 + kept * (bright - 0.61)


@compiled
def _print(u, v, wide, high, scale_u, scale_v, seed):
    """Mix of a poster: fields of the second colour, fields with lines of writing."""
    block = scatter(int(np.floor(u / scale_u)), int(np.floor(v / scale_v)), seed)
    mix = 1.0 if block > 0.62 else 0.0
    if block < 0.3:
        line = int(np.floor(v / 0.035)) % 2 == 0 and noise2(40.0 * u, 60.0 * v, seed) > 0.4
        mix = 0.23 + _kept(max(40.0 * wide, 60.0 * high)) * ((0.7 if line else 0.0) - 0.23)
    return 0.45 + _kept(max(wide / scale_u, high / scale_v)) * (mix - 0.45)


@compiled
def paint(kind, u, v, wide, high, scale_u, scale_v, strength, seed):
    """Look of a surface, on average over a sample: what is too fine for it fades to its mean.

    Parameters
    ----------
    kind : int
        A `Texture`.
    u, v : float
        Coordinates on the surface, metres; v is the height on upright surfaces.
    wide, high : float
        Size of the sample along u and v, metres.
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
    slow = _rough(1.3 * u + 17.0 * seed, 1.3 * v, 1.3 * wide, 1.3 * high, seed)
    mix, bright = (
        0.0,
        1.0
        + strength * (0.9 * slow + 0.35 * _rough(23.0 * u, 23.0 * v, 23.0 * wide, 23.0 * high, seed + 31)),
    )
    row = np.floor(v / scale_v)
    if kind == 1 or kind == 2:
        mix, tint = _tiles(kind, u, v, wide, high, scale_u, scale_v, seed)
        bright *= 1.0 + strength * tint
    elif kind == 3:
        board = np.floor((u + 1.7 * scatter(int(row), 5, seed)) / scale_u)
        tint = _kept(high / scale_v) * (scatter(int(board), int(row), seed) - 0.5)
        mix = 1.8 * strength * (0.5 + tint)
        mix += 0.25 * (0.5 + _rough(2.0 * u, 55.0 * v, 2.0 * wide, 55.0 * high, seed))
        bright *= 1.0 - 0.28 * _band(v - row * scale_v, 0.006, high)
    elif kind == 4:
        speckle = 0.5 + _rough(110.0 * u, 110.0 * v, 110.0 * wide, 110.0 * high, seed)
        kept = _kept(110.0 * max(wide, high))
        mix = SPECKLED + kept * ((1.0 if speckle > 0.70 else 0.5 * speckle) - SPECKLED)
        bright *= 1.0 - 0.9 * strength * max(0.0, _rough(0.7 * u, 1.1 * v, 0.7 * wide, 1.1 * high, seed + 57))
    elif kind == 5:
        blade = _rough(60.0 * u, 22.0 * v, 60.0 * wide, 22.0 * high, seed)
        mix = 0.5 + blade
        bright *= 1.0 + 0.5 * _rough(3.0 * u, 3.0 * v, 3.0 * wide, 3.0 * high, seed) + 0.4 * blade
    elif kind == 6:
        mix = 0.5 + _rough(26.0 * u, 26.0 * v, 26.0 * wide, 26.0 * high, seed)
        bright *= 0.65 + 0.7 * mix
    elif kind == 7:
        mix, shine = _goods(u, v, wide, high, scale_u, scale_v, seed)
        bright *= shine
    elif kind == 8:
        slant = np.sin(5.0 * (u + 0.35 * v) + seed)
        mix = min(1.0, max(0.0, 0.75 - v / (2.0 * scale_v))) * (0.75 if slant > 0.55 else 1.0)
    elif kind == 9:
        mix = _print(u, v, wide, high, scale_u, scale_v, seed)
    elif kind == 10:
        gap = _band(v - (row + 0.11) * scale_v, 0.11 * scale_v, high)
        mix = 0.22 + _kept(high / scale_v) * (gap - 0.22)
    return min(1.0, max(0.0, mix)), max(0.0, bright)
