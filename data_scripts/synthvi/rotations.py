"""Rotations (3, 3) about the axes of the body's frame, and from one direction to another."""

from __future__ import annotations

from math import cos, sin

import numpy as np

from .compiled import compiled


@compiled
def about_x(angle):
    """Rotation (3, 3) about the axis to the person's left; positive turns down towards the back."""
    c, s = cos(angle), sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


@compiled
def about_y(angle):
    """Rotation (3, 3) about the vertical axis; positive turns forward towards the left."""
    c, s = cos(angle), sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


@compiled
def about_z(angle):
    """Rotation (3, 3) about the forward axis."""
    c, s = cos(angle), sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Smallest rotation (3, 3) that turns direction ``start`` to direction ``end``."""
    a, b = unit(start), unit(end)
    return turn(cross(a, b), float(a @ b))


def unit(vector: np.ndarray) -> np.ndarray:
    """The direction (3,) of a vector."""
    return vector / np.sqrt(vector @ vector)


@compiled
def cross(a, b):
    """Three numbers a × b."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compiled
def turn(axis, c):
    """Rotation (3, 3) about ``axis``, three numbers as long as the angle's sine, by the angle with cosine ``c`` (Rodrigues)."""
    if c < -0.9999:
        return np.diag(np.array([1.0, -1.0, -1.0]))
    x, y, z = axis
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + k + product(k, k) / (1.0 + c)


@compiled
def product(a, b):
    """Matrix product (3, 3) of two rotations: first ``b``, then ``a``."""
    out = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]
    return out
