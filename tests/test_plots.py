"""Figures draw what they are given: values, colours, marks and labels are read back from the Axes."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plots_helpers import close_figures  # noqa: F401 (a fixture)

from dmic import plots
from dmic.images import STREAMS


def make_history(epochs: int = 7) -> list[dict]:
    """Return two phases of a made-up run in the format of metrics.jsonl."""
    generator, history = np.random.default_rng(0), []
    for phase in (1, 2):
        for epoch in range(epochs):
            step = (epoch + (phase - 1) * epochs) / (2 * epochs)
            streams = STREAMS[: 1 + phase]
            labels = {
                stream: {
                    "clusters": float(
                        round(100 - 20 * step + generator.normal(0, 3) - 20 * (stream == "infrared"))
                    ),
                    "identities": 80.0,
                    "ari": 0.35 + 0.4 * step + generator.normal(0, 0.02),
                    "camera_splitting": 0.6 - 0.4 * step,
                    "modality_splitting": 0.9 - 0.5 * step if stream == "joint" else None,
                }
                for stream in streams
            }
            losses = {f"cluster_{stream}": 5 - 3 * step + 0.3 * i for i, stream in enumerate(streams)}
            losses |= {f"instance_{stream}": 4 - 2 * step + 0.3 * i for i, stream in enumerate(streams)}
            history.append(
                {
                    "phase": phase,
                    "epoch": epoch,
                    "global_epoch": epoch + (phase - 1) * epochs,
                    "eps": 0.5 - 0.12 * epoch / epochs if phase == 1 else 0.38 + 0.12 * epoch / epochs,
                    "k2_intra": 4 + round(2 * epoch / (epochs - 1)),
                    "k2_joint": 16 if phase == 2 else None,
                    "loss": 10 - 4 * step,
                    "losses": losses,
                    "labels": labels,
                }
            )
    return history


class PlainTable:
    """The parts of an ImageTable that figures use, with images of noise."""

    def __init__(self, people: int = 12, each: int = 2, size: tuple[int, int] = (16, 8)) -> None:
        cameras = np.array([1, 2, 3, 4, 5, 6])
        self.identities = np.repeat(np.arange(people), len(cameras) * each)
        self.cameras = np.tile(np.repeat(cameras, each), people)
        self.modalities = np.isin(self.cameras, (3, 6)).astype(np.int64)
        self.size = size
        self._images = np.random.default_rng(0).integers(
            0, 255, (len(self.cameras), *size, 3), dtype=np.uint8
        )

    def __len__(self) -> int:
        return len(self.cameras)

    def gather(self, indices):
        return self._images[indices]


def lines_by_label(ax) -> dict:
    return {str(line.get_label()): line for line in ax.get_lines()}


def test_clusters_show_each_stream_and_the_true_number():
    history = make_history()
    ax = plots.plot_clusters(history)
    lines = lines_by_label(ax)
    assert lines["visible"].get_color() == "#0072B2" and lines["visible"].get_marker() == "o"
    assert lines["infrared"].get_color() == "#D55E00" and lines["infrared"].get_marker() == "^"
    np.testing.assert_array_equal(
        lines["visible"].get_ydata(), [entry["labels"]["visible"]["clusters"] for entry in history]
    )
    assert (
        np.isnan(lines["joint"].get_ydata()[:7]).all() and np.isfinite(lines["joint"].get_ydata()[7:]).all()
    )
    assert [line.get_linestyle() for line in ax.get_lines() if set(line.get_ydata()) == {80.0}] == ["--"]
    np.testing.assert_array_equal(lines["visible"].get_xdata(), range(1, 15))
    assert ax.get_xlabel() == "epoch" and ax.get_ylabel() == "clusters"


def test_losses_leave_out_what_a_run_does_not_have():
    labels = lines_by_label(plots.plot_losses(make_history()[:7]))
    assert "cluster, visible" in labels and "instance, infrared" in labels and "cluster, joint" not in labels
    assert "cluster, joint" in lines_by_label(plots.plot_losses(make_history()))


def test_losses_draw_every_term_with_a_line_of_its_own():
    history = make_history()
    for entry in history:
        entry["losses"] = {**entry["losses"], "camera_proxy_infrared": 1.0 + entry["global_epoch"]}
    lines = lines_by_label(plots.plot_losses(history))
    third = lines["camera proxy, infrared"]
    np.testing.assert_array_equal(third.get_ydata(), np.arange(1.0, 15.0))
    assert third.get_color() == plots.COLORS["infrared"] and third.get_marker() == plots.MARKERS["infrared"]
    assert "camera proxy, visible" not in lines
    drawn = [lines[f"{term}, infrared"].get_linestyle() for term in ("cluster", "instance", "camera proxy")]
    assert drawn == ["-", ":", "--"]


@pytest.mark.parametrize("key", ["cluster_thermal", "visible", "_joint"])
def test_losses_refuse_a_key_without_term_or_stream(key):
    history = make_history()
    history[3]["losses"][key] = 1.0
    with pytest.raises(ValueError, match="<term>_<stream>"):
        plots.plot_losses(history)


def test_label_quality_has_three_panels_between_zero_and_one():
    panels = plots.plot_label_quality(make_history())
    assert [panel.get_ylim() for panel in panels] == [(0, 1)] * 3
    assert set(lines_by_label(panels[2])) >= {"joint"} and "visible" not in lines_by_label(panels[2])


def test_schedules_share_the_epochs_of_the_clusters():
    history = make_history()
    above, below = plt.subplots(2, 1, sharex=True)[1]
    plots.plot_clusters(history, above)
    ax = plots.plot_schedules(history, below)
    np.testing.assert_allclose(lines_by_label(ax)["eps"].get_ydata(), [entry["eps"] for entry in history])
    assert above.get_xlim() == below.get_xlim()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "eps",
        "k2, each modality",
        "k2, joint",
    ]


@pytest.mark.parametrize("epochs", [1, 2])
def test_curves_of_very_short_runs(epochs):
    history = make_history(2)[:: 3 - epochs]
    for plot in (plots.plot_losses, plots.plot_clusters, plots.plot_label_quality, plots.plot_schedules):
        plot(history)
        plt.gcf().canvas.draw()


def test_cmc_writes_rank1_into_the_legend():
    ax = plots.plot_cmc(
        {"ImageNet start": np.linspace(17, 80, 50), "DMIC": np.linspace(45, 99, 50)}, ranks=20
    )
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["ImageNet start: Rank-1 17.0 %", "DMIC: Rank-1 45.0 %"]
    assert all(len(line.get_xdata()) == 20 for line in ax.get_lines())


def test_metrics_bars_and_standard_error():
    scores = {"rank1": 17.0, "rank5": 35.0, "rank10": 48.0, "rank20": 62.0, "mAP": 18.0, "mINP": 9.0}
    better = {name: value + 20 for name, value in scores.items()} | {"standard_error_rank1": 2.5}
    ax = plots.plot_metrics({"ImageNet start": scores, "DMIC": better})
    bars = [bar for bar in ax.patches if bar.get_height() > 0]
    assert sorted(bar.get_height() for bar in bars) == sorted(
        [*scores.values(), *(v + 20 for v in scores.values())]
    )
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [
        "Rank-1",
        "Rank-5",
        "Rank-10",
        "Rank-20",
        "mAP",
        "mINP",
    ]
    (error,) = [collection for collection in ax.collections if len(collection.get_segments())]
    segment = error.get_segments()[0]
    assert math.isclose(abs(segment[1][1] - segment[0][1]), 5.0)


def test_people_marks_cameras_that_saw_nobody():
    table = PlainTable()
    table.identities[(table.identities == 3) & (table.cameras == 5)] = 4
    ax = plots.plot_people(table, [2, 3], per_camera=2)
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("not seen") == 1 and "person 3" in texts
    titles = [text for text in texts if text.startswith("camera")]
    assert titles == [
        *(f"camera {camera}\nvisible" for camera in (1, 2, 4, 5)),
        *(f"camera {camera}\ninfrared" for camera in (3, 6)),
    ]
    assert len(ax.images) == (6 + 5) * 2


def test_people_chooses_those_seen_most():
    table = PlainTable()
    table.identities[(table.identities == 0) & (table.cameras == 5)] = 1
    ax = plots.plot_people(table, people=3, per_camera=1)
    assert {text.get_text() for text in ax.texts} >= {"person 1", "person 2", "person 3"}


def test_ranked_gallery_marks_true_and_false_matches():
    table = PlainTable()
    gallery = np.array([[0, 12, -1], [24, 1, 2]])
    ranked = SimpleNamespace(queries=np.array([4, 30]), gallery=gallery, correct=gallery < 12)
    ax = plots.plot_ranked_gallery(table, ranked)
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("✓") == 3 and texts.count("✗") == 2 and texts.count("–") == 1
    assert len(ax.images) == 2 + 5


def test_embedding_map_joins_the_two_modalities_of_a_person():
    table = PlainTable(people=5)
    features = np.random.default_rng(0).normal(size=(len(table), 8)).astype(np.float32)
    points = plots.project(features, seed=1)
    np.testing.assert_array_equal(points, plots.project(features, seed=1))
    ax = plots.plot_embedding(points, table.identities, table.modalities, title="before")
    assert len(ax.get_lines()) == 5 and ax.get_title(loc="left") == "before"
    assert len(ax.collections) == 10


def test_camera_matrix_puts_visible_cameras_first_and_shows_every_number():
    rank1 = [[90.0, 20.0, 80.0], [10.0, 70.0, 30.0], [60.0, 40.0, np.nan]]
    ax = plots.plot_camera_matrix(rank1, [1, 3, 5], [0, 1, 0], title="hand-made")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1 vis", "5 vis", "3 inf"]
    assert [text.get_text() for text in ax.texts] == ["90", "80", "20", "60", "40", "10", "30", "70"]
    assert ax.get_title(loc="left") == "hand-made"
    assert ax.get_ylabel() == "query camera" and ax.get_xlabel() == "gallery camera"


MODULES = sorted(Path(plots.__file__).parent.glob("*.py"))


LITERALS = {
    "colour": r"#[0-9A-Fa-f]{6}\b",
    "font size": r"""(?:font|label|title)size["']?\s*[=:]\s*\d|["']size["']: \d""",
    "colour map": r"""cmap["']?\s*[=:]\s*["']""",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_colours_and_font_sizes_have_one_place(path):
    """`style.py` names them by what they are for."""
    text = path.read_text(encoding="utf-8")
    found = {what: re.findall(pattern, text) for what, pattern in LITERALS.items()}
    if path.name == "style.py":
        assert len(found["colour"]) == len(set(found["colour"])), "two names for one colour"
    else:
        assert not any(found.values()), found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_figures_take_plain_data(path):
    """Of the package they know its top and the evaluation: no figure needs the lab, the course or a run folder."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    modules |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    drawers = {module.split(".")[1] for module in modules if re.match(r"dmic\.\w+(\.|$)", module)}
    closed = {"lab", "course", "commands", "storage", "compute"}
    assert not drawers & closed, drawers & closed
    if path.name == "style.py":
        assert "plots" not in drawers, "every module imports the style"


def test_the_palette_is_reached_from_the_package():
    assert set(plots.COLORS) == set(plots.MARKERS) == {*STREAMS, "noise"}
    assert len(set(plots.COLORS.values())) == len(set(plots.MARKERS.values())) == 4
