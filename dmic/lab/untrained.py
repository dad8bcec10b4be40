"""Untrained features: a few numbers an image that no network made, for the floor below every score (``dmic.lab.floor``).

They say how far brightness, colour, outline, background or framing alone identify people. Whatever a feature cannot see, because
the person is hidden there, is NaN.

Taught in: notebooks/00_start_here.ipynb (strips), notebooks/01_people_and_cameras.ipynb (all of them)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from dmic.images import ImageTable

__all__ = ["UNTRAINED", "Feature", "Pictures", "measure_features", "standardized"]

CENTRE = 0.28  # of the width: a person's trunk and legs stand there, with little background beside them
BORDER = 6 / 64  # of the width, each side
EDGE = 2 / 64  # of the width: around the person, neither person nor background
BLOCK_PIXELS = 2**22  # pixels that are read at once: about 0.2 GB of working memory
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

Numbers = NDArray[np.float32]


class Pictures(NamedTuple):
    """Some images, as features read them."""

    color: Numbers  # (n, h, w, 3), 0..1
    gray: Numbers  # (n, h, w), 0..1
    mask: Numbers | None  # (n, h, w), 1 where the person is seen, else 0; None: the data set has no masks


def _even_bands(size: int, bands: int) -> Numbers:
    """Weights (bands, size) that sum pixels over equal bands; parts of a pixel count as parts."""
    edges = np.linspace(0, size, bands + 1)
    pixels = np.arange(size)
    low, high = np.maximum(edges[:-1, None], pixels), np.minimum(edges[1:, None], pixels + 1)
    return np.maximum(high - low, 0).astype(np.float32)


def _grid_sums(values: Numbers, rows: int, columns: int) -> Numbers:
    """Sum (n, h, w, c) over the cells of a grid: (n, rows, columns, c)."""
    count, height, width, channels = values.shape
    down = _even_bands(height, rows) @ values.reshape(count, height, -1)  # (n, rows, w * c)
    down = down.reshape(count * rows, width, channels)
    return (_even_bands(width, columns) @ down).reshape(count, rows, columns, channels)


def _grid_means(values: Numbers, rows: int, columns: int) -> Numbers:
    """Shrink (n, h, w, c) or (n, h, w) to a grid of means: (n, rows * columns * c)."""
    cell = values.shape[1] * values.shape[2] / (rows * columns)
    values = values if values.ndim == 4 else values[..., None]
    return _grid_sums(values, rows, columns).reshape(len(values), -1) / cell


def _box_sums(values: Numbers, top: Numbers, bottom: Numbers, bands: int) -> Numbers:
    """Sum one number a row (n, h) over equal bands from each image's ``top`` to its ``bottom``: (n, bands)."""
    total = np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 1)), mode="edge")  # (n, h + 2)
    total[:, 0] = 0
    edges = top[:, None] + (bottom - top)[:, None] * np.linspace(0, 1, bands + 1, dtype=np.float32)
    row = edges.astype(np.int64)
    above, below = (np.take_along_axis(total, at, axis=1) for at in (row, row + 1))
    return np.diff(above + (edges - row) * (below - above), axis=1)


def _ratio(total: Numbers, weight: Numbers) -> Numbers:
    """Weighted means, NaN where nothing has weight."""
    return np.where(weight > 1e-3, total / np.maximum(weight, 1e-3), np.nan)


def _middle(width: int) -> slice:
    """Columns of the centre."""
    side = round(0.5 * (1 - CENTRE) * width)
    return slice(side, max(side + 1, width - side))


def _masks(pictures: Pictures) -> Numbers:
    """The masks (n, h, w) of a feature that needs them."""
    assert pictures.mask is not None, "the caller leaves such features out"
    return pictures.mask


def _boxes(mask: Numbers) -> Numbers:
    """Top, bottom, left and right edge of each mask in pixels, (4, n); an empty mask has the whole image."""
    edges = []
    for axis, size in ((2, mask.shape[1]), (1, mask.shape[2])):
        filled = np.max(mask, axis=axis) > 0  # (n, h), then (n, w)
        edges.append(filled.argmax(axis=1))
        edges.append(size - filled[:, ::-1].argmax(axis=1))
    return np.array(edges, np.float32)


def mean_color(pictures: Pictures) -> Numbers:
    """Mean red, green and blue of the whole image: (n, 3)."""
    return _grid_means(pictures.color, 1, 1)


def mean_color_centre(pictures: Pictures) -> Numbers:
    """Mean red, green and blue of the centre's columns: (n, 3)."""
    return _grid_means(pictures.color[:, :, _middle(pictures.gray.shape[2])], 1, 1)


def strips(pictures: Pictures) -> Numbers:
    """Gray of 16 horizontal strips of the centre's columns: (n, 16)."""
    return _grid_means(pictures.gray[:, :, _middle(pictures.gray.shape[2])], 16, 1)


def whole(pictures: Pictures) -> Numbers:
    """The whole image in gray, 32×16: (n, 512)."""
    return _grid_means(pictures.gray, 32, 16)


