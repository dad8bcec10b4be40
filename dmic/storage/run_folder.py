"""The run folder: what a training run leaves on disk, written so that a kill at any moment loses one epoch at most.

Layout: ``config.json``, ``environment.json``, ``metrics.jsonl`` (one line per epoch), ``pseudo_labels/*.npz``,
``embeddings/*.npz`` (test features before, between and after the phases), ``checkpoints/epoch_NNN/`` with
``checkpoint.safetensors`` and ``state.pt`` (the newest one only), ``summary.json`` when the run is complete.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import accelerate
import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from dmic import __version__
from dmic.config import Config, from_json, to_json
from dmic.storage.files import to_jsonable, write_json, write_text
from dmic.storage.project import git_commit

__all__ = ["RunError", "RunFolder", "changed_fields"]


class RunError(RuntimeError):
    """A run folder cannot be used for this run; the message says why and what to do."""


class RunFolder:
    """One run's folder.

    Parameters
    ----------
    path : Path
    config : Config
        What the run is; a folder that holds another configuration is refused.
    data : str
        What the images are, in words and with a fingerprint; a folder of other data is refused.
    folder : Path, optional
        Where the images are, for whoever opens the run later; None where they are in no folder.
    resume : bool
        False starts anew: an existing folder of the same run is deleted first.
    writable : bool
        False for all but the main process of a distributed run: they read and never write.

    Raises
    ------
    RunError
        If the folder holds something else than this run.
    """

    def __init__(
        self,
        path: Path,
        config: Config,
        *,
        data: str,
        folder: Path | None = None,
        resume: bool = True,
        writable: bool = True,
    ) -> None:
        self.path, self.writable = path, writable
        stored = path / "config.json"
        if stored.is_file() and writable:
            if self.load_checkpoint() is None:
                stored.unlink()  # nothing was trained: the folder is free for any configuration
            else:
                self._refuse_another_run(config, data)
            if not resume:
                gone = path.with_name(path.name + ".deleted")
                shutil.rmtree(gone, ignore_errors=True)
                os.replace(path, gone)
                shutil.rmtree(gone)
        elif writable and path.exists() and any(path.iterdir()):
            raise RunError(
                f"{path} exists, is not empty and holds no config.json; choose another run folder (--run; make: RUN=)"
            )
        if writable:
            path.mkdir(parents=True, exist_ok=True)
            if not stored.is_file():
                write_text(stored, to_json(config))  # first: from now on the folder is this run's
            for name in ("pseudo_labels", "embeddings", "checkpoints"):
                (path / name).mkdir(exist_ok=True)
            if self.load_checkpoint() is None:
                write_json(path / "environment.json", _environment(data, folder))

    def _refuse_another_run(self, config: Config, data: str) -> None:
        stored = from_json((self.path / "config.json").read_text())
        if stored != config:
            raise RunError(
                f"{self.path} holds a run with another configuration ({_difference(stored, config)}); choose another "
                "folder (--run; make: RUN=), or delete this one"
            )
        environment = self.path / "environment.json"
        found = json.loads(environment.read_text())["data"] if environment.is_file() else data
        if found != data:
            raise RunError(
                f"{self.path} holds a run on other images ({found}; now {data}); choose another folder"
            )

    @property
    def summary(self) -> dict[str, Any] | None:
        """The finished run's summary, or None."""
        file = self.path / "summary.json"
        return json.loads(file.read_text()) if file.is_file() else None

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``: the run is complete."""
        if self.writable:
            write_json(self.path / "summary.json", summary)

    def history(self, epochs: int | None = None) -> list[dict[str, Any]]:
        """Return the lines of ``metrics.jsonl``, the first ``epochs`` of them."""
        file = self.path / "metrics.jsonl"
        # a line that a kill cut short has no newline
        lines = file.read_text().split("\n")[:-1] if file.is_file() else []
        return [json.loads(line) for line in lines[:epochs]]

    def write_history(self, history: list[dict[str, Any]]) -> None:
        """Replace ``metrics.jsonl``: one line per epoch."""
        if self.writable:
            lines = (json.dumps(to_jsonable(line)) + "\n" for line in history)
            write_text(self.path / "metrics.jsonl", "".join(lines))

    def write_arrays(self, name: str, **arrays: NDArray[Any]) -> None:
        """Write ``<name>.npz``, e.g. ``pseudo_labels/phase1_epoch_000``."""
        if self.writable:
            temporary = self.path / f"{name}.tmp.npz"
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
            os.replace(temporary, self.path / f"{name}.npz")

    def read_arrays(self, name: str) -> dict[str, NDArray[Any]] | None:
        """Read ``<name>.npz``, or return None."""
        file = self.path / f"{name}.npz"
        return dict(np.load(file)) if file.is_file() else None

    def save_checkpoint(self, epoch: int, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Write the checkpoint taken after ``epoch`` epochs and drop older ones; the rename makes it whole or absent."""
        if not self.writable:
            return
        folder = self.path / "checkpoints"
        temporary = folder / f"epoch_{epoch:03d}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        save_file({k: v.contiguous() for k, v in weights.items()}, temporary / "checkpoint.safetensors")
        torch.save(state, temporary / "state.pt")
        target = folder / f"epoch_{epoch:03d}"
        shutil.rmtree(target, ignore_errors=True)
        os.replace(temporary, target)
        for old in folder.iterdir():
            if old != target:
                shutil.rmtree(old)

    def load_checkpoint(self) -> tuple[int, dict[str, Tensor], dict[str, Any]] | None:
        """Return (epochs done, weights, state) of the newest whole checkpoint, or None."""
        whole = sorted(p for p in (self.path / "checkpoints").glob("epoch_*") if p.suffix != ".tmp")
        if not whole:
            return None
        state = torch.load(whole[-1] / "state.pt", map_location="cpu", weights_only=True)
        return int(whole[-1].name.split("_")[1]), load_file(whole[-1] / "checkpoint.safetensors"), state


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


def _difference(stored: Config, wanted: Config) -> str:
    fields = changed_fields(stored, wanted)
    said = [f"{name} is {there!r} there, {here!r} here" for name, (there, here) in fields.items()]
    return "; ".join(said) or f"its name is {stored.name!r}, here {wanted.name!r}"


def _environment(data: str, folder: Path | None) -> dict[str, Any]:
    cuda = torch.cuda.is_available()
    return {
        "dmic": __version__,
        "git": git_commit()[0],
        "data": data,
        "data_folder": None if folder is None else str(folder),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "accelerate": accelerate.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
    }
