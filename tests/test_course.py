"""The course: every notebook runs on a small world, prints the same again, and its folded solutions pass its checks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from notebook_runs import NOTEBOOKS, SHORT, quiet_kernel

COURSE = [path for path in NOTEBOOKS if path.name < "09"]
each_notebook = pytest.mark.parametrize("path", COURSE, ids=lambda path: path.name)


def outputs(notebook: nbformat.NotebookNode) -> list:
    """All outputs of all cells."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def printed(notebook: nbformat.NotebookNode) -> str:
    """Everything that cells printed."""
    return "".join(output.text for output in outputs(notebook) if output.output_type == "stream")


def with_solutions(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with every folded solution run right before the check that it belongs to."""
    cells = []
    for cell, after in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        if cell.cell_type == "code" and "course.check(" in cell.source:
            found = re.search(r"<summary>.*?[Ss]olution.*?```python\n(.*?)```", after.source, re.S)
            assert found, f"no folded solution after this check:\n{cell.source}"
            cells.append(nbformat.v4.new_code_cell(found[1]))
        cells.append(cell)
    notebook.cells = cells
    return notebook


@pytest.fixture(scope="module")
def run(mini_run, request, tmp_path_factory):
    """Execute a notebook on the small world and its short run: (path, solved?) -> executed file; each only once."""
    people, run_dir = mini_run
    done: dict[tuple[str, bool], Path] = {}

    def execute(path: Path, solved: bool) -> Path:
        if (path.name, solved) not in done:
            folder = tmp_path_factory.mktemp(path.stem)
            source = path
            if solved:
                source = folder / "solved.ipynb"
                nbformat.write(with_solutions(nbformat.read(path, as_version=4)), source)
            known = papermill.inspect_notebook(str(path))
            study = (
                {"results_file": str(request.getfixturevalue("mini_study"))}
                if "results_file" in known
                else {}
            )
            offered = {
                "data_root": str(people),
                "run_dir": str(run_dir),
                "record_dir": str(run_dir.parent / "course"),
                "overrides": json.dumps(SHORT),
                **study,
            }
            with quiet_kernel():
                papermill.execute_notebook(
                    str(source),
                    str(folder / "executed.ipynb"),
                    parameters={name: value for name, value in offered.items() if name in known},
                    kernel_name="python3",
                    progress_bar=False,
                    cwd=str(folder),
                )
            done[path.name, solved] = folder / "executed.ipynb"
        return done[path.name, solved]

    return execute


@each_notebook
def test_runs_shows_and_records(path, run, mini_run):
    notebook = nbformat.read(run(path, False), as_version=4)
    wrong = [o for o in outputs(notebook) if o.get("name") == "stderr" or o.output_type == "error"]
    assert not wrong, wrong
    assert sum("image/png" in output.get("data", {}) for output in outputs(notebook)) >= 3
    checks = sum("course.check(" in cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert 2 <= checks <= 5 and printed(notebook).count("not done yet") >= checks
    assert json.loads((mini_run[1].parent / "course" / f"{path.name[:2]}.json").read_text())


@each_notebook
def test_second_run_prints_the_same(path, run):
    executed = run(path, False)
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", executed.name]
    with quiet_kernel():
        done = subprocess.run(command, cwd=executed.parent, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-3000:]


@each_notebook
def test_solutions_pass_their_checks(path, run):
    said = printed(nbformat.read(run(path, True), as_version=4))
    verdicts = re.findall(r"^(Exercise.*?): (.*)$", said, re.M)
    assert verdicts and all(verdict.startswith("right") for _, verdict in verdicts), verdicts


@each_notebook
def test_stands_in_the_course(path):
    """Skeleton: promise, links both ways, table, a question, failure, exercises, quiz with five answers, ends."""
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert text.startswith(f"# {path.name[:2]} · ") and "[map](README.md)" in notebook.cells[0].source
    assert "| you will learn |" in notebook.cells[0].source
    for part in (
        "Predict",
        "What to see",
        "When it fails",
        "xercise",
        "uiz",
        "What you now know",
        "What we left out",
    ):
        assert part in text, f"{path.name} has no {part!r}"
