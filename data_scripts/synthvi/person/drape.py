"""How cloth (and hair) hangs: convex sections that may shrink downwards only so fast.

Cloth spans the concave parts of a body: at every height take the convex hull of the body's section. Cloth falls from what is
widest: going down, the hull may shrink by at most ``slope`` metres per metre. Both are one line each on the *support function*
h(θ) = max over the section's points p of p·(sin θ, cos θ), from which the radius follows as min over θ of h(θ)/cos(θ − φ).
The result is a tube of rings, one vertex per direction: trunks of shirts, coats, skirts, trouser legs, hair, hats.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

from ..compiled import compiled


@dataclass(frozen=True)
class Drape:
    """A hanging tube. Direction j is the angle 2πj/columns, 0 to the front, π/2 to the person's left."""

    levels: np.ndarray  # (rows,) rest heights, from top to bottom
    heights: np.ndarray  # (rows,) heights on this person, metres
    centers: np.ndarray  # (rows, 2) x and z of the axis
    radii: np.ndarray  # (rows, columns) metres

    def points(self) -> np.ndarray:
        """Vertices (rows * columns, 3), ring by ring."""
        u = directions(self.radii.shape[1])
        flat = self.centers[:, None] + self.radii[..., None] * u
        tall = np.broadcast_to(self.heights[:, None], self.radii.shape)
        return np.stack([flat[..., 0], tall, flat[..., 1]], -1).reshape(-1, 3)

    def widen(self, extra: np.ndarray | float) -> Drape:
        """The same tube with larger radii; ``extra`` is a number, (rows, 1) or (rows, columns)."""
        return Drape(self.levels, self.heights, self.centers, self.radii + extra)

    def radius_at(self, points: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Own radius (n,) of points about the axis, and the tube's radius (n,) in their direction."""
        rows, columns = self.radii.shape
        row = np.interp(-levels, -self.levels, np.arange(rows))
        low = np.clip(row.astype(int), 0, rows - 2)
        part = (row - low)[:, None]
        center = self.centers[low] * (1 - part) + self.centers[low + 1] * part
        away = points[:, [0, 2]] - center
        column = np.arctan2(away[:, 0], away[:, 1]) / (2 * np.pi) * columns % columns
        left = column.astype(int) % columns
        share = (column - np.floor(column))[:, None]
        right = (left + 1) % columns
        at_left = np.stack([self.radii[low, left], self.radii[low + 1, left]], 1)
        at_right = np.stack([self.radii[low, right], self.radii[low + 1, right]], 1)
        both = at_left * (1 - share) + at_right * share
        return np.linalg.norm(away, axis=1), both[:, 0] * (1 - part[:, 0]) + both[:, 1] * part[:, 0]


@lru_cache(maxsize=16)
def directions(columns: int) -> np.ndarray:
    """Unit directions (columns, 2) in x and z; not to be written to."""
    angle = 2 * np.pi * np.arange(columns) / columns
    return np.stack([np.sin(angle), np.cos(angle)], 1)


def hang(
    points: np.ndarray,
    levels_of_points: np.ndarray,
    levels: np.ndarray,
    heights: np.ndarray,
    centers: np.ndarray,
    *,
    slope: float,
    columns: int,
    window: float = 0.03,
) -> Drape:
    """Drape a tube over points.

    Parameters
    ----------
    points : (n, 3) float
        What lies under the cloth, metres.
    levels_of_points : (n,) float
        Rest heights of the points: they say which ring a point belongs to, whatever the person's size.
    levels, heights : (rows,) float
        Rest heights of the rings from top to bottom, and their heights on this person.
    centers : (rows, 2) float
        x and z of the axis.
    slope : float
        Largest shrinking of the tube downwards, metres per metre; negative: it widens at least so fast.
    columns : int
        Vertices of a ring.
    window : float
        A ring feels the points within this distance above and below, metres.

    Returns
    -------
    Drape
    """
    u = directions(columns)
    support = _supports(points, levels_of_points, levels, centers, u, window)
    known = np.isfinite(support[:, 0])
    for column in range(columns if not known.all() else 0):  # rings without points: from their neighbours
        support[:, column] = np.interp(-levels, -levels[known], support[known, column])
    _fall(support, heights, centers, u, slope)
    radii = _radii(support, u @ u.T)
    smooth = radii.copy()
    smooth[1:-1] = 0.25 * radii[:-2] + 0.5 * radii[1:-1] + 0.25 * radii[2:]
    return Drape(levels, heights, centers, smooth)


@compiled
def _supports(points, levels_of_points, levels, centers, directions, window):
    """Support (rows, columns) of each ring's points about its center; nan for rings of fewer than three points."""
    supports = np.full((len(levels), len(directions)), -np.inf)
    for row in range(len(levels)):
        count = 0
        for i in range(len(points)):
            if abs(levels_of_points[i] - levels[row]) < window:
                count += 1
                x, z = points[i, 0] - centers[row, 0], points[i, 2] - centers[row, 1]
                for column in range(len(directions)):
                    along = x * directions[column, 0] + z * directions[column, 1]
                    supports[row, column] = max(supports[row, column], along)
        if count < 3:
            supports[row] = np.nan
    return supports


@compiled
def _fall(supports, heights, centers, directions, slope):
    """Let supports (rows, columns) shrink downwards by ``slope`` at most, in place."""
    for row in range(1, len(supports)):
        fall = slope * (heights[row - 1] - heights[row])
        x, z = centers[row - 1, 0] - centers[row, 0], centers[row - 1, 1] - centers[row, 1]
        for column in range(len(directions)):
            shift = x * directions[column, 0] + z * directions[column, 1]
            supports[row, column] = max(supports[row, column], supports[row - 1, column] + shift - fall)


@compiled
def _radii(support, toward):
    """Radii (rows, columns) from support; ``toward`` (columns, columns) are the cosines between directions."""
    radii = np.full(support.shape, np.inf)
    for row in range(support.shape[0]):
        for column in range(support.shape[1]):
            for other in range(support.shape[1]):
                if toward[column, other] > 0.2:
                    radius = max(support[row, other], 0.0) / toward[column, other]
                    radii[row, column] = min(radii[row, column], radius)
    return radii


def borrow_weights(
    tree: cKDTree, weights: np.ndarray, rest: np.ndarray, rows: int, rounds: int
) -> np.ndarray:
    """Skin weights (n, bones) of a tube from the nearest points of a body, smoothed over the tube's grid.

    Parameters
    ----------
    tree : cKDTree
        Rest positions of the body's vertices.
    weights : (vertices, bones) float
        Their weights.
    rest : (n, 3) float
        Rest positions of the tube, ring by ring.
    rows, rounds : int
        Number of rings; how often every vertex takes the mean of its neighbours around the ring and along the tube.
    """
    distance, nearest = tree.query(rest, k=4)
    share = 1.0 / (distance + 0.01)
    share /= share.sum(1, keepdims=True)
    borrowed = np.einsum("nk,nkb->nb", share, weights[nearest])
    used = borrowed.any(axis=0)  # most bones have no part in one tube
    made = borrowed[:, used].reshape(rows, len(rest) // rows, -1)
    for _ in range(rounds):
        made = 0.5 * made + 0.25 * (np.roll(made, 1, axis=1) + np.roll(made, -1, axis=1))
        upper, lower = made[[0, *range(rows - 1)]], made[[*range(1, rows), rows - 1]]
        made = 0.5 * made + 0.25 * (upper + lower)
    borrowed[:, used] = made.reshape(len(rest), -1)
    return borrowed
