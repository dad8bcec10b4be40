"""SynthVI as a camera network: counts, places, light, what is in the way, and the knobs that studies turn."""

import csv
import dataclasses

import numpy as np
import pytest

from data_scripts import render_synthvi
from data_scripts.synthvi import appearances, dataset, world
from data_scripts.synthvi.captures import CUTS
from data_scripts.synthvi.place import cameras
from data_scripts.synthvi.render import Studio
from dmic.evaluation import PROTOCOLS, draw_gallery, evaluate
from dmic.evaluation.ranking import RULES
from dmic.images import ImageTable, LazyImages, open_dataset

TINY = world.PRESETS["tiny"]
WORLD = world.World()


# --- the network --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visible", "infrared", "numbers"),
    [
        (4, 2, [1, 2, 3, 4, 5, 6]),
        (1, 1, [1, 3]),
        (2, 3, [1, 2, 3, 6, 9]),
        (8, 8, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 18, 21, 24]),
    ],
)
def test_every_third_number_is_infrared(visible, infrared, numbers):
    made = dataclasses.replace(WORLD, visible_cameras=visible, infrared_cameras=infrared)
    assert list(world.camera_numbers(made)) == numbers
    drawn = cameras.draw_cameras(0, made)
    assert [n for n, camera in drawn.items() if camera.infrared] == [n for n in numbers if n % 3 == 0]
    assert [n for n in drawn if drawn[n].place != n] == [3]  # only cameras 2 and 3 share a place


@pytest.mark.parametrize("rule", ["sysu", "synthvi"])
def test_cameras_in_one_place_are_those_that_protocols_keep_apart(rule):
    assert dict(RULES[rule].same_place) == cameras.SAME_PLACE


def test_more_cameras_do_not_change_the_others():
    few = cameras.draw_cameras(5, WORLD)
    many = cameras.draw_cameras(5, dataclasses.replace(WORLD, visible_cameras=8, infrared_cameras=8))
    assert all(many[number] == camera for number, camera in few.items())


@pytest.mark.parametrize(
    ("share", "outdoor"), [(0.5, {4, 5, 6}), (1 / 3, {5, 6}), (0.0, set()), (1.0, set(range(1, 7)))]
)
def test_outdoor_cameras(share, outdoor):
    made = dataclasses.replace(WORLD, outdoor_share=share)
    assert {n for n, camera in cameras.draw_cameras(0, made).items() if camera.outdoor} == outdoor


def spread(field, **knobs):
    """How much a field differs between 16 cameras."""
    made = dataclasses.replace(WORLD, visible_cameras=8, infrared_cameras=8, **knobs)
    return np.ptp([getattr(camera, field) for camera in cameras.draw_cameras(1, made).values()], axis=0).max()


@pytest.mark.parametrize(
    ("knob", "fields"),
    [
        ("color_gap", ["white_balance", "saturation"]),
        ("exposure_gap", ["exposure", "contrast", "haze", "gain_limit"]),
        ("view_gap", ["height", "nearest", "farthest", "turn", "focal"]),
        ("sharpness_gap", ["blur", "quality"]),
    ],
)
def test_each_gap_moves_its_own_fields(knob, fields):
    every = [
        "white_balance",
        "saturation",
        "exposure",
        "contrast",
        "haze",
        "gain_limit",
        "height",
        "nearest",
        "farthest",
        "turn",
        "focal",
        "blur",
        "quality",
    ]
    for field in fields:
        assert spread(field, **{knob: 0.0}) == spread(field, camera_gap=0.0) == 0.0
        assert spread(field, **{knob: 0.5}) < spread(field)
    for field in set(every) - set(fields):
        assert spread(field, **{knob: 0.0}) == spread(field) > 0.0


def test_world_b_is_another_world():
    a, b = (Studio(0, world.WORLDS[name], TINY) for name in "ab")
    assert not np.array_equal(a.person(1).visible, b.person(1).visible)
    assert a.cameras[1].headings != b.cameras[1].headings
    crowd = [(a.person(n).style, b.person(n).style) for n in range(1, 61)]
    coats, sleeves = (np.array([[getattr(s, f) for s in pair] for pair in crowd]) for f in ("coat", "sleeve"))
    assert coats.mean(0)[1] < 0.5 * coats.mean(0)[0] and sleeves.mean(0)[1] < sleeves.mean(0)[0] - 0.15
    assert (
        np.mean([c.height for c in b.cameras.values()])
        > np.mean([c.height for c in a.cameras.values()]) + 0.4
    )


