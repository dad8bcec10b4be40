"""Collars, hoods, lapels, and the cut of tops and coats: what of clothes both spectra show alike."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from ..seeds import Draws
from .drape import Drape, directions, hang
from .garments import tube_weights, upright
from .hairstyles import Hair
from .mannequin import Mannequin, neutral, ramp, regions
from .pieces import Piece, box, rigid, ring_faces, rope
from .straps import Cloth, Rays, on_cloth, ribbon, trunk_cloth, way

if TYPE_CHECKING:  # `wardrobe` calls `draw_collar`
    from .wardrobe import Style

COLUMNS = 24
ROUNDNESS = 5.0  # curvature of a round neck's edge in front, 1/metres
STEEPNESS = 0.75  # of all other edges, metres upwards per metre aside
STEEPNESS_OF_V = 1.35
BUTTONED = 0.45  # radians beside the front at which a collar's flaps begin
CROWN = (0.853, 0.849, 0.840, 0.825, 0.80, 0.77, 0.735, 0.70, 0.665, 0.63, 0.60, 0.575, 0.55)  # rest heights


class Collar(IntEnum):
    """How a top ends at the neck."""

    AS_DRAWN = 0  # where ``neckline`` says
    ROUND = 1
    V = 2
    SHIRT = 3  # two flaps
    TURTLE = 4  # a tube around the neck


def draw_collar(draws: Draws, style: Style) -> dict:
    """Fields of `Style`: collar, hood, lapels, quilting, and the cut of top and coat."""
    hooded, worn = draws("hood").uniform(size=2)
    carries_hood = bool(style.coat) or style.sleeve > 0.85  # coats, hoodies
    hood = int(carries_hood and hooded < 0.33) * (1 + int(worn < 0.15))
    lapels = int(bool(style.coat) and not hood and draws("lapels").uniform() < 0.5)
    quilted, depth = draws("quilt").uniform(size=2)
    cut = draws("coat cut").uniform()
    length = 1 if cut < 0.25 else 2 if cut < 0.5 and not style.skirt else 0
    return {
        "collar": int(np.searchsorted((0.22, 0.44, 0.60, 0.86), draws("collar").uniform())),
        "hood": hood,
        "lapels": lapels,
        "quilt": float(0.012 + 0.008 * depth) if style.coat and not lapels and quilted < 0.4 else 0.0,
        "tucked": int(draws("tucked").uniform() < 0.3 and (bool(style.coat) or not hood)),
        "coat_length": length if style.coat else 0,
    }


def tailored(style: Style) -> Style:
    """The style with its collar, cut and hood turned to heights: what `outfit.dress` sews."""
    if not style.coat and style.sleeve < 0.5:  # somebody dressed for heat
        collar = Collar.ROUND if style.collar == Collar.TURTLE else style.collar
        style = style._replace(hood=0, collar=int(collar))
    necklines = {
        Collar.ROUND: float(np.clip(style.neckline, 0.515, 0.570)),
        Collar.V: 0.445 + 0.5 * (style.neckline - 0.55),
        Collar.SHIRT: 0.555,
        Collar.TURTLE: 0.600,
    }
    style = style._replace(neckline=necklines.get(Collar(int(style.collar)), style.neckline))
    if style.tucked:
        style = style._replace(top_hem=0.150)
    if style.coat and style.coat_length:
        style = style._replace(coat_hem=0.075 if style.coat_length == 1 else -0.50)
    if style.hood == 2:  # hat and scarf come off, hair lies flat under it
        worn = style.haircut or style.hair
        hair = worn if worn in (Hair.BALD, Hair.RECEDING) else Hair.SHORT
        flat = {
            "hair": int(hair),
            "haircut": 0,
            "hair_body": 0.0,
            "hair_volume": min(style.hair_volume, 0.006),
        }
        style = style._replace(hat=0, scarf=0, **flat)
    return style


def neck_edge(style: Style) -> tuple[float, float]:
    """Curvature (1/metres, 0: none) and else steepness of the edge of a top's neck in front."""
    steep = STEEPNESS_OF_V if style.collar == Collar.V else STEEPNESS
    return (ROUNDNESS if style.collar == Collar.ROUND else 0.0), steep


def opening_slope(style: Style) -> float:
    """How fast an open coat's front widens above the chest, metres per metre: lapels lead to the neck, not to the shoulders."""
    return 0.15 if style.lapels else 0.45


def collars(mannequin: Mannequin, style: Style, top: list[Piece], outer: list[Piece]) -> list[Piece]:
    """What a tailored style has around the neck; ``outer`` are the pieces of the coat, or of the top where there is none."""
    surface = int(np.ravel(outer[-1].surface)[0]) if style.coat else int(np.ravel(top[0].surface).min())
    own = int(np.ravel(top[0].surface).min())
    pieces = []
    if style.collar == Collar.TURTLE:
        pieces.append(_turtle(mannequin, own))
    if style.collar == Collar.SHIRT:
        pieces.append(_flaps(mannequin, trunk_cloth(mannequin, top), own, 0.045, 0.004))
    if style.lapels and style.coat_open:
        pieces.append(_lapels(mannequin, style, trunk_cloth(mannequin, [*top, *outer]), surface))
    elif style.lapels:
        pieces.append(_flaps(mannequin, trunk_cloth(mannequin, outer), surface, 0.06, 0.012))
    if style.hood == 1:
        pieces += _lying_hood(mannequin, trunk_cloth(mannequin, outer), surface)
    if style.hood == 2:
        pieces.append(_worn_hood(mannequin, surface))
    return pieces


