"""How loops are compiled: by numba, and kept on disk wherever there is a place, so that only a first run waits for it.

Numba keeps compiled code in the folder that NUMBA_CACHE_DIR names, else beside the sources, else in the user's cache
folder. Where it may write to none of them (an installation shared by many users, a container), it refuses to import the
loops: here the system's temporary folder takes their place, or nothing does.
"""

from __future__ import annotations

import functools
import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba

__all__ = ["njit"]

logger = logging.getLogger(__name__)


def njit(**options: Any) -> Callable[[Callable], Callable]:
    """Return the decorator ``numba.njit(**options)``, its code kept on disk wherever numba may write."""

    def decorate(function: Callable) -> Callable:
        """Compile the function when it is first called, or read what an earlier process compiled."""
        with suppress(RuntimeError):  # there is no folder to write to
            return numba.njit(cache=True, **options)(function)
        _use_temporary_folder()
        with suppress(RuntimeError):
            return numba.njit(cache=True, **options)(function)
        return numba.njit(**options)(function)

    return decorate


@functools.cache  # once a process, with its line
def _use_temporary_folder() -> None:
    """Have numba keep code in a temporary folder, here and in processes started from here, if there is one; say so."""
    try:
        folder = _own_temporary_folder()
    except OSError as error:
        instead = f"every process compiles them anew, for seconds to minutes (no temporary folder: {error})"
    else:
        instead = f"they go to {folder}, for a while"
        os.environ["NUMBA_CACHE_DIR"] = str(folder)
        numba.config.reload_config()
    logger.warning(
        "numba can write compiled loops neither beside the sources nor into your cache folder: %s. Set NUMBA_CACHE_DIR to a "
        "folder that you can write to, and they are kept",
        instead,
    )


def _own_temporary_folder() -> Path:
    """Return a folder that later processes find again; ``OSError`` unless it is this user's alone, for its code is run."""
    user = os.getuid()
    folder = Path(tempfile.gettempdir()) / f"dmic-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != user or found.st_mode & 0o077:
        raise PermissionError(f"others can write to {folder}")
    tempfile.TemporaryFile(dir=folder).close()
    return folder