# --- who is seen by whom ------------------------------------------------------------------------------------------


def test_everybody_is_seen_in_both_spectra_by_the_asked_share():
    preset = dataclasses.replace(TINY, train_people=60, least_share=0.25, most_share=0.5)
    made = dataclasses.replace(WORLD, visible_cameras=5, infrared_cameras=3)
    table = appearances.appearance_counts(0, made, preset)
    infrared = np.array([n % 3 == 0 for n in world.camera_numbers(made)])
    seen = table > 0
    assert table.shape == (63, 8) and seen[:, infrared].any(1).all() and seen[:, ~infrared].any(1).all()
    assert set(seen.sum(1)) == {2, 3, 4}
    assert set(table[:60][seen[:60]]) == {preset.train_images_per_camera} and set(table[60:][seen[60:]]) == {
        preset.test_images_per_camera
    }


def test_sysu_table_has_the_published_counts():
    table = appearances.sysu_table()
    train, test = table[:395], table[395:]
    assert train.sum(0).tolist() == [4721, 5753, 7909, 5811, 5973, 4000]
    assert (train > 0).sum(0).tolist() == [194, 195, 392, 382, 390, 200]
    assert test.sum(0).tolist() == [1374, 1565, 1883, 1918, 1918, 1920]
    assert (test > 0).sum(0).tolist() == [56, 56, 93, 94, 95, 96]
    assert train[:, [0, 1, 3, 4]].sum() == 22258 and train[:, [2, 5]].sum() == 11909
    medians = [np.median(column[column > 0]) for column in train.T]
    assert np.abs(np.array(medians) - [24, 28, 20, 18, 20, 20]).max() <= 1
    for part in (train, test):
        assert (part[:, [0, 1, 3, 4]] > 0).any(1).all() and (part[:, [2, 5]] > 0).any(1).all()
    assert np.array_equal(table, appearances.sysu_table())


def test_sysu_table_does_not_depend_on_the_seed():
    preset = world.PRESETS["sysu-shaped"]
    assert (preset.height, preset.width) == (288, 144)
    one, other = (appearances.appearance_counts(seed, WORLD, preset) for seed in (0, 7))
    assert np.array_equal(one, other) and dataset.image_count(0, WORLD, preset) == 44745
    assert (
        appearances.appearance_counts(0, WORLD, dataclasses.replace(preset, most_images_per_camera=2)).max()
        == 2
    )


def table_of(counts):
    """An `ImageTable` with these counts per person and camera 1 … 6, without pictures."""
    people, columns = np.nonzero(counts)
    times = counts[people, columns]
    people, numbers = np.repeat(people + 1, times), np.repeat(columns + 1, times)
    infrared = (numbers % 3 == 0).astype(np.int64)
    splits = np.where(people <= 395, "train", np.where(infrared, "query", "gallery"))
    rows = np.arange(len(people))
    pixels = LazyImages(np.zeros((len(people), 1, 1, 3), np.uint8), rows)
    return ImageTable(pixels, infrared, numbers, people, splits, indices=rows, info={}, name="counts")


def test_sysu_protocols_have_3803_queries_and_galleries_of_301_and_112():
    table = table_of(appearances.sysu_table())
    for name, size, queries in (("sysu-all-single", 301, 3803), ("sysu-indoor-single", 112, None)):
        gallery = table.gallery
        kept = np.isin(gallery.cameras, PROTOCOLS[name].gallery_cameras)
        rng = np.random.default_rng(0)
        drawn = draw_gallery(gallery.identities[kept], gallery.cameras[kept], shots=1, generator=rng)
        assert len(drawn) == size
        result = evaluate(lambda view: np.eye(96)[view.identities - 396], table, PROTOCOLS[name])
        assert result.mean["rank1"] == pytest.approx(100.0)
        assert queries is None or result.queries == queries == len(table.query)


