"""Layers of a picture: linear light times cover, and cover, laid over each other from the far to the near."""

from __future__ import annotations

import numpy as np

from ..compiled import compiled
from ..place.cameras import BLOCK, Frame
from ..place.obstacles import Layer
from .boxes import Box

AROUND = 2  # pixels kept around a box: lens blur and noise reach into it
Window = tuple[int, int, int, int]  # top, left, height, width in the frame, pixels


def window_around(box: Box, frame: Frame) -> Window:
    """Part of the frame around a box, made of whole JPEG blocks: they lie on the frame, wherever the box begins."""
    top, left = (max(0, int((edge - AROUND) // BLOCK) * BLOCK) for edge in box[:2])
    bottom, right = (int(-(-(edge + AROUND) // BLOCK)) * BLOCK for edge in box[2:])
    return top, left, min(bottom, frame.height) - top, min(right, frame.width) - left


def in_window(layer: Layer, corner: tuple[int, int], window: Window) -> Layer:
    """A layer that begins at ``corner`` of the frame, cut and filled up to a window."""
    top, left, height, width = window
    color = np.zeros((height, width, layer.color.shape[2]), np.float32)
    cover = np.zeros((height, width), np.float32)
    rows, columns = corner[0] - top, corner[1] - left
    first = (max(0, -rows), max(0, -columns))
    last = (min(layer.cover.shape[0], height - rows), min(layer.cover.shape[1], width - columns))
    if last[0] > first[0] and last[1] > first[1]:
        source = (slice(first[0], last[0]), slice(first[1], last[1]))
        target = (slice(first[0] + rows, last[0] + rows), slice(first[1] + columns, last[1] + columns))
        color[target], cover[target] = layer.color[source], layer.cover[source]
    return Layer(color, cover)


@compiled
def lay_over(light, color, cover):
    """Lay a layer (color, cover) over linear light (h, w, c), in place (Porter and Duff's *over*)."""
    height, width, channels = light.shape
    for row in range(height):
        for column in range(width):
            through = np.float32(1.0) - cover[row, column]
            for k in range(channels):
                light[row, column, k] = color[row, column, k] + through * light[row, column, k]
