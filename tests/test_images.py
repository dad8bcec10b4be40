"""The data set folder: what is written is what is read, and every kind of damage is named."""

import csv
import hashlib
import json
import os
import platform
import shutil
import stat
import subprocess
import types
from pathlib import Path

import numpy as np
import pytest

from dmic.images import (
    DatasetError,
    DatasetWriter,
    ImageTable,
    LazyImages,
    Modality,
    image_hash,
    open_dataset,
)
from dmic.storage import project
from dmic.storage.dataset_folder import read_folder

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
        rows[row][rows[0].index(column) if isinstance(column, str) else column] = value

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


def text_of(change):
    """Damage that edits the manifest as text."""
    return lambda folder: (folder / "manifest.csv").write_text(change((folder / "manifest.csv").read_text()))


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
    "column missing": (
        manifest(lambda rows: [r[1:] for r in rows]),
        r"lacks or repeats the column\(s\) split",
    ),
    "column twice": (
        manifest(lambda rows: [[*r, r[0]] for r in rows]),
        r"lacks or repeats the column\(s\) split",
    ),
    "a field too many": (cell(3, slice(0, 0), ["x"]), "line 4: 8 fields, expected 7 as in line 1"),
    "a field too few": (
        manifest(lambda rows: [r[:-1] if r is rows[3] else r for r in rows]),
        "line 4: 6 fields, expected 7",
    ),
    "semicolons": (text_of(lambda t: t.replace(",", ";")), "lacks or repeats .* parted by commas"),
    "Latin-1": (
        lambda f: (f / "manifest.csv").write_bytes(
            (f / "manifest.csv").read_bytes().replace(b",2\n", b",\xe4\n")
        ),
        "manifest.csv line 4 is no UTF-8 text",
    ),
    "UTF-16": (
        lambda f: (f / "manifest.csv").write_text((f / "manifest.csv").read_text(), encoding="utf-16"),
        "manifest.csv line 1 is no UTF-8 text",
    ),
    "one field of the rest": (
        text_of(lambda t: t.replace("\n", "\n" + '"' + "x" * 200_000, 1)),
        r"is no table with commas \(field larger than field limit",
    ),
    "rows sorted": (
        manifest(lambda rows: [rows[0], *sorted(rows[1:])]),
        "in another order than the images. Line 2 should be the one of image 0, which stands in line 6. Sorted in a spread",
    ),
    "rows of other images": (
        cell(4, "sha256", "0" * 64),
        r"image 3 does not have the hash that manifest.csv line 5 \(3\)",
    ),
    "identity of many digits": (cell(3, "identity", "9" * 19), "line 4: identity is '9999999999999999999'"),
    "size no list": (info(lambda c: c.update(size=6)), "dataset.json says 6"),
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


