"""Figures of notebooks 00 and 01 draw what they are given: values and marks are read back from the Axes."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from plots_helpers import close_figures, texts  # noqa: F401 (a fixture)

from dmic import plots
from dmic.images import STREAMS


def test_course_map_names_each_notebook_of_the_loop_and_closes_it():
    ax = plots.plot_course_map()
    numbers = [int(found) for text in texts(ax) for found in re.findall(r"^0(\d)", text)]
    assert numbers == [1, 2, 3, 4, 5, 6, 7]
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 7  # six between seven steps, and one back to the network


def test_kinds_are_bars_with_their_value_and_stream():
    kinds = {
        "within a visible camera": {"rank1": 30.0},
        "within an infrared camera": {"rank1": 15.0},
        "infrared → visible": {"rank1": 6.0},
    }
    ax = plots.plot_kinds(kinds, chance=0.8)
    assert [bar.get_width() for bar in ax.patches] == [30.0, 15.0, 6.0]
    colors = [to_hex(bar.get_facecolor()).upper() for bar in ax.patches]
    assert colors == [plots.COLORS[stream] for stream in STREAMS]
    assert ax.lines[0].get_xdata()[0] == 0.8
    assert not plots.plot_kinds(kinds).lines


def test_counts_stack_the_splits_and_count_people():
    table = SimpleNamespace(
        cameras=np.array([1, 1, 1, 3, 3]),
        modalities=np.array([0, 0, 0, 1, 1]),
        identities=np.array([7, 7, 8, 7, 9]),
        splits=np.array(["train", "train", "gallery", "train", "query"]),
    )
    ax = plots.plot_counts(table)
    heights = [[bar.get_height() for bar in container] for container in ax.containers]
    assert heights == [[2, 1], [1, 0], [0, 1]]  # train, gallery, query
    assert [bar.get_y() for bar in ax.containers[2]] == [3, 1]  # on top of what is below
    assert texts(ax) == ["2 people", "2 people"]
    colors = [to_hex(bar.get_facecolor()).upper() for bar in ax.containers[0]]
    assert colors == [plots.COLORS["visible"], plots.COLORS["infrared"]]


def test_brightness_says_its_correlation():
    ax = plots.plot_brightness({"one": [0.1, 0.2, 0.3], "other": [0.6, 0.4, 0.2]}, stream="infrared")
    assert ax.get_title(loc="left") == "correlation -1.00"
    assert ax.collections[0].get_offsets().tolist() == [[0.1, 0.6], [0.2, 0.4], [0.3, 0.2]]
    assert ax.get_xlabel().startswith("one") and ax.get_ylabel().startswith("other")


def test_cosines_mark_both_means():
    ax = plots.plot_cosines([0.5, 0.7], [0.1, 0.2, 0.3], title="pairs")
    assert [line.get_xdata()[0] for line in ax.lines] == pytest.approx([0.6, 0.2])
    assert ax.get_title(loc="left") == "pairs"


def test_distance_matrix_frames_true_matches_and_strikes_dropped():
    distance = np.array([[0.1, 0.4], [0.3, 0.2]])
    matches, dropped = np.eye(2, dtype=bool), np.array([[False, True], [False, False]])
    ax = plots.plot_distance_matrix(distance, ["q1", "q2"], ["a", "b"], true_matches=matches, dropped=dropped)
    assert texts(ax) == ["0.1", "0.4", "0.3", "0.2"]
    frames = [patch.get_xy() for patch in ax.patches if isinstance(patch, Rectangle)]
    assert [(round(x + 0.44), round(y + 0.42)) for x, y in frames] == [(0, 0), (1, 1)]
    assert len(ax.lines) == 1 and np.mean(ax.lines[0].get_xdata()) == 1  # the dropped column
    assert np.isnan(np.ma.filled(ax.images[0].get_array(), np.nan)[0, 1])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["q1", "q2"]


def test_ranked_lists_mark_true_and_false_matches():
    lists = {"q1": [("a", True), ("b", False)], "q2": [("b", False)]}
    ax = plots.plot_ranked_lists(lists, notes={"q2": "AP 0"})
    assert texts(ax) == ["a ✓", "b ✗", "", "b ✗", "AP 0"]
    assert [patch.get_linewidth() for patch in ax.patches] == [2, 1, 1]
    assert list(ax.get_xticks()) == [1, 2]


def test_person_luck_draws_every_group_inside_the_foretold_band():
    groups = {10: np.array([30.0, 50.0]), 40: np.array([40.0])}
    ax = plots.plot_person_luck(groups, score=40.0, error=2.0, people=40)
    score, *dots = ax.lines
    assert score.get_ydata()[0] == 40
    assert [line.get_ydata().tolist() for line in dots] == [[30.0, 50.0], [40.0]]
    corners = ax.collections[0].get_paths()[0].vertices
    at = corners[np.isclose(corners[:, 0], 8.0)]  # the band's left end, 0.8 of the smallest group
    assert at[:, 1].min() == pytest.approx(40 - 4 * np.sqrt(5))
    assert at[:, 1].max() == pytest.approx(40 + 4 * np.sqrt(5))


def test_gallery_size_shows_guessing_beside():
    ax = plots.plot_gallery_size([10, 50], [60.0, 30.0])
    found, guess = (line.get_ydata().tolist() for line in ax.lines)
    assert found == [60.0, 30.0] and guess == pytest.approx([10.0, 2.0])
    assert list(ax.get_xticks()) == [10, 50]


def test_floor_draws_a_bar_a_row_and_chance_as_a_line():
    found = {
        "chance": {"across": {"rank1": 0.6}, "visible": {"rank1": 0.5}},
        "box": {"across": {"rank1": 1.2}, "visible": {"rank1": 3.0}},
        "strips": {"across": {"rank1": 21.7}, "visible": {"rank1": 29.1}, "infrared": {"rank1": 24.8}},
    }
    ax = plots.plot_floor(found, labels={"box": "box only"})
    assert [bar.get_width() for bar in ax.patches] == [1.2, 21.7] and texts(ax) == ["1.2", "21.7"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["box only", "strips"]
    visible, infrared, chance = ax.lines
    assert visible.get_xydata().tolist() == [[3.0, 0], [29.1, 1]] and infrared.get_xydata().tolist() == [
        [24.8, 1]
    ]
    assert list(chance.get_xdata()) == [0.6, 0.6]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(legend) == [
        "across modalities",
        "chance: 0.6 %",
        "infrared, other cameras",
        "visible, other cameras",
    ]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row on top


def test_floor_of_one_column_has_no_marks():
    ax = plots.plot_floor({"whole": {"across": {"rank1": 7.5}}})
    assert not ax.lines and len(ax.patches) == 1
