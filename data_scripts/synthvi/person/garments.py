"""Clothes as layers of their own over the body: shirts and coats, trousers, skirts.

Where a garment follows the body (shoulders, sleeves, pelvis) it is a copy of the body's shell, moved out, smoothed, and pushed to
the hanging tube of `drape`; where it hangs free (below the waist, around the legs) it *is* that tube. Its edges (hem, cuff,
collar, opening) are places where ``cut`` changes sign, so they are crisp and stand off what lies beneath.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .drape import Drape, borrow_weights, hang
from .mannequin import Mannequin, arm_length_share, neutral, ramp, regions
from .pieces import Piece, Surface, numbered_anew, ring_faces

WAIST = 0.13  # rest height at which trunk garments change from shell to tube
FAR = 1.0  # metres from an edge: "nowhere near"
CHAMBER = 0.085  # metres between the seams of a quilted coat
INNER = 50.0  # factor on the distance from an edge that another piece covers: no hem is drawn there


@dataclass(frozen=True)
class Tailoring:
    """Measures of one upper garment, metres and rest heights."""

    volume: float  # between body and cloth
    over: float  # the same below the waist, where it covers the trousers
    hem: float
    sleeve: float  # where the sleeve ends: 0 shoulder, 1 wrist
    neckline: float  # front edge of the collar
    opening: float  # half width of the open front; 0 closed
    flare: float  # how much wider the hem is than the waist
    slope: float  # how fast the cloth follows the body inwards, see `drape`
    trunk: Surface
    arm: Surface
    round_neck: float = 0.0  # 1/metres: the collar's edge is a bow of this curvature instead of a V
    steepness: float = 0.75  # of the V, metres upwards per metre aside
    opening_slope: float = 0.45  # how fast an open front widens above the chest, metres per metre
    quilt: float = 0.0  # depth of quilting, metres


def slope_of(volume: float) -> float:
    """Tight cloth follows the body, wide cloth falls: the drape's slope for a volume in metres."""
    return float(np.clip(0.62 - 20.0 * volume, 0.04, 0.55))


def upper_garment(mannequin: Mannequin, cloth: Tailoring) -> list[Piece]:
    """A shirt, jumper, jacket or coat: shell with sleeves, and a tube below the waist."""
    low = min(cloth.hem, WAIST - 0.02)
    step = 0.02 if cloth.quilt else 0.05
    free = np.linspace(WAIST, low, max(3, int((WAIST - low) / step) + 2))
    levels = np.concatenate([np.linspace(0.49, WAIST, 10)[:-1], free])
    tube = _trunk_drape(mannequin, levels, cloth.slope)
    pieces = [_upper_shell(mannequin, cloth, tube.widen(cloth.volume + 0.004))]
    if cloth.hem < WAIST - 0.07:
        pieces.append(_tail(cloth, tube, len(free)))
    return pieces


def _trunk_drape(mannequin: Mannequin, levels: np.ndarray, slope: float, columns: int = 32) -> Drape:
    """Cloth around trunk and both legs."""
    inside = regions().hung
    middle = mannequin.joints[mannequin.body.bone("pelvis"), 2] + 0.015
    centers = np.tile([0.0, middle], (len(levels), 1))
    heights = mannequin.height_of(levels)
    return hang(
        mannequin.vertices[inside],
        mannequin.rest[inside, 1],
        levels,
        heights,
        centers,
        slope=slope,
        columns=columns,
    )


def _upper_shell(mannequin: Mannequin, cloth: Tailoring, tube: Drape) -> Piece:
    """Shoulders, chest and sleeves of an upper garment."""
    rest, arm = mannequin.rest, regions().arm
    share = arm_length_share(rest)
    near_neck = ramp(rest[:, 1], 0.46, 0.56)
    cuff = 0.3 * cloth.volume * ramp(share, 0.1, max(0.3, cloth.sleeve))
    offset = cloth.volume * (1 - near_neck) + 0.005 + (cloth.trunk == Surface.COAT) * 0.006 * near_neck
    offset = (1 - arm) * offset + arm * (0.5 * cloth.volume + 0.006 + cuff)
    rounds = 3 + int(150 * cloth.volume)
    made = _relax(mannequin, offset, rounds)
    pull = ramp(rest[:, 1], 0.49, 0.42) * (1 - ramp(arm, 0.0, 0.4))
    _pull_out(made, tube, rest[:, 1], pull)
    if cloth.quilt:
        along = np.where(arm > 0.5, 0.43 * share, rest[:, 1])
        made += mannequin.normals * ((1 - near_neck) * _quilting(cloth.quilt, along))[:, None]
    even = _even(rounds)
    seam = WAIST - 0.07
    level = even[:, 1] if cloth.hem > seam else rest[:, 1]  # a hem is as even as the cloth
    cut = np.minimum(_collar(cloth, even), _lower_edge(cloth.hem, seam, level))
    cut = np.minimum(cut, (cloth.sleeve - share) * 0.43 + 0.3 * (1 - ramp(arm, 0.2, 0.7)))
    cut = np.minimum(cut, _opening(cloth, even))
    faces = mannequin.body.faces[mannequin.body.face_parts == 0]
    faces = faces[(cut[faces] > 0).any(axis=1) & (rest[faces, 1].min(axis=1) > -0.1)]
    surface = np.where((arm[faces] > 0.5).any(axis=1), cloth.arm, cloth.trunk)
    return _shell_piece(surface, made, faces, cut, even)


