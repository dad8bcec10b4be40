"""Hair, hats and scarves: tubes draped over the skull, ended by a hairline."""

from __future__ import annotations

import numpy as np

from ..compiled import compiled
from .drape import Drape, directions, hang
from .hairstyles import Hair, form_of, hair_bottom, hair_edge, ragged, thickness, volume
from .mannequin import Mannequin, ramp
from .pieces import Piece, Surface, rigid, ring_faces, rope
from .tied_hair import tied_hair
from .wardrobe import Style

COLUMNS = 26
CROWN = (
    0.853,
    0.850,
    0.842,
    0.828,
    0.812,
    0.793,
    0.77,
    0.745,
    0.72,
    0.695,
    0.67,
    0.645,
    0.62,
)  # rest heights


def head_wear(mannequin: Mannequin, style: Style, back: np.ndarray) -> list[Piece]:
    """Hair, what is tied of it, hat, brim and scarf; ``back`` (n, 3) are the vertices of clothes and bags that hair falls on."""
    pieces = []
    if style.hair != Hair.BALD:
        pieces.append(_hair(mannequin, style, back))
    pieces += tied_hair(mannequin, style, back, _rise(mannequin))
    if style.hat:
        pieces.append(_hat(mannequin, style))
    if style.hat == 2:
        pieces.append(_brim(mannequin, style))
    if style.scarf:
        pieces.append(_scarf(mannequin))
    return pieces


def _skull(mannequin: Mannequin, levels: np.ndarray, slope: float) -> Drape:
    """The tube around skull and neck, without ears, nose and chin."""
    head = mannequin.body.part_vertices("head")
    rest = mannequin.rest[head]
    ear = (np.abs(rest[:, 0]) > 0.0725) & (rest[:, 1] < 0.755)
    face = (rest[:, 2] > 0.10) & (rest[:, 1] < 0.755)
    chin = (rest[:, 2] > 0.05) & (rest[:, 1] < 0.70)
    kept = head[~(ear | face | chin)]
    middle = mannequin.joints[mannequin.body.bone("head"), 2] + 0.035
    centers = np.tile([0.0, middle], (len(levels), 1))
    rise = _rise(mannequin)
    points, own = mannequin.vertices[kept], mannequin.rest[kept, 1]
    tube = hang(points, own, levels, levels + rise, centers, slope=slope, columns=COLUMNS, window=0.014)
    # fits the skull's profile above the brows
    dome = (1.0 - ramp(levels, 0.755, CROWN[0]) ** 2.6) ** (1 / 2.6)
    widest = tube.radii[np.abs(levels - 0.77).argmin()]
    top = levels > 0.78
    tube.radii[top] = np.minimum(tube.radii, np.maximum(dome[:, None] * widest, 0.002))[top]
    return tube


def _rise(mannequin: Mannequin) -> float:
    """How much higher than the neutral body's this head sits, metres."""
    skull = mannequin.body.part_vertices("head")
    top = skull[mannequin.rest[skull, 1] > 0.80]
    return float((mannequin.vertices[top, 1] - mannequin.rest[top, 1]).mean())


def _cover(tube: Drape, side: np.ndarray | float, above: float) -> np.ndarray:
    """Vertices of a tube widened by ``side`` and raised by ``above`` at the crown."""
    made = tube.widen(np.where(tube.radii < 0.003, 0.0, side)).points()
    lift = np.repeat(ramp(tube.levels, 0.76, 0.85), COLUMNS)
    made[:, 1] += above * lift
    return made


def _rest_of(tube: Drape) -> np.ndarray:
    """Places of a tube's vertices: across, rest height, forward, on the head's own axis."""
    u = np.tile(directions(COLUMNS), (len(tube.levels), 1))
    flat = u * tube.radii.reshape(-1, 1)
    return np.stack([flat[:, 0], np.repeat(tube.levels, COLUMNS), flat[:, 1]], 1)


def _hair(mannequin: Mannequin, style: Style, back: np.ndarray) -> Piece:
    """The cap of hair; long hair hangs down to its tips, behind the shoulders."""
    form, bottom = form_of(style), hair_bottom(style)
    long = form.bottom is not None
    levels = np.array(CROWN)
    if long:
        upper = [level for level in CROWN[:-2] if level > bottom + 0.03]
        rows = 8 if bottom < 0.61 else 4
        levels = np.concatenate([upper, np.linspace(upper[-1] - 0.03, bottom - 0.02, rows)])
    tube = _skull(mannequin, levels, 0.16 if long else 0.75)
    angle = np.tile(2 * np.pi * np.arange(COLUMNS) / COLUMNS, len(levels))
    height = np.repeat(levels, COLUMNS)
    thick, body, above = (
        thickness(height, angle, style),
        volume(height, angle, style),
        0.9 * style.hair_volume,
    )
    if style.hat:
        under = height > style.hat_line - 0.01
        thick, body, above = np.where(under, 0.004, thick), np.where(under, 0.0, body), 0.002
    upright = 0.5 * np.pi * ramp(height, 0.775, CROWN[0])  # from the skull's sides to its crown
    side = thick + body * np.cos(upright)
    made = _cover(tube, side.reshape(len(levels), COLUMNS), above)
    made[:, 1] += body * np.sin(upright)
    if long:
        _fall_behind(mannequin, made, height, back)
    weights = rigid(len(made), len(mannequin.joints), mannequin.body.bone("head"))
    if long:  # the tips rest on the back
        low = 0.8 * ramp(height, 0.60, 0.50)
        weights *= 1.0 - low[:, None]
        weights[:, mannequin.body.bone("spine_03")] += low
    cut = _ends(height, angle, style)
    return Piece(Surface.HAIR, made, _rest_of(tube), ring_faces(len(levels), COLUMNS), weights, cut)