HARMLESS = {
    "byte order mark": lambda text: "\ufeff" + text,
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "old line ends": lambda text: text.replace("\n", "\r"),
    "blank lines": lambda text: text.replace("\n", "\n\n") + "\n",
    "no last line end": str.strip,
    "quotes": lambda text: text.replace(",extra\n", ',"ex,\ntra"\n'),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_differences_of_the_text_are_read(folder, name):
    content = HARMLESS[name]((folder / "manifest.csv").read_text())
    (folder / "manifest.csv").write_bytes(content.encode())
    table = open_dataset(folder, verify=True)
    assert table.identities.tolist() == [identity for _, _, _, identity in ROWS]


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder of 1,000 images of one pixel, all different."""
    path = tmp_path_factory.mktemp("many") / "data"
    with DatasetWriter(
        path, count=1000, size=(1, 1), name="m", version="1", licence="CC0", made={}
    ) as target:
        for index in range(1000):
            row = {
                "split": "train",
                "modality": "visible",
                "camera": 1,
                "identity": index % 7,
                "source": index,
            }
            target.append(np.array([[[index // 256, index % 256, 0]]], np.uint8), **row)
    return path


def copied(many, tmp_path):
    """A copy that may be damaged."""
    return Path(shutil.copytree(many, tmp_path / "copy"))


def test_one_changed_pixel_among_many_is_found_by_verify(many, tmp_path):
    folder = copied(many, tmp_path)
    images = np.load(folder / "images.npy", mmap_mode="r+")
    images[500, 0, 0, 2] ^= 1
    open_dataset(folder)
    with pytest.raises(
        DatasetError, match=r"image 500 does not have the hash that manifest.csv line 502 \(500\) says"
    ):
        open_dataset(folder, verify=True)


@pytest.mark.parametrize("place", [0, 999])
def test_the_first_and_the_last_image_are_always_looked_at(many, tmp_path, place):
    folder = copied(many, tmp_path)
    images = np.load(folder / "images.npy", mmap_mode="r+")
    images[place, 0, 0, 2] ^= 1
    with pytest.raises(DatasetError, match=f"image {place} does not have the hash"):
        open_dataset(folder)


def test_a_fifth_of_the_rows_in_another_order_is_noticed(many, tmp_path):
    for start in (100, 400, 700):
        folder = copied(many, tmp_path / str(start))
        manifest(lambda rows, a=start: [*rows[:a], *rows[a : a + 200][::-1], *rows[a + 200 :]])(folder)
        with pytest.raises(DatasetError, match="in another order than the images. Line [0-9]+ should"):
            open_dataset(folder)


def test_the_hash_of_the_manifest_goes_with_every_view(folder):
    table = open_dataset(folder)
    assert table.manifest_sha256 == hashlib.sha256((folder / "manifest.csv").read_bytes()).hexdigest()
    assert table.train.select([0]).manifest_sha256 == table.manifest_sha256
    cell(6, "identity", "8")(folder)  # a corrected label: the counts stay
    assert open_dataset(folder).manifest_sha256 != table.manifest_sha256


def test_a_table_made_in_memory_has_no_manifest():
    four = np.arange(4)
    images = LazyImages(np.zeros((4, *SIZE, 3), np.uint8), four)
    table = ImageTable(images, four, four, four, np.array(["train"] * 4), four, {}, "made")
    assert table.manifest_sha256 is None and table.select([1]).manifest_sha256 is None


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


def test_an_image_of_another_size_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="expected"), writer(tmp_path / "a") as target:
        target.append(pictures()[0, :3], split="train", modality="visible", camera=1, identity=1, source="0")


GOOD = {"split": "train", "modality": "visible", "camera": 1, "identity": 1, "source": "0", "extra": 0}
WRONG_ROWS = {
    "junk identity": ({"identity": -1}, "identity is '-1', expected a whole number"),
    "identity as pandas reads it": ({"identity": 3.0}, "identity is '3.0', expected a whole number"),
    "identity a word": ({"identity": "p17"}, "identity is 'p17', expected a whole number"),
    "no identity": ({"identity": None}, "identity is '', expected a whole number"),
    "identity of many digits": ({"identity": 10**18}, "identity is '1000000000000000000'"),
    "camera a word": ({"camera": "cam3"}, "camera is 'cam3', expected a whole number"),
    "another modality": ({"modality": "thermal"}, "modality is 'thermal', expected one of visible, infrared"),
    "another split": ({"split": "val"}, "split is 'val', expected one of train, query, gallery"),
    "another column": ({"weather": "rain"}, "has other columns than the first row: weather"),
    "half a character": (
        {"source": "\udcff.jpg"},
        r"source is '\\udcff.jpg', which a table in UTF-8 cannot hold",
    ),
    "a whole book": ({"extra": "x" * 200_000}, "extra is 'xxxx"),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_the_writer_refuses_what_the_reader_would_at_the_row_and_writes_nothing_of_it(tmp_path, name):
    change, message = WRONG_ROWS[name]
    with writer(tmp_path / "a", 2) as target:
        target.append(pictures()[0], **GOOD)
        with pytest.raises(DatasetError, match=f"The row of image 1:? {message}"):
            target.append(pictures()[1], **{**GOOD, **change})
        target.append(pictures()[1], **GOOD)
    assert len(open_dataset(tmp_path / "a", verify=True)) == 2


@pytest.mark.parametrize(
    ("gone", "message"), [("camera", "lacks camera"), ("extra", "has other columns .* extra is only")]
)
def test_a_row_without_a_column_is_refused(tmp_path, gone, message):
    with pytest.raises(DatasetError, match=f"The row of image 1 {message}"), writer(tmp_path / "a") as target:
        target.append(pictures()[0], **GOOD)
        target.append(pictures()[1], **{key: value for key, value in GOOD.items() if key != gone})
    assert list(tmp_path.iterdir()) == []


def test_a_text_comes_back_as_it_was_or_is_refused(tmp_path):
    """Some control characters are written by one version of Python only."""
    for number, odd in enumerate(
        ['a,"b"', "a\nb", "a\r\nb", "a\rb", "\r", "\0", "\u2028", "\udc80", "", "ä\ufeff"]
    ):
        try:
            with writer(tmp_path / str(number), 1) as target:
                target.append(pictures()[0], **{**GOOD, "source": odd})
        except DatasetError as error:
            assert "source is" in str(error) and odd in ("a\rb", "\r", "\0", "\udc80")
        else:
            assert read_folder(tmp_path / str(number)).rows[0]["source"] == odd


def test_numbers_of_any_kind_are_written_as_text(tmp_path):
    with writer(tmp_path / "a", 1) as target:
        target.append(
            pictures()[0], **{**GOOD, "identity": np.int32(17), "camera": "03", "extra": np.float64(0.5)}
        )
    assert open_dataset(tmp_path / "a").identities.tolist() == [17]
    with (tmp_path / "a/manifest.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["extra"] == "0.5"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GOOD, {**GOOD, "split": "query"}], r"identities \[1\] are in training and test"),
        ([], "holds no images"),
    ],
)
def test_rows_that_make_no_data_set_are_not_finished(tmp_path, rows, message):
    with pytest.raises(DatasetError, match=message), writer(tmp_path / "a", len(rows)) as target:
        for row in rows:
            target.append(pictures()[0], **row)
    assert list(tmp_path.iterdir()) == []


def test_a_description_that_is_no_json_is_refused_before_the_first_image(tmp_path):
    with pytest.raises(DatasetError, match="dataset.json cannot hold this description .*PosixPath"):
        DatasetWriter(
            tmp_path / "a", count=1, size=SIZE, name="a", version="1", licence="-", made={"from": tmp_path}
        )
    assert list(tmp_path.iterdir()) == []


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


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty checkout in which rendering only leaves a note; returns (root, the commands that would have rendered)."""
    commands = []

    def render(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(project, "project_root", lambda: tmp_path)
    monkeypatch.setattr(project.subprocess, "run", render)
    renderer = types.SimpleNamespace(GENERATOR_VERSION="2.0")
    monkeypatch.setattr(project, "load_renderer", lambda name: renderer)
    return tmp_path, commands


def rendered(folder, **made):
    """A folder that says how it was made, and nothing else."""
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps({"made": made}))
    return folder


def test_people_are_rendered_by_themselves_into_the_presets_own_place_only(checkout):
    root, commands = checkout
    for place in ("data/nowhere", "nowhere/at all", root / "data/synthvi-small", "data"):
        with pytest.raises(DatasetError, match="no data set in .*: dmic render toy --out '?/"):
            project.ensure_data(place, preset="toy")
    assert commands == []
    assert (
        project.ensure_data("data/../data/synthvi-toy", preset="toy").resolve() == root / "data/synthvi-toy"
    )
    assert project.ensure_data(root / "data/synthvi-small", preset="small") == root / "data/synthvi-small"
    assert [command[3:5] for command in commands] == [["render", "toy"], ["render", "small"]]


@pytest.mark.parametrize("preset", ["toy", "regdb"])
def test_data_sets_that_may_have_been_meant_are_named(checkout, preset):
    root, _ = checkout
    for name in ("synthvi-toy", "mine", "regdb/split01", "regdb/split02"):
        rendered(root / "data" / name)
    with pytest.raises(
        DatasetError, match="unknown data set 'synthvi-toi'; did you mean synthvi-toy.*: mine, synthvi-toy"
    ):
        project.ensure_data("data/synthvi-toi", preset=preset)
    with pytest.raises(DatasetError, match="no data set in .*regdb, but in it: split01, split02"):
        project.ensure_data("data/regdb", preset=preset)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"preset": "debug", "generator_version": "2.0", "seed": 0}, "holds people of preset debug, not toy"),
        ({"preset": "toy", "generator_version": "2.0", "seed": 3}, ""),
        ({"script": "data_scripts/prepare_regdb.py"}, ""),
    ],
)
def test_people_of_another_preset_are_told_in_one_line(tmp_path, monkeypatch, capsys, made, said):
    monkeypatch.setattr(project.load_renderer("synthvi"), "GENERATOR_VERSION", "2.0")
    folder = rendered(tmp_path / "people", **made)
    assert project.ensure_data(folder, preset="toy") == folder
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == bool(said) and said in "".join(lines)


