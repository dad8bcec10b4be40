"""The data set folder: what is written is what is read, and every kind of damage is named."""

import csv
import json
import os
import platform
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from dmic.images import DatasetError, DatasetWriter, Modality, image_hash, open_dataset

# (split, modality, camera, identity): two training people, one test person
ROWS = [
    ("train", "visible", 1, 1),
    ("train", "infrared", 3, 1),
    ("train", "visible", 1, 2),
    ("query", "infrared", 3, 7),
    ("gallery", "visible", 1, 7),
    ("gallery", "visible", 2, 7),
]
SIZE = (6, 4)


def pictures():
    """Six small images, all different."""
    return np.random.default_rng(0).integers(0, 256, (len(ROWS), *SIZE, 3), dtype=np.uint8)


def writer(path, count=6, **options):
    """A writer with this test's fixed description."""
    return DatasetWriter(
        path, count=count, size=SIZE, name="six", version="1", licence="CC0", made={"by": "test"}, **options
    )


def fill(target, images):
    """Append all rows."""
    for index, (image, (split, modality, camera, identity)) in enumerate(zip(images, ROWS, strict=True)):
        target.append(
            image,
            split=split,
            modality=modality,
            camera=camera,
            identity=identity,
            source=str(index),
            extra=index,
        )


@pytest.fixture
def folder(tmp_path):
    """A finished folder."""
    path = tmp_path / "six"
    with writer(path) as target:
        fill(target, pictures())
    return path


def test_what_was_written_is_read(folder):
    table = open_dataset(folder, verify=True)
    assert len(table) == 6 and table.name == "six" and table.size == SIZE
    assert np.array_equal(np.asarray(table.images), pictures())
    assert table.modalities.tolist() == [int(Modality[m.upper()]) for _, m, _, _ in ROWS]
    assert table.cameras.tolist() == [c for _, _, c, _ in ROWS]
    assert table.identities.tolist() == [i for _, _, _, i in ROWS]
    assert {table.modalities.dtype, table.cameras.dtype, table.identities.dtype, table.indices.dtype} == {
        np.dtype("int64")
    }
    assert table.info["counts"]["split"] == {"gallery": 2, "query": 1, "train": 3}
    assert table.info["made"] == {"by": "test"}


def test_extra_columns_are_kept(folder):
    with (folder / "manifest.csv").open(newline="") as file:
        assert [row["extra"] for row in csv.DictReader(file)] == [str(i) for i in range(6)]


def test_views_count_from_their_own_start(folder):
    table = open_dataset(folder)
    assert (len(table.train), len(table.query), len(table.gallery)) == (3, 1, 2)
    gallery = table.gallery
    assert gallery.indices.tolist() == [4, 5]
    assert np.array_equal(gallery.gather([1, 0, 1]), pictures()[[5, 4, 5]])
    assert np.array_equal(gallery.images[0], pictures()[4])
    again = table.select(np.array([5, 3, 1])).select(np.array([False, True, True]))
    assert again.indices.tolist() == [3, 1] and again.cameras.tolist() == [3, 3]
    assert np.array_equal(again.gather([0]), pictures()[[3]])
    assert table.train.splits.tolist() == ["train"] * 3


def test_images_are_mapped_not_read(folder):
    images = open_dataset(folder).train.images
    assert isinstance(images._array, np.memmap) and images.shape == (3, *SIZE, 3) and len(images) == 3


def test_mask_of_wrong_length_is_named(folder):
    with pytest.raises(DatasetError, match="2 entries, the table 6"):
        open_dataset(folder).select(np.array([True, False]))


def manifest(change):
    """Damage that edits the list of manifest rows."""

    def damage(folder):
        path = folder / "manifest.csv"
        with path.open(newline="") as file:
            rows = list(csv.reader(file))
        rows = change(rows) or rows
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    return damage


def cell(row, column, value):
    """Damage that writes one cell of the manifest."""

    def change(rows):
        rows[row][rows[0].index(column)] = value

    return manifest(change)


def info(change):
    """Damage that edits ``dataset.json``."""

    def damage(folder):
        path = folder / "dataset.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return damage


def text(name, content):
    """Damage that replaces a file."""
    return lambda folder: (folder / name).write_text(content)


def array(made):
    """Damage that replaces the images."""
    return lambda folder: np.save(folder / "images.npy", made())


