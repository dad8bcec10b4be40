import json
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import plain
import pytest
import torch

from dmic.dnc import pseudo_labels
from dmic.evaluation.ranking import RULES, rank_metrics
from dmic.lab import benchmark, costs, reference, synthetic_embeddings
from dmic.lab.report import MADE
from dmic.neighbors import nearest

# Synthetic embeddings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "expected"),
    # Mean cosine of two images of: one person and camera; one person, other camera of the modality; one person, other
    # modality; other persons, one camera. As published with the figures that this benchmark is compared to.
    [("mid", (0.70, 0.56, 0.38, 0.04)), ("early", (0.65, 0.34, 0.07, 0.30))],
)
def test_mean_cosines_are_those_of_the_stage(stage, expected):
    data = synthetic_embeddings.embeddings(4000, 512, stage)
    assert data.features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(data.features, axis=1), 1, atol=1e-5)
    cosine = data.features @ data.features.T
    person, camera, modality = (x[:, None] == x for x in (data.identities, data.cameras, data.modalities))
    others = ~np.eye(4000, dtype=bool)
    groups = (
        person & camera & others,
        person & ~camera & modality,
        person & ~modality,
        ~person & camera,
    )
    np.testing.assert_allclose([cosine[group].mean() for group in groups], expected, atol=0.03)


def test_labels_are_shaped_like_sysu_mm01_and_do_not_depend_on_dimension_or_stage():
    data, other = (
        synthetic_embeddings.embeddings(8000, 4, "mid"),
        synthetic_embeddings.embeddings(8000, 16, "late"),
    )
    for name in ("identities", "cameras", "modalities"):
        np.testing.assert_array_equal(getattr(data, name), getattr(other, name))
    assert len(np.unique(data.identities)) == round(395 * 8000 / 34167)
    assert (data.modalities == 0).mean() == pytest.approx(22258 / 34167, abs=0.02)
    np.testing.assert_array_equal(np.isin(data.cameras, (3, 6)), data.modalities == 1)
    assert set(data.cameras.tolist()) == {1, 2, 3, 4, 5, 6}
    missed = [
        6 - len(set(data.cameras[data.identities == person].tolist()))
        for person in range(data.identities.max())
    ]
    assert np.mean(missed) == pytest.approx(6 * 0.2, abs=0.35)
    assert (synthetic_embeddings.embeddings(8000, 4, "mid", seed=1).identities != data.identities).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((10, 4, "first"), "stage is 'first'; expected one of"), ((0, 4, "mid"), "images is 0")],
)
def test_unknown_stages_and_no_images_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        synthetic_embeddings.embeddings(*arguments)


# What the package is compared with ---------------------------------------------------------------------------------


def test_the_dense_loops_are_the_equations_and_the_package_agrees(rng):
    features = plain.unit(rng.normal(size=(7, 8))[rng.integers(0, 7, 70)] + 0.5 * rng.normal(size=(70, 8)))
    cameras = rng.integers(1, 6, 70)
    labels = {"cameras": cameras, "modalities": (cameras == 3).astype(np.int64)}
    lists = nearest(features, 14).indices
    found = reference.dense_clustering(lists, features, **labels, k1=14, k2=9, eps=0.6)
    expanded = plain.expand(plain.encode(features, lists, 14), lists, 9, "modality_camera", labels)
    np.testing.assert_allclose(found.distance, plain.jaccard(expanded), atol=1e-5)
    np.testing.assert_array_equal(found.labels, pseudo_labels(features, **labels, k1=14, k2=9, eps=0.6))
    assert found.labels.max() >= 3 and set(found.seconds) == {"encoding", "expansion", "Jaccard", "DBSCAN"}
    assert reference.dense_gib(34_167) == pytest.approx(13.05, abs=0.01)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["float32", "ties", "signed zeros", "float64", "integers"])
def test_rank_metrics_equal_the_loop_over_queries(rng, rule, kind):
    queries, gallery = 600, 301
    distance = rng.normal(size=(queries, gallery))
    if kind in ("ties", "integers"):
        distance = np.rint(4 * distance)
    if kind == "signed zeros":
        distance = np.where(distance > 0, 0.0, -0.0)
    dtype = {"float64": np.float64, "integers": np.int64}.get(kind, np.float32)
    sides = {
        "query_ids": rng.integers(0, 96, queries),
        "gallery_ids": rng.integers(0, 90, gallery),
        "query_cameras": rng.choice([3, 6], queries),
        "gallery_cameras": rng.choice([1, 2, 3], gallery),
    }
    found = rank_metrics(distance.astype(dtype), rule=rule, **sides).to_dict()
    expected = reference.loop_over_queries(distance.astype(dtype), rule=rule, **sides)
    assert found == pytest.approx(expected, abs=1e-6) and 0 < found["mAP"] < 100