def _quilting(depth: float, along: np.ndarray) -> np.ndarray:
    """Metres (n,) by which the chambers of a quilted coat bulge at places ``along`` it (metres)."""
    return depth * np.sqrt(np.abs(np.sin(np.pi * along / CHAMBER)))


def _pull_out(points: np.ndarray, tube: Drape, levels: np.ndarray, share: np.ndarray) -> None:
    """Move points (n, 3) within a tube, in place, by a ``share`` (n,) of their way out to it."""
    moved = np.flatnonzero(share)
    own, target = tube.radius_at(points[moved], levels[moved])
    extra = np.maximum(0.0, target - own) * share[moved] / np.maximum(own, 1e-6)
    flat = np.ix_(moved, [0, 2])
    points[flat] += (points[flat] - tube.centers[0]) * extra[:, None]


def _lower_edge(hem: float, seam: float, level: np.ndarray) -> np.ndarray:
    """Metres (n,) above a shell's end: its hem, or the seam below which a tube goes on."""
    return level - hem if hem > seam else INNER * (level - seam)


def _collar(cloth: Tailoring, rest: np.ndarray) -> np.ndarray:
    """Metres (n,) below the collar: a V or a bow in front, a shallow bow behind."""
    aside = np.abs(rest[:, 0])
    front = ramp(rest[:, 2], -0.01, 0.07)
    back = max(cloth.neckline, 0.57) + 0.35 * aside
    sides = cloth.round_neck * aside**2 if cloth.round_neck else cloth.steepness * aside
    edge = front * (cloth.neckline + sides) + (1 - front) * back
    return np.where(aside > 0.10, FAR, edge - rest[:, 1])


def _opening(cloth: Tailoring, rest: np.ndarray) -> np.ndarray:
    """Metres (n,) from the edge of an open front."""
    half = cloth.opening + cloth.opening_slope * np.maximum(0.0, rest[:, 1] - 0.36)
    return np.where((rest[:, 2] > 0.02) & (cloth.opening > 0), np.abs(rest[:, 0]) - half, FAR)


