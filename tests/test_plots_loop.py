"""Figures of the loop draw what they are given: images, captions and runs are read back from the Axes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from plots_helpers import close_figures, texts  # noqa: F401 (a fixture)

from dmic import plots


def line(epoch: int, phase: int = 1, clusters: int = 10) -> dict:
    """Return one epoch in the format of metrics.jsonl."""
    labels = {stream: {"clusters": clusters, "identities": 12} for stream in ("visible", "infrared")}
    return {
        "phase": phase,
        "epoch": epoch,
        "global_epoch": epoch,
        "loss": 3.0 - epoch,
        "losses": {"cluster_visible": 2.0 - epoch},
        "labels": labels,
    }


def test_batch_shows_every_image_with_its_caption():
    images = np.random.default_rng(0).integers(0, 255, (5, 8, 4, 3), dtype=np.uint8)
    ax = plots.plot_batch(images, list("abcde"), 3)
    assert len(ax.images) == 5 and texts(ax) == list("abcde")
    for shown, image in zip(ax.images, images, strict=True):
        np.testing.assert_array_equal(shown.get_array(), image)
    tops = [shown.get_extent()[3] for shown in ax.images]
    assert tops[0] == tops[2] < tops[3] == tops[4]


def test_runs_get_one_panel_each_and_share_a_legend():
    histories = {name: [line(0), line(1, clusters=4)] for name in ("fine", "broken", "odd", "last")}
    panels = plots.plot_runs(histories, columns=3)
    assert [ax.get_title(loc="left") for ax in panels] == ["fine", "broken", "odd", "last"]
    assert [ax.get_legend() for ax in panels] == [None] * 4
    (legend,) = panels[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["visible", "infrared"]
    assert ["true" in " ".join(texts(ax)) for ax in panels] == [False, False, True, True]
    np.testing.assert_array_equal(panels[1].get_lines()[0].get_ydata(), [10, 4])
    assert sum(not ax.axison for ax in panels[0].figure.axes) == 2  # the two cells left over


def test_live_plot_redraws_one_figure_after_every_epoch():
    shown, updates = [], []

    class Handle:
        def update(self, figure):
            updates.append([len(ax.get_lines()[0].get_xdata()) for ax in figure.axes])

    def display(figure, display_id):
        shown.append(display_id)
        return Handle()

    live = plots.LivePlot(display)
    live(line(0))
    live(line(1))
    assert shown == [True] and updates == [[1, 1], [2, 2]]
    assert not plt.get_fignums()  # or the notebook would show the figure twice
