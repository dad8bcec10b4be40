"""Pictures of DNC: DBSCAN's graph, the quality of labels against a knob or the epoch, and the plane of eps and k2.

Taught in: notebooks/05_dnc.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from dmic.plots.style import (
    ACCENTS,
    BORDER,
    COLORMAPS,
    COLORS,
    FONT_SIZES,
    GREYS,
    MARKERS,
    SPARE_MARKERS,
    TRUE_NUMBER,
    new_axes,
    new_panels,
    palette,
)

__all__ = ["QUALITIES", "plot_graph", "plot_plane", "plot_qualities"]

QUALITIES = {  # key of diagnostics.cluster_metrics, or of what notebook 05 adds -> y label
    "clusters": "clusters",
    "outlier_share": "outliers (share of images)",
    "purity": "purity (0 … 1)",
    "ari": "ARI with people (1 = equal)",
    "camera_splitting": "split over cameras (share)",
    "modality_splitting": "split over modalities (share)",
    "F": "F over all pairs (1 = perfect)",
    "stability": "ARI with the epoch before",
}
_SPARE = (ACCENTS["pink"], ACCENTS["sky"], ACCENTS["orange"], "black")  # lines that are no stream
_SPARE_MARKERS = [marker for marker in SPARE_MARKERS if marker != MARKERS["joint"]]


def plot_graph(
    points: ArrayLike, labels: ArrayLike, ax: Axes | None = None, *, eps: float, min_samples: int
) -> Axes:
    """Draw DBSCAN in the plane: links of length up to eps, cores filled, border points hollow, noise as crosses.

    Parameters
    ----------
    points : (n, 2) float
    labels : (n,) int
        Of DBSCAN on their Euclidean distances; -1 = noise.
    ax
        Axes to draw on; a new figure if None.
    eps, min_samples
        Radius, in the unit of the points, and the neighbours, self included, that make a core.

    Returns
    -------
    Axes
        Numbers are the points' places; dotted circles of radius eps stand around the cores.

    Taught in: notebooks/05_dnc.ipynb
    """
    ax = new_axes(ax, (5.6, 3.0))
    place, label = np.asarray(points, dtype=float), np.asarray(labels)
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    near = distance <= eps
    core = near.sum(axis=1) >= min_samples
    for i, j in np.argwhere(np.triu(near, 1)):
        ax.plot(*place[[i, j]].T, color=GREYS["line"], linewidth=1.2, zorder=1)
    colors = palette()
    for i, (x, y) in enumerate(place):
        color = COLORS["noise"] if label[i] < 0 else colors[label[i] % len(colors)]
        if core[i]:
            circle = Circle((x, y), eps, fill=False, edgecolor=color, linestyle=":", linewidth=0.7, alpha=0.5)
            ax.add_patch(circle)
        if label[i] < 0:
            ax.scatter(x, y, 70, color=[color], marker=MARKERS["noise"], zorder=2)
        else:
            face = color if core[i] else "white"
            ax.scatter(x, y, 70, facecolors=[face], edgecolors=[color], linewidths=1.8, zorder=2)
        ax.annotate(f"{i}", (x, y), xytext=(6, 5), textcoords="offset points", fontsize=FONT_SIZES["value"])
    edge = 0.08 * np.ptp(place, axis=0).max()
    (left, low), (right, high) = place.min(axis=0) - edge, place.max(axis=0) + edge
    ax.set(xlim=(left, right), ylim=(low, high), aspect="equal", xlabel="x (distance)", ylabel="y (distance)")
    found = len(np.unique(label[label >= 0]))
    ax.set_title(f"eps {eps:.2f}: {found} cluster{'s' * (found != 1)}, {(label < 0).sum()} noise")
    return ax


def plot_qualities(
    sweeps: Mapping[str, Sequence[Mapping[str, Any]]],
    knob: str,
    axes: Sequence[Axes] | None = None,
    *,
    show: Sequence[str] = tuple(QUALITIES)[:6],
    xlabel: str = "",
    marks: Sequence[float] = (),
) -> list[Axes]:
    """Draw what labels are worth against a knob, or against the epoch, one line per clustering.

    Parameters
    ----------
    sweeps
        Name -> one dictionary per setting: the knob's value and the numbers of ``diagnostics.cluster_metrics``; None and
        missing numbers leave a gap. The names ``visible``, ``infrared`` and ``joint`` have the course's colours.
    knob
        Key of the x values, for example ``eps``.
    axes
        One per entry of ``show``; a new figure with rows of three or four if None.
    show
        Keys of `QUALITIES`, a panel each. In ``clusters``, a dashed line tells the true number of people.
    xlabel
        The knob in words, with its unit; the key by default.
    marks
        Places of dotted vertical lines: the border of the phases, or the ends of a schedule.

    Taught in: notebooks/05_dnc.ipynb
    """
    columns = min(len(show), 4 if len(show) in (4, 7, 8) else 3)
    rows = -(-len(show) // columns)
    axes = new_panels(axes, (rows, columns), (1 + 3.1 * columns, 2.7 * rows), sharex=True)
    for spare in axes[len(show) :]:
        spare.set_axis_off()
    for ax, key in zip(axes, show, strict=False):
        for place, (name, rows_) in enumerate(sweeps.items()):
            x = np.array([row[knob] for row in rows_], dtype=float)
            y = np.array([np.nan if row.get(key) is None else row[key] for row in rows_], dtype=float)
            if np.isfinite(y).any():
                color = COLORS.get(name, _SPARE[place % len(_SPARE)])
                ax.plot(
                    x,
                    y,
                    color=color,
                    marker=MARKERS.get(name, _SPARE_MARKERS[place % len(_SPARE_MARKERS)]),
                    label=name,
                )
        if key == "clusters":
            people = max(float(row["identities"]) for rows_ in sweeps.values() for row in rows_)
            ax.axhline(people, label="true people", **TRUE_NUMBER)
        for mark in marks:
            ax.axvline(mark, **BORDER)
        ax.set(xlabel=xlabel or knob, ylabel=QUALITIES[key])
        ax.tick_params(labelbottom=True)  # shared axes would hide it
        ax.set_ylim(0, 1.3 * ax.get_ylim()[1] if key == "clusters" else 1.03)
        if all(float(row[knob]).is_integer() for rows_ in sweeps.values() for row in rows_):
            ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes[0].legend(
        loc="upper right", fontsize="x-small", ncols=2, frameon=True, framealpha=0.9, edgecolor="none"
    )
    return axes


def plot_plane(
    values: ArrayLike,
    eps: ArrayLike,
    k2: ArrayLike,
    ax: Axes | None = None,
    *,
    path: Sequence[tuple[float, float]] = (),
    title: str = "",
    label: str = "ARI with people (1 = equal)",
) -> Axes:
    """Draw a quality over the plane of the two knobs; a star is its best place, a line the way of a schedule.

    Parameters
    ----------
    values : (len(k2), len(eps)) float
        In 0-1; NaN stays white.
    eps, k2
        Both increasing; k2's steps are drawn equally wide.
    ax
        Axes to draw on; a new figure if None.
    path
        (eps, k2) per epoch.
    title, label
        Written above, and at the colour bar.

    Taught in: notebooks/05_dnc.ipynb
    """
    ax = new_axes(ax, (5.2, 3.6))
    table, x, y = np.asarray(values, dtype=float), np.asarray(eps), np.asarray(k2)
    mesh = ax.pcolormesh(
        x, np.arange(len(y)), table, cmap=COLORMAPS["score"], vmin=0, vmax=1, shading="nearest"
    )
    ax.figure.colorbar(mesh, ax=ax, label=label)
    if np.isfinite(table).any():
        row, column = np.unravel_index(np.nanargmax(table), table.shape)
        ax.plot(x[column], row, marker="*", color="white", markersize=15, markeredgecolor="black", ls="")
    if len(path):
        way: NDArray[np.float64] = np.array(path, dtype=float)
        rows = np.interp(way[:, 1], y, np.arange(len(y)))
        ax.plot(way[:, 0], rows, color="white", marker="o", markersize=4, markeredgecolor="black")
        ax.plot(way[0, 0], rows[0], marker="D", color=COLORS["infrared"], markeredgecolor="black", ls="")
    ax.set_yticks(range(len(y)), [str(value) for value in y])
    ax.set(xlabel="eps (Jaccard distance)", ylabel="k2 (images)", title=title)
    return ax