# The command line --------------------------------------------------------------------------------------------------


def test_the_clustering_command_measures_every_part_and_keeps_the_figures(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(costs, "ProcessPoolExecutor", lambda count, mp_context: ThreadPoolExecutor(count))
    file = tmp_path / "figures.json"
    sizes = ["--images", "400", "--dim", "16", "--k1", "12", "--k2", "8", "--dense-images", "150"]
    benchmark.main(["clustering", *sizes, "--threads", "1", "--backends", "torch", "--json", str(file)])
    report, shown = json.loads(file.read_text()), capsys.readouterr().out
    (engine,) = report["engine"]
    assert list(engine["stages"]) == ["kNN", "encoding", "expansion", "Jaccard", "DBSCAN"]
    assert all(stage["seconds"] > 0 and stage["peak_gib"] > 0.01 for stage in engine["stages"].values())
    assert engine["rows_listed_as_by_faiss_flat"] == 1
    assert report["dense"]["images"] == 150 and report["dense"]["same_labels"] is True
    assert set(report["gemm_floor"]["seconds_scaled_to_all_rows"]) == {"numpy", "torch"}
    for text in (
        "backend torch, 1 threads",
        "x faiss flat",
        "floor; 400 rows",
        "150 images:",
        "same labels: True",
    ):
        assert text in shown


def test_each_run_is_a_fresh_process_and_gives_the_same_bytes(capfd):
    sizes = [
        "--images",
        "300",
        "--dim",
        "8",
        "--k1",
        "8",
        "--k2",
        "6",
        "--dense-images",
        "0",
        "--no-references",
    ]
    benchmark.main(["clustering", *sizes, "--threads", "1", "2", "--backends", "faiss"])
    shown = capfd.readouterr().out
    assert "faiss, 1 threads" in shown and "faiss, 2 threads" in shown
    assert "all runs gave the same bytes: yes" in shown and "floor" not in shown


def test_a_part_that_the_system_kills_is_named(monkeypatch):
    class Killed(ThreadPoolExecutor):
        def __init__(self, count, mp_context):
            super().__init__(count)

        def submit(self, *_):
            raise BrokenProcessPool

    monkeypatch.setattr(costs, "ProcessPoolExecutor", Killed)
    with pytest.raises(MemoryError, match="the part 'torch, 1 threads' was killed.*fewer --images"):
        benchmark.main(
            ["clustering", "--images", "90", "--dim", "4", "--backends", "torch", "--threads", "1"]
        )


def test_the_dense_loops_stop_where_the_memory_does(monkeypatch):
    options = {
        "images": 300,
        "dim": 8,
        "features": "mid",
        "k1": 8,
        "k2": 6,
        "eps": 0.7,
        "seed": 0,
        "device": "cpu",
    }
    monkeypatch.setattr(costs, "_use_threads", lambda threads: None)
    monkeypatch.setattr(costs, "_dense_images_that_fit", lambda: 60)
    found = costs._dense({**options, "dense_images": 200}, 1)
    assert found["images"] == 60 and found["stopped_by_memory"] and found["same_labels"]


def test_the_ranking_command_compares_with_the_loop(tmp_path, capsys):
    file = tmp_path / "figures.json"
    sizes = ["--queries", "60", "--gallery", "40", "--people", "9"]
    benchmark.main(["ranking", *sizes, "--json", str(file)])
    report = json.loads(file.read_text())
    assert set(report["made"]) >= set(MADE) and report["made"]["seeds"] == [0]
    assert set(report["rules"]) == set(RULES) and "regdb" in capsys.readouterr().out
    for found in report["rules"].values():
        assert found["largest_difference"] < 1e-6
        assert found["times_as_fast"] == pytest.approx(
            found["seconds"]["loop"] / found["seconds"]["rank_metrics"]
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ["clustering", "--images", "40"],
        ["clustering", "--threads", "0"],
        ["clustering", "--features", "first"],
        ["ranking", "--queries", "0"],
        [],
    ],
)
def test_unusable_options_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        benchmark.main(arguments)
    assert left.value.code == 2 and "error" in capsys.readouterr().err


def test_the_device_is_named_where_there_is_a_gpu():
    assert (
        "gpu" in costs.machine("cuda" if torch.cuda.is_available() else "cpu")
    ) == torch.cuda.is_available()
