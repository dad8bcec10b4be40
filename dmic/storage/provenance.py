"""What a run was made from: fingerprints of its data and configuration, and the code, precision and versions behind each epoch.

Data and configuration decide whether a folder may go on (`dmic.storage.run_folder` refuses others). Everything else is written
down, and said where it differs.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import accelerate
import numpy as np
import torch
import torchvision

import dmic
from dmic.config import PRESETS, Config, preset, to_json
from dmic.storage.project import git_commit

if TYPE_CHECKING:
    from dmic.images import ImageTable

__all__ = [
    "CODE",
    "TRAINS_NOTHING",
    "changed_fields",
    "code_hash",
    "data_fingerprint",
    "differences",
    "environment",
    "gentler_command",
]

TRAINS_NOTHING = ("data.protocol", "training.device", "training.embed_batch", "training.keep")
"""Fields of the configuration that decide no number of a training: a run folder goes on with others."""

_BESIDE = (
    "first_epoch",
    "dmic",
    "git",
    "uncommitted",
)  # written down, not compared: the code's hash says more


def code_hash() -> str:
    """Return a hash of the package's source files that a training may run: the top, evaluation, storage and compute."""
    root = Path(dmic.__file__).parent
    files = [file for part in ("", "evaluation", "storage", "compute") for file in (root / part).glob("*.py")]
    digest = hashlib.sha256()
    for file in sorted(files):
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
        manifest's; ``size``: of the images. The images themselves are not read.
    """
    columns = {"cameras": table.cameras, "identities": table.identities, "modalities": table.modalities}
    columns |= {"rows": table.indices, "size": np.array(table.size)}
    text = {name: np.asarray(values, np.int64).tobytes() for name, values in columns.items()}
    text["splits"] = "\n".join(table.splits.tolist()).encode()
    hashes = {name: hashlib.sha256(value).hexdigest()[:12] for name, value in sorted(text.items())}
    return {"manifest": (table.manifest_sha256 or "")[:12], **hashes}


def environment(*, first_epoch: int, precision: Mapping[str, str], processes: int) -> dict[str, Any]:
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
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "accelerate": accelerate.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


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


def gentler_command(config: Config, run_dir: Path, data: Path | None) -> str:
    """Return the command that trains a configuration anew in its folder, at a third of its learning rate.

    A configuration that bears no preset's name, or a table from no folder, has no command: then what to write in Python.
    """
    gentler = {"training.learning_rate": float(f"{config.training.learning_rate / 3:.1g}")}
    if config.name not in PRESETS or data is None:
        return f"dmic.fit(with_overrides(config, {gentler}), table, run_dir={str(run_dir)!r}, resume=False)"
    settings = {name: ours for name, (_, ours) in changed_fields(preset(config.name), config).items()}
    words = ["dmic", "train", "--preset", config.name, "--data", str(data), "--run", str(run_dir), "--set"]
    for name, value in {**settings, **gentler}.items():
        words.append(f"{name}={value if isinstance(value, str) else json.dumps(value)}")
    return shlex.join([*words, "--restart"])
