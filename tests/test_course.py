"""The course: every notebook runs on a small world, its folded solutions pass its checks and change nothing else.

The run with solutions is the second run of a notebook: all that it prints and draws outside of solutions and checks must be what
the first run printed and drew, so it also tests that a notebook repeats itself.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import papermill
import pytest
from notebook_runs import NOTEBOOKS, SHORT, quiet_kernel

from dmic.plots import people

COURSE = [path for path in NOTEBOOKS if path.name < "09"]
FEWER_STEPS = {
    "07_two_phase_training.ipynb": {
        '"training.iterations": 12': '"training.iterations": 3',
        '"training.iterations": 6': '"training.iterations": 2',
    }
}
"""What tests change in a notebook's own trainings, which no parameter reaches: minutes of one core each."""

each_notebook = pytest.mark.parametrize("path", COURSE, ids=lambda path: path.name)


def outputs(notebook: nbformat.NotebookNode) -> list:
    """All outputs of all cells."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def printed(notebook: nbformat.NotebookNode) -> str:
    """Everything that cells printed."""
    return "".join(output.text for output in outputs(notebook) if output.output_type == "stream")


def with_fewer_steps(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """The notebook with shorter trainings of its own."""
    for text, shorter in FEWER_STEPS.get(name, {}).items():
        holding = [cell for cell in notebook.cells if cell.cell_type == "code" and text in cell.source]
        assert len(holding) == 1, f"{len(holding)} cells of {name} hold {text}: see FEWER_STEPS"
        holding[0].source = holding[0].source.replace(text, shorter)
    return notebook


def with_solutions(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with every folded solution run right before the check that it belongs to."""
    cells = []
    for cell, after in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        if cell.cell_type == "code" and "course.check(" in cell.source:
            found = re.search(r"<summary>.*?[Ss]olution.*?```python\n(.*?)```", after.source, re.S)
            assert found, f"no folded solution after this check:\n{cell.source}"
            cells.append(nbformat.v4.new_code_cell(found[1], metadata={"tags": ["solution"]}))
        cells.append(cell)
    notebook.cells = cells
    return notebook


def shown(notebook: nbformat.NotebookNode) -> list[tuple[str, list]]:
    """Source and outputs of each cell whose outputs must be the same in each run, solved or not: texts, tables, figures."""
    exempt = {"solution", "nbval-ignore-output", "injected-parameters"}
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and not exempt & set(cell.metadata.get("tags", [])):
            text = "".join(output.text for output in cell.outputs if output.output_type == "stream")
            data = [dict(output.data) for output in cell.outputs if "data" in output]
            found.append((cell.source, [] if "course.check(" in cell.source else [text, *data]))
    return found


@pytest.fixture(scope="module")
def run(mini_run, tmp_path_factory):
    """Execute a notebook on the small world and its short run: (path, solved?) -> executed file; each only once."""
    people, run_dir = mini_run
    done: dict[tuple[str, bool], Path] = {}

    def execute(path: Path, solved: bool) -> Path:
        if (path.name, solved) not in done:
            folder = tmp_path_factory.mktemp(path.stem)
            notebook = with_fewer_steps(nbformat.read(path, as_version=4), path.name)
            nbformat.write(with_solutions(notebook) if solved else notebook, folder / "source.ipynb")
            known = papermill.inspect_notebook(str(path))
            offered = {
                "data_root": str(people),
                "run_dir": str(run_dir),
                "record_dir": str(run_dir.parent / "course"),
                "overrides": json.dumps(SHORT),
            }
            with quiet_kernel():
                papermill.execute_notebook(
                    str(folder / "source.ipynb"),
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
def test_solutions_pass_their_checks(path, run):
    said = printed(nbformat.read(run(path, True), as_version=4))
    verdicts = re.findall(r"^(Exercise.*?): (.*)$", said, re.M)
    assert verdicts and all(verdict.startswith("right") for _, verdict in verdicts), verdicts


@each_notebook
def test_second_run_shows_the_same(path, run):
    first, second = (shown(nbformat.read(run(path, solved), as_version=4)) for solved in (False, True))
    assert len(first) == len(second)
    assert sum("image/png" in data for _, outputs in first for data in outputs[1:]) >= 2
    for (source, one), (again, other) in zip(first, second, strict=True):
        assert source == again
        assert one == other, f"this cell shows something else in a second run, with solutions:\n{source}"


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


def test_figures_of_the_readme_are_drawn_from_a_run(mini_run, tmp_path):
    data, run = mini_run
    people.main([str(data), str(tmp_path), str(run)])
    for name in ("synthvi.png", "ranked.png"):
        assert min(plt.imread(tmp_path / name).shape[:2]) > 200
    assert not list(tmp_path.glob("[!sr]*"))
