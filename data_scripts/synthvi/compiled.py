"""How loops are compiled: once per machine and state of the sources, with numpy's divisions: inf or nan where the divisor is 0.

Python's divisions raise an error there; checking for it took a twentieth of the renderer's time.

Numba keeps compiled code until the file of the *calling* function changes, and never looks at the files of the functions that
were inlined into it. So an edit of `person.dressing` would go on rendering the old picture, for whoever made it and for
everybody who pulls it. Here code is kept in a folder named by a hash of all sources of the renderer: any edit compiles anew.
"""

from __future__ import annotations

import hashlib
import os
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from functools import cache, partial
from pathlib import Path
from typing import Any

import numba

from dmic.compute.jit import njit

HERE = Path(__file__).resolve().parent


def sources_hash(folder: Path = HERE) -> str:
    """Hash of all Python sources below ``folder``, names and contents."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def cache_folder(named: str) -> Path | None:
    """Where code of these sources is kept: under the folder ``named`` (by NUMBA_CACHE_DIR), else beside them, else the user's."""
    own = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "dmic"
    for base in (Path(named),) if named else (HERE / "__pycache__", own):
        folder = base / f"numba-{sources_hash()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


@contextmanager
def _kept_by_sources() -> Iterator[None]:
    """Numba keeps what is decorated meanwhile in `cache_folder`."""
    before = numba.config.CACHE_DIR
    folder = cache_folder(before)
    if folder is None:  # `njit` finds another one, or none
        yield
        return
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def constants(kind: type[IntEnum]) -> Any:
    """Members of an enumeration by name as plain numbers: loops read these as constants, members they cannot compare with floats."""
    return namedtuple(kind.__name__, kind.__members__)(*map(int, kind))


def compiled(function: Callable, **options: bool) -> Callable:
    """Compile the function when it is first called, or read what an earlier process compiled from the same sources."""
    with _kept_by_sources():
        return njit(error_model="numpy", **options)(function)


# For loops that make no arrays: without numba's counting of references, which it pays at every call for every array in a tuple.
# It took four fifths of `tracing`.
lean = partial(compiled, _nrt=False)
inlined = partial(lean, forceinline=True)  # into every loop that calls it
