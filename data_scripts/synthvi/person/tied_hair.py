"""Hair that is tied: buns, tails, braids, pigtails."""

from __future__ import annotations

import numpy as np

from .hairstyles import Hair, haircut
from .mannequin import Mannequin, ramp
from .pieces import Piece, Surface, box, rigid, rope
from .wardrobe import Style

BUNS = {  # place on the head's axis (rest height, forward of the head's joint), size: metres
    Hair.BUN: ((0.80, -0.071), (0.095, 0.09, 0.085)),
    Hair.HIGH_BUN: ((0.885, -0.040), (0.115, 0.105, 0.11)),
    Hair.LOW_BUN: ((0.705, -0.085), (0.115, 0.085, 0.085)),
}
# Paths: beside, rest height, forward of the head's joint, half width: metres. Then the hair hangs down to its tips.
TAILS = {
    Hair.TAIL: [
        (0, 0.775, -0.046, 0.012),
        (0, 0.78, -0.086, 0.02),
        (0, 0.75, -0.111, 0.028),
        (0, 0.68, -0.116, 0.033),
    ],
    Hair.HIGH_TAIL: [
        (0, 0.83, -0.04, 0.016),
        (0, 0.865, -0.08, 0.026),
        (0, 0.862, -0.115, 0.034),
        (0, 0.825, -0.145, 0.040),
        (0, 0.76, -0.155, 0.042),
    ],
    Hair.LOW_TAIL: [
        (0, 0.71, -0.06, 0.014),
        (0, 0.69, -0.09, 0.026),
        (0, 0.66, -0.10, 0.034),
        (0, 0.62, -0.10, 0.038),
    ],
    Hair.PIGTAILS: [
        (0.065, 0.785, -0.03, 0.014),
        (0.10, 0.803, -0.035, 0.024),
        (0.135, 0.80, -0.04, 0.032),
        (0.157, 0.77, -0.04, 0.036),
        (0.163, 0.71, -0.038, 0.038),
    ],
    Hair.BRAIDS: [
        (0.06, 0.70, -0.02, 0.016),
        (0.078, 0.66, 0.0, 0.022),
        (0.092, 0.61, 0.04, 0.025),
        (0.09, 0.56, 0.09, 0.027),
    ],
}
LOWEST = {Hair.PIGTAILS: 0.58, Hair.TAIL: 0.45}  # rest heights


def tied_hair(mannequin: Mannequin, style: Style, worn: np.ndarray, rise: float) -> list[Piece]:
    """What is tied of a person's hair; it lies on what is ``worn`` (n, 3), ``rise`` is how much higher the head is."""
    form = haircut(style)
    if form in BUNS:
        return [_bun(mannequin, style, form, rise)]
    if form in TAILS:
        sides = (1, -1) if form in (Hair.PIGTAILS, Hair.BRAIDS) else (1,)
        return [_tail(mannequin, style, form, worn, rise, side) for side in sides]
    return []


def _bun(mannequin: Mannequin, style: Style, form: Hair, rise: float) -> Piece:
    """A round knot."""
    bone = mannequin.body.bone("head")
    (height, forward), size = BUNS[form]
    middle = [0.0, height + rise, mannequin.joints[bone, 2] + forward]
    points, places, faces = box(middle, np.array(size) + 2 * style.hair_body, 1.0)
    rest = np.stack([places[:, 0] * 0.08, points[:, 1], np.full(len(points), -0.06)], 1)
    return Piece(Surface.HAIR, points, rest, faces, rigid(len(points), len(mannequin.joints), bone))


def _tail(mannequin: Mannequin, style: Style, form: Hair, worn: np.ndarray, rise: float, side: int) -> Piece:
    """A strand that leaves the head and hangs down to its tips; low down it lies on the clothes and moves with the chest."""
    bone, chest = mannequin.body.bone("head"), mannequin.body.bone("spine_03")
    path = np.array(TAILS[form])
    end = min(max(LOWEST.get(form, 0.0), style.hair_bottom), path[-1, 1] - 0.08)
    down = np.linspace(path[-1, 1], end, 5)[1:]
    wide = path[-1, 3] * np.array([1.0, 0.9, 0.75, 0.3])
    hanging = np.column_stack([np.full(4, path[-1, 0]), down, np.full(4, path[-1, 2] + 0.015), wide])
    path = np.concatenate([path, hanging])
    if form == Hair.BRAIDS:
        path[::2, 3] *= 0.75  # plaited
    points = path[:, :3] * [side, 1, 1] + [0.0, rise, mannequin.joints[bone, 2]]
    _lie_on(points, path[:, 1] < 0.60, worn, 0.6 * path[:, 3], 1.0 if form == Hair.BRAIDS else -1.0)
    made, places, faces = rope(points, path[:, 3] + 0.5 * style.hair_body, 8)
    low = np.repeat(0.8 * ramp(path[:, 1], 0.60, 0.50), 8) * (form != Hair.PIGTAILS)
    weights = rigid(len(made), len(mannequin.joints), bone) * (1.0 - low[:, None])
    weights[:, chest] += low
    rest = np.stack([places[:, 0] * 0.08, made[:, 1], np.full(len(made), -0.06)], 1)
    return Piece(Surface.HAIR, made, rest, faces, weights)


def _lie_on(points: np.ndarray, free: np.ndarray, worn: np.ndarray, off: np.ndarray, forward: float) -> None:
    """Move the free ones of points (n, 3) before (1) or behind (-1) what is worn, ``off`` (n,) metres from it, in place."""
    for i in np.flatnonzero(free):
        near = worn[(np.abs(worn[:, :2] - points[i, :2]) < [0.06, 0.05]).all(1)]
        if len(near):
            outside = (forward * near[:, 2]).max() + off[i]
            points[i, 2] = forward * max(forward * points[i, 2], outside)
