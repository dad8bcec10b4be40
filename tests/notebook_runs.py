"""What tests of notebooks share: where they are, a quiet kernel, and the changes that make a run take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dmic.presets import PRESETS

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SHORT = {name: value for name, value in PRESETS["debug"].items() if value != PRESETS["toy"].get(name)}
SHORT |= {"training.epochs": 2}
"""Overrides that make of the preset `toy`, which notebooks run on, nearly `debug`: for its handful of people."""

STUDY = {name: value for name, value in SHORT.items() if name != "clustering.k2_joint"}
STUDY |= {"clustering.k1": 16, "training.epochs": 1}
"""Overrides of a study's arms there: an arm sets the joint k2 itself."""


@contextmanager
def quiet_kernel() -> Iterator[None]:
    """Kernels started here use one thread, for the same sums on every machine, and matplotlib as on servers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("MPLBACKEND", "Agg")  # figures must show all the same
        yield
