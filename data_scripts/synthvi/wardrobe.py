"""Who a person is: body shape, skin, hair, and what they wear in which colours. Everything here is identity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from .body import Shape
from .materials import Material, contrasting, infrared_display, palette
from .world import World


class Pattern(IntEnum):
    """What is printed on a garment."""

    PLAIN = 0
    RINGS = 1  # horizontal stripes
    STRIPES = 2  # vertical stripes
    CHECKS = 3
    TWO_TONE = 4  # one colour above a line, the other below
    SIDES = 5  # sleeves and sides in the second colour
    CHEST_BAND = 6


class Hair(IntEnum):
    """Hair style."""

    BALD = 0
    SHORT = 1
    LONG = 2
    BUN = 3
    TAIL = 4


class Bag(IntEnum):
    """What is carried."""

    NONE = 0
    BACKPACK = 1
    HANDBAG = 2
    SHOULDER = 3


class Style(NamedTuple):
    """Numbers that place clothes on the body. Heights are metres in the rest position (floor −0.82, crown 0.85)."""

    sleeve: float = 1.05  # where the top's sleeve ends: 0 shoulder, 1 wrist
    top_hem: float = 0.0
    neckline: float = 0.55  # front edge of the collar
    top_pattern: int = 0
    top_period: float = 0.08  # metres
    top_split: float = 0.25  # height of the line of two-tone tops and of the chest band
    logo: int = 0  # 0 none, 1 chest, 2 back, 3 both
    logo_size: float = 0.06
    coat: int = 0  # 1: an open or closed coat over the top
    coat_hem: float = -0.3
    coat_open: float = 0.0  # half width of its front opening, metres
    coat_pattern: int = 0
    skirt: int = 0  # 1: a skirt instead of trousers
    bottom_hem: float = -0.76
    bottom_pattern: int = 0  # 0 plain, 1 stripe along the side, 2 checks, 3 rings
    bottom_period: float = 0.1
    shoe_top: float = -0.76
    sock_top: float = -0.72
    hair: int = 1
    hairline: float = 0.0  # metres, shift of the hair's edge
    hair_bottom: float = 0.45  # where long hair ends
    beard: int = 0
    hat: int = 0  # 1 woollen hat, 2 cap with a brim
    hat_line: float = 0.775
    bag: int = 0
    bag_size: float = 1.0
    top_volume: float = 0.012  # metres between body and cloth
    coat_volume: float = 0.03
    bottom_volume: float = 0.012
    flare: float = 0.0  # extra width of trouser hems, metres
    fold_phase: float = 0.0  # where the folds lie


@dataclass(frozen=True)
class Person:
    """One identity."""

    shape: Shape
    style: Style
    visible: np.ndarray  # (materials, 3) float32 display colours
    infrared: np.ndarray  # (materials,) float32 display brightness


def draw_person(rng: np.random.Generator, world: World, colors: np.ndarray) -> Person:
    """Draw one identity from an explicit generator; ``colors`` (k, 3) are the world's cloth colours."""
    shape = _draw_shape(rng, world)
    style = _draw_style(rng, world, shape)
    visible = _draw_colors(rng, colors, shape)
    infrared = infrared_display(visible, rng, world)
    return Person(shape, style, visible.astype(np.float32), infrared.astype(np.float32))


def draw_palette(rng: np.random.Generator, world: World) -> np.ndarray:
    """Cloth colours of a world, (wardrobe_colors, 3)."""
    return palette(rng, world.wardrobe_colors)


def _draw_shape(rng: np.random.Generator, world: World) -> Shape:
    """Sex, age, muscle, weight, height, ancestry."""
    spread = world.shape_spread
    male = 0.5 + (0.5 if rng.uniform() < 0.5 else -0.5) * rng.uniform(0.7, 1.0) * min(1.0, spread)
    ancestry = rng.dirichlet([0.5, 0.5, 0.5])
    return Shape(
        male=male,
        old=float(np.clip(spread * rng.beta(1.0, 2.2), 0, 1)),
        muscle=float(np.clip(0.5 + spread * rng.normal(0.0, 0.2), 0, 1)),
        weight=float(np.clip(0.5 + spread * rng.normal(0.05, 0.24), 0, 1)),
        height=float(np.clip(spread * rng.normal(0.0, 0.35), -0.9, 0.9)),
        ancestry=tuple(float(a) for a in ancestry),
    )


def _pick(rng: np.random.Generator, *choices: tuple[int, float]) -> int:
    """Draw one of (value, share) pairs."""
    shares = np.array([share for _, share in choices], dtype=float)
    return int(choices[rng.choice(len(choices), p=shares / shares.sum())][0])


def _draw_style(rng: np.random.Generator, world: World, shape: Shape) -> Style:
    """Cut of the clothes, hair, hat, bag."""
    woman = shape.male < 0.5
    style = {**_draw_top(rng, world), **_draw_bottom(rng, woman), **_draw_head(rng, world, woman)}
    if style["coat"] and style["coat_hem"] < -0.05:
        style["skirt"] = 0
        style["bottom_hem"] = -0.77 if style["bottom_hem"] > -0.45 else style["bottom_hem"]
    wears = rng.uniform() < world.accessory_share
    bags = ((0, 0.2), (Bag.BACKPACK, 0.4), (Bag.HANDBAG, 0.25), (Bag.SHOULDER, 0.15))
    style["bag"] = _pick(rng, *bags) if wears else 0
    style["bag_size"] = rng.uniform(0.8, 1.25)
    style["fold_phase"] = rng.uniform(0, 6.28)
    return Style(**style)


