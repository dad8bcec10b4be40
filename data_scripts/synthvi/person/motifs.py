"""The motifs of prints, made by formulas and small bitmaps: 64×64 pictures of two inks."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

SIZE = 64  # pixels along an edge

# Columns and rows of -1..1, rows upwards: where a motif's formula is evaluated.
_CENTERS = (np.arange(SIZE) + 0.5) / (SIZE / 2) - 1.0
U, V = np.meshgrid(_CENTERS, -_CENTERS)
R, ANGLE = np.hypot(U, V), np.arctan2(U, V)  # angle 0 is up

GLYPHS = {  # five columns of seven rows
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "2": "01110 10001 00001 00110 01000 10000 11111",
    "3": "11110 00001 00001 01110 00001 00001 11110",
    "7": "11111 00001 00010 00100 00100 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
}


def _polygon(*corners: tuple[float, float]) -> np.ndarray:
    """Inside of a polygon, (SIZE, SIZE) bool: an odd number of its edges lies to the right."""
    inside = np.zeros(U.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y0 != y1:
            between = (V > min(y0, y1)) & (V <= max(y0, y1))
            inside ^= between & (U < x0 + (V - y0) * (x1 - x0) / (y1 - y0))
    return inside


def _ellipse(x: float, y: float, wide: float, high: float, turn: float = 0.0) -> np.ndarray:
    """Inside of an ellipse with half axes ``wide`` and ``high``, turned by ``turn`` radians."""
    along = (U - x) * np.cos(turn) + (V - y) * np.sin(turn)
    up = (V - y) * np.cos(turn) - (U - x) * np.sin(turn)
    return (along / wide) ** 2 + (up / high) ** 2 < 1.0


def _box(left: float, right: float, low: float, high: float) -> np.ndarray:
    """Inside of a rectangle."""
    return (U > left) & (U < right) & (V > low) & (V < high)


def _glyph(letter: str, left: float, right: float, low: float = -0.9, high: float = 0.9) -> np.ndarray:
    """A letter or digit within a rectangle, its strokes a little wider than its bitmap's cells."""
    rows = np.array([[int(bit) for bit in row] for row in GLYPHS[letter].split()], dtype=bool)
    made = np.zeros(U.shape, dtype=bool)
    wide, tall = (right - left) / 5, (high - low) / 7
    for row, column in zip(*np.nonzero(rows), strict=True):
        x, y = left + (column + 0.5) * wide, high - (row + 0.5) * tall
        made |= (np.abs(U - x) < 0.62 * wide) & (np.abs(V - y) < 0.62 * tall)
    return made


