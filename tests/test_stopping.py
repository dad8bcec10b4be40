"""Ctrl-C, polite and rude kills: real processes that render or prepare, and what they leave behind."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
from notebook_runs import ROOT, STUDY
from PIL import Image

from data_scripts import render_synthvi, stopping
from dmic.images import DatasetError, open_dataset

LONG = 300  # seconds: a slow and busy machine needs a part of it, a hanging process is killed after it
TINY = ["--preset", "tiny", "--set", "train_people=1", "--set", "test_people=1", "--workers", "1"]
PREPARE = """
import sys
sys.path[:0] = sys.argv[1:3]
from test_prepare_command import SOURCE, main
raise SystemExit(main(SOURCE, None, sys.argv[3:]))
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals as a POSIX terminal sends them")


@pytest.fixture(autouse=True)
def heeding():
    """Ctrl-C counts in these tests, also where the shell started them in the background, with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # so children get the default, too
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def started(command):
    """A process in a group of its own, as a shell starts it. Nothing of it outlives the test."""
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # nothing is left of the group, or only what has ended
            pass
        process.communicate()


def rendering(out, workers):
    """A rendering that takes much longer than its first images, but ends even if nobody is left to stop it."""
    people = ["--set", "train_people=300", "--set", "test_people=300"]
    script = ROOT / "data_scripts/render_synthvi.py"
    return [script, "--preset", "tiny", *people, "--workers", workers, "--out", out]


def working(process, out, *, some):
    """Wait until the unfinished folder is there (and holds some images); returns it."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        assert process.poll() is None, f"it ended too early: {process.communicate()[1]}"
        for folder in out.parent.glob(f".{out.name}.incomplete-*-{process.pid}"):
            images = folder / "images.npy"
            if not some or (images.exists() and images.stat().st_size > 10_000):
                return folder
        time.sleep(0.01)
    raise AssertionError("nothing was begun")


def end_of(process):
    """Exit status and stderr, at the end of the process and of all that it started: they share this stderr."""
    _, said = process.communicate(timeout=LONG)
    return process.returncode, said


@pytest.mark.parametrize(
    ("workers", "some", "number"),
    [
        (1, True, signal.SIGINT),
        (2, False, signal.SIGINT),  # while the workers start
        (2, True, signal.SIGINT),
        (2, True, signal.SIGTERM),
    ],
)
def test_an_interrupted_rendering_says_one_line_and_leaves_nothing(tmp_path, workers, some, number):
    out = tmp_path / "x"
    with started(rendering(out, workers)) as process:
        working(process, out, some=some)
        os.killpg(process.pid, number)
        assert end_of(process) == (128 + number, f"interrupted; nothing was written to {out}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_preparation_says_one_line_and_leaves_nothing(tmp_path, number):
    raw, out = tmp_path / "raw", tmp_path / "made" / "x"
    (raw / "all").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), dtype=np.uint8)
    Image.fromarray(noise).save(raw / "all/0.png")
    for name in range(1, 3000):
        os.link(raw / "all/0.png", raw / f"all/{name}.png")
    places = ["--root", raw, "--out", out, "--workers", 2]
    with started(["-c", PREPARE, ROOT, ROOT / "tests", *places]) as process:
        working(process, out, some=True)
        os.killpg(process.pid, number)
        assert end_of(process) == (128 + number, f"interrupted; nothing was written to {out}\n")
    assert list(out.parent.iterdir()) == []


def test_after_a_kill_the_next_writer_clears_away_what_is_dead_and_nothing_else(tmp_path):
    out = tmp_path / "x"
    with started(rendering(out, 2)) as process:
        dead = working(process, out, some=True)
        os.kill(process.pid, signal.SIGKILL)  # the parent alone: its workers have to notice
        assert end_of(process)[0] == -signal.SIGKILL
    with pytest.raises(DatasetError, match="no data set folder"):
        open_dataset(out)
    assert dead.exists()
    with started(rendering(out, 1)) as process:
        living = working(process, out, some=True)
        assert not dead.exists() and living.exists()
        assert render_synthvi.main([*TINY, "--out", str(out)]) == 0
        assert living.exists() and process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        assert end_of(process) == (130, f"interrupted; nothing unfinished is left in {out}\n")
    assert list(tmp_path.iterdir()) == [out]
    open_dataset(out, verify=True)


@pytest.mark.parametrize("task", ["trace", "render"])
def test_a_dead_worker_ends_the_rendering(tmp_path, task):
    """As where memory is short and the system kills one process."""
    out = tmp_path / "x"
    script = "import os, sys; from data_scripts import render_synthvi as r; from data_scripts.synthvi import dataset\n"
    script += f"from test_stopping import die; dataset._{task} = die; raise SystemExit(r.main(sys.argv[1:]))"
    paths = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
    with started(["-c", paths + script, *TINY[:-1], 2, "--out", out]) as process:
        code, said = end_of(process)
    assert code == 1 and said.startswith("WorkerError: A worker process died") and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def die(*_):
    """What a worker does that is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_second_signal_stops_no_clean_up(monkeypatch):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stopping.stoppable():
        for number in stopping.SIGNALS:
            monkeypatch.setattr(stopping, "PATIENCE", 0)
            with pytest.raises(KeyboardInterrupt) as stopped:
                signal.raise_signal(number)
            assert stopped.value.args == (number,)
            monkeypatch.setattr(stopping, "PATIENCE", 1e6)
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_interrupted_compiled_code_may_raise_something_else():
    with pytest.raises(KeyboardInterrupt) as stopped, stopping.stoppable():
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt as error:
            raise SystemError("returned a result with an exception set") from error
    assert stopped.value.args == (signal.SIGTERM,)
    with pytest.raises(SystemError), stopping.stoppable():
        raise SystemError("without a signal it stays what it is")


def test_a_signal_that_was_to_be_ignored_still_is():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping.stoppable():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_runs_of_a_stopped_study_end_with_it(small_world, tmp_path, number):
    command = ["-m", "dmic.lab.study", "--data", small_world, "--out", tmp_path, "--jobs", "2"]
    command += ["--arms", "dmic", "--seeds", "0", "1"]
    endless = json.dumps({**STUDY, "training.iterations": 10**6})
    with started([*command, "--overrides", endless]) as process:
        begun = [tmp_path / f"dmic-seed{seed}" / "config.json" for seed in (0, 1)]
        end = time.monotonic() + LONG
        while not all(file.is_file() for file in begun) and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.1)
        runs = psutil.Process(process.pid).children(recursive=True)
        assert len(runs) >= 2
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
            code, said = end_of(process)
            assert code == 130 and said.strip().splitlines()[-1].startswith("interrupted; of each run")
            assert "Traceback" not in said
        else:
            process.kill()
        assert not psutil.wait_procs(runs, timeout=LONG)[1]
