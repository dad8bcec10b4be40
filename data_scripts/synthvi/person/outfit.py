"""The mesh of one dressed person: skin, and over it every garment as a layer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..compiled import compiled
from .bags import bag
from .body import Body, load_body
from .carriage import Carriage
from .collars import collars, neck_edge, opening_slope, tailored
from .garments import Tailoring, skirt, skirt_slope, slope_of, trousers, upper_garment
from .hair import head_wear
from .hairstyles import Hair, hair_edge
from .limbs import Limbs, limbs_of
from .mannequin import Mannequin, arm_length_share, mannequin_of, ramp, regions
from .pieces import Piece, Surface, numbered_anew, vertices_of
from .shoes import shoes
from .wardrobe import Person, Style

EDGE_WIDTH = 0.03  # metres from an edge that shading still tells apart
UPPER_LIFT = 0.03
SOLE_EDGE = 0.008  # metres above the floor: what of a shoe touches it


@dataclass(frozen=True)
class Outfit:
    """A dressed person in the rest pose, ready for skinning."""

    vertices: np.ndarray  # (n, 3) float32, this person's shape with clothes
    rest: np.ndarray  # (n, 3) float32, where materials are looked up: rest position, or place within a part
    cut: np.ndarray  # (n,) float32, metres inside the cloth's edge; pixels where it is negative are not drawn
    faces: np.ndarray  # (m, 3) int32
    surfaces: np.ndarray  # (m,) uint8 Surface
    weight_bones: np.ndarray  # (n, 4) int32; bone number len(joints) hangs from the left hand, never turning
    weights: np.ndarray  # (n, 4) float32
    # (n,) float32 metres by which a vertex is drawn nearer than it is, so that outer cloth hides inner
    lift: np.ndarray
    joints: np.ndarray  # (bones, 3) float32
    hip: float  # half width of the clothes where the hands hang, metres
    front: float  # how far forward the clothes before the chest reach, metres
    carriage: Carriage

    @cached_property
    def carried(self) -> np.ndarray:
        """What the raster interpolates, (n, 4) float32: rest, metres from the cloth's edge."""
        return np.column_stack([self.rest, np.minimum(self.cut, EDGE_WIDTH)])

    @cached_property
    def limbs(self) -> tuple[Limbs, Limbs]:
        """What poses need to know of the left and the right side."""
        return limbs_of(load_body(), self.joints, self.hip, self.front, self.carriage)

    @cached_property
    def soles(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the lowest vertices of the left and of the right shoe."""
        shoe = np.unique(self.faces[self.surfaces == Surface.SHOE])
        low = shoe[self.rest[shoe, 1] < SOLE_EDGE]
        return low[self.vertices[low, 0] > 0], low[self.vertices[low, 0] <= 0]


def dress(body: Body, person: Person) -> Outfit:
    """Build the dressed mesh of a person."""
    style = tailored(person.style)
    mannequin = mannequin_of(body, person.shape)
    top, coat, skin = _top(mannequin, style), _coat(mannequin, style), _skin(mannequin, style)
    upper = [*top, *coat]
    clothes = [*skin[:1], *upper, *_lower(mannequin, style)]
    around_neck = collars(mannequin, style, top, coat or top)
    pieces = [*clothes, *skin[1:], *around_neck]
    pieces += shoes(mannequin, style.shoe_top, style.shoe_point, style.shoe_form)
    bags = bag(mannequin, style, upper, clothes)
    worn = [*upper, *bags, *(around_neck if style.hood < 2 else [])]
    pieces += head_wear(mannequin, style, np.concatenate([piece.vertices for piece in worn])) + bags
    return _join(pieces, mannequin, person.carriage)


def _top(mannequin: Mannequin, style: Style) -> list[Piece]:
    """Shirt or jumper; under a coat what of it can be seen."""
    top = Tailoring(
        volume=style.top_volume,
        over=style.bottom_volume + 0.010 + (0.5 * style.flare if style.skirt else 0.0),
        hem=style.top_hem,
        sleeve=style.sleeve,
        neckline=style.neckline,
        opening=0.0,
        flare=0.3 * style.top_volume,
        slope=_top_slope(style),
        trunk=Surface.TOP,
        arm=Surface.SLEEVE,
        round_neck=neck_edge(style)[0],
        steepness=neck_edge(style)[1],
    )
    pieces = upper_garment(mannequin, top)
    return [_seen_under_coat(piece, style) for piece in pieces] if style.coat else pieces


def _seen_under_coat(piece: Piece, style: Style) -> Piece:
    """What of a top a coat does not hide for good."""
    keep = ~_under_coat(piece.rest, style)[piece.faces].all(axis=1)
    kind = np.broadcast_to(piece.surface, len(piece.faces))
    keep &= (kind != Surface.SLEEVE) | _in_opening(piece.rest, style)[piece.faces].any(axis=1)
    return Piece(kind[keep], piece.vertices, piece.rest, piece.faces[keep], piece.weights, piece.cut)


def _coat(mannequin: Mannequin, style: Style) -> list[Piece]:
    """The coat, if one is worn."""
    if not style.coat:
        return []
    coat = Tailoring(
        volume=style.coat_volume + 0.5 * style.top_volume + 0.5 * style.quilt,
        over=max(style.bottom_volume, style.top_volume) + 0.020,
        hem=style.coat_hem,
        sleeve=0.97,
        neckline=0.60 if style.coat_open else 0.585,
        opening=style.coat_open,
        flare=0.035 if style.coat_hem < -0.1 else 0.0,
        slope=slope_of(style.coat_volume),
        trunk=Surface.COAT,
        arm=Surface.COAT_SLEEVE,
        opening_slope=opening_slope(style),
        quilt=style.quilt,
    )
    return upper_garment(mannequin, coat)


def _top_slope(style: Style) -> float:
    """How a top follows the body: over a skirt it hangs as the skirt does."""
    own = slope_of(style.top_volume)
    return min(own, skirt_slope(style.bottom_volume, style.flare)) if style.skirt else own


def _under_coat(rest: np.ndarray, style: Style) -> np.ndarray:
    """Which points (n,) of a top a coat hides for good."""
    beside = (rest[:, 2] < 0.0) | (np.abs(rest[:, 0]) > style.coat_open + 0.09)
    return (rest[:, 1] < 0.46) & (rest[:, 1] > style.coat_hem + 0.05) & beside


def _in_opening(rest: np.ndarray, style: Style) -> np.ndarray:
    """Which points (n,) of a top's shoulders an open coat shows: the coat's opening and 5 cm more."""
    half = style.coat_open + opening_slope(style) * (rest[:, 1] - 0.36) + 0.05
    return (np.abs(rest[:, 0]) < half) & (rest[:, 2] > -0.02) & (style.coat_open > 0)


def _lower(mannequin: Mannequin, style: Style) -> list[Piece]:
    """Trousers or skirt."""
    if style.skirt:
        return skirt(
            mannequin,
            volume=style.bottom_volume,
            hem=style.bottom_hem,
            flare=style.flare,
            top=style.top_hem + 0.04,
        )
    covered = style.top_hem if not style.coat else min(style.top_hem, style.coat_hem)
    if style.coat and style.coat_open:
        covered = style.top_hem
    return trousers(
        mannequin,
        volume=style.bottom_volume,
        hem=style.bottom_hem,
        flare=style.flare,
        top=covered + 0.06,
    )


def _skin(mannequin: Mannequin, style: Style) -> list[Piece]:
    """Head, hands, and what shows of the rest; triangles that clothes and hair hide for good are left out."""
    body, rest = mannequin.body, mannequin.rest
    faces, parts = body.faces, body.face_parts
    hidden = _hidden_skin(rest, style)
    pieces = []
    for name, surface in (("shell", Surface.BODY), ("head", Surface.HEAD), ("hand", Surface.HAND)):
        chosen = faces[parts == body.part_names.index(name)]
        if name != "hand":
            chosen = chosen[~(hidden[name == "head"][chosen]).all(axis=1)]
        used, numbered = numbered_anew(chosen, len(rest))
        weights = np.column_stack([regions().weights[used], np.zeros(len(used))])
        pieces.append(Piece(surface, mannequin.vertices[used], rest[used], numbered, weights))
    return pieces


def _hidden_skin(rest: np.ndarray, style: Style) -> tuple[np.ndarray, np.ndarray]:
    """Which vertices (n,) of the shell and of the head nobody can see."""
    arm = regions().arm > 0.5
    y, share = rest[:, 1], arm_length_share(rest)
    sleeve = 1.0 if style.coat else style.sleeve
    trunk = (y > style.top_hem + 0.05) & (y < min(style.neckline - 0.07, 0.45))
    legs = (y > style.bottom_hem + (0.14 if style.skirt else 0.10)) & (y < max(0.06, style.top_hem + 0.06))
    shell = np.where(arm, share < sleeve - 0.25, trunk | legs | (y < min(style.shoe_top, -0.70) - 0.035))
    middle = np.arctan2(rest[:, 0], rest[:, 2] - 0.05)
    hair = y > hair_edge(middle, style) + 0.022
    if style.hair in (Hair.BALD, Hair.RECEDING):
        hair = np.zeros(len(y), dtype=bool)
    if style.hat:
        hair |= y > style.hat_line + 0.02
    return shell, hair & ((rest[:, 2] < 0.09) | (y > 0.81))


def _join(pieces: list[Piece], mannequin: Mannequin, carriage: Carriage) -> Outfit:
    """One mesh of all pieces; every vertex keeps its four strongest bones."""
    starts = np.cumsum([0] + [len(piece.vertices) for piece in pieces])
    strongest = [_strongest(piece.weights) for piece in pieces]
    top, share = (np.concatenate(parts) for parts in zip(*strongest, strict=True))
    cut = [np.full(len(p.vertices), 1.0) if p.cut is None else p.cut for p in pieces]
    faces = [piece.faces + start for piece, start in zip(pieces, starts, strict=False)]
    return Outfit(
        vertices=np.concatenate([piece.vertices for piece in pieces]).astype(np.float32),
        rest=np.concatenate([piece.rest for piece in pieces]).astype(np.float32),
        cut=np.concatenate(cut).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        surfaces=np.concatenate([np.broadcast_to(p.surface, len(p.faces)) for p in pieces]).astype(np.uint8),
        weight_bones=top,
        weights=(share / share.sum(1, keepdims=True)).astype(np.float32),
        lift=np.concatenate([_lift(piece) for piece in pieces]).astype(np.float32),
        joints=mannequin.joints,
        hip=_hip(pieces, mannequin),
        front=_front(pieces, mannequin),
        carriage=carriage,
    )


@compiled
def _strongest(weights):
    """Four bones (n, 4) int32 that move every vertex most, by weight (n, bones), the first of equals; their weights (n, 4)."""
    bones, share = np.empty((len(weights), 4), np.int32), np.full((len(weights), 4), -1.0)
    for i in range(len(weights)):
        for bone in range(weights.shape[1]):
            rank, weight = 4, weights[i, bone]
            while rank > 0 and weight > share[i, rank - 1]:  # moves up; those it passes move down
                rank -= 1
                if rank < 3:
                    bones[i, rank + 1], share[i, rank + 1] = bones[i, rank], share[i, rank]
                bones[i, rank], share[i, rank] = bone, weight
    return bones, share


def _lift(piece: Piece) -> np.ndarray:
    """Metres (n,) by which a piece is drawn nearer: legs least, then tops and everything above the hip, then coats.

    Legs that swing far poke through a hem by a centimetre or two; real cloth would give way.
    """
    surface = int(np.ravel(piece.surface)[0])
    if surface in (Surface.BOTTOM, Surface.SHOE):
        return np.zeros(len(piece.vertices))
    if surface == Surface.BODY:
        return UPPER_LIFT * ramp(piece.rest[:, 1], 0.12, 0.20)
    outer = {
        Surface.SKIRT: -0.012,
        Surface.TOP: 0.006,
        Surface.COAT: 0.014,
        Surface.BAG: 0.014,
        Surface.STRAP: 0.020,
        Surface.HAIR: 0.022,
        Surface.HAT: 0.03,
    }
    return np.full(len(piece.vertices), UPPER_LIFT + outer.get(Surface(surface), 0.0))


def _hip(pieces: list[Piece], mannequin: Mannequin) -> float:
    """Half width of what the hanging hands must not touch: clothes between hip and the middle of the thighs."""
    hip = mannequin.joints[mannequin.body.bone("thigh_l"), 1]
    points = vertices_of(pieces, Surface.TOP, Surface.COAT, Surface.BOTTOM, Surface.SKIRT)
    return float(points[np.abs(points[:, 1] - hip + 0.03) < 0.10, 0].max())


def _front(pieces: list[Piece], mannequin: Mannequin) -> float:
    """How far forward the clothes reach where folded arms lie, metres."""
    chest = mannequin.joints[mannequin.body.bone("spine_03"), 1] + 0.05
    points = vertices_of(pieces, Surface.TOP, Surface.COAT)
    near = (np.abs(points[:, 1] - chest) < 0.07) & (np.abs(points[:, 0]) < 0.15)
    return float(points[near, 2].max())
