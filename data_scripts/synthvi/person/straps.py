"""Ribbons on the clothes: straps of bags, lapels, flaps of collars.

A ribbon follows *rays*: each starts inside the trunk and leaves through the outermost cloth (or skin) that is really drawn; there
the ribbon lies, and from there it borrows its skin weights, so that it stays on the cloth in every pose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..compiled import compiled
from .mannequin import ARM_BONES, Mannequin
from .pieces import Piece, Surface, ring_faces

ABOVE = 0.004  # metres between cloth and ribbon
REACH = 0.45  # metres: farther from a ray's origin there is no trunk
SLEEVES = (Surface.SLEEVE, Surface.COAT_SLEEVE)


@dataclass(frozen=True)
class Cloth:
    """What straps lie on: clothes and skin of trunk and legs in the rest pose."""

    vertices: np.ndarray  # (n, 3) metres
    rest: np.ndarray  # (n, 3) where materials are looked up
    cut: np.ndarray  # (n,) metres inside the edge
    weights: np.ndarray  # (n, bones + 1)
    faces: np.ndarray  # (m, 3) int


@dataclass(frozen=True)
class Rays:
    """Where a ribbon leads: its middle line, one ray or free point a row."""

    origins: np.ndarray  # (k, 3) metres
    directions: np.ndarray  # (k, 3) unit vectors; zero where the origin itself is a point of the ribbon

    def thinned(self, rows: int) -> Rays:
        """The same way in ``rows`` even steps of the given rays."""
        old, new = np.arange(len(self.origins)), np.linspace(0, len(self.origins) - 1, rows)
        both = np.column_stack([self.origins, self.directions])
        made = np.stack([np.interp(new, old, column) for column in both.T], 1)
        length = np.linalg.norm(made[:, 3:], axis=1, keepdims=True)
        return Rays(made[:, :3], made[:, 3:] / np.maximum(length, 1e-9))


def way(points: Sequence[tuple[Sequence[float], Sequence[float]]], rows: int) -> Rays:
    """Rays through a list of (origin, direction), linear between them, in ``rows`` steps."""
    origins, directions = (np.array([pair[i] for pair in points], dtype=float) for i in (0, 1))
    return Rays(origins, directions / np.linalg.norm(directions, axis=1, keepdims=True)).thinned(rows)


def trunk_cloth(mannequin: Mannequin, pieces: list[Piece]) -> Cloth:
    """Join the pieces of a person without sleeves and bare arms."""
    arms = [mannequin.body.bone(name) for name in ARM_BONES]
    faces, start = [], 0
    for piece in pieces:
        on_arm = piece.weights[:, arms].sum(1)[piece.faces].max(axis=1) > 0.5
        sleeve = np.isin(np.broadcast_to(piece.surface, len(piece.faces)), SLEEVES)
        faces.append(piece.faces[~(on_arm | sleeve)] + start)
        start += len(piece.vertices)
    cut = [np.ones(len(p.vertices)) if p.cut is None else p.cut for p in pieces]
    return Cloth(
        np.concatenate([p.vertices for p in pieces]),
        np.concatenate([p.rest for p in pieces]),
        np.concatenate(cut),
        np.concatenate([p.weights for p in pieces]),
        np.concatenate(faces).astype(np.int64),
    )


def ribbon(
    cloth: Cloth,
    rays: Rays,
    half: np.ndarray | float,
    *,
    surface: int = Surface.STRAP,
    bone: int = 0,
    seam: bool = False,
) -> Piece:
    """Lay a ribbon on cloth.

    Parameters
    ----------
    cloth : Cloth
        From `trunk_cloth`.
    rays : Rays
        Its middle line, k rows.
    half : (k,) or (k, 2) or float
        Half its width, metres; two columns: to either side.
    surface : int
        `Surface` of the ribbon.
    bone : int
        What moves rows that are free points.
    seam : bool
        Whether its edges are hems.

    Returns
    -------
    Piece
        Three vertices a row: one edge, middle, other edge.
    """
    rows = len(rays.origins)
    half = np.asarray(half, dtype=float)
    half = np.broadcast_to(half[:, None] if half.ndim == 1 else half, (rows, 2))
    middle, rest, weights, free = on_cloth(cloth, rays, None, bone)
    along = np.gradient(middle, axis=0)
    facing = np.where(free[:, None], _filled(rays.directions, ~free), rays.directions)
    side = np.cross(facing, along)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    columns = []
    for shift in (-half[:, :1] * side, half[:, 1:] * side):
        moved = Rays(rays.origins + shift, rays.directions)
        columns.append(on_cloth(cloth, moved, middle + shift, bone))
    points, places, shares = (
        np.stack([columns[0][i], (middle, rest, weights)[i], columns[1][i]], 1) for i in range(3)
    )
    cut = np.stack([0 * half[:, 0], half.min(1), 0 * half[:, 0]], 1).ravel() if seam else None
    flat = (points.reshape(-1, 3), places.reshape(-1, 3), ring_faces(rows, 3, closed=False))
    return Piece(surface, *flat, shares.reshape(3 * rows, -1), cut)


def on_cloth(
    cloth: Cloth, rays: Rays, near: np.ndarray | None, bone: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where rays leave the cloth: points, rest positions, weights (k rows each), and which rows are free points, moved by ``bone``.

    Rays that miss take the distance of their neighbours. ``near`` (k, 3) holds the edges of a ribbon at its middle: no point is
    farther than 2 cm from there, along its ray.
    """
    free = ~rays.directions.any(axis=1)
    face, shares = _outermost(rays.origins, rays.directions, cloth.vertices, cloth.cut, cloth.faces, REACH)
    hit = (face >= 0) & ~free
    if not hit.any():
        raise ValueError("no ray of a ribbon meets the cloth: origins must lie inside the trunk")
    corners = cloth.faces[np.maximum(face, 0)]

    def mixed(values: np.ndarray) -> np.ndarray:
        return (values[corners] * shares[:, :, None]).sum(1)

    distance = _filled(((mixed(cloth.vertices) - rays.origins) * rays.directions).sum(1)[:, None], hit)[:, 0]
    if near is not None:
        middle = ((near - rays.origins) * rays.directions).sum(1) - ABOVE
        distance = np.clip(distance, middle - 0.02, middle + 0.02)
    soft = np.convolve(np.pad(distance, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    points = rays.origins + rays.directions * (np.maximum(distance, soft) + ABOVE)[:, None]
    weights = _filled(mixed(cloth.weights), hit)
    weights[free] = 0.0
    weights[free, bone] = 1.0
    return points, _filled(mixed(cloth.rest), hit), weights, free


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rows (k, c) with the unknown ones interpolated between their known neighbours."""
    rows, filled = np.arange(len(values)), np.zeros_like(values)
    used = values[known].any(axis=0)  # most columns of weights are of bones that have no part in it
    for column in np.flatnonzero(used):
        filled[:, column] = np.interp(rows, rows[known], values[known, column])
    return filled


@compiled
def _outermost(origins, directions, vertices, cut, faces, reach):
    """The farthest triangle that each ray crosses within ``reach``: its index (k,), −1 for none, and its corners' shares (k, 3)."""
    found, shares = np.full(len(origins), -1, np.int64), np.zeros((len(origins), 3))
    best = np.zeros(len(origins))
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        px, py, pz = vertices[b, 0] - ax, vertices[b, 1] - ay, vertices[b, 2] - az
        qx, qy, qz = vertices[c, 0] - ax, vertices[c, 1] - ay, vertices[c, 2] - az
        for ray in range(len(origins)):  # Möller and Trumbore, 1997
            dx, dy, dz = directions[ray, 0], directions[ray, 1], directions[ray, 2]
            hx, hy, hz = dy * qz - dz * qy, dz * qx - dx * qz, dx * qy - dy * qx
            area = px * hx + py * hy + pz * hz
            if abs(area) < 1e-12:
                continue
            sx, sy, sz = origins[ray, 0] - ax, origins[ray, 1] - ay, origins[ray, 2] - az
            u = sx * hx + sy * hy + sz * hz
            if u * area < 0.0 or abs(u) > abs(area):
                continue
            u /= area
            gx, gy, gz = sy * pz - sz * py, sz * px - sx * pz, sx * py - sy * px
            v = (dx * gx + dy * gy + dz * gz) / area
            t = (qx * gx + qy * gy + qz * gz) / area
            if v < 0.0 or u + v > 1.0 or t <= best[ray] or t > reach:
                continue
            if (1.0 - u - v) * cut[a] + u * cut[b] + v * cut[c] < 0.0:
                continue
            best[ray], found[ray] = t, f
            shares[ray, 0], shares[ray, 1], shares[ray, 2] = 1.0 - u - v, u, v
    return found, shares
