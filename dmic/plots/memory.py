"""Figures of memories: vectors on the unit circle, updates of an entry, instance-to-cluster similarities.

Angles are in degrees: 2-D unit vectors are the smallest embeddings there are, and cos(a - b) is the product of two.

Taught in: notebooks/06_hmcl.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from dmic.plots.style import ACCENTS, COLORS, GREYS, MARKERS, new_axes, new_panels

__all__ = [
    "plot_entries",
    "plot_loss_by_angle",
    "plot_sample_weights",
    "plot_entry_similarities",
    "plot_traces",
    "plot_updates",
]

_VIEWS = {  # view -> colour, mark; the channel-exchanged view is a paler visible
    "visible": (COLORS["visible"], MARKERS["visible"]),
    "exchanged": (ACCENTS["sky"], "D"),
    "infrared": (COLORS["infrared"], MARKERS["infrared"]),
}
_ENTRY: dict[str, Any] = {"color": "black", "marker": "s", "s": 70, "zorder": 4}
_KINDS = {  # kind of similarity -> colour, line style
    "own cluster, same modality": (COLORS["visible"], "-"),
    "own cluster, other modality": (COLORS["joint"], "-"),
    "nearest wrong cluster": (COLORS["noise"], "--"),
}


def plot_entries(
    entries: Mapping[str, float], query: float | None = None, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw memory entries, and a query, as unit vectors.

    Parameters
    ----------
    entries
        Name -> angle in degrees; drawn as squares.
    query
        Angle in degrees; drawn as a star. A name that ends in ``*`` is the query's own entry and gets a thick line.
    ax
        Axes to draw on; a new figure if None.
    title
        Written above.

    Taught in: notebooks/06_hmcl.ipynb
    """
    ax = _circle(new_axes(ax, (3.6, 3.6)))
    for name, degrees in entries.items():
        own = name.endswith("*")
        _ray(ax, degrees, name.rstrip("*"), "black" if own else COLORS["noise"], 2.4 if own else 1.0)
        ax.scatter(*_point(degrees), **_ENTRY)
    if query is not None:
        _ray(ax, query, "query", COLORS["joint"], 1.6)
        ax.scatter(*_point(query), color=COLORS["joint"], marker="*", s=180, zorder=5)
    ax.set(xlim=(-1.9, 1.9), title=title)
    return ax


def plot_loss_by_angle(
    degrees: ArrayLike, curves: Mapping[float, ArrayLike], ax: Axes | None = None, *, halfway: float
) -> Axes:
    """Draw the loss of a query against its angle, one curve per temperature.

    Parameters
    ----------
    degrees
        (n,) angles of the query.
    curves
        tau -> (n,) loss in nats.
    ax
        Axes to draw on; a new figure if None.
    halfway
        Angle at which the query is as far from its own entry as from the other one; marked.

    Taught in: notebooks/06_hmcl.ipynb
    """
    ax = new_axes(ax, (6.0, 3.2))
    for (tau, loss), style in zip(curves.items(), ("-", "--", ":", "-."), strict=False):
        ax.plot(degrees, loss, linestyle=style, linewidth=2, label=f"τ = {tau:g}")
    ax.axvline(halfway, color=COLORS["noise"], linewidth=1)
    ax.text(halfway, 0.97, " halfway", transform=ax.get_xaxis_transform(), va="top", color=GREYS["text"])
    ax.axhline(np.log(2), color=COLORS["noise"], linewidth=1)
    ax.text(1.01, np.log(2), "ln 2", transform=ax.get_yaxis_transform(), va="center", color=GREYS["text"])
    ax.set(xlabel="angle of the query from its own entry (degrees)", ylabel="cluster loss (nats)")
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left")
    return ax


def plot_updates(
    traces: Mapping[str, Sequence[float]], batches: Sequence[Mapping[str, float]], axes: Any = None
) -> list[Axes]:
    """Draw how batches change an entry: one row per rule, one column per batch.

    Parameters
    ----------
    traces
        Rule -> angles of the entry in degrees: before the first batch, then after each; one more than batches.
    batches
        For each batch, view (``visible``, ``exchanged``, ``infrared``) -> angle of its sample.
    axes
        (rules, batches) Axes to draw on; a new figure if None.

    Returns
    -------
    list of Axes
        Row by row. Hollow square: the entry before the batch; full square: after it.

    Taught in: notebooks/06_hmcl.ipynb
    """
    rows, columns = len(traces), len(batches)
    panels = new_panels(axes, (rows, columns), (2.0 * columns, 2.05 * rows))
    lines = [panels[start : start + columns] for start in range(0, rows * columns, columns)]
    for row, (line, (rule, trace)) in enumerate(zip(lines, traces.items(), strict=True)):
        for t, (ax, batch) in enumerate(zip(line, batches, strict=True)):
            _circle(ax)
            for view, degrees in batch.items():
                color, marker = _VIEWS[view]
                ax.scatter(*_point(degrees), color=color, marker=marker, s=42, zorder=3, label=view)
            ax.scatter(*_point(trace[t], 0.72), facecolors="none", edgecolors="black", marker="s", s=60)
            ax.scatter(*_point(trace[t + 1], 0.72), **_ENTRY)
            x, y = _point(trace[t + 1], 0.72)
            ax.plot([0, x], [0, y], color="black")
            ax.set_title(f"batch {t + 1}" if row == 0 else "", loc="center")
        line[0].text(-1.5, 0, rule, rotation=90, ha="center", va="center", weight="bold")
    names, marks = panels[0].get_legend_handles_labels()[::-1]
    panels[0].figure.legend(marks, names, loc="outside lower center", ncols=3)
    return panels


