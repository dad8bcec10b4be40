"""What the notebooks share: one line that opens them, checks of exercises, paths from anywhere, and recorded numbers.

Taught in: notebooks/09_full_training.ipynb
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dmic.compute.threads import available_cpus
from dmic.config import Config
from dmic.course.environment import environment_table, hint_for
from dmic.course.parameters import ParameterError, read_parameters
from dmic.storage.files import write_json
from dmic.storage.project import ensure_data, project_path

__all__ = [
    "ParameterError",
    "check",
    "ensure_data",
    "environment_table",
    "hint_for",
    "project_path",
    "record",
    "start",
]

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "numba", "scikit-learn", "matplotlib")
"""Packages that ``start`` looks for."""


def start(parameters: str, values: Mapping[str, Any] | None = None) -> Config:
    """Open a notebook: check its parameters, prepare warnings, threads and figures, print one line.

    Parameters
    ----------
    parameters
        Names of the notebook's parameters, with spaces between: ``"preset data_root seed"``; see ``parameters.PARAMETERS``.
    values
        Where their values are: name -> value; by default the globals of the caller, that is, the notebook's variables.

    Returns
    -------
    Config
        All numbers of the method, as the parameters ask for: see ``parameters.read_parameters``.

    Raises
    ------
    ParameterError
        Names a parameter that is unknown, missing, or has the wrong type or value.
    ConfigError
        If `seed` or `overrides` ask for something that the configuration does not have.

    Notes
    -----
    Prints ``[OK]`` and versions, or a line ``[FAIL] name: what to do`` for each package that is missing.
    Taught in: notebooks/00_start_here.ipynb
    """
    settings = read_parameters(parameters.split(), sys._getframe(1).f_globals if values is None else values)
    warnings.filterwarnings("ignore", module=r"(?!dmic).*", category=DeprecationWarning)
    warnings.filterwarnings("ignore", module=r"(?!dmic).*", category=FutureWarning)
    print("\n".join(_missing_packages()) or _versions())
    _set_threads(available_cpus())
    _show_figures_inline()
    from dmic import plots
    from dmic.compute import devices

    devices.keep_freed_memory()  # as training does: a third less CPU time per step
    plots.set_style()
    return settings


def _missing_packages() -> list[str]:
    """Return a line for each package that is not installed."""
    lines = []
    for package in PACKAGES:
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"[FAIL] {package}: not installed; run `make lab` once, or pip install {package}")
    return lines


def _versions() -> str:
    python, torch = platform.python_version(), importlib.metadata.version("torch")
    return f"[OK] Python {python}, torch {torch}, {available_cpus()} CPU cores"


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
    except (TypeError, ValueError, OverflowError, RuntimeError):
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
