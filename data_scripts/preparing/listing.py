"""Index files and folders of raw data sets: read in sorted order, checked, never trusted."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Collection, Iterable
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


def where_it_is(root: Path, names: Collection[str]) -> Path | None:
    """The folder that may be meant where ``root`` holds none of these names: one in it, or the one around it."""
    wanted = {name.lower() for name in names}
    inside = _names_in(root)
    if wanted & set(map(str.lower, inside)):
        return None
    near = [*(root / name for name in inside), root.parent]
    return next((folder for folder in near if len(wanted & set(map(str.lower, _names_in(folder)))) > 1), None)


def _names_in(folder: Path) -> list[str]:
    """What a folder holds, sorted; nothing, where it cannot be read or is none."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def read_lines(root: Path, name: str, report: Report) -> list[str]:
    """Read the non-empty lines of a text file; Windows line ends and a byte order mark do no harm."""
    try:
        raw = (root / name).read_bytes()
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        _report_missing(root, name, "index files", report)
        return []
    except (OSError, UnicodeDecodeError) as error:
        report.problem("index files that cannot be read", f"{name} ({error})")
        return []
    if b"\r" in raw:
        report.note("index files with Windows line ends, read all the same", name)
    if raw.startswith(codecs.BOM_UTF8):
        report.note("index files with a byte order mark, read all the same", name)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        report.problem("index files that are empty", name)
    return lines


def _report_missing(root: Path, name: str, what: str, report: Report) -> None:
    """Report a file or folder that is not there, with what is there where only upper and lower case differ."""
    there = root
    for part in name.split("/"):
        alike = [entry for entry in _names_in(there) if entry.lower() == part.lower()]
        if not alike:
            report.problem(f"{what} that are missing", name)
            return
        there /= part if part in alike else alike[0]
    found = there.relative_to(root).as_posix()
    report.problem(f"{what} spelled differently on disk; rename them", f"{name} (there is {found})")


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
    return set(ids)


def read_entries(root: Path, name: str, folder: str, report: Report) -> list[Entry]:
    """Read a list of images with labels, as ``Visible/285/male_back_v_05528_285.bmp 0``.

    Every path must lie in ``folder/person/``. The labels only count a list's people from 0; the person's number is
    the folder's. Labels and people must go together one to one. Backslashes, and more than one blank, are read.
    """
    entries, wrong = [], []
    pattern = re.compile(rf"({re.escape(folder)}/(\d+)/[^/]*[^/\s])\s+(\d+)")
    lines = read_lines(root, name, report)
    for number, line in enumerate(lines, start=1):
        if match := pattern.fullmatch(line.replace("\\", "/")):
            entries.append(Entry(match[1], int(match[2]), int(match[3])))
        else:
            wrong.append(f"{name} line {number} {line!r}")
    if wrong:
        report.problem(f"lines unlike '{folder}/<person>/<file> <label>'", *wrong)
    if any("\\" in line for line in lines):
        report.note("index files with backslashes, read as slashes", name)
    paths = [entry.path for entry in entries]
    if len(set(paths)) < len(paths):
        seen: set[str] = set()
        twice = [path for path in paths if path in seen or seen.add(path)]
        report.problem("images named twice in a list", *(f"{path} in {name}" for path in twice))
    pairs = sorted({(entry.label, entry.person) for entry in entries})
    for column, what, other in ((0, "label", "people"), (1, "person", "labels")):
        groups: dict[int, list[int]] = {}
        for pair in pairs:
            groups.setdefault(pair[column], []).append(pair[1 - column])
        mixed = [f"{what} {key} = {other} {values}" for key, values in groups.items() if len(values) > 1]
        if mixed:
            report.problem("labels that do not fit the folders", *(f"{name} {text}" for text in mixed))
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
        _report_missing(root, folder, "folders", report)
    except OSError as error:
        report.problem("folders that cannot be read", f"{folder} ({error.strerror})")
    return []


def images_below(root: Path, folder: str, report: Report) -> dict[str, int]:
    """Images of all folders in a folder: relative path -> size in bytes."""
    sizes: dict[str, int] = {}
    for name in subfolders(root, folder, report):
        sizes |= images_in(root, f"{folder}/{name}", report)
    return sizes


def strange_folders(
    root: Path, folder: str, people: Collection[int], report: Report
) -> tuple[list[str], list[str]]:
    """Folders in a folder that are not named as those of these people, by four digits: (theirs in other digits, others)."""
    named = {f"{person:04d}" for person in people}
    strange = [name for name in subfolders(root, folder, report) if name not in named]
    theirs = [name for name in strange if name.isdecimal() and int(name) in people]
    return (
        [f"{folder}/{name} (expected {int(name):04d})" for name in theirs],
        [f"{folder}/{name}" for name in strange if name not in theirs],
    )


def compare_with_disk(root: Path, listed: Iterable[str], on_disk: Iterable[str], report: Report) -> None:
    """Name the listed images that are not on disk, with what may be meant where case or leading zeros differ.

    Of a person's folder that is gone the folder is named; of a whole image folder that is gone, nothing: that is known.
    """
    there = set(on_disk)
    missing = sorted(set(listed) - there)
    gone = {folder for folder in set(map(_folder, missing)) if not (root / folder).is_dir()}
    spelled = {_plain(path): path for path in [*there, *map(_folder, there)]}
    for what, paths in {
        "folders of listed images": [folder for folder in sorted(gone) if (root / folder).parent.is_dir()],
        "listed images": [path for path in missing if _folder(path) not in gone],
    }.items():
        hints = [f"{path} (there is {spelled[_plain(path)]})" for path in paths if _plain(path) in spelled]
        plain = [path for path in paths if _plain(path) not in spelled]
        if hints:
            report.problem(f"{what} spelled differently on disk; rename them", *hints)
        if plain:
            report.problem(f"{what} that are missing", *plain)


def _folder(path: str) -> str:
    """The folder of an image."""
    return path.rsplit("/", 1)[0]


def _plain(path: str) -> str:
    """A path without what is easily spelled in another way: upper case, leading zeros of the person."""
    return re.sub(r"^([^/]*/)0+(?=\d)", r"\1", path.lower())
