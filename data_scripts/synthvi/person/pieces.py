"""Parts of a dressed person: a small mesh each, of one surface, and the plain forms that several parts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np

from .materials import Material


class Surface(IntEnum):
    """Which surface a pixel shows; 0 is the background. `TRAITS` has a row for each."""

    NONE = 0
    BODY = 1
    HEAD = 2
    HAND = 3
    SHOE = 4
    TOP = 5
    SLEEVE = 6
    BOTTOM = 7
    BAG = 8
    STRAP = 9
    COAT = 10
    COAT_SLEEVE = 11
    SKIRT = 12
    HAIR = 13
    HAT = 14
    SCARF = 15


class Fold(IntEnum):
    """How a surface is wrinkled."""

    NONE = 0
    TRUNK = 1
    SLEEVE = 2
    LEG = 3
    SKIRT = 4
    SCARF = 5
    HAIR = 6


@dataclass(frozen=True)
class Traits:
    """What the renderer knows of a surface."""

    material: Material  # all of it, or where `dressing` has no rule for it
    fold: Fold = Fold.NONE
    two_sided: bool = False
    seam: bool = False  # darker along its edges


TRAITS = {
    Surface.NONE: Traits(Material.SKIN),
    Surface.BODY: Traits(Material.SKIN),
    # two-sided: thinning leaves pinholes at nostrils, through which skin must show
    Surface.HEAD: Traits(Material.SKIN, two_sided=True),
    Surface.HAND: Traits(Material.SKIN),
    Surface.SHOE: Traits(Material.SHOE),
    Surface.TOP: Traits(Material.TOP, Fold.TRUNK, seam=True),
    Surface.SLEEVE: Traits(Material.TOP, Fold.SLEEVE, seam=True),
    Surface.BOTTOM: Traits(Material.BOTTOM, Fold.LEG, seam=True),
    Surface.BAG: Traits(Material.BAG),
    Surface.STRAP: Traits(Material.STRAP),
    Surface.COAT: Traits(Material.COAT, Fold.TRUNK, two_sided=True, seam=True),
    Surface.COAT_SLEEVE: Traits(Material.COAT, Fold.SLEEVE, two_sided=True, seam=True),
    Surface.SKIRT: Traits(Material.BOTTOM, Fold.SKIRT, two_sided=True, seam=True),
    Surface.HAIR: Traits(Material.HAIR, Fold.HAIR, two_sided=True),
    Surface.HAT: Traits(Material.HAT, two_sided=True, seam=True),
    Surface.SCARF: Traits(Material.SCARF, Fold.SCARF, two_sided=True, seam=True),
}
# The same by a surface's number: compiled loops read these as constants.
MATERIAL = np.array([int(TRAITS[surface].material) for surface in Surface])
FOLD = np.array([int(TRAITS[surface].fold) for surface in Surface])
TWO_SIDED = np.array([TRAITS[surface].two_sided for surface in Surface])
SEAM = np.array([TRAITS[surface].seam for surface in Surface])


@dataclass(frozen=True)
class Piece:
    """One part of an outfit in the rest pose."""

    surface: int | np.ndarray  # Surface of all its triangles, or (m,) of each
    vertices: np.ndarray  # (n, 3) metres
    rest: np.ndarray  # (n, 3) where materials are looked up: neutral rest position, or place within the part
    faces: np.ndarray  # (m, 3) int, counter-clockwise seen from outside
    # (n, bones + 1) share of every bone; the last one hangs from the left hand, never turning
    weights: np.ndarray
    cut: np.ndarray | None = None  # (n,) metres inside the cloth's edge, negative is cut away; None: no edge


@lru_cache(maxsize=128)
def ring_faces(rows: int, columns: int, closed: bool = True) -> np.ndarray:
    """Triangles (m, 3) of a tube: ``rows`` rings from top to bottom with ``columns`` vertices each; not to be written to."""
    last = columns if closed else columns - 1
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(rows - 1), np.arange(last), indexing="ij"))
    a, b = i * columns + j, i * columns + (j + 1) % columns
    return np.concatenate([np.stack([a, a + columns, b + columns], 1), np.stack([a, b + columns, b], 1)])


def numbered_anew(faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted indices of the vertices (of ``count``) that triangles (m, 3) use, and the triangles in terms of these."""
    used = np.zeros(count, dtype=bool)
    used[faces] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[faces]


def vertices_of(pieces: list[Piece], *surfaces: Surface) -> np.ndarray:
    """Vertices (n, 3) of the triangles of some surfaces."""
    wanted, found = np.isin(np.arange(max(Surface) + 1), surfaces), []
    for piece in pieces:
        used = np.zeros(len(piece.vertices), dtype=bool)
        used[piece.faces[np.broadcast_to(wanted[piece.surface], len(piece.faces))]] = True
        found.append(piece.vertices[used])
    return np.concatenate(found)


def rigid(count: int, bones: int, bone: int) -> np.ndarray:
    """Weights (count, bones + 1) of a part that one bone moves."""
    weights = np.zeros((count, bones + 1))
    weights[:, bone] = 1.0
    return weights


def box(
    center: Sequence[float] | np.ndarray,
    size: Sequence[float] | np.ndarray,
    roundness: float = 0.35,
    rings: int = 8,
    taper: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A box with round edges (superellipsoid): vertices (n, 3), places within -1..1 (n, 3), faces (m, 3).

    ``taper`` makes the top narrower (0.3: by 30 %) and the bottom wider by as much.
    """
    latitude = np.linspace(np.pi / 2, -np.pi / 2, rings)
    longitude = np.linspace(-np.pi, np.pi, 2 * rings, endpoint=False)
    lat, lon = (grid.ravel() for grid in np.meshgrid(latitude, longitude, indexing="ij"))

    def power(value: np.ndarray) -> np.ndarray:
        return np.sign(value) * np.abs(value) ** roundness

    flat = power(np.cos(lat))
    local = np.stack([flat * power(np.sin(lon)), power(np.sin(lat)), flat * power(np.cos(lon))], 1)
    shaped = local * np.stack([1 - taper * local[:, 1], np.ones(len(local)), 1 - taper * local[:, 1]], 1)
    return np.asarray(center) + shaped * (np.asarray(size) / 2), local, ring_faces(rings, 2 * rings)


def rope(path: np.ndarray, radii: np.ndarray, sides: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tube along a path (k, 3) with half widths ``radii`` (k,) or (k, 2): vertices, places (around, along, 0), faces."""
    path = np.asarray(path, dtype=float)
    radii = np.broadcast_to(np.asarray(radii, dtype=float).reshape(len(path), -1), (len(path), 2))
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    helper = np.where(np.abs(along[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 0, 1.0]])
    second = np.cross(along, helper)
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    first = np.cross(second, along)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = (
        np.cos(angle)[None, :, None] * (first * radii[:, :1])[:, None]
        - np.sin(angle)[None, :, None] * (second * radii[:, 1:])[:, None]
    )
    points = (path[:, None] + ring).reshape(-1, 3)
    steps = np.repeat(np.linspace(-1, 1, len(path)), sides)
    places = np.stack([np.tile(np.cos(angle), len(path)), steps, np.zeros(len(points))], 1)
    return points, places, ring_faces(len(path), sides)