def _tail(cloth: Tailoring, tube: Drape, rows: int) -> Piece:
    """What hangs below the waist: the lowest ``rows`` of a tube around both legs."""
    levels = tube.levels
    drop = ramp(levels, WAIST, levels[-1])[:, None] * cloth.flare + cloth.volume + 0.004
    drop = drop + _quilting(cloth.quilt, levels)[:, None]
    drop = np.maximum(drop, cloth.over * ramp(levels, WAIST + 0.02, WAIST - 0.10)[:, None])
    neutral_tube = _trunk_drape(neutral(), levels, cloth.slope)
    made, rest = (_last_rows(each.widen(drop), rows) for each in (tube, neutral_tube))
    columns = made.radii.shape[1]
    surface = cloth.trunk
    weights = tube_weights(rest, rest.points(), regions().skirt_weights, rounds=rows // 2)
    cut = np.minimum(_opening(cloth, rest.points()), rest.points()[:, 1] - cloth.hem)
    return Piece(surface, made.points(), upright(rest), ring_faces(rows, columns), weights, cut)


def _last_rows(tube: Drape, rows: int) -> Drape:
    """The lowest rings of a tube."""
    return Drape(tube.levels[-rows:], tube.heights[-rows:], tube.centers[-rows:], tube.radii[-rows:])


def upright(rest: Drape) -> np.ndarray:
    """Rest positions of a tube's vertices, their heights being the rest levels."""
    points = rest.points()
    points[:, 1] = np.repeat(rest.levels, rest.radii.shape[1])
    return points


def tube_weights(tube: Drape, rest: np.ndarray, weights: np.ndarray, rounds: int) -> np.ndarray:
    """Weights of a tube from the body beneath; one column more for the bag's bone."""
    area = regions()
    made = borrow_weights(area.tree, weights[area.tree_index], rest, len(tube.levels), rounds)
    return np.column_stack([made, np.zeros(len(made))])


@lru_cache(maxsize=16)
def _even(rounds: int) -> np.ndarray:
    """Rest positions smoothed as often as the cloth, so that patterns stay straight on it; not to be written to."""
    made, mean = neutral().rest.astype(float), regions().mean
    for _ in range(rounds):
        made = 0.4 * made + 0.6 * (mean @ made)
    return made


def _relax(mannequin: Mannequin, offset: np.ndarray, rounds: int) -> np.ndarray:
    """Move every vertex out by its offset and smooth: cloth shows no anatomy, but never sinks into the body."""
    normals, mean = mannequin.normals, regions().mean
    made = mannequin.vertices + normals * offset[:, None]
    for _ in range(rounds):
        made = 0.4 * made + 0.6 * (mean @ made)
    sunk = 0.8 * offset - ((made - mannequin.vertices) * normals).sum(1)
    return made + normals * np.maximum(0.0, sunk)[:, None]


def _shell_piece(
    surface: int | np.ndarray, made: np.ndarray, faces: np.ndarray, cut: np.ndarray, rest: np.ndarray
) -> Piece:
    """Part of the body's shell as a piece of its own."""
    used, numbered = numbered_anew(faces, len(made))
    weights = np.column_stack([regions().weights[used], np.zeros(len(used))])
    return Piece(surface, made[used], rest[used], numbered, weights, cut[used])


def trousers(mannequin: Mannequin, *, volume: float, hem: float, flare: float, top: float) -> list[Piece]:
    """Trousers or shorts: pelvis and two legs; ``top`` is the rest height above which something covers them."""
    rest = mannequin.rest
    tube = _trunk_drape(mannequin, np.linspace(0.2, -0.14, 8), slope_of(volume)).widen(volume + 0.003)
    made = _relax(mannequin, np.full(len(rest), volume + 0.004), rounds=6)
    _pull_out(made, tube, rest[:, 1], ramp(rest[:, 1], -0.07, 0.02))
    cut = np.minimum(0.165 - rest[:, 1], _lower_edge(hem, -0.12, rest[:, 1]))
    faces = mannequin.body.faces[mannequin.body.face_parts == 0]
    faces = faces[(cut[faces] > 0).any(axis=1) & (regions().arm[faces].max(axis=1) < 0.5)]
    faces = faces[rest[faces, 1].min(axis=1) < top]
    pieces = [_shell_piece(Surface.BOTTOM, made, faces, cut, rest)]
    return pieces + [_leg(mannequin, sign, volume, hem, flare) for sign in (1, -1)]


def leg_drape(mannequin: Mannequin, sign: int, levels: np.ndarray, slope: float, columns: int = 14) -> Drape:
    """Cloth around one leg (``sign`` +1 the left): straight down from the ankle on, whatever the foot does."""
    inside = _in_leg(sign)
    points, own = mannequin.vertices[inside], mannequin.rest[inside, 1]
    flat, centers = points[:, [0, 2]], []
    for level in levels:
        near = flat[np.abs(own - max(level, -0.66)) < 0.035]
        centers.append(0.5 * (near.min(0) + near.max(0)))
    heights = mannequin.height_of(levels)
    return hang(points, own, levels, heights, np.array(centers), slope=slope, columns=columns, window=0.033)


@lru_cache(maxsize=2)
def _in_leg(sign: int) -> np.ndarray:
    """Indices of the vertices of one leg."""
    area, rest = regions(), neutral().rest[:, 1]
    return np.flatnonzero(area.trunk & (area.side == sign) & (rest > -0.70) & (rest < 0.04))


def _leg(mannequin: Mannequin, sign: int, volume: float, hem: float, flare: float) -> Piece:
    """One trouser leg."""
    levels = np.linspace(-0.035, hem, max(4, int((-0.035 - hem) / 0.055) + 2))
    extra = volume + 0.005 + flare * ramp(levels, -0.3, -0.76)[:, None]
    made, rest = (
        leg_drape(who, sign, levels, slope_of(volume)).widen(extra) for who in (mannequin, neutral())
    )
    points = made.points()
    points[:, 0] = sign * np.maximum(sign * points[:, 0], 0.002)
    weights = tube_weights(rest, rest.points(), regions().leg_weights, rounds=1)
    cut = np.repeat(levels - hem, rest.radii.shape[1])
    faces = ring_faces(len(levels), rest.radii.shape[1])
    return Piece(Surface.BOTTOM, points, upright(rest), faces, weights, cut)


def skirt_slope(volume: float, flare: float) -> float:
    """The drape's slope for a skirt: wide and flared ones hang straight."""
    return 0.3 - 8.0 * volume - flare


def skirt(mannequin: Mannequin, *, volume: float, hem: float, flare: float, top: float) -> list[Piece]:
    """A skirt down to its hem; ``top`` is the rest height above which something covers it."""
    levels = np.linspace(0.175, hem, max(5, int((0.175 - hem) / 0.05) + 2))
    extra = volume + 0.003 + flare * ramp(levels, 0.12, hem)[:, None]
    made, rest = (
        _trunk_drape(who, levels, skirt_slope(volume, flare)).widen(extra) for who in (mannequin, neutral())
    )
    weights = tube_weights(rest, rest.points(), regions().skirt_weights, rounds=6 + len(levels) // 2)
    cut = np.repeat(np.minimum(levels - hem, INNER * (top - levels)), rest.radii.shape[1])
    faces = ring_faces(len(levels), rest.radii.shape[1])
    return [Piece(Surface.SKIRT, made.points(), upright(rest), faces, weights, cut)]
