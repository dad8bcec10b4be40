"""Who a person is: body shape, skin, hair, and what they wear in which colours. Everything here is identity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from ..seeds import Draws
from ..world import World
from .bags import draw_bag
from .body import Shape, draw_proportions
from .carriage import PLAIN, Carriage, draw_carriage
from .cloth import near_infrared
from .collars import draw_collar
from .colors import draw_colors, palette
from .details import draw_details, make_alike
from .hairstyles import Hair, draw_hairstyle
from .materials import Material


class Pattern(IntEnum):
    """Second colours that cover a garment; prints are `Style.top_print` and its like, sewn panels `cuts.Cut`."""

    PLAIN = 0
    RINGS = 1  # horizontal stripes
    STRIPES = 2  # vertical stripes
    CHECKS = 3
    TWO_TONE = 4  # one colour above a line, the other below
    SIDES = 5  # sleeves and sides in the second colour
    CHEST_BAND = 6
    SIDE_STRIPE = 7  # trousers: along the outside of the legs
    FADE = 8  # trousers: washed-out thighs


class Bag(IntEnum):
    """What is carried."""

    NONE = 0
    BACKPACK = 1
    HANDBAG = 2
    SHOULDER = 3  # at the hip, its strap across the chest
    ONE_STRAP = 4  # a backpack on one shoulder
    SHOPPER = 5  # a tall bag in the hand
    CROSSBODY = 6  # small, high in front of the hip
    TOTE = 7  # under the arm, two straps over one shoulder
    WAIST = 8  # a pouch on a belt
    DUFFEL = 9  # a lying barrel at the hip


class Style(NamedTuple):
    """Numbers that place clothes on the body. Heights are metres in the rest position (floor −0.82, crown 0.85)."""

    sleeve: float = 1.05  # where the top's sleeve ends: 0 shoulder, 1 wrist
    top_hem: float = 0.0
    neckline: float = 0.55  # front edge of the collar
    top_pattern: int = 0
    top_period: float = 0.08  # metres
    top_split: float = 0.25  # height of the line of two-tone tops and of the chest band
    logo: int = 0  # of the chain of old: who had one in SynthVI 2 has a print there, `top_print`
    logo_size: float = 0.06  # of the chain of old; `print_width` took its place
    coat: int = 0  # 1: an open or closed coat over the top
    coat_hem: float = -0.3
    coat_open: float = 0.0  # half width of its front opening, metres
    coat_pattern: int = 0
    skirt: int = 0  # 1: a skirt instead of trousers
    bottom_hem: float = -0.76
    bottom_pattern: int = 0
    bottom_period: float = 0.1
    shoe_top: float = -0.76
    sock_top: float = -0.72
    shoe_point: float = 0.3  # 0 round toes, 1 pointed
    belt: int = 0
    hair: int = 1
    hairline: float = 0.0  # metres, shift of the hair's edge
    hair_bottom: float = 0.45  # where long hair and tails end
    hair_volume: float = 0.014  # metres between skull and the hair's outline
    beard: int = 0
    beard_density: float = 0.7  # 0..1
    hat: int = 0  # 1 woollen hat, 2 cap with a brim
    hat_line: float = 0.775
    scarf: int = 0  # 1 plain, 2 striped
    bag: int = 0
    bag_size: float = 1.0
    top_volume: float = 0.012  # metres between body and cloth
    coat_volume: float = 0.03
    bottom_volume: float = 0.012
    flare: float = 0.0  # extra width of trouser hems, metres
    fold_phase: float = 0.0  # where the folds lie
    bag_form: int = 0  # Bag in place of ``bag``; 0: ``bag`` itself
    bag_side: int = -1  # shoulder or hip of bags that have one: 1 the person's left, -1 right
    bag_aspect: float = 1.0  # how much wider than usual
    collar: int = 0  # of the top, `collars.Collar`
    hood: int = 0  # of the coat, or of the top where there is none: 1 on the back, 2 over the head
    lapels: int = 0  # of the coat; where it is closed: a collar turned down
    quilt: float = 0.0  # depth of the coat's quilting, metres
    tucked: int = 0  # 1: the top goes into trousers or skirt
    coat_length: int = 0  # 0 as ``coat_hem`` says, 1 to the waist, 2 to the knees
    top_print: int = 0  # 0 none, 1 chest, 2 back, 3 both
    top_motif: int = 0  # number in `motifs.MOTIFS`
    print_x: float = 0.0  # its middle, metres
    print_y: float = 0.34
    print_width: float = 0.10  # half its edges, metres
    print_height: float = 0.10
    coat_print: int = 0  # 1 on the back, 2 bands around trunk and sleeves
    coat_motif: int = 0
    coat_print_size: float = 0.10
    bottom_print: int = 0  # on the left (1) or right (-1) thigh
    bottom_motif: int = 0
    bag_print: int = 0
    bag_motif: int = 0
    top_cut: int = 0  # of `cuts.Cut`, as the next two
    coat_cut: int = 0
    bottom_cut: int = 0
    cut_level: float = 0.5  # 0..1, shifts the lines of cuts
    cut_side: int = 1
    glasses: int = 0  # 1 thin frames, 2 thick ones, 3 sunglasses
    brows: float = 1.0  # strength of the eyebrows
    beard_form: int = 0  # 0 full, 1 goatee, 2 moustache
    shoe_form: int = 0  # of `shoes.ShoeForm`
    haircut: int = 0  # Hair in place of `hair`, 0: as `hair` says
    fringe: float = 0.0  # metres that hair hangs into the forehead
    hair_body: float = 0.0  # metres that hair stands off in addition
    hair_ragged: float = 0.0  # metres that the ends of strands differ
    parting: float = 0.0  # -1..1: to which side hair is combed


@dataclass(frozen=True)
class Person:
    """One identity."""

    shape: Shape
    style: Style
    visible: np.ndarray  # (materials, 3) float32 display colours
    infrared: np.ndarray  # (materials,) float32 linear reflectances at 850 nm
    carriage: Carriage = PLAIN


def draw_person(rng: np.random.Generator, draws: Draws, world: World, colors: np.ndarray) -> Person:
    """Draw one identity; ``colors`` (k, 3) are the world's cloth colours.

    ``rng`` draws what SynthVI 2 had, one attribute after another: a chain that nothing may be inserted into. Everything
    newer is drawn from ``draws``, by name.
    """
    shape = _draw_shape(rng, world)
    style = _draw_style(rng, world, shape)
    visible = draw_colors(rng, draws, colors, shape)
    shape = replace(shape, proportions=draw_proportions(draws, world.shape_spread))
    style = draw_details(draws, world, style)
    style = draw_hairstyle(draws, style, shape.male < 0.5, world.hairstyles)
    style = style._replace(**draw_bag(draws, style))
    style = style._replace(**draw_collar(draws, style))
    if style.bottom_pattern == Pattern.FADE:  # washed out: paler, not another colour
        visible[Material.BOTTOM_SECOND] = 0.45 * visible[Material.BOTTOM] + 0.42
    style, visible = make_alike(draws, style, visible, colors, world.lookalikes)
    infrared = near_infrared(draws, visible, world)
    carriage = draw_carriage(draws, world.shape_spread)
    return Person(shape, style, visible.astype(np.float32), infrared.astype(np.float32), carriage)


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
    if style["shoe_top"] > style["bottom_hem"] and not style["skirt"]:
        if style["bottom_volume"] < 0.008:  # tight trousers go into boots, wide ones over them
            style["bottom_hem"] = style["shoe_top"] - 0.05
        else:
            style["shoe_top"] = -0.72
    if style["skirt"]:
        style["bottom_pattern"] = _pick(
            rng, (0, 0.72), (Pattern.RINGS, 0.10), (Pattern.STRIPES, 0.06), (Pattern.CHECKS, 0.12)
        )
        style["flare"] = rng.uniform(0.0, 0.12)
    wears = rng.uniform() < world.accessory_share
    bags = ((0, 0.2), (Bag.BACKPACK, 0.4), (Bag.HANDBAG, 0.2), (Bag.SHOULDER, 0.2))
    style["bag"] = _pick(rng, *bags) if wears else 0
    style["bag_size"] = rng.uniform(0.8, 1.2)
    scarved = rng.uniform() < (0.22 if style["coat"] else 0.04) * world.accessory_share / 0.55
    style["scarf"] = int(rng.integers(1, 3)) if scarved else 0
    style["fold_phase"] = rng.uniform(0, 6.28)
    return Style(**style)


def _draw_top(rng: np.random.Generator, world: World) -> dict:
    """Shirt, jumper, and perhaps a coat."""
    coat = int(rng.uniform() < 0.30)
    patterned = rng.uniform() < world.pattern_share
    shares = (
        (Pattern.PLAIN, 0.25),  # the share is of people with a pattern *or* a logo, which is a print today
        (Pattern.RINGS, 0.22),
        (Pattern.STRIPES, 0.08),
        (Pattern.CHECKS, 0.10),
        (Pattern.TWO_TONE, 0.12),
        (Pattern.SIDES, 0.11),
        (Pattern.CHEST_BAND, 0.12),
    )
    pattern = _pick(rng, *shares) if patterned else Pattern.PLAIN
    logo = _pick(rng, (0, 0.4), (1, 0.25), (2, 0.1), (3, 0.25)) if pattern in (0, Pattern.SIDES) else 0
    sleeve = float(rng.choice([0.04, 0.24, 0.38, 0.62, 0.94], p=[0.05, 0.18, 0.20, 0.10, 0.47]))
    return {
        "sleeve": sleeve + rng.uniform(-0.02, 0.02),
        "top_hem": rng.uniform(-0.12, 0.05),
        "neckline": rng.choice(
            [rng.uniform(0.49, 0.54), rng.uniform(0.54, 0.575), 0.605], p=[0.35, 0.5, 0.15]
        ),
        "top_pattern": int(pattern),
        "top_period": rng.uniform(0.05, 0.16),
        "top_split": rng.uniform(0.18, 0.42),
        "logo": logo if patterned else 0,
        "logo_size": rng.uniform(0.04, 0.095),
        "coat": coat,
        "coat_hem": rng.choice([rng.uniform(-0.10, 0.05), rng.uniform(-0.45, -0.12)]),
        "coat_open": rng.choice([0.0, rng.uniform(0.025, 0.075)]),
        "coat_pattern": _pick(
            rng, (0, 0.72), (Pattern.RINGS, 0.06), (Pattern.TWO_TONE, 0.14), (Pattern.SIDES, 0.08)
        ),
        "top_volume": rng.choice([rng.uniform(0.006, 0.013), rng.uniform(0.013, 0.03)]),
        "coat_volume": rng.uniform(0.015, 0.034),
    }


def _draw_bottom(rng: np.random.Generator, woman: bool) -> dict:
    """Trousers, shorts or skirt, and shoes."""
    skirt = int(woman and rng.uniform() < 0.36)
    trousers = rng.choice(
        [-0.765, rng.uniform(-0.68, -0.58), rng.uniform(-0.40, -0.22)], p=[0.74, 0.08, 0.18]
    )
    boots = rng.uniform() < (0.28 if woman else 0.14)
    shoe_top = rng.uniform(-0.66, -0.46) if boots else -0.72
    tight = rng.uniform() < (0.5 if woman else 0.2)
    return {
        "skirt": skirt,
        "bottom_hem": rng.uniform(-0.62, -0.2) if skirt else trousers + rng.uniform(-0.008, 0.008),
        "bottom_pattern": _pick(rng, (0, 0.66), (Pattern.SIDE_STRIPE, 0.12), (Pattern.FADE, 0.22)),
        "bottom_period": rng.uniform(0.06, 0.16),
        "shoe_top": shoe_top,
        "sock_top": shoe_top + rng.choice([-0.03, 0.03, 0.16], p=[0.4, 0.4, 0.2]),
        "shoe_point": rng.uniform(0.0, 1.0) if woman else rng.uniform(0.0, 0.5),
        "belt": int(rng.uniform() < 0.4),
        "bottom_volume": rng.uniform(0.003, 0.007) if tight else rng.uniform(0.009, 0.026),
        "flare": 0.0 if tight else rng.choice([0.0, rng.uniform(0.0, 0.03)]),
    }


def _draw_head(rng: np.random.Generator, world: World, woman: bool) -> dict:
    """Hair, beard, hat."""
    if woman:
        hair = _pick(rng, (Hair.SHORT, 0.15), (Hair.LONG, 0.47), (Hair.BUN, 0.16), (Hair.TAIL, 0.22))
    else:
        hair = _pick(rng, (Hair.BALD, 0.09), (Hair.RECEDING, 0.08), (Hair.SHORT, 0.76), (Hair.LONG, 0.07))
    hatted = rng.uniform() < 0.4 * world.accessory_share
    return {
        "hair": hair,
        "hairline": rng.uniform(-0.010, 0.014),
        "hair_bottom": rng.uniform(0.36, 0.60),
        "hair_volume": rng.uniform(0.006, 0.024),
        "beard": int(not woman and rng.uniform() < 0.35),
        "beard_density": rng.uniform(0.25, 0.85),
        "hat": _pick(rng, (1, 0.5), (2, 0.5)) if hatted else 0,
        "hat_line": rng.uniform(0.775, 0.79),
    }