def truncate(folder):
    """Cut the image file."""
    os.truncate(folder / "images.npy", 200)


BROKEN = {
    "no folder": (shutil.rmtree, "no data set folder"),
    "no images": (lambda f: (f / "images.npy").unlink(), "has no images.npy"),
    "no manifest": (lambda f: (f / "manifest.csv").unlink(), "has no manifest.csv"),
    "no description": (lambda f: (f / "dataset.json").unlink(), "has no dataset.json"),
    "description not JSON": (text("dataset.json", "{"), "not valid JSON"),
    "description a list": (text("dataset.json", "[]"), "holds a list"),
    "description lacks keys": (info(lambda c: c.pop("licence")), "lacks licence"),
    "images not NumPy": (text("images.npy", "hello"), "cannot be read as a NumPy array"),
    "images cut off": (truncate, "cannot be read as a NumPy array"),
    "images float": (array(lambda: pictures() / 255.0), "holds float64, expected uint8"),
    "images grey": (array(lambda: pictures()[..., 0]), r"has shape \(6, 6, 4\)"),
    "images of other size": (
        array(lambda: pictures()[:, :5]),
        r"\[5, 4\] pixels, dataset.json says \[6, 4\]",
    ),
    "fewer images": (array(lambda: pictures()[:5]), "6 rows, images.npy 5 images"),
    "fewer rows": (manifest(lambda rows: rows[:-1]), "5 rows, images.npy 6 images"),
    "column missing": (manifest(lambda rows: [r[1:] for r in rows]), r"lacks the column\(s\) split"),
    "unknown split": (
        cell(2, "split", "val"),
        "line 3: split is 'val', expected one of train, query, gallery",
    ),
    "unknown modality": (
        cell(1, "modality", "rgb"),
        "line 2: modality is 'rgb', expected one of visible, infrared",
    ),
    "camera a word": (cell(4, "camera", "cam3"), "line 5: camera is 'cam3', expected a whole number"),
    "identity empty": (cell(3, "identity", ""), "line 4: identity is ''"),
    "counts differ": (info(lambda c: c["counts"]["split"].update(train=4)), "counts split as"),
    "total differs": (info(lambda c: c["counts"].update(total=7)), "counts total as 7, the manifest gives 6"),
    "people in both": (cell(4, "identity", "1"), r"identities \[1\] are in training and test"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_damage_is_named(folder, name):
    damage, message = BROKEN[name]
    damage(folder)
    with pytest.raises(DatasetError, match=message):
        open_dataset(folder)


def test_two_spectra_at_one_camera(folder):
    cell(5, "camera", "3")(folder)
    info(lambda c: c["counts"].update(camera={"1": 2, "2": 1, "3": 3}))(folder)
    table = open_dataset(folder)  # as in LLCM, whose rule drops pairs of one camera across spectra
    assert set(table.modalities[table.cameras == 3]) == {0, 1}


def test_changed_pixel_is_found_by_verify_only(folder):
    images = np.load(folder / "images.npy")
    images[4, 0, 0, 0] ^= 1
    np.save(folder / "images.npy", images)
    open_dataset(folder)
    with pytest.raises(DatasetError, match=r"image 4 \(4\) does not have the hash"):
        open_dataset(folder, verify=True)


def test_hash_is_of_the_raw_bytes():
    image = np.zeros((1, 1, 3), np.uint8)  # sha256 of three zero bytes
    assert image_hash(image) == "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c"


def test_interrupted_writer_leaves_nothing(tmp_path):
    path = tmp_path / "data" / "six"
    with pytest.raises(KeyboardInterrupt), writer(path) as target:
        target.append(pictures()[0], split="train", modality="visible", camera=1, identity=1, source="0")
        raise KeyboardInterrupt
    assert list(path.parent.iterdir()) == []
    with pytest.raises(DatasetError, match="no data set folder"):
        open_dataset(path)


def test_killed_writer_does_not_open_and_is_cleared_away(tmp_path):
    path = tmp_path / "six"
    here = platform.node()
    (tmp_path / f".six.incomplete-{here}-4194303").mkdir()  # no such process: the numbers end before
    stay = [
        f".six.incomplete-{here}-1",  # process 1 always runs
        f".six.incomplete-not-{here}-4194303",  # whose process numbers say nothing here
        f".six.incomplete-{here}-notes",
        f".seven.incomplete-{here}-4194303",
    ]
    for name in stay:
        (tmp_path / name).mkdir()
    with pytest.raises(DatasetError):
        open_dataset(path)
    with writer(path) as target:
        fill(target, pictures())
    assert {entry.name for entry in tmp_path.iterdir()} == {*stay, "six"}


def test_killed_between_the_two_renamings_the_old_one_comes_back(folder):
    kept = folder.with_name(f".six.incomplete-{platform.node()}-4194303.old")
    folder.rename(kept)
    with pytest.raises(DatasetError, match="exists already"):
        writer(folder)
    assert len(open_dataset(folder, verify=True)) == 6 and not kept.exists()
    kept.mkdir()  # killed after the second: nobody needs it
    with writer(folder, overwrite=True) as target:
        fill(target, pictures())
    assert list(folder.parent.iterdir()) == [folder]


def test_interrupted_between_the_two_renamings_the_old_one_comes_back(folder, monkeypatch):
    rename = Path.rename

    def stop_at_the_second(path, target):
        if target == folder and ".old" not in path.name:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt), writer(folder, overwrite=True) as target:
        fill(target, pictures()[::-1])
    assert list(folder.parent.iterdir()) == [folder]
    assert np.array_equal(open_dataset(folder, verify=True).gather([0])[0], pictures()[0])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_explained_and_nothing_is_left(tmp_path):
    for size in (1, 10**6 - 1):  # bytes in the way of the buffer: found when closing, found when writing
        target = writer(tmp_path / "six")
        with pytest.raises(DatasetError, match="No space left.*with enough room"), target:
            target._images.close()
            target._images = open("/dev/full", "wb", buffering=10**6)
            target._images.write(bytes(size))
            fill(target, pictures())
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_data_set_is_never_replaced(tmp_path, overwrite):
    (tmp_path / "file").write_text("years of work")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("years of work")
    for name in ("file", "folder"):
        with pytest.raises(DatasetError, match="will not delete it" if overwrite else "exists already"):
            writer(tmp_path / name, overwrite=overwrite)
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "thesis.tex").read_text()
    assert len(list(tmp_path.iterdir())) == 2


