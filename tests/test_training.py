"""The two-phase loop: it learns, resumes exactly, repeats itself, and fails with advice."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
import torch
from notebook_runs import ROOT

from dmic import backbone, config, dnc, epoch, evaluation, training
from dmic.compute import devices
from dmic.compute.devices import accelerator
from dmic.images import ImageTable, LazyImages
from dmic.lab import study
from dmic.storage import provenance
from dmic.storage.files import to_jsonable
from dmic.storage.run_folder import RunError

TINY = {
    "data.height": 64,
    "data.width": 32,
    "training.epochs": 2,
    "training.iterations": 3,
    "training.identities_per_batch": 3,
    "training.images_per_identity": 2,
    "training.warmup_iterations": 2,
    "clustering.k1": 12,
    "clustering.k1_visible": 8,
    "clustering.k1_infrared": 6,
    "clustering.k2_joint": 6,
    "clustering.eps_large": 0.7,
    "clustering.eps_small": 0.6,
}


def colour_people(people=8, test_people=4, shots=3, noise=10):
    """A table of coarse random colour patches, one pattern a person; infrared is its gray version."""
    draw = np.random.default_rng(0)
    images, rows = [], []
    for person in range(people + test_people):
        pattern = np.kron(draw.integers(0, 255, (8, 4, 3)), np.ones((8, 8, 1)))
        for camera in range(1, 7):
            for _ in range(shots):
                image = pattern * (0.7 + 0.05 * camera) + draw.normal(0, noise, pattern.shape)
                infrared = camera in (3, 6)
                if infrared:
                    image = image.mean(2, keepdims=True).repeat(3, 2)
                split = "train" if person < people else ("query" if infrared else "gallery")
                images.append(image.clip(0, 255).astype(np.uint8))
                rows.append((int(infrared), camera, person, split))
    modalities, cameras, identities, splits = (np.array(column) for column in zip(*rows, strict=True))
    everything = np.arange(len(rows))
    return ImageTable(
        images=LazyImages(np.stack(images), everything),
        modalities=modalities,
        cameras=cameras,
        identities=identities,
        splits=splits,
        indices=everything,
        info={"version": "1"},
        name="colour people",
    )


@pytest.fixture(scope="module")
def table():
    return colour_people()


@pytest.fixture(scope="module")
def settings():
    return config.with_overrides(config.preset("toy"), TINY)


@pytest.fixture(scope="module")
def finished(table, settings, tmp_path_factory):
    return training.fit(settings, table, run_dir=tmp_path_factory.mktemp("runs") / "whole", progress="none")


@pytest.fixture(scope="module")
def shortest(settings):
    """One optimiser step a phase: for what does not depend on how much is trained."""
    return config.with_overrides(settings, {"training.epochs": 1, "training.iterations": 1})


@pytest.fixture(scope="module")
def short(table, shortest, tmp_path_factory):
    """A finished shortest run; tests that change its folder copy it."""
    return training.fit(shortest, table, run_dir=tmp_path_factory.mktemp("runs") / "short", progress="none")


class Killed(Exception):
    """What a callback raises where a process would be killed."""


def kill(line):
    raise Killed(line)


def without_times(value):
    """Drop what may differ between equal runs: durations and memory."""
    if isinstance(value, dict):
        unequal = {"seconds", "elapsed", "peak_memory_gib"}
        return {k: without_times(v) for k, v in value.items() if k not in unequal}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def test_run_folder_holds_what_the_architecture_says(finished):
    folder = finished.run_dir
    assert json.loads((folder / "config.json").read_text())["training"]["epochs"] == 2
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["data"] == "colour people, 216 images" and len(environment["parts"]) == 1
    assert {"torch", "git", "code", "device", "precision", "threads"} <= set(environment["parts"][0])
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [(line["phase"], line["epoch"]) for line in lines] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert "joint" not in lines[1]["labels"] and "joint" in lines[2]["labels"]
    assert lines[1]["k2_joint"] is None and lines[2]["k2_joint"] == 6
    labels = np.load(folder / "pseudo_labels" / "phase2_epoch_001.npz")
    assert set(labels.files) == {"visible", "infrared", "joint"}
    summary = json.loads((folder / "summary.json").read_text())
    scores = {"rank1", "rank5", "rank10", "rank20", "mAP", "mINP"}
    assert all(set(summary[stage]) == scores for stage in ("start", "phase1", "final"))
    assert summary["identities"] == 8 and 0 < summary["peak_memory_gib"] < 64 and summary["seconds"] > 0
    kept = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert kept == ["epoch_002", "epoch_003", "epoch_004"]  # the end of phase 1, and the newest two


def test_each_epoch_has_the_values_of_its_phase(finished, settings):
    """By hand: eps 0.7 (6/7)^(t/2) in phase 1; in phase 2 down over 2/5 of an epoch, then up; the rate starts anew."""
    values = [[line[key] for key in ("eps", "k2_intra", "lr")] for line in finished.history]
    wanted = [
        (0.7, 4, 2e-3),
        (0.7 * (6 / 7) ** 0.5, 6, 2e-3),
        (0.7, 4, 1e-3),
        (0.6 * (7 / 6) ** 0.375, 6, 1e-3),
    ]
    np.testing.assert_allclose(values, wanted, rtol=1e-12)
    state = torch.load(finished.run_dir / "checkpoints" / "epoch_004" / "state.pt", weights_only=True)
    assert {group["weight_decay"] for group in state["optimizer"]["param_groups"]} == {5e-4}
    assert settings.training.weight_decay == 5e-4


def test_pseudo_labels_keep_modalities_apart(finished, table):
    labels = np.load(finished.run_dir / "pseudo_labels" / "phase2_epoch_000.npz")
    infrared = table.train.modalities == 1
    assert (labels["visible"][infrared] == -1).all() and (labels["infrared"][~infrared] == -1).all()
    assert (labels["visible"][~infrared] >= 0).any() and (labels["joint"] >= 0).any()


def test_summary_is_the_protocol_on_the_last_network(finished, table, settings):
    size = (settings.data.height, settings.data.width)
    features = {s: training.embed(finished.model, getattr(table, s), size=size) for s in ("query", "gallery")}
    again = evaluation.evaluate(features, table, evaluation.PROTOCOLS["synthvi"]).mean
    assert again == pytest.approx(finished.summary["final"], abs=1e-9)
    assert finished.summary["start"] != finished.summary["final"]


def test_resumed_run_equals_uninterrupted(finished, table, settings, tmp_path):
    """Killed after each epoch: within phase 1, between the phases, within phase 2, and before the last test."""
    for epochs in (1, 2, 3, 4):
        with pytest.raises(Killed):
            training.fit(settings, table, run_dir=tmp_path / "run", progress="none", callback=kill)
        newest = max(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
        assert newest == f"epoch_{epochs:03d}"
        (tmp_path / "run" / "checkpoints" / "epoch_009.tmp").mkdir()  # a checkpoint that a kill cut short
        with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
            file.write('{"phase": 1, "epo')  # a line that a kill cut short
    resumed = training.fit(settings, table, run_dir=tmp_path / "run", progress="none", callback=kill)
    assert without_times(resumed.history) == without_times(finished.history)
    assert without_times(resumed.summary) == without_times(finished.summary)
    whole, parts = finished.model.state_dict(), resumed.model.state_dict()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_finished_run_is_read_not_repeated(finished, table, settings):
    def never(line):
        raise AssertionError("an epoch was trained")

    again = training.fit(settings, table, run_dir=finished.run_dir, progress="none", callback=never)
    assert again.summary == finished.summary
    np.testing.assert_array_equal(again.features["phase1"]["query"], finished.features["phase1"]["query"])


def test_seed_decides(finished, table, settings, tmp_path):
    other = config.with_overrides(settings, {"training.seed": 1})
    with pytest.raises(Killed) as killed:
        training.fit(other, table, run_dir=tmp_path / "run", progress="none", callback=kill)
    assert killed.value.args[0]["loss"] != finished.history[0]["loss"]


def test_resume_false_starts_anew(short, table, shortest, tmp_path, capsys):
    shutil.copytree(short.run_dir, tmp_path / "run")
    trained = []
    given = {"run_dir": tmp_path / "run", "resume": False, "callback": trained.append}
    again = training.fit(shortest, table, **given)
    assert without_times(trained) == without_times(short.history) == without_times(again.history)
    lines = capsys.readouterr().out.strip().splitlines()  # not a terminal: a line an epoch
    assert len(lines) == 2 and "loss" in lines[0] and "clusters" in lines[0] and "done in 0:" in lines[1]


def test_alternating_steps_and_momentum_on_the_true_labels(table, settings, tmp_path, monkeypatch):
    steps, losses = [], epoch.HybridLoss.losses

    def watched(self, query, indices, streams):
        steps.append((tuple(streams), table.train.modalities[indices.numpy()].tolist()))
        return losses(self, query, indices, streams)

    monkeypatch.setattr(epoch.HybridLoss, "losses", watched)
    forks = {
        "loss.joint_update": "alternating",
        "loss.memory_update": "momentum",
        "clustering.label_source": "identities",
        "training.epochs": 1,
        "training.iterations": 2,
    }
    changed = config.with_overrides(settings, forks)
    result = training.fit(changed, table, run_dir=tmp_path / "run", progress="none")
    intra = ("visible", "infrared")
    assert [streams for streams, _ in steps] == [intra, intra, intra, ("joint",), intra, ("joint",)]
    for _, modalities in steps:  # each side of a batch is of that side, in joint batches, too
        assert modalities == [0] * 6 + [0] * 6 + [1] * 6  # visible, exchanged, infrared
    assert set(result.history[1]["losses"]) == {
        f"{kind}_{stream}" for kind in ("cluster", "instance") for stream in ("visible", "infrared", "joint")
    }
    described = result.history[1]["labels"]["joint"]
    assert described["ari"] == 1 and described["clusters"] == 8 and described["cross_modality_recall"] == 1


def test_folder_of_another_run_is_refused(finished, table, settings, tmp_path):
    other = config.with_overrides(settings, {"training.iterations": 9})
    with pytest.raises(RunError, match=r"training.iterations is 3 there, 9 here"):
        training.fit(other, table, run_dir=finished.run_dir, progress="none")
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        training.fit(settings, table, run_dir=tmp_path, progress="none")
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_no_clusters_says_what_to_try(settings, tmp_path):
    tiny = {"clustering.eps_joint_offset": 0.0, "clustering.eps_large": 0.01, "clustering.eps_small": 0.01}
    hopeless = config.with_overrides(settings, tiny)
    with pytest.raises(dnc.NoClustersError, match=r"visible images, phase 1: .*Try eps >= 0\.\d+"):
        training.fit(hopeless, colour_people(noise=300), run_dir=tmp_path / "run", progress="none")


def test_folder_in_which_nothing_was_trained_takes_another_configuration(table, settings, tmp_path):
    missing = config.with_overrides(settings, {"backbone.weights": "nowhere.pth"})
    with pytest.raises(backbone.WeightsError, match="no such file"):
        training.fit(missing, table, run_dir=tmp_path / "run", progress="none")
    (tmp_path / "run").mkdir(exist_ok=True)
    # as after a kill before the first epoch ended
    (tmp_path / "run" / "config.json").write_text(config.to_json(missing))
    with pytest.raises(Killed):
        training.fit(settings, table, run_dir=tmp_path / "run", progress="none", callback=kill)
    assert config.from_json((tmp_path / "run" / "config.json").read_text()) == settings


def test_unknown_protocol_is_named_before_anything_is_written(table, settings, tmp_path):
    wrong = config.with_overrides(settings, {"data.protocol": "sysu"})
    with pytest.raises(ValueError, match=r"'sysu'.*sysu-all-single"):
        training.fit(wrong, table, run_dir=tmp_path / "run", progress="none")
    assert not (tmp_path / "run").exists()


def test_lost_embeddings_are_not_replaced_by_later_ones(short, table, shortest, tmp_path):
    shutil.copytree(short.run_dir, tmp_path / "run")
    (tmp_path / "run" / "embeddings" / "start.npz").unlink()
    with pytest.raises(RunError, match="start.npz is missing"):
        training.fit(shortest, table, run_dir=tmp_path / "run", progress="none")


def test_divergence_is_an_error_with_advice(table, settings, tmp_path, monkeypatch):
    """A loss that is NaN in the last step: no later clustering could complain about it."""
    calls, losses = [], epoch.HybridLoss.losses

    def spoiled(self, *arguments):
        calls.append(1)
        found = losses(self, *arguments)
        return found | {"cluster_infrared": found["cluster_infrared"] * (np.nan if len(calls) == 3 else 1)}

    monkeypatch.setattr(epoch.HybridLoss, "losses", spoiled)
    said = (
        "^cluster_infrared, total became NaN .* phase 1, epoch 0, iteration 2.*lower training.learning_rate"
    )
    with pytest.raises(epoch.TrainingDivergedError, match=said):
        training.fit(settings, table, run_dir=tmp_path / "run", progress="none")
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []


def test_learning_rate_by_hand():
    c = config.with_overrides(
        config.Config(),
        {"training.iterations": 10, "training.warmup_iterations": 20, "training.learning_rate": 1.0},
    )
    rate = lambda **at: epoch.learning_rate(c, **at)  # noqa: E731
    assert rate(phase=1, epoch=0, iteration=0) == pytest.approx(1 / 20)
    assert rate(phase=1, epoch=1, iteration=9) == pytest.approx(1)
    assert rate(phase=1, epoch=19, iteration=9) == pytest.approx(1)
    assert rate(phase=1, epoch=20, iteration=0) == pytest.approx(0.1)
    assert rate(phase=2, epoch=0, iteration=0) == pytest.approx(1)  # restarted, no warm-up
    assert rate(phase=2, epoch=40, iteration=0) == pytest.approx(0.01)
    c = config.with_overrides(c, {"training.learning_rate_phase2": 0.5})
    assert epoch.learning_rate(c, phase=2, epoch=0, iteration=0) == 0.5


def test_embed_is_the_mean_of_both_mirror_images(table, settings):
    model = backbone.build(dataclasses.replace(settings.backbone, flip_average=True)).eval()
    some = table.train.select(np.array([0, 7, 14]))
    found = training.embed(model, some, size=(64, 32), batch=2)
    pixels = torch.from_numpy(some.gather(np.arange(3))).permute(0, 3, 1, 2).float() / 255
    x = (pixels - model.mean.view(1, 3, 1, 1)) / model.std.view(1, 3, 1, 1)
    modality = torch.from_numpy(some.modalities)
    with torch.no_grad():
        both = model(x, modality) + model(torch.flip(x, [3]), modality)
    np.testing.assert_allclose(found, (both / both.norm(dim=1, keepdim=True)).numpy(), atol=1e-5)


def test_training_never_reads_identities(short, table, shortest, tmp_path):
    shuffled, training_rows = table.identities.copy(), np.flatnonzero(table.splits == "train")
    shuffled[training_rows] = np.random.default_rng(1).permutation(shuffled[training_rows])
    blind = dataclasses.replace(table, identities=shuffled)
    unseeing = training.fit(shortest, blind, run_dir=tmp_path / "blind", progress="none")
    assert [line["losses"] for line in short.history] == [line["losses"] for line in unseeing.history]
    assert short.summary["final"] == unseeing.summary["final"]
    said = [[line["labels"]["visible"]["ari"] for line in run.history] for run in (short, unseeing)]
    assert said[0] != said[1], "else the identities were not exchanged"


def test_unknown_device_is_named(settings):
    with pytest.raises(ValueError, match="training.device is 'tpu'"):
        config.with_overrides(settings, {"training.device": "tpu"})


@pytest.mark.parametrize(
    ("precision", "embedded"), [("auto", False), ("fp32", False), ("bf16", True), ("bf16_embeddings", True)]
)
def test_embeddings_on_a_cpu_are_float32_unless_asked(precision, embedded, monkeypatch):
    """Also where the CPU has bfloat16 units: the same command is the same training on every machine."""
    monkeypatch.setattr(devices, "bf16_is_fast", lambda device="cpu": True)
    t = dataclasses.replace(config.TrainingConfig(), precision=precision, device="cpu")
    assert devices.bf16_inference(t, torch.device("cpu")) is embedded
    assert (accelerator(t).mixed_precision == "bf16") is (precision == "bf16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_missing_gpu_is_named():
    with pytest.raises(ValueError, match="no GPU"):
        accelerator(dataclasses.replace(config.TrainingConfig(), device="cuda"))


def test_clean_makes_json():
    dirty = {"a": np.float32(1.5), "b": [float("nan"), np.int64(3)], "c": (float("inf"), "x")}
    assert to_jsonable(dirty) == {"a": 1.5, "b": [None, 3], "c": [None, "x"]}


STUDY = ["--data", "x", "--share", "0.3"]
STUDY += ["--overrides", json.dumps({**TINY, "training.epochs": 1, "training.iterations": 2})]


def serve(table, patch):
    """Let a study read this table, whatever folder it is given, and render nothing."""
    patch.setattr(study, "ensure_data", lambda folder, **_: folder)
    patch.setattr(study, "open_dataset", lambda folder: table)


@pytest.fixture(scope="module")
def studied(table, tmp_path_factory):
    """The folder of a finished study of two arms and two seeds, and the arguments that made it."""
    out = tmp_path_factory.mktemp("studied")
    arguments = [*STUDY, "--out", str(out), "--seeds", "0", "1", "--arms", "dmic", "continued"]
    with pytest.MonkeyPatch.context() as patch:
        serve(table, patch)
        study.main([*arguments, "--results", str(out / "results.json")])
    return out, arguments


def test_study_compares_arms_and_goes_on(studied, table, monkeypatch, capsys):
    out, arguments = studied
    report = json.loads((out / "study.json").read_text())
    for arm in ("dmic", "continued"):
        runs = [json.loads((out / f"{arm}-seed{s}" / "summary.json").read_text()) for s in (0, 1)]
        rank1 = [run["final"]["rank1"] for run in runs]
        found = report["arms"][arm]["test"]["final"]["rank1"]
        assert found["mean"] == pytest.approx(sum(rank1) / 2)
        assert found["std"] == pytest.approx(abs(rank1[0] - rank1[1]) / 2**0.5)
        assert report["arms"][arm]["equal_outliers"]["joint"]["outlier_share"]["mean"] <= 0.3
    serve(table, monkeypatch)
    monkeypatch.setattr(training, "fit", None)  # a second call reads what the first one wrote
    study.main(arguments)
    assert json.loads((out / "study.json").read_text()) == report
    with pytest.raises(SystemExit):  # an arm's own fields cannot be overridden unseen
        study.main([*arguments, "--overrides", '{"loss.joint_weight": 1.0}'])


def test_study_says_what_it_reads_and_trains_anew_when_asked(studied, table, tmp_path, monkeypatch, capsys):
    shared, arguments = studied
    shutil.copytree(shared, tmp_path / "study")
    words = [*arguments, "--out", str(tmp_path / "study"), "--seeds", "0", "--arms", "continued"]
    serve(table, monkeypatch)
    made, code = study.CODE, provenance.CODE
    monkeypatch.setattr(provenance, "CODE", "abc")
    monkeypatch.setattr(study, "CODE", "def")
    study.main(words)
    run = tmp_path / "study" / "continued-seed0"
    said = f"{run}: read, not trained; made by other code {code} → abc, measuring code {made} → def; --fresh"
    assert said in capsys.readouterr().out
    stamp = (run / "metrics.jsonl").stat().st_mtime_ns
    study.main([*words, "--fresh"])
    assert (run / "metrics.jsonl").stat().st_mtime_ns > stamp and "read, not" not in capsys.readouterr().out
    assert (tmp_path / "study" / "dmic-seed0").is_dir(), "an arm that was not asked for stays"
    blind = dataclasses.replace(table, cameras=table.modalities + 1)
    serve(blind, monkeypatch)
    with pytest.raises(SystemExit):
        study.main(words)
    assert re.search("other data: cameras.*--fresh", capsys.readouterr().err)


def test_study_trains_a_shared_phase_1_once(studied, table, tmp_path, monkeypatch, capsys):
    """``continued`` starts from a copy of the phase 1 of ``dmic``, and ends as if it had trained all by itself."""
    shared, _ = studied
    serve(table, monkeypatch)
    study.main([*STUDY, "--out", str(tmp_path), "--seeds", "1", "--arms", "continued"])
    first = "pseudo_labels/phase1_epoch_000.npz"
    written = [(shared / run / first).stat().st_mtime_ns for run in ("dmic-seed1", "continued-seed1")]
    assert written[0] == written[1]  # copied, not trained again
    runs = [json.loads((out / "continued-seed1" / "study.json").read_text()) for out in (shared, tmp_path)]
    for run in runs:
        del run["seconds"]
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    ("arm", "counted"),
    [("dmic", ("visible", "infrared", "joint")), ("continued", ("visible", "infrared"))],
)
def test_joint_losses_of_a_run_continued_without_them_are_watched_only(studied, arm, counted):
    line = json.loads((studied[0] / f"{arm}-seed0" / "metrics.jsonl").read_text().splitlines()[1])
    losses = {name: weight(name) * value for name, value in line["losses"].items()}
    assert len(losses) == 6 and all(value > 0 for value in losses.values())
    assert line["loss"] == pytest.approx(sum(losses[name] for name in losses if name.endswith(counted)))


def test_study_writes_results_as_notebook_08_reads_them(studied):
    """That notebook is tested with the stored file, so a study must write what that one holds."""
    results = json.loads((studied[0] / "results.json").read_text())
    assert keys(results) == keys(json.loads((ROOT / "results" / "ablations_toy.json").read_text()))
    kept = [(line["arm"], line["seed"]) for line in results["runs"]]
    assert kept == [("dmic", 0), ("dmic", 1), ("continued", 0), ("continued", 1)]
    for line in results["runs"]:
        summary = json.loads((studied[0] / f"{line['arm']}-seed{line['seed']}" / "summary.json").read_text())
        assert line["test"]["final"]["rank1"] == pytest.approx(summary["final"]["rank1"], abs=1e-4)
        assert line["overrides"] == study.ARMS[line["arm"]] and line["environment"]["torch"]


def weight(name):
    """How much a loss counts, by default and where its stream's losses count at all."""
    c = config.LossConfig()
    kind, stream = name.split("_")
    instance = c.instance_weight if stream == "joint" else c.instance_weight_intra
    return c.cluster_weight if kind == "cluster" else instance


def keys(value):
    """Names in a results file, nested; what arms override and where the images are from differs."""
    if isinstance(value, dict):
        return {name: keys(entry) for name, entry in value.items() if name not in ("overrides", "data")}
    return [keys(value[0])] if isinstance(value, list) and isinstance(value[0], dict) else None
