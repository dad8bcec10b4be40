"""The renderer: images, the world's knobs, and the same bytes from the same seed."""

import hashlib
import os
import shutil

import numpy as np
import pytest

from data_scripts import render_synthvi
from data_scripts.synthvi import dataset, speed, world
from data_scripts.synthvi.image import gbuffer
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
        image, _ = studio.render(1, camera, 0, person, mesh)
        assert image.shape == (128, 64, 3) and image.dtype == np.uint8 and image.std() > 10
        grey = (image == image[..., :1]).all()
        assert grey == (camera in world.INFRARED_CAMERAS)


def test_a_person_fills_the_box_and_stands_on_the_floor(studio):
    person, mesh = studio.dressed(2)
    for camera in (1, 3, 5):
        shot, _ = studio.shot(2, camera, 0, person)
        points = gbuffer.pose_mesh(studio.body, mesh, shot)
        assert abs(points[np.unique(mesh.faces), 1].min()) < 1e-5
        buffers = gbuffer.draw_buffers(studio.body, mesh, studio.cameras[camera], shot, TINY)
        rows = np.flatnonzero(buffers.surface.any(axis=1)) / (2 * TINY.height)
        assert 0.75 < np.ptp(rows) and rows.min() < 0.18 and rows.max() > 0.85
        assert buffers.surface.astype(bool).mean() > 0.12


def test_one_raster_pass_serves_both_spectra(studio):
    person, mesh = studio.dressed(1)
    shot, _ = studio.shot(1, 1, 0, person)
    buffers = gbuffer.draw_buffers(studio.body, mesh, studio.cameras[1], shot, TINY)
    visible, infrared = (
        studio.expose(buffers, person, studio.cameras[c], shot, np.random.default_rng(0))[0] for c in (1, 3)
    )
    assert (infrared == infrared[..., :1]).all() and not np.array_equal(visible, infrared)


def test_cameras_three_and_two_share_a_place(studio):
    cameras = studio.cameras
    assert cameras[3].place == cameras[2].place == 2
    assert len({camera.place for camera in cameras.values()}) == 5
    assert [n for n in cameras if cameras[n].infrared] == [3, 6]
    assert all(len(camera.headings) == 4 for camera in cameras.values())


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
    names = ("images.npy", "manifest.csv", "dataset.json")
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


def test_a_finished_folder_is_left_alone(rendered, capsys):
    before = (rendered / "images.npy").stat().st_mtime_ns
    assert render(rendered, "--workers", "1") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert (rendered / "images.npy").stat().st_mtime_ns == before


def test_another_request_for_a_finished_folder_is_refused(rendered, capsys):
    assert render(rendered, "--workers", "1", "--set", "rho=0.5") == 2
    assert "exists already" in capsys.readouterr().err


def test_splits_and_factors(rendered):
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
        of = table.identities == person
        shots = TINY.train_shots if person <= 4 else TINY.test_shots
        cameras, counts = np.unique(table.cameras[of], return_counts=True)
        assert 4 <= len(cameras) <= 6 and set(counts) == {shots}
        assert len(np.unique(table.modalities[of])) == 2 or len(cameras) == 4
    made = table.info["made"]
    assert made["seed"] == 0 and made["preset"] == "tiny" and made["world"]["rho"] == world.World().rho
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
    made, preset = world.apply_overrides(world.World(), TINY, ["rho=0.5", "camera_gap=0", "train_people=9"])
    assert (made.rho, made.camera_gap, preset.train_people, preset.test_people) == (0.5, 0.0, 9, 3)
    assert world.World().rho != 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "colour=3"], "no knob 'colour'"),
        (["--set", "rho"], "has no value"),
        (["--set", "rho=much"], "rho needs a number, found 'much'"),
        (["--set", "spots=1.5"], "spots needs a whole number"),
        (["--set", "rho=1.2"], "must lie in 0..1"),
        (["--set", "camera_gap=-1"], "must not be negative"),
        (["--set", "headings=5"], "headings must be 1..4"),
        (["--set", "train_people=0"], "must be at least 1"),
        (["--set", "least_share=1.5"], "least_share <= most_share <= 1"),
        (["--seed", "-3"], "seed must not be negative"),
        (["--workers", "0"], "--workers must be at least 1, found 0"),
        (["--workers", "-2"], "at least 1, found -2. Without it: one process per core"),
        (["--preset", "huge"], "no preset 'huge'. Presets: tiny, toy, small"),
    ],
)
def test_wrong_requests_are_explained(tmp_path, capsys, arguments, message):
    assert render(tmp_path / "x", *arguments) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


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
    assert count == studio.sightings[[0, 6]].sum() and seconds.shape == (2, 2) and (seconds > 0).all()
    assert speed.main(["--preset", "tiny", "--people", "1", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{studio.sightings[0].sum()} images of 128×64, 1 times")
    with pytest.raises(SystemExit):
        speed.main(["--rounds", "0"])
