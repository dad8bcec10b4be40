"""Does the code still compute the same? ``python tests/fingerprint.py`` before and after a change, on one machine.

Prints one hash each of 18 rendered images and their manifest rows (three worlds), of the pseudo labels of one clustering, and of
the losses and weights of a training of two epochs: about a minute on one core. Not part of ``make test``: the numbers belong to
a machine and its library versions, so they are compared and never stored.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
from notebook_runs import SHORT  # noqa: E402

from data_scripts import render_synthvi  # noqa: E402
from data_scripts.synthvi.dataset import render_person  # noqa: E402
from data_scripts.synthvi.render import Studio  # noqa: E402
from data_scripts.synthvi.world import PRESETS, WORLDS  # noqa: E402
from dmic import config, dnc, images, training  # noqa: E402


def digest(*parts: bytes) -> str:
    """Return the first 16 hexadecimal digits of a SHA-256."""
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def numbers(value) -> list:
    """Return the numbers of nested lists and dictionaries: names may change, values may not."""
    if isinstance(value, dict):
        return [numbers(entry) for entry in value.values()]
    return [numbers(entry) for entry in value] if isinstance(value, list) else value


def rendering() -> str:
    """Six images of one person in each world; their manifest rows count, too."""
    parts = []
    for name in ("a", "b", "c"):
        pictures, _, rows = render_person(Studio(0, WORLDS[name], PRESETS["toy"]), 3)
        parts += [pictures[:6].tobytes(), json.dumps([list(row.items()) for row in rows[:6]]).encode()]
    return digest(*parts)


def clustering() -> str:
    """Pseudo labels of 1,500 points around 100 centres, seen by six cameras of two modalities."""
    rng = np.random.default_rng(0)
    person = rng.integers(0, 100, 1500)
    x = rng.normal(size=(100, 32))[person] + 0.6 * rng.normal(size=(1500, 32))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    cameras = rng.integers(1, 7, 1500)
    modalities = (cameras % 3 == 0).astype(np.int64)
    labels = dnc.pseudo_labels(x, cameras, modalities, k1=20, k2=6, eps=0.6)
    return f"{digest(labels.tobytes())} ({labels.max() + 1} clusters, {(labels < 0).sum()} outliers)"


def two_epochs() -> str:
    """One epoch a phase on a handful of rendered people: losses, labels' worth and weights."""
    with tempfile.TemporaryDirectory() as folder:
        assert render_synthvi.main(["--preset", "debug", "--out", f"{folder}/people", "--workers", "1"]) == 0
        settings = config.with_overrides(config.preset("toy"), {**SHORT, "training.epochs": 1})
        table = images.open_dataset(f"{folder}/people")
        result = training.fit(settings, table, run_dir=f"{folder}/run", progress="none")
    kept = [numbers([line["losses"], line["labels"], line["eps"], line["lr"]]) for line in result.history]
    weights = [tensor.numpy().tobytes() for tensor in result.model.state_dict().values()]
    losses = ", ".join(f"{line['loss']!r}" for line in result.history)
    return f"{digest(json.dumps(kept).encode(), *weights)} (losses {losses}; Rank-1 {result.summary['final']['rank1']:.2f})"


if __name__ == "__main__":
    for part in (rendering, clustering, two_epochs):
        print(f"{part.__name__}: {part()}", flush=True)
