"""Ctrl-C, or a polite kill, ends a script with one line and nothing half-made; what all scripts here share about it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 3.0  # seconds for the clean-up, in which further signals are not heeded


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into ``KeyboardInterrupt(number)``, once: an impatient second Ctrl-C stops no clean-up.

    Compiled code that is interrupted may raise another exception instead (numba's a ``SystemError``): it counts as this.
    """
    last, stopped_by = -PATIENCE, 0

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal last, stopped_by
        if time.monotonic() - last >= PATIENCE:
            last, stopped_by = time.monotonic(), number
            raise KeyboardInterrupt(number)

    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    except Exception as error:
        if stopped_by:
            raise KeyboardInterrupt(stopped_by) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes started meanwhile never see SIGINT: a terminal sends it to all of them, the parent alone answers.

    The signal is held back, not lost: one that arrives meanwhile reaches this process at the end.
    """
    if not hasattr(signal, "pthread_sigmask"):  # not a POSIX system
        yield
        return
    resource_tracker.ensure_running()  # now: it changes the mask when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def interrupted(error: KeyboardInterrupt, out: Path) -> int:
    """Say in one line on stderr what is left in ``out``; returns the exit status, as shells count it: 130 for Ctrl-C."""
    something = out.is_file() or (out.is_dir() and any(out.iterdir()))
    left = f"nothing unfinished is left in {out}" if something else f"nothing was written to {out}"
    print(f"interrupted; {left}", file=sys.stderr)
    return 128 + (error.args[0] if error.args else signal.SIGINT)
