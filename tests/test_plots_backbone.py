"""Figures of notebook 02 draw what they are given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from plots_helpers import close_figures  # noqa: F401 (a fixture)

from dmic import plots


def test_views_are_columns_in_order_with_names_in_their_colours():
    pictures = np.random.default_rng(0).random((2, 8, 4, 3))
    ax = plots.plot_views({"visible": pictures, "exchanged": 1 - pictures, "infrared": pictures / 2})
    assert [t.get_text() for t in ax.texts] == ["visible", "exchanged", "infrared"]
    assert to_hex(ax.texts[2].get_color()) == plots.COLORS["infrared"].lower()
    assert len(ax.images) == 6
    np.testing.assert_allclose(ax.images[3].get_array(), 1 - pictures[1])
    lefts = [image.get_extent()[0] for image in ax.images]
    assert lefts[0] == lefts[1] < lefts[2] == lefts[3] < lefts[4]


def test_filters_use_colour_and_mark_of_each_modality():
    ax = plots.plot_filters([0.1, 1.0], {"visible": [1.0, 2.0], "infrared": [1.5, 0.0]})
    for line, stream in zip(ax.lines, ("visible", "infrared"), strict=True):
        assert to_hex(line.get_color()) == plots.COLORS[stream].lower()
        assert line.get_marker() == plots.MARKERS[stream] and line.get_label() == stream
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[0.1, 1.5], [1.0, 0.0]])


def test_gem_draws_each_map_over_the_exponents():
    ax = plots.plot_gem([1, 3, 10], {"flat": [2, 2, 2], "spot": [1, 2.5, 3.5]})
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    np.testing.assert_array_equal(lines["spot"], [[1, 1], [3, 2.5], [10, 3.5]])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "3", "10"]


def test_receptive_field_counts_the_pixels_that_hold_95_percent():
    even = np.ones((10, 10))
    spot = np.zeros((10, 10))
    spot[4, 5] = 1
    axes = plots.plot_receptive(np.zeros((10, 10, 3), np.uint8), {"even": even, "spot": spot})
    titles = [ax.get_title(loc="left") for ax in axes]
    assert titles == ["image", "even\n95.0 % of pixels", "spot\n1.0 % of pixels"]
    heat = axes[2].images[1].get_array()
    assert heat[4, 5] == 1 and heat.sum() == 1


def test_similarities_count_every_pair():
    cosines = {"before": {"one person": [0.5, 0.7], "two people": [-0.2, 0.0, 0.1]}}
    (ax,) = plots.plot_pair_cosines(cosines)
    assert ax.get_title(loc="left") == "before"
    one, two = ax.containers
    assert sum(bar.get_height() * bar.get_width() for bar in one) == pytest.approx(1)
    filled = [bar.get_x() for bar in two if bar.get_height() > 0]
    assert len(filled) == 3 and min(filled) < 0 < max(filled)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["one person", "two people"]
