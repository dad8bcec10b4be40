"""Every curve and bar of the course: `plot_x(data, ax=None) -> Axes`. Pictures of people are in `people`.

Visible is blue with circles, infrared vermilion with triangles, both together green with squares, noise grey with
crosses: colours that colour-blind readers tell apart, and marks for print. `history` is what `metrics.jsonl` holds, one
dictionary per epoch.

Taught in: notebooks/09_full_training.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

__all__ = [
    "COLORS",
    "MARKERS",
    "plot_clusters",
    "plot_cmc",
    "plot_label_quality",
    "plot_losses",
    "plot_metrics",
    "plot_schedules",
    "set_style",
]

COLORS = {"visible": "#0072B2", "infrared": "#D55E00", "joint": "#009E73", "noise": "#999999"}
MARKERS = {"visible": "o", "infrared": "^", "joint": "s", "noise": "x"}
STAGES = {"ImageNet start": "#999999", "phase 1": "#56B4E9", "DMIC": "#0072B2"}
_STAGE_MARKERS = ("x", "^", "o", "s", "D", "v")
_SCORES = {
    "rank1": "Rank-1",
    "rank5": "Rank-5",
    "rank10": "Rank-10",
    "rank20": "Rank-20",
    "mAP": "mAP",
    "mINP": "mINP",
}
_QUALITIES = {  # title, y label
    "ari": ("agreement with the true people", "adjusted Rand index (1 = equal)"),
    "camera_splitting": ("people split over cameras", "share of pairs (0 … 1)"),
    "modality_splitting": ("people split over modalities", "share of pairs (0 … 1)"),
}

History = Sequence[Mapping[str, Any]]


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


def plot_losses(history: History, ax: Axes | None = None) -> Axes:
    """Draw the loss of every epoch, and its parts before weighting (paper Eq. 15-23).

    Parameters
    ----------
    history
        Uses `loss` and `losses`, whose keys read `cluster_visible`, `instance_joint`, ...
    ax
        Axes to draw on; a new figure if None.

    Returns
    -------
    Axes
        Colour and mark tell the side, the line style tells the loss.

    Taught in: notebooks/09_full_training.ipynb
    """
    ax = _axes(ax, (8.0, 3.6))
    ax.plot(_epochs(history), _series(history, "loss"), color="black", linewidth=2.4, label="total, weighted")
    for kind, style in (("cluster", "-"), ("instance", ":")):
        _draw_sides(ax, history, ("losses", f"{kind}_{{}}"), label=f"{kind}, {{}}", linestyle=style)
    _epoch_axis(ax, history, name_phases=True)
    ax.set_ylim(0, 1.08 * ax.get_ylim()[1])
    ax.set_ylabel("loss (nats)")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def plot_clusters(history: History, ax: Axes | None = None) -> Axes:
    """Draw the number of clusters found per epoch against the true number of people (dashed).

    Parameters
    ----------
    history
        Uses `labels[side]["clusters"]` and `labels[side]["identities"]`.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/09_full_training.ipynb
    """
    ax = _axes(ax, (7.0, 3.4))
    _draw_sides(ax, history, ("labels", "{}", "clusters"))
    true_number = max(float(v["identities"]) for entry in history for v in entry["labels"].values())
    ax.axhline(true_number, color="black", linestyle="--", linewidth=1.2, zorder=0)
    place = ax.get_yaxis_transform()
    ax.text(
        1.01, true_number, f"true\npeople:\n{true_number:.0f}", transform=place, va="center", fontsize="small"
    )
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
        Uses `ari`, `camera_splitting`, `modality_splitting` of `labels[side]`; None where undefined.
    axes
        Three Axes to draw on; a new figure if None.

    Returns
    -------
    list of Axes
        Adjusted Rand index (higher is better); splitting over cameras and over modalities (lower is better).

    Taught in: notebooks/09_full_training.ipynb
    """
    if axes is None:
        axes = plt.subplots(1, 3, figsize=(10.0, 3.2), sharex=True)[1]
    for ax, (quality, (title, label)) in zip(axes, _QUALITIES.items(), strict=True):
        _draw_sides(ax, history, ("labels", "{}", quality))
        _epoch_axis(ax, history)
        ax.set(ylim=(0, 1), ylabel=label)
        ax.set_title(title)
    axes[0].legend(loc="lower right")
    return list(axes)


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
    ax = _axes(ax, (7.0, 2.2))
    epochs = _epochs(history)
    ax.plot(epochs, _series(history, "eps"), color="black", marker="o", label="eps")
    ax.set_ylabel("eps\n(Jaccard distance)")
    ax.margins(y=0.2)
    right = ax.twinx()
    right.spines["right"].set_visible(True)
    for key, name, color, marker in (
        ("k2_intra", "k2, each modality", "#CC79A7", "D"),
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
    """Draw cumulative match curves: how often the right person is among the first k.

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
    ax = _axes(ax, (5.4, 3.6))
    palette = sns.color_palette("colorblind", len(curves))
    for place, (name, curve) in enumerate(curves.items()):
        shown = np.asarray(curve)[:ranks]
        color, marker = STAGES.get(name, palette[place]), _STAGE_MARKERS[place % len(_STAGE_MARKERS)]
        name = f"{name}: Rank-1 {shown[0]:.1f} %"
        ax.plot(np.arange(1, len(shown) + 1), shown, color=color, marker=marker, markersize=4, label=name)
    ax.set(xlim=(0.5, ranks + 0.5), xlabel="k, people looked at")
    ax.set(ylim=(0, 100), ylabel="right person among the first k (%)")
    ax.set_xticks([1, *range(5, ranks + 1, 5)])
    ax.legend(loc="lower right")
    return ax


def plot_metrics(results: Mapping[str, Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """Draw the scores of several stages as grouped bars.

    Parameters
    ----------
    results
        Stage name -> scores in percent (`rank1`, `rank5`, `rank10`, `rank20`, `mAP`, `mINP`) and, where known,
        `standard_error_rank1`, which becomes an error bar of ± one standard error over test people.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/09_full_training.ipynb
    """
    ax = _axes(ax, (8.0, 3.4))
    names = [name for name in _SCORES if all(name in scores for scores in results.values())]
    palette = sns.color_palette("colorblind", len(results))
    width = 0.8 / len(results)
    for place, (stage, scores) in enumerate(results.items()):
        at = np.arange(len(names)) + (place - (len(results) - 1) / 2) * width
        heights = [float(scores[name]) for name in names]
        ax.bar(at, heights, 0.92 * width, color=STAGES.get(stage, palette[place]), label=stage)
        error = scores.get("standard_error_rank1") if names[:1] == ["rank1"] else None
        if error is not None and np.isfinite(error):
            ax.errorbar(at[:1], heights[:1], yerr=error, color="black", capsize=3, linewidth=1.2)
        for x, height, lift in zip(at, heights, [error or 0, *[0] * len(heights)], strict=False):
            ax.text(x, height + lift + 1.5, f"{height:.0f}", ha="center", fontsize=8)
    ax.set_xticks(range(len(names)), [_SCORES[name] for name in names])
    ax.set(ylim=(0, 105), ylabel="score (%)")
    ax.legend(loc="upper left", ncols=len(results), bbox_to_anchor=(0, 1.15))
    return ax


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    return plt.subplots(figsize=size)[1] if ax is None else ax


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
        ax.axvline(middle, color="#666666", linewidth=1, linestyle=(0, (1, 2)), zorder=0)
        for name, side in (("phase 1 ", "right"), (" phase 2", "left")) if name_phases else ():
            place: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "ha": side, "va": "top"}
            ax.text(middle, 1, name, color="#666666", fontsize="x-small", **place)


def _draw_sides(ax: Axes, history: History, keys: Sequence[str], *, label: str = "{}", **style: Any) -> None:
    """Draw one line per side that has values; `{}` in keys and label stands for the side's name."""
    for side in ("visible", "infrared", "joint"):
        values = _series(history, *(key.format(side) for key in keys))
        if np.isfinite(values).any():
            look = {"color": COLORS[side], "marker": MARKERS[side], **style}
            ax.plot(_epochs(history), values, label=label.format(side), **look)
