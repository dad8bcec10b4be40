"""The line that opens a notebook: which cells count as its parameters, in a kernel as JupyterLab runs it, and what it makes of them."""

from __future__ import annotations

import re

import pytest
from jupyter_client.manager import start_new_kernel
from notebook_runs import quiet_kernel
from papermill.translators import translate_parameters

from dmic.config import ConfigError, preset, with_overrides
from dmic.course.parameters import ParameterError, read_parameters

NAMES = "preset data_root run_dir seed overrides"
CELL = 'preset = "toy"\ndata_root = "data/x"\nrun_dir = "runs/x"  # a comment\nseed = 0\noverrides = "{}"'
START = f'from dmic import course\n\nsettings = course.start("{NAMES}")  # checks the cell above'
GOOD = {"preset": "toy", "data_root": "data/x", "run_dir": "runs/x", "seed": 0, "overrides": "{}"}


def injected(**parameters) -> str:
    """The cell that papermill writes."""
    return translate_parameters("python3", "python", parameters)


@pytest.fixture(scope="module")
def client():
    with quiet_kernel():
        manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def run(client):
    """Run cells, one after the other, in a kernel without a past: what each printed, or its error."""
    client.execute_interactive("get_ipython().reset()", silent=True, store_history=False, timeout=60)

    def run_cell(cell: str) -> str:
        heard: list[dict] = []
        client.execute_interactive(cell, output_hook=heard.append, timeout=60)
        said = [message["content"] for message in heard if message["msg_type"] in ("stream", "error")]
        return "".join(
            part["text"] if "text" in part else f"{part['ename']}: {part['evalue']}" for part in said
        )

    return lambda *cells: [run_cell(cell) for cell in cells]


def fine(said: str) -> bool:
    return said.startswith("[OK] Python")


def test_it_prints_one_line_and_returns_the_configuration(run):
    _, started, shown = run(CELL, START, "print(settings.name, settings.training.seed)")
    assert re.fullmatch(r"\[OK\] Python [\d.]+, torch \S+, \d+ CPU cores\n", started), started
    assert shown == "toy 0\n"


def test_it_names_a_missing_package(run):
    lost = 'course.PACKAGES = (*course.PACKAGES, "dmic-nonesuch")'
    _, *said = run(CELL, START, lost, START, "course.PACKAGES = course.PACKAGES[:-1]", START)
    assert fine(said[0]) and fine(said[4])
    assert re.fullmatch(r"\[FAIL\] dmic-nonesuch: not installed; run `make lab` .*\n", said[2])


def test_cells_run_twice(run):
    said = run(CELL, CELL, START, START, CELL, START)
    assert not any(said[i] for i in (0, 1, 4)) and all(fine(said[i]) for i in (2, 3, 5)), said


def test_cells_of_the_lesson_are_no_parameters(run):
    lesson = ("answer = None", "people = 3\nanswer_1 = 0.5\nname: str = 'x'", "import math\nm = 2\nn = m")
    cells = (CELL, START, *lesson, START, CELL, lesson[2], lesson[0], START, lesson[1], START, CELL, START)
    for cell, said in zip(cells, run(*cells), strict=True):
        assert fine(said) if cell == START else not said


@pytest.mark.parametrize("name", NAMES.split())
def test_a_typo_is_found_although_the_right_name_is_still_in_the_kernel(run, name):
    typo = CELL.replace(name, f"{name}x", 1)
    _, before, _, wrong, _, after = run(CELL, START, typo, START, CELL, START)
    assert fine(before) and fine(after)
    assert wrong.startswith(
        f"ParameterError: unknown parameter '{name}x'; the parameters are preset, data_root"
    )


def test_the_message_stands_alone(client, run):
    run(CELL.replace("seed", "sed"))
    wrong = client.execute_interactive(START, output_hook=lambda message: None, timeout=60)["content"]
    message = "unknown parameter 'sed'; the parameters are preset, data_root, run_dir, seed, overrides"
    assert (wrong["ename"], wrong["evalue"]) == ("ParameterError", message)
    assert wrong["traceback"] == [f"ParameterError: {message}"]


def test_an_edited_cell_counts_from_when_it_is_run(run):
    edited = CELL.replace("seed = 0", "seed = 5").replace('"{}"', '{"training.epochs": 3}')
    shown = run(CELL, START, edited, START, "print(settings.training.seed, settings.training.epochs)")[-1]
    assert shown == "5 3\n"
    assert "parameter seed is '5' (str); expected int" in run(edited.replace("5", '"5"'), START)[-1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seed = -1", "ConfigError: training.seed is -1"),
        ("seed: int = 7", "[OK] Python"),
        ("seed = True", "parameter seed is True (bool); expected int"),
        ("seed = None", "parameter seed is None (NoneType); expected int"),
        ("seed = sedd = 1", "unknown parameter 'sedd'"),
        ("seed = 1; sedd: int = 2", "unknown parameter 'sedd'"),
    ],
)
def test_every_kind_of_assignment_is_read(run, line, said):
    assert said in run(CELL.replace("seed = 0", line), START)[-1]


