"""Write a prepared data set folder so that a broken one never looks whole, and nothing of another kind is replaced.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dmic.storage.dataset_folder import (
    COLUMNS,
    COUNTED,
    DatasetError,
    check_people,
    check_row,
    count_rows,
    image_hash,
    masks_shape,
)


class DatasetWriter:
    """Write a data set folder; it appears under its name only when it is whole.

    Everything goes to a hidden folder ``.NAME.incomplete-HOST-PROCESS`` beside the final one, which is renamed at the end.
    Use it as a context manager: leaving normally finishes, leaving by an exception removes the hidden folder. A process
    that is killed cannot do that: the next writer to the same place on that machine does it.

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
        Replace a data set folder that is there already. Anything else is never replaced.

    Raises
    ------
    DatasetError
        The folder exists, cannot be written, or the images do not match what was announced. A row that `open_dataset` would
        refuse is refused by `append`, which then has written nothing of it; people both in training and test when finishing.
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
        self._info: dict[str, Any] = {"name": name, "version": version, "size": list(size)}
        self._info |= {"licence": licence, "made": dict(made)}
        try:
            json.dumps(self._info)  # now, not after the last image
        except TypeError as error:
            raise DatasetError(
                f"dataset.json cannot hold this description ({error}). Use text and numbers."
            ) from None
        self._shape = (count, *size, 3)
        self._columns: list[str] = []  # of the manifest; the first row says which
        self._rows: list[dict[str, str]] = []  # of every row only what is still needed: the rest is on disk
        # The hidden folder; scratch files of whoever writes may lie in it, and must be gone at the end.
        self.unfinished = self.path.with_name(f"{_prefix(self.path)}{os.getpid()}")
        try:
            self._open()
        except BaseException as error:  # also an interruption just now
            shutil.rmtree(self.unfinished, ignore_errors=True)
            if isinstance(error, OSError):
                raise self._unwritable(error) from None
            raise

    def _check_place(self) -> None:
        """Refuse to replace what must stay: everything that is there, or, overwriting, all that is no data set."""
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        if not self._overwrite:
            raise DatasetError(
                f"{self.path} exists already. Choose another folder, or ask to overwrite it (--force)."
            )
        if not (self.path / "dataset.json").is_file():
            raise DatasetError(
                f"{self.path} is no data set folder, and --force will not delete it. Choose another folder."
            )

    def _open(self) -> None:
        """Make the temporary folder and start its files."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(self.path)
        self._check_place()
        shutil.rmtree(self.unfinished, ignore_errors=True)
        self.unfinished.mkdir()
        self._images = (self.unfinished / "images.npy").open("wb")
        self._manifest = (self.unfinished / "manifest.csv").open("w", newline="", encoding="utf-8")
        self._lines = csv.writer(self._manifest, lineterminator="\n")
        self._masks: IO[bytes] | None = None  # opened by the first image that has a mask
        _write_header(self._images, self._shape)

    def _unwritable(self, error: OSError) -> DatasetError:
        """A full disk, a missing permission: what to say about it."""
        return DatasetError(
            f"Cannot write to {self.path.parent} ({error}). Choose a folder that you may write, with enough room."
        )

    def append(self, image: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None, **row: Any) -> None:
        """Add one image and its manifest row.

        Parameters
        ----------
        image : (height, width, 3) uint8
        mask : (height, width) bool, optional
            Where the image shows the person. All images of a folder have a mask, or none has.
        row
            All `COLUMNS` but ``sha256``, and any others.
        """
        place = len(self._rows)
        if place >= self._shape[0]:
            raise DatasetError(f"More images than the {self._shape[0]} announced.")
        if image.shape != (wanted := self._shape[1:]) or image.dtype != np.uint8:
            raise DatasetError(f"Image {place} is {image.shape} {image.dtype}, expected {wanted} uint8.")
        self._check_mask(place, mask)
        text = self._checked(f"The row of image {place}", {**row, "sha256": image_hash(image)})
        try:
            if not self._columns:
                self._columns = list(dict.fromkeys([*COLUMNS, *row]))  # in this order, each once
                self._lines.writerow(self._columns)
            self._lines.writerow([text[column] for column in self._columns])
            self._images.write(np.ascontiguousarray(image).tobytes())
            if mask is not None:
                self._write_mask(mask)
        except OSError as error:
            raise self._unwritable(error) from None
        self._rows.append({column: text[column] for column in (*COUNTED, "identity")})

    def _check_mask(self, place: int, mask: NDArray[np.bool_] | None) -> None:
        """Refuse a mask of another shape or type, and one more or less than the first image had."""
        if mask is not None and (mask.shape != (wanted := self._shape[1:3]) or mask.dtype != bool):
            raise DatasetError(f"Mask {place} is {mask.shape} {mask.dtype}, expected {wanted} bool.")
        if place and (mask is None) != (self._masks is None):
            this, others = ("no", "have one") if mask is None else ("a", "have none")
            raise DatasetError(
                f"Image {place} has {this} mask, those before it {others}. Give all images a mask, or none."
            )

    def _write_mask(self, mask: NDArray[np.bool_]) -> None:
        """Write a mask as packed bits, each row from a byte of its own."""
        if self._masks is None:
            self._masks = (self.unfinished / "masks.npy").open("wb")
            _write_header(self._masks, masks_shape(self._shape))
        self._masks.write(np.packbits(mask, axis=-1).tobytes())

    def _files(self) -> list[IO[Any]]:
        """Return the files that are written image by image."""
        return [self._images, self._manifest, *([self._masks] if self._masks else [])]

    def _checked(self, where: str, row: Mapping[str, Any]) -> dict[str, str]:
        """Return a row as the text that the manifest will hold, or refuse it."""
        if missing := [column for column in COLUMNS if column not in row]:
            raise DatasetError(f"{where} lacks {', '.join(missing)}.")
        if self._columns and (odd := sorted(set(row) ^ set(self._columns))):
            raise DatasetError(
                f"{where} has other columns than the first row: {', '.join(odd)} is only in one of them."
            )
        text = {column: "" if value is None else str(value) for column, value in row.items()}
        check_row(where, text)
        if not _is_readable(text.values()):
            odd = [
                f"{column} is {value!r:.200}" for column, value in text.items() if not _is_readable([value])
            ]
            raise DatasetError(f"{where}: {', '.join(odd)}, which a table in UTF-8 cannot hold.")
        return text

    def finish(self) -> None:
        """Write ``dataset.json``, then rename the temporary folder."""
        if len(self._rows) != self._shape[0]:
            raise DatasetError(f"{self._shape[0]} images were announced, {len(self._rows)} written.")
        check_people(self.path, self._rows)
        info = {**self._info, "counts": count_rows(self._rows)}
        try:
            for file in self._files():
                file.close()
            (self.unfinished / "dataset.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise self._unwritable(error) from None
        self._check_place()  # somebody else may have finished there meanwhile
        old = self.unfinished.with_name(f"{self.unfinished.name}.old")
        try:
            if self.path.exists():
                self.path.rename(old)
            self.unfinished.rename(self.path)
        except BaseException:  # an interruption just between the two: the old one gets its name back
            if old.exists() and not self.path.exists():
                old.rename(self.path)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def abandon(self) -> None:
        """Remove the temporary folder."""
        for file in self._files():
            with suppress(OSError):  # on a full disk closing fails, too
                file.close()
        shutil.rmtree(self.unfinished, ignore_errors=True)

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


def _write_header(file: IO[bytes], shape: tuple[int, ...]) -> None:
    """Begin a NumPy file of uint8."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _is_readable(values: Iterable[str]) -> bool:
    """Whether a line of these values is read as it was written: not so some control characters, half characters, long texts."""
    values, line = list(values), io.StringIO(newline="")
    try:
        csv.writer(line, lineterminator="\n").writerow(values)
        return list(csv.reader(io.StringIO(line.getvalue().encode().decode(), newline=""))) == [values]
    except (UnicodeEncodeError, csv.Error):
        return False


def _prefix(path: Path) -> str:
    """How the temporary folders of this machine beside ``path`` begin; the number of a process follows."""
    return f".{path.name}.incomplete-{platform.node()}-"


def _remove_leftovers(path: Path) -> None:
    """Remove temporary folders of writers that were killed: those of this machine whose process is gone.

    Process numbers of another machine, or of another container, that shares the folder say nothing here.
    """
    for leftover in path.parent.iterdir():
        process, _, old = leftover.name.removeprefix(prefix := _prefix(path)).partition(".")
        if not leftover.name.startswith(prefix) or not process.isdecimal() or _is_running(int(process)):
            continue
        if old and not path.exists():  # killed between the two renamings: the only whole one
            leftover.rename(path)
        else:
            shutil.rmtree(leftover, ignore_errors=True)


def _is_running(process: int) -> bool:
    """Whether a process of this machine is alive."""
    if os.name == "nt":  # os.kill would interrupt it there
        return True
    try:
        os.kill(process, 0)
    except OSError as error:  # any other error: it runs and belongs to somebody else
        return not isinstance(error, ProcessLookupError)
    return True
