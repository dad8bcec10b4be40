"""A disturbed training ends as an undisturbed one, and the comparison notices the smallest difference."""

import json
import os
import shutil
from collections import Counter
from threading import Event

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import save_file
from test_stopping import heeding  # noqa: F401 - Ctrl-C counts, also where a shell started this in the background

from dmic.lab import report, torture
from dmic.lab.torture import KINDS, Disturbance, Outcome, Torture, TortureError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")


# Real processes ---------------------------------------------------------------------------------------------------


def test_a_training_that_is_disturbed_in_every_way_ends_as_an_undisturbed_one(small_world, tmp_path):
    settings = ("training.epochs=1", "training.iterations=1")
    plan = [
        Disturbance("INT", 0.03),  # while Python starts
        Disturbance("disk_full", 0.3),  # room for labels, not for embeddings
        Disturbance("KILL", 0.4, aimed=True),
        Disturbance("TERM", 0.05),
        Disturbance("second_writer", 0.1),
    ]
    assert {what.kind for what in plan} == set(KINDS)
    assert Torture(small_world, tmp_path, *settings).run("disturbed", plan) == Outcome(came=plan, wrong="")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"undisturbed", "undisturbed.lock", "disturbed.lock"}


def test_what_ends_otherwise_than_it_must_is_told(tmp_path):
    with pytest.raises(TortureError, match="status 2: .*no data set in .*nowhere"):
        Torture(tmp_path / "nowhere", tmp_path, "training.epochs=1")


def test_no_process_outlives_an_end_of_the_whole(small_world, tmp_path):
    stopped = Event()
    stopped.set()
    with pytest.raises(KeyboardInterrupt):
        Torture(small_world, tmp_path, "training.epochs=1", stopped=stopped)
    assert not any("dmic" in child.cmdline() for child in psutil.Process().children(recursive=True))


# Comparison -------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_runs(tmp_path):
    """Two run folders of the same numbers, made at other times."""
    for seconds, name in enumerate(("one", "other")):
        run = tmp_path / name
        (run / "checkpoints/epoch_001").mkdir(parents=True)
        (run / "pseudo_labels").mkdir()
        save_file({"w": torch.ones(3)}, run / "checkpoints/epoch_001/checkpoint.safetensors")
        np.savez(run / "pseudo_labels/phase1_epoch_000.npz", visible=np.arange(3))
        line = {"loss": 0.1 + 0.2, "seconds": {"embed": seconds}, "elapsed": seconds}
        (run / "metrics.jsonl").write_text(f"{json.dumps(line)}\n" * 2)
        summary = {"final": {"rank1": 50.0}, "seconds": seconds, "peak_memory_gib": seconds}
        (run / "summary.json").write_text(json.dumps(summary))
    return tmp_path / "one", tmp_path / "other"


def test_times_and_memory_make_no_difference(two_runs):
    assert torture.differences(*two_runs) == []


def flip_a_bit_of_the_last_weight(run):
    file = run / "checkpoints/epoch_001/checkpoint.safetensors"
    content = bytearray(file.read_bytes())
    content[-4] ^= 1  # little-endian: the last bit of its mantissa
    file.write_bytes(content)
    return file


def change_a_label(run):
    file = run / "pseudo_labels/phase1_epoch_000.npz"
    np.savez(file, visible=np.array([0, 1, 1]))
    return file


def change_the_last_digit_of_a_loss(run):
    file = run / "metrics.jsonl"
    changed = file.read_text().replace("0.30000000000000004", "0.3", 1)
    file.write_text(changed)
    return file


def lose_the_last_epoch(run):
    file = run / "metrics.jsonl"
    file.write_text(file.read_text().splitlines()[0] + "\n")
    return file


def change_a_score(run):
    file = run / "summary.json"
    file.write_text(file.read_text().replace("50.0", "50.1"))
    return file


def remove_a_checkpoint(run):
    shutil.rmtree(run / "checkpoints/epoch_001")
    return run / "checkpoints/epoch_001/checkpoint.safetensors"


@pytest.mark.parametrize(
    "change",
    [
        flip_a_bit_of_the_last_weight,
        change_a_label,
        change_the_last_digit_of_a_loss,
        lose_the_last_epoch,
        change_a_score,
        remove_a_checkpoint,
    ],
)
def test_every_other_difference_is_named(change, two_runs):
    one, other = two_runs
    changed = change(other)
    assert torture.differences(one, other) == [changed.relative_to(other).as_posix()]


# The command ------------------------------------------------------------------------------------------------------


def test_the_moments_reach_everywhere():
    drawn = [what for seed in range(300) for what in torture.draw(np.random.default_rng(seed))]
    counts = Counter(what.kind for what in drawn)
    assert set(counts) == set(KINDS) and min(counts.values()) > 0.7 * max(counts.values())
    tenths = Counter(int(10 * what.moment) for what in drawn)
    assert set(tenths) == set(range(10)) and min(tenths.values()) > 30
    aimed = [what.aimed for what in drawn if what.kind in ("KILL", "TERM", "INT")]
    assert 0.4 < np.mean(aimed) < 0.6


@pytest.mark.parametrize(("wrong", "status"), [("", 0), ("other metrics.jsonl", 1)])
def test_the_command_counts_and_fails_if_one_run_differs(wrong, status, tmp_path, monkeypatch, capsys):
    class Quick(Torture):
        def __init__(self, *_, **__):
            pass

        def run(self, name, what):
            return Outcome([Disturbance("KILL", 0.5, aimed=True)], wrong if name == "1" else "")

    monkeypatch.setattr(torture, "Torture", Quick)
    monkeypatch.setattr(torture.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(torture, "ensure_data", lambda data, preset: data)
    monkeypatch.setattr(torture.signal, "signal", lambda *_: None)
    (tmp_path / "results").mkdir()
    (tmp_path / "results/machines.json").write_text("{}")
    words = ["--runs", "3", "--jobs", "2", "--out", str(tmp_path / "results/torture.json")]
    assert torture.main(words) == status
    shown, told = capsys.readouterr()
    equal = 3 - status
    assert shown.endswith(f"{equal} of 3 equal, after 3 interruptions\n")
    assert f"KILL at 50% of its writing: {wrong or 'equal'}\n" in shown
    found = report.load(tmp_path / "results")["torture"]
    asked = "{t.equal:.0f} of {t.runs:.0f}, {t.interruptions.KILL:.0f} + {t.interruptions.second_writer:.0f}"
    assert asked.format(t=found) == f"{equal} of 3, 3 + 0" and found.aimed_at_writing == 3
    kept = list(tmp_path.glob("dmic-torture-*"))
    assert len(kept) == status and all(str(folder) in told for folder in kept)