def lined(piece: Piece) -> Piece:
    """The same piece with its inner side, for surfaces of which only the outside is drawn."""
    count = len(piece.vertices)
    return Piece(
        piece.surface,
        np.concatenate([piece.vertices, piece.vertices]),
        np.concatenate([piece.rest, piece.rest]),
        np.concatenate([piece.faces, piece.faces[:, ::-1] + count]),
        np.concatenate([piece.weights, piece.weights]),
        None if piece.cut is None else np.concatenate([piece.cut, piece.cut]),
    )


def _neck(mannequin: Mannequin, levels: np.ndarray) -> Drape:
    """The tube around the neck, chin and shoulders left out."""
    rest = mannequin.rest
    chin = (rest[:, 1] > 0.60) & (rest[:, 2] > 0.075)
    inside = (np.abs(rest[:, 0]) < 0.085) & (regions().arm < 0.05) & ~chin
    inside &= (rest[:, 1] > 0.50) & (rest[:, 1] < 0.67)
    centers = np.tile([0.0, mannequin.joints[mannequin.body.bone("neck_01"), 2] + 0.018], (len(levels), 1))
    return hang(
        mannequin.vertices[inside],
        rest[inside, 1],
        levels,
        mannequin.height_of(levels),
        centers,
        slope=10.0,
        columns=COLUMNS,
        window=0.016,
    )


def _turtle(mannequin: Mannequin, surface: int) -> Piece:
    """A close tube around the neck, rolled over at its upper edge."""
    levels = np.linspace(0.640, 0.555, 6)
    extra = np.array([0.010, 0.014, 0.014, 0.011, 0.010, 0.010])[:, None]
    made, rest = (_neck(who, levels).widen(extra) for who in (mannequin, neutral()))
    weights = tube_weights(rest, rest.points(), regions().weights, rounds=2)
    cut = np.repeat(levels.max() - levels, COLUMNS)
    faces = ring_faces(len(levels), COLUMNS)
    return lined(Piece(surface, made.points(), upright(rest), faces, weights, cut))


def _flaps(mannequin: Mannequin, cloth: Cloth, surface: int, fall: float, room: float) -> Piece:
    """A collar turned down: two flaps that meet behind and end in points in front.

    ``fall`` is its height behind, ``room`` what lies between neck and collar; metres.
    """
    angle = np.linspace(BUTTONED, 2 * np.pi - BUTTONED, 27)
    front = 0.5 + 0.5 * np.cos(angle)
    levels = np.linspace(0.64, 0.54, 6)
    tube = _neck(mannequin, levels).widen(0.008 + room)
    rise = float(mannequin.height_of(np.array([0.58]))[0]) - 0.58
    fold = 0.608 - 0.032 * front
    out = np.stack([np.sin(angle), np.cos(angle)], 1)
    middle = np.array([0.0, *tube.centers[0]])[[0, 2]]
    probe = np.stack([out[:, 0] + middle[0], fold, out[:, 1] + middle[1]], 1)
    neck = tube.radius_at(probe, fold)[1]
    lower = fold - fall - 0.030 * ramp(front, 0.55, 0.95)  # the points
    rays = Rays(
        np.stack([0 * angle + middle[0], lower + rise, 0 * angle + middle[1]], 1),
        np.stack([out[:, 0], 0 * angle, out[:, 1]], 1),
    )
    edge, rest, weights, _ = on_cloth(cloth, rays, None, 0)
    radius = np.linalg.norm(edge[:, [0, 2]] - middle, axis=1)
    rows, shares = [], (0.0, 0.35, 1.0)
    for share in shares:
        wide = np.clip(neck + share * (radius + 0.004 - neck) + 0.004 * (share == 0.35), neck, neck + 0.065)
        height = rise + fold + share * (lower - fold)
        rows.append(np.stack([middle[0] + wide * out[:, 0], height, middle[1] + wide * out[:, 1]], 1))
    places = [rest + np.array([0.0, 1.0, 0.0]) * ((1 - share) * (fold - lower))[:, None] for share in shares]
    cut = np.concatenate([(1 - share) * (fold - lower) for share in shares])
    faces = ring_faces(3, len(angle), closed=False)
    return lined(
        Piece(surface, np.concatenate(rows), np.concatenate(places), faces, np.tile(weights, (3, 1)), cut)
    )