def test_some_people_of_the_sysu_preset_rendered_small():
    preset = dataclasses.replace(
        world.PRESETS["sysu-shaped"], height=32, width=16, most_images_per_camera=2, supersampling=1
    )
    studio, table = Studio(0, WORLD, preset), appearances.sysu_table()
    for person in (1, 395, 396, 491):
        images, masks, rows = dataset.render_person(studio, person)
        wanted = np.minimum(table[person - 1], 2)
        counts = np.bincount([row["camera"] for row in rows], minlength=7)[1:]
        assert images.shape == (*masks.shape, 3) == (wanted.sum(), 32, 16, 3) and np.array_equal(
            counts, wanted
        )
        splits = {"train"} if person <= 395 else {"query", "gallery"}
        assert {row["split"] for row in rows} == splits


# --- data sets ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Eight cameras, every effect on, by two processes; and the same by one."""
    knobs = ["visible_cameras=5", "infrared_cameras=3", "occlusion=0.5", "bystanders=0.5", "motion_blur=0.5"]
    knobs += ["truncation=0.3", "height=64", "width=32", "train_people=2", "test_people=3", "least_share=1"]
    folders = []
    for workers in ("2", "1"):
        path = tmp_path_factory.mktemp("network") / "set"
        arguments = ["--preset", "tiny", "--world", "b", "--out", str(path), "--workers", workers]
        for knob in knobs:
            arguments += ["--set", knob]
        assert render_synthvi.main(arguments) == 0
        folders.append(path)
    return folders


def test_all_effects_give_the_same_bytes_for_any_number_of_workers(network):
    for name in ("images.npy", "masks.npy", "manifest.csv", "dataset.json"):
        assert (network[0] / name).read_bytes() == (network[1] / name).read_bytes()


def test_manifest_explains_every_image(network):
    rows = list(csv.DictReader((network[0] / "manifest.csv").open(newline="", encoding="utf-8")))
    assert len(rows) == 8 * (2 * 2 + 3)
    for row in rows:
        assert (row["occluded"] == "1") == (row["occluder"] != "none") and 0 <= float(row["hidden"]) <= 1
        assert row["truncated"] in ("none", *CUTS) and 0 <= float(row["outside"]) < 0.5
        assert row["standing"] == "0" or float(row["motion_blur"]) == 0
        assert 1 <= int(row["jpeg_quality"]) <= 98 and row["source"].startswith(
            "synthvi:world=b/seed=0/person="
        )
        assert row["place"] == ("2" if row["camera"] == "3" else row["camera"])
        assert {
            "bag",
            "hat",
            "hair",
            "coat",
            "skirt",
            "pattern",
            "warmth",
            "camera_height",
            "outdoor",
        } <= set(row)
    outside = {
        cut: [float(row["outside"]) for row in rows if row["truncated"] == cut] for cut in ("none", "feet")
    }
    assert np.mean(outside["feet"]) > 0.05 > np.mean(outside["none"])
    assert any(float(row["hidden"]) > 0.05 for row in rows) and any(row["bystander"] == "1" for row in rows)


def test_protocol_synthvi_takes_any_network(network):
    table = open_dataset(network[0], verify=True)
    made = table.info["made"]["world"]
    assert made["name"] == "b" and made["visible_cameras"] == 5
    assert set(table.query.cameras) == {3, 6, 9} and set(table.gallery.cameras) == {1, 2, 4, 5, 7}
    result = evaluate(lambda view: np.eye(3)[view.identities - 3], table, PROTOCOLS["synthvi"])
    assert result.queries == 9 and result.mean["rank1"] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--world", "d"], "unknown world 'd'; there are: a, b, c"),
        (["--set", "name=b"], "unknown knob 'name'"),
        (["--set", "visible_cameras=0"], "visible_cameras must lie in 1..16, found 0"),
        (["--set", "infrared_cameras=17"], "infrared_cameras must lie in 1..16, found 17"),
        (["--set", "truncation_depth=0.9"], "truncation_depth must lie in 0..0.5, found 0.9"),
        (["--set", "nearest=9"], "farthest must lie in 9..30, found 8.0"),
        (["--set", "jpeg_quality=0"], "jpeg_quality must lie in 1..100, found 0.0"),
        (["--set", "bystanders=2"], "bystanders is a share"),
        (["--preset", "sysu-shaped", "--set", "visible_cameras=5"], "SYSU-MM01's counts need 4 visible"),
    ],
)
def test_wrong_networks_are_explained(tmp_path, capsys, arguments, message):
    assert render_synthvi.main(["--preset", "tiny", "--out", str(tmp_path / "x"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
