"""Rotations (3, 3) about the axes of the body's frame, and from one direction to another."""

from __future__ import annotations

import math

import numpy as np

from ..compiled import compiled

IDENTITY = np.eye(3)


@compiled
def about_x(angle: float) -> np.ndarray:
    """Rotation (3, 3) about the axis to the person's left; positive turns down towards the back."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


@compiled
def about_y(angle: float) -> np.ndarray:
    """Rotation (3, 3) about the vertical axis; positive turns forward towards the left."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


@compiled
def about_z(angle: float) -> np.ndarray:
    """Rotation (3, 3) about the forward axis."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@compiled
def product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The rotation ``second``, then ``first`` (3, 3) float64: their matrix product, without the way to a library for large ones."""
    out = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            for k in range(3):
                out[i, j] += first[i, k] * second[k, j]
    return out


@compiled
def between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Smallest rotation (3, 3) that turns direction ``start`` to direction ``end`` (Rodrigues)."""
    a, b = start / math.sqrt((start * start).sum()), end / math.sqrt((end * end).sum())
    c = (a * b).sum()
    x, y, z = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    if c < -0.9999:
        return np.diag(np.array([1.0, -1.0, -1.0]))
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + k + product(k, k) / (1.0 + c)


def frame(along: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) whose first column points along a direction and whose second one is next to another."""
    first = along / np.sqrt(along @ along)
    second = beside - first * (first @ beside)
    second = second / np.sqrt(second @ second)
    (x, y, z), (u, v, w) = first, second
    return np.array([[x, u, y * w - z * v], [y, v, z * u - x * w], [z, w, x * v - y * u]])
