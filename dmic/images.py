"""Images of people with their labels: one folder format, one table, for rendered and real data sets alike.

A prepared folder holds ``images.npy`` (n, height, width, 3) uint8, ``manifest.csv`` (one row per image) and
``dataset.json`` (name, counts, licence, how it was made). Rendered folders also hold ``masks.npy``: which pixels show the person,
as packed bits (n, height, ceil(width / 8)) uint8; no training reads it. `open_dataset` reads and checks a folder, `DatasetWriter`
makes it.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dmic.storage.checking import near_names
from dmic.storage.dataset_folder import DatasetError, image_hash, read_folder
from dmic.storage.dataset_writer import DatasetWriter

__all__ = [
    "INTRA_STREAMS",
    "STREAMS",
    "DatasetError",
    "DatasetWriter",
    "ImageTable",
    "LazyImages",
    "LazyMasks",
    "Modality",
    "image_hash",
    "in_stream",
    "open_dataset",
]

Array = TypeVar("Array")  # a NumPy array or a tensor


class Modality(IntEnum):
    """Spectrum of an image."""

    VISIBLE = 0
    INFRARED = 1


INTRA_STREAMS = tuple(modality.name.lower() for modality in Modality)
"""The clusterings within a modality, by its name: phase 1 has only these."""

STREAMS = (*INTRA_STREAMS, "joint")
"""Every clustering, and with it every pair of memories: the two intra streams, and in phase 2 all images together."""


def in_stream(modalities: Array, stream: str) -> Array:
    """Mask (n,) of the images that a stream clusters: those of its modality, or all of them for ``joint``.

    Parameters
    ----------
    modalities : (n,) int64 array or tensor
        Values of `Modality`.
    stream
        One of `STREAMS`.

    Raises
    ------
    ValueError
        For a stream that there is not.
    """
    if stream not in STREAMS:
        raise ValueError(near_names(stream, STREAMS, what="stream"))
    codes: Any = modalities
    return codes >= 0 if stream == "joint" else codes == Modality[stream.upper()]


class LazyImages:
    """Some rows of the memory-mapped image file; nothing is read before it is indexed.

    Parameters
    ----------
    array : (n, height, width, 3) uint8
        The memory-mapped file.
    rows : (m,) int64
        Rows of the file.
    """

    def __init__(self, array: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        self._array = array
        self._rows = rows
        self.shape = (len(rows), *array.shape[1:])
        self.dtype = array.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Read one image (int) or several (slice, mask, indices) into memory."""
        return np.asarray(self._array[self._rows[key]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all of them into memory."""
        return np.asarray(self[:], dtype=dtype)


class LazyMasks:
    """Masks of some images, from the memory-mapped file of packed bits; nothing is read before it is indexed.

    Parameters
    ----------
    packed : (n, height, ceil(width / 8)) uint8
        `numpy.packbits` of the masks along their rows.
    width : int
        Of the images in pixels.
    rows : (m,) int64
        Rows of the file.
    """

    def __init__(self, packed: NDArray[np.uint8], width: int, rows: NDArray[np.int64]) -> None:
        self._packed, self._rows = packed, rows
        self.shape = (len(rows), packed.shape[1], width)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> NDArray[np.bool_]:
        """Read one mask (int) or several (slice, mask, indices) into memory: (height, width) or (k, height, width) bool."""
        bits = np.asarray(self._packed[self._rows[key]])
        return np.unpackbits(bits, axis=-1, count=self.shape[2]).view(bool)

    def select(self, rows: NDArray[np.int64]) -> LazyMasks:
        """Return the masks of other rows of the file."""
        return LazyMasks(self._packed, self.shape[2], rows)


@dataclass(frozen=True, eq=False)
class ImageTable:
    """Images and their labels; views share the memory-mapped file.

    Attributes
    ----------
    images : LazyImages
        (n, height, width, 3) uint8, read when indexed.
    modalities, cameras, identities : (n,) int64
        ``Modality`` values, camera numbers, person numbers. Identities are for evaluation and diagnostics: training reads them only
        for the upper bound (``clustering.label_source = "identities"``).
    splits : (n,) str
        ``train``, ``query`` or ``gallery``.
    indices : (n,) int64
        Rows in the file.
    info : dict
        Content of ``dataset.json``.
    name : str
        Name of the data set.
    folder : Path or None
        Absolute path of the prepared folder; None for a table that was made in memory.
    manifest_sha256 : str or None
        SHA-256 of the bytes of ``manifest.csv``: it stands for every image and label of the folder. None for a table that
        was made in memory.
    masks : LazyMasks or None
        (n, height, width) bool, read when indexed: the pixels that show the person, occluders taken off. None where the folder
        has no ``masks.npy``: no prepared real set has one, and no training reads them.
    """

    images: LazyImages
    modalities: NDArray[np.int64]
    cameras: NDArray[np.int64]
    identities: NDArray[np.int64]
    splits: NDArray[np.str_]
    indices: NDArray[np.int64]
    info: dict[str, Any]
    name: str
    folder: Path | None = None
    manifest_sha256: str | None = None
    masks: LazyMasks | None = None

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images in pixels."""
        return int(self.images.shape[1]), int(self.images.shape[2])

    @property
    def train(self) -> ImageTable:
        """The images for training."""
        return self.select(self.splits == "train")

    @property
    def query(self) -> ImageTable:
        """The test images that are queries (a protocol may take the other side: `Protocol.flipped`)."""
        return self.select(self.splits == "query")

    @property
    def gallery(self) -> ImageTable:
        """The test images that are searched, the gallery."""
        return self.select(self.splits == "gallery")

    def select(self, rows: NDArray[Any] | Iterable[int]) -> ImageTable:
        """View of some images.

        Parameters
        ----------
        rows : (n,) bool or (m,) int
            Mask over this table, or places in this table (not in the file).

        Returns
        -------
        ImageTable
        """
        key = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows))
        if key.dtype != bool:
            key = key.astype(np.int64)
        elif len(key) != len(self):
            raise DatasetError(f"The mask has {len(key)} entries, the table {len(self)} images.")
        return replace(
            self,
            images=LazyImages(self.images._array, self.indices[key]),
            modalities=self.modalities[key],
            cameras=self.cameras[key],
            identities=self.identities[key],
            splits=self.splits[key],
            indices=self.indices[key],
            masks=None if self.masks is None else self.masks.select(self.indices[key]),
        )

    def gather(self, indices: NDArray[Any] | Iterable[int]) -> NDArray[np.uint8]:
        """Read images into memory.

        Parameters
        ----------
        indices : (b,) int
            Places in this table.

        Returns
        -------
        (b, height, width, 3) uint8
        """
        key = np.asarray(indices if isinstance(indices, np.ndarray) else list(indices), dtype=np.int64)
        return self.images[key]


