"""Train on one data set, score on another: against what a run itself says of its own test people."""

import json

import pytest
from notebook_runs import SHORT

from dmic.lab import transfer


def test_scoring_elsewhere_equals_the_runs_own_scores_at_home(mini_run, capsys):
    people, run = mini_run
    before = (run / "summary.json").read_bytes()
    found = transfer.main(
        [str(people), str(people), "--preset", "toy", "--run", str(run), "--overrides", json.dumps(SHORT)]
    )
    summary = json.loads((run / "summary.json").read_text())
    start, trained = found.values()
    for stage, scores in (("start", start), ("final", trained)):
        assert scores["synthvi"]["rank1"] == pytest.approx(summary[stage]["rank1"], abs=1e-6)
        assert scores["synthvi"]["mAP"] == pytest.approx(summary[stage]["mAP"], abs=1e-6)
    assert (run / "summary.json").read_bytes() == before  # read, not trained anew
    assert (
        f"| trained on synthvi-debug | synthvi | {trained['synthvi']['rank1']:.2f}" in capsys.readouterr().out
    )


def test_data_sets_without_a_protocol_are_refused(small_world, tmp_path, capsys):
    with pytest.raises(SystemExit):
        transfer.main([str(small_world), str(tmp_path / "nothing"), "--run", str(tmp_path / "run")])
    assert "nothing" in capsys.readouterr().err and not (tmp_path / "run").exists()