def test_overrides_may_be_a_dictionary(run):
    cell = CELL.replace('"{}"', '{"training.epochs": 1}')
    assert run(cell, START, "print(settings.training.epochs)")[-1] == "1\n"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"seed": 3}, "[OK] Python"),
        ({"preset": "small", "data_root": "d", "run_dir": "r", "seed": 1, "overrides": {}}, "[OK] Python"),
        ({"sedd": 1}, "unknown parameter 'sedd'"),
        (
            {"preset": "small", "data_root": "d", "run_dir": "r", "sedd": float("nan")},
            "unknown parameter 'sedd'",
        ),
        ({"seed": 1.0}, "parameter seed is 1.0 (float); expected int"),
        ({"preset": "huge"}, "parameter preset is 'huge'; expected one of 'toy'"),
        ({"data_root": None, "seed": 1}, "parameter data_root is None (NoneType); expected str"),
    ],
    ids=str,
)
def test_what_papermill_injects_counts(run, parameters, said):
    assert said in run(CELL, injected(**parameters), START)[-1]


def test_a_name_in_the_parameters_cell_is_found_whatever_papermill_injects(run):
    all_of_them = {name: value for name, value in GOOD.items() if name != "overrides"}
    assert "unknown parameter 'foo'" in run(CELL + "\nfoo = 1", injected(**all_of_them), START)[-1]


@pytest.mark.parametrize(
    "cell", ["sedd = 1", "seed = 2\nsedd: dict = {'a': [-1, None]}", injected(sedd=float("nan"))]
)
def test_a_cell_of_literals_right_below_counts_who_ever_wrote_it(run, cell):
    assert "unknown parameter 'sedd'" in run(CELL, "seed = 1", cell, START)[-1]


def test_what_was_injected_is_forgotten_with_the_next_parameters(run):
    said = run(CELL, injected(sedd=1), START, CELL, START, injected(sedd=2), START)
    assert "unknown parameter 'sedd'" in said[2] and fine(said[4])


def test_a_name_set_elsewhere_counts_by_its_value(run):
    shown = run(CELL, START, 'preset = ["toy", "small"][1]', START, "print(settings.name)")
    assert fine(shown[3]) and shown[4] == "small\n"
    assert "parameter preset is 'huge'" in run('preset = "hu" + "ge"', START)[-1]


def test_another_parameters_cell_is_not_this_notebooks(run):
    other = 'people = 3\nepochs = 7\nseed = 2\ndata_root = "data/y"'
    assert fine(run(CELL, START, other, START)[-1])


def test_all_in_one_cell(run):
    assert fine(run(f"{CELL}\n{START}")[-1])


def test_values_may_be_given(run):
    shown = run(
        'from dmic import course\nprint(course.start("preset seed", {"preset": "toy", "seed": 4}).training.seed)'
    )
    assert shown[-1].endswith("\n4\n")


HISTORIES = [
    {},
    {"In": []},
    {"In": 3},
    {"In": [""]},
    {"In": ["", "sedd = 1", "% no Python", "x = '\0'", START]},
]


@pytest.mark.parametrize("history", HISTORIES)
def test_without_history_declared_names_are_checked(history):
    names = NAMES.split()
    read = read_parameters(names, {**GOOD, **history, "seed": 3, "other": 1})
    assert read == with_overrides(preset("toy"), {"training.seed": 3})
    with pytest.raises(ParameterError, match="parameter seed is 'zero' .str.; expected int"):
        read_parameters(names, {**GOOD, **history, "seed": "zero"})
    with pytest.raises(
        ParameterError, match="parameter overrides is missing; the parameters are preset, data"
    ):
        read_parameters(names, {**{name: GOOD[name] for name in names[:-1]}, **history})


def test_a_notebook_without_training_takes_only_what_is_rendered_for_it():
    names = ["preset", "data_root", "seed", "record_dir"]
    values = {**GOOD, "record_dir": "runs/course"}
    assert read_parameters(names, {**values, "preset": "small"}).name == "small"
    with pytest.raises(ParameterError, match="parameter preset is 'regdb'; expected one of 'toy', 'small'$"):
        read_parameters(names, {**values, "preset": "regdb"})


def test_overrides_come_last_and_are_checked():
    names = NAMES.split()
    changed = read_parameters(names, {**GOOD, "overrides": '{"training.seed": 8, "clustering.k1": 30}'})
    assert (changed.training.seed, changed.clustering.k1) == (8, 30)
    assert read_parameters(names, {**GOOD, "overrides": ""}) == preset("toy")
    with pytest.raises(ParameterError, match="parameter overrides is .3.; expected an object"):
        read_parameters(names, {**GOOD, "overrides": "[3]"})
    with pytest.raises(ConfigError, match="unknown field of training: 'epoch'"):
        read_parameters(names, {**GOOD, "overrides": {"training.epoch": 3}})


def test_a_notebook_can_have_only_what_the_table_knows():
    with pytest.raises(ParameterError, match="unknown name in course.start 'sed'; did you mean seed"):
        read_parameters(["preset", "sed"], {"preset": "toy", "sed": 1})
