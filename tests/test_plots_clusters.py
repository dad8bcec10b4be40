"""Figures of identity splitting and MIE: what is drawn is what was given, and splitting is counted pair by pair."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plots_helpers import close_figures  # noqa: F401 (a fixture)

from dmic import diagnostics, plots


class PlainTable:
    """The parts of an ImageTable that the cluster map uses: two people, cameras 1 (visible) and 3 (infrared)."""

    def __init__(self) -> None:
        self.identities = np.array([7, 7, 7, 7, 7, 8])
        self.cameras = np.array([3, 3, 1, 1, 1, 1])
        self.modalities = (self.cameras == 3).astype(np.int64)
        self.size = (16, 8)

    def gather(self, indices):
        return np.zeros((len(indices), 16, 8, 3), np.uint8)


def test_cluster_map_letters_clusters_by_size_and_dashes_outliers():
    labels = np.array([9, -1, 4, 4, 4, 9])
    ax = plots.plot_cluster_map(PlainTable(), labels, 7, title="Plain:")
    letters = [text.get_text() for text in ax.texts if len(text.get_text()) == 1]
    assert letters == ["A", "A", "A", "B", "–"]  # camera 1 first: it is visible
    cameras = [text.get_text() for text in ax.texts if text.get_text().startswith("camera")]
    assert cameras == ["camera 1\nvisible", "camera 3\ninfrared"]
    assert len(ax.images) == 5 and ax.get_title(loc="left") == "Plain: person 7 is in 2 clusters"
    colors = [patch.get_edgecolor() for patch in ax.patches]
    assert colors[0] == colors[1] == colors[2] != colors[3]
    assert matplotlib.colors.to_hex(colors[4]) == "#999999"


def test_cluster_map_keeps_to_the_images_per_camera():
    ax = plots.plot_cluster_map(PlainTable(), np.zeros(6, int), 7, per_camera=1)
    assert len(ax.images) == 2


def test_weights_are_written_as_fractions():
    ax = plots.plot_weights({"a": [1 / 3, 2 / 3], "b": [1 / 16, 15 / 16]}, ["x", "y"])
    assert [text.get_text() for text in ax.texts] == ["1/3", "2/3", "1/16", "15/16"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]


def test_splitting_by_hand():
    """One person: camera 1 has clusters 0, 0, 1; camera 3 has 1 and an outlier."""
    matrix = plots.splitting_matrix([0, 0, 1, 1, -1], identities=[5] * 5, cameras=[1, 1, 1, 3, 3])
    np.testing.assert_allclose(matrix, [[2 / 3, 2 / 3], [2 / 3, np.nan]])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_splitting_counts_pairs_as_a_double_loop_does(seed, n):
    rng = np.random.default_rng(seed)
    labels, identities, cameras = rng.integers(-1, 4, n), rng.integers(0, 4, n), rng.integers(1, 5, n)
    names = np.unique(cameras)
    split, whole = np.zeros((2, len(names), len(names)))
    for i in range(n):
        for j in range(n):
            if i != j and identities[i] == identities[j] and min(labels[i], labels[j]) >= 0:
                at = np.searchsorted(names, cameras[i]), np.searchsorted(names, cameras[j])
                whole[at] += 1
                split[at] += labels[i] != labels[j]
    with np.errstate(invalid="ignore"):
        expected = split / whole
    found = plots.splitting_matrix(labels, identities=identities, cameras=cameras)
    np.testing.assert_allclose(found, expected)


def test_splitting_agrees_with_the_diagnostics_for_two_cameras():
    rng = np.random.default_rng(3)
    labels, identities, cameras = rng.integers(-1, 3, 60), rng.integers(0, 4, 60), rng.integers(1, 3, 60)
    ids = {"identities": identities, "cameras": cameras}
    described = diagnostics.cluster_metrics(labels, **ids, modalities=np.zeros(60, int))
    found = plots.splitting_matrix(labels, **ids)
    assert found[0, 1] == pytest.approx(described["camera_splitting"])


def test_splitting_figure_puts_visible_cameras_first():
    matrix = np.array([[0.1, 0.2], [0.2, 0.4]])
    ax = plots.plot_splitting(matrix, [1, 2], [1, 0], title="t")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["2 vis", "1 inf"]
    assert [text.get_text() for text in ax.texts] == ["0.40", "0.20", "0.20", "0.10"]


def test_rules_have_their_own_look():
    values = {rule: [0.1 * i, 0.2] for i, rule in enumerate(plots.RULES)}
    ax = plots.plot_rules([1, 2], values, xlabel="x", ylabel="y")
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert {line.get_marker() for line in lines.values()} == {"x", "o", "^", "s"}
    np.testing.assert_allclose(lines["camera"].get_ydata(), [0.1, 0.2])
    assert ax.get_legend() is not None
    bare = plots.plot_rules([1, 2], values, xlabel="x", ylabel="y", legend=False)
    assert bare.get_legend() is None


def test_maps_draw_every_image_in_every_panel():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(12, 2))
    cameras = np.tile([1, 2, 3], 4)
    axes = plots.plot_maps(
        {"in": points, "out": -points}, np.repeat([0, 1], 6), cameras, (cameras == 3).astype(int)
    )
    assert axes.shape == (2, 3)
    for ax in axes.ravel():
        drawn = np.concatenate([np.asarray(part.get_offsets()) for part in ax.collections])
        assert len(drawn) == 12
    names = [text.get_text() for text in axes[0, 2].get_legend().get_texts()]
    assert names == ["visible", "infrared"] and axes[1, 1].get_title(loc="left") == "out, by camera"
