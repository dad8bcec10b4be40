"""Bags and how they are worn: on the back, on one shoulder, at the hip, at the waist, in the hand. Straps are ribbons on the cloth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..seeds import Draws
from .mannequin import Mannequin
from .pieces import Piece, Surface, box, rigid, rope, vertices_of
from .straps import Cloth, Rays, ribbon, trunk_cloth, way

if TYPE_CHECKING:  # `wardrobe` calls `draw_bag`
    from .wardrobe import Style

BACKPACK, HANDBAG, SHOULDER, ONE_STRAP, SHOPPER, CROSSBODY, TOTE, WAIST, DUFFEL = range(1, 10)  # wardrobe.Bag
# What people who carry the first may carry instead, with shares. Hands stay hands: poses hold a bag in them.
FORMS = {
    0: ((0, 1.0),),
    BACKPACK: ((BACKPACK, 0.58), (ONE_STRAP, 0.22), (TOTE, 0.10), (DUFFEL, 0.10)),
    HANDBAG: ((HANDBAG, 0.60), (SHOPPER, 0.40)),
    SHOULDER: ((SHOULDER, 0.30), (CROSSBODY, 0.20), (TOTE, 0.20), (WAIST, 0.20), (DUFFEL, 0.10)),
}


def draw_bag(draws: Draws, style: Style) -> dict:
    """Fields of `Style`: which form of bag, on which side, how wide."""
    forms, shares = zip(*FORMS[style.bag], strict=True)
    picked = np.searchsorted(np.cumsum(shares) / sum(shares), draws("bag form").uniform())
    return {
        "bag_form": int(forms[picked]),
        "bag_side": 1 if draws("bag side").uniform() < 0.5 else -1,
        "bag_aspect": float(draws("bag aspect").uniform(0.85, 1.15)),
    }


def strap_shoulder(style: Style, wished: float) -> float:
    """Over which shoulder a strap lies: 1 left, −1 right, 0 none; ``wished`` where both have one."""
    form = style.bag_form or style.bag
    if form in (ONE_STRAP, TOTE):
        return float(style.bag_side)
    if form in (SHOULDER, CROSSBODY, DUFFEL):
        return -float(style.bag_side)
    return wished if form == BACKPACK else 0.0


def bag(mannequin: Mannequin, style: Style, upper: list[Piece], clothes: list[Piece]) -> list[Piece]:
    """The carried bag with its straps; ``upper`` are the garments it hangs on, ``clothes`` all that straps may touch."""
    form = style.bag_form or style.bag
    make = {
        BACKPACK: _backpack,
        ONE_STRAP: _backpack,
        HANDBAG: _handbag,
        SHOPPER: _handbag,
        SHOULDER: _shoulder_bag,
        CROSSBODY: _shoulder_bag,
        DUFFEL: _shoulder_bag,
        TOTE: _tote,
        WAIST: _waist_bag,
    }.get(form)
    if make is None:
        return []
    if make is _handbag:
        return _handbag(mannequin, style, form)
    outer = vertices_of(upper, Surface.TOP, Surface.COAT)  # sleeves hang elsewhere
    return make(mannequin, style, form, outer, trunk_cloth(mannequin, clothes))


def _piece(
    mannequin: Mannequin,
    form: tuple[np.ndarray, np.ndarray, np.ndarray],
    bone: int,
    kind: Surface = Surface.BAG,
) -> Piece:
    """A rigid part of a bag."""
    points, places, faces = form
    return Piece(kind, points, places, faces, rigid(len(points), len(mannequin.joints), bone))


def _shoulder(mannequin: Mannequin) -> np.ndarray:
    """The left shoulder on the trunk's axis: (half width, height, z of the axis)."""
    joint = mannequin.joints[mannequin.body.bone("upperarm_l")]
    return np.array([joint[0], joint[1], mannequin.joints[mannequin.body.bone("spine_03"), 2]])


