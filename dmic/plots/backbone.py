"""Figures of notebook 02: views of people, stem filters, GeM, receptive fields, similarities before and after BN.

Taught in: notebooks/02_backbone.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from dmic.images import INTRA_STREAMS
from dmic.plots.style import (
    COLORMAPS,
    COLORS,
    GREYS,
    MARKERS,
    PAIRS,
    SPARE_MARKERS,
    new_axes,
    new_canvas,
    new_panels,
    show_image,
)

__all__ = ["plot_filters", "plot_gem", "plot_receptive", "plot_pair_cosines", "plot_views"]


def plot_views(views: Mapping[str, ArrayLike], ax: Axes | None = None) -> Axes:
    """Draw columns of images, one column per view, one row per image.

    Parameters
    ----------
    views
        Name of the view -> (n, h, w, 3) images, uint8 or float 0 … 1, the same n and size for all.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/02_backbone.ipynb
    """
    columns = {name: np.asarray(images) for name, images in views.items()}
    rows, height, width, _ = next(iter(columns.values())).shape
    step_x, step_y = 1.6 * width, 1.05 * height
    total = (len(columns) * step_x, rows * step_y)
    ax = new_canvas(ax, total, inches=1.35 * len(columns))
    for column, (name, images) in enumerate(columns.items()):
        left = column * step_x
        for row, image in enumerate(images):
            show_image(ax, image, (left, row * step_y), (width, height))
        color = next((COLORS[stream] for stream in INTRA_STREAMS if stream in name), "black")
        ax.text(
            left + width / 2, -0.03 * height, name, ha="center", va="bottom", fontsize="small", color=color
        )
    return ax


def plot_filters(color_share: ArrayLike, spread: Mapping[str, ArrayLike], ax: Axes | None = None) -> Axes:
    """Draw, for each filter of a stem, how much its answer varies in each modality against its share of colour.

    Parameters
    ----------
    color_share
        (c,) share of the filter's squared weights that compares channels, 0 … 1.
    spread
        ``visible`` and ``infrared`` -> (c,) standard deviation of the filter's answers.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/02_backbone.ipynb
    """
    ax = new_axes(ax, (6.0, 3.4))
    for stream, values in spread.items():
        style: dict[str, Any] = {"color": COLORS[stream], "marker": MARKERS[stream], "linestyle": ""}
        ax.plot(np.asarray(color_share), np.asarray(values), label=stream, alpha=0.8, **style)
    ax.set(xlabel="share of the filter that compares colours (0 … 1)", xlim=(0, 1.03))
    ax.set(ylabel="spread of its answers (no unit)", ylim=(0, None))
    ax.legend()
    return ax


def plot_gem(p: ArrayLike, pooled: Mapping[str, ArrayLike], ax: Axes | None = None) -> Axes:
    """Draw the pooled value of some maps against the exponent p, between their mean and maximum.

    Parameters
    ----------
    p
        (m,) exponents ≥ 1.
    pooled
        Name of the map -> (m,) pooled values; the first is taken at the smallest p.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/02_backbone.ipynb
    """
    ax = new_axes(ax, (5.6, 3.4))
    for (name, values), marker in zip(pooled.items(), SPARE_MARKERS, strict=False):
        ax.plot(np.asarray(p), np.asarray(values), marker=marker, label=name)
    ax.axvline(3, color=COLORS["noise"], linewidth=1, linestyle=":", zorder=0)
    ax.text(
        3, 1.0, " p = 3", color=GREYS["text"], transform=ax.get_xaxis_transform(), va="top", fontsize="small"
    )
    ax.set(xscale="log", xlabel="exponent p (no unit)", ylabel="pooled value (no unit)", ylim=(0, None))
    ax.set_xticks(np.asarray(p), [f"{value:g}" for value in np.asarray(p)])
    ax.minorticks_off()
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def plot_receptive(
    image: ArrayLike, gradients: Mapping[str, ArrayLike], axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw which pixels the middle cell of some feature maps depends on.

    Parameters
    ----------
    image
        (h, w, 3) uint8.
    gradients
        Name of the map -> (h, w) absolute gradient of its middle cell with respect to the pixels.
    axes
        One more than there are maps: the first shows the image; a new figure if None.

    Returns
    -------
    list of Axes
        In each title: how many percent of the pixels hold 95 % of the gradient.

    Taught in: notebooks/02_backbone.ipynb
    """
    shown = np.asarray(image)
    size = (1.7 * (1 + len(gradients)), 1.7 * shown.shape[0] / shown.shape[1] + 0.5)
    axes = new_panels(axes, (1, 1 + len(gradients)), size)
    axes[0].imshow(shown)
    axes[0].set_title("image", fontsize="small")
    for ax, (name, gradient) in zip(axes[1:], gradients.items(), strict=True):
        weights = np.asarray(gradient, dtype=float)
        ordered = np.sort(weights.ravel())[::-1]
        held = np.searchsorted(np.cumsum(ordered), 0.95 * ordered.sum()) + 1
        ax.imshow(shown.mean(axis=2), cmap=COLORMAPS["picture"], alpha=0.45)
        heat = np.sqrt(weights / max(weights.max(), 1e-12))  # the root shows faint edges too
        ax.imshow(heat, cmap=COLORMAPS["gradient"], alpha=0.15 + 0.85 * heat)
        ax.set_title(f"{name}\n{100 * held / weights.size:.1f} % of pixels", fontsize="small")
    for ax in axes:
        ax.set_axis_off()
    return axes


def plot_pair_cosines(
    cosines: Mapping[str, Mapping[str, ArrayLike]], axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw histograms of cosines of pairs of one person and of two people, one panel per embedding.

    Parameters
    ----------
    cosines
        Name of the embedding -> {"one person": (m,), "two people": (m',)} cosines, -1 … 1.
    axes
        One per embedding; a new figure if None.

    Taught in: notebooks/02_backbone.ipynb
    """
    axes = new_panels(axes, (1, len(cosines)), (4.2 * len(cosines), 3.2), sharex=True)
    hatches = {"one person": "//", "two people": ""}
    bins = np.linspace(-0.6, 1.0, 65).tolist()
    for ax, (name, groups) in zip(axes, cosines.items(), strict=True):
        for group, values in groups.items():
            style: dict[str, Any] = {"color": PAIRS[group], "hatch": hatches[group], "alpha": 0.55}
            style |= {"edgecolor": "white", "linewidth": 0.3}
            ax.hist(np.asarray(values), bins=bins, density=True, label=group, **style)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(title=name, xlabel="cosine (no unit)", ylabel="density")
    axes[0].legend()
    return axes
