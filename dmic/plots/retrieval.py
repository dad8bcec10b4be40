"""Figures about retrieval across cameras: the course map, cameras, how similar images are. Scores are in `scores`.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle
from numpy.typing import ArrayLike

from dmic.images import INTRA_STREAMS, ImageTable
from dmic.plots.style import COLORS, FILLS, GREYS, MARKERS, PAIRS, new_axes

__all__ = [
    "plot_brightness",
    "plot_cosines",
    "plot_counts",
    "plot_course_map",
    "plot_kinds",
]

_SPLIT_HATCHES = {"train": "", "gallery": "//", "query": "xx"}
_STREAM_HATCHES = {"visible": "", "infrared": "//", "joint": "xx"}
_STEPS = (  # the loop of one epoch: text, notebook, place (x, y)
    ("images of people", "01", (0, 1)),
    ("network", "02", (1, 1)),
    ("who is whose\nneighbour?", "03", (2, 1)),
    ("balance cameras\nand modalities", "04 MIE", (3, 1)),
    ("clusters =\npseudo labels", "05 DNC", (3, 0)),
    ("memories\nand losses", "06 HMCL", (2, 0)),
    ("a better\nnetwork", "07", (1, 0)),
)


def plot_course_map(ax: Axes | None = None) -> Axes:
    """Draw the method as the loop it is, each step with the notebook that takes it apart.

    Taught in: notebooks/00_start_here.ipynb
    """
    ax = new_axes(ax, (8.4, 3.0))
    ax.set(xlim=(-0.5, 3.5), ylim=(-0.45, 1.45))
    ax.set_axis_off()
    for text, number, (x, y) in _STEPS:
        box: dict[str, Any] = {"boxstyle": "round,pad=0.02", "facecolor": FILLS["box"]}
        box["edgecolor"] = COLORS["visible"]
        ax.add_patch(FancyBboxPatch((x - 0.36, y - 0.26), 0.72, 0.52, **box))
        ax.text(x, y + 0.05, text, ha="center", va="center")
        ax.text(x, y - 0.19, number, ha="center", va="center", fontsize="small", color=COLORS["visible"])
    places = [place for _, _, place in _STEPS]
    for (x0, y0), (x1, y1) in zip(places, [*places[1:], places[1]], strict=True):
        across, up = np.sign(x1 - x0), np.sign(y1 - y0)
        start, end = (x0 + 0.39 * across, y0 + 0.29 * up), (x1 - 0.39 * across, y1 - 0.29 * up)
        arrow = {"arrowstyle": "-|>", "color": GREYS["strong"], "linewidth": 1.4}
        ax.annotate("", end, start, arrowprops=arrow)
    look: dict[str, Any] = {"ha": "center", "va": "center", "style": "italic", "color": GREYS["strong"]}
    ax.text(0, 0, "once an epoch,\nround and round\n(08, 09)", **look)
    return ax


def plot_kinds(
    kinds: Mapping[str, Mapping[str, float]], ax: Axes | None = None, *, chance: float | None = None
) -> Axes:
    """Draw Rank-1 for each kind of camera pair as bars.

    Parameters
    ----------
    kinds
        Kind of camera pair -> `rank1` in percent. A kind whose name holds → is drawn as the joint stream.
    ax
        Axes to draw on; a new figure if None.
    chance
        Rank-1 of guessing in percent, a dotted line.

    Returns
    -------
    Axes
        Blue within the visible cameras, vermilion within the infrared, green across.

    Taught in: notebooks/00_start_here.ipynb
    """
    ax = new_axes(ax, (7.2, 3.0))
    names = list(kinds)
    values = [float(kinds[name]["rank1"]) for name in names]
    streams = ["joint" if "→" in n else "infrared" if "infrared" in n else "visible" for n in names]
    bars = ax.barh(names, values, color=[COLORS[stream] for stream in streams])
    for bar, stream in zip(bars, streams, strict=True):
        bar.set_hatch(_STREAM_HATCHES[stream])
        bar.set_edgecolor("white")
    ax.bar_label(bars, fmt="%.0f", padding=3, fontsize="small")
    if chance is not None:
        ax.axvline(chance, color="black", linestyle=":", label=f"guessing: about {chance:.1f} %")
        ax.legend(loc="upper right", bbox_to_anchor=(1, 1.17))
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="Rank-1 (%): the nearest gallery image is a true match")
    return ax


def plot_counts(table: ImageTable, ax: Axes | None = None) -> Axes:
    """Draw the number of images of each camera, by split; the number of its people stands above.

    Parameters
    ----------
    table
        A whole data set.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    ax = new_axes(ax, (7.0, 3.2))
    cameras = np.unique(table.cameras)
    streams = [INTRA_STREAMS[int(table.modalities[table.cameras == c].max())] for c in cameras]
    look: dict[str, Any] = {"color": [COLORS[stream] for stream in streams], "edgecolor": "white"}
    bottom = np.zeros(len(cameras))
    for split, hatch in _SPLIT_HATCHES.items():
        heights = np.array([((table.cameras == c) & (table.splits == split)).sum() for c in cameras])
        ax.bar(np.arange(len(cameras)), heights, 0.7, bottom=bottom, hatch=hatch, label=split, **look)
        bottom += heights
    for place, camera in enumerate(cameras):
        people = len(np.unique(table.identities[table.cameras == camera]))
        above: dict[str, Any] = {"xytext": (0, 3), "textcoords": "offset points"}
        above |= {"ha": "center", "fontsize": "small"}
        ax.annotate(f"{people} people", (place, bottom[place]), **above)
    names = [f"{camera}\n{stream}" for camera, stream in zip(cameras, streams, strict=True)]
    ax.set_xticks(range(len(cameras)), names)
    ax.set(xlabel="camera", ylabel="images", ylim=(0, 1.12 * bottom.max()))
    look = {"facecolor": GREYS["text"], "edgecolor": "white"}
    handles = [Rectangle((0, 0), 1, 1, hatch=hatch, **look) for hatch in _SPLIT_HATCHES.values()]
    ax.legend(handles, list(_SPLIT_HATCHES), loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def plot_brightness(
    brightness: Mapping[str, ArrayLike], ax: Axes | None = None, *, stream: str = "visible"
) -> Axes:
    """Draw how bright each person's clothes are in two cameras, a point per person, with the correlation.

    Parameters
    ----------
    brightness
        Two entries, camera name -> (people,) brightness 0 … 1, the same people in the same order.
    ax
        Axes to draw on; a new figure if None.
    stream
        `visible`, `infrared` or `joint`: colour and mark.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    ax = new_axes(ax, (3.8, 3.6))
    (across, x), (up, y) = ((name, np.asarray(values, float)) for name, values in brightness.items())
    ax.plot([0, 1], [0, 1], color=COLORS["noise"], linestyle="--", linewidth=1, zorder=0)
    ax.scatter(x, y, 16, color=COLORS[stream], marker=MARKERS[stream], alpha=0.75)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel=f"{across}, brightness")
    ax.set(ylabel=f"{up}, brightness", title=f"correlation {np.corrcoef(x, y)[0, 1]:.2f}")
    return ax


def plot_cosines(
    same: ArrayLike, other: ArrayLike, ax: Axes | None = None, *, title: str = "", bins: int = 60
) -> Axes:
    """Draw the cosines of pairs of images: of one person (green, filled) and of two people (grey, outline).

    Parameters
    ----------
    same, other
        (pairs,) cosines, −1 … 1.
    ax
        Axes to draw on; a new figure if None.
    title
        Which pairs.
    bins
        Number of bins between −0.1 and 1.

    Returns
    -------
    Axes
        Both areas are 1; dashed lines are the means.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    ax = new_axes(ax, (6.4, 2.0))
    edges = np.linspace(-0.1, 1.0, bins + 1)
    looks: tuple[tuple[ArrayLike, str, str, dict[str, Any]], ...] = (
        (same, "one person", PAIRS["one person"], {"histtype": "stepfilled", "alpha": 0.55}),
        (other, "two people", GREYS["strong"], {"histtype": "step", "linewidth": 1.6}),
    )
    for values, label, color, look in looks:
        pairs = np.asarray(values, float)
        ax.hist(pairs, edges.tolist(), density=True, color=color, label=label, **look)
        ax.axvline(pairs.mean(), color=color, linestyle="--", linewidth=1.2)
    ax.set(title=title, xlim=(-0.1, 1.0), yticks=[], ylabel="share of pairs")
    return ax
