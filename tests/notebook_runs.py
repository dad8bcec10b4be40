"""What tests of notebooks share: where they are, a quiet kernel, and the changes that make a run take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KNOBS = ("train_people=12", "test_people=12", "train_images_per_camera=4", "test_images_per_camera=2", "height=64", "width=32")
"""Of the small world that notebooks are tested on."""

SHORT = {
    "data.height": 64,
    "data.width": 32,
    "clustering.k1": 12,
    "clustering.k1_visible": 10,
    "clustering.k1_infrared": 8,
    "clustering.k2_joint": 8,
    "clustering.eps_large": 0.7,
    "clustering.eps_small": 0.6,
    "training.epochs": 2,
    "training.iterations": 3,
    "training.identities_per_batch": 3,
    "training.images_per_identity": 2,
}
"""Overrides of the preset for that world."""

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
