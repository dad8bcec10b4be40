"""Long runs in several processes at a time, which end with the command that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from typing import Any

__all__ = ["end_with_parent", "run_all"]


def run_all(work: Callable[..., Any], tasks: Sequence[tuple], *, jobs: int) -> list[Any]:
    """Return ``work(*task)`` of every task, in order; with more than one job, in processes of one thread each.

    Ctrl-C ends them all, and so does whatever ends this process.
    """
    if jobs == 1:
        return [work(*task) for task in tasks]
    os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}  # read by each new process as it starts
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=end_with_parent) as pool:
        signal.pthread_sigmask(
            signal.SIG_BLOCK, [signal.SIGINT]
        )  # inherited: Ctrl-C is for this process alone
        found = [pool.submit(work, *task) for task in tasks]
        for task, future in zip(tasks, found, strict=True):
            future.add_done_callback(partial(_tell, task))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        try:
            return [future.result() for future in found]
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _tell(task: tuple, future: Future[Any]) -> None:
    """Say at once that a task failed: the others go on, and its error is raised after their end."""
    if not future.cancelled() and (error := future.exception()):
        print(
            f"failed: {', '.join(map(str, task[:2]))}: {type(error).__name__}: {error}",
            file=sys.stderr,
            flush=True,
        )


def end_with_parent() -> None:
    """Let this process end when the one that started it is gone: a killed parent cannot tell it. What it writes stays resumable."""
    if parent := multiprocessing.parent_process():

        def watch() -> None:
            """Wait for the parent's end, however it comes."""
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
