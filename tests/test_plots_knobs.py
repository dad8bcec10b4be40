"""Figures of DNC: links, cores and noise of the graph; panels of qualities; the plane with its best place."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from plots_helpers import close_figures  # noqa: F401 (a fixture)

from dmic import plots


def test_graph_draws_links_cores_border_and_noise():
    """Points 0, 1, 2 in a row of step 1, and 3 far off; with min_samples 3 only the middle one is a core."""
    points = [[0, 0], [1, 0], [2, 0], [9, 0]]
    ax = plots.plot_graph(points, [0, 0, 0, -1], eps=1.0, min_samples=3)
    links = [line for line in ax.get_lines() if len(line.get_xdata()) == 2]
    assert sorted(tuple(line.get_xdata()) for line in links) == [(0, 1), (1, 2)]
    assert len(ax.patches) == 1 and ax.patches[0].get_radius() == 1.0  # one core
    faces = [matplotlib.colors.to_hex(part.get_facecolor()[0]) for part in ax.collections[:3]]
    assert faces[0] == faces[2] == "#ffffff" != faces[1]
    assert [text.get_text() for text in ax.texts] == ["0", "1", "2", "3"]
    assert ax.get_title(loc="left") == "eps 1.00: 1 cluster, 1 noise"


def test_qualities_give_each_stream_its_colour_and_leave_gaps():
    rows = [
        {"eps": 0.1, "clusters": 5, "identities": 4, "ari": None},
        {"eps": 0.2, "clusters": 3, "identities": 4, "ari": 0.5},
    ]
    axes = plots.plot_qualities({"visible": rows}, "eps", show=["clusters", "ari", "F"], marks=(0.15,))
    lines = {line.get_label(): line for line in axes[0].get_lines()}
    assert lines["visible"].get_color() == "#0072B2"
    np.testing.assert_array_equal(lines["visible"].get_ydata(), [5, 3])
    assert set(lines["true people"].get_ydata()) == {4}
    np.testing.assert_array_equal(axes[1].get_lines()[0].get_ydata(), [np.nan, 0.5])
    assert all(any(set(line.get_xdata()) == {0.15} for line in ax.get_lines()) for ax in axes)
    assert axes[1].get_ylabel() == plots.QUALITIES["ari"] and axes[2].get_xlabel() == "eps"


@pytest.mark.parametrize(("panels", "columns"), [(1, 1), (3, 3), (4, 4), (6, 3), (7, 4), (8, 4)])
def test_qualities_lay_out_their_panels(panels, columns):
    show = list(plots.QUALITIES)[:panels]
    rows = [{"k2": k, "identities": 2, **dict.fromkeys(show, 1.0)} for k in (1, 2)]
    axes = plots.plot_qualities({"joint": rows}, "k2", show=show)
    grid = axes[0].get_gridspec()
    assert grid.ncols == columns and len(axes) == grid.nrows * grid.ncols
    assert [ax.axison for ax in axes] == [True] * panels + [False] * (len(axes) - panels)


def test_plane_marks_the_best_place_and_the_way():
    values = [[0.1, 0.2, 0.1], [0.3, 0.9, np.nan]]
    path = [(0.6, 4), (0.5, 5), (0.4, 6)]
    ax = plots.plot_plane(values, [0.4, 0.5, 0.6], [4, 6], path=path)
    star, way, start = ax.get_lines()
    assert star.get_marker() == "*" and (*star.get_xdata(), *star.get_ydata()) == (0.5, 1)
    np.testing.assert_allclose(way.get_xdata(), [0.6, 0.5, 0.4])
    np.testing.assert_allclose(
        way.get_ydata(), [0, 0.5, 1]
    )  # k2 = 5 lies half-way between the rows of 4 and 6
    assert (*start.get_xdata(), *start.get_ydata()) == (0.6, 0)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["4", "6"]
