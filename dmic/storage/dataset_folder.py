"""A prepared data set folder on disk: its three files, and checking them against each other.

Most readers want `dmic.images.open_dataset`, which stands on this; `dmic.storage.dataset_writer` writes such a folder.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALLOWED = {"split": ("train", "query", "gallery"), "modality": ("visible", "infrared")}
NUMBERS = ("camera", "identity")
COUNTED = ("split", "modality", "camera")
COLUMNS = ("split", "modality", "camera", "identity", "source", "sha256")
INFO_KEYS = ("name", "version", "size", "counts", "licence", "made")
MAKE_ONE = "Make one with: dmic render toy (into data/synthvi-toy)"


class DatasetError(ValueError):
    """A data set folder that is missing, broken or cannot be written; the text says what to do."""


def read_folder(
    folder: Path, *, verify: bool = False
) -> tuple[NDArray[np.uint8], list[dict[str, str]], dict[str, Any]]:
    """Read the three files of a folder and check them against each other.

    Parameters
    ----------
    folder : Path
        A prepared data set folder.
    verify : bool
        Also hash every image and compare with the manifest.

    Returns
    -------
    images : (n, height, width, 3) uint8
        Memory-mapped.
    rows : list of dict
        The manifest's rows as text.
    info : dict
        Content of ``dataset.json``.

    Raises
    ------
    DatasetError
        Naming the file and the contradiction.
    """
    if not folder.is_dir():
        raise DatasetError(f"There is no data set folder {folder}. {MAKE_ONE}")
    for name in ("images.npy", "manifest.csv", "dataset.json"):
        if not (folder / name).is_file():
            raise DatasetError(f"{folder} has no {name}: it is not a finished data set folder. {MAKE_ONE}")
    info = _read_info(folder / "dataset.json")
    array = _read_images(folder / "images.npy", info)
    rows = _read_manifest(folder / "manifest.csv")
    if len(rows) != len(array):
        raise DatasetError(
            f"{folder}: manifest.csv has {len(rows)} rows, images.npy {len(array)} images. Prepare it again."
        )
    _check_counts(folder, rows, info)
    if verify:
        _verify(folder, array, rows)
    return array, rows, info


def count_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts as ``dataset.json`` stores them: total, and per split, modality and camera."""
    listed = list(rows)
    counts: dict[str, Any] = {"total": len(listed)}
    for column in COUNTED:
        counter = Counter(str(row[column]) for row in listed)
        counts[column] = {key: counter[key] for key in sorted(counter)}
    return counts


def image_hash(image: NDArray[np.uint8]) -> str:
    """SHA-256 (hexadecimal) of an image's raw bytes."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def _read_info(path: Path) -> dict[str, Any]:
    """Read and check ``dataset.json``."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is not valid JSON ({error}). Prepare the data set again.") from None
    if not isinstance(info, dict):
        raise DatasetError(
            f"{path} holds a {type(info).__name__}, expected an object with {', '.join(INFO_KEYS)}."
        )
    if missing := [key for key in INFO_KEYS if key not in info]:
        raise DatasetError(f"{path} lacks {', '.join(missing)}; expected {', '.join(INFO_KEYS)}.")
    return info


def _read_images(path: Path, info: dict[str, Any]) -> NDArray[np.uint8]:
    """Memory-map ``images.npy`` and check type and shape."""
    try:
        array = np.load(path, mmap_mode="r")
    except (ValueError, OSError, EOFError) as error:
        raise DatasetError(
            f"{path} cannot be read as a NumPy array ({error}). Prepare the data set again."
        ) from None
    if array.dtype != np.uint8:
        raise DatasetError(f"{path} holds {array.dtype}, expected uint8 (0..255).")
    if array.ndim != 4 or array.shape[3] != 3:
        raise DatasetError(f"{path} has shape {array.shape}, expected (images, height, width, 3).")
    if list(array.shape[1:3]) != list(info["size"]):
        raise DatasetError(
            f"{path} holds images of {list(array.shape[1:3])} pixels, dataset.json says {info['size']}."
        )
    return array


def _read_manifest(path: Path) -> list[dict[str, str]]:
    """Read ``manifest.csv`` and check its columns and values."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or [])]:
            raise DatasetError(f"{path} lacks the column(s) {', '.join(missing)}; found {reader.fieldnames}.")
        rows = list(reader)
    for line, row in enumerate(rows, start=2):
        for column, allowed in ALLOWED.items():
            if row[column] not in allowed:
                expected = ", ".join(allowed)
                raise DatasetError(
                    f"{path} line {line}: {column} is {row[column]!r}, expected one of {expected}."
                )
        for column in NUMBERS:
            if not (row[column] or "").isdecimal():
                raise DatasetError(
                    f"{path} line {line}: {column} is {row[column]!r}, expected a whole number."
                )
    return rows


def _check_counts(folder: Path, rows: list[dict[str, str]], info: dict[str, Any]) -> None:
    """The counts of ``dataset.json`` must be those of the manifest."""
    counted, stated = count_rows(rows), info["counts"]
    for key, value in counted.items():
        if not isinstance(stated, dict) or stated.get(key) != value:
            said = stated.get(key) if isinstance(stated, dict) else stated
            raise DatasetError(
                f"{folder}: dataset.json counts {key} as {said}, the manifest gives {value}. Prepare it again."
            )


def _verify(folder: Path, array: NDArray[np.uint8], rows: list[dict[str, str]]) -> None:
    """Hash every image again."""
    for index, row in enumerate(rows):
        if image_hash(array[index]) != row["sha256"]:
            raise DatasetError(
                f"{folder}: image {index} ({row['source']}) does not have the hash that its manifest row says."
            )
