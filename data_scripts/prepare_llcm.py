"""Prepare LLCM (Zhang and Wang, CVPR 2023): from your own copy to a data set folder.

    python data_scripts/prepare_llcm.py --root RAW --out data/llcm [--size 288x144] [--dry-run [--decode]]

RAW holds what the owners' public loader reads (repository ZYK100/LLCM, ``DEEN/data_loader.py``, ``data_manager.py``):

* ``idx/train_vis.txt`` and ``idx/train_nir.txt``: lines ``vis/0001/0001_c01_s185535_f7010_vis.jpg 0`` (person,
  camera, frame; label), images in ``vis`` and ``nir``;
* ``idx/test_id.txt``: one line of person numbers with commas;
* ``test_vis/cam1`` ... ``cam9`` and ``test_nir/cam1`` ... ``cam9`` without ``cam3``, each with a folder per person.

Near-infrared test images are queries, visible ones the gallery; the evaluation can swap them.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_scripts.preparing.command import Parts, Source, main  # noqa: E402
from data_scripts.preparing.listing import (  # noqa: E402
    Photo,
    compare_with_disk,
    images_below,
    images_in,
    read_entries,
    read_ids,
    strange_folders,
    subfolders,
)
from data_scripts.preparing.report import Report  # noqa: E402

MODALITY = {"vis": "visible", "nir": "infrared"}
TEST_CAMERAS = {"vis": range(1, 10), "nir": (1, 2, 4, 5, 6, 7, 8, 9)}  # as the owners' loader


@dataclass(frozen=True)
class Published:
    """Counts of the paper, Section 4.2."""

    train_people: int = 713
    train_vis: int = 16946
    train_nir: int = 13975
    test_people: int = 351
    # The paper also says 13,909 test images in all, which is not 8,680 + 7,166; these two, with the training images,
    # make the 46,767 of its Table 1. So a difference here is only noted.
    test_vis: int = 8680
    test_nir: int = 7166


def source(published: Published | None = None) -> Source:
    """Everything the command line needs to know of LLCM."""
    return Source(
        name="llcm",
        title="LLCM",
        licence="research only, by signed agreement with Xiamen University; not to be passed on",
        collect=lambda root, report: collect(root, report, published or Published()),
        holds=("vis", "nir", "test_vis", "test_nir", "idx"),
    )


def collect(root: Path, report: Report, published: Published) -> Parts:
    """List all images: training by the lists; test people outer, cameras inner, files sorted, as public code draws."""
    train = [photo for word in MODALITY for photo in _read_train(root, word, report)]
    test_ids = read_ids(root, "idx/test_id.txt", report)
    query = _read_test(root, "nir", test_ids, report)
    gallery = _read_test(root, "vis", test_ids, report)
    people = {photo.identity for photo in train}
    if shared := sorted(people & test_ids):
        report.problem("people both in the training lists and in idx/test_id.txt", *map(str, shared))
    report.expect("people of the two training lists", len(people), published.train_people)
    for word, modality in MODALITY.items():
        lines = sum(photo.modality == modality for photo in train)
        report.expect(f"lines of idx/train_{word}.txt", lines, getattr(published, f"train_{word}"))
    report.expect("people in idx/test_id.txt", len(test_ids), published.test_people)
    unseen = test_ids - {photo.identity for photo in query + gallery}
    if unseen:
        report.problem("test people without a single image", *map(str, sorted(unseen)))
    report.expect("images in test_vis", len(gallery), published.test_vis, sure=False)
    report.expect("images in test_nir", len(query), published.test_nir, sure=False)
    return {"": train + query + gallery}


def _read_train(root: Path, word: str, report: Report) -> list[Photo]:
    """Training images of one spectrum, sorted by path; the camera stands in the file's name only."""
    name = f"idx/train_{word}.txt"
    entries, disk = read_entries(root, name, word, report), images_below(root, word, report)
    compare_with_disk(root, [entry.path for entry in entries], disk, report)
    if entries and (extra := sorted(set(disk) - {entry.path for entry in entries})):
        report.note("training images that no list names, left out as the owners' loader does", *extra)
    photos, nameless = [], []
    for entry in sorted(entries):
        camera = re.search(r"_c(\d+)_", entry.path)
        if camera is None:
            nameless.append(entry.path)
            continue
        size = disk.get(entry.path, 0)
        photos.append(Photo(entry.path, size, "train", MODALITY[word], int(camera[1]), entry.person))
    if nameless:
        report.problem("names without a camera (as _c01_)", *nameless)
    return photos


def _read_test(root: Path, word: str, people: set[int], report: Report) -> list[Photo]:
    """Test images of one spectrum; the folders say person and camera."""
    cameras, split = TEST_CAMERAS[word], "query" if word == "nir" else "gallery"
    names = [f"cam{camera}" for camera in cameras]
    for name in subfolders(root, f"test_{word}", report):
        if name.lower() not in names and (unread := subfolders(root, f"test_{word}/{name}", report)):
            kind = f"person folders in test_{word}/{name}, which the owners' loader does not read, left out"
            report.note(kind, *unread)
    strangers: list[str] = []
    for name in names if (root / f"test_{word}").is_dir() else []:
        misnamed, others = strange_folders(root, f"test_{word}/{name}", people, report)
        strangers += others
        if misnamed:
            report.problem("person folders not named by four digits; rename them", *misnamed)
    if strangers and people:
        report.note("test folders of people not in idx/test_id.txt, left out", *strangers)
    return [
        Photo(path, size, split, MODALITY[word], camera, person)
        for person in sorted(people)
        for camera in cameras
        for path, size in images_in(root, f"test_{word}/cam{camera}/{person:04d}", report).items()
    ]


if __name__ == "__main__":
    raise SystemExit(main(source(), __doc__))
