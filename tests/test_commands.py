"""The command `dmic`: what it answers to wrong requests, and what its options become. Whole runs are in test_command_runs."""

from __future__ import annotations

import json

import pytest

from dmic import config
from dmic.__main__ import COMMANDS, main
from dmic.commands import report, train


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_its_options(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0 and f"usage: dmic {command}" in said and len(said) > 300


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian"], "unknown command 'trian'; did you mean train? There are: render, train, report"),
        (["train", "--preset", "tyo"], "unknown preset 'tyo'; did you mean toy?"),
        (["train", "--set", "training.epoch=3"], "unknown field of training: 'epoch'; did you mean epochs?"),
        (["train", "--set", "epochs=3"], "did you mean training.epochs?"),
        (["train", "--set", "training.epochs=many"], "training.epochs is 'many' (str); expected int"),
        (["train", "--preset", "regdb", "--data", "nowhere"], "regdb needs your own copy"),
        (["render", "toi"], "toy"),
        (["report", "nowhere"], "holds no run; expected the folder of a finished run"),
    ],
)
def test_a_wrong_request_is_one_line_that_says_what_to_try(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_traceback_can_be_had(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(report.ReportError):
        main(["report", "nowhere", "--traceback"])


def test_settings_are_json_where_they_can_be():
    words = [
        "--set",
        "training.epochs=3",
        "loss.tau=0.1",
        "--set",
        "backbone.weights=a=b",
        "backbone.non_local=true",
    ]
    assert dict(train.parser().parse_args(words).settings) == {
        "training.epochs": 3,
        "loss.tau": 0.1,
        "backbone.weights": "a=b",
        "backbone.non_local": True,
    }
    with pytest.raises(SystemExit):
        train.parser().parse_args(["--set", "training.epochs"])


def test_a_run_that_is_not_finished_has_no_report(tmp_path, capsys):
    (tmp_path / "config.json").write_text(config.to_json(config.preset("toy")))
    assert main(["report", str(tmp_path)]) == 2
    assert "is not finished" in capsys.readouterr().err


def test_a_run_whose_images_are_gone_asks_for_them(tmp_path, capsys):
    (tmp_path / "config.json").write_text(config.to_json(config.preset("toy")))
    (tmp_path / "summary.json").write_text("{}")
    known = {"data_folder": str(tmp_path / "gone")}
    (tmp_path / "environment.json").write_text(json.dumps(known))
    assert main(["report", "--run", str(tmp_path)]) == 2
    assert "made by an older version" in capsys.readouterr().err
    (tmp_path / "environment.json").write_text(json.dumps({**known, "parts": []}))
    assert main(["report", "--run", str(tmp_path)]) == 2
    assert "gone; give their folder with --data" in capsys.readouterr().err


def test_the_changes_of_a_run_make_its_configuration_again():
    changes = {"training.epochs": 3, "clustering.k1_visible": None, "loss.memory_update": "momentum"}
    changed = config.with_overrides(config.preset("toy"), changes)
    assert report.changes_from_preset(changed) == changes
    assert report.changes_from_preset(config.preset("regdb")) == {}