def _ends(height: np.ndarray, angle: np.ndarray, style: Style) -> np.ndarray:
    """Metres (n,) that points at rest heights and angles (n,) lie inside the hair's edge."""
    form = form_of(style)
    cut = height - hair_edge(angle, style) - ragged(angle, style)
    if style.hat:  # nothing shows above the hat's edge
        cut = np.minimum(cut, style.hat_line + 0.012 - height)
    if form.bottom is not None:  # ragged tips, longest in the middle of the back
        longer = 0.035 * (0.5 + 0.5 * np.cos(angle)) + 0.008 * np.sin(9 * angle + style.fold_phase)
        cut -= form.ragged * longer * (height < 0.72 if form.ragged < 1 else 1.0)
    if style.hair == Hair.RECEDING:
        cut = np.minimum(cut, 0.778 - 0.012 * np.cos(angle) - height)
    return cut


def _fall_behind(mannequin: Mannequin, made: np.ndarray, height: np.ndarray, back: np.ndarray) -> None:
    """Spread the hair at the back and move it behind the shoulders, the clothes and the bag (n, 3), in place."""
    points = np.concatenate([mannequin.vertices[mannequin.body.part_vertices("shell")], back])
    points = points[points[:, 2] < mannequin.joints[mannequin.body.bone("head"), 2]]
    free = np.flatnonzero((height < 0.70) & (made[:, 2] < mannequin.joints[mannequin.body.bone("head"), 2]))
    made[free, 0] *= 1.0 + 0.35 * ramp(height[free], 0.63, 0.53)
    _move_behind(made, free, points)


@compiled
def _move_behind(made, free, points):
    """Move some points of ``made``, by index, 2 cm behind whatever of ``points`` (n, 3) is beside them, in place."""
    for i in free:
        x, y = made[i, 0], made[i, 1]
        for k in range(len(points)):
            if abs(x - points[k, 0]) < 0.06 and abs(y - points[k, 1]) < 0.05:
                made[i, 2] = min(made[i, 2], points[k, 2] - 0.02)


def _hat(mannequin: Mannequin, style: Style) -> Piece:
    """A woollen hat or the crown of a cap."""
    woollen = style.hat == 1
    levels = np.array([level for level in CROWN if level > style.hat_line + 0.012])
    levels = np.concatenate([levels, [style.hat_line + 0.01, style.hat_line - 0.012, style.hat_line - 0.04]])
    tube = _skull(mannequin, levels, 0.05)
    side = np.full((len(levels), 1), 0.016 if woollen else 0.013)
    if woollen:
        side[-3:] += 0.005  # the turned-up edge
    made = _cover(tube, side, 0.024 if woollen else 0.016)
    angle = np.tile(2 * np.pi * np.arange(COLUMNS) / COLUMNS, len(levels))
    deep = 0.03 * (0.5 - 0.5 * np.cos(angle)) if woollen else 0.012 * (0.5 - 0.5 * np.cos(angle))
    cut = np.repeat(levels, COLUMNS) - (style.hat_line - 0.004 - deep)
    weights = rigid(len(made), len(mannequin.joints), mannequin.body.bone("head"))
    return Piece(Surface.HAT, made, _rest_of(tube), ring_faces(len(levels), COLUMNS), weights, cut)


def _brim(mannequin: Mannequin, style: Style) -> Piece:
    """The brim of a cap: a bent plate."""
    tube = _skull(mannequin, np.array([0.82, style.hat_line, style.hat_line - 0.02]), 0.05)
    angle = np.linspace(-1.15, 1.15, 11)
    base = np.interp(
        np.rad2deg(angle) % 360, np.arange(COLUMNS + 1) * 360 / COLUMNS, tube.radii[1, [*range(COLUMNS), 0]]
    )
    rings = []
    for out in (0.0, 0.6, 1.0):
        radius = base + 0.010 + out * 0.075 * np.cos(angle * 1.2)
        drop = -0.016 * out - 0.030 * (1 - np.cos(angle))
        rings.append(
            np.stack(
                [radius * np.sin(angle), tube.heights[1] + drop, tube.centers[1, 1] + radius * np.cos(angle)],
                1,
            )
        )
    points = np.concatenate(rings)
    rest = np.tile([0.0, style.hat_line, 0.2], (len(points), 1))
    weights = rigid(len(points), len(mannequin.joints), mannequin.body.bone("head"))
    return Piece(Surface.HAT, points, rest, ring_faces(3, len(angle), closed=False), weights)


def _scarf(mannequin: Mannequin) -> Piece:
    """A scarf: a thick ring around the neck."""
    neck = mannequin.joints[mannequin.body.bone("neck_01")]
    angle = np.linspace(0, 2 * np.pi, 19)
    path = np.stack([0.080 * np.sin(angle), -0.016 * np.cos(angle), 0.088 * np.cos(angle)], 1)
    points, places, faces = rope(neck + [0, 0, 0.018] + path, np.tile([0.034, 0.036], (19, 1)), 8)
    rest = np.stack([places[:, 0], places[:, 1] * 0.3, places[:, 2]], 1)
    weights = rigid(len(points), len(mannequin.joints), mannequin.body.bone("neck_01"))
    return Piece(Surface.SCARF, points, rest, faces, weights)
