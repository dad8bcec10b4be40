"""Figures of notebook 03: twelve points on a circle, their neighbour sets and matrices, and pairs of images.

Taught in: notebooks/03_distance_encoding.ipynb
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from dmic.plots.style import (
    ACCENTS,
    COLORMAPS,
    COLORS,
    FONT_SIZES,
    GREYS,
    SPARE_MARKERS,
    new_axes,
    new_panels,
    palette,
)

__all__ = [
    "KIND_STYLES",
    "PEOPLE",
    "plot_points_on_circle",
    "plot_matrix",
    "plot_precision_recall",
    "plot_reach",
    "plot_sets",
    "plot_stored",
]

PEOPLE = {"A": (ACCENTS["wine"], "o"), "B": (ACCENTS["indigo"], "s"), "?": (COLORS["noise"], "X")}
"""Colour and mark of each made-up person; "?" belongs to nobody."""

KIND_STYLES = {
    "same camera": (ACCENTS["sky"], "o"),
    "other camera": (COLORS["visible"], "s"),
    "other modality": (COLORS["infrared"], "^"),
}
"""Colour and mark of each kind of pair of images."""

_LINKS = {  # colour, line style, width
    "mutual": (ACCENTS["green"], "-", 2.4),
    "one-sided": (COLORS["noise"], ":", 1.6),
    "added": (ACCENTS["orange"], "--", 2.0),
}
_STEPS = ((1, GREYS["guide"], "·"), (2, ACCENTS["green"], "●"), (3, ACCENTS["orange"], "+"))


def plot_points_on_circle(
    degrees: ArrayLike,
    people: Sequence[str],
    ax: Axes | None = None,
    *,
    focus: int | None = None,
    listed: Collection[int] = (),
    mutual: Collection[int] = (),
    added: Collection[int] = (),
) -> Axes:
    """Draw numbered points on the unit circle, and from one of them lines to its neighbours.

    Parameters
    ----------
    degrees
        (n,) angle of each point, anticlockwise from the right.
    people
        (n,) keys of `PEOPLE`.
    ax
        Axes to draw on; a new figure if None.
    focus
        The point that the lines start from; None draws no line.
    listed, mutual, added
        Points in its neighbour list, those of them that list it too, and those that expansion brings in.

    Taught in: notebooks/03_distance_encoding.ipynb
    """
    ax = new_axes(ax, (4.6, 4.2))
    angles = np.deg2rad(np.asarray(degrees, dtype=float))
    x, y = np.cos(angles), np.sin(angles)
    ax.plot(*_arc(), color=GREYS["guide"], linewidth=1, zorder=0)
    kinds: dict[str, set[int]] = {
        "one-sided": set(listed) - set(mutual) - set(added),
        "mutual": set(mutual),
        "added": set(added),
    }
    for kind, members in kinds.items() if focus is not None else ():
        color, style, width = _LINKS[kind]
        for count, j in enumerate(sorted(members - {focus})):
            look: dict[str, Any] = {"color": color, "linestyle": style, "linewidth": width, "zorder": 1}
            ax.plot([x[focus], x[j]], [y[focus], y[j]], label=None if count else kind, **look)
    for name in dict.fromkeys(people):
        mine = np.flatnonzero(np.array(people) == name)
        color, marker = PEOPLE[name]
        label = f"person {name}" if name != "?" else "nobody"
        ax.scatter(x[mine], y[mine], 70, color=color, marker=marker, label=label, zorder=2)
    for number, (a, b) in enumerate(zip(x, y, strict=True)):
        weight = "bold" if number == focus else "normal"
        ax.text(1.16 * a, 1.16 * b, str(number), ha="center", va="center", weight=weight)
    ax.legend(loc="center", fontsize="x-small")
    ax.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal")
    ax.set_axis_off()
    return ax


def plot_sets(
    listed: Sequence[Collection[int]],
    mutual: Sequence[Collection[int]],
    expanded: Sequence[Collection[int]],
    ax: Axes | None = None,
) -> Axes:
    """Draw which points each set holds: in the list only (·), mutual (●), or added by expansion (+).

    Parameters
    ----------
    listed, mutual, expanded
        For each of n points: its neighbour list, R(i, k1), and the expanded set.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/03_distance_encoding.ipynb
    """
    n = len(listed)
    ax = new_axes(ax, (4.6, 4.4))
    grid = np.zeros((n, n))
    for value, sets in ((1, listed), (3, expanded), (2, mutual)):
        for i, members in enumerate(sets):
            grid[i, sorted(members)] = value
    ax.imshow(grid, cmap=ListedColormap(["white", *(color for _, color, _ in _STEPS)]), vmin=0, vmax=3)
    for value, _, mark in _STEPS:
        for i, j in zip(*np.nonzero(grid == value), strict=True):
            ax.text(j, i, mark, ha="center", va="center", color="black" if value != 2 else "white")
    ax.set(xticks=range(n), yticks=range(n), xlabel="point j", ylabel="set of point i")
    ax.tick_params(length=0)
    names = ("· listed, not returned", "● mutual", "+ added by expansion")
    handles = [Line2D([], [], color=color, marker="s", markersize=9, linestyle="") for _, color, _ in _STEPS]
    ax.legend(handles, names, loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=2, fontsize="x-small")
    return ax


def plot_matrix(matrix: ArrayLike, ax: Axes | None = None, *, title: str = "", empty: float = 0.0) -> Axes:
    """Draw a small matrix with its numbers; entries equal to `empty` stay blank: they need not be stored.

    Parameters
    ----------
    matrix
        (n, n) float.
    ax
        Axes to draw on; a new figure if None.
    title
        Written above.
    empty
        The value that is left out: 0 for encodings, 1 for Jaccard distances.

    Taught in: notebooks/03_distance_encoding.ipynb
    """
    ax = new_axes(ax, (5.4, 4.6))
    values = np.asarray(matrix, dtype=float)
    style = {
        "annot": True,
        "fmt": ".2f",
        "annot_kws": {"size": FONT_SIZES["cell"]},
        "square": True,
        "cbar": False,
    }
    sns.heatmap(
        values,
        ax=ax,
        cmap=COLORMAPS["matrix"],
        mask=np.isclose(values, empty),
        robust=True,
        linewidths=0.5,
        **style,
    )
    ax.set(title=title, xlabel="point j", ylabel="point i")
    ax.tick_params(length=0, rotation=0)
    return ax


def plot_stored(images: ArrayLike, stored: Mapping[str, ArrayLike], ax: Axes | None = None) -> Axes:
    """Draw how many numbers are stored against the number of images, beside n² of a dense matrix (log-log).

    Parameters
    ----------
    images
        (m,) numbers of images n.
    stored
        Name -> (m,) stored entries.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/03_distance_encoding.ipynb
    """
    ax = new_axes(ax, (5.6, 3.6))
    n = np.asarray(images, dtype=float)
    ax.plot(n, n**2, color="black", linestyle="--", label="dense: n²")
    for (name, count), marker, color in zip(stored.items(), SPARE_MARKERS, palette(), strict=False):
        ax.plot(n, np.asarray(count), marker=marker, color=color, label=name)
    ax.set(xscale="log", yscale="log", xlabel="images n", ylabel="stored numbers")
    ax.set_xticks(n, [f"{value:,.0f}" for value in n])
    ax.minorticks_off()
    ax.legend()
    return ax


def plot_precision_recall(
    curves: Mapping[str, Mapping[str, tuple[ArrayLike, ArrayLike]]], axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw, per kind of pair, precision against recall of the pairs of images of one person, nearest pairs first.

    Parameters
    ----------
    curves
        Kind of pair -> name of the distance -> (precision, recall), each (m,), as scikit-learn returns them.
    axes
        One per kind; a new figure if None.

    Taught in: notebooks/03_distance_encoding.ipynb
    """
    axes = new_panels(axes, (1, len(curves)), (3.4 * len(curves), 3.2), sharey=True)
    looks = ((COLORS["noise"], "--"), (ACCENTS["green"], "-"))
    for ax, (kind, lines) in zip(axes, curves.items(), strict=True):
        for (name, (precision, recall)), (color, style) in zip(lines.items(), looks, strict=False):
            points = len(np.asarray(recall))
            kept = np.unique(np.r_[0 : points : max(1, points // 2000), points - 1])  # enough for the eye
            x, y = np.asarray(recall)[kept], np.asarray(precision)[kept]
            ax.plot(x, y, color=color, linestyle=style, linewidth=2, label=name)
        ax.set(title=kind, xlabel="recall (share of one person's pairs)", xlim=(0, 1), ylim=(0, 1.02))
    axes[0].set_ylabel("precision (share of one person)")
    axes[0].legend(loc="lower left")
    return axes


def plot_reach(
    k1: Sequence[int], reach: Mapping[str, ArrayLike], false_share: ArrayLike, ax: Axes | None = None
) -> Axes:
    """Draw, against k1, the share of one person's pairs with a Jaccard distance below 1, and the false share.

    Parameters
    ----------
    k1
        (m,) list lengths.
    reach
        Key of `KIND_STYLES` -> (m,) share of the same person's pairs that share a neighbour, 0 … 1.
    false_share
        (m,) share of all pairs below 1 that are two people, 0 … 1.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/03_distance_encoding.ipynb
    """
    ax = new_axes(ax, (6.4, 3.6))
    for kind, values in reach.items():
        color, marker = KIND_STYLES[kind]
        ax.plot(k1, np.asarray(values), color=color, marker=marker, label=f"one person, {kind}: J < 1")
    look: dict[str, Any] = {"color": "black", "linestyle": "--", "marker": "x"}
    ax.plot(k1, np.asarray(false_share), label="two people, of all with J < 1", **look)
    ax.set(xlabel="k1 (images)", ylabel="share of pairs", ylim=(0, 1.04), xticks=list(k1))
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small")
    return ax


def _arc() -> tuple[ArrayLike, ArrayLike]:
    turn = np.linspace(0, 2 * np.pi, 200)
    return np.cos(turn), np.sin(turn)
