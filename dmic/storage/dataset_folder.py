"""A prepared data set folder on disk: its three files, perhaps masks beside them, and checking them against each other.

Most readers want `dmic.images.open_dataset`, which stands on this; `dmic.storage.dataset_writer` writes such a folder.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ALLOWED = {"split": ("train", "query", "gallery"), "modality": ("visible", "infrared")}
NUMBERS = ("camera", "identity")
COUNTED = ("split", "modality", "camera")
COLUMNS = ("split", "modality", "camera", "identity", "source", "sha256")
INFO_KEYS = ("name", "version", "size", "counts", "licence", "made")
DIGITS = 18  # of a number: it fits int64
SAMPLED = 32  # images whose hash is compared at every opening
MAKE_ONE = "Make one with: dmic render toy (into data/synthvi-toy)"
RESTORE = "Put manifest.csv back as it was written, or make the data set again."


class DatasetError(ValueError):
    """A data set folder that is missing, broken or cannot be written; the text says what to do."""


class Contents(NamedTuple):
    """What a folder holds, checked."""

    images: NDArray[np.uint8]  # (n, height, width, 3), memory-mapped
    rows: list[dict[str, str]]  # of the manifest, as text
    info: dict[str, Any]  # of dataset.json
    manifest_sha256: str  # of the bytes of manifest.csv: another one where any row, label or image is another
    # (n, height, ceil(width / 8)) packed bits, memory-mapped; None: no masks.npy
    masks: NDArray[np.uint8] | None


def read_folder(folder: Path, *, verify: bool = False) -> Contents:
    """Read the files of a folder and check them against each other.

    Parameters
    ----------
    folder : Path
        A prepared data set folder.
    verify : bool
        Hash every image and compare with the manifest, not only a few.

    Returns
    -------
    Contents

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
    masks = _read_masks(folder / "masks.npy", array.shape)
    rows, manifest_sha256 = _read_manifest(folder / "manifest.csv")
    if len(rows) != len(array):
        raise DatasetError(
            f"{folder}: manifest.csv has {len(rows)} rows, images.npy {len(array)} images. {RESTORE}"
        )
    _check_counts(folder, rows, info)
    check_people(folder, rows)
    _check_hashes(folder, array, rows, range(len(rows)) if verify else _sample(len(rows), manifest_sha256))
    return Contents(array, rows, info, manifest_sha256, masks)


def check_row(where: str, row: Mapping[str, str]) -> None:
    """Refuse a manifest row, as text, with a value that no reader of the folder would understand.

    Parameters
    ----------
    where : str
        Which row it is: how the message begins.
    row
        All of `COLUMNS`, and any others.

    Raises
    ------
    DatasetError
        Naming the column and what was expected.
    """
    for column, allowed in ALLOWED.items():
        if row[column] not in allowed:
            raise DatasetError(f"{where}: {column} is {row[column]!r}, expected one of {', '.join(allowed)}.")
    for column in NUMBERS:
        if not row[column].isdecimal() or len(row[column]) > DIGITS:
            raise DatasetError(
                f"{where}: {column} is {row[column]!r}, expected a whole number, 0 or more, in digits."
            )