def _inks(first: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
    """One ink over the other: 0 cloth, 1 and 2 inks."""
    made = first.astype(np.uint8)
    if second is not None:
        made[second] = 2
    return made


def _star(points: int, inner: float) -> np.ndarray:
    """A star with ``points`` tips; ``inner`` is the radius between them."""
    angles = np.arange(2 * points) * np.pi / points
    radii = np.where(np.arange(2 * points) % 2, inner, 0.98)
    return _polygon(*zip(radii * np.sin(angles), radii * np.cos(angles), strict=True))


def _heart() -> np.ndarray:
    x, y = 1.15 * U, 1.15 * V + 0.12
    return (x**2 + y**2 - 0.7) ** 3 - 1.6 * x**2 * y**3 < 0.0


def _bolt() -> np.ndarray:
    return _polygon(
        (0.25, 0.98), (-0.55, -0.05), (-0.05, -0.05), (-0.30, -0.98), (0.55, 0.22), (0.05, 0.22), (0.55, 0.98)
    )


def _arrow() -> np.ndarray:
    return _polygon(
        (0.0, 0.98), (0.9, 0.1), (0.38, 0.1), (0.38, -0.95), (-0.38, -0.95), (-0.38, 0.1), (-0.9, 0.1)
    )


def _text() -> np.ndarray:
    """Six lines of words, some of them in the second ink."""
    rng, made = np.random.default_rng(6), np.zeros(U.shape, dtype=np.uint8)
    for line in range(6):
        left, high = -0.95, 0.92 - 0.32 * line
        while left < 0.7:
            right = left + rng.uniform(0.25, 0.7)
            made[_box(left, min(right, 0.95), high - 0.2, high)] = 1 + (line == 0)
            left = right + 0.14
    return made


def _animal() -> np.ndarray:
    """Something on four legs, with ears and a tail."""
    body = (
        _ellipse(-0.05, -0.05, 0.6, 0.3) | _ellipse(0.58, 0.38, 0.27, 0.24) | _ellipse(0.42, 0.16, 0.2, 0.3)
    )
    legs = (
        _box(-0.58, -0.40, -0.9, 0)
        | _box(-0.28, -0.12, -0.9, 0)
        | _box(0.12, 0.28, -0.9, 0)
        | _box(0.38, 0.54, -0.9, 0)
    )
    ears = _polygon((0.40, 0.5), (0.45, 0.9), (0.60, 0.55)) | _polygon((0.62, 0.55), (0.75, 0.9), (0.82, 0.5))
    return body | legs | ears | _ellipse(-0.75, 0.25, 0.12, 0.42, 0.5)


def _skull() -> np.ndarray:
    """A head of bone with dark holes and teeth."""
    bone = _ellipse(0, 0.25, 0.75, 0.68) | _box(-0.42, 0.42, -0.85, 0.0)
    holes = _ellipse(-0.33, 0.12, 0.2, 0.23) | _ellipse(0.33, 0.12, 0.2, 0.23)
    teeth = (np.abs(np.abs(U) - 0.14) < 0.05) & (V < -0.5)
    return bone & ~(holes | teeth | _polygon((0, -0.1), (0.13, -0.34), (-0.13, -0.34)))


def _picture() -> np.ndarray:
    """A framed landscape: two hills before a sun."""
    frame = _box(-0.95, 0.95, -0.95, 0.95)
    inside = _box(-0.82, 0.82, -0.82, 0.82)
    hills = (V < 0.5 - 1.3 * np.abs(U + 0.35)) | (V < 0.1 - 1.1 * np.abs(U - 0.45))
    made = _inks(frame & ~inside, inside & _ellipse(0.4, 0.5, 0.22, 0.22))
    made[inside & hills] = 1
    return made


MOTIFS: dict[str, Callable[[], np.ndarray]] = {
    "disc": lambda: _inks(R < 0.95, R < 0.45),
    "ring": lambda: _inks((R < 0.95) & (R > 0.58)),
    "target": lambda: _inks((R < 0.95) & (R % 0.38 > 0.19)),
    "star": lambda: _inks(_star(5, 0.42)),
    "sun": lambda: _inks(_star(12, 0.62), R < 0.42),
    "cross": lambda: _inks((np.minimum(abs(U), abs(V)) < 0.3) & (np.maximum(abs(U), abs(V)) < 0.95)),
    "saltire": lambda: _inks((np.minimum(abs(U + V), abs(U - V)) < 0.34) & (np.maximum(abs(U), abs(V)) < 0.92)),
    "heart": lambda: _inks(_heart()),
    "triangle": lambda: _inks(_polygon((0, 0.95), (0.95, -0.8), (-0.95, -0.8)), _polygon((0, 0.3), (0.4, -0.5), (-0.4, -0.5))),
    "diamond": lambda: _inks(abs(U) + abs(V) < 0.95, abs(U) + abs(V) < 0.45),
    "arrow": lambda: _inks(_arrow()),
    "bolt": lambda: _inks(_bolt()),
    "bars": lambda: _inks((abs(V) < 0.9) & (np.floor((V + 0.9) / 0.36) % 2 == 0) & (U < 0.95 - 0.6 * abs(V))),
    "columns": lambda: _inks((abs(V) < 0.9) & (abs(U) < 0.9) & (np.floor((U + 0.9) / 0.36) % 2 == 0)),
    "chevrons": lambda: _inks((abs(V) < 0.95) & ((V + 0.9 * abs(U)) % 0.62 < 0.32), (V + 0.9 * abs(U) < -0.3) & ((V + 0.9 * abs(U)) % 0.62 < 0.32)),
    "letter A": lambda: _inks(_glyph("A", -0.75, 0.75)),
    "letter R": lambda: _inks(R < 0.98, _glyph("R", -0.42, 0.42, -0.62, 0.62)),
    "number 7": lambda: _inks(_glyph("7", -0.7, 0.7)),
    "number 8": lambda: _inks(_box(-0.8, 0.8, -0.98, 0.98), _glyph("8", -0.55, 0.55, -0.8, 0.8)),
    "number 23": lambda: _inks(_glyph("2", -0.95, -0.07) | _glyph("3", 0.07, 0.95)),
    "text": _text,
    "animal": lambda: _inks(_animal()),
    "flower": lambda: _inks(R < 0.62 + 0.33 * np.cos(5 * ANGLE), R < 0.28),
    "skull": lambda: _inks(_skull()),
    "wave": lambda: _inks(np.floor((V + 0.16 * np.sin(5 * U) + 1.16) / 0.29) % 2 == 0),
    "split": lambda: _inks(U + V > 0.0, (U + V > -0.45) & (U + V < -0.15)),
    "dots": lambda: _inks(np.hypot((U + 1) % 0.5 - 0.25, (V + 1) % 0.5 - 0.25) < 0.17),
    "picture": _picture,
}  # fmt: skip


@lru_cache(maxsize=1)
def atlas() -> np.ndarray:
    """All motifs, (k, SIZE, SIZE) uint8, first row on top: 0 cloth, 1 and 2 the two inks."""
    return np.stack([make() for make in MOTIFS.values()])