def test_what_appeared_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(DatasetError, match="exists already"), writer(tmp_path / "six") as late:
        fill(late, pictures()[::-1])
        with writer(tmp_path / "elsewhere") as first:
            fill(first, pictures())
        (tmp_path / "elsewhere").rename(tmp_path / "six")
    assert np.array_equal(open_dataset(tmp_path / "six", verify=True).gather([0])[0], pictures()[0])
    assert [entry.name for entry in tmp_path.iterdir()] == ["six"]


def test_too_few_and_too_many_images(tmp_path):
    with (
        pytest.raises(DatasetError, match="7 images were announced, 6 written"),
        writer(tmp_path / "a", 7) as target,
    ):
        fill(target, pictures())
    with pytest.raises(DatasetError, match="More images than the 5"), writer(tmp_path / "b", 5) as target:
        fill(target, pictures())
    assert list(tmp_path.iterdir()) == []


def test_wrong_image_and_row(tmp_path):
    with pytest.raises(DatasetError, match="expected"), writer(tmp_path / "a") as target:
        target.append(pictures()[0, :3], split="train", modality="visible", camera=1, identity=1, source="0")
    with pytest.raises(DatasetError, match="lacks camera, source"), writer(tmp_path / "a") as target:
        target.append(pictures()[0], split="train", modality="visible", identity=1)


def test_existing_folder_is_kept_unless_asked(folder):
    with pytest.raises(DatasetError, match="exists already"):
        writer(folder)
    assert len(open_dataset(folder)) == 6
    with writer(folder, overwrite=True) as target:
        fill(target, 255 - pictures())
    assert np.array_equal(open_dataset(folder).gather([0]), 255 - pictures()[:1])
    assert [entry.name for entry in folder.parent.iterdir()] == ["six"]


def test_failed_overwrite_keeps_the_old(folder):
    with pytest.raises(RuntimeError), writer(folder, overwrite=True):
        raise RuntimeError("stop")
    assert len(open_dataset(folder, verify=True)) == 6


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="Cannot write to"):
        writer(tmp_path / "file" / "six")
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if not os.access(closed, os.W_OK):  # the super-user may write everywhere
        with pytest.raises(DatasetError, match="Cannot write to"):
            writer(closed / "six")
    closed.chmod(stat.S_IRWXU)
