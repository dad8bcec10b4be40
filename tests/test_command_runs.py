"""The command `dmic` end to end on a handful of people: render, train, resume, report."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import torch
from notebook_runs import SHORT, quiet_kernel

from dmic import config, images, training
from dmic.__main__ import main

SETTINGS = [f"{name}={value}" for name, value in {**SHORT, "training.epochs": 1}.items()]


@pytest.fixture(scope="module")
def trained(small_world, tmp_path_factory):
    """The folder of a run that `dmic train` made, and what it printed."""
    run = tmp_path_factory.mktemp("command") / "run"
    command = [
        sys.executable,
        "-m",
        "dmic",
        "train",
        "--data",
        str(small_world),
        "--run",
        run.name,
        "--seed",
        "3",
    ]
    with quiet_kernel():
        done = subprocess.run([*command, "--set", *SETTINGS], cwd=run.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return run, done.stdout


def test_train_is_fit_with_the_same_configuration(trained, small_world, tmp_path):
    run, said = trained
    changes = {"training.seed": 3, "training.device": "auto", **SHORT, "training.epochs": 1}
    settings = config.with_overrides(config.preset("toy"), changes)
    assert config.from_json((run / "config.json").read_text()) == settings
    table = images.open_dataset(small_world)
    by_hand = training.fit(settings, table, run_dir=tmp_path / "run", progress="none")
    summary = json.loads((run / "summary.json").read_text())
    assert {key: summary[key] for key in ("start", "phase1", "final")} == {
        key: by_hand.summary[key] for key in ("start", "phase1", "final")
    }
    assert f"after phase 2    Rank-1 {summary['final']['rank1']:5.1f} %" in said
    assert json.loads((run / "environment.json").read_text())["data_folder"] == str(small_world.resolve())


def test_train_again_reads_and_restart_trains(trained, small_world, monkeypatch, capsys):
    run, _ = trained
    words = ["train", "--data", str(small_world), "--run", str(run), "--seed", "3", "--set", *SETTINGS]
    stamp = (run / "metrics.jsonl").stat().st_mtime_ns
    assert main(words) == 0 and (run / "metrics.jsonl").stat().st_mtime_ns == stamp
    assert f"{run}: read, not trained; FRESH=1" in capsys.readouterr().out
    assert main([*words, "training.learning_rate=1e-4"]) == 2, "another configuration is refused"
    seen = {}
    monkeypatch.setattr(
        training, "fit", lambda *_, **given: seen.update(given) or (_ for _ in ()).throw(KeyboardInterrupt)
    )
    assert main([*words[: -len(SETTINGS)], *SETTINGS, "--restart"]) == 130 and seen["resume"] is False
    said = capsys.readouterr().err
    without = "the same command without --restart (make: FRESH=1) goes on from there"
    assert f"interrupted; epoch 2 is whole, and {without} ({run})" in said


def test_another_protocol_is_scored_from_the_command(trained, small_world, capsys):
    run, _ = trained
    words = ["train", "--data", str(small_world), "--run", str(run), "--seed", "3", "--set", *SETTINGS]
    assert main([*words, "data.protocol=synthvi-flipped"]) == 0
    flipped = json.loads((run / "summary.json").read_text())["protocols"]["synthvi-flipped"]
    said = capsys.readouterr().out
    assert f"after phase 2    Rank-1 {flipped['final']['rank1']:5.1f} %" in said
    assert f"by protocol synthvi-flipped: {flipped['queries']} queries" in said


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_found_before_people_are_rendered(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("dmic.commands.train.ensure_data", None)
    assert main(["train", "--device", "cuda", "--run", str(tmp_path / "run")]) == 2
    assert "ConfigError" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_report_makes_the_page_of_a_finished_run(trained, tmp_path):
    run = tmp_path / "moved"
    shutil.copytree(trained[0], run)
    before = (run / "metrics.jsonl").read_bytes()
    with quiet_kernel():
        assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    rank1 = json.loads((run / "summary.json").read_text())["final"]["rank1"]
    assert page.count("data:image/png") >= 5 and f"{rank1:.1f}" in page
    assert (run / "metrics.jsonl").read_bytes() == before, "nothing was trained again"


def test_render_makes_a_data_set_without_make(tmp_path, capfd):
    people = ["--set", "train_people=1", "--set", "test_people=1", "--workers", "1"]
    assert main(["render", "tiny", "--out", str(tmp_path / "people"), *people]) == 0
    table = images.open_dataset(tmp_path / "people")
    assert set(table.identities) == {1, 2} and table.info["made"]["preset"] == "tiny"
    assert main(["render", "tiny", "--out", str(tmp_path / "people"), *people]) == 0
    assert "nothing to do" in capfd.readouterr().out
