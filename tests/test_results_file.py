"""The file of a study: it says where it was made, grows by other arms and seeds, and is never written over by another study."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from notebook_runs import ROOT

from dmic.lab import results_file, study

ABOUT = {"preset": "toy", "overrides": {}, "share": 0.05, "data": {"name": "synthvi-toy"}, "identities": 120}


ORIGIN = {
    "command": "c",
    "commit": "aa",
    "date": "2026-11-27",
    "machine": "2 cores",
    "seeds": [7],
    "note": "",
}


def run(arm: str, seed: int, rank1: float = 1.0, commit: str = "aa") -> dict:
    return {"arm": arm, "seed": seed, "test": {"final": {"rank1": rank1}}, "environment": {"git": commit}}


def test_a_study_says_where_it_was_made(tmp_path):
    file = tmp_path / "new" / "study.json"
    results_file.write_study(file, ABOUT, [run("dmic", 0), run("vanilla", 2)], results_file.made([0, 2]))
    held = json.loads(file.read_text())
    assert held["seeds"] == held["made"]["seeds"] == [0, 2]
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    assert held["made"]["commit"] == (head or None)
    assert (
        f"{len(os.sched_getaffinity(0))} cores" in held["made"]["machine"]
        and "torch" in held["made"]["machine"]
    )


def test_the_command_is_the_one_that_was_typed():
    code = "import sys; from dmic.lab import results_file; print(results_file.made([1])['command'])"
    done = subprocess.run(
        [sys.executable, "-c", code, "--seeds", "1"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == "-c --seeds 1"
    command = [sys.executable, "-m", "timeit", "-n1", "-r1", "-s", code]
    assert (
        "python -m timeit -n1 -r1" in subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout
    )


def test_a_study_grows_and_keeps_what_it_holds(tmp_path):
    file = tmp_path / "study.json"
    results_file.write_study(file, ABOUT, [run("vanilla", 0), run("dmic", 1), run("dmic", 0)], ORIGIN)
    results_file.write_study(file, ABOUT, [run("mie", 0), run("dmic", 1, rank1=2.0), run("dmic", 3)], ORIGIN)
    held = json.loads(file.read_text())
    assert [(r["arm"], r["seed"]) for r in held["runs"]] == [
        ("dmic", 0),
        ("dmic", 1),
        ("dmic", 3),
        ("vanilla", 0),
        ("mie", 0),
    ]
    assert held["seeds"] == [0, 1, 3] and held["runs"][1]["test"]["final"]["rank1"] == 2.0


def test_runs_of_another_commit_are_told_apart(tmp_path):
    file = tmp_path / "study.json"
    for runs, note in (
        ([run("dmic", 0)], ""),
        ([run("dmic", 1, commit="bb")], "runs of 2 commits, see environment of each run"),
    ):
        results_file.write_study(file, ABOUT, runs, ORIGIN)
        assert json.loads(file.read_text())["made"] == {
            **ORIGIN,
            "seeds": [*range(runs[0]["seed"] + 1)],
            "note": note,
        }


def test_an_arm_that_is_no_longer_known_stays(tmp_path):
    file = tmp_path / "study.json"
    results_file.write_study(file, ABOUT, [run("mine", 0)], ORIGIN)
    results_file.write_study(file, ABOUT, [run("mie", 0)], ORIGIN)
    assert [line["arm"] for line in json.loads(file.read_text())["runs"]] == ["mie", "mine"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"overrides": {"training.epochs": 4}}, r"another overrides \(\{\}; now \{'training.epochs': 4\}\)"),
        ({"share": 0.1}, r"another share \(0.05; now 0.1\)"),
        (
            {"data": {"name": "synthvi-toy", "seed": 1}},
            "another data; give this one a file of its own: --results",
        ),
    ],
)
def test_another_study_is_never_written_over(tmp_path, change, said):
    file = tmp_path / "study.json"
    results_file.write_study(file, ABOUT, [run("dmic", 0)], ORIGIN)
    before = file.read_bytes()
    with pytest.raises(results_file.ResultsError, match=said):
        results_file.write_study(file, {**ABOUT, **change}, [run("dmic", 0)], ORIGIN)
    assert file.read_bytes() == before


def test_another_study_is_refused_before_anything_is_trained(tmp_path, monkeypatch, capsys):
    committed = ROOT / "results" / "ablations_toy.json"
    monkeypatch.setattr(study, "ensure_data", lambda folder, **_: folder)
    table = type(
        "Table",
        (),
        {"manifest_sha256": None, "info": {"name": "x"}, "train": type("Part", (), {"identities": [1, 2]})},
    )
    monkeypatch.setattr(study, "open_dataset", lambda folder: table)
    monkeypatch.setattr(study, "run_all", None)
    before = committed.read_bytes()
    with pytest.raises(SystemExit):
        study.main(["--data", "x", "--out", str(tmp_path / "out"), "--results", str(committed)])
    assert "holds a study with another" in capsys.readouterr().err
    assert committed.read_bytes() == before and not (tmp_path / "out").exists()


def test_a_studys_file_is_named_by_preset_and_data_set():
    assert results_file.results_path("toy", "synthvi-val") == ROOT / "results" / "study_toy_synthvi-val.json"