def _lapels(mannequin: Mannequin, style: Style, cloth: Cloth, surface: int) -> Piece:
    """Collar and lapels of an open coat in one: up along one edge of the opening, around the neck, down along the other."""
    joint = mannequin.joints[mannequin.body.bone("upperarm_l")]
    y, z = joint[1], mannequin.joints[mannequin.body.bone("spine_03"), 2]
    heights = np.array([-0.24, -0.18, -0.12, -0.07, -0.03])
    half = np.array([0.006, 0.018, 0.030, 0.036, 0.026])
    edge = style.coat_open + opening_slope(style) * np.maximum(0.0, heights + y - 0.36) + 0.010
    left = [((e + h, y + t, z), (0.0, 0.0, 1.0)) for e, h, t in zip(edge, half, heights, strict=True)]
    top = edge[-1]
    left += [((0.95 * top, y - 0.06, z), (0.0, 1.0, 0.55)), ((0.085, y - 0.06, z), (0.0, 1.0, -0.1))]
    left += [((0.06, y - 0.02, z), (0.0, 0.75, -1.0)), ((0.0, y, z), (0.0, 0.45, -1.0))]
    right = [((-o[0], *o[1:]), d) for o, d in left[-2::-1]]
    widths = np.concatenate([half, [0.024, 0.024, 0.026, 0.028]])
    widths = np.concatenate([widths, widths[-2::-1]])
    rows = 2 * len(widths) - 1
    even = np.interp(np.linspace(0, len(widths) - 1, rows), np.arange(len(widths)), widths)
    return lined(ribbon(cloth, way([*left, *right], rows), even, surface=surface, seam=True))


def _lying_hood(mannequin: Mannequin, cloth: Cloth, surface: int) -> list[Piece]:
    """A hood that lies on the back: a roll around the neck, and the bag of cloth below it."""
    bones, spine = len(mannequin.joints), mannequin.body.bone("spine_03")
    neck = mannequin.joints[mannequin.body.bone("neck_01")] + [0.0, 0.0, 0.018]
    angle = np.linspace(0.5, 2 * np.pi - 0.5, 21)
    behind = 0.5 - 0.5 * np.cos(angle)
    radius = 0.088 + 0.022 * behind
    path = np.stack([radius * np.sin(angle), -0.030 + 0.020 * behind, radius * np.cos(angle)], 1)
    thick = np.stack([0.012 + 0.020 * behind, 0.014 + 0.024 * behind], 1)
    roll = rope(neck + path, thick, 8)
    down = np.array([[0.0, neck[1] - 0.105, neck[2] - 0.02]])
    back = on_cloth(cloth, Rays(np.repeat(down, 2, 0), np.tile([0.0, 0.0, -1.0], (2, 1))), None, 0)[0][0]
    pouch = box(back + [0.0, 0.015, -0.012], [0.25, 0.19, 0.085], 0.8, taper=-0.12)
    pieces = []
    for points, _, faces in (roll, pouch):
        rest = points - [0.0, neck[1] - neutral().joints[mannequin.body.bone("neck_01"), 1], 0.0]
        pieces.append(Piece(surface, points, rest, faces, rigid(len(points), bones, spine)))
    return pieces


def _worn_hood(mannequin: Mannequin, surface: int) -> Piece:
    """A hood over the head, open around the face."""
    head = mannequin.body.part_vertices("head")
    rest = mannequin.rest[head]
    kept = head[~((rest[:, 2] > 0.10) & (rest[:, 1] < 0.755))]
    crown = head[rest[:, 1] > 0.80]
    rise = float((mannequin.vertices[crown, 1] - mannequin.rest[crown, 1]).mean())
    levels, columns = np.array(CROWN), 26
    centers = np.tile([0.0, mannequin.joints[mannequin.body.bone("head"), 2] + 0.035], (len(levels), 1))
    points, own = mannequin.vertices[kept], mannequin.rest[kept, 1]
    tube = hang(points, own, levels, levels + rise, centers, slope=0.10, columns=columns, window=0.018)
    dome = (1.0 - ramp(levels, 0.735, CROWN[0]) ** 2.6) ** (1 / 2.6)
    widest = tube.radii[np.abs(levels - 0.77).argmin()]
    top = levels > 0.775
    tube.radii[top] = (dome[:, None] * widest)[top]
    made = tube.widen(0.028 * np.minimum(1.0, 4 * dome)[:, None]).points()
    made[:, 1] += 0.026 * np.repeat(ramp(levels, 0.74, 0.84), columns)
    u = np.tile(directions(columns), (len(levels), 1))
    height = np.repeat(levels, columns)
    across = made[:, 0] / 0.083
    opening = np.hypot(across, (height - 0.715) / 0.105)
    cut = np.where(u[:, 1] > 0.2, 0.08 * (opening - 1.0), 1.0)
    places = np.stack([made[:, 0], height, made[:, 2]], 1)
    low = ramp(height, 0.64, 0.57)
    weights = rigid(len(made), len(mannequin.joints), mannequin.body.bone("head")) * (1 - low[:, None])
    weights[:, mannequin.body.bone("spine_03")] += low
    return lined(Piece(surface, made, places, ring_faces(len(levels), columns), weights, cut))
