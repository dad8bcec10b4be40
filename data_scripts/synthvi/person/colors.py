"""Which colours people wear: mostly neutral, muted and denim, now and then vivid; skin and hair by ancestry and age."""

from __future__ import annotations

import colorsys

import numpy as np

from ..seeds import Draws
from .body import Shape
from .materials import Material, luminance

# Hues (0..1), saturation and value ranges of muted cloth: navy and denim, beige and brown, olive, burgundy, grey-green, mauve.
MUTED = (
    (0.61, 0.08, (0.25, 0.6), (0.15, 0.65)),
    (0.115, 0.03, (0.18, 0.45), (0.22, 0.72)),
    (0.19, 0.06, (0.2, 0.45), (0.2, 0.5)),
    (0.98, 0.03, (0.4, 0.65), (0.2, 0.45)),
    (0.45, 0.08, (0.12, 0.35), (0.25, 0.6)),
    (0.80, 0.08, (0.12, 0.3), (0.3, 0.6)),
)


def palette(rng: np.random.Generator, count: int) -> np.ndarray:
    """Cloth colours (count, 3) of a world: in turn neutral, muted, neutral or muted, vivid."""
    colors = []
    start = rng.uniform()
    for i in range(count):
        kind, turn = i % 4, i // 4
        if kind == 0:
            value = 0.06 + 0.86 * ((turn * 0.61803) % 1.0)
            tint = rng.normal(0, 0.012, 3) + value * rng.uniform(-0.02, 0.06) * np.array([1, 0, -1])
            colors.append(np.clip(value + tint, 0, 1))
        elif kind == 3:
            hue = (start + turn * 0.61803) % 1.0
            color = colorsys.hsv_to_rgb(hue, rng.uniform(0.5, 0.85), rng.uniform(0.3, 0.85))
            colors.append(np.array(color))
        else:
            hue, spread, saturation, value = MUTED[(2 * turn + kind) % len(MUTED)]
            made = (hue + rng.uniform(-spread, spread)) % 1.0, rng.uniform(*saturation), rng.uniform(*value)
            colors.append(np.array(colorsys.hsv_to_rgb(*made)))
    return np.array(colors)


def worn(rng: np.random.Generator, colors: np.ndarray, calm: float, dark: float = 0.0) -> np.ndarray:
    """Draw a cloth colour; ``calm`` and ``dark`` make vivid and bright ones rarer: weight exp(−calm·chroma − dark·value)."""
    chroma, value = np.ptp(colors, axis=1), colors.max(axis=1)
    weight = np.exp(-calm * chroma - dark * value)
    return colors[rng.choice(len(colors), p=weight / weight.sum())]


def contrasting(
    rng: np.random.Generator, colors: np.ndarray, first: np.ndarray, least: float = 0.3
) -> np.ndarray:
    """Draw a colour whose display brightness differs from ``first`` by at least ``least``, so that a pattern shows by day (at 850 nm: `cloth.ON`)."""
    difference = np.abs(luminance(colors) - luminance(first))
    fitting = np.flatnonzero(difference >= min(least, difference.max()))
    return worn(rng, colors[fitting], calm=1.5)


def draw_colors(rng: np.random.Generator, draws: Draws, colors: np.ndarray, shape: Shape) -> np.ndarray:
    """Display colours (materials, 3) of one person; ``colors`` (k, 3) are the world's cloth colours.

    ``rng`` is the chain of SynthVI 2 and draws the first rows of the table, ``draws`` the newer ones.
    """
    table = np.zeros((len(Material), 3))
    pale, brown = np.array([0.91, 0.74, 0.64]), np.array([0.38, 0.25, 0.18])
    dark = np.clip(0.85 * shape.ancestry[0] + 0.25 * shape.ancestry[1] + rng.normal(0, 0.08), 0, 1)
    table[Material.SKIN] = pale + dark * (brown - pale)
    hairs = np.array(
        [[0.09, 0.08, 0.08], [0.2, 0.14, 0.1], [0.36, 0.24, 0.15], [0.66, 0.53, 0.35], [0.46, 0.24, 0.13]]
    )
    grey = np.full(3, rng.uniform(0.5, 0.8))
    share = np.clip(1.6 * shape.old - 0.6 + rng.normal(0, 0.1), 0, 1)
    natural = hairs[rng.choice(5, p=[0.34, 0.28, 0.18, 0.13, 0.07])]
    table[Material.HAIR] = natural + share * (grey - natural)
    wanted = {
        Material.TOP: (1.8, 0.0),
        Material.BOTTOM: (7.5, 0.9),
        Material.COAT: (3.0, 0.6),
        Material.BAG: (2.0, 0.5),
        Material.SHOE: (3.5, 1.2),
        Material.HAT: (1.5, 0.3),
    }
    for material, (calm, least) in wanted.items():
        table[material] = worn(rng, colors, calm, least)
    for first, second in (
        (Material.TOP, Material.TOP_SECOND),
        (Material.BOTTOM, Material.BOTTOM_SECOND),
        (Material.COAT, Material.COAT_SECOND),
        (Material.BAG, Material.BAG_SECOND),
    ):
        table[second] = contrasting(rng, colors, table[first])
    table[Material.SOLE] = rng.choice([0.85, 0.12, 0.5]) * np.ones(3)
    table[Material.LOGO] = contrasting(rng, colors, table[Material.TOP], least=0.4)
    table[Material.SOCK] = rng.choice([0.9, 0.15, 0.5]) * np.ones(3)
    table[Material.FACE_DARK] = 0.25 * table[Material.SKIN] + [0.05, 0.035, 0.03]
    table[Material.LIPS] = np.clip(table[Material.SKIN] * [0.88, 0.62, 0.60], 0, 1)
    _draw_small_things(draws, colors, table)
    return table


def _draw_small_things(draws: Draws, colors: np.ndarray, table: np.ndarray) -> None:
    """Write the colours of scarf, belt, straps, second ink and glasses into a table."""
    table[Material.SCARF] = worn(draws("color of the scarf"), colors, calm=1.0)
    table[Material.SCARF_SECOND] = contrasting(
        draws("color of the scarf's stripes"), colors, table[Material.SCARF]
    )
    leather = np.array([[0.08, 0.07, 0.07], [0.26, 0.16, 0.10], [0.45, 0.29, 0.17], [0.16, 0.12, 0.10]])
    table[Material.BELT] = draws("color of the belt").choice(leather)
    web = draws("color of the straps")
    table[Material.STRAP] = table[Material.BAG] if web.uniform() < 0.6 else web.uniform(0.05, 0.2)
    table[Material.PRINT_SECOND] = contrasting(
        draws("color of the second ink"), colors, table[Material.LOGO], least=0.25
    )
    frames = np.array([[0.07, 0.07, 0.08], [0.07, 0.07, 0.08], [0.30, 0.19, 0.12], [0.55, 0.55, 0.56]])
    table[Material.GLASSES] = draws("color of the glasses").choice(frames)
