"""What a run was made from: fingerprints of its data and configuration, and the code, precision and versions behind each epoch.

Data and configuration decide whether a folder may go on (`dmic.storage.run_folder` refuses others). Everything else is written
down, and said where it differs.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import dmic
from dmic.config import PRESETS, Config, preset, to_json
from dmic.storage.project import git_commit

if TYPE_CHECKING:
    from dmic.images import ImageTable

__all__ = [
    "CODE",
    "PACKAGES",
    "TRAINS_NOTHING",
    "changed_fields",
    "code_hash",
    "data_fingerprint",
    "differences",
    "environment",
    "gentler_command",
    "told",
    "weights_fingerprint",
]

TRAINS_NOTHING = ("data.protocol", "training.device", "training.embed_batch", "training.keep")
"""Fields of the configuration that decide no number of a training: a run folder goes on with others."""

PACKAGES = ("torch", "torchvision", "accelerate", "numpy", "scipy", "numba", "scikit-learn", "timm")
"""Packages whose versions a run writes down."""

_BESIDE = (
    "first_epoch",
    "dmic",
    "git",
    "uncommitted",
)  # written down, not compared: the code's hash says more


def code_hash(*more: str) -> str:
    """Return a hash of the package's source files that a training may run (top, evaluation, storage, compute), and of more."""
    root = Path(dmic.__file__).parent
    files = [file for part in ("", "evaluation", "storage", "compute") for file in (root / part).glob("*.py")]
    digest = hashlib.sha256()
    for file in sorted([*files, *(root / name for name in more)]):
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


CODE = code_hash()
"""The code of this process: files that are edited later are not what runs here."""


def data_fingerprint(table: ImageTable) -> dict[str, str]:
    """Return a short hash of everything that a run knows its data by.

    Returns
    -------
    dict
        ``manifest``: the manifest's text, with the labels and the hash of every image (empty for a table made in memory);
        ``cameras``, ``identities``, ``modalities``, ``splits``, ``rows``: the columns of the table, which may differ from the
        manifest's; ``size`` of the images; ``images``: two dozen of them, for tables in memory and replaced arrays.
    """
    some = np.unique(np.linspace(0, len(table), 24, endpoint=False).astype(np.int64))[: len(table)]
    parts = {"cameras": table.cameras, "identities": table.identities, "modalities": table.modalities}
    parts |= {"rows": table.indices, "size": np.array(table.size)}
    text = {name: np.asarray(values, np.int64).tobytes() for name, values in parts.items()}
    text |= {"splits": "\n".join(table.splits.tolist()).encode(), "images": table.gather(some).tobytes()}
    hashes = {name: hashlib.sha256(value).hexdigest()[:12] for name, value in sorted(text.items())}
    return {"manifest": (table.manifest_sha256 or "")[:12], **hashes}


def weights_fingerprint(weights: str) -> dict[str, str]:
    """Return a short hash of the file of starting weights; nothing for weights that have a name, or a file that is gone."""
    file = Path(weights).expanduser()
    if weights in ("imagenet", "random") or not file.is_file():
        return {}
    return {"weights": hashlib.sha256(file.read_bytes()).hexdigest()[:12]}


def environment(
    *, first_epoch: int, precision: Mapping[str, str], processes: int = 1, device: str = "cpu"
) -> dict[str, Any]:
    """Return what trains from an epoch on (counted from 1 over both phases): code, precision, threads, versions, device."""
    commit, changed = git_commit()
    return {
        "first_epoch": first_epoch,
        "dmic": dmic.__version__,
        "git": commit,
        "uncommitted": changed,
        "code": CODE,
        "precision": dict(precision),
        "threads": torch.get_num_threads(),
        "processes": processes,
        "machine": platform.machine(),
        "device": device if device == "cpu" else torch.cuda.get_device_name(),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "faiss": _version("faiss-gpu") or _version("faiss-cpu"),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def differences(parts: Sequence[Mapping[str, Any]], now: Mapping[str, Any]) -> str:
    """Return in words how the parts of a run were made otherwise than ``now``: ``code a1b2 → c3d4, threads 2 → 1``.

    Parameters
    ----------
    parts, now
        As ``environment`` returns them.
    """
    found = []
    for name, value in now.items():
        others = {json.dumps(part.get(name)): part.get(name) for part in parts if part.get(name) != value}
        if others and name not in _BESIDE:
            found.append(f"{name} {', '.join(map(_shown, others.values()))} → {_shown(value)}")
    return ", ".join(found)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "/".join(f"{entry}" for entry in value.values())
    return "unknown" if value is None else str(value)


def changed_fields(old: Config, new: Config) -> dict[str, tuple[Any, Any]]:
    """Return the fields, by dotted name, in which two configurations differ: (old value, new value)."""
    before, after = json.loads(to_json(old)), json.loads(to_json(new))
    return {
        f"{section}.{name}": (value, after[section][name])
        for section, fields in before.items()
        if isinstance(fields, dict)
        for name, value in fields.items()
        if value != after[section][name]
    }


def told(fields: Mapping[str, tuple[Any, Any]], there: str, here: str) -> str:
    """Return ``changed_fields`` in words: ``training.epochs is 3 there, 5 here``."""
    return "; ".join(f"{name} is {old!r} {there}, {new!r} {here}" for name, (old, new) in fields.items())


def gentler_command(config: Config, run_dir: Path, data: Path | None) -> str:
    """Return the command that trains a configuration at a third of its learning rates, in a folder beside ``run_dir``.

    A configuration that bears no preset's name, or a table from no folder, has no command: then what to write in Python.
    """
    t = config.training
    rates = {
        "training.learning_rate": t.learning_rate,
        "training.learning_rate_phase2": t.learning_rate_phase2,
    }
    gentler = {name: float(f"{rate / 3:.1g}") for name, rate in rates.items() if rate}
    beside = str(run_dir.with_name(f"{run_dir.name}-gentler"))
    if config.name not in PRESETS or data is None:
        return f"dmic.fit(dmic.config.with_overrides(config, {gentler}), table, run_dir={beside!r})"
    settings = {name: ours for name, (_, ours) in changed_fields(preset(config.name), config).items()}
    words = ["dmic", "train", "--preset", config.name, "--data", str(data), "--run", beside, "--set"]
    for name, value in {**settings, **gentler}.items():
        words.append(f"{name}={value if isinstance(value, str) else json.dumps(value)}")
    return shlex.join(words)