def border(pictures: Pictures) -> Numbers:
    """Colours of 16 strips of the border's columns, left and right: (n, 96)."""
    size = max(1, round(BORDER * pictures.gray.shape[2]))
    sides = (pictures.color[:, :, :size], pictures.color[:, :, -size:])
    return np.concatenate([_grid_means(side, 16, 1) for side in sides], axis=1)


def rows(pictures: Pictures) -> Numbers:
    """Gray of 16 rows of the person, under the mask, from the top of its box to the bottom: (n, 16)."""
    mask = _masks(pictures)
    top, bottom, _, _ = _boxes(mask)
    gray, pixels = (values.sum(axis=2) for values in (pictures.gray * mask, mask))  # (n, h)
    return _ratio(_box_sums(gray, top, bottom, 16), _box_sums(pixels, top, bottom, 16))


def silhouette(pictures: Pictures) -> Numbers:
    """The mask, 32×16: (n, 512)."""
    return _grid_means(_masks(pictures), 32, 16)


def widths(pictures: Pictures) -> Numbers:
    """Width of 32 rows of the silhouette, in heights of its box: (n, 32)."""
    mask = _masks(pictures)
    top, bottom, _, _ = _boxes(mask)
    height = (bottom - top)[:, None]
    return _box_sums(mask.sum(axis=2), top, bottom, 32) / (height / 32) / height


def box(pictures: Pictures) -> Numbers:
    """Height and width of the mask's box, share of it that is filled, and its centre: (n, 5)."""
    mask = _masks(pictures)
    top, bottom, left, right = _boxes(mask)
    height, width = bottom - top, right - left
    fill = mask.sum(axis=(1, 2)) / (height * width)
    return np.stack([height, width, fill, (top + bottom) / 2, (left + right) / 2], axis=1)


def background(pictures: Pictures) -> Numbers:
    """Colours outside the mask, 8×4: (n, 96); NaN in cells that the person fills.

    Two pixels around the person, of 64 columns, are left out, too: there blur and JPEG mix both.
    """
    mask = _masks(pictures)
    size = 1 + 2 * round(EDGE * mask.shape[2])
    outside = (1 - maximum_filter(mask, size=(1, size, size)))[..., None]
    total, weight = _grid_sums(pictures.color * outside, 8, 4), _grid_sums(outside, 8, 4)
    return _ratio(total, weight).reshape(len(total), -1)


class Feature(NamedTuple):
    """An untrained feature."""

    label: str  # as tables and figures show it
    of: Callable[[Pictures], Numbers]  # n images -> (n, d)
    needs_mask: bool = False


UNTRAINED = {
    "mean_color": Feature("mean colour, whole image", mean_color),
    "mean_color_centre": Feature("mean colour, centre", mean_color_centre),
    "background": Feature("background only, 8×4 (mask)", background, True),
    "border": Feature("border columns only", border),
    "box": Feature("box only: height, width, fill, centre (mask)", box, True),
    "silhouette": Feature("silhouette, 32×16 (mask)", silhouette, True),
    "widths": Feature("silhouette, width of 32 rows (mask)", widths, True),
    "whole": Feature("whole image in gray, 32×16", whole),
    "strips": Feature("gray of 16 strips of the centre", strips),
    "rows": Feature("gray of 16 rows of the person (mask)", rows, True),
}
"""Untrained features by name, in the order of tables."""


def _blocks(table: ImageTable) -> Iterator[Pictures]:
    """All images of a table, some at a time."""
    height, width = table.size
    size = max(1, BLOCK_PIXELS // (height * width))
    for start in range(0, len(table), size):
        part = slice(start, start + size)
        color = table.images[part].astype(np.float32) / np.float32(255)
        mask = None if table.masks is None else table.masks[part].astype(np.float32)
        yield Pictures(color, np.asarray(color @ _LUMA, np.float32), mask)


def measure_features(table: ImageTable) -> dict[str, Numbers]:
    """Measure every untrained feature of all images: name -> (n, d) float32, without those that need masks where there are none."""
    chosen = {name: f for name, f in UNTRAINED.items() if table.masks is not None or not f.needs_mask}
    parts: dict[str, list[Numbers]] = {name: [] for name in chosen}
    for pictures in _blocks(table):
        for name, feature in chosen.items():
            parts[name].append(feature.of(pictures).astype(np.float32))
    return {name: np.concatenate(found) for name, found in parts.items()}


def standardized(features: Numbers, groups: NDArray[np.int64]) -> Numbers:
    """Standardise each column within each group; what is NaN becomes its group's mean, 0.

    Parameters
    ----------
    features : (n, d) float
    groups : (n,) int
        The camera of each image, say: no identity is needed.

    Returns
    -------
    (n, d) float32
        A column that is constant within a group is 0 there.
    """
    out = np.zeros(features.shape, np.float32)
    for group in np.unique(groups):
        own = features[groups == group].astype(np.float64)
        known = np.isfinite(own)
        count = np.maximum(known.sum(axis=0), 1)
        centred = np.where(known, own - np.where(known, own, 0).sum(axis=0) / count, 0)
        spread = np.sqrt((centred**2).sum(axis=0) / count)
        out[groups == group] = np.where(spread > 1e-6, centred / np.maximum(spread, 1e-6), 0)
    return out
