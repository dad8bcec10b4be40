"""Figures of the training loop: the images of a batch, several runs side by side, and a run while it goes on.

Taught in: notebooks/07_two_phase_training.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from dmic.plots import curves
from dmic.plots.curves import History
from dmic.plots.style import FONT_SIZES, new_canvas, new_panels, show_image

__all__ = ["LivePlot", "plot_batch", "plot_runs"]


def plot_batch(
    images: ArrayLike, captions: Sequence[str], columns: int, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw the images of a batch as a grid, row by row, each with a caption.

    Parameters
    ----------
    images
        (n, h, w, 3) uint8, or float in 0..1.
    captions
        (n,) texts below the images.
    columns
        Images per row.
    ax
        Axes to draw on; a new figure if None.
    title
        Written above.

    Taught in: notebooks/06_hmcl.ipynb
    """
    shown = np.asarray(images)
    n, h, w, _ = shown.shape
    rows = -(-n // columns)
    step_x, step_y = 1.12 * w, 1.16 * h
    ax = new_canvas(ax, (columns * step_x, rows * step_y), inches=min(9.0, 0.85 * columns), above=0.3)
    for i, (image, caption) in enumerate(zip(shown, captions, strict=True)):
        x, y = i % columns * step_x, i // columns * step_y
        show_image(ax, image, (x, y), (w, h))
        ax.text(x + w / 2, y + 1.01 * h, caption, ha="center", va="top", fontsize=FONT_SIZES["caption"])
    ax.set_title(title)
    return ax


def plot_runs(histories: Mapping[str, History], axes: Any = None, *, columns: int = 3) -> list[Axes]:
    """Draw the clusters of several runs side by side (``curves.plot_clusters``), each with its own scale.

    Parameters
    ----------
    histories
        Name of the run -> its history.
    axes
        One Axes per run; a new figure if None.
    columns
        Panels per row of the new figure.

    Taught in: notebooks/07_two_phase_training.ipynb
    """
    rows = -(-len(histories) // columns)
    panels = new_panels(axes, (rows, columns), (3.5 * columns, 2.6 * rows))
    for ax in panels[len(histories) :]:
        ax.set_axis_off()
    streams: dict[str, Any] = {}
    for place, (ax, (name, history)) in enumerate(zip(panels, histories.items(), strict=False)):
        curves.plot_clusters(history, ax).set_title(name)
        ax.legend().remove()
        streams |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
        if (place + 1) % columns and place + 1 < len(histories):
            ax.texts[0].remove()  # "true people" stands at the end of each row
    panels[0].figure.legend(streams.values(), streams.keys(), loc="outside lower center", ncols=len(streams))
    return panels[: len(histories)]


class LivePlot:
    """Loss and clusters of a run that is still going, redrawn in place after every epoch.

    Parameters
    ----------
    display
        Jupyter's function of that name, which every notebook has: ``LivePlot(display)``.

    Notes
    -----
    The object is a callback: ``training.fit(config, table, run_dir="runs/mine", callback=LivePlot(display))``.

    Taught in: notebooks/07_two_phase_training.ipynb
    """

    def __init__(self, display: Callable[..., Any]) -> None:
        self.history: list[Mapping[str, Any]] = []
        self.figure = plt.figure(figsize=(9.0, 3.0))
        self.handle = display(self.figure, display_id=True)
        plt.close(self.figure)  # or the notebook would show it once more below the cell

    def __call__(self, epoch: Mapping[str, Any]) -> None:
        """Add an epoch's line of ``metrics.jsonl`` and redraw."""
        self.history.append(epoch)
        self.figure.clear()
        left, right = self.figure.subplots(1, 2)
        curves.plot_losses(self.history, left).legend().remove()
        curves.plot_clusters(self.history, right)
        self.handle.update(self.figure)
