"""The box that a person detector cuts out of a frame: around a whole person, never quite right, resized at last."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from ..captures import Capture
from ..compiled import compiled
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
    ends = zip(_ends(shown), (*corner, *corner), strict=True)
    return Box(*(first + end / samples for end, first in ends))


@compiled
def _ends(shown):
    """First row and column, and last ones + 1, of what is not 0 in ``shown`` (h, w)."""
    top, left, bottom, right = shown.shape[0], shown.shape[1], 0, 0
    for row in range(shown.shape[0]):
        for column in range(shown.shape[1]):
            if shown[row, column]:
                top, bottom = min(top, row), row + 1
                left, right = min(left, column), max(right, column + 1)
    return top, left, bottom, right


def detected(person: Box, capture: Capture, shape: float, frame: Frame) -> Box:
    """The box around a person whom the box ``person`` touches.

    Between a loose one of the saved image's ``shape`` (width / height) and a tight one, as ``capture.tight`` says; then what a
    detector loses is cut off, the box is shifted and scaled, and ends where the frame ends.
    """
    person = _without(person, capture.cut, capture.cut_share)
    high, middle = person.bottom - person.top, 0.5 * (person.left + person.right)
    wide = shape * high / (1.0 - MARGIN)
    above, room = 0.5 * MARGIN * high, TOUCHING * high
    loose = (person.top - above, middle - 0.5 * wide, person.bottom + above, middle + 0.5 * wide)
    tight = (person.top - room, person.left - room, person.bottom + room, person.right + room)
    edges = [a + capture.tight * (b - a) for a, b in zip(loose, tight, strict=True)]
    side = {"head": 0, "left": 1, "feet": 2, "right": 3}.get(capture.cut)
    if side is not None:  # no margin where something is cut off
        edges[side] = person[side]
    ends = []
    for axis, limit in enumerate((frame.height, frame.width)):
        low, end = edges[axis], edges[axis + 2]
        center = 0.5 * (low + end) + capture.box_shift[axis] * (edges[2] - edges[0])
        half = 0.5 * max(capture.box_scale * (end - low), LEAST)
        ends.append(
            (min(max(center - half, 0.0), limit - LEAST), min(max(center + half, LEAST), float(limit)))
        )
    (top, bottom), (left, right) = ends
    return Box(top, left, bottom, right)


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
    ends = zip(box, (*corner, *corner), strict=True)
    top, left, bottom, right = (max(0, round(samples * (edge - first))) for edge, first in ends)
    return float(np.count_nonzero(shown[top:bottom, left:right]) / np.count_nonzero(shown))