def test_old_people_are_rendered_anew_in_the_presets_own_place(checkout, capsys):
    root, commands = checkout
    folder = rendered(root / "data/synthvi-toy", preset="toy", generator_version="1.9", seed=0)
    assert project.ensure_data("data/synthvi-toy", preset="toy") == folder
    (line,) = capsys.readouterr().out.splitlines()
    assert "was rendered by version 1.9, now there is" in line and "rendering them anew" in line
    assert commands[0][3:] == ["render", "toy", "--out", str(folder), "--force"]


@pytest.mark.parametrize(
    ("place", "made"),
    [
        ("data/mine", {"preset": "toy", "seed": 0}),
        ("data/synthvi-toy", {"preset": "small", "seed": 0}),
        ("data/synthvi-toy", {"preset": "toy", "seed": 5}),
        ("data/synthvi-toy", {"preset": "toy", "seed": 0, "world": {"name": "b"}}),
    ],
)
def test_old_people_that_somebody_made_elsewhere_or_otherwise_are_refused(checkout, place, made):
    root, commands = checkout
    rendered(root / place, generator_version="1.9", **made)
    with pytest.raises(
        DatasetError, match=f"version 1.9, now.*dmic render {made['preset']} --out .* --force"
    ):
        project.ensure_data(place, preset="toy")
    assert commands == []
