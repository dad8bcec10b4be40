"""The renderer: images, the world's knobs, and the same bytes from the same seed."""

import hashlib
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from notebook_runs import ROOT

from data_scripts import render_synthvi
from data_scripts.synthvi import dataset, knobs, speed, world
from data_scripts.synthvi.render import Studio
from dmic.images import open_dataset

TINY = world.PRESETS["tiny"]


@pytest.fixture(scope="module")
def studio():
    return Studio(0, world.World(), TINY)


# --- images -------------------------------------------------------------------------------------------------------


def test_infrared_images_are_grey_and_visible_ones_are_not(studio):
    person, mesh = studio.dressed(1)
    for camera in world.CAMERAS:
        image = studio.render(1, camera, 0, person, mesh).image
        assert image.shape == (128, 64, 3) and image.dtype == np.uint8 and image.std() > 10
        grey = (image == image[..., :1]).all()
        assert grey == (camera in world.INFRARED_CAMERAS)


def test_cameras_three_and_two_share_a_place(studio):
    cameras = studio.cameras
    assert cameras[3].place == cameras[2].place == 2
    assert len({camera.place for camera in cameras.values()}) == 5
    assert [n for n in cameras if cameras[n].infrared] == [3, 6]
    assert (
        cameras[1].light.lamp == 0 < cameras[3].light.lamp
        and cameras[3].light.sun == cameras[3].light.sky == 0
    )


def test_people_differ_and_the_seed_decides():
    def looks(seed):
        made = Studio(seed, world.World(), TINY)
        return [made.person(number) for number in range(1, 6)]

    first, again, other = looks(0), looks(0), looks(1)
    assert all(
        np.array_equal(a.visible, b.visible) and a.style == b.style for a, b in zip(first, again, strict=True)
    )
    assert not any(np.array_equal(a.visible, b.visible) for a, b in zip(first, other, strict=True))
    assert len({person.style for person in first}) == 5


# --- data sets ----------------------------------------------------------------------------------------------------


def folder_hash(path):
    """Hash of all bytes of a data set folder."""
    names = ("images.npy", "masks.npy", "manifest.csv", "dataset.json")
    return hashlib.sha256(b"".join((path / name).read_bytes() for name in names)).hexdigest()


