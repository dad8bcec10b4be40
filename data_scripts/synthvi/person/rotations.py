"""Rotations (3, 3) about the axes of the body's frame, and from one direction to another."""

from __future__ import annotations

import numpy as np

IDENTITY = np.eye(3)


def about_x(angle: float) -> np.ndarray:
    """Rotation (3, 3) about the axis to the person's left; positive turns down towards the back."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def about_y(angle: float) -> np.ndarray:
    """Rotation (3, 3) about the vertical axis; positive turns forward towards the left."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def about_z(angle: float) -> np.ndarray:
    """Rotation (3, 3) about the forward axis."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Smallest rotation (3, 3) that turns direction ``start`` to direction ``end`` (Rodrigues)."""
    a, b = start / np.sqrt(start @ start), end / np.sqrt(end @ end)
    c = float(a @ b)
    v = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    if c < -0.9999:
        return np.diag([1.0, -1.0, -1.0])
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return IDENTITY + k + k @ k / (1.0 + c)


def frame(along: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) whose first column points along a direction and whose second one is next to another."""
    first = along / np.sqrt(along @ along)
    second = beside - first * (first @ beside)
    second = second / np.sqrt(second @ second)
    return np.column_stack([first, second, np.cross(first, second)])
