"""Figures about comparisons of recipes: every seed of every arm, and differences between two arms seed by seed.

Taught in: notebooks/08_ablations.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy import stats

from dmic.plots.style import COLORS, GREYS, new_axes

__all__ = ["interval", "plot_arms", "plot_differences"]


def interval(values: ArrayLike, *, level: float = 0.95) -> tuple[float, float]:
    """Return mean and half width of Student's confidence interval of the mean.

    Parameters
    ----------
    values : (n,) float
        n >= 2 independent measurements, here one per seed.
    level
        Confidence, 0 to 1.

    Examples
    --------
    >>> interval([1.0, 2.0, 3.0])  # 4.303 · 1 / √3
    (2.0, 2.484...)
    """
    x = np.asarray(values, np.float64)
    if x.ndim != 1 or len(x) < 2:
        raise ValueError(f"values has shape {x.shape}; expected at least two numbers in one row")
    half = stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return float(x.mean()), float(half)


def plot_arms(
    scores: Mapping[str, ArrayLike],
    ax: Axes | None = None,
    *,
    errors: Mapping[str, float] | None = None,
    paper: Mapping[str, float] | None = None,
    xlabel: str = "Rank-1 (%)",
) -> Axes:
    """Draw one row per arm: a dot per seed, a bar at their mean, and what other test people could have changed.

    Parameters
    ----------
    scores
        Arm -> (seeds,) scores, drawn from top to bottom.
    ax
        Axes to draw on; a new figure if None.
    errors
        Arm -> standard error over test people; a pale band of twice that is drawn around the mean.
    paper
        Arm -> the paper's number, drawn as a hollow diamond.
    xlabel
        What the scores are, with the unit.

    Taught in: notebooks/08_ablations.ipynb
    """
    ax = _rows(ax, list(scores))
    for row, (arm, values) in enumerate(scores.items()):
        x = np.asarray(values, np.float64)
        if errors and arm in errors:
            band = (x.mean() - 2 * errors[arm], x.mean() + 2 * errors[arm])
            label = "± 2 SE over test people" if row == 0 else None
            ax.plot(band, (row, row), color=COLORS["visible"], alpha=0.18, linewidth=11, label=label)
        _dots(ax, x, row, COLORS["visible"], "one seed" if row == 0 else None)
        if paper and arm in paper:
            label = "the paper, on real images" if row == 0 else None
            color = COLORS["infrared"]
            ax.plot(paper[arm], row, "D", color=color, markerfacecolor="none", label=label)
    ax.set(xlabel=xlabel)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0, ncols=3, fontsize="small")
    return ax


def plot_differences(
    differences: Mapping[str, ArrayLike], ax: Axes | None = None, *, xlabel: str = "Rank-1, points"
) -> Axes:
    """Draw one row per comparison: the difference of each seed, their mean, its 95 % interval, and the line of no effect.

    Parameters
    ----------
    differences
        Name -> (seeds,) difference of two arms, seed by seed; at least two seeds.
    ax
        Axes to draw on; a new figure if None.
    xlabel
        What the differences are, with the unit.

    Taught in: notebooks/08_ablations.ipynb
    """
    ax = _rows(ax, list(differences))
    ax.axvline(0, color=GREYS["strong"], linewidth=1)
    for row, values in enumerate(differences.values()):
        mean, half = interval(values)
        clear = abs(mean) > half
        color = COLORS["joint"] if clear else COLORS["noise"]
        ax.plot((mean - half, mean + half), (row, row), color=color, linewidth=2)
        _dots(ax, np.asarray(values, np.float64), row, color, None)
    ax.set(xlabel=xlabel)
    return ax


def _rows(ax: Axes | None, names: list[str]) -> Axes:
    ax = new_axes(ax, (7.4, 0.42 * len(names) + 1.2))
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    return ax


def _dots(ax: Axes, x: ArrayLike, row: int, color: str, label: str | None) -> None:
    values = np.asarray(x, np.float64)
    ax.plot(values, np.full(len(values), row), "o", color=color, markersize=4.5, alpha=0.8, label=label)
    ax.plot([values.mean()], [row], "|", color=color, markersize=17, markeredgewidth=2.5)