def render(path, *more, preset="tiny"):
    """Call the command line."""
    return render_synthvi.main(["--preset", preset, "--out", str(path), *more])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The tiny preset by one process."""
    path = tmp_path_factory.mktemp("synthvi") / "tiny"
    assert render(path, "--workers", "1") == 0
    return path


def test_bytes_do_not_depend_on_workers_but_on_the_seed(rendered, tmp_path):
    assert render(tmp_path / "two", "--workers", "2") == 0
    assert render(tmp_path / "seed", "--workers", "1", "--seed", "1") == 0
    assert folder_hash(tmp_path / "two") == folder_hash(rendered)
    assert folder_hash(tmp_path / "seed") != folder_hash(rendered)


def test_every_image_of_a_folder_has_its_mask(rendered, studio):
    table, first = open_dataset(rendered), dataset.render_person(studio, 1)
    assert table.masks.shape == (len(table), 128, 64) and first.masks.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(table.masks[: len(first.masks)], first.masks)


def test_a_finished_folder_is_left_alone(rendered, capsys):
    before = (rendered / "images.npy").stat().st_mtime_ns
    assert render(rendered, "--workers", "1") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert (rendered / "images.npy").stat().st_mtime_ns == before


def test_another_request_for_a_finished_folder_is_refused(rendered, capsys):
    assert render(rendered, "--workers", "1", "--set", "nir_gray_copy=0.5") == 2
    assert "exists already" in capsys.readouterr().err


def test_splits_and_annotations(rendered):
    table = open_dataset(rendered, verify=True)
    assert set(np.unique(table.train.identities)) == {1, 2, 3, 4}
    assert set(np.unique(table.gallery.identities)) | set(np.unique(table.query.identities)) == {5, 6, 7}
    assert set(np.unique(table.query.cameras)) <= {3, 6} and set(np.unique(table.gallery.cameras)) <= {
        1,
        2,
        4,
        5,
    }
    for person in range(1, 8):
        rows = table.identities == person
        images = TINY.train_images_per_camera if person <= 4 else TINY.test_images_per_camera
        cameras, counts = np.unique(table.cameras[rows], return_counts=True)
        assert 4 <= len(cameras) <= 6 and set(counts) == {images}
        assert len(np.unique(table.modalities[rows])) == 2 or len(cameras) == 4
    made = table.info["made"]
    assert (
        made["seed"] == 0
        and made["preset"] == "tiny"
        and made["world"]["nir_gray_copy"] == world.World().nir_gray_copy
    )
    header = (rendered / "manifest.csv").read_text().splitlines()[0].split(",")
    assert {"heading", "gait_phase", "distance", "occluded"} <= set(header)


def test_counts_of_the_toy_preset():
    preset = world.PRESETS["toy"]
    made = Studio(0, world.World(), preset)
    train = [len(made.cameras_of(person)) for person in dataset.people(preset)[:120]]
    test = [len(made.cameras_of(person)) for person in dataset.people(preset)[120:]]
    assert len(test) == 160 and 4.7 < np.mean(train + test) < 5.3
    assert dataset.image_count(0, world.World(), preset) == 7 * sum(train) + 2 * sum(test)


def test_overrides_reach_world_and_preset():
    made, preset = knobs.apply_overrides(
        world.World(), TINY, ["nir_gray_copy=0.5", "camera_gap=0", "train_people=9"]
    )
    assert (made.nir_gray_copy, made.camera_gap, preset.train_people, preset.test_people) == (
        0.5,
        0.0,
        9,
        3,
    )
    assert world.World().nir_gray_copy != 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "colour=3"], "unknown knob 'colour'"),
        (["--set", "nir_gray_copy"], "has no value"),
        (["--set", "nir_gray_copy=much"], "nir_gray_copy needs a number, found 'much'"),
        (["--set", "headings=1.5"], "headings needs a whole number"),
        (["--set", "nir_gray_copy=1.2"], "must lie in 0..1"),
        (["--set", "camera_gap=-1"], "camera_gap must be 0 or more, found -1.0"),
        (["--set", "headings=5"], "headings must lie in 0..4, found 5"),
        (["--set", "train_people=0"], "train_people must be at least 1, found 0"),
        (["--set", "least_share=1.5"], "least_share <= most_share <= 1"),
        (["--seed", "-3"], "seed must be 0 or more, found -3"),
        (["--workers", "0"], "--workers must be at least 1, found 0"),
        (["--workers", "-2"], "at least 1, found -2. Without it: one process per core"),
        (["--preset", "huge"], "unknown preset 'huge'; there are: debug, tiny, toy, small"),
    ],
)
def test_wrong_requests_are_explained(tmp_path, capsys, arguments, message):
    assert render(tmp_path / "x", *arguments) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (
            ["--preset", "sysu"],
            "unknown preset 'sysu'; did you mean sysu-shaped? There are: debug, tiny, toy",
        ),
        (["--preset", "Toy"], "did you mean toy"),
        (["--world", "C"], "unknown world 'C'; did you mean c? There are: a, b, c"),
        (["--set", "gray_copy=1"], "unknown knob 'gray_copy'; did you mean nir_gray_copy"),
        (["--set", "train_image_per_camera=1"], "did you mean train_images_per_camera"),
        (
            ["--set", "noise=1"],
            "did you mean sensor_noise? There are: nir_gra",
        ),
    ],
)
def test_unknown_names_get_near_matches(tmp_path, capsys, arguments, hint):
    assert render(tmp_path / "x", *arguments) == 2
    assert hint in capsys.readouterr().err
    if arguments[0] != "--set":
        assert speed.main(arguments) == 2
        assert hint in capsys.readouterr().err


@pytest.mark.parametrize("start", [["data_scripts/render_synthvi.py"], ["-m", "data_scripts.synthvi.speed"]])
def test_help_does_not_wait_for_compiled_code(start):
    made = subprocess.run(
        [sys.executable, "-X", "importtime", *start, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0 and "sysu-shaped" in made.stdout and "--world" in made.stdout
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in made.stderr.splitlines()}
    assert "argparse" in imported and not imported & {"numba", "numpy", "scipy", "torch"}


def test_help_lists_every_knob():
    named = set(re.findall(r"\w+", knobs.help_text()))
    assert set(knobs.WORLD_KNOBS + knobs.PRESET_KNOBS) <= named and set(knobs.SHARES) <= set(
        knobs.WORLD_KNOBS
    )


def test_only_toy_is_eased_and_its_name_says_so():
    for preset in world.PRESETS:
        made, _ = knobs.request("a", preset, [])
        easier = (0.3, 0.0) if preset == "toy" else (0.0, 0.5)
        assert (made.nir_gray_copy, made.lookalikes) == easier
    assert world.World().nir_gray_copy == 0.0
    eased, _ = knobs.request("a", "toy", [])
    real, _ = knobs.request("a", "toy", ["nir_gray_copy=0"])
    assert dataset.name_of(eased, "toy") == "synthvi-toy-gray-0.3"
    assert dataset.name_of(real, "toy") == "synthvi-toy"
    assert "toy sets nir_gray_copy=0.3, lookalikes=0.0" in knobs.help_text()


def test_the_card_names_knobs_that_exist_and_their_defaults():
    card = (ROOT / "data_scripts/synthvi/CARD.md").read_text(encoding="utf-8")
    table = card.split("## Knobs")[1].split("## Manifest columns")[0]
    named = set(re.findall(r"`([a-z]\w+)`", table))
    known = set(knobs.WORLD_KNOBS + knobs.PRESET_KNOBS)
    assert len(named) > 40 and named <= known, named - known
    assert {"sensor_noise", "nearest", "farthest", "tight_boxes"} <= named
    for name, default in re.findall(r"`(\w+)` \(([\d.]+)", table):
        defaults = world.World() if name in knobs.WORLD_KNOBS else TINY
        assert getattr(defaults, name) == pytest.approx(float(default)), name


def test_unwritable_place_is_explained(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert render(tmp_path / "file" / "x") == 2
    assert "Cannot write to" in capsys.readouterr().err


def test_interrupted_rendering_leaves_nothing(tmp_path, monkeypatch, capsys):
    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "render_person", broken)
    assert render(tmp_path / "x", "--workers", "1") == 130
    assert capsys.readouterr().err == f"interrupted; nothing was written to {tmp_path / 'x'}\n"
    assert os.listdir(tmp_path) == []


def test_interrupted_overwriting_keeps_the_old(rendered, tmp_path, monkeypatch, capsys):
    shutil.copytree(rendered, tmp_path / "x")

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "render_person", broken)
    assert render(tmp_path / "x", "--workers", "1", "--force") == 130
    assert capsys.readouterr().err == f"interrupted; nothing unfinished is left in {tmp_path / 'x'}\n"
    assert folder_hash(tmp_path / "x") == folder_hash(rendered) and os.listdir(tmp_path) == ["x"]


def test_force_replaces_data_sets_only(tmp_path, capsys):
    (tmp_path / "file").write_text("years of work")
    assert render(tmp_path / "file", "--workers", "1", "--force") == 2
    assert "is no data set folder, and --force will not delete it" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "years of work"


def test_speed_counts_what_it_rendered(studio, capsys):
    count, seconds = speed.measure(studio, [1, 7], rounds=2)
    assert count == studio.appearance_counts[[0, 6]].sum() and seconds.shape == (2, 2) and (seconds > 0).all()
    assert speed.main(["--preset", "tiny", "--people", "1", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{studio.appearance_counts[0].sum()} images of 128×64, 1 times")
    assert re.search(r"\n.*: 6 frames traced in \d+\.\d s\n$", printed)
    with pytest.raises(SystemExit):
        speed.main(["--rounds", "0"])
