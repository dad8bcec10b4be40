"""The look of every figure, in one place: colours, markers, font sizes, and the helpers that all drawing modules share.

Visible is blue with circles, infrared vermilion with triangles, both together green with squares, noise grey with
crosses: colours that colour-blind readers tell apart, and marks for print. A colour or a font size that a figure needs
is named here, by what it is for; the other modules of this drawer hold none.

Taught in: notebooks/09_full_training.ipynb
"""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from dmic.images import INTRA_STREAMS, Modality

__all__ = ["COLORS", "MARKERS", "STAGES", "set_style"]

COLORS = {"visible": "#0072B2", "infrared": "#D55E00", "joint": "#009E73", "noise": "#999999"}
"""Colour of each stream, and of noise: outliers, chance, whatever is not the point."""

MARKERS = {"visible": "o", "infrared": "^", "joint": "s", "noise": "x"}
"""Mark of each stream, and of noise."""

ACCENTS = {  # for things that are no stream; colour-blind safe beside COLORS
    "green": COLORS["joint"],
    "sky": "#56B4E9",
    "orange": "#E69F00",
    "pink": "#CC79A7",
    "wine": "#882255",
    "indigo": "#332288",
}
STAGES = {"ImageNet start": COLORS["noise"], "phase 1": ACCENTS["sky"], "DMIC": COLORS["visible"]}
"""Colour of each stage of a run."""

TRUE_MATCH, FALSE_MATCH = "#007A33", "#D00000"  # a gallery image of the query's person, and of another
PAIRS = {"one person": COLORS["joint"], "two people": COLORS["noise"]}  # pairs of images

GREYS = {
    "strong": "#444444",  # lines and marks of neutral meaning
    "text": "#666666",  # notes, and the lines that they explain
    "line": "#BBBBBB",  # links and frames in the background
    "guide": "#D9D9D9",  # helper lines and cells
    "fill": "#EEEEEE",  # empty cells
}
FILLS = {"box": "#EAF2F8", "true match": "#BFE3CC", "false match": GREYS["fill"], "empty": GREYS["fill"]}

COLORMAPS = {  # what the colours mean -> matplotlib's name
    "score": "cividis",
    "splitting": "cividis_r",  # less is better
    "weight": "Blues",
    "distance": "Blues_r",
    "matrix": "viridis",
    "gradient": "inferno",
    "picture": "gray",
}
# in points, for texts inside images, bars and cells; all others follow the scale of `set_style`
FONT_SIZES = {"cell": 6.5, "caption": 7, "value": 8, "badge": 9}
SPARE_MARKERS = "osD^v"  # for things that have no mark of their own
STAGE_MARKERS = "x^osDv"  # in the order of the stages
LINE_STYLES: tuple[Any, ...] = ("-", ":", "--", "-.", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))

TRUE_NUMBER: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 1.2, "zorder": 0}
BORDER: dict[str, Any] = {"color": GREYS["text"], "linewidth": 1, "linestyle": (0, (1, 2)), "zorder": 0}


def set_style() -> None:
    """Set the course's figure style for all figures that follow."""
    sns.set_theme(context="notebook", style="ticks", font_scale=0.9, palette="colorblind")
    plt.rcParams.update(
        {
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titlesize": "medium",
            "legend.frameon": False,
            "lines.markersize": 5,
        }
    )


def palette(count: int | None = None) -> list[str]:
    """Return ``count`` colours, by default all ten, for things that have no colour of their own."""
    return list(sns.color_palette("colorblind", count).as_hex())


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return ``ax``, or the Axes of a new figure of ``size`` (width, height) inches."""
    return plt.subplots(figsize=size)[1] if ax is None else ax


def new_panels(axes: Any, grid: tuple[int, int], size: tuple[float, float], **sharing: Any) -> list[Axes]:
    """Return the given Axes row by row, or those of a new figure.

    Parameters
    ----------
    axes
        Any nesting of Axes; None makes a new figure.
    grid
        Its rows and columns.
    size
        Its width and height in inches.
    sharing
        ``sharex`` and ``sharey`` of `matplotlib.pyplot.subplots`.
    """
    if axes is None:
        axes = plt.subplots(*grid, figsize=size, squeeze=False, **sharing)[1]
    return list(np.ravel(axes))


def new_canvas(ax: Axes | None, total: tuple[float, float], *, inches: float, above: float = 0.5) -> Axes:
    """Return empty Axes for images, in pixels with y downwards.

    Parameters
    ----------
    ax
        Axes to prepare; a new figure if None.
    total
        Width and height in pixels.
    inches, above
        Width of the new figure, and the height that it has beyond the images for titles.
    """
    ax = new_axes(ax, (inches, inches * total[1] / total[0] + above))
    ax.set(xlim=(0, total[0]), ylim=(total[1], 0), aspect="equal")
    ax.set_axis_off()
    return ax


def show_image(ax: Axes, image: ArrayLike, corner: tuple[float, float], size: tuple[float, float]) -> None:
    """Draw an image of ``size`` (width, height) at its upper left ``corner`` (x, y), the limits kept."""
    x, y = corner
    limits = (ax.get_xlim(), ax.get_ylim())  # imshow would change them
    ax.imshow(np.asarray(image), extent=(x, x + size[0], y + size[1], y))
    ax.set(xlim=limits[0], ylim=limits[1])


def frame_image(
    ax: Axes,
    corner: tuple[float, float],
    size: tuple[float, float],
    color: str,
    badge: str,
    *,
    linewidth: float = 2.4,
) -> None:
    """Frame an image, placed as in `show_image`, and write a letter or mark on a badge in its upper right corner."""
    frame = Rectangle(corner, *size, fill=False, edgecolor=color, linewidth=linewidth, clip_on=False)
    ax.add_patch(frame)
    box = {"boxstyle": "round,pad=0.12", "facecolor": color, "edgecolor": "none"}
    place: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": FONT_SIZES["badge"]}
    at = (corner[0] + 0.83 * size[0], corner[1] + 0.1 * size[1])
    ax.text(*at, badge, color="white", weight="bold", bbox=box, **place)


def draw_camera_pairs(
    ax: Axes, values: ArrayLike, cameras: ArrayLike, modalities: ArrayLike, *, label: str, **style: Any
) -> None:
    """Draw a (cameras, cameras) matrix as a heat map, visible cameras first; white lines part the modalities.

    Parameters
    ----------
    ax
        Axes to draw on.
    values : (c, c)
        NaN stays white.
    cameras, modalities : (c,) int
        Number and `Modality` of the camera of each row and column.
    label
        Of the colour bar.
    style
        Of `seaborn.heatmap`: limits, colour map, number format.
    """
    numbers, codes = np.asarray(cameras), np.asarray(modalities)
    order = np.lexsort((numbers, codes))
    names = [f"{numbers[i]} {INTRA_STREAMS[codes[i]][:3]}" for i in order]
    ticks = {"xticklabels": names, "yticklabels": names}
    shown = np.asarray(values)[np.ix_(order, order)]
    sns.heatmap(shown, ax=ax, annot=True, square=True, cbar_kws={"label": label}, **ticks, **style)
    border = int((codes == Modality.VISIBLE).sum())
    ax.axhline(border, color="white", linewidth=3)
    ax.axvline(border, color="white", linewidth=3)
    ax.tick_params(axis="y", rotation=0)
