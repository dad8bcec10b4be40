"""Notebooks: stored clean, parameters that are checked, and a whole run on a few people, twice with the same result."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
from notebook_runs import NOTEBOOKS, ROOT, SHORT, quiet_kernel
from papermill.exceptions import PapermillExecutionError
from papermill.translators import translate_parameters

from dmic import course
from dmic.images import DatasetError
from dmic.lab.arms import ARMS

FULL = ROOT / "notebooks" / "09_full_training.ipynb"


def execute(folder: Path, **parameters) -> nbformat.NotebookNode:
    """Run the full-training notebook as `make train` does."""
    quiet = {"kernel_name": "python3", "progress_bar": False, "cwd": str(folder)}
    output = folder / "executed.ipynb"
    return papermill.execute_notebook(str(FULL), str(output), parameters=parameters, **quiet)


@pytest.fixture(scope="module")
def executed(small_world, tmp_path_factory):
    """Execute the notebook on the small world: (folder, notebook)."""
    folder = tmp_path_factory.mktemp("run")
    parameters = {"data_root": str(small_world), "run_dir": str(folder / "run"), "device": "cpu"}
    with quiet_kernel():
        return folder, execute(folder, **parameters, overrides=json.dumps(SHORT))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3" and notebook.metadata.language_info.name == "python"
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        assert not cell.outputs and cell.execution_count is None
        assert set(cell.metadata) <= {"tags"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_cells_are_short(path):
    notebook = nbformat.read(path, as_version=4)
    lengths = sorted(cell.source.count("\n") + 1 for cell in notebook.cells if cell.cell_type == "code")
    assert lengths[-1] <= 25 and lengths[len(lengths) // 2] <= 6, lengths


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_parameters_are_literals_with_a_comment(path):
    cells = [
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if "parameters" in cell.metadata.get("tags", [])
    ]
    assert len(cells) == 1
    lines = cells[0].source.splitlines()
    for statement, line in zip(ast.parse(cells[0].source).body, lines, strict=True):
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
        assert " # " in line, f"papermill shows the comment as help: {line}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_lesson_begins_after_the_parameters_and_one_line(path):
    title, parameters, line, lesson = nbformat.read(path, as_version=4).cells[:4]
    assert title.cell_type == lesson.cell_type == "markdown" and "parameters" in parameters.metadata.tags
    assert lesson.source.startswith("**How to read" if path.name[:2] == "00" else "## The question\n")
    names = " ".join(papermill.inspect_notebook(str(path)))
    assert line.source.splitlines() == [
        "from dmic import course",
        "",
        f'settings = course.start("{names}")  # checks the cell above',
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_minutes_are_those_of_the_map_and_of_the_exercises(path):
    """Reading time within a third of 130 words a minute and four seconds a line of code."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    lines = sum(cell.source.count("\n") + 1 for cell in cells if cell.cell_type == "code")
    reading, exercises = re.search(
        r"\| (\d+) minutes, \d+ of them running; exercises (\d+) more \|", text
    ).groups()
    assert f"| {reading} + {exercises} min |" in map_line(path)
    assert int(exercises) == sum(map(int, re.findall(r"\((?:easy|medium|hard), (\d+) minutes", text)))
    unfolded = re.sub(r"<details>.*?</details>", "", text, flags=re.S).split("xercises\n")[0]
    estimate = len(re.findall(r"\w+", unfolded)) / 130 + lines * 4 / 60
    assert int(reading) == pytest.approx(estimate, rel=1 / 3)


def test_the_map_adds_up():
    text = (ROOT / "notebooks" / "README.md").read_text()
    parts = np.array(re.findall(r"\| (\d+) \+ (\d+) min \|", text), int)
    assert len(parts) == len(NOTEBOOKS)
    assert "In all {} + {} minutes".format(*parts.sum(0)) in text


def map_line(path: Path) -> str:
    """The line of the course's map that links a notebook."""
    lines = (ROOT / "notebooks" / "README.md").read_text().splitlines()
    return next(line for line in lines if f"({path.name})" in line)


