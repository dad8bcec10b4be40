"""What a run folder promises: it never returns another run's numbers, and never loses a sound epoch."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from test_training import TINY, Killed, colour_people, kill, without_times

import dmic
from dmic import config, dnc, epoch, evaluation, training
from dmic.backbone import build
from dmic.commands import train
from dmic.diagnostics import failure_signatures
from dmic.images import DatasetWriter, LazyImages, open_dataset
from dmic.storage import checkpoints, provenance, run_folder
from dmic.storage.run_folder import RunError

QUIET = {"progress": "none"}


@pytest.fixture(scope="module")
def table():
    return colour_people(people=6, test_people=4, shots=2)  # people 0 to 5 in training, 6 to 9 in test


@pytest.fixture(scope="module")
def shortest():
    """One optimiser step a phase."""
    least = {"training.epochs": 1, "training.iterations": 1, "backbone.flip_average": False}
    least |= {
        "training.device": "cpu",
        "backbone.name": "test_efficientnet",
        "backbone.weights": "random",
    }  # timm's smallest
    return config.with_overrides(config.preset("toy"), {**TINY, **least})


@pytest.fixture(scope="module")
def short(table, shortest, tmp_path_factory):
    return training.fit(shortest, table, run_dir=tmp_path_factory.mktemp("runs") / "short", **QUIET)


@pytest.fixture
def copied(short, tmp_path):
    """A copy of a finished run's folder, to spoil."""
    return Path(shutil.copytree(short.run_dir, tmp_path / "run"))


def never(line):
    raise AssertionError("an epoch was trained")


def written(folder: Path, table, change=0):
    """The table as a data set folder; its images brighter by ``change``."""
    options = {"name": "own", "version": "1", "licence": "CC0", "made": {}, "overwrite": True}
    with DatasetWriter(folder, count=len(table), size=table.size, **options) as writer:
        for i in range(len(table)):
            image = np.clip(table.images[i].astype(int) + change, 0, 255).astype(np.uint8)
            modality = ("visible", "infrared")[table.modalities[i]]
            row = {"split": table.splits[i], "modality": modality, "source": str(i)}
            writer.append(image, **row, camera=int(table.cameras[i]), identity=int(table.identities[i]))
    return open_dataset(folder)


# -- stale -----------------------------------------------------------------------------------------------------------


def test_other_images_with_the_same_counts_are_other_data(table, shortest, tmp_path):
    own = written(tmp_path / "data", table)
    training.fit(shortest, own, run_dir=tmp_path / "run", **QUIET)
    training.fit(shortest, own, run_dir=tmp_path / "run", callback=never, **QUIET)
    brighter = written(tmp_path / "data", table, change=9)
    assert brighter.info == own.info, "else this would test the counts"
    with pytest.raises(RunError, match=r"trained on other data: manifest, images differ.*FRESH=1"):
        training.fit(shortest, brighter, run_dir=tmp_path / "run", **QUIET)


@pytest.mark.parametrize("column", ["cameras", "identities", "splits"])
def test_every_column_that_is_read_is_part_of_the_data(table, shortest, copied, column):
    changed = getattr(table, column).copy()
    mine = table.identities == (9 if column == "splits" else 3)  # a test person, a training person
    changed[mine] = {"cameras": 1, "identities": 2, "splits": "train"}[column]
    with pytest.raises(RunError, match=f"trained on other data: .*{column}"):
        training.fit(shortest, dataclasses.replace(table, **{column: changed}), run_dir=copied, **QUIET)


def test_a_run_that_does_not_know_its_data_is_refused(table, shortest, copied):
    known = json.loads((copied / "environment.json").read_text())
    (copied / "environment.json").write_text(json.dumps({"data": known["data"]}))
    with pytest.raises(RunError, match=r"does not say what it was trained on.*FRESH=1"):
        training.fit(shortest, table, run_dir=copied, **QUIET)


