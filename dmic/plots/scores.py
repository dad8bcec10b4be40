"""Figures about scores: a distance matrix, ranked lists, the draw of the test people, the size of the gallery, the floor.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from dmic.images import INTRA_STREAMS
from dmic.plots.style import COLORMAPS, COLORS, FILLS, FONT_SIZES, GREYS, MARKERS, TRUE_MATCH, new_axes

__all__ = [
    "plot_distance_matrix",
    "plot_floor",
    "plot_gallery_size",
    "plot_person_luck",
    "plot_ranked_lists",
]


def plot_distance_matrix(
    distance: ArrayLike,
    query_names: Sequence[str],
    gallery_names: Sequence[str],
    ax: Axes | None = None,
    *,
    true_matches: ArrayLike,
    dropped: ArrayLike,
) -> Axes:
    """Draw a small distance matrix: true matches framed green, dropped pairs struck out.

    Parameters
    ----------
    distance
        (queries, gallery) float, smaller is more similar.
    query_names, gallery_names
        One label per row and per column.
    ax
        Axes to draw on; a new figure if None.
    true_matches, dropped
        (queries, gallery) bool: pairs of one person, and pairs that the rule takes out.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    ax = new_axes(ax, (7.4, 4.2))
    values, hits, out = np.asarray(distance, float), np.asarray(true_matches), np.asarray(dropped)
    ax.imshow(np.where(out, np.nan, values), cmap=COLORMAPS["distance"], vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        gone = bool(out[row, column])
        ax.text(
            column, row, f"{value:.1f}", ha="center", va="center", color=GREYS["text"] if gone else "black"
        )
        if gone:
            ax.plot([column - 0.3, column + 0.3], [row, row], color=COLORS["noise"], linewidth=1)
        if hits[row, column]:
            corner = (column - 0.44, row - 0.42)
            ax.add_patch(Rectangle(corner, 0.88, 0.84, fill=False, edgecolor=TRUE_MATCH, linewidth=2.5))
    ax.set_xticks(range(len(gallery_names)), gallery_names)
    ax.set_yticks(range(len(query_names)), query_names)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.xaxis.set_label_position("top")
    ax.spines[:].set_visible(False)
    ax.set_xlabel("gallery (visible)", labelpad=8)
    ax.set_ylabel("queries (infrared)")
    return ax


def plot_ranked_lists(
    lists: Mapping[str, Sequence[tuple[str, bool]]],
    ax: Axes | None = None,
    *,
    notes: Mapping[str, str] | None = None,
) -> Axes:
    """Draw each query's ranked list, nearest first: true matches green with ✓, false matches pale with ✗.

    Parameters
    ----------
    lists
        Query -> (name of the gallery image, is it a true match?) in ranked order, dropped images left out.
    ax
        Axes to draw on; a new figure if None.
    notes
        Query -> what to write behind its row.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    longest = max(len(entries) for entries in lists.values())
    ax = new_axes(ax, (8.4, 0.52 * len(lists) + 0.8))
    for row, (query, entries) in enumerate(lists.items()):
        for place, (name, hit) in enumerate(entries):
            look: dict[str, Any] = {"facecolor": FILLS["true match" if hit else "false match"]}
            look |= {"edgecolor": TRUE_MATCH if hit else GREYS["line"], "linewidth": 2 if hit else 1}
            ax.add_patch(Rectangle((place + 0.54, row - 0.38), 0.92, 0.76, **look))
            ax.text(place + 1, row, f"{name} {'✓' if hit else '✗'}", ha="center", va="center")
        ax.text(longest + 0.7, row, (notes or {}).get(query, ""), va="center", fontsize="small")
    ax.set(xlim=(0.4, longest + 2.6), ylim=(len(lists) - 0.4, -0.6), xlabel="rank in the filtered list")
    ax.set_xticks(range(1, longest + 1))
    ax.set_yticks(range(len(lists)), list(lists))
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    return ax


def plot_person_luck(
    groups: Mapping[int, ArrayLike], ax: Axes | None = None, *, score: float, error: float, people: int
) -> Axes:
    """Draw one network's Rank-1 on random groups of test people, against what the standard error predicts.

    Parameters
    ----------
    groups
        People per group -> (groups,) Rank-1 in percent.
    ax
        Axes to draw on; a new figure if None.
    score, error, people
        Rank-1 and its standard error in percent with all `people`; for n people the band is ± 2 · error · √(people / n).

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    ax = new_axes(ax, (6.4, 3.4))
    sizes = np.array(sorted(groups))
    fine = np.geomspace(sizes[0] * 0.8, sizes[-1] * 1.2, 50)
    half = 2 * error * np.sqrt(people / fine)
    ax.fill_between(
        fine, np.maximum(score - half, 0), score + half, color=COLORS["visible"], alpha=0.15, label="± 2 SE"
    )
    ax.axhline(score, color=COLORS["visible"], linewidth=1.2, label=f"all {people} people: {score:.1f} %")
    for size in sizes:
        scores = np.asarray(groups[int(size)], float)
        ax.plot(np.full(len(scores), size), scores, "o", color=GREYS["strong"], markersize=3.5, alpha=0.6)
    ax.set(xscale="log", xlabel="test people (log scale)", ylabel="Rank-1 (%)")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper right")
    return ax


def plot_gallery_size(sizes: ArrayLike, rank1: ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw Rank-1 of the same embedding in galleries of fewer and more people, with guessing beside it.

    Parameters
    ----------
    sizes
        (s,) people in the gallery.
    rank1
        (s,) percent.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    ax = new_axes(ax, (5.6, 3.2))
    people = np.asarray(sizes, float)
    ax.plot(people, np.asarray(rank1, float), color=COLORS["visible"], marker="o", label="this embedding")
    ax.plot(
        people, 100 / people, color=COLORS["noise"], marker="x", linestyle=":", label="guessing: 1 / people"
    )
    ax.set(xscale="log", xlabel="people in the gallery (log scale)", ylabel="Rank-1 (%)")
    ax.set_xticks(people, [f"{size:.0f}" for size in people])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper right")
    return ax


def plot_floor(
    scores: Mapping[str, Mapping[str, Mapping[str, float]]],
    ax: Axes | None = None,
    *,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw what finds people without any training: a bar a row, chance as a line.

    Parameters
    ----------
    scores
        Row -> kind of search -> ``rank1`` in percent. ``across`` modalities is the bar, with its number at the right; ``visible``
        and ``infrared``, where given, are marks on it. The row ``chance`` is the line.
    ax
        Axes to draw on; a new figure if None.
    labels
        Row -> what the axis calls it; others keep their names.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    rows = [row for row in scores if row != "chance"]
    ax = new_axes(ax, (7.4, 0.3 * len(rows) + 0.9))
    places = np.arange(len(rows))
    across = [scores[row]["across"]["rank1"] for row in rows]
    ax.barh(places, across, height=0.62, color=COLORS["joint"], alpha=0.6, label="across modalities")
    for place, value in enumerate(across):
        look: dict[str, Any] = {"va": "center", "fontsize": FONT_SIZES["value"], "color": COLORS["joint"]}
        ax.text(1.01, place, f"{value:.1f}", transform=ax.get_yaxis_transform(), **look)
    for stream in INTRA_STREAMS:
        found = [(scores[row][stream]["rank1"], p) for p, row in enumerate(rows) if stream in scores[row]]
        if found:
            name = f"{stream}, other cameras"
            ax.plot(*np.transpose(found), MARKERS[stream], color=COLORS[stream], label=name, zorder=3)
    if "chance" in scores:
        level = scores["chance"]["across"]["rank1"]
        ax.axvline(level, color=GREYS["strong"], linestyle=":", label=f"chance: {level:.1f} %")
    ax.set_yticks(places, [(labels or {}).get(row, row) for row in rows])
    ax.set(xlabel="Rank-1 (%)", xlim=(0, None), ylim=(len(rows) - 0.4, -0.6))
    ax.tick_params(axis="y", length=0)
    ax.legend(loc="upper right", fontsize="small")
    return ax
