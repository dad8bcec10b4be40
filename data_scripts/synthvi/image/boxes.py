"""The box that a person detector cuts out of a frame: around what is seen of the person, never quite right, resized at last."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from ..captures import Capture
from ..place.cameras import Frame

MARGIN = 0.09  # share of a loose box's height above and below the person together
TOUCHING = 0.02  # share of the person's height left on every side of a tight box
LEAST = 8.0  # pixels: no box is smaller


class Box(NamedTuple):
    """Edges in pixels of the frame; the first pixel reaches from 0 to 1."""

    top: float
    left: float
    bottom: float
    right: float

    @property
    def area(self) -> float:
        """Square pixels, 0 for an empty box."""
        return max(0.0, self.bottom - self.top) * max(0.0, self.right - self.left)

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        common = Box(*np.maximum(self[:2], other[:2]), *np.minimum(self[2:], other[2:])).area
        return common / (self.area + other.area - common)


def extent(shown: np.ndarray, corner: tuple[int, int], samples: int) -> Box:
    """Smallest box around the samples (ss h, ss w) that are not 0; ``corner`` is the first pixel's row and column in the frame."""
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    top, bottom = corner[0] + rows[[0, -1]] / samples + (0.0, 1.0 / samples)
    left, right = corner[1] + columns[[0, -1]] / samples + (0.0, 1.0 / samples)
    return Box(float(top), float(left), float(bottom), float(right))


def detected(person: Box, capture: Capture, shape: float, frame: Frame) -> Box:
    """The box around a person whom the box ``person`` touches.

    Between a loose one of the saved image's ``shape`` (width / height) and a tight one, as ``capture.tight`` says; then what a
    detector loses is cut off, the box is shifted and scaled, and ends where the frame ends.
    """
    person = _without(person, capture.cut, capture.cut_share)
    high, middle = person.bottom - person.top, 0.5 * (person.left + person.right)
    wide = shape * high / (1.0 - MARGIN)
    loose = np.array(
        [
            person.top - 0.5 * MARGIN * high,
            middle - 0.5 * wide,
            person.bottom + 0.5 * MARGIN * high,
            middle + 0.5 * wide,
        ]
    )
    tight = np.array(person) + TOUCHING * high * np.array([-1.0, -1.0, 1.0, 1.0])
    edges = loose + capture.tight * (tight - loose)
    side = {"head": 0, "left": 1, "feet": 2, "right": 3}.get(capture.cut)
    if side is not None:  # no margin where something is cut off
        edges[side] = person[side]
    center = 0.5 * (edges[:2] + edges[2:]) + np.array(capture.box_shift) * (edges[2] - edges[0])
    half = 0.5 * np.maximum(capture.box_scale * (edges[2:] - edges[:2]), LEAST)
    limits = np.array([frame.height, frame.width])
    low, high_edges = np.clip(center - half, 0.0, limits - LEAST), np.clip(center + half, LEAST, limits)
    return Box(*low.tolist(), *high_edges.tolist())


def _without(person: Box, cut: str, share: float) -> Box:
    """What is left of a person without ``share`` of the height (feet, head) or of the width (left, right)."""
    high, wide = share * (person.bottom - person.top), share * (person.right - person.left)
    return {
        "feet": person._replace(bottom=person.bottom - high),
        "head": person._replace(top=person.top + high),
        "left": person._replace(left=person.left + wide),
        "right": person._replace(right=person.right - wide),
    }.get(cut, person)


def cut_out(picture: np.ndarray, box: Box, corner: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Cut a box out of a window that begins at ``corner`` of the frame and resize it to ``size`` (height, width).

    ``picture`` is (h, w) or (h, w, c) uint8 with c 1 or 3; bilinear, with the mean of all pixels that a smaller one covers.
    """
    flat = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    edges = (box.left - corner[1], box.top - corner[0], box.right - corner[1], box.bottom - corner[0])
    resized = np.asarray(Image.fromarray(flat).resize(size[::-1], Image.Resampling.BILINEAR, box=edges))
    return resized.reshape(*size, *picture.shape[2:])


def share_inside(shown: np.ndarray, corner: tuple[int, int], samples: int, box: Box) -> float:
    """Share of the samples (ss h, ss w) that are not 0 which lie in a box."""
    rows, columns = (
        samples * (np.array(edges) - first)
        for edges, first in zip((box[::2], box[1::2]), corner, strict=True)
    )
    (top, bottom), (left, right) = (np.maximum(np.rint(edges), 0).astype(int) for edges in (rows, columns))
    return float(np.count_nonzero(shown[top:bottom, left:right]) / np.count_nonzero(shown))
