"""Figures of notebook 03 draw what they are given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from plots_helpers import close_figures  # noqa: F401 (a fixture)

from dmic import plots


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_circle_places_points_at_their_angles_and_links_by_kind():
    ax = plots.plot_points_on_circle(
        [0, 90, 180, 270], list("AAB?"), focus=0, listed={0, 1, 2}, mutual={0, 1}, added={3}
    )
    found = {c.get_label(): c.get_offsets() for c in ax.collections}
    np.testing.assert_allclose(found["person A"], [[1, 0], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(found["nobody"], [[0, -1]], atol=1e-12)
    ends = {line.get_label(): line.get_xydata()[1] for line in ax.lines[1:]}  # the first is the circle
    np.testing.assert_allclose(ends["mutual"], [0, 1], atol=1e-12)
    np.testing.assert_allclose(ends["one-sided"], [-1, 0], atol=1e-12)
    np.testing.assert_allclose(ends["added"], [0, -1], atol=1e-12)
    assert len(ax.lines) == 4, "no line from a point to itself"
    assert [t.get_weight() for t in ax.texts] == ["bold", "normal", "normal", "normal"]


def test_circle_without_focus_has_no_links():
    ax = plots.plot_points_on_circle([0, 120, 240], list("AB?"), listed={1}, mutual={1})
    assert len(ax.lines) == 1 and legend(ax) == ["person A", "person B", "nobody"]


def test_sets_mark_each_cell_by_the_last_step_that_holds():
    ax = plots.plot_sets([{0, 1}, {1, 2}, {2, 0}], [{0}, {1, 2}, {2}], [{0, 2}, {1, 2}, {2}])
    expected = [[2, 1, 3], [0, 2, 2], [1, 0, 2]]
    np.testing.assert_array_equal(ax.images[0].get_array(), expected)
    marks = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in ax.texts}
    assert marks[0, 1] == "·" and marks[0, 2] == "+" and marks[1, 2] == "●" and len(marks) == 7


@pytest.mark.parametrize(("empty", "shown"), [(0.0, ["0.50", "1.00"]), (1.0, ["0.50", "0.00"])])
def test_matrix_leaves_out_the_empty_value(empty, shown):
    ax = plots.plot_matrix([[0.5, 0.0], [0.0, 1.0]], empty=empty, title="D")
    assert set(shown) == {t.get_text() for t in ax.texts} and ax.get_title(loc="left") == "D"


def test_stored_numbers_beside_the_dense_square():
    ax = plots.plot_stored([10, 100], {"D": [50, 500], "J": [70, 900]})
    lines = {line.get_label(): line.get_ydata().tolist() for line in ax.lines}
    assert lines == {"dense: n²": [100, 10000], "D": [50, 500], "J": [70, 900]}
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["10", "100"]


def test_precision_recall_has_recall_to_the_right_and_one_panel_per_kind():
    curve = (np.array([0.5, 1.0]), np.array([1.0, 0.2]))
    axes = plots.plot_precision_recall({"near": {"cosine": curve}, "far": {"cosine": curve}})
    assert [ax.get_title(loc="left") for ax in axes] == ["near", "far"]
    np.testing.assert_array_equal(axes[1].lines[0].get_xydata(), [[1.0, 0.5], [0.2, 1.0]])


def test_precision_recall_keeps_both_ends_of_a_long_curve():
    curve = (np.linspace(0.1, 1, 100_003), np.linspace(1, 0, 100_003))
    (ax,) = plots.plot_precision_recall({"all": {"cosine": curve}})
    drawn = ax.lines[0].get_xydata()
    assert len(drawn) < 5000
    np.testing.assert_allclose(drawn[[0, -1]], [[1, 0.1], [0, 1]])


def test_reach_uses_the_marks_of_the_kinds():
    reach = {"same camera": [0.5, 0.9], "other modality": [0.0, 0.3]}
    ax = plots.plot_reach([4, 10], reach, [0.1, 0.4])
    infrared = ax.lines[1]
    assert to_hex(infrared.get_color()) == plots.COLORS["infrared"].lower() and infrared.get_marker() == "^"
    assert infrared.get_ydata() == pytest.approx([0.0, 0.3]) and ax.lines[2].get_ydata()[1] == 0.4
    assert len(legend(ax)) == 3
