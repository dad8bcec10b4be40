"""RegDB in its true shape gives ten folders that share their images; every damage is named."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from raw_trees import build_regdb

from data_scripts import prepare_regdb
from data_scripts.prepare_regdb import Published
from data_scripts.preparing import command as commands
from data_scripts.preparing.command import main
from dmic.evaluation import evaluate, mean_of_splits, protocol_by_name
from dmic.images import open_dataset

# --- the whole set ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """(raw folder, prepared folder) with 8,240 images and ten splits."""
    base = tmp_path_factory.mktemp("regdb")
    root, out = build_regdb(base), base / "prepared"
    assert main(prepare_regdb.source(), None, ["--root", str(root), "--out", str(out), "--size", "8x4"]) == 0
    yield root, out
    shutil.rmtree(base)


def test_ten_splits_of_206_people(whole):
    root, out = whole
    assert sorted(folder.name for folder in out.iterdir()) == [f"split{split:02d}" for split in range(1, 11)]
    trained = []
    for split in range(1, 11):
        table = open_dataset(out / f"split{split:02d}", verify=True)
        assert len(table) == 8240 and (len(table.query), len(table.gallery)) == (2060, 2060)
        assert [(table.train.modalities == m).sum() for m in (0, 1)] == [2060, 2060]
        assert (table.query.modalities == 0).all() and (table.gallery.modalities == 1).all()
        lines = (root / f"idx/train_thermal_{split}.txt").read_text().splitlines()
        listed = {int(line.split("/")[1]) for line in lines}
        assert set(table.train.identities) == listed and len(listed) == 206
        assert len(set(table.query.identities)) == 206
        trained.append(tuple(sorted(listed)))
    assert len(set(trained)) == 10


def test_the_images_are_stored_once(whole):
    inodes = {(folder / "images.npy").stat().st_ino for folder in whole[1].iterdir()}
    assert len(inodes) == 1


def test_both_directions_and_their_mean_over_splits(whole):
    for name, asked in (("regdb", 0), ("regdb-flipped", 1)):
        protocol, results = protocol_by_name(name), []
        for split in (1, 2):
            table = open_dataset(whole[1] / f"split{split:02d}")
            noise = np.random.default_rng(split)
            features = {
                side: np.eye(413, dtype=np.float32)[view.identities]
                + noise.normal(scale=0.2, size=(len(view), 413))
                for side, view in (("query", table.query), ("gallery", table.gallery))
            }
            results.append(evaluate(features, table, protocol))
            assert (protocol.query_modality, results[-1].queries) == (asked, 2060)
            assert len(results[-1].cmc) == 2060
        mean = mean_of_splits(results)
        assert 5 < mean.mean["rank1"] < 95
        assert mean.mean["mAP"] == pytest.approx((results[0].mean["mAP"] + results[1].mean["mAP"]) / 2)
        apart = abs(results[0].mean["rank1"] - results[1].mean["rank1"])
        assert mean.std["rank1"] == pytest.approx(apart / np.sqrt(2))


def test_a_lost_split_is_not_made_from_damaged_images(whole, capsys):
    root, out = whole
    images = np.load(out / "split01/images.npy", mmap_mode="r+")
    images[5000, 0, 0, 0] ^= 1  # no image that is looked at when opening
    try:
        (out / "split04").rename(out.parent / "kept")
        assert len(open_dataset(out / "split01")) == 8240
        assert (
            main(prepare_regdb.source(), None, ["--root", str(root), "--out", str(out), "--size", "8x4"]) == 2
        )
        assert "image 5000 does not have the hash" in capsys.readouterr().err
        assert not (out / "split04").exists()
    finally:
        images[5000, 0, 0, 0] ^= 1
        (out.parent / "kept").rename(out / "split04")


def test_the_same_again_does_nothing_and_a_lost_split_comes_back(whole, capsys):
    root, out = whole
    command = ["--root", str(root), "--out", str(out), "--size", "8x4"]
    before = {folder.name: folder.stat().st_mtime_ns for folder in out.iterdir()}
    assert main(prepare_regdb.source(), None, command) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert before == {folder.name: folder.stat().st_mtime_ns for folder in out.iterdir()}
    shutil.rmtree(out / "split04")
    assert main(prepare_regdb.source(), None, command) == 0
    assert len(open_dataset(out / "split04", verify=True)) == 8240
    assert all((out / name).stat().st_mtime_ns == time for name, time in before.items() if name != "split04")


# --- a small one, broken in many ways -----------------------------------------------------------------------------

SMALL = Published(splits=2, lines=9, people=3)


@pytest.fixture
def root(tmp_path):
    return build_regdb(tmp_path, people=6, images=3, splits=2)


def run(root: Path, *options: str) -> int:
    command = ["--root", str(root), "--out", str(root.parent / "out"), "--size", "8x4", "--workers", "1"]
    return main(prepare_regdb.source(SMALL), None, [*command, *options])


def lines(name: str, change):
    """Damage that edits the lines of a list."""

    def damage(root):
        path = root / "idx" / name
        path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    return damage


def an_image(root: Path) -> Path:
    return sorted((root / "Visible").glob("*/*.bmp"))[0]


def empty(root: Path) -> None:
    an_image(root).unlink()
    an_image(root).with_name("male_back_v_00001_1.bmp").touch()


BROKEN = {
    "no list": (
        lambda r: (r / "idx/test_thermal_2.txt").unlink(),
        ["index files that are missing (1): idx/test_thermal_2"],
    ),
    "no image folder": (
        lambda r: shutil.rmtree(r / "Thermal"),
        ["folders that are missing (1): Thermal\n"],
    ),
    "another case": (
        lambda r: (r / "Thermal").rename(r / "thermal"),
        ["folders spelled differently on disk; rename them (1): Thermal (there is thermal)\n"],
    ),
    "lists in another case": (
        lambda r: (r / "idx").rename(r / "IDX"),
        ["index files spelled differently on disk; rename them (8): idx/train_visible_1.txt (there is IDX/"],
    ),
    "a person's folder gone": (
        lambda r: shutil.rmtree(r / "Visible/4"),
        ["folders of listed images that are missing (1): Visible/4\n"],
    ),
    "an empty list": (
        lambda r: (r / "idx/test_thermal_2.txt").write_text("\n"),
        ["index files that are empty (1): idx/test_thermal_2.txt\n"],
    ),
    "a line too few": (
        lines("train_visible_1.txt", lambda ls: ls[:-1]),
        [
            "lists with another number of lines (1): idx/train_visible_1.txt: expected 9, found 8 (1 missing)",
            "listed images that a split leaves out (1): Visible/",
            " in split 1",
        ],
    ),
    "a line twice": (
        lines("train_visible_1.txt", lambda ls: [*ls[:-1], ls[0]]),
        ["images named twice in a list (1): Visible/", " in idx/train_visible_1.txt"],
    ),
    "no label": (
        lines("test_visible_1.txt", lambda ls: [ls[0].split()[0], *ls[1:]]),
        ["lines unlike 'Visible/<person>/<file> <label>' (1): idx/test_visible_1.txt line 1 'Visible/"],
    ),
    "the other spectrum": (
        lines("test_visible_1.txt", lambda ls: [ls[0].replace("Visible", "Thermal"), *ls[1:]]),
        ["unlike 'Visible/<person>/<file> <label>' (1): idx/test_visible_1.txt line 1 'Thermal/"],
    ),
    "a wrong label": (
        lines("train_thermal_2.txt", lambda ls: [ls[0][:-1] + "1", *ls[1:]]),
        ["labels that do not fit the folders (2): idx/train_thermal_2.txt label 1 = people [", "person "],
    ),
    "labels in another order": (
        lines("train_thermal_1.txt", lambda ls: [line[:-1] + str(2 - int(line[-1])) for line in ls]),
        ["people that the two lists of a side label differently (2): ", " in train of split 1"],
    ),
    "people in both lists": (
        lambda r: [
            shutil.copy(r / f"idx/train_{w}_1.txt", r / f"idx/test_{w}_1.txt") for w in ("visible", "thermal")
        ],
        [
            "people both in the training and test lists of a split (3): ",
            "listed images that a split leaves out (18): ",
        ],
    ),
    "missing image": (
        lambda r: an_image(r).unlink(),
        ["listed images that are missing (1): Visible/1/male_back_v_00001_1.bmp"],
    ),
    "extra image": (
        lambda r: shutil.copy(an_image(r), an_image(r).with_name("copy.bmp")),
        ["images on disk that no list names (1): Visible/1/copy.bmp"],
    ),
    "upper case": (
        lambda r: an_image(r).rename(an_image(r).with_suffix(".BMP")),
        [
            "spelled differently on disk; rename them (1): Visible/1/male_back_v_00001_1.bmp (there is Visible/1/",
            ".BMP)",
        ],
    ),
    "zero bytes": (empty, ["zero-byte images (1): Visible/1/male_back_v_00001_1.bmp"]),
    "cut off": (
        lambda r: os.truncate(an_image(r), 60),
        ["damaged images (", "Visible/1/male_back_v_00001_1.bmp (image file is truncated"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_damage_is_named_and_nothing_is_written(root, name, capsys):
    damage, messages = BROKEN[name]
    damage(root)
    assert run(root) == 2
    said = capsys.readouterr().err
    for message in messages:
        assert message in said
    assert said.count("  - ") <= 3, "what follows from it is not told again"
    assert not any((root.parent / "out").glob("*")) and not list(root.parent.glob(".*"))


def test_what_is_wrong_in_every_list_is_told_once(root, capsys):
    for file in (root / "idx").iterdir():
        file.write_text("".join(line.replace(" ", ";") + "\n" for line in file.read_text().splitlines()[1:]))
    assert run(root) == 2
    said = capsys.readouterr().err
    assert (
        said.count("  - ") == 2 and said.count("(32): idx/") == 2
    )  # Visible and Thermal, four lists of eight lines each
    assert "lines unlike 'Visible/" in said and "lines unlike 'Thermal/" in said


def test_lists_that_went_through_windows_are_read(root, capsys):
    for name in ("idx/train_visible_1.txt", "idx/test_thermal_2.txt"):
        text = (root / name).read_text().replace("/", "\\").replace("\n", "\r\n").replace(" ", "  ")
        (root / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert run(root) == 0
    said = capsys.readouterr().out
    for note in (
        "Windows line ends, read all the same",
        "a byte order mark, read all the same",
        "backslashes, read as slashes",
    ):
        assert f"index files with {note} (2): idx/" in said
    assert len(open_dataset(root.parent / "out/split01")) == 36


def test_without_hard_links_every_folder_has_its_own_copy(root, monkeypatch):
    def refuse(*paths):
        raise OSError("no hard links here")

    monkeypatch.setattr(commands.os, "link", refuse)
    assert run(root) == 0
    files = [root.parent / f"out/split0{split}/images.npy" for split in (1, 2)]
    assert files[0].stat().st_ino != files[1].stat().st_ino
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(open_dataset(files[1].parent, verify=True)) == 36
