"""Prepare RegDB (Nguyen et al., Sensors 2017): from your own copy to ten data set folders, one per split.

    python data_scripts/prepare_regdb.py --root RAW --out data/regdb [--size 288x144] [--dry-run [--decode]]

RAW holds ``Visible``, ``Thermal`` and ``idx`` with ``train_visible_1.txt``, ``train_thermal_1.txt``,
``test_visible_1.txt``, ``test_thermal_1.txt``, and so on to 10, of lines ``Visible/285/male_back_v_05528_285.bmp 0``.

The protocol trains one model per split and takes the mean. ``data/regdb/split01`` ... ``split10`` are ordinary data
set folders that differ in their rows only; the images are decoded once and, by hard links, stored once.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_scripts.preparing.command import Parts, Source, main  # noqa: E402
from data_scripts.preparing.listing import (  # noqa: E402
    Entry,
    Photo,
    compare_with_disk,
    images_below,
    read_entries,
)
from data_scripts.preparing.report import Report  # noqa: E402

FOLDERS = {"visible": "Visible", "thermal": "Thermal"}  # word in the names of lists -> image folder
MODALITY = {"Visible": "visible", "Thermal": "infrared"}
CAMERA = {"visible": 1, "infrared": 2}  # the set has one camera of each kind and does not number them


@dataclass(frozen=True)
class Published:
    """Counts of the data set and of its public lists."""

    splits: int = 10
    lines: int = 2060  # of each list
    people: int = 206  # of each list


def source(published: Published | None = None) -> Source:
    """Everything the command line needs to know of RegDB."""
    return Source(
        name="regdb",
        title="RegDB",
        licence="research only, by signed agreement with Dongguk University; not to be passed on",
        collect=lambda root, report: collect(root, report, published or Published()),
        holds=("Visible", "Thermal", "idx"),
    )


def collect(root: Path, report: Report, published: Published) -> Parts:
    """List all images of every split, sorted by path, so that the ten folders can share them."""
    disk = {folder: images_below(root, folder, report) for folder in FOLDERS.values()}
    sizes = {path: size for images in disk.values() for path, size in images.items()}
    lists = {
        (split, side): _read_side(root, side, split, published, report)
        for split in range(1, published.splits + 1)
        for side in ("train", "test")
    }
    listed = {entry.path for entries in lists.values() for entry in entries}
    compare_with_disk(root, listed, sizes, report)
    if all(lists.values()) and (extra := sorted(set(sizes) - listed)):
        report.problem("images on disk that no list names", *extra)
    parts = {}
    for split in range(1, published.splits + 1):
        train, test = lists[split, "train"], lists[split, "test"]
        if shared := sorted({e.person for e in train} & {e.person for e in test}):
            kind = "people both in the training and test lists of a split"
            report.problem(kind, *(f"{person} in split {split}" for person in shared))
        left_out = sorted(listed - {entry.path for entry in train + test})
        if left_out and train and test:
            kind = "listed images that a split leaves out"
            report.problem(kind, *(f"{path} in split {split}" for path in left_out))
        parts[f"split{split:02d}"] = sorted(
            _photo(entry, side, sizes)
            for side, entries in (("train", train), ("test", test))
            for entry in entries
        )
    return parts


def _read_side(root: Path, side: str, split: int, published: Published, report: Report) -> list[Entry]:
    """Read the visible and the thermal list of one side of one split and check them against each other.

    Empty if one of the two gives nothing, which is reported then: what would follow from it is not told as well.
    """
    both, people = [], []
    for word, folder in FOLDERS.items():
        name = f"idx/{side}_{word}_{split}.txt"
        entries = read_entries(root, name, folder, report)
        people.append({(entry.person, entry.label) for entry in entries})
        if entries:
            report.expect(name, len(entries), published.lines, kind="lists with another number of lines")
            count = len({entry.person for entry in entries})
            report.expect(name, count, published.people, kind="lists with another number of people")
        both += entries
    if not all(people):
        return []
    if odd := sorted({person for person, _ in people[0] ^ people[1]}):
        kind = "people that the two lists of a side label differently"
        report.problem(kind, *(f"{person} in {side} of split {split}" for person in odd))
    return both


def _photo(entry: Entry, side: str, sizes: dict[str, int]) -> Photo:
    """Row of one listed image: visible test images are queries, thermal ones the gallery (evaluation can swap them)."""
    modality = MODALITY[entry.path.split("/", 1)[0]]
    split = "train" if side == "train" else "query" if modality == "visible" else "gallery"
    size = sizes.get(entry.path, 0)
    return Photo(entry.path, size, split, modality, CAMERA[modality], entry.person)


if __name__ == "__main__":
    raise SystemExit(main(source(), __doc__))
