"""Disturb tiny trainings at random moments, let the same command go on, and compare with one that nobody disturbed.

``python -m dmic.lab.torture --runs 100 --jobs 2``. Every run is disturbed one to three times: by a signal (SIGKILL, SIGTERM, Ctrl-C)
at any moment of its process's life or just when it writes, by a disk that is full (a limit on the size of files), or by a second
process on the same folder, which must be refused. Then it is left to end. Scores, metrics, pseudo labels, embeddings and
checkpoints must be those of the undisturbed run, bit for bit, but for times and memory. POSIX systems only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from dmic.lab.results_file import made
from dmic.storage.files import write_json
from dmic.storage.project import default_data_folder, ensure_data, project_path

__all__ = ["KINDS", "Disturbance", "Outcome", "Torture", "TortureError", "differences", "draw", "main"]

KINDS = ("KILL", "TERM", "INT", "disk_full", "second_writer")

_Process = subprocess.Popen[str]
_PATIENCE = 600.0  # seconds, for what takes ten on a quiet machine
_BLOCK = 512  # bytes: what ``ulimit -f`` counts in
_VARIES = ("seconds", "elapsed", "peak_memory_gib", "parts")  # parts: the code may be edited meanwhile


class TortureError(RuntimeError):
    """A training did what it must not do."""


class Disturbance(NamedTuple):
    """What is done to a process, and when.

    ``kind`` is one of ``KINDS``. ``moment``, from 0 to 1, is for a signal a part of the process's life or, if it is ``aimed``, of
    what it writes: then it comes within 20 ms after a file of the run appeared, went or was replaced. For a second writer it is a
    part of the time after start-up; for a disk that is full, the limit's place between 512 bytes and the largest file.
    """

    kind: str
    moment: float
    aimed: bool = False

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} at {self.moment:.0%}{' of its writing' if self.aimed else ''}"


class Outcome(NamedTuple):
    """What became of a run: the disturbances that came in time, and what is wrong (empty: nothing)."""

    came: list[Disturbance]
    wrong: str


def draw(rng: np.random.Generator) -> list[Disturbance]:
    """Draw one to three disturbances of any kind at any moment; every other signal is aimed at writing."""
    kinds = sorted(rng.choice(KINDS, rng.integers(1, 4)).tolist(), key="second_writer".__eq__)  # ends a run
    return [Disturbance(k, float(rng.random()), k in KINDS[:3] and bool(rng.integers(2))) for k in kinds]


def _entries(folder: str | Path) -> set[tuple[str, int]]:
    """Paths and inodes of all that lies in a folder: a file that is replaced has another inode."""
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:  # not there yet, or no more
        return set()
    inner = (_entries(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    return {(entry.path, entry.inode()) for entry in entries}.union(*inner)


class _Changes:
    """Counts how often names in a folder change, by looking; true when that was as often as wanted."""

    def __init__(self, folder: Path, wanted: float = float("inf")) -> None:
        self.folder, self.wanted, self.count, self.before = folder, wanted, 0, _entries(folder)

    def __call__(self) -> bool:
        now = _entries(self.folder)
        self.count += now != self.before
        self.before = now
        return self.count >= self.wanted


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _states(run: Path) -> dict[Path, tuple[int, int]]:
    return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(run.rglob("*"))}


def _ended(run: Path) -> bool:
    return (run / "summary.json").exists()


def differences(one: Path, other: Path) -> list[str]:
    """Return which files of a run are missing or different in another: in any byte, but for times and memory in JSON."""
    files = (file for file in sorted(one.rglob("*")) if file.is_file())
    names = [file.relative_to(one).as_posix() for file in files]
    return [name for name in names if _content(one / name) != _content(other / name)]


def _content(file: Path) -> Any:
    if not file.is_file():
        return None
    if file.suffix not in (".json", ".jsonl"):
        return file.read_bytes()
    text = file.read_text(encoding="utf-8")
    entries = [json.loads(line) for line in (text.splitlines() if file.suffix == ".jsonl" else [text])]
    return [{key: value for key, value in entry.items() if key not in _VARIES} for entry in entries]


class Torture:
    """Trains the preset ``debug``, first undisturbed.

    Parameters
    ----------
    data : Path
        Data set folder.
    work : Path
        Folder for the run folders; that of the undisturbed run is ``work / "undisturbed"``.
    settings
        Words after ``--set``.
    stopped
        Once it is set, all processes are ended.

    ``TortureError`` if the undisturbed run fails.
    """

    def __init__(self, data: Path, work: Path, *settings: str, stopped: Event | None = None) -> None:
        self.data, self.work, self.settings, self.stopped = data, work, settings, stopped or Event()
        self.like = work / "undisturbed"
        start, changes = time.monotonic(), _Changes(self.like)
        with self._training(self.like) as process:
            self._wait(process, changes)
            self._end(process)
        self.seconds, self.changes = time.monotonic() - start, changes.count
        self.largest = max(file.stat().st_size for file in self.like.rglob("*"))

    @contextmanager
    def _training(self, run: Path, *, blocks: int | None = None) -> Iterator[_Process]:
        """Start ``dmic train``, maybe with a limit on the size of files; it does not outlive the ``with``."""
        limit = [] if blocks is None else ["/bin/sh", "-c", 'ulimit -f "$0" && exec "$@"', str(blocks)]
        command = [*limit, sys.executable, "-m", "dmic", "train", "--preset", "debug", "--device", "cpu"]
        with subprocess.Popen(
            [*command, "--data", str(self.data), "--run", str(run), "--set", *self.settings],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a terminal's Ctrl-C reaches only the parent, which then ends it
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def _wait(self, process: _Process, happened: Callable[[], bool]) -> bool:
        """Wait until something happens; False if the process ended before."""
        hangs = _after(_PATIENCE)
        while process.poll() is None:
            if self.stopped.is_set():
                raise KeyboardInterrupt
            if hangs():
                raise TortureError(f"a process hangs: it was not over after {_PATIENCE:.0f} s")
            if happened():
                return True
            time.sleep(0.001)
        return False

    def _end(self, process: _Process, expected: Callable[[int, str], bool] = lambda *_: False) -> bool:
        """Wait for the end; returns whether the training was whole, and raises if it failed otherwise than expected."""
        self._wait(process, lambda: False)
        said, code = process.communicate()[1].strip(), process.returncode
        if code and not expected(code, said):
            last = said.rpartition("\n")[2]
            raise TortureError(f"a process ended with status {code}: {last}")
        return code == 0

    def _signal(self, run: Path, what: Disturbance) -> bool:
        number, change = signal.Signals[f"SIG{what.kind}"], what.moment * self.changes
        moment = _Changes(run, 1 + int(change)) if what.aimed else _after(what.moment * self.seconds)
        with self._training(run) as process:
            if self._wait(process, moment):
                time.sleep(0.02 * (change % 1) if what.aimed else 0)
                os.killpg(process.pid, number)
            ends = (-number, 128 + number)  # Ctrl-C while Python itself starts: another one, and a traceback
            return not self._end(process, lambda code, said: code in ends or "KeyboardInterrupt" in said)

    def _disk_full(self, run: Path, what: Disturbance) -> bool:
        with self._training(run, blocks=int((self.largest / _BLOCK) ** what.moment)) as process:
            return not self._end(process, lambda code, said: code == 2 and "cannot write" in said)

    def _second_writer(self, run: Path, what: Disturbance) -> bool:
        """Pause a process that trains: a second one must be refused and touch nothing, and the first one goes on."""
        lock = run.with_name(f"{run.name}.lock")
        with self._training(run) as first:
            holder = f"process {first.pid} "
            begun = self._wait(first, lambda: lock.is_file() and lock.read_text().startswith(holder))
            if begun and self._wait(first, _after(what.moment * self.seconds / 2)):
                os.killpg(first.pid, signal.SIGSTOP)
                time.sleep(0.1)  # until it stands still
            if in_time := first.poll() is None and not _ended(run):
                before = _states(run)
                with self._training(run) as second:
                    if self._end(second, lambda code, said: code == 2 and "in use" in said):
                        raise TortureError("a second writer was let in")
                if _states(run) != before:
                    raise TortureError("a second writer was refused, and changed the folder all the same")
            if first.poll() is None:
                os.killpg(first.pid, signal.SIGCONT)
            self._end(first)
        return in_time

    def run(self, name: str, what: list[Disturbance]) -> Outcome:
        """Disturb a run, let it end, and compare it; its folder is removed if all is well."""
        run, came = self.work / name, list[Disturbance]()
        ways = {"disk_full": self._disk_full, "second_writer": self._second_writer}
        try:
            for one in what:
                if not _ended(run) and ways.get(one.kind, self._signal)(run, one):
                    came.append(one)
            if not _ended(run):
                with self._training(run) as process:
                    self._end(process)
        except TortureError as error:
            return Outcome(came, str(error))
        different = differences(self.like, run)
        if not different:
            shutil.rmtree(run)
        return Outcome(came, f"other {', '.join(different)}" if different else "")

    def run_disturbed(self, name: str, rng: np.random.Generator) -> Outcome:
        """``run``, as often as it takes until a disturbance comes in time."""
        outcome = self.run(name, draw(rng))
        return outcome if outcome.came or outcome.wrong else self.run_disturbed(name, rng)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 all equal, 1 some differ, 130 interrupted."""
    first_line = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser("python -m dmic.lab.torture", description=first_line)
    add = parser.add_argument
    add("--runs", type=int, default=100, help="(default: 100)")
    add("--jobs", type=int, default=1, help="runs at once (default: 1)")
    add("--seed", type=int, default=0, help="of the moments (default: 0)")
    add("--data", type=Path, default=default_data_folder("debug"), help="data set folder")
    add("--out", type=Path, default=project_path("results/torture.json"))
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell has them ignored
        signal.signal(number, signal.default_int_handler)
    origin, data = made([chosen.seed]), ensure_data(chosen.data, preset="debug")
    stopped, outcomes, work = Event(), list[Outcome](), Path(tempfile.mkdtemp(prefix="dmic-torture-"))
    pool = ThreadPoolExecutor(chosen.jobs)
    try:
        torture = Torture(data, work, "training.epochs=2", stopped=stopped)
        chance = [np.random.default_rng([chosen.seed, run]) for run in range(chosen.runs)]
        for outcome in pool.map(torture.run_disturbed, map(str, range(chosen.runs)), chance):
            said = ", ".join(map(str, outcome.came))
            print(f"{len(outcomes):3d}  {said}: {outcome.wrong or 'equal'}", flush=True)
            outcomes.append(outcome)
    except KeyboardInterrupt:
        stopped.set()
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(work)
        print(f"\ninterrupted after {len(outcomes)} runs; nothing was written", file=sys.stderr)
        return 130
    came, equal = [one for o in outcomes for one in o.came], sum(not o.wrong for o in outcomes)
    kinds = {kind: sum(one.kind == kind for one in came) for kind in KINDS}
    numbers = {"runs": chosen.runs, "equal": equal, "interruptions": kinds, "all_interruptions": len(came)}
    numbers["aimed_at_writing"] = sum(one.aimed for one in came)
    write_json(chosen.out, {"measured": {"torture": {**origin, "numbers": numbers}}}, indent=1)
    print(f"{equal} of {chosen.runs} equal, after {len(came)} interruptions")
    if equal == chosen.runs:
        shutil.rmtree(work)
        return 0
    print(f"those that differ lie in {work}, beside the undisturbed one", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
