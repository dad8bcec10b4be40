"""Raw data sets in the true layout, of tiny pictures: what the preparation scripts are tested on.

The pictures of a whole set are hard links to a few files, so that 45,000 of them take seconds and no space.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image

SYSU_TRAIN = {1: (4721, 194), 2: (5753, 195), 3: (7909, 392), 4: (5811, 382), 5: (5973, 390), 6: (4000, 200)}
SYSU_TEST = {1: (1374, 56), 2: (1565, 56), 3: (1883, 93), 4: (1918, 94), 5: (1918, 95), 6: (1920, 96)}


class Pictures:
    """A few 4x8 pictures; `put` links the next one to a path."""

    def __init__(self, folder: Path, suffix: str, count: int = 4) -> None:
        folder.mkdir(parents=True)
        generator = np.random.default_rng(0)
        self.files = [folder / f"{index}{suffix}" for index in range(count)]
        for file in self.files:
            Image.fromarray(generator.integers(0, 256, (8, 4, 3), dtype=np.uint8)).save(file)
        self.turn = 0

    def put(self, path: Path) -> None:
        self.turn += 1
        os.link(self.files[self.turn % len(self.files)], path)


def write_ids(path: Path, ids) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(",".join(map(str, ids)) + "\n")


def fill_sysu(root: Path, pictures: Pictures, ids: list[int], cameras: dict[int, tuple[int, int]]) -> None:
    """Give each camera its number of images, spread over its number of people; who that is turns with the camera."""
    for camera, (images, people) in cameras.items():
        seen = [ids[(7 * camera + place) % len(ids)] for place in range(people)]
        for place, person in enumerate(sorted(seen)):
            folder = root / f"cam{camera}" / f"{person:04d}"
            folder.mkdir(parents=True)
            for number in range(1, images // people + (place < images % people) + 1):
                pictures.put(folder / f"{number:04d}.jpg")


def build_sysu(base: Path, people=(296, 99, 96), train=SYSU_TRAIN, test=SYSU_TEST) -> Path:
    """SYSU-MM01: cam1..cam6/0001/0001.jpg and exp/*.txt; the true counts unless told otherwise."""
    root, pictures = base / "SYSU-MM01", Pictures(base / "pictures", ".jpg")
    numbers = np.random.default_rng(1).permutation(np.arange(1, sum(people) + 43))[
        : sum(people)
    ]  # with gaps, as real
    first, second, third = np.split(numbers, np.cumsum(people)[:2])
    for name, ids in (("train_id", first), ("val_id", second), ("test_id", third)):
        write_ids(root / "exp" / f"{name}.txt", sorted(ids.tolist()))
    fill_sysu(root, pictures, sorted([*first.tolist(), *second.tolist()]), train)
    fill_sysu(root, pictures, sorted(third.tolist()), test)
    return root


def build_regdb(base: Path, people: int = 412, images: int = 10, splits: int = 10) -> Path:
    """RegDB: Visible/285/male_back_v_05528_285.bmp, Thermal/..., idx/train_visible_1.txt ..."""
    root, pictures = base / "RegDB", Pictures(base / "pictures", ".bmp")
    names: dict[tuple[str, int], list[str]] = {}
    for word, letter in (("Visible", "v"), ("Thermal", "t")):
        for person in range(1, people + 1):
            (root / word / str(person)).mkdir(parents=True)
            files = [
                f"male_back_{letter}_{1000 * image + person:05d}_{person}.bmp" for image in range(images)
            ]
            names[word, person] = [f"{word}/{person}/{file}" for file in files]
            for path in names[word, person]:
                pictures.put(root / path)
    (root / "idx").mkdir()
    for split in range(1, splits + 1):
        order = np.random.default_rng(split).permutation(people) + 1
        for side, members in (("train", order[: people // 2]), ("test", order[people // 2 :])):
            for word in ("Visible", "Thermal"):
                lines = [
                    f"{path} {label}" for label, p in enumerate(members.tolist()) for path in names[word, p]
                ]
                (root / f"idx/{side}_{word.lower()}_{split}.txt").write_text("\n".join(lines) + "\n")
    return root


def spread(total: int, places: int) -> list[int]:
    """Whole numbers as equal as possible with a given sum."""
    return [total // places + (place < total % places) for place in range(places)]


def build_llcm(
    base: Path, train_people=713, train=(16946, 13975), test_people=351, test=(8680, 7166)
) -> Path:
    """LLCM: vis/0001/0001_c01_s185535_f7010_vis.jpg, nir/..., test_vis/cam1/0003/..., idx/*.txt."""
    root, pictures = base / "LLCM", Pictures(base / "pictures", ".jpg")
    everyone = np.random.default_rng(2).permutation(train_people + test_people) + 1
    trained, tested = sorted(everyone[:train_people].tolist()), sorted(everyone[train_people:].tolist())
    write_ids(root / "idx/test_id.txt", tested)
    for word, total, test_total in (("vis", train[0], test[0]), ("nir", train[1], test[1])):
        cameras = [camera for camera in range(1, 10) if word == "vis" or camera != 3]
        lines = []
        for label, (person, images) in enumerate(zip(trained, spread(total, train_people), strict=True)):
            folder = root / word / f"{person:04d}"
            folder.mkdir(parents=True)
            for image in range(images):
                camera = cameras[(person + image) % len(cameras)]
                name = f"{person:04d}_c{camera:02d}_s{185000 + image}_f{7000 + image}_{word}.jpg"
                pictures.put(folder / name)
                lines.append(f"{word}/{person:04d}/{name} {label}")
        (root / f"idx/train_{word}.txt").write_text("\n".join(lines) + "\n")
        for camera in cameras:
            (root / f"test_{word}/cam{camera}").mkdir(parents=True)
        for person, images in zip(tested, spread(test_total, test_people), strict=True):
            for image in range(images):
                camera = cameras[(person + image // 4) % len(cameras)]
                folder = root / f"test_{word}/cam{camera}/{person:04d}"
                folder.mkdir(exist_ok=True)
                pictures.put(
                    folder / f"{person:04d}_c{camera:02d}_s{185000 + image}_f{7000 + image}_{word}.jpg"
                )
    return root