def plot_traces(
    traces: Mapping[str, ArrayLike], levels: Mapping[str, float], axes: Any = None, *, labelled: str = "step"
) -> list[Axes]:
    """Draw an entry's angle step by step, one panel per rule.

    Parameters
    ----------
    traces
        Rule -> (steps,) angles in degrees.
    levels
        Name -> angle: horizontal lines, for example where the visible and the infrared samples lie.
    axes
        One Axes per rule; a new figure if None.
    labelled
        Label of the x axis.

    Taught in: notebooks/06_hmcl.ipynb
    """
    panels = new_panels(axes, (1, len(traces)), (3.1 * len(traces), 2.9), sharey=True)
    for ax, (rule, angles) in zip(panels, traces.items(), strict=True):
        for name, degrees in levels.items():
            ax.axhline(degrees, color=_VIEWS.get(name, (GREYS["text"], ""))[0], linewidth=1.6, linestyle="--")
            if ax is panels[-1]:
                place: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center"}
                ax.text(1.02, degrees, name, color=_VIEWS.get(name, (GREYS["text"], ""))[0], **place)
        ax.plot(np.asarray(angles), color="black", marker=".", markersize=4, linewidth=0.8)
        ax.set(title=rule, xlabel=labelled)
    panels[0].set_ylabel("angle of the entry (degrees)")
    return panels


def plot_sample_weights(
    weights: Mapping[str, ArrayLike], views: Sequence[str], axes: Any = None
) -> list[Axes]:
    """Draw how much each sample of a batch counts in the entry after the batch, one panel per rule.

    Parameters
    ----------
    weights
        Rule -> (1 + samples,) shares that sum to 1: the old entry first, then the samples in their order.
    views
        (samples,) view of each sample, which gives the colour.
    axes
        One Axes per rule; a new figure if None.

    Taught in: notebooks/06_hmcl.ipynb
    """
    panels = new_panels(axes, (1, len(weights)), (3.0 * len(weights), 2.7), sharey=True)
    colors = ["black", *(_VIEWS[view][0] for view in views)]
    for ax, (rule, shares) in zip(panels, weights.items(), strict=True):
        ax.bar(range(len(colors)), np.asarray(shares), color=colors)
        ax.set(title=rule, xlabel="sample, in the order of the batch", ylim=(0, 1))
        ax.set_xticks([0, *range(1, len(colors), 4)], ["old", *map(str, range(1, len(colors), 4))])
    panels[0].set_ylabel("share in the new entry")
    handles = [plt.Rectangle((0, 0), 1, 1, color=_VIEWS[view][0]) for view in dict.fromkeys(views)]
    panels[0].legend(handles, list(dict.fromkeys(views)), loc="upper left")
    return panels


def plot_entry_similarities(
    found: Mapping[str, Mapping[str, ArrayLike]], axes: Any = None, *, xlabel: str = "cosine"
) -> list[Axes]:
    """Draw distributions of instance-to-cluster similarity, one panel per stage.

    Parameters
    ----------
    found
        Stage -> kind of similarity -> (n,) cosines. The kinds of notebook 06 have their colours; others get any. A kind without
        values is named in the legend.
    axes
        One Axes per stage; a new figure if None.
    xlabel
        Label of the x axes.

    Returns
    -------
    list of Axes
        Histograms of equal area, and a vertical line at each median.

    Taught in: notebooks/06_hmcl.ipynb
    """
    panels = new_panels(axes, (1, len(found)), (4.6 * len(found), 3.1), sharex=True)
    everything = np.concatenate([np.ravel(values) for kinds in found.values() for values in kinds.values()])
    bins = np.linspace(everything.min(initial=0.0), 1, 51).tolist()
    for ax, (stage, kinds) in zip(panels, found.items(), strict=True):
        for place, (kind, values) in enumerate(kinds.items()):
            color, style = _KINDS.get(kind, (f"C{place}", "-"))
            look: dict[str, Any] = {"color": color, "linestyle": style, "linewidth": 2}
            if not np.size(values):
                ax.plot([], [], label=f"{kind}: none", **look)
                continue
            ax.hist(np.ravel(values), bins, density=True, histtype="step", label=kind, **look)
            ax.axvline(float(np.median(np.asarray(values))), color=color, linewidth=1, linestyle=":")
        ax.set(title=stage, xlabel=xlabel, yticks=[])
        ax.set_ylabel("share of images (equal areas)")
    panels[0].legend(loc="upper left", fontsize="small")
    panels[0].set_ylim(top=1.45 * panels[0].get_ylim()[1])  # room for the legend
    return panels


def _circle(ax: Axes) -> Axes:
    """Prepare Axes with the unit circle and no ticks."""
    turn = np.linspace(0, 2 * np.pi, 181)
    ax.plot(np.cos(turn), np.sin(turn), color=GREYS["guide"], linewidth=1, zorder=0)
    ax.set(xlim=(-1.45, 1.45), ylim=(-1.45, 1.45), aspect="equal")
    ax.set_axis_off()
    return ax


def _ray(ax: Axes, degrees: float, name: str, color: str, width: float) -> None:
    """Draw a vector from the origin and write its name and angle beyond its end."""
    x, y = _point(degrees)
    ax.plot([0, x], [0, y], color=color, linewidth=width)
    align = "center" if abs(x) < 0.5 else ("left" if x > 0 else "right")
    dark = color if color != COLORS["noise"] else GREYS["text"]
    ax.text(
        1.12 * x, 1.12 * y + 0.18 * np.sign(y), f"{name}\n{degrees:g}°", ha=align, va="center", color=dark
    )


def _point(degrees: float, radius: float = 1.0) -> tuple[float, float]:
    angle = np.deg2rad(degrees)
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))