def check_people(folder: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Refuse rows, each by itself right, that make no data set: there are images, and training and test people differ."""
    training: set[int] = set()
    test: set[int] = set()
    for row in rows:
        (training if row["split"] == "train" else test).add(int(row["identity"]))
    if not training | test:
        raise DatasetError(f"{folder} holds no images.")
    if shared := sorted(training & test)[:5]:
        raise DatasetError(f"{folder}: identities {shared} are in training and test. They must be disjoint.")


def count_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts as ``dataset.json`` stores them: total, and per split, modality and camera."""
    listed = list(rows)
    counts: dict[str, Any] = {"total": len(listed)}
    for column in COUNTED:
        counter = Counter(str(row[column]) for row in listed)
        counts[column] = {key: counter[key] for key in sorted(counter)}
    return counts


def masks_shape(images: tuple[int, ...]) -> tuple[int, int, int]:
    """Shape of ``masks.npy``, of `numpy.packbits` along the rows, beside images of shape (n, height, width, 3)."""
    count, height, width, _ = images
    return count, height, -(-width // 8)


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
    array = _mapped(path)
    if array.dtype != np.uint8:
        raise DatasetError(f"{path} holds {array.dtype}, expected uint8 (0..255).")
    if array.ndim != 4 or array.shape[3] != 3:
        raise DatasetError(f"{path} has shape {array.shape}, expected (images, height, width, 3).")
    if list(array.shape[1:3]) != info["size"]:
        raise DatasetError(
            f"{path} holds images of {list(array.shape[1:3])} pixels, dataset.json says {info['size']}."
        )
    return array


def _mapped(path: Path) -> NDArray[Any]:
    """Memory-map an array."""
    try:
        return np.load(path, mmap_mode="r")
    except (ValueError, OSError, EOFError) as error:
        raise DatasetError(
            f"{path} cannot be read as a NumPy array ({error}). Prepare the data set again."
        ) from None


def _read_masks(path: Path, images: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """Memory-map ``masks.npy``, where there is one, and check type and shape against the images'."""
    if not path.exists():
        return None
    array, wanted = _mapped(path), masks_shape(images)
    if array.dtype != np.uint8 or array.shape != wanted:
        raise DatasetError(
            f"{path} holds {array.shape} {array.dtype}, expected {wanted} uint8: one bit a pixel of images.npy. "
            "Prepare the data set again, or remove this file, which no training needs."
        )
    return array


def _read_manifest(path: Path) -> tuple[list[dict[str, str]], str]:
    """Read ``manifest.csv``, check its columns and values, and hash its bytes."""
    content = path.read_bytes()
    try:
        rows = list(_rows(path, content.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{path} line {line} is no UTF-8 text ({error.reason}). Saved by a spreadsheet? {RESTORE}"
        ) from None
    except csv.Error as error:
        raise DatasetError(f"{path} is no table with commas ({error}). {RESTORE}") from None
    return rows, hashlib.sha256(content).hexdigest()


def _rows(path: Path, text: str) -> Iterator[dict[str, str]]:
    """The checked rows of a manifest; empty lines and any kind of line ends do no harm."""
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    if wrong := [column for column in COLUMNS if header.count(column) != 1]:
        commas = " Columns are parted by commas." if len(header) == 1 else ""
        raise DatasetError(
            f"{path} lacks or repeats the column(s) {', '.join(wrong)}; found {header}.{commas}"
        )
    for values in filter(None, reader):
        where = f"{path} line {reader.line_num}"
        if len(values) != len(header):
            raise DatasetError(
                f"{where}: {len(values)} fields, expected {len(header)} as in line 1. {RESTORE}"
            )
        row = dict(zip(header, values, strict=True))
        check_row(where, row)
        yield row


def _check_counts(folder: Path, rows: list[dict[str, str]], info: dict[str, Any]) -> None:
    """The counts of ``dataset.json`` must be those of the manifest."""
    counted, stated = count_rows(rows), info["counts"]
    for key, value in counted.items():
        if not isinstance(stated, dict) or stated.get(key) != value:
            said = stated.get(key) if isinstance(stated, dict) else stated
            raise DatasetError(
                f"{folder}: dataset.json counts {key} as {said}, the manifest gives {value}. {RESTORE}"
            )


def _sample(images: int, manifest_sha256: str) -> list[int]:
    """Places of the first, the last and `SAMPLED` other images: sorted or shifted rows do not get past them.

    The manifest's hash is the seed: a folder opens always or never, so that an error can be shown to somebody else, while
    an edited manifest is looked at in other places. A single wrong row is what ``verify`` is for.
    """
    drawn = np.random.default_rng(int(manifest_sha256, 16)).choice(
        images, min(images, SAMPLED), replace=False
    )
    return sorted({0, images - 1, *drawn.tolist()})


def _check_hashes(
    folder: Path, array: NDArray[np.uint8], rows: list[dict[str, str]], places: Iterable[int]
) -> None:
    """The images at these places must have the hashes of their rows. A spreadsheet counts rows as ``line`` does here."""
    for place in places:
        row, found = rows[place], image_hash(array[place])
        if row["sha256"] == found:
            continue
        for line, other in enumerate(rows, start=2):
            if other["sha256"] == found:
                raise DatasetError(
                    f"{folder}: the rows of manifest.csv are in another order than the images. Line {place + 2} should be the "
                    f"one of image {place}, which stands in line {line}. Sorted in a spreadsheet? {RESTORE}"
                )
        raise DatasetError(
            f"{folder}: image {place} does not have the hash that manifest.csv line {place + 2} ({row['source']}) says. "
            f"Images or rows were changed. {RESTORE}"
        )
