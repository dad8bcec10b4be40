"""What the preparation scripts share: the command line, safe writing, and reading pictures of every kind."""

import argparse
import json
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from notebook_runs import ROOT
from PIL import Image

from data_scripts.preparing import command
from data_scripts.preparing.command import Source, main, size_of
from data_scripts.preparing.listing import Photo, images_in
from data_scripts.preparing.pictures import read_picture, read_pictures
from data_scripts.preparing.report import PreparationError, Report
from dmic.images import open_dataset


def picture(seed: int = 0, size=(12, 6), channels=(3,)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, *channels), dtype=np.uint8)


# --- one picture --------------------------------------------------------------------------------------------------

GRAY = picture(1, channels=())
KINDS = {
    "8-bit gray": (Image.fromarray(GRAY), "png", np.stack([GRAY] * 3, axis=2)),
    "black and white": (
        Image.fromarray(GRAY).point(lambda v: 255 * (v > 127)).convert("1", dither=Image.Dither.NONE),
        "bmp",
        np.stack([(GRAY > 127) * np.uint8(255)] * 3, axis=2),
    ),
    "with transparency": (
        Image.fromarray(picture(2, channels=(4,))),
        "png",
        picture(2, channels=(4,))[..., :3],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_that_say_the_same_in_rgb(tmp_path, kind):
    image, suffix, expected = KINDS[kind]
    image.save(tmp_path / f"a.{suffix}")
    found = read_picture(tmp_path / f"a.{suffix}", (12, 6))
    assert (found.converted, found.trouble) == (kind, "")
    assert np.array_equal(found.pixels, expected)


def test_palette_and_cmyk(tmp_path):
    colours = Image.new("P", (6, 12))
    colours.putpalette([10, 20, 30, 200, 100, 50])
    colours.paste(1, (0, 0, 3, 12))
    colours.save(tmp_path / "a.png", transparency=b"\x80\xff")
    found = read_picture(tmp_path / "a.png", (12, 6))
    assert found.converted == "palette"
    assert found.pixels[0, 0].tolist() == [200, 100, 50] and found.pixels[0, 5].tolist() == [10, 20, 30]
    Image.new("CMYK", (6, 12), (0, 255, 255, 0)).save(tmp_path / "b.jpg", quality=100)  # no cyan: red
    found = read_picture(tmp_path / "b.jpg", (12, 6))
    assert found.converted == "CMYK"
    assert np.abs(found.pixels.astype(int) - [255, 0, 0]).max() <= 3


def test_rgb_of_the_wanted_size_is_not_touched(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.bmp")
    found = read_picture(tmp_path / "a.bmp", (12, 6))
    assert np.array_equal(found.pixels, picture()) and (found.converted, found.trouble) == ("", "")


def test_reducing_does_not_alias(tmp_path):
    """Stripes of one pixel become even gray; a filter that skips pixels would keep black or white ones."""
    stripes = np.zeros((64, 32, 3), np.uint8)
    stripes[::2] = 255
    Image.fromarray(stripes).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png", (16, 8)).pixels
    assert found.shape == (16, 8, 3)
    assert np.abs(found[2:-2].astype(int) - 127).max() <= 2


def test_resizing_is_lanczos(tmp_path):
    """Against the definition: windowed sinc of radius 3, widened by the factor of reduction, along one axis."""
    row = np.random.default_rng(3).integers(0, 256, 60, dtype=np.uint8)
    Image.fromarray(np.repeat(np.repeat(row[None, :, None], 5, axis=0), 3, axis=2)).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png", (5, 20)).pixels[2, :, 0]
    centres = (np.arange(20) + 0.5) * 3
    offset = (np.arange(60)[None, :] + 0.5 - centres[:, None]) / 3
    weights = np.where(np.abs(offset) < 3, np.sinc(offset) * np.sinc(offset / 3), 0.0)
    expected = (weights * row).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(found, expected.clip(0, 255), atol=1.01)


def test_workers_do_not_change_the_order(tmp_path):
    paths = [tmp_path / f"{seed}.png" for seed in range(70)]
    for seed, path in enumerate(paths):
        Image.fromarray(picture(seed)).save(path)
    one, three = (
        [found.pixels for found in read_pictures(paths, (6, 3), workers=workers)] for workers in (1, 3)
    )
    assert len(one) == 70 and np.array_equal(one, three)


# --- the command --------------------------------------------------------------------------------------------------


def collect(root: Path, report: Report):
    """A source of one folder of pictures: the first person trains, the second is searched for."""
    found = list(images_in(root, "all", report).items())
    photos = [
        Photo(path, size, *(("train", "visible") if i % 2 else ("query", "infrared")), 1 + i % 2, i % 2)
        for i, (path, size) in enumerate(found)
    ]
    return {"": photos}


SOURCE = Source("test-set", "Test set", "none", collect)


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "raw/all").mkdir(parents=True)
    for seed in range(6):
        Image.fromarray(picture(seed)).save(tmp_path / f"raw/all/{seed}.png")
    return tmp_path / "raw"


def run(raw: Path, *options: str, source: Source = SOURCE) -> int:
    return main(
        source, None, ["--root", str(raw), "--out", str(raw.parent / "out"), "--size", "12x6", *options]
    )


def test_a_whole_run(raw, capsys):
    assert run(raw) == 0
    table = open_dataset(raw.parent / "out", verify=True)
    assert len(table) == 6 and table.info["licence"] == "none" and table.info["made"]["filter"] == "lanczos"
    assert np.array_equal(table.gather([3])[0], picture(3))
    assert "6 images of 12x6 pixels" in capsys.readouterr().out


def test_conversions_are_counted_and_recorded(raw, capsys):
    Image.fromarray(GRAY).save(raw / "all/0.png")
    Image.fromarray(GRAY).save(raw / "all/5.png")
    assert run(raw) == 0
    assert "note: images turned into RGB: 8-bit gray (2): all/0.png, all/5.png" in capsys.readouterr().out
    assert open_dataset(raw.parent / "out").info["made"]["converted"] == {"8-bit gray": 2}
    assert run(raw) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_the_same_again_does_nothing_other_requests_do(raw, capsys):
    assert run(raw) == 0
    stamp = (raw.parent / "out/images.npy").stat().st_mtime_ns
    assert run(raw, "--workers", "2") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert (raw.parent / "out/images.npy").stat().st_mtime_ns == stamp
    assert run(raw, "--size", "6x3") == 2
    assert "holds something else" in capsys.readouterr().err
    assert open_dataset(raw.parent / "out").size == (12, 6)
    assert run(raw, "--size", "6x3", "--force") == 0
    assert open_dataset(raw.parent / "out").size == (6, 3)
    Image.fromarray(picture(9)).save(raw / "all/9.png")  # the raw set has changed
    assert run(raw, "--size", "6x3") == 2


def test_a_folder_of_other_things_is_never_replaced(raw, capsys):
    (raw.parent / "out").mkdir()
    (raw.parent / "out/thesis.tex").write_text("years of work")
    for options, message in (((), "holds something else"), (("--force",), "--force will not delete it")):
        assert run(raw, *options) == 2
        assert message in capsys.readouterr().err
    assert (raw.parent / "out/thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("out", ["raw", "."])
def test_the_raw_data_are_never_replaced(raw, capsys, out):
    assert main(SOURCE, None, ["--root", str(raw), "--out", str(raw.parent / out), "--force"]) == 2
    assert "holds the raw data" in capsys.readouterr().err
    assert len(list(raw.glob("all/*"))) == 6


@pytest.mark.parametrize(
    ("root", "meant"),
    [("all", "{raw}"), (".", "{raw}"), ("elsewhere", None)],
    ids=["in it", "around it", "far"],
)
def test_the_folder_above_or_below_is_named(raw, capsys, root, meant):
    (raw / "lists").mkdir()
    (raw.parent / "elsewhere/lists").mkdir(parents=True)  # one name alone may be anything
    place = raw / root if root == "all" else raw.parent / root
    source = replace(SOURCE, holds=("all", "Lists"))
    assert main(source, None, ["--root", str(place), "--out", str(raw.parent / "x/out"), "--dry-run"]) == (
        2 if meant else 0
    )
    said = capsys.readouterr().err
    assert (f"none of all, Lists, but {raw} does. Use --root {raw}" in said) == bool(meant)


def test_a_description_by_somebody_else_is_not_this_request(raw, capsys):
    assert run(raw) == 0
    info = raw.parent / "out/dataset.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), "made": "by hand"}))
    assert run(raw) == 2
    assert "holds something else" in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["0", "-1"])
def test_no_workers(raw, capsys, workers):
    assert run(raw, "--workers", workers) == 2
    assert f"--workers must be at least 1, found {workers}" in capsys.readouterr().err
    assert [path.name for path in raw.parent.iterdir()] == ["raw"]


def test_no_raw_folder(tmp_path, capsys):
    assert run(tmp_path / "nowhere") == 2
    assert "There is no folder" in capsys.readouterr().err


def test_no_space_is_seen_before_writing(raw, capsys, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(command.shutil, "disk_usage", lambda path: usage(2e9, 5e8, 1.5e9))
    assert run(raw, "--size", "28800x14400") == 2
    assert "1.5 GB free, the images need 7.5 GB" in capsys.readouterr().err
    assert not (raw.parent / "out").exists()


def test_a_place_that_cannot_be_written(raw, capsys):
    (raw.parent / "file").write_text("")
    assert (
        main(SOURCE, None, ["--root", str(raw), "--out", str(raw.parent / "file/out"), "--size", "12x6"]) == 2
    )
    assert "Cannot write to" in capsys.readouterr().err


def test_interrupted_leaves_nothing_and_the_next_run_is_whole(raw, capsys, monkeypatch):
    def stop_after_four(*arguments):
        for number, found in enumerate(read_pictures(*arguments)):
            if number == 4:
                raise KeyboardInterrupt
            yield found

    with monkeypatch.context() as patch:
        patch.setattr(command, "read_pictures", stop_after_four)
        assert run(raw) == 130
    assert [path.name for path in raw.parent.iterdir()] == ["raw"]
    assert run(raw) == 0
    assert len(open_dataset(raw.parent / "out", verify=True)) == 6


def test_broken_pictures_are_all_named_and_nothing_is_left(raw, capsys):
    (raw / "all/2.png").write_bytes((raw / "all/2.png").read_bytes()[:90])
    (raw / "all/4.png").write_text("no picture")
    assert run(raw) == 2
    said = capsys.readouterr().err
    assert "damaged images (1): all/2.png" in said and "no image inside (1): all/4.png" in said
    assert [path.name for path in raw.parent.iterdir()] == ["raw"]
    assert run(raw, "--dry-run") == 0  # listing and counts only
    assert run(raw, "--dry-run", "--decode") == 2
    assert "damaged images (1): all/2.png" in capsys.readouterr().err
    assert [path.name for path in raw.parent.iterdir()] == ["raw"]


def test_decode_alone_is_refused(raw, capsys):
    with pytest.raises(SystemExit):
        run(raw, "--decode")
    assert "--decode belongs to --dry-run" in capsys.readouterr().err


def test_problems_are_counted_and_the_first_few_named():
    report = Report()
    report.problem("odd files", *(f"f{i}" for i in range(8)))
    assert not report.expect("images", 9, 12) and not report.expect("people", 1200, 12)
    assert report.expect("cameras", 6, 6)
    assert not report.expect("doubtful", 1, 2, sure=False)
    assert not report.expect("a", 1, 2, kind="short lists") and not report.expect(
        "b", 0, 2, kind="short lists"
    )
    with pytest.raises(PreparationError) as error:
        report.stop_if_wrong("RAW")
    assert str(error.value).splitlines() == [
        "RAW is not the published data set; nothing was written.",
        "  - odd files (8): f0, f1, f2, f3, f4, … and 3 more",
        "  - images: expected 12, found 9 (3 missing)",
        "  - people: expected 12, found 1,200 (1,188 too many)",
        "  - short lists (2): a: expected 2, found 1 (1 missing), b: expected 2, found 0 (2 missing)",
        "  note: doubtful: expected 2, found 1 (1 missing)",
    ]
    assert report.notes() == ["doubtful: expected 2, found 1 (1 missing)"]


@pytest.mark.parametrize("text", ["288", "288x", "0x144", "288x144x3", "-1x5", "288*144"])
def test_sizes_that_are_none(text):
    assert size_of("288x144") == (288, 144)
    with pytest.raises(argparse.ArgumentTypeError, match="HEIGHTxWIDTH"):
        size_of(text)


def test_licence_and_version_stand_in_the_folder(raw):
    assert run(raw, source=replace(SOURCE, licence="by agreement")) == 0
    info = open_dataset(raw.parent / "out").info
    assert (info["licence"], info["version"], info["name"]) == ("by agreement", "1", "test-set")


@pytest.mark.parametrize("script", ["prepare_sysu_mm01", "prepare_regdb", "prepare_llcm"])
def test_scripts_start_from_anywhere(tmp_path, script):
    """As a user does: by path, from another folder, on something that is not the data set."""
    (tmp_path / "raw").mkdir()
    ran = subprocess.run(
        [sys.executable, ROOT / f"data_scripts/{script}.py", "--root", "raw", "--out", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2 and "is not the published data set" in ran.stderr
    assert "index files that are missing" in ran.stderr and not (tmp_path / "out").exists()