def test_full_training_declares_the_promised_parameters():
    found = papermill.inspect_notebook(str(FULL))
    assert list(found) == ["preset", "data_root", "run_dir", "seed", "device", "resume", "overrides"]


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"sede": 1}, "unknown parameter 'sede'"),
        ({"seed": "one"}, "parameter seed is 'one'"),
        ({"seed": True}, "parameter seed is True"),
        ({"resume": "yes"}, "parameter resume is 'yes'"),
        ({"device": "tpu"}, "parameter device is 'tpu'"),
        ({"preset": "huge"}, "parameter preset is 'huge'"),
        ({"overrides": "{epochs: 3}"}, "parameter overrides is not JSON"),
        ({"overrides": {"training.epoch": 3}}, "unknown field of training: 'epoch'"),
        ({"overrides": {"training.epochs": "3"}}, "training.epochs is '3'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_parameters_stop_the_check_naming_them(parameters, named):
    """The notebook's own first code cells, run in a plain namespace as papermill would, with IPython's history of them."""
    cells = [cell.source for cell in nbformat.read(FULL, as_version=4).cells if cell.cell_type == "code"]
    cells.insert(1, translate_parameters("python3", "python", parameters))  # the cell that papermill injects
    namespace: dict = {"__name__": "__main__", "In": ["", *cells[:3]]}
    exec(cells[0], namespace)
    exec(cells[1], namespace)
    with pytest.raises(ValueError, match=named.replace("'", ".")):
        exec(cells[2], namespace)


def test_unknown_parameter_fails_at_once_through_papermill(tmp_path):
    with pytest.raises(PapermillExecutionError, match="unknown parameter 'sede'"):
        execute(tmp_path, sede=1)
    assert not (tmp_path / "runs").exists()


def test_whole_run_shows_and_records(executed):
    folder, notebook = executed
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(figures) == 8
    errors = [output for output in outputs if output.get("name") == "stderr" or output.output_type == "error"]
    assert not errors, errors
    recorded = json.loads((folder / "course" / "09.json").read_text())
    summary = json.loads((folder / "run" / "summary.json").read_text())
    for name, stage in {"ImageNet start": "start", "phase 1": "phase1", "DMIC": "final"}.items():
        shown = recorded["scores"][name]
        assert {key: shown[key] for key in summary[stage]} == pytest.approx(summary[stage])
    assert recorded["identities"] == 12


def test_second_run_prints_the_same(executed):
    """nbval executes the executed copy again and compares outputs: a test of determinism and of resuming."""
    folder, _ = executed
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", "executed.ipynb"]
    with quiet_kernel():
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-3000:]


def test_project_path_is_the_same_from_anywhere(monkeypatch, tmp_path):
    for place in (ROOT, ROOT / "notebooks", tmp_path):
        monkeypatch.chdir(place)
        assert course.project_path("data/x") == ROOT / "data" / "x"
    assert course.project_path(tmp_path) == tmp_path


def test_record_replaces_and_keeps_to_json(tmp_path):
    course.record("42", {"a": 1}, root=tmp_path)
    path = course.record("42", {"b": float("nan"), "c": (1, 2), "d": Path("x")}, root=tmp_path)
    assert json.loads(path.read_text()) == {"b": None, "c": [1, 2], "d": "x"}
    assert [file.name for file in tmp_path.iterdir()] == ["42.json"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "not done yet"),
        (0.25, "right"),
        (0.5, "not it. Think"),
        ("x", "expected one number"),
        (10**400, "expected one number"),
        (..., "not done yet"),
    ],
)
def test_check_never_raises(answer, said, capsys):
    course.check("Exercise", answer, 0.25, hint="Think")
    assert said in capsys.readouterr().out


def test_ensure_data_says_what_is_missing(tmp_path):
    with pytest.raises(DatasetError, match="regdb needs your own copy"):
        course.ensure_data(tmp_path / "none", preset="regdb")


def test_the_results_that_come_with_notebook_08_are_whole_and_say_where_they_are_from():
    results = json.loads((ROOT / "results" / "ablations_toy.json").read_text())
    tables = ("cluster_intra", "continued", "cluster_joint", "vanilla", "dnc", "mie", "dmic")
    held = {(run["arm"], run["seed"]) for run in results["runs"]}
    assert len(results["seeds"]) >= 3 and {(arm, seed) for arm in tables for seed in results["seeds"]} <= held
    assert len(held) == len(results["runs"]) and len(held) % len(results["seeds"]) == 0
    for run in results["runs"]:
        assert run["overrides"] == ARMS[run["arm"]]
        assert re.fullmatch(r"[0-9a-f]{40}", run["environment"]["git"])
        assert 0 < run["test"]["final"]["rank1"] < 100
