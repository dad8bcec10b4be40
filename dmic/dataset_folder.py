"""A prepared data set folder on disk: its three files, checking them, writing them so that a broken one never looks whole.

Most readers want `dmic.images.open_dataset`, which stands on this.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALLOWED = {"split": ("train", "query", "gallery"), "modality": ("visible", "infrared")}
NUMBERS = ("camera", "identity")
COUNTED = ("split", "modality", "camera")
COLUMNS = ("split", "modality", "camera", "identity", "source", "sha256")
INFO_KEYS = ("name", "version", "size", "counts", "licence", "made")
MAKE_ONE = "Make one with: python data_scripts/render_synthvi.py --preset toy --out data/synthvi-toy"


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
    found, stated = count_rows(rows), info["counts"]
    for key, value in found.items():
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


class DatasetWriter:
    """Write a data set folder; it appears under its name only when it is whole.

    Everything goes to a temporary folder beside the final one, which is renamed at the end. Use it as a context manager:
    leaving normally finishes, leaving by an exception removes the temporary folder.

    Parameters
    ----------
    path : path
        The folder to make.
    count : int
        Number of images that will be written.
    size : (height, width)
        Of every image in pixels.
    name, version, licence : str
        For ``dataset.json``.
    made : dict
        How it was made: settings, seed, source.
    overwrite : bool
        Replace a folder that is there already.

    Raises
    ------
    DatasetError
        The folder exists, cannot be written, or the images do not match what was announced.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        count: int,
        size: tuple[int, int],
        name: str,
        version: str,
        licence: str,
        made: Mapping[str, Any],
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path).absolute()
        self._overwrite = overwrite
        if self.path.exists() and not overwrite and not (self.path.is_dir() and not any(self.path.iterdir())):
            raise DatasetError(f"{self.path} exists already. Choose another folder, or ask to overwrite it.")
        self._info: dict[str, Any] = {"name": name, "version": version, "size": list(size)}
        self._info |= {"licence": licence, "made": dict(made)}
        self._shape = (count, *size, 3)
        self._counted: list[
            dict[str, str]
        ] = []  # of every row only what is counted: the rest is on disk already
        self._temporary = self.path.with_name(f".{self.path.name}.incomplete-{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(self.path)
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary.mkdir()
            self._images = (self._temporary / "images.npy").open("wb")
            self._manifest = (self._temporary / "manifest.csv").open("w", newline="", encoding="utf-8")
            header = {"descr": "|u1", "fortran_order": False, "shape": self._shape}
            np.lib.format.write_array_header_1_0(self._images, header)
        except OSError as error:
            raise DatasetError(
                f"Cannot write to {self.path.parent} ({error}). Choose a folder that you may write."
            ) from None

    def append(self, image: NDArray[np.uint8], **row: Any) -> None:
        """Add one image (height, width, 3) uint8 and its manifest row (all `COLUMNS` but ``sha256``, and any others)."""
        place = len(self._counted)
        if place >= self._shape[0]:
            raise DatasetError(f"More images than the {self._shape[0]} announced.")
        if image.shape != (wanted := self._shape[1:]) or image.dtype != np.uint8:
            raise DatasetError(f"Image {place} is {image.shape} {image.dtype}, expected {wanted} uint8.")
        if missing := [column for column in COLUMNS if column != "sha256" and column not in row]:
            raise DatasetError(f"The row of image {place} lacks {', '.join(missing)}.")
        if place == 0:
            columns = dict.fromkeys([*COLUMNS, *row])  # in this order, each once
            self._lines = csv.DictWriter(self._manifest, list(columns), lineterminator="\n")
            self._lines.writeheader()
        self._images.write(np.ascontiguousarray(image).tobytes())
        self._lines.writerow({**row, "sha256": image_hash(image)})
        self._counted.append({column: str(row[column]) for column in COUNTED})

    def finish(self) -> None:
        """Write ``dataset.json``, then rename the temporary folder."""
        if len(self._counted) != self._shape[0]:
            raise DatasetError(f"{self._shape[0]} images were announced, {len(self._counted)} written.")
        self._images.close()
        self._manifest.close()
        info = {**self._info, "counts": count_rows(self._counted)}
        (self._temporary / "dataset.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
        old = self.path.with_name(f".{self.path.name}.old-{os.getpid()}")
        if self.path.exists():
            self.path.rename(old)
        self._temporary.rename(self.path)
        shutil.rmtree(old, ignore_errors=True)

    def abandon(self) -> None:
        """Remove the temporary folder."""
        self._images.close()
        self._manifest.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.abandon()


def _remove_leftovers(path: Path) -> None:
    """Remove temporary folders of writers that were killed (their process is gone)."""
    for leftover in path.parent.glob(f".{path.name}.incomplete-*"):
        process = leftover.name.rpartition("-")[2]
        if process.isdigit() and not _is_running(int(process)):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_running(process: int) -> bool:
    """Whether a process of this machine is alive."""
    try:
        os.kill(process, 0)
    except OSError as error:  # any other error: it runs and belongs to somebody else
        return not isinstance(error, ProcessLookupError)
    return True