def test_the_code_is_known_by_its_text(tmp_path, monkeypatch):
    """Two edits without a commit are two other codes; a figure's code trains nothing."""
    package = shutil.copytree(
        Path(dmic.__file__).parent, tmp_path / "dmic", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(dmic, "__file__", str(package / "__init__.py"))
    seen = [provenance.code_hash()]
    assert seen == [provenance.CODE]
    for edited in ("dnc.py", "dnc.py", "evaluation/ranking.py"):
        with (package / edited).open("a") as file:
            file.write("# edited\n")
        seen.append(provenance.code_hash())
    assert len(set(seen)) == 4
    with (package / "plots/style.py").open("a") as file:
        file.write("# edited\n")
    assert provenance.code_hash() == seen[-1]


def test_a_finished_run_says_that_it_is_read_and_what_made_it(table, shortest, short, monkeypatch, capsys):
    training.fit(shortest, table, run_dir=short.run_dir, callback=never, progress="lines")
    here = f"{short.run_dir}: read, not trained; FRESH=1 (--restart, resume=False) starts anew\n"
    assert capsys.readouterr().out == here
    code, threads = provenance.CODE, torch.get_num_threads()
    monkeypatch.setattr(provenance, "CODE", "abc")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    training.fit(shortest, table, run_dir=short.run_dir, callback=never, progress="lines")
    assert f"made by other code {code} → abc, threads {threads} → 77; FRESH=1" in capsys.readouterr().out


def test_a_difference_is_logged_where_nothing_is_shown(table, shortest, short, monkeypatch, caplog):
    monkeypatch.setattr(provenance, "CODE", "abc")
    training.fit(shortest, table, run_dir=short.run_dir, callback=never, **QUIET)
    assert [r.levelname for r in caplog.records if "read, not trained" in r.message] == ["WARNING"]


def test_a_resumed_run_keeps_what_made_each_range_of_epochs(table, shortest, tmp_path, monkeypatch, capsys):
    code = provenance.CODE
    with pytest.raises(Killed):
        training.fit(shortest, table, run_dir=tmp_path / "run", callback=kill, **QUIET)
    monkeypatch.setattr(provenance, "CODE", "abc")
    training.fit(shortest, table, run_dir=tmp_path / "run")
    assert f"resumed after epoch 1 of 2; made by other code {code} → abc" in capsys.readouterr().out
    parts = json.loads((tmp_path / "run" / "environment.json").read_text())["parts"]
    assert [(part["first_epoch"], part["code"]) for part in parts] == [(1, code), (2, "abc")]
    assert all(part["precision"] == {"training": "fp32", "embedding": "fp32"} for part in parts)


def test_a_configuration_that_was_edited_by_hand_is_refused(table, shortest, copied):
    """As to train more epochs: the folder would go back to phase 1 with the weights of phase 2."""
    more = config.with_overrides(shortest, {"training.epochs": 2})
    (copied / "config.json").write_text(config.to_json(more))
    said = r"config.json was edited after training began \(training.epochs is 1 trained, 2 now\); put it back"
    with pytest.raises(RunError, match=said):
        training.fit(more, table, run_dir=copied, **QUIET)


def test_fields_that_train_nothing_are_no_other_run(table, shortest, copied):
    other = {"training.device": "auto", "training.embed_batch": 7, "training.keep": "all"}
    training.fit(config.with_overrides(shortest, other), table, run_dir=copied, callback=never, **QUIET)


def test_another_protocol_scores_a_finished_run_anew(table, shortest, short, copied):
    flipped = config.with_overrides(shortest, {"data.protocol": "synthvi-flipped"})
    found = training.fit(flipped, table, run_dir=copied, callback=never, **QUIET)
    wanted = {s: evaluation.evaluate(f, table, "synthvi-flipped").mean for s, f in short.features.items()}
    assert (
        {stage: found.summary[stage] for stage in wanted} == wanted != {s: short.summary[s] for s in wanted}
    )
    stored = json.loads((copied / "summary.json").read_text())
    assert stored["final"] == short.summary["final"] and stored["protocol"] == "synthvi"
    assert stored["protocols"]["synthvi-flipped"]["final"] == wanted["final"]


def test_starting_anew_takes_another_configuration_and_leaves_what_is_not_the_runs(table, shortest, copied):
    (copied / "precious.txt").write_text("mine")
    (copied / "report.html").write_text("of the earlier run")
    other = config.with_overrides(shortest, {"training.learning_rate": 1e-3})
    trained = []
    training.fit(other, table, run_dir=copied, resume=False, callback=trained.append, **QUIET)
    assert len(trained) == 2 and config.from_json((copied / "config.json").read_text()) == other
    assert (copied / "precious.txt").read_text() == "mine" and not (copied / "report.html").exists()


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_with_somebody_elses_config_is_left_alone(table, shortest, tmp_path, resume):
    (tmp_path / "config.json").write_text('{"name": "theirs"}')
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(RunError, match=r"config.json is not a run's"):
        training.fit(shortest, table, run_dir=tmp_path, resume=resume, **QUIET)
    assert (tmp_path / "summary.json").exists()
    assert (tmp_path / "config.json").read_text() == '{"name": "theirs"}'


def test_replaced_images_and_weights_are_noticed(table, shortest, tmp_path, short):
    """Of a table in memory, whose images no manifest names; and of a file of starting weights."""
    inverted = dataclasses.replace(
        table, images=LazyImages(255 - np.asarray(table.images), np.arange(len(table)))
    )
    with pytest.raises(RunError, match="other data: images differ"):
        training.fit(shortest, inverted, run_dir=short.run_dir, **QUIET)
    file = tmp_path / "start.safetensors"
    plain = {"backbone.name": "resnet18", "backbone.weights": str(file)}
    settings = config.with_overrides(shortest, plain)
    for seed in (0, 1):
        torch.manual_seed(seed)
        checkpoints.save_file(torchvision.models.resnet18().state_dict(), file)
        if seed == 0:
            training.fit(settings, table, run_dir=tmp_path / "run", **QUIET)
    with pytest.raises(RunError, match="other data: weights differ"):
        training.fit(settings, table, run_dir=tmp_path / "run", **QUIET)
    file.unlink()  # a finished run does not need it
    training.fit(settings, table, run_dir=tmp_path / "run", callback=never, **QUIET)


def test_results_go_before_the_run_that_they_were_of(table, shortest, short, copied, monkeypatch):
    """A kill after new training and before its summary must not leave the old one beside the new network."""
    shutil.rmtree(copied / "checkpoints" / "epoch_002")
    with pytest.raises(Killed):
        training.fit(shortest, table, run_dir=copied, callback=kill, **QUIET)
    assert not (copied / "summary.json").exists()
    shutil.rmtree(shutil.copytree(copied, copied.parent / "other") / "checkpoints")
    other = config.with_overrides(shortest, {"training.seed": 5})
    with pytest.raises(Killed):  # nothing is left of the first run's epochs, either
        training.fit(other, table, run_dir=copied.parent / "other", callback=kill, **QUIET)
    files = sorted(path.name for path in (copied.parent / "other").rglob("*.npz"))
    assert files == ["phase1_epoch_000.npz", "start.npz"]


def test_a_finished_run_without_its_checkpoints_is_no_free_folder(table, shortest, copied):
    shutil.rmtree(copied / "checkpoints")
    with pytest.raises(RunError, match="a finished run without its checkpoints"):
        training.fit(config.with_overrides(shortest, {"training.seed": 5}), table, run_dir=copied, **QUIET)


def test_a_folder_whose_first_file_could_not_be_written_is_free(table, shortest, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *names: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with pytest.raises(RunError, match="cannot write the run folder.*no epoch was finished yet"):
            training.fit(shortest, table, run_dir=tmp_path / "run", **QUIET)
    (tmp_path / "run" / ".config.json.1").write_text("")  # of a process that was killed
    with pytest.raises(Killed):
        training.fit(shortest, table, run_dir=tmp_path / "run", callback=kill, **QUIET)
    assert not (tmp_path / "run" / ".config.json.1").exists()


def test_starting_anew_goes_through_links(table, shortest, copied):
    """As where checkpoints lie on another disk."""
    disk = copied.parent / "disk"
    (copied / "checkpoints").rename(disk)
    (copied / "checkpoints").symlink_to(disk)
    (disk / "notes.txt").write_text("mine")
    with pytest.raises(Killed):
        training.fit(shortest, table, run_dir=copied, resume=False, callback=kill, **QUIET)
    assert sorted(path.name for path in disk.iterdir()) == ["epoch_001", "notes.txt"]


# -- late ------------------------------------------------------------------------------------------------------------


def without(table, rows):
    """The table without some rows."""
    return table.select(~rows)


def unscorable(table):
    """Tables whose test images no protocol, or not the given one, can score -> the protocol."""
    test = table.splits != "train"
    strangers = np.where(table.splits == "query", table.identities + 100, table.identities)
    cameras = table.cameras + 10
    yield "other cameras", dataclasses.replace(table, cameras=cameras), "sysu-all-single"
    yield "no queries", without(table, table.splits == "query"), "synthvi"
    yield "no test people", without(table, test), "synthvi"
    yield "queries without a match", dataclasses.replace(table, identities=strangers), "synthvi"


@pytest.mark.parametrize("kind", ["other cameras", "no queries", "no test people", "queries without a match"])
def test_a_test_set_that_cannot_be_scored_is_found_before_training(table, shortest, tmp_path, kind):
    broken, protocol = next((t, p) for name, t, p in unscorable(table) if name == kind)
    settings = config.with_overrides(shortest, {"data.protocol": protocol})
    with pytest.raises(ValueError):
        training.fit(settings, broken, run_dir=tmp_path / "run", callback=never, **QUIET)
    other = config.with_overrides(shortest, {"data.protocol": "regdb"})
    with pytest.raises(Killed):  # the folder is free
        training.fit(other, table, run_dir=tmp_path / "run", callback=kill, **QUIET)


def test_test_people_who_are_trained_on_are_named(table, shortest, tmp_path):
    known = np.where(table.splits == "query", table.identities - 4, table.identities)
    with pytest.raises(ValueError, match=r"identities \[2, 3, 4, 5\] are in training and test"):
        training.fit(
            shortest, dataclasses.replace(table, identities=known), run_dir=tmp_path / "run", **QUIET
        )


def test_a_disk_without_room_is_found_before_training(table, shortest, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**10))
    with pytest.raises(RunError, match=r"will write 0\.\d+ GiB .* 0\.00 GiB are free"):
        training.fit(shortest, table, run_dir=tmp_path / "run", callback=never, **QUIET)


def test_the_room_that_is_asked_for_is_what_a_run_writes(table, shortest, short):
    """Two whole checkpoints, and room for one more; labels and test embeddings beside them."""
    sizes = {path: path.stat().st_size for path in short.run_dir.rglob("*") if path.is_file()}
    whole = sum(size for path, size in sizes.items() if "checkpoints" in path.parts)
    arrays = sum(size for path, size in sizes.items() if path.suffix == ".npz")
    needed = checkpoints.room_needed(short.model, table, shortest.training, there=0)
    assert needed == pytest.approx(1.5 * whole + arrays, rel=0.1)
    assert checkpoints.room_needed(short.model, table, shortest.training, there=2) < 0.5 * needed


def test_batches_that_need_more_clusters_than_there_are_are_told(table, shortest, tmp_path, capsys):
    wide = config.with_overrides(shortest, {"training.identities_per_batch": 50})
    with pytest.raises(Killed):
        training.fit(wide, table, run_dir=tmp_path / "run", callback=kill)
    assert "batches draw P = 50" in capsys.readouterr().out


def test_the_summary_tells_queries_and_images_that_were_not_scored(table, shortest, short, copied):
    stored = json.loads((copied / "summary.json").read_text())
    assert (stored["queries"], stored["queries_skipped"], stored["unused_test_images"]) == (16, 0, 0)
    indoor = config.with_overrides(shortest, {"data.protocol": "sysu-indoor-single"})
    found = training.fit(indoor, table, run_dir=copied, callback=never, **QUIET).summary
    assert found["unused_test_images"] == 4 * 2 * 2  # cameras 4 and 5: four people, two images


# -- lost ------------------------------------------------------------------------------------------------------------


def spoil(monkeypatch, *, after):
    """Let the weights become NaN in the last step of an epoch, counted from 0 over the run."""
    run, done = epoch.EpochTrainer.run, []

    def spoiled(self, *arguments, **options):
        losses = run(self, *arguments, **options)
        done.append(1)
        if len(done) == after + 1:
            with torch.no_grad():
                next(self.network.parameters()).fill_(torch.nan)
        return losses

    monkeypatch.setattr(epoch.EpochTrainer, "run", spoiled)


def test_nan_in_the_last_step_loses_no_sound_epoch(table, shortest, short, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        spoil(patch, after=1)
        with pytest.raises(
            training.TrainingDivergedError, match=r"1 of 2 epochs are sound and stay in .*run-gentler"
        ):
            training.fit(shortest, table, run_dir=tmp_path / "run", **QUIET)
    again = training.fit(shortest, table, run_dir=tmp_path / "run", **QUIET)
    assert without_times(again.summary) == without_times(short.summary)


def test_the_command_that_a_diverged_run_advises_can_be_followed(table, shortest, tmp_path, monkeypatch):
    own = written(tmp_path / "my data", table)
    spoil(monkeypatch, after=0)
    with pytest.raises(training.TrainingDivergedError) as diverged:
        training.fit(shortest, own, run_dir=tmp_path / "my run", **QUIET)
    words = shlex.split(str(diverged.value).split("gentler: ")[1])
    assert words[:2] == ["dmic", "train"]
    options = train.parser().parse_args(words[2:])
    assert (options.run, options.data) == (tmp_path / "my run-gentler", tmp_path / "my data")
    rates = {
        "training.learning_rate": 7e-4,
        "training.learning_rate_phase2": 3e-4,
    }  # a third of 2e-3 and 1e-3
    wanted = config.with_overrides(shortest, rates)
    assert config.with_overrides(config.preset(options.preset), dict(options.settings)) == wanted


@pytest.mark.parametrize("broken", ["NaN", "cut"])
def test_an_unsound_checkpoint_is_passed_over(table, shortest, short, copied, broken, caplog):
    newest = copied / "checkpoints" / "epoch_002" / "checkpoint.safetensors"
    if broken == "cut":
        newest.write_bytes(newest.read_bytes()[:1000])
    else:
        weights = checkpoints.load_file(newest)
        name = next(iter(weights))
        checkpoints.save_file({**weights, name: weights[name] * torch.nan}, newest)
    trained = []
    again = training.fit(shortest, table, run_dir=copied, callback=trained.append, **QUIET)
    assert len(trained) == 1 and "passed over" in caplog.text
    assert without_times(again.summary) == without_times(short.summary)


@pytest.mark.parametrize(
    ("keep", "kept"), [("latest", [3, 5, 6]), ("all", [1, 2, 3, 4, 5, 6]), ((2, 4), [2, 3, 4, 5, 6])]
)
def test_checkpoints_that_stay(table, shortest, tmp_path, keep, kept):
    settings = config.with_overrides(shortest, {"training.epochs": 3})
    settings = dataclasses.replace(settings, training=dataclasses.replace(settings.training, keep=keep))
    folder = run_folder.RunFolder(tmp_path / "run", settings, table)
    folder.begin()
    (folder.path / "checkpoints" / "notes.txt").write_text("mine")
    (folder.path / "checkpoints" / "mine").mkdir()
    for done in range(1, 7):
        folder.save_checkpoint(checkpoints.Checkpoint(done, {"w": torch.ones(2)}, {}))
    assert folder.checkpoints.epochs() == kept
    assert (folder.path / "checkpoints" / "notes.txt").exists() and (
        folder.path / "checkpoints" / "mine"
    ).is_dir()


def test_a_cut_list_of_epochs_is_no_lost_run(table, shortest, short, copied):
    lines = (copied / "metrics.jsonl").read_text().splitlines(keepends=True)
    (copied / "metrics.jsonl").write_text(lines[0])
    again = training.fit(shortest, table, run_dir=copied, **QUIET)
    assert without_times(again.summary) == without_times(short.summary)
    (copied / "metrics.jsonl").write_text("")
    with pytest.raises(RunError, match=r"none of the checkpoints .* can be used.*FRESH=1"):
        training.fit(shortest, table, run_dir=copied, **QUIET)


def fruitless(monkeypatch, *calls):
    """Let the clusterings of these numbers, counted from 0 over the run, find nothing."""
    cluster, done = dnc.pseudo_labels, []

    def sometimes(*arguments, **options):
        done.append(1)
        if len(done) - 1 in calls:
            raise dnc.NoClustersError("DBSCAN found 0 clusters")
        return cluster(*arguments, **options)

    monkeypatch.setattr(dnc, "pseudo_labels", sometimes)


def labels_of(run: Path, name: str):
    return dict(np.load(run / "pseudo_labels" / f"{name}.npz"))


def test_an_epoch_without_infrared_clusters_keeps_those_of_the_epoch_before(
    table, shortest, tmp_path, monkeypatch, caplog
):
    """Also over the change of phases, and resumed as if never stopped."""
    with monkeypatch.context() as patch:
        fruitless(patch, 3)  # visible and infrared of phase 1; visible, infrared of phase 2
        whole = training.fit(shortest, table, run_dir=tmp_path / "run", **QUIET)
    before, now = (labels_of(tmp_path / "run", f"phase{phase}_epoch_000") for phase in (1, 2))
    np.testing.assert_array_equal(now["infrared"], before["infrared"])
    assert (now["visible"] >= 0).any() and (now["joint"] >= 0).any()
    assert [line["carried"] for line in whole.history] == [[], ["infrared"]]
    assert "no infrared cluster: the labels of the epoch before stay" in caplog.text
    assert any(
        "Phase 2, infrared, epoch 0" in text and "no cluster" in text
        for text in failure_signatures(whole.history)
    )
    with pytest.raises(Killed):
        training.fit(shortest, table, run_dir=tmp_path / "parts", callback=kill, **QUIET)
    with monkeypatch.context() as patch:
        fruitless(patch, 1)
        parts = training.fit(shortest, table, run_dir=tmp_path / "parts", **QUIET)
    assert without_times(parts.history) == without_times(whole.history)


def test_joint_losses_wait_for_the_first_joint_cluster(table, shortest, tmp_path, monkeypatch):
    fruitless(monkeypatch, 4)
    found = training.fit(shortest, table, run_dir=tmp_path / "run", **QUIET)
    assert (labels_of(tmp_path / "run", "phase2_epoch_000")["joint"] == -1).all()
    assert (
        not any("joint" in name for name in found.history[1]["losses"]) and found.history[1]["carried"] == []
    )


def test_a_first_epoch_without_clusters_trains_nothing(table, shortest, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        fruitless(patch, 1)
        with pytest.raises(dnc.NoClustersError, match="infrared images, phase 1"):
            training.fit(shortest, table, run_dir=tmp_path / "run", callback=never, **QUIET)
    wider = config.with_overrides(shortest, {"clustering.eps_large": 0.8})  # as the message advises
    with pytest.raises(Killed):
        training.fit(wider, table, run_dir=tmp_path / "run", callback=kill, **QUIET)


def test_a_full_disk_says_what_is_whole_and_loses_nothing(table, shortest, short, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        save, calls = checkpoints.save_file, []

        def full(*arguments):
            calls.append(1)
            if len(calls) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            save(*arguments)

        patch.setattr(checkpoints, "save_file", full)
        said = (
            r"cannot write the checkpoint after epoch 2 .*No space left.*epoch 1 is whole.*the same command"
        )
        with pytest.raises(RunError, match=said):
            training.fit(shortest, table, run_dir=tmp_path / "run", **QUIET)
    again = training.fit(shortest, table, run_dir=tmp_path / "run", **QUIET)
    assert without_times(again.summary) == without_times(short.summary)


# -- one writer ------------------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from dmic.storage.locking import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_refused_and_a_dead_one_leaves_no_lock(table, shortest, copied):
    command = [sys.executable, "-c", HOLD, str(copied)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        training.fit(shortest, table, run_dir=copied, callback=never, **QUIET)  # reading disturbs nobody
        with pytest.raises(
            RunError, match=rf"in use: process {other.pid} on \S+ writes there.*another run folder"
        ):
            training.fit(shortest, table, run_dir=copied, resume=False, **QUIET)
        other.kill()
    trained = []
    training.fit(shortest, table, run_dir=copied, resume=False, callback=trained.append, **QUIET)
    assert len(trained) == 2


# -- what a trained network carries ----------------------------------------------------------------------------------


def test_embedding_takes_size_and_precision_from_the_network(short, table):
    doubled = table.query.gather(range(16)).repeat(2, axis=1).repeat(2, axis=2)  # as stored at 128 x 64
    large = dataclasses.replace(table.query, images=LazyImages(doubled, np.arange(16)))
    assert short.model.size == (64, 32) and large.size == (128, 64)
    found = training.embed(short.model, large)
    precision = {"bf16": short.model.bf16}
    np.testing.assert_array_equal(found, training.embed(short.model, large, size=(64, 32), **precision))
    assert np.abs(found - training.embed(short.model, large, size=(128, 64))).max() > 5e-3


def test_float32_embeddings_after_bfloat16_training_are_float32(table, shortest, tmp_path):
    coarse = config.with_overrides(shortest, {"training.precision": "bf16"})
    trained = training.fit(coarse, table, run_dir=tmp_path / "run", **QUIET)
    assert trained.summary["precision"] == {"training": "bf16", "embedding": "bf16"} and trained.model.bf16
    fresh = build(coarse.backbone)
    fresh.load_state_dict(trained.model.state_dict())
    few = table.query.select(np.arange(6))
    fine, size = training.embed(trained.model, few, bf16=False), trained.model.size
    np.testing.assert_allclose(fine, training.embed(fresh, few, size=size), atol=1e-6)
    assert np.abs(fine - training.embed(trained.model, few)).max() > 1e-4, "else bf16 is not used either"
