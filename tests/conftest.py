"""What all tests share: few, repeatable examples, seeded generators, a small world, and what each file costs."""

import gc
import itertools
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import HealthCheck, settings
from notebook_runs import ROOT, SHORT, quiet_kernel

LONGEST_FIRST = (
    *("07_two_phase_training.ipynb", "04_mie.ipynb", "05_dnc.ipynb", "test_notebooks.py", "test_training.py"),
    *(
        "test_run_folder.py",
        "test_command_runs.py",
        "06_hmcl.ipynb",
        "test_stopping.py",
        "test_torture.py",
        "test_surroundings.py",
        "03_distance_encoding.ipynb",
    ),
    *("01_people_and_cameras.ipynb", "02_backbone.ipynb", "08_ablations.ipynb", "00_start_here.ipynb"),
    *("test_synthvi_world.py", "test_synthvi.py", "test_synthvi_people.py", "test_prepare_sysu_mm01.py"),
    *("test_wheel.py", "test_prepare_llcm.py", "test_prepare_regdb.py", "test_prepare_command.py"),
)
"""Groups of tests in the order in which workers take them; a long one that starts last keeps one core busy alone."""

SLOW = {"test_course.py", *(name for name in LONGEST_FIRST if name.startswith("test_"))}
"""Files that `make check` leaves out: whole runs, renderings, raw trees, notebooks, real processes."""

for name in LONGEST_FIRST:
    folder = "tests" if name.startswith("test_") else "notebooks"
    assert (ROOT / folder / name).is_file(), f"conftest.py names {name}, which is not there"

START = pytest.StashKey[float]()

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")
torch.set_num_threads(1)  # tiny tensors: more threads only wait for each other


def group_of(nodeid: str) -> str:
    """What runs in one process: a file, or a notebook of the course."""
    file, _, test = nodeid.partition("::")
    own = re.search(r"\[(.*\.ipynb)\]$", test) if file.endswith("test_course.py") else None
    return own[1] if own else file.rpartition("/")[2]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `pytest -n`, tests of a group share a process and what they made there; groups keep their order.

    Not by marks and ``--dist loadgroup``: with pytest 9.2, xdist 3.8 passes over the marks and tears all groups apart.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)


def pytest_collection_modifyitems(config, items):
    """Mark slow files; with `pytest -n`, take the longest group first."""
    for item in items:
        if item.path.name in SLOW:
            item.add_marker(pytest.mark.slow)
    if hasattr(config, "workerinput"):
        place = {name: number for number, name in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: place.get(group_of(item.nodeid), len(place)))


def pytest_collection_finish(session):
    """Leave what was imported out of garbage collections: accelerate asks for a whole one before every phase."""
    gc.freeze()


def cpu_seconds() -> float:
    """Of this process and of all children that it has waited for."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    item.stash[START] = cpu_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    try:
        return (yield)
    finally:  # before pytest writes the teardown's report, which carries it from worker to terminal
        item.user_properties.append(("cpu", (group_of(item.nodeid), cpu_seconds() - item.stash[START])))


def pytest_terminal_summary(terminalreporter):
    """CPU seconds by file: unlike the time on the clock, the same on a busy machine and with any number of workers."""
    spent, places = Counter(), defaultdict(set)
    for report in itertools.chain(*terminalreporter.stats.values()):
        if getattr(report, "when", None) == "teardown":
            for group, seconds in (value for name, value in report.user_properties if name == "cpu"):
                spent[group] += seconds
                places[group].add(getattr(report, "worker_id", ""))
    if not spent:
        return
    terminalreporter.section(f"{spent.total():.0f} CPU seconds")
    large = {group: seconds for group, seconds in spent.most_common() if seconds >= 5}
    for group, seconds in large.items():
        torn = "" if len(places[group]) == 1 else f", torn apart: in {len(places[group])} processes"
        terminalreporter.write_line(f"{seconds:7.1f} {group}{torn}")
    rest = f"{len(spent) - len(large)} files of less than 5 each"
    terminalreporter.write_line(f"{spent.total() - sum(large.values()):7.1f} {rest}")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory) -> Path:
    """One folder for all workers."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made_once(file: Path, *command: str) -> None:
    """Run a Python command that writes a file as its last act, in the first worker that wants it; others wait."""
    with FileLock(f"{file.parent}.made"):
        if not file.is_file():
            done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, f"exit status {done.returncode}:\n{done.stderr[-3000:]}"


@pytest.fixture(scope="session")
def small_world(shared_folder) -> Path:
    """A data set folder with a handful of rendered people."""
    people = shared_folder / "people"
    made_once(people / "dataset.json", "-m", "dmic", "render", "debug", "--out", str(people))
    return people


@pytest.fixture(scope="session")
def mini_run(small_world, shared_folder) -> tuple[Path, Path]:
    """The small world, and a finished short run on it that the notebooks of the course read."""
    run_dir = shared_folder / "mini"
    where = ("--data", str(small_world), "--run", str(run_dir))
    with quiet_kernel():
        made_once(run_dir / "summary.json", "-m", "dmic", "train", *where, "--overrides", json.dumps(SHORT))
    return small_world, run_dir
