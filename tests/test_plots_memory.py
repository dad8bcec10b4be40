"""Figures of memories draw what they are given: angles, shares and distributions are read back from the Axes."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from plots_helpers import close_figures, texts  # noqa: F401 (a fixture)

from dmic import plots


def offsets(ax) -> np.ndarray:
    """Return all scattered points, (n, 2)."""
    return np.concatenate([collection.get_offsets() for collection in ax.collections])


def test_circle_puts_entries_and_query_at_their_angles():
    ax = plots.plot_entries({"a*": 0, "b": 90}, query=180)
    np.testing.assert_allclose(offsets(ax), [[1, 0], [0, 1], [-1, 0]], atol=1e-9)
    assert texts(ax) == ["a\n0°", "b\n90°", "query\n180°"]
    own, other = ax.get_lines()[1:3]
    assert own.get_linewidth() > other.get_linewidth()


def test_loss_by_angle_draws_one_curve_per_temperature():
    ax = plots.plot_loss_by_angle([0, 45, 90], {1.0: [0.3, 0.7, 1.3], 0.05: [0, 0.7, 20]}, halfway=45)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["τ = 1", "τ = 0.05"]
    np.testing.assert_array_equal(ax.get_lines()[1].get_ydata(), [0, 0.7, 20])
    marked = {tuple(np.ravel(a)) for a in (ax.get_lines()[2].get_xdata(), ax.get_lines()[3].get_ydata())}
    assert marked == {(45, 45), (np.log(2), np.log(2))}


def test_updates_have_a_row_per_rule_and_move_from_hollow_to_full():
    batches = [{"visible": 0, "infrared": 90}, {"visible": 180, "infrared": 270}]
    axes = plots.plot_updates({"random": [0, 90, 180], "momentum": [0, 45, 60]}, batches)
    assert len(axes) == 4 and [ax.get_title(loc="center") for ax in axes] == ["batch 1", "batch 2", "", ""]
    for ax, (old, new) in zip(axes, [(0, 90), (90, 180), (0, 45), (45, 60)], strict=True):
        before, after = offsets(ax)[-2:]
        angles = np.rad2deg(np.arctan2([before[1], after[1]], [before[0], after[0]]))
        np.testing.assert_allclose(angles, [old, new], atol=1e-9)
    np.testing.assert_allclose(offsets(axes[1])[:2], [[-1, 0], [0, -1]], atol=1e-9)
    assert [text.get_text() for text in axes[0].figure.legends[0].get_texts()] == ["visible", "infrared"]


def test_traces_share_the_angle_axis_and_name_the_levels_once():
    axes = plots.plot_traces({"a": [0, 10], "b": [5, 80]}, {"visible": 20, "wrong": 150})
    np.testing.assert_array_equal(axes[1].get_lines()[-1].get_ydata(), [5, 80])
    assert axes[0].get_ylim() == axes[1].get_ylim()
    assert texts(axes[0]) == [] and texts(axes[1]) == ["visible", "wrong"]
    assert axes[0].get_lines()[0].get_color() == plots.COLORS["visible"]


def test_sample_weights_are_bars_in_the_order_of_the_batch():
    weights = {"momentum 0.5": [0.25, 0.25, 0.5]}
    (ax,) = plots.plot_sample_weights(weights, ["visible", "infrared"])
    assert [bar.get_height() for bar in ax.patches[:3]] == [0.25, 0.25, 0.5]
    colors = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in ax.patches[:3]]
    assert colors == ["#000000", "#0072b2", "#d55e00"]


def test_similarities_mark_medians_and_keep_areas_equal():
    kinds = {"own cluster, same modality": [0.5, 0.6, 0.7], "nearest wrong cluster": np.linspace(0, 0.4, 9)}
    axes = plots.plot_entry_similarities({"before": kinds, "after": kinds})
    assert [ax.get_title(loc="left") for ax in axes] == ["before", "after"]
    medians = [float(np.mean(mark.get_xdata())) for mark in axes[0].get_lines()]
    assert medians == pytest.approx([0.6, 0.2])
    for outline in axes[0].patches:
        x, y = outline.get_path().vertices[:, 0], outline.get_path().vertices[:, 1]
        area = abs(np.sum(y[:-1] * np.diff(x) + y[1:] * np.diff(x)) / 2)
        assert area == pytest.approx(1, abs=1e-6)
