"""Checkpoints of a run: written whole or not at all, and none goes before the next one is whole.

``checkpoints/epoch_NNN/`` holds ``checkpoint.safetensors`` (the network) and ``state.pt`` (the optimiser) after NNN epochs.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

if TYPE_CHECKING:
    from dmic.backbone import Backbone
    from dmic.config import TrainingConfig
    from dmic.images import ImageTable

__all__ = ["Checkpoint", "Checkpoints", "all_finite", "room_needed"]

logger = logging.getLogger(__name__)


class Checkpoint(NamedTuple):
    """A run after ``epochs`` epochs: the network's tensors and the state of the optimiser."""

    epochs: int
    weights: dict[str, Tensor]
    state: dict[str, Any]


def all_finite(weights: dict[str, Tensor]) -> bool:
    """Return whether no tensor holds NaN or infinity; asks the device once."""
    floating = [value for value in weights.values() if value.is_floating_point()]
    return not floating or bool(torch.stack([torch.isfinite(value).all() for value in floating]).all())


def room_needed(model: Backbone, table: ImageTable, training: TrainingConfig, *, there: int) -> int:
    """Return the bytes that a run will write: checkpoints beyond those that are there, labels and test embeddings."""
    epochs, test = 2 * training.epochs, len(table) - len(table.train)
    listed = 0 if isinstance(training.keep, str) else len(training.keep)
    kept = epochs if training.keep == "all" else min(epochs, 3 + listed)
    weights = sum(value.nbytes for value in model.state_dict().values())
    moments = 2 * sum(value.nbytes for value in model.parameters() if value.requires_grad)  # Adam's
    more = max(kept - there, 0) + 1  # one beside them while it is written
    return more * (weights + moments) + epochs * 3 * 8 * len(table.train) + 3 * 4 * model.dim * test


class Checkpoints:
    """The checkpoints in a folder.

    Parameters
    ----------
    folder : Path
        Anything else that lies in it stays untouched.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def epochs(self) -> list[int]:
        """Return after how many epochs there are checkpoints, ascending."""
        found = (
            re.fullmatch(r"epoch_(\d+)", path.name) for path in self.folder.glob("epoch_*") if path.is_dir()
        )
        return sorted(int(match[1]) for match in found if match)

    def save(self, checkpoint: Checkpoint, *, keep: Collection[int] | None = None) -> None:
        """Write a checkpoint; then drop the others but those after ``keep`` epochs (None: keep all)."""
        target = self._path(checkpoint.epochs)
        draft = target.with_suffix(".tmp")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        tensors = {name: value.contiguous() for name, value in checkpoint.weights.items()}
        save_file(tensors, draft / "checkpoint.safetensors")
        torch.save(checkpoint.state, draft / "state.pt")
        shutil.rmtree(target, ignore_errors=True)
        os.replace(draft, target)
        for epochs in self.epochs():
            if keep is not None and epochs != checkpoint.epochs and epochs not in keep:
                shutil.rmtree(self._path(epochs), ignore_errors=True)
        self.clear(drafts_only=True)

    def clear(self, *, drafts_only: bool = False) -> None:
        """Remove all checkpoints, or only what a kill cut short."""
        for path in self.folder.glob("epoch_*"):
            if re.fullmatch(r"epoch_\d+\.tmp" if drafts_only else r"epoch_\d+(\.tmp)?", path.name):
                shutil.rmtree(path)

    def newest(self, *, within: int) -> Checkpoint | None:
        """Return the newest sound checkpoint after at most ``within`` epochs, or None.

        One that is later, cannot be read, or holds NaN or infinity, is passed over with a warning.
        """
        for epochs in reversed(self.epochs()):
            path = self._path(epochs)
            if epochs > within:
                logger.warning("%s is passed over: metrics.jsonl holds %d epochs", path, within)
                continue
            try:
                state = torch.load(path / "state.pt", map_location="cpu", weights_only=True)
                weights = load_file(path / "checkpoint.safetensors")
            except Exception as error:  # a cut file fails in many ways; all mean that an older one is needed
                logger.warning("%s cannot be read (%s): passed over", path, error)
                continue
            if all_finite(weights):
                return Checkpoint(epochs, weights, state)
            logger.warning("%s holds NaN or infinity: passed over", path)
        return None

    def _path(self, epochs: int) -> Path:
        return self.folder / f"epoch_{epochs:03d}"
