"""One writer at a time: ``NAME.lock`` beside a folder, held by the process that writes into it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["InUseError", "hold"]


class InUseError(RuntimeError):
    """Another process writes there, or nobody may; the message says who or why."""


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which need not exist yet, for the time of a ``with``.

    The system frees the lock of a process that dies; the file stays, and means nothing by itself.

    Raises
    ------
    InUseError
        If another process holds it, or the lock cannot be written.
    """
    folder = folder.resolve()
    file = folder.with_name(f"{folder.name}.lock")
    lock = FileLock(file, timeout=0)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        holder = file.read_text(encoding="utf-8", errors="replace").strip() or "another process"
        raise InUseError(f"{folder} is in use: {holder} writes there. Wait for its end") from None
    except OSError as error:
        raise InUseError(f"{file} cannot be locked ({error}). Choose a place where you may write") from None
    try:
        with suppress(OSError):  # who holds it is only told, by the next one who asks
            file.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        yield
    finally:
        lock.release()