def _backpack(mannequin: Mannequin, style: Style, form: int, outer: np.ndarray, cloth: Cloth) -> list[Piece]:
    """Body, lid, front pocket and a grip; it hangs from both shoulders, or from one and then askew."""
    bone, size = mannequin.body.bone("spine_03"), style.bag_size
    sides = (1, -1) if form == BACKPACK else (style.bag_side,)
    top = mannequin.joints[mannequin.body.bone("clavicle_l"), 1] - 0.01
    tall, wide, deep = 0.40 * size / style.bag_aspect, 0.28 * size * style.bag_aspect, 0.15 * size
    near = outer[(np.abs(outer[:, 0]) < 0.1) & (outer[:, 1] < top - 0.05) & (outer[:, 1] > top - 0.3)]
    back = near[:, 2].min()
    middle = np.array([0.0, top - 0.5 * tall, back - 0.42 * deep])
    if form == ONE_STRAP:
        middle += [0.075 * style.bag_side, -0.03, 0.0]
    body = box(middle, [wide, tall, deep], 0.45, taper=0.08)
    pocket = box(middle + [0, -0.17 * tall, -0.5 * deep], [0.72 * wide, 0.42 * tall, 0.5 * deep], 0.4)
    pocket[1][:, 1] = 0.4 * pocket[1][:, 1] - 3.0  # places below −2: a pocket
    lid = box(middle + [0, 0.40 * tall, -0.04 * deep], [1.03 * wide, 0.27 * tall, 1.1 * deep], 0.5)
    lid[1][:, 1] = 0.4 * lid[1][:, 1] + 3.0  # places above 2: a lid
    arc = np.linspace(0, np.pi, 5)
    grip = np.stack([0.03 * np.cos(arc), 0.035 * np.sin(arc), 0 * arc], 1)
    grip = rope(middle + [0, 0.5 * tall, 0.35 * deep] + grip, np.full(5, 0.006), 4)
    pieces = [_piece(mannequin, part, bone) for part in (body, pocket, lid)]
    pieces.append(_piece(mannequin, grip, bone, Surface.STRAP))
    low = middle[1] - 0.40 * tall - _shoulder(mannequin)[1]
    return pieces + [ribbon(cloth, _over_shoulder(mannequin, side, low), 0.024) for side in sides]


def _over_shoulder(mannequin: Mannequin, side: int, low: float) -> Rays:
    """The way of a backpack's strap: over the shoulder, down the chest, back under the arm, ending ``low`` from the shoulder."""
    x, y, z = _shoulder(mannequin)
    keys = [
        ((0.50, -0.12), (0.0, -0.1, -1.0)),
        ((0.56, -0.10), (0.0, 0.8, -1.0)),
        ((0.60, -0.09), (0.0, 1.0, 0.0)),
        ((0.61, -0.11), (0.0, 0.8, 1.0)),
        ((0.60, -0.16), (0.0, 0.0, 1.0)),
        ((0.64, -0.23), (0.1, 0.0, 1.0)),
        ((0.50, 0.85 * low), (0.8, 0.0, 1.0)),
        ((0.40, 0.95 * low), (1.0, 0.0, 0.0)),
        ((0.40, low), (0.8, 0.0, -1.0)),
    ]
    return way([((side * a * x, y + b, z + 0.01), (side * u, v, w)) for (a, b), (u, v, w) in keys], rows=25)


def _handbag(mannequin: Mannequin, style: Style, form: int) -> list[Piece]:
    """A bag with two handles, in the left hand; it never turns with the hand. Shoppers are tall and flat."""
    bone, size = len(mannequin.joints), style.bag_size
    hand = mannequin.joints[mannequin.body.bone("middle_01_l")] + [0.0, -0.045, 0.0]
    shopper = form == SHOPPER
    tall, long, deep = np.array([0.36, 0.30, 0.11] if shopper else [0.21, 0.29, 0.10]) * size
    long *= style.bag_aspect
    middle = hand + [0.015, -0.13 - 0.5 * tall, 0.0]
    form_of = box(middle, [deep, tall, long], 0.2 if shopper else 0.4, taper=0.0 if shopper else 0.12)
    pieces = [_piece(mannequin, form_of, bone)]
    arc = np.linspace(0, np.pi, 9)
    for side in (-1, 1):
        path = np.stack(
            [side * 0.25 * deep * (1 - 0.7 * np.sin(arc)), 0.15 * np.sin(arc), 0.32 * long * np.cos(arc)], 1
        )
        handle = rope(middle + [0, 0.46 * tall, 0] + path, np.full(9, 0.007), 4)
        pieces.append(_piece(mannequin, handle, bone, Surface.STRAP))
    return pieces


def _shoulder_bag(
    mannequin: Mannequin, style: Style, form: int, outer: np.ndarray, cloth: Cloth
) -> list[Piece]:
    """A bag at the hip on a strap across the chest: flat with a flap, small in front, or a long barrel."""
    bone, side, size = mannequin.body.bone("pelvis"), style.bag_side, style.bag_size
    hip = mannequin.joints[mannequin.body.bone("thigh_l" if side > 0 else "thigh_r")]
    tall, long, deep = {
        SHOULDER: np.array([0.22, 0.29, 0.085]),
        CROSSBODY: np.array([0.15, 0.19, 0.060]),
        DUFFEL: np.array([0.24, 0.48, 0.220]),
    }[form] * size
    long *= style.bag_aspect
    near = outer[(np.abs(outer[:, 1] - hip[1]) < 0.08) & (outer[:, 0] * side > 0)]
    reach = (near[:, 0] * side).max() if len(near) else abs(hip[0]) + 0.1
    middle = np.array([side * (reach + 0.35 * deep), hip[1], hip[2] - 0.03])
    if form == CROSSBODY:
        middle += [-side * 0.045, 0.05, 0.09]
    elif form == DUFFEL:
        middle += [-side * 0.02, 0.02, -0.07]
        parts = [box(middle, [deep, tall, long], 0.75)]
    if form != DUFFEL:
        flap = box(middle + [side * 0.10 * deep, 0.18 * tall, 0], [deep, 0.68 * tall, 1.03 * long], 0.35)
        flap[1][:, 1] = 0.4 * flap[1][:, 1] + 3.0
        parts = [box(middle, [deep, tall, long], 0.35), flap]
    pieces = [_piece(mannequin, part, bone) for part in parts]
    rays = _across_chest(mannequin, side, middle + [0.0, 0.40 * tall, 0.0])
    return [*pieces, ribbon(cloth, rays, 0.012 if form == CROSSBODY else 0.02)]


