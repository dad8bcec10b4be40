"""Every curve and bar of the course: `plot_x(data, ax=None) -> Axes`. Pictures of people are in `people`.

`history` is what `metrics.jsonl` holds, one dictionary per epoch. Colours and marks are those of `style`.

Taught in: notebooks/09_full_training.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from dmic.evaluation.ranking import SCORES
from dmic.images import STREAMS
from dmic.plots.style import (
    ACCENTS,
    BORDER,
    COLORS,
    FONT_SIZES,
    GREYS,
    LINE_STYLES,
    MARKERS,
    STAGE_MARKERS,
    STAGES,
    TRUE_NUMBER,
    new_axes,
    new_panels,
    palette,
)

__all__ = [
    "plot_clusters",
    "plot_cmc",
    "plot_label_quality",
    "plot_losses",
    "plot_metrics",
    "plot_schedules",
]

_QUALITIES = {  # title, y label
    "ari": ("agreement with the true people", "adjusted Rand index (1 = equal)"),
    "camera_splitting": ("people split over cameras", "share of pairs (0 … 1)"),
    "modality_splitting": ("people split over modalities", "share of pairs (0 … 1)"),
}

History = Sequence[Mapping[str, Any]]


def plot_losses(history: History, ax: Axes | None = None) -> Axes:
    """Draw the loss of every epoch, and its terms before weighting (paper Eq. 15-23).

    Parameters
    ----------
    history
        Uses `loss` and `losses`, whose keys read `<term>_<stream>`: `cluster_visible`, `instance_joint`, ...; every
        term that occurs is drawn.
    ax
        Axes to draw on; a new figure if None.

    Returns
    -------
    Axes
        Colour and mark tell the stream, the line style tells the term.

    Raises
    ------
    ValueError
        A key of `losses` does not end in a stream.

    Taught in: notebooks/09_full_training.ipynb
    """
    ax = new_axes(ax, (8.0, 3.6))
    ax.plot(_epochs(history), _series(history, "loss"), color="black", linewidth=2.4, label="total, weighted")
    for place, term in enumerate(_loss_terms(history)):
        style, name = LINE_STYLES[place % len(LINE_STYLES)], term.replace("_", " ")
        _draw_streams(ax, history, ("losses", f"{term}_{{}}"), label=f"{name}, {{}}", linestyle=style)
    _epoch_axis(ax, history, name_phases=True)
    ax.set_ylim(0, 1.08 * ax.get_ylim()[1])
    ax.set_ylabel("loss (nats)")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def plot_clusters(history: History, ax: Axes | None = None) -> Axes:
    """Draw the number of clusters per epoch against the true number of people (dashed).

    Parameters
    ----------
    history
        Uses `labels[stream]["clusters"]` and `labels[stream]["identities"]`.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/09_full_training.ipynb
    """
    ax = new_axes(ax, (7.0, 3.4))
    _draw_streams(ax, history, ("labels", "{}", "clusters"))
    true_number = max(float(v["identities"]) for entry in history for v in entry["labels"].values())
    ax.axhline(true_number, **TRUE_NUMBER)
    place: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center"}
    ax.text(1.01, true_number, f"true\npeople:\n{true_number:.0f}", fontsize="small", **place)
    _epoch_axis(ax, history, name_phases=True)
    ax.set_ylim(0, 1.12 * max(ax.get_ylim()[1], true_number))
    ax.set_ylabel("clusters")
    ax.legend(loc="lower right", ncols=3)
    return ax


def plot_label_quality(history: History, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw how good the pseudo labels are per epoch: agreement with the true people, and splitting.

    Parameters
    ----------
    history
        Uses `ari`, `camera_splitting`, `modality_splitting` of `labels[stream]`; None where undefined.
    axes
        Three Axes to draw on; a new figure if None.

    Returns
    -------
    list of Axes
        Adjusted Rand index (higher is better); splitting over cameras and over modalities (lower is better).

    Taught in: notebooks/09_full_training.ipynb
    """
    axes = new_panels(axes, (1, len(_QUALITIES)), (10.0, 3.2), sharex=True)
    for ax, (quality, (title, label)) in zip(axes, _QUALITIES.items(), strict=True):
        _draw_streams(ax, history, ("labels", "{}", quality))
        _epoch_axis(ax, history)
        ax.set(ylim=(0, 1), ylabel=label)
        ax.set_title(title)
    axes[0].legend(loc="lower right")
    return axes


def plot_schedules(history: History, ax: Axes | None = None) -> Axes:
    """Draw DNC's schedules (paper Eq. 8-10): eps on the left axis, k2 on the right one.

    Parameters
    ----------
    history
        Uses `eps`, `k2_intra` and `k2_joint` (None in phase 1).
    ax
        Axes to draw on, for example below `plot_clusters` with a shared x axis; a new figure if None.

    Returns
    -------
    Axes
        The left one.

    Taught in: notebooks/09_full_training.ipynb
    """
    ax = new_axes(ax, (7.0, 2.2))
    epochs = _epochs(history)
    ax.plot(epochs, _series(history, "eps"), color="black", marker="o", label="eps")
    ax.set_ylabel("eps\n(Jaccard distance)")
    ax.margins(y=0.2)
    right = ax.twinx()
    right.spines["right"].set_visible(True)
    for key, name, color, marker in (
        ("k2_intra", "k2, each modality", ACCENTS["pink"], "D"),
        ("k2_joint", "k2, joint", COLORS["joint"], "s"),
    ):
        right.plot(epochs, _series(history, key), color=color, marker=marker, linestyle="--", label=name)
    right.set_ylabel("k2 (images)")
    right.set_ylim(bottom=0)
    right.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _epoch_axis(ax, history)
    ax.legend(
        handles=[*ax.get_lines()[:1], *right.get_lines()], loc="lower left", bbox_to_anchor=(0, 1), ncols=3
    )
    return ax


