"""Images to embeddings: a network over a whole table, without gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from numpy.typing import NDArray

from dmic import augment

if TYPE_CHECKING:
    from dmic.backbone import Backbone
    from dmic.images import ImageTable

__all__ = ["embed", "embed_shared"]


def embed(
    model: Backbone,
    table: ImageTable,
    *,
    size: tuple[int, int] | None = None,
    batch: int = 256,
    bf16: bool | None = None,
) -> NDArray[np.float32]:
    """Embed all images of a table: (n, d) float32 unit rows, in the table's order.

    Parameters
    ----------
    model : Backbone
        Put into evaluation mode for the call.
    table : ImageTable
    size
        (height, width) in pixels to resize to. None: what the network was trained at (``model.size``); for one that was not
        trained, the stored size.
    batch : int
        Images per forward pass.
    bf16 : bool, optional
        Run under bfloat16 autocast; features are float32 either way. None: as when it was trained (``model.bf16``).
    """
    device = next(model.parameters()).device
    size = size or getattr(model, "size", None) or table.size
    coarse = getattr(model, "bf16", False) if bf16 is None else bf16
    was_training = model.training
    model.eval()
    features = np.empty((len(table), model.dim), np.float32)
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=coarse):
        for start in range(0, len(table), batch):
            rows = np.arange(start, min(start + batch, len(table)))
            pixels = augment.to_pixels(torch.from_numpy(table.gather(rows)).to(device), size)
            modality = torch.from_numpy(table.modalities[rows]).to(device)
            features[rows] = (
                model.embed(augment.normalize(pixels, model.mean, model.std), modality).cpu().numpy()
            )
    model.train(was_training)
    return features


def embed_shared(
    model: Backbone, table: ImageTable, accelerator: Accelerator, *, batch: int
) -> NDArray[np.float32]:
    """Embed a table as ``embed`` does, each process its share; all processes get the whole (n, d)."""
    rank, world = accelerator.process_index, accelerator.num_processes
    if world == 1:
        return embed(model, table, batch=batch)
    own = embed(model, table.select(np.arange(len(table))[rank::world]), batch=batch)
    features = np.empty((len(table), own.shape[1]), np.float32)
    for other, part in enumerate(gather_object([own])):
        features[other::world] = part
    return features
