"""Index files and folders of raw data sets: read in sorted order, checked, never trusted."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .report import Report

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


class Photo(NamedTuple):
    """One image file and its row in the manifest."""

    path: str  # relative to the raw folder, with "/"
    bytes: int
    split: str  # train, query, gallery
    modality: str  # visible, infrared
    camera: int
    identity: int


class Entry(NamedTuple):
    """One line ``folder/person/file label`` of a list."""

    path: str
    person: int
    label: int


def read_lines(root: Path, name: str, report: Report) -> list[str]:
    """Read the non-empty lines of a text file; Windows line ends and a byte order mark do no harm."""
    try:
        raw = (root / name).read_bytes()
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        report.problem("index files that are missing", name)
        return []
    except (OSError, UnicodeDecodeError) as error:
        report.problem("index files that cannot be read", f"{name} ({error})")
        return []
    if b"\r" in raw:
        report.note("index files with Windows line ends, read all the same", name)
    if raw.startswith(codecs.BOM_UTF8):
        report.note("index files with a byte order mark, read all the same", name)
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_ids(root: Path, name: str, report: Report) -> set[int]:
    """Read person numbers, separated by commas (the sets keep them in one line)."""
    words = [word.strip() for line in read_lines(root, name, report) for word in line.split(",")]
    words = [word for word in words if word]
    wrong = [repr(word) for word in words if not word.isdecimal()]
    if wrong:
        report.problem(f"words in {name} that are no person number", *wrong)
    ids = [int(word) for word in words if word.isdecimal()]
    if repeated := sorted({person for person in ids if ids.count(person) > 1}):
        report.problem(f"people named twice in {name}", *map(str, repeated))
    if not words and (root / name).is_file():
        report.problem("index files without a person number", name)
    return set(ids)


def read_entries(root: Path, name: str, folder: str, report: Report) -> list[Entry]:
    """Read a list of images with labels, as ``Visible/285/male_back_v_05528_285.bmp 0``.

    Every path must lie in ``folder/person/``. The labels only count a list's people from 0; the person's number is
    the folder's. Labels and people must go together one to one.
    """
    entries, wrong = [], []
    pattern = re.compile(rf"({re.escape(folder)}/(\d+)/[^/\\]+) (\d+)")
    for number, line in enumerate(read_lines(root, name, report), start=1):
        if match := pattern.fullmatch(line):
            entries.append(Entry(match[1], int(match[2]), int(match[3])))
        else:
            wrong.append(f"line {number} {line!r}")
    if wrong:
        report.problem(f"lines in {name} unlike '{folder}/<person>/<file> <label>'", *wrong)
    paths = [entry.path for entry in entries]
    if len(set(paths)) < len(paths):
        seen: set[str] = set()
        report.problem(f"images named twice in {name}", *(p for p in paths if p in seen or seen.add(p)))
    pairs = sorted({(entry.label, entry.person) for entry in entries})
    for column, what, other in ((0, "label", "people"), (1, "person", "labels")):
        groups: dict[int, list[int]] = {}
        for pair in pairs:
            groups.setdefault(pair[column], []).append(pair[1 - column])
        mixed = [f"{what} {key} = {other} {values}" for key, values in groups.items() if len(values) > 1]
        if mixed:
            report.problem(f"labels in {name} that do not fit the folders", *mixed)
    return entries


def images_in(root: Path, folder: str, report: Report) -> dict[str, int]:
    """Images of one folder, sorted by name: relative path -> size in bytes; empty if the folder is not there.

    Hidden files and files that are no images are left out and noted; empty ones are problems.
    """
    sizes: dict[str, int] = {}
    try:
        with os.scandir(root / folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except FileNotFoundError:
        return sizes
    except OSError as error:
        report.problem("folders that cannot be read", f"{folder} ({error.strerror})")
        return sizes
    for entry in entries:
        path = f"{folder}/{entry.name}"
        if entry.name.startswith(".") or not entry.name.lower().endswith(IMAGE_SUFFIXES):
            report.note("files that are no images, left out", path)
            continue
        try:
            sizes[path] = entry.stat().st_size
        except OSError as error:
            report.problem("images that cannot be read", f"{path} ({error.strerror})")
            continue
        if sizes[path] == 0:
            report.problem("zero-byte images", path)
    return sizes


def subfolders(root: Path, folder: str, report: Report) -> list[str]:
    """Names of the folders in a folder, sorted; a missing or unreadable one is a problem."""
    try:
        with os.scandir(root / folder) as listed:
            return sorted(entry.name for entry in listed if entry.is_dir())
    except FileNotFoundError:
        report.problem("folders that are missing", folder)
    except OSError as error:
        report.problem("folders that cannot be read", f"{folder} ({error.strerror})")
    return []


def images_below(root: Path, folder: str, report: Report) -> dict[str, int]:
    """Images of all folders in a folder: relative path -> size in bytes."""
    sizes: dict[str, int] = {}
    for name in subfolders(root, folder, report):
        sizes |= images_in(root, f"{folder}/{name}", report)
    return sizes


def compare_with_disk(listed: Iterable[str], on_disk: Iterable[str], report: Report) -> None:
    """Name the listed images that are not on disk, with what may be meant where only the case differs."""
    there = set(on_disk)
    spelled = {path.lower(): path for path in there}
    missing = sorted(set(listed) - there)
    hints = [f"{path} (there is {spelled[path.lower()]})" for path in missing if path.lower() in spelled]
    plain = [path for path in missing if path.lower() not in spelled]
    if hints:
        report.problem("listed images spelled differently on disk; rename them", *hints)
    if plain:
        report.problem("listed images that are missing", *plain)