def _across_chest(mannequin: Mannequin, side: int, end: np.ndarray) -> Rays:
    """The way of a strap from a bag's top ``end`` (3,) at one hip, over the other shoulder, and back to it."""
    x, y, z = _shoulder(mannequin)
    low, half = end[1], 0.5 * (end[1] + y)
    forward = float(end[2] - z > 0.02)
    keys = [
        ((0.55, low), (1.0, 0.0, 0.35 + 0.6 * forward)),
        ((0.35, 0.75 * low + 0.25 * half), (0.5, 0.0, 1.0)),
        ((0.05, half), (0.0, 0.0, 1.0)),
        ((-0.38, y - 0.12), (0.0, 0.1, 1.0)),
        ((-0.52, y - 0.10), (0.0, 0.8, 1.0)),
        ((-0.54, y - 0.09), (0.0, 1.0, 0.0)),
        ((-0.50, y - 0.10), (0.0, 0.7, -1.0)),
        ((-0.38, y - 0.13), (0.0, 0.0, -1.0)),
        ((0.05, half), (0.0, 0.0, -1.0)),
        ((0.35, 0.75 * low + 0.25 * half), (0.5, 0.0, -1.0)),
        ((0.55, low), (1.0, 0.0, -0.35)),
    ]
    return way([((side * a * x, h, z), (side * u, v, w)) for (a, h), (u, v, w) in keys], rows=31)


def _tote(mannequin: Mannequin, style: Style, form: int, outer: np.ndarray, cloth: Cloth) -> list[Piece]:
    """A flat open bag under the arm; two straps go over the shoulder."""
    bone, side, size = mannequin.body.bone("spine_02"), style.bag_side, style.bag_size
    x, y, z = _shoulder(mannequin)
    tall, long, deep = np.array([0.34, 0.36 * style.bag_aspect, 0.09]) * size
    top = y - 0.24
    middle = np.array([side * (0.78 * x + 0.5 * deep), top - 0.5 * tall, z - 0.05])
    pieces = [_piece(mannequin, box(middle, [deep, tall, long], 0.25, taper=-0.06), bone)]
    over = way(
        [
            ((side * 0.72 * x, y - 0.10, z - 0.01), (0.15 * side, 0.5, 1.0)),
            ((side * 0.76 * x, y - 0.09, z - 0.01), (0.0, 1.0, 0.0)),
            ((side * 0.72 * x, y - 0.10, z - 0.01), (0.15 * side, 0.5, -1.0)),
        ],
        rows=9,
    )
    ends = [middle + [0.0, 0.45 * tall, sign * 0.30 * long] for sign in (1, -1)]
    nothing = np.zeros((1, 3))
    rays = Rays(
        np.concatenate([ends[0][None], over.origins, ends[1][None]]),
        np.concatenate([nothing, over.directions, nothing]),
    )
    return [*pieces, ribbon(cloth, rays, 0.013, bone=bone)]


def _waist_bag(mannequin: Mannequin, style: Style, form: int, outer: np.ndarray, cloth: Cloth) -> list[Piece]:
    """A pouch on a belt around the waist, in front of one hip."""
    bone, side, size = mannequin.body.bone("pelvis"), style.bag_side, style.bag_size
    height = float(mannequin.height_of(np.array([0.115]))[0])
    axis = np.array([0.0, height, mannequin.joints[bone, 2] + 0.01])
    angle = np.linspace(0, 2 * np.pi, 29)
    out = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], 1)
    belt = ribbon(cloth, Rays(np.tile(axis, (29, 1)), out), 0.018)
    front = belt.vertices[1::3]
    at = front[int(round(28 * (0.06 if side > 0 else 0.94)))]
    tall, wide, deep = np.array([0.14, 0.25 * style.bag_aspect, 0.085]) * size
    pouch = box(at + [0.0, -0.01, 0.35 * deep], [wide, tall, deep], 0.5)
    lid = box(at + [0.0, 0.25 * tall, 0.40 * deep], [1.02 * wide, 0.45 * tall, deep], 0.5)
    lid[1][:, 1] = 0.4 * lid[1][:, 1] + 3.0
    return [belt, *(_piece(mannequin, part, bone) for part in (pouch, lid))]