def open_dataset(path: str | os.PathLike[str], verify: bool = False) -> ImageTable:
    """Open a prepared data set folder and check that it is whole.

    Parameters
    ----------
    path : path
        The folder.
    verify : bool
        Hash every image and compare with the manifest (reads the whole file), not only the first, the last and 32 others.

    Returns
    -------
    ImageTable
        All images; ``.train``, ``.query`` and ``.gallery`` are views.

    Raises
    ------
    DatasetError
        The folder is missing, incomplete, its files contradict each other, or people are both in training and test.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    folder = Path(path)
    contents = read_folder(folder, verify=verify)
    rows, info = contents.rows, contents.info
    known = {modality.name.lower(): int(modality) for modality in Modality}
    everything = np.arange(len(rows), dtype=np.int64)
    packed, width = contents.masks, contents.images.shape[2]
    return ImageTable(
        images=LazyImages(contents.images, everything),
        modalities=np.array([known[row["modality"]] for row in rows], dtype=np.int64),
        cameras=np.array([int(row["camera"]) for row in rows], dtype=np.int64),
        identities=np.array([int(row["identity"]) for row in rows], dtype=np.int64),
        splits=np.array([row["split"] for row in rows], dtype="<U7"),
        indices=everything,
        info=info,
        name=str(info["name"]),
        folder=folder.resolve(),
        manifest_sha256=contents.manifest_sha256,
        masks=None if packed is None else LazyMasks(packed, width, everything),
    )