def plot_cmc(curves: Mapping[str, NDArray[np.floating]], ax: Axes | None = None, *, ranks: int = 20) -> Axes:
    """Draw cumulative matching characteristics: queries with a true match among the first k of the gallery.

    Parameters
    ----------
    curves
        Name -> (ranks,) percent, `cmc[k - 1]` is Rank-k. Names of `STAGES` keep their colours.
    ax
        Axes to draw on; a new figure if None.
    ranks
        How many ranks to show.

    Taught in: notebooks/09_full_training.ipynb
    """
    ax = new_axes(ax, (5.4, 3.6))
    spare = palette(len(curves))
    for place, (name, curve) in enumerate(curves.items()):
        shown = np.asarray(curve)[:ranks]
        color, marker = STAGES.get(name, spare[place]), STAGE_MARKERS[place % len(STAGE_MARKERS)]
        name = f"{name}: Rank-1 {shown[0]:.1f} %"
        ax.plot(np.arange(1, len(shown) + 1), shown, color=color, marker=marker, markersize=4, label=name)
    ax.set(xlim=(0.5, ranks + 0.5), xlabel="rank k")
    ax.set(ylim=(0, 100), ylabel="queries with a true match\namong the first k (%)")
    ax.set_xticks([1, *range(5, ranks + 1, 5)])
    ax.legend(loc="lower right")
    return ax


def plot_metrics(results: Mapping[str, Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """Draw the scores of several stages as grouped bars.

    Parameters
    ----------
    results
        Stage name -> scores in percent, keys of `evaluation.ranking.SCORES`; those that all stages have are drawn.
        `standard_error_rank1`, where known, becomes an error bar of ± one standard error over test people.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/09_full_training.ipynb
    """
    ax = new_axes(ax, (8.0, 3.4))
    names = [name for name in SCORES if all(name in scores for scores in results.values())]
    spare = palette(len(results))
    width = 0.8 / len(results)
    for place, (stage, scores) in enumerate(results.items()):
        at = np.arange(len(names)) + (place - (len(results) - 1) / 2) * width
        heights = [float(scores[name]) for name in names]
        ax.bar(at, heights, 0.92 * width, color=STAGES.get(stage, spare[place]), label=stage)
        error = scores.get("standard_error_rank1") if names[:1] == ["rank1"] else None
        if error is not None and np.isfinite(error):
            ax.errorbar(at[:1], heights[:1], yerr=error, color="black", capsize=3, linewidth=1.2)
        for x, height, lift in zip(at, heights, [error or 0, *[0] * len(heights)], strict=False):
            ax.text(x, height + lift + 1.5, f"{height:.0f}", ha="center", fontsize=FONT_SIZES["value"])
    ax.set_xticks(range(len(names)), [SCORES[name] for name in names])
    ax.set(ylim=(0, 105), ylabel="score (%)")
    ax.legend(loc="upper left", ncols=len(results), bbox_to_anchor=(0, 1.15))
    return ax


def _epochs(history: History) -> NDArray[np.int64]:
    """Return the epochs of both phases counted from 1."""
    return np.array([entry["global_epoch"] + 1 for entry in history], dtype=np.int64)


def _series(history: History, *keys: str) -> NDArray[np.float64]:
    """Return one number per epoch, NaN where a key is missing or the value is None."""
    values = []
    for entry in history:
        found: Any = entry
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        values.append(np.nan if found is None else float(found))
    return np.array(values)


def _epoch_axis(ax: Axes, history: History, *, name_phases: bool = False) -> None:
    """Label the x axis, and mark the border of the phases."""
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    epochs, phases = _epochs(history), np.array([entry["phase"] for entry in history])
    for border in np.flatnonzero(np.diff(phases)):
        middle = (epochs[border] + epochs[border + 1]) / 2
        ax.axvline(middle, **BORDER)
        for name, align in (("phase 1 ", "right"), (" phase 2", "left")) if name_phases else ():
            place: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "ha": align, "va": "top"}
            ax.text(middle, 1, name, color=GREYS["text"], fontsize="x-small", **place)


def _loss_terms(history: History) -> list[str]:
    """Return the terms of the loss in the order in which they appear: what stands before the last `_` of the keys."""
    terms: dict[str, None] = {}
    for key in dict.fromkeys(key for entry in history for key in entry.get("losses", {})):
        term, _, stream = key.rpartition("_")
        if not term or stream not in STREAMS:
            raise ValueError(
                f"losses holds {key!r}; expected <term>_<stream>, stream one of {', '.join(STREAMS)}"
            )
        terms[term] = None
    return list(terms)


def _draw_streams(
    ax: Axes, history: History, keys: Sequence[str], *, label: str = "{}", **style: Any
) -> None:
    """Draw one line per stream that has values; `{}` in keys and label stands for the stream's name."""
    for stream in STREAMS:
        values = _series(history, *(key.format(stream) for key in keys))
        if np.isfinite(values).any():
            look = {"color": COLORS[stream], "marker": MARKERS[stream], **style}
            ax.plot(_epochs(history), values, label=label.format(stream), **look)
