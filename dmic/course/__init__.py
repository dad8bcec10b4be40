"""What the notebooks share: one set-up line, checked parameters, paths from anywhere, and recorded numbers.

Taught in: notebooks/09_full_training.ipynb
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import re
import sys
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dmic.compute.threads import available_cpus
from dmic.course.environment import environment_table, hint_for
from dmic.storage.files import write_json
from dmic.storage.project import ensure_data, project_path

__all__ = [
    "ParameterError",
    "check",
    "check_parameters",
    "ensure_data",
    "environment_table",
    "hint_for",
    "project_path",
    "read_overrides",
    "record",
    "setup",
]

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "numba", "scikit-learn", "matplotlib")
"""Packages whose versions ``setup`` prints."""

_IPYTHON_NAMES = re.compile(r"_.*|In|Out|exit|quit|open|get_ipython")
"""Globals that IPython makes by itself while cells run."""


class ParameterError(ValueError):
    """A notebook parameter is unknown or has the wrong type or value; the message names it."""


def setup(packages: Iterable[str] = PACKAGES) -> None:
    """Prepare a notebook: quiet third-party warnings, set threads once, set the figure style, print versions.

    Parameters
    ----------
    packages
        Distribution names; one line ``[OK] name version`` or ``[FAIL] name: what to do`` is printed for each.

    Notes
    -----
    Taught in: notebooks/09_full_training.ipynb
    """
    warnings.filterwarnings("ignore", module=r"(?!dmic).*", category=DeprecationWarning)
    warnings.filterwarnings("ignore", module=r"(?!dmic).*", category=FutureWarning)
    print(f"[OK] python {platform.python_version()}, {available_cpus()} CPU cores")
    for package in packages:
        try:
            print(f"[OK] {package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"[FAIL] {package}: not installed; run `make lab` once, or pip install {package}")
    _set_threads(available_cpus())
    _show_figures_inline()
    from dmic import plots
    from dmic.compute import devices

    devices.keep_freed_memory()  # as training does: a third less CPU time per step
    plots.set_style()


def _show_figures_inline() -> None:
    """In a notebook, draw below the cells even where MPLBACKEND=Agg (servers, CI) would leave figures unseen."""
    import matplotlib

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and hasattr(shell, "kernel") and matplotlib.get_backend().lower() == "agg":
        shell.run_line_magic("matplotlib", "inline")


def _set_threads(count: int) -> None:
    """Give torch ``count`` threads, unless OMP_NUM_THREADS says otherwise; its default ignores container quotas."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ and torch.get_num_threads() != count:
        torch.set_num_threads(count)


def check_parameters(
    declared: Mapping[str, type | tuple[Any, ...]],
    values: Mapping[str, Any],
    *,
    before: Iterable[str] | None = None,
) -> None:
    """Check a notebook's parameters, so that a typo stops the run at once instead of being ignored.

    Parameters
    ----------
    declared
        Name -> expected type, or a tuple of types, or a tuple of allowed values.
    values
        The notebook's ``globals()``, after the parameter cell and the cell that papermill injects.
    before
        The names that existed before the parameter cell, ``set(globals())``, and the name this set is kept under.
        Any other new name is an unknown parameter. Without it, unknown parameters are not looked for.

    Raises
    ------
    ParameterError
        Names the first parameter that is unknown, missing, or ill-typed, and what is allowed.

    Notes
    -----
    papermill only warns about parameters that a notebook does not declare.

    Examples
    --------
    >>> check_parameters({"seed": int}, {"seed": "zero"})
    Traceback (most recent call last):
        ...
    dmic.course.ParameterError: parameter seed is 'zero' (str); expected int
    """
    if before is not None:
        new = [name for name in values if name not in set(before) and not _IPYTHON_NAMES.fullmatch(name)]
        for name in new:
            if name not in declared:
                raise ParameterError(f"unknown parameter {name!r}; the parameters are {', '.join(declared)}")
    for name, expected in declared.items():
        if name not in values:
            raise ParameterError(f"parameter {name} is missing; the parameters are {', '.join(declared)}")
        _check_value(name, values[name], expected if isinstance(expected, tuple) else (expected,))


def _check_value(name: str, value: Any, expected: tuple[Any, ...]) -> None:
    """Compare by exact type (True is not an int here) or by membership."""
    types = [entry for entry in expected if isinstance(entry, type)]
    if types:
        if type(value) not in types:
            wanted = " or ".join(entry.__name__ for entry in types)
            raise ParameterError(f"parameter {name} is {value!r} ({type(value).__name__}); expected {wanted}")
    elif value not in expected:
        raise ParameterError(
            f"parameter {name} is {value!r}; expected one of {', '.join(map(repr, expected))}"
        )


def read_overrides(overrides: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return configuration overrides given as a dictionary or as JSON text, ``'{"training.epochs": 3}'``.

    Raises
    ------
    ParameterError
        If the text is not JSON or not an object.
    """
    if isinstance(overrides, str):
        try:
            overrides = json.loads(overrides or "{}")
        except json.JSONDecodeError as error:
            raise ParameterError(
                f"parameter overrides is not JSON ({error}): {overrides!r}; write e.g. "
                '{"training.epochs": 3}'
            ) from None
    if not isinstance(overrides, Mapping):
        raise ParameterError(
            f"parameter overrides is {overrides!r}; expected an object of section.field: value"
        )
    return dict(overrides)


def check(exercise: str, answer: Any, expected: float, *, tolerance: float = 1e-6, hint: str = "") -> None:
    """Say whether an exercise's number is right; never raises, so that Run-All passes before it is done.

    Parameters
    ----------
    exercise
        Its name, for the printed line.
    answer
        What the reader computed; None or ``...`` means not done yet.
    expected
        The right number.
    tolerance
        Largest absolute difference that still counts as right.
    hint
        Printed with a wrong answer.
    """
    if answer is None or answer is ...:
        print(f"{exercise}: not done yet")
        return
    try:
        right = math.isclose(float(answer), expected, rel_tol=0.0, abs_tol=tolerance)
    except (TypeError, ValueError):
        print(f"{exercise}: found {type(answer).__name__}, expected one number. {hint}".rstrip())
        return
    print(
        f"{exercise}: right"
        if right
        else f"{exercise}: found {float(answer):.4g}, which is not it. {hint}".rstrip()
    )


def record(name: str, numbers: Mapping[str, Any], *, root: str | Path = "runs/course") -> Path:
    """Write a notebook's key numbers to ``<root>/<name>.json``, all or nothing; return the file's path.

    Parameters
    ----------
    name
        The notebook's number, ``"09"``.
    numbers
        Anything JSON can hold; NaN and infinity become null.
    root
        Folder; relative paths start at the project's root.
    """
    folder = project_path(root)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.json"
    write_json(target, numbers, sort_keys=True)
    return target
