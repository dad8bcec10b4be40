"""The two sides of a protocol: which test images are queries, which are gallery, which are neither.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmic.evaluation.protocols import PROTOCOLS, Protocol
from dmic.images import Modality

if TYPE_CHECKING:
    from dmic.images import ImageTable

__all__ = ["Embedding", "Side", "count_unused", "sides_of"]

Embedding = Callable[["ImageTable"], ArrayLike] | Mapping[str, ArrayLike]


class Side(NamedTuple):
    """Queries or gallery: test images and what their ranking needs."""

    rows: NDArray[np.int64]  # positions in the table
    features: NDArray[np.float32]  # unit rows
    ids: NDArray[np.int64]
    cameras: NDArray[np.int64]

    def take(self, indices: NDArray[np.int64]) -> Side:
        """Return the images at the given places."""
        return Side(self.rows[indices], self.features[indices], self.ids[indices], self.cameras[indices])


def _unit_features(embed: Embedding, table: ImageTable, split: str) -> NDArray[np.float32]:
    if not callable(embed) and not (isinstance(embed, Mapping) and split in embed):
        found = f"keys {sorted(embed)}" if isinstance(embed, Mapping) else f"type {type(embed).__name__}"
        raise ValueError(
            f"features have {found}; expected 'query' and 'gallery'. Of a finished run, take one stage: "
            "result.features['final']."
        )
    view = table.query if split == "query" else table.gallery
    features = np.asarray(embed(view) if callable(embed) else embed[split], dtype=np.float32)
    if features.ndim != 2 or len(features) != len(view):
        raise ValueError(
            f"{split} features have shape {features.shape}; expected ({len(view)}, d), one row per image of table.{split}. "
            f"Embed exactly table.{split}, in its order."
        )
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if bad.size:
        raise ValueError(
            f"{bad.size} of {len(view)} {split} features are not finite rows of non-zero length (first: row {bad[0]} of "
            f"table.{split}, length {norms[bad[0], 0]:g}). Look for NaN in the network or in the images."
        )
    return features / norms


def sides_of(embed: Embedding, table: ImageTable, protocol: Protocol) -> tuple[Side, Side]:
    """Return queries and gallery: by modality and camera, not by split, so that a flipped protocol finds them too."""
    rows = np.concatenate([np.flatnonzero(table.splits == split) for split in ("query", "gallery")])
    features = np.concatenate([_unit_features(embed, table, split) for split in ("query", "gallery")])
    test = Side(rows, features, table.identities[rows], table.cameras[rows])
    sides = []
    for modality, cameras in (
        (protocol.query_modality, protocol.query_cameras),
        (1 - protocol.query_modality, protocol.gallery_cameras),
    ):
        chosen = table.modalities[rows] == modality
        if cameras is not None:
            chosen &= np.isin(test.cameras, cameras)
        if not chosen.any():
            wanted, there = Modality(modality).name.lower(), sorted(set(test.cameras.tolist()))
            raise ValueError(
                f"protocol {protocol.name!r} needs {wanted} test images of cameras {cameras or 'any'}; found none "
                f"(test cameras: {there}). Choose the protocol that fits the data: {', '.join(PROTOCOLS)}."
            )
        sides.append(test.take(np.flatnonzero(chosen)))
    return sides[0], sides[1]


def count_unused(table: ImageTable, protocol: Protocol, *sides: Side) -> int:
    """Return the number of test images on no side, with a warning where the protocol does not leave them out on purpose."""
    test = np.flatnonzero(np.isin(table.splits, ("query", "gallery")))
    unused = np.setdiff1d(test, np.concatenate([side.rows for side in sides]))
    strange = unused[~np.isin(table.cameras[unused], protocol.left_out)]
    found = []
    for modality in Modality:
        cameras = table.cameras[strange[table.modalities[strange] == modality]]
        if cameras.size:
            numbers = ", ".join(map(str, np.unique(cameras)))
            found.append(f"{len(cameras)} {modality.name.lower()} of cameras {numbers}")
    if found:
        warnings.warn(
            f"protocol {protocol.name!r} leaves out {len(strange)} of {len(test)} test images ({'; '.join(found)}), and the scores "
            f"are those of the others. Does it fit the data? There are: {', '.join(PROTOCOLS)}.",
            stacklevel=3,
        )
    return len(unused)
