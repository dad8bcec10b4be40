"""Prepare SYSU-MM01 (Wu et al., ICCV 2017): from your own copy to a data set folder.

    python data_scripts/prepare_sysu_mm01.py --root RAW --out data/sysu-mm01 [--size 288x144] [--dry-run [--decode]]

RAW holds ``cam1`` ... ``cam6`` (``cam1/0001/0001.jpg``: camera, person, image) and ``exp`` with ``train_id.txt``,
``val_id.txt`` and ``test_id.txt``, each one line of person numbers with commas. As the field does, the people of
train_id and val_id together are for training; test images of cameras 3 and 6 are queries, those of 1, 2, 4 and 5 the gallery.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_scripts.preparing.command import Parts, Source, main  # noqa: E402
from data_scripts.preparing.listing import Photo, images_in, read_ids, strange_folders  # noqa: E402
from data_scripts.preparing.report import Report  # noqa: E402

INFRARED = (3, 6)
LISTS = {"exp/train_id.txt": "train", "exp/val_id.txt": "train", "exp/test_id.txt": "test"}


@dataclass(frozen=True)
class Published:
    """Counts of the data set as its owners hand it out."""

    people: Mapping[str, int]  # in each list
    train: Mapping[int, tuple[int, int]]  # camera -> (images, people)
    test: Mapping[int, tuple[int, int]]


# People of the lists, 22,258 visible + 11,909 infrared training images and 3,803 queries: README of the data set
# and the papers; split over the cameras they sum to exactly these.
PUBLISHED = Published(
    people={"exp/train_id.txt": 296, "exp/val_id.txt": 99, "exp/test_id.txt": 96},
    train={1: (4721, 194), 2: (5753, 195), 3: (7909, 392), 4: (5811, 382), 5: (5973, 390), 6: (4000, 200)},
    test={1: (1374, 56), 2: (1565, 56), 3: (1883, 93), 4: (1918, 94), 5: (1918, 95), 6: (1920, 96)},
)


def source(published: Published = PUBLISHED) -> Source:
    """Everything the command line needs to know of SYSU-MM01."""
    return Source(
        name="sysu-mm01",
        title="SYSU-MM01",
        licence="research only, by signed agreement with Sun Yat-sen University; not to be passed on",
        collect=lambda root, report: collect(root, report, published),
        holds=("exp", *(f"cam{camera}" for camera in range(1, 7))),
    )


def collect(root: Path, report: Report, published: Published) -> Parts:
    """List all images, people outer, cameras inner, files sorted: the order in which public code draws galleries."""
    ids = {name: read_ids(root, name, report) for name in LISTS}
    sound = _check_lists(ids, published, report)
    sides = {person: side for name, side in LISTS.items() for person in ids[name]}
    photos: dict[str, list[Photo]] = {"train": [], "query": [], "gallery": []}
    folders = {camera: strange_folders(root, f"cam{camera}", sides, report) for camera in range(1, 7)}
    for person in sorted(sides):
        for camera in range(1, 7):
            split = "train" if sides[person] == "train" else "query" if camera in INFRARED else "gallery"
            modality = "infrared" if camera in INFRARED else "visible"
            for path, size in images_in(root, f"cam{camera}/{person:04d}", report).items():
                photos[split].append(Photo(path, size, split, modality, camera, person))
    others = [name for _, names in folders.values() for name in names]
    if others and sides:
        report.note("folders of people in none of the three lists, left out as the field does", *others)
    if misnamed := [name for names, _ in folders.values() for name in names]:
        report.problem("person folders not named by four digits; rename them", *misnamed)
    countable = [camera for camera in folders if (root / f"cam{camera}").is_dir() and not folders[camera][0]]
    for side, seen, counts in (
        ("train", photos["train"], published.train),
        ("test", photos["query"] + photos["gallery"], published.test),
    ):
        if side in sound:
            people = {person for person in sides if sides[person] == side}
            _check_counts(seen, people, side, {camera: counts[camera] for camera in countable}, report)
    return {"": photos["train"] + photos["query"] + photos["gallery"]}


def _check_lists(ids: Mapping[str, set[int]], published: Published, report: Report) -> set[str]:
    """The lists have their lengths, and nobody is in two; returns the sides whose images can be counted now."""
    wrong = {
        name
        for name, n in published.people.items()
        if not report.expect(f"people in {name}", len(ids[name]), n)
    }
    for name, other in itertools.combinations(ids, 2):
        if shared := sorted(ids[name] & ids[other]):
            report.problem(f"people both in {name} and {other}", *map(str, shared))
            wrong |= {name, other}
    return set(LISTS.values()) - {LISTS[name] for name in wrong}


def _check_counts(
    photos: list[Photo], people: set[int], side: str, published: Mapping[int, tuple[int, int]], report: Report
) -> None:
    """Images and people of these cameras; where they differ, name what looks missing or extra."""
    word = {"train": "training", "test": "test"}[side]
    for camera, (images, persons) in published.items():
        seen = [photo for photo in photos if photo.camera == camera]
        fits = report.expect(f"{word} images of camera {camera}", len(seen), images)
        absent = people - {photo.identity for photo in seen}
        fits &= report.expect(f"{word} people of camera {camera}", len(people) - len(absent), persons)
        if (as_published := len(people) - persons) < len(absent):
            kind = f"{word} people without an image of camera {camera}, {as_published} of them as published"
            report.problem(kind, *(f"cam{camera}/{person:04d}" for person in sorted(absent)))
        if not fits:
            _suspect(seen, report)


def _suspect(photos: list[Photo], report: Report) -> None:
    """Files of a person are numbered 0001, 0002, ...: name gaps and other names."""
    numbers: dict[str, set[int]] = {}
    for photo in photos:
        folder, stem = photo.path.rsplit("/", 1)[0], Path(photo.path).stem
        numbers.setdefault(folder, set())
        if stem.isdecimal():
            numbers[folder].add(int(stem))
        else:
            report.problem("names that are no number, perhaps copies", photo.path)
    gaps = [
        f"{folder}/{number:04d}.jpg"
        for folder, taken in numbers.items()
        for number in sorted(set(range(1, max(taken, default=0))) - taken)
    ]
    if gaps:
        report.problem("gaps in the numbering, perhaps missing images", *gaps)


if __name__ == "__main__":
    raise SystemExit(main(source(), __doc__))