def _draw_top(rng: np.random.Generator, world: World) -> dict:
    """Shirt, jumper, and perhaps a coat."""
    coat = int(rng.uniform() < 0.30)
    pattern = _pick(rng, *((p, 1.0) for p in Pattern if p > 0)) if rng.uniform() < world.pattern_share else 0
    sleeve = float(rng.choice([0.02, 0.22, 0.38, 0.62, 1.03], p=[0.06, 0.16, 0.22, 0.12, 0.44]))
    return {
        "sleeve": sleeve + rng.uniform(-0.02, 0.02),
        "top_hem": rng.uniform(-0.08, 0.12),
        "neckline": rng.uniform(0.47, 0.62),
        "top_pattern": pattern,
        "top_period": rng.uniform(0.05, 0.16),
        "top_split": rng.uniform(0.18, 0.42),
        "logo": _pick(rng, (0, 0.55), (1, 0.1), (2, 0.05), (3, 0.3)),
        "logo_size": rng.uniform(0.04, 0.095),
        "coat": coat,
        "coat_hem": rng.choice([rng.uniform(-0.02, 0.1), rng.uniform(-0.5, -0.1)]),
        "coat_open": rng.choice([0.0, rng.uniform(0.02, 0.07)]),
        "coat_pattern": _pick(
            rng, (0, 0.6), (Pattern.RINGS, 0.1), (Pattern.TWO_TONE, 0.2), (Pattern.SIDES, 0.1)
        ),
        "top_volume": rng.choice([rng.uniform(0.006, 0.015), rng.uniform(0.015, 0.035)]),
        "coat_volume": rng.uniform(0.022, 0.05),
    }


def _draw_bottom(rng: np.random.Generator, woman: bool) -> dict:
    """Trousers, shorts or skirt, and shoes."""
    skirt = int(woman and rng.uniform() < 0.38)
    trousers = rng.choice([-0.77, rng.uniform(-0.68, -0.5), rng.uniform(-0.36, -0.18)], p=[0.68, 0.1, 0.22])
    boots = rng.uniform() < 0.25
    shoe_top = rng.uniform(-0.62, -0.42) if boots else rng.uniform(-0.775, -0.735)
    return {
        "skirt": skirt,
        "bottom_hem": rng.uniform(-0.62, -0.15) if skirt else trousers + rng.uniform(-0.01, 0.01),
        "bottom_pattern": _pick(rng, (0, 0.52), (1, 0.22), (2, 0.12), (3, 0.14)),
        "bottom_period": rng.uniform(0.06, 0.16),
        "shoe_top": shoe_top,
        "sock_top": shoe_top + rng.choice([0.0, 0.03, 0.18]),
        "bottom_volume": rng.choice([rng.uniform(0.003, 0.010), rng.uniform(0.012, 0.03)]),
        "flare": rng.choice([0.0, rng.uniform(0.0, 0.035)]),
    }


def _draw_head(rng: np.random.Generator, world: World, woman: bool) -> dict:
    """Hair, beard, hat."""
    if woman:
        hair = _pick(rng, (Hair.SHORT, 0.2), (Hair.LONG, 0.45), (Hair.BUN, 0.15), (Hair.TAIL, 0.2))
    else:
        hair = _pick(rng, (Hair.BALD, 0.14), (Hair.SHORT, 0.76), (Hair.LONG, 0.1))
    hatted = rng.uniform() < 0.4 * world.accessory_share
    return {
        "hair": hair,
        "hairline": rng.uniform(-0.012, 0.02),
        "hair_bottom": rng.uniform(0.28, 0.58),
        "beard": int(not woman and rng.uniform() < 0.3),
        "hat": _pick(rng, (1, 0.5), (2, 0.5)) if hatted else 0,
        "hat_line": rng.uniform(0.765, 0.785),
    }


def _draw_colors(rng: np.random.Generator, colors: np.ndarray, shape: Shape) -> np.ndarray:
    """Display colours (materials, 3)."""
    table = np.zeros((len(Material), 3))
    pale, brown = np.array([0.93, 0.76, 0.66]), np.array([0.38, 0.25, 0.18])
    dark = np.clip(0.85 * shape.ancestry[0] + 0.25 * shape.ancestry[1] + rng.normal(0, 0.08), 0, 1)
    table[Material.SKIN] = pale + dark * (brown - pale)
    hairs = np.array(
        [[0.07, 0.06, 0.06], [0.2, 0.13, 0.09], [0.38, 0.24, 0.14], [0.72, 0.57, 0.36], [0.5, 0.24, 0.12]]
    )
    grey = np.full(3, rng.uniform(0.5, 0.8))
    share = np.clip(1.6 * shape.old - 0.6 + rng.normal(0, 0.1), 0, 1)
    natural = hairs[rng.choice(5, p=[0.34, 0.26, 0.18, 0.14, 0.08])]
    table[Material.HAIR] = natural + share * (grey - natural)
    for first, second in ((2, 3), (4, 5), (6, 7), (11, 12)):
        table[first] = colors[rng.integers(len(colors))]
        table[second] = contrasting(rng, colors, table[first])
    table[Material.SHOE] = colors[rng.integers(len(colors))] * rng.choice([0.5, 1.0])
    table[Material.SOLE] = rng.choice([0.9, 0.12]) * np.ones(3)
    table[Material.HAT] = colors[rng.integers(len(colors))]
    table[Material.LOGO] = contrasting(rng, colors, table[Material.TOP], least=0.4)
    table[Material.SOCK] = rng.choice([0.9, 0.15, 0.5]) * np.ones(3)
    table[Material.FACE_DARK] = [0.16, 0.11, 0.1]
    table[Material.LIPS] = np.clip(table[Material.SKIN] * [0.95, 0.62, 0.62], 0, 1)
    return table
