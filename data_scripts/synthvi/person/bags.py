"""Backpacks, handbags and shoulder bags. Their straps over shoulders and chest are drawn on the cloth, see `dressing`."""

from __future__ import annotations

import numpy as np

from .mannequin import Mannequin
from .pieces import Piece, Surface, box, rigid, rope
from .wardrobe import Bag, Style


def bag(mannequin: Mannequin, style: Style, cloth: np.ndarray) -> list[Piece]:
    """The carried bag; ``cloth`` (n, 3) are the vertices of the upper garments, which it lies on."""
    if style.bag == Bag.BACKPACK:
        return _backpack(mannequin, style.bag_size, cloth)
    if style.bag == Bag.HANDBAG:
        return _handbag(mannequin, style.bag_size)
    if style.bag == Bag.SHOULDER:
        return _shoulder_bag(mannequin, style.bag_size, cloth)
    return []


def _piece(
    mannequin: Mannequin,
    form: tuple[np.ndarray, np.ndarray, np.ndarray],
    bone: int,
    kind: Surface = Surface.BAG,
) -> Piece:
    """A rigid part of a bag."""
    points, places, faces = form
    return Piece(kind, points, places, faces, rigid(len(points), len(mannequin.joints), bone))


def _backpack(mannequin: Mannequin, size: float, cloth: np.ndarray) -> list[Piece]:
    """Body, lid, front pocket and a grip; it hangs from the shoulders."""
    bone = mannequin.body.bone("spine_03")
    top = mannequin.joints[mannequin.body.bone("clavicle_l"), 1] - 0.01
    tall, wide, deep = 0.40 * size, 0.28 * size, 0.15 * size
    near = cloth[(np.abs(cloth[:, 0]) < 0.1) & (cloth[:, 1] < top - 0.05) & (cloth[:, 1] > top - 0.3)]
    back = near[:, 2].min()
    middle = np.array([0.0, top - 0.5 * tall, back - 0.42 * deep])
    body = box(middle, [wide, tall, deep], 0.45, taper=0.08)
    pocket = box(middle + [0, -0.17 * tall, -0.5 * deep], [0.72 * wide, 0.42 * tall, 0.5 * deep], 0.4)
    pocket[1][:, 1] = 0.4 * pocket[1][:, 1] - 3.0  # places below −2: a pocket
    lid = box(middle + [0, 0.40 * tall, -0.04 * deep], [1.03 * wide, 0.27 * tall, 1.1 * deep], 0.5)
    lid[1][:, 1] = 0.4 * lid[1][:, 1] + 3.0  # places above 2: a lid
    arc = np.linspace(0, np.pi, 5)
    grip = np.stack([0.03 * np.cos(arc), 0.035 * np.sin(arc), 0 * arc], 1)
    grip = rope(middle + [0, 0.5 * tall, 0.35 * deep] + grip, np.full(5, 0.006), 4)
    return [_piece(mannequin, form, bone) for form in (body, pocket, lid)] + [
        _piece(mannequin, grip, bone, Surface.STRAP)
    ]


def _handbag(mannequin: Mannequin, size: float) -> list[Piece]:
    """A bag with two handles, in the left hand; it never turns with the hand."""
    bone = len(mannequin.joints)
    hand = mannequin.joints[mannequin.body.bone("middle_01_l")] + [0.0, -0.045, 0.0]
    tall, long, deep = 0.21 * size, 0.29 * size, 0.10 * size
    middle = hand + [0.015, -0.13 - 0.5 * tall, 0.0]
    pieces = [_piece(mannequin, box(middle, [deep, tall, long], 0.4, taper=0.12), bone)]
    arc = np.linspace(0, np.pi, 9)
    for side in (-1, 1):
        path = np.stack(
            [side * 0.25 * deep * (1 - 0.7 * np.sin(arc)), 0.15 * np.sin(arc), 0.32 * long * np.cos(arc)], 1
        )
        handle = rope(middle + [0, 0.46 * tall, 0] + path, np.full(9, 0.007), 4)
        pieces.append(_piece(mannequin, handle, bone, Surface.STRAP))
    return pieces


def _shoulder_bag(mannequin: Mannequin, size: float, cloth: np.ndarray) -> list[Piece]:
    """A bag at the right hip with a flap."""
    bone = mannequin.body.bone("pelvis")
    hip = mannequin.joints[mannequin.body.bone("thigh_r")]
    near = cloth[(np.abs(cloth[:, 1] - hip[1]) < 0.08) & (cloth[:, 0] < 0)]
    side = near[:, 0].min() if len(near) else hip[0] - 0.1
    tall, long, deep = 0.22 * size, 0.29 * size, 0.085 * size
    middle = np.array([side - 0.35 * deep, hip[1] + 0.0, hip[2] - 0.03])
    body = box(middle, [deep, tall, long], 0.35)
    flap = box(middle + [-0.10 * deep, 0.18 * tall, 0], [1.0 * deep, 0.68 * tall, 1.03 * long], 0.35)
    flap[1][:, 1] = 0.4 * flap[1][:, 1] + 3.0
    return [_piece(mannequin, form, bone) for form in (body, flap)]
