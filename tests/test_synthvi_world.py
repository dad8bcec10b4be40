"""SynthVI as a camera network: counts, places, light, what is in the way, and the knobs that studies turn."""

import csv
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from data_scripts import render_synthvi
from data_scripts.synthvi import appearances, captures, dataset, world
from data_scripts.synthvi.image import sensor
from data_scripts.synthvi.image.gbuffer import draw_buffers
from data_scripts.synthvi.image.sensor_noise import TAIL, standard_normal
from data_scripts.synthvi.place import cameras, foreground, props, scenes, textures, tracing
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
        ("exposure_gap", ["exposure", "contrast", "haze"]),
        ("view_gap", ["height", "distance", "turn"]),
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
        "height",
        "distance",
        "turn",
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


# --- places -------------------------------------------------------------------------------------------------------


def test_rays_meet_solids_where_geometry_says():
    eye, ahead = (0.0, 1.0, 5.0), (0.0, 0.0, -1.0)
    box = np.array([tracing.Solid.BOX, -1, 0, -2, 1, 2, -1, 0.0])
    assert tracing._meet(box, *eye, *ahead) == pytest.approx(6.0)
    assert tracing._meet(box, *eye, 0.0, 1.0, 0.0) == tracing.FAR
    round_ = np.array([tracing.Solid.CYLINDER, 0.3, 0.0, 0.5, 0.0, 2.0, 0, 0])
    assert tracing._meet(round_, *eye, *ahead) == pytest.approx(5.0 - 0.4)  # 0.3² + 0.4² = 0.5²
    assert tracing._meet(round_, 0.3, 5.0, 0.0, 0.0, -1.0, 0.0) == pytest.approx(3.0)  # its lid
    assert tracing._surface(box, 0.2, 2.0, -1.5)[:3] == (0.0, 1.0, 0.0)
    assert tracing._surface(round_, 0.3, 1.0, 0.5)[:3] == pytest.approx((0.0, 0.0, 1.0))


def plain(builder, value):
    """A material without texture."""
    return builder.material(np.full(3, value), strength=0.0, nir=value)


def trace(
    builder, *, infrared, grounds=(-1.0, -1.0, -1.0), falloff=1.0, toward=(0, 1, 0), sun=0.0, shadows=0.0
):
    """Picture (9, 9, 5) from 1 m above the origin, looking towards −z."""
    frame = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]])
    light = np.array([*toward, sun, 1.0, 0.0, shadows, 4.0, falloff])
    intrinsics = np.array([9.0, 4.5, 4.5])
    return tracing.trace(frame, intrinsics, *builder.arrays(), np.array(grounds), light, infrared, 1, 9, 9)


@pytest.mark.parametrize("falloff", [0.0, 1.0, 2.0])
def test_lamp_light_falls_off_with_distance(falloff):
    seen = []
    for z in (4.0, 8.0):
        builder = props.Builder(np.random.default_rng(0), 0.0, 1.0)
        builder.box((-9, 9), (-9, 9), (-z - 1, -z), plain(builder, 0.5))
        seen.append(trace(builder, infrared=True, falloff=falloff)[4, 4])
    assert seen[0][:3] == pytest.approx(0.5**2.2, rel=1e-5) and seen[0][4] == 1.0
    assert seen[1][0] / seen[0][0] == pytest.approx(0.5**falloff, rel=1e-5)


def test_floor_lies_below_the_horizon_and_darkens_beside_a_box():
    builder = props.Builder(np.random.default_rng(0), 0.0, 1.0)
    ground = float(plain(builder, 0.6))
    empty = trace(builder, infrared=False, grounds=(ground, ground, -99.0))
    assert (empty[5:, :, 3] == 1).all() and (empty[:4, :, 3] == 0).all()
    builder.box((-0.2, 0.2), (0, 1), (-4, -2.2), int(ground))
    boxed = trace(builder, infrared=False, grounds=(ground, ground, -99.0))
    # the row that meets the floor 2.25 m away, on both sides of the box
    darker = boxed[8, :, 0] / empty[8, :, 0]
    assert darker[0] > 0.95 and darker[2] < darker[1] < darker[0]


def test_a_box_throws_a_sharp_shadow_outdoors():
    builder = props.Builder(np.random.default_rng(0), 0.0, 1.0)
    ground = float(plain(builder, 0.6))
    builder.box((1.0, 1.5), (0.5, 3.0), (-20, 0), int(ground))  # a wall in the air, right of what is compared
    args = {"infrared": False, "grounds": (ground, ground, -99.0), "sun": 1.0, "toward": (0.8, 0.6, 0.0)}
    lit, dark = (trace(builder, shadows=flag, **args)[8] for flag in (0.0, 1.0))
    assert (dark[:, 0] <= lit[:, 0] + 1e-6).all() and dark[4, 0] < 0.75 * lit[4, 0]


def test_noise_is_smooth_and_meets_its_grid():
    assert textures.noise(3.0, 5.0, 7.0) == pytest.approx(textures.scatter(3, 5, 7))
    assert textures.noise2(-3.0, 5.0, 7) == pytest.approx(textures.scatter(-3, 5, 7))
    line = np.array([textures.noise2(x, 0.3, 1) for x in np.arange(-5, 5, 0.01)])
    assert 0 <= line.min() and line.max() <= 1 and line.std() > 0.1 and np.abs(np.diff(line)).max() < 0.03
    values = np.array([textures.scatter(i, j, 0) for i in range(60) for j in range(60)])
    assert abs(values.mean() - 0.5) < 0.02 and abs(values.std() - 12**-0.5) < 0.02


def test_plain_world_has_empty_grey_places():
    made = dataclasses.replace(WORLD, background_contrast=0.0)
    assert len(scenes.draw_place(1, 0, made).solids) < 10 < len(scenes.draw_place(1, 0, WORLD).solids)
    camera = cameras.draw_cameras(0, made)[1]
    flat = scenes.render_spots(camera, scenes.draw_place(1, 0, made), made, (64, 32), 4, 0)
    rich = scenes.render_spots(camera, scenes.draw_place(1, 0, WORLD), WORLD, (64, 32), 4, 0)
    assert flat.shape == (WORLD.spots, 72, 40, 4) and np.ptp(flat[..., :3], axis=-1).max() < 1e-6
    edges = [np.abs(np.diff(picture[..., 0], axis=2)).mean() for picture in (flat, rich)]
    assert edges[0] < 0.3 * edges[1]


def test_spots_of_one_camera_differ_but_share_materials():
    studio = Studio(0, WORLD, dataclasses.replace(TINY, height=64, width=32))
    for number in (1, 3, 4, 6):
        pictures = studio.spots[number]
        assert len({picture.tobytes() for picture in pictures}) == WORLD.spots
        assert (np.ptp(pictures[..., :3], axis=-1).max() < 1e-6) == (number in (3, 6))
        assert 0.2 < pictures[..., 3].mean() < 0.99  # floor and something else


# --- obstacles, bystanders ----------------------------------------------------------------------------------------


def test_laying_a_cutout_over():
    color, cover = np.full((1, 4, 1), 0.8, np.float32), np.array([[1, 1, 0, 0]], np.float32)
    cut = np.array([[[0.1], [0.4]]], np.float32), np.array([[0.5, 1.0]], np.float32)
    hidden = foreground.lay_over(color, cover, *cut, 1)
    assert np.allclose(color[0, :, 0], [0.8, 0.5, 0.4, 0.8]) and np.allclose(cover, [[1, 1, 1, 0]])
    assert hidden == pytest.approx(0.25)  # half of one of two covered pixels
    assert foreground.lay_over(color, cover, *cut, -9) == 0.0


@pytest.mark.parametrize("kind", captures.OBSTACLES)
def test_every_obstacle_is_seen_in_both_spectra(kind):
    for number in (1, 6):
        camera = cameras.draw_cameras(0, WORLD)[number]
        cutout = foreground.draw_obstacle(camera, kind, 0, 0, WORLD, TINY)
        assert cutout.color.shape == (*cutout.alpha.shape, 1 if camera.infrared else 3)
        assert (
            0.02 < (cutout.alpha > 0.5).mean()
            and cutout.alpha.min() >= 0
            and cutout.alpha.max() == pytest.approx(1)
        )
        assert cutout.alpha[:20].mean() < 0.2 or kind == "pole"  # heads stay free


def take(count=24, **knobs):
    """Images of one person in camera 1, with their captures."""
    studio = Studio(0, dataclasses.replace(WORLD, **knobs), TINY)
    person, mesh = studio.dressed(1)
    return [studio.render(1, 1, index, person, mesh) for index in range(count)]


def test_occlusion_hides_people_and_depth_says_how_much():
    assert not any(shot.capture.occluder or shot.capture.hidden for shot in take(10, occlusion=0.0))
    usual, deep = (take(occlusion=1.0, occluding_people=0.3, occlusion_depth=d) for d in (1.0, 1.6))
    kinds = {shot.capture.occluder for shot in usual}
    assert "person" in kinds and len(kinds) > 3
    hidden = [shot.capture.hidden for shot in usual]
    assert 0.05 < np.mean(hidden) < 0.5 and max(hidden) < 0.9
    assert np.mean([shot.capture.hidden for shot in deep]) > np.mean(hidden)
    assert {shot.capture.occluder for shot in take(6, occlusion=1.0, occluding_people=1.0)} == {"person"}


def painted(shade):
    """A dozen sharp images of one person in camera 1, painted in one shade, each with something in the way."""
    studio = Studio(0, dataclasses.replace(WORLD, occlusion=1.0), TINY)
    person, mesh = studio.dressed(1)
    person = dataclasses.replace(person, visible=np.full_like(person.visible, shade))
    camera, shots = dataclasses.replace(studio.cameras[1], blur=0.0, noise=0.0), []
    for index in range(12):
        capture, rng = studio.capture(1, 1, index, person)
        capture = dataclasses.replace(capture, quality=0, motion=0.0)
        buffers = draw_buffers(studio.body, mesh, camera, capture, TINY)
        shots.append(studio.expose(buffers, person, camera, capture, rng))
    return shots


def test_a_mask_is_where_a_painted_person_changes_the_picture():
    """Neither the mask nor coverage is asked: two pictures differ where the person is seen, and nowhere else."""
    kinds, edges = set(), []
    for dark, light in zip(painted(0.1), painted(0.9), strict=True):
        changed = (dark.image != light.image).any(axis=2)
        assert np.array_equal(dark.mask, light.mask) and dark.mask.dtype == bool
        assert 0.02 < dark.mask.mean() < 0.6 and changed[dark.mask].all()
        edges.append(
            (changed & ~dark.mask).sum() / dark.mask.sum()
        )  # pixels of which less than half is the person
        kinds.add(dark.capture.occluder)
    assert len(kinds) > 3 and max(edges) < 0.3


def test_an_occluder_takes_its_pixels_from_the_mask():
    free, hidden = take(12, occlusion=0.0), take(12, occlusion=1.0)
    for whole, part in zip(free, hidden, strict=True):
        assert not (part.mask & ~whole.mask).any()
        assert 1 - part.mask.sum() / whole.mask.sum() == pytest.approx(part.capture.hidden, abs=0.06)


def test_what_a_cutout_leaves_by_hand():
    cover, alpha = np.array([[0.8, 0.8, 0.8, 1.0]], np.float32), np.array([[0.5, 1.0]], np.float32)
    for left, shown in ((1, [0.8, 0.4, 0.0, 1.0]), (-1, [0.0, 0.8, 0.8, 1.0]), (3, [0.8, 0.8, 0.8, 0.5])):
        assert foreground.uncovered(cover, alpha, left) == pytest.approx(np.array([shown]))
    assert cover[0].tolist() == pytest.approx([0.8, 0.8, 0.8, 1.0])  # as it was


def test_one_knob_does_not_redraw_the_rest():
    first, second = (
        take(6, occlusion=0.0, truncation=0.0, bystanders=0.0),
        take(6, occlusion=1.0, bystanders=1.0),
    )
    for a, b in zip((s.capture for s in first), (s.capture for s in second), strict=True):
        if not b.cut:
            assert (a.heading, a.pose, a.scale, a.spot, a.light) == (
                b.heading,
                b.pose,
                b.scale,
                b.spot,
                b.light,
            )


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_truncation_leaves_the_asked_share(share):
    for cut, sign in (("feet", 1), ("head", -1)):
        scale, (rows, _) = captures.truncate(cut, share, 1.0, (0.0, 0.0))
        top, bottom = 0.5 + rows - 0.45 * scale, 0.5 + rows + 0.45 * scale
        assert (top if sign > 0 else 1 - bottom) == pytest.approx(0.05)
        visible = (min(1, bottom) - max(0, top)) / (bottom - top)
        assert visible == pytest.approx(1 - share)
    for cut, sign in (("left", -1), ("right", 1)):
        scale, (_, columns) = captures.truncate(cut, share, 1.0, (0.0, 0.0))
        inside = (
            0.25 - sign * columns + 0.17
        )  # from the person's far edge to the image's, share of the height
        assert scale == 1.0 and (0.34 - inside) / 0.34 == pytest.approx(share)


# --- the sensor ---------------------------------------------------------------------------------------------------


def test_smear_is_the_mean_along_the_movement():
    rng = np.random.default_rng(0)
    color, cover = rng.random((6, 30, 3), np.float32), rng.random((6, 30), np.float32)
    moved, covered = sensor.smear(color, cover, 3.0, 0.0)
    kernel = np.array([0.5, 1, 1, 1, 0.5]) / 4  # 1 + 3 pixels long
    for row in range(6):
        wide, bright = np.pad(cover[row], 2, mode="edge"), np.pad(color[row, :, 1], 2, mode="edge")
        assert np.allclose(covered[row], np.convolve(wide, kernel, "valid"), atol=1e-6)
        assert np.allclose(moved[row, :, 1], np.convolve(bright, kernel, "valid"), atol=1e-6)
    still, _ = sensor.smear(color, cover, 0.0, 0.0)
    assert np.array_equal(still, color)
    down, _ = sensor.smear(color.transpose(1, 0, 2).copy(), cover.T.copy(), 0.0, 3.0)
    assert np.allclose(down.transpose(1, 0, 2), moved)
    narrow, narrow_cover = color[:, :2].copy(), cover[:, :2].copy()
    far, _ = sensor.smear(narrow, narrow_cover, 40.0, 0.0)  # further than the picture is wide
    assert np.allclose(far, color[:, :2].mean(1, keepdims=True), atol=0.02)


def test_sensor_noise_is_numpys_own():
    for seed in range(5):
        made = standard_normal(np.random.default_rng(seed), (1000, 1000), 0.013)
        wanted = np.random.default_rng(seed).standard_normal((1000, 1000), np.float32) * np.float32(0.013)
        assert np.array_equal(made, wanted)
        assert (np.abs(made) > 0.013 * TAIL).sum() > 100  # about 1 in 4,000 lies in the tail
    for seed in range(300):  # each stops at another place
        made = standard_normal(np.random.default_rng(seed), (seed % 7 + 1, 3), 1.0)
        wanted = np.random.default_rng(seed).standard_normal((seed % 7 + 1, 3), np.float32)
        assert np.array_equal(made, wanted)


@pytest.mark.parametrize("word", [0xFFFFFFFF_FFFFFE01, 0xFFFFFFFF_EF33E000])
@pytest.mark.parametrize("count", [1, 6])
def test_sensor_noise_says_when_its_words_run_out(word, count):
    # the first word is refused beside its layer for ever, the second one in the tail
    stuck = SimpleNamespace(bit_generator=SimpleNamespace(random_raw=lambda n: np.full(n, word, np.uint64)))
    with pytest.raises(RuntimeError, match=f"fewer than {count} normal numbers"):
        standard_normal(stuck, (count,), 1.0)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_developed_step_by_step(channels):
    rng = np.random.default_rng(channels)
    size = (12, 9, channels)
    light, place = 0.5 * rng.random(size, np.float32), rng.random(size, np.float32)
    cover, noise = rng.random(size[:2], np.float32), rng.normal(0, 0.02, size).astype(np.float32)
    gains = rng.uniform(0.8, 1.2, channels).astype(np.float32)
    haze, contrast, saturation, vignette, blur = 0.03, 1.1, 0.7, 0.3, 0.12
    made = sensor.develop(light, place, cover, gains, haze, contrast, saturation, vignette, blur, noise)

    wide = np.pad(light + (1 - cover[..., None]) * place, ((1, 1), (1, 1), (0, 0)), mode="edge")
    tall = (1 - 2 * blur) * wide[1:-1] + blur * (wide[:-2] + wide[2:])
    mixed = (1 - 2 * blur) * tall[:, 1:-1] + blur * (tall[:, :-2] + tall[:, 2:])
    v, u = np.meshgrid(2 * np.arange(9) / 9 - 1, 2 * np.arange(12) / 12 - 1)
    linear = mixed * gains * (1 - 0.5 * vignette * (u**2 + v**2))[..., None] + haze
    display = 0.5 + contrast * (np.clip(linear, 0, 1.15) ** (1 / 2.2) - 0.5)
    mean = display.mean(-1, keepdims=True)
    wanted = 255 * np.clip(mean + saturation * (display - mean) + noise, 0, 1)
    assert made.dtype == np.uint8 and made.shape == size
    assert np.abs(made - wanted).max() < 0.501


def test_jpeg_damage_grows_as_quality_falls():
    rng = np.random.default_rng(0)
    image = np.clip(rng.normal(128, 30, (64, 32, 3)), 0, 255).astype(np.uint8)
    damage = [np.abs(sensor.through_jpeg(image, q).astype(float) - image).mean() for q in (98, 70, 20)]
    assert damage[0] < damage[1] < damage[2]
    grey = sensor.through_jpeg(image[..., :1], 10)
    assert grey.shape == (64, 32, 1)
    jumps = np.abs(np.diff(grey[..., 0].astype(float), axis=0)).mean(1)
    assert jumps[7::8].mean() > 1.1 * np.delete(jumps, np.s_[7::8]).mean()  # blocks of eight


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
        assert (row["truncated"] == "none") == (float(row["cut_share"]) == 0)
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
        (["--set", "infrared_sensor_noise=2"], "infrared_sensor_noise must lie in 0..1, found 2.0"),
        (["--set", "jpeg_quality=0"], "jpeg_quality must lie in 1..100, found 0.0"),
        (["--set", "bystanders=2"], "bystanders is a share"),
        (["--preset", "sysu-shaped", "--set", "visible_cameras=5"], "SYSU-MM01's counts need 4 visible"),
    ],
)
def test_wrong_networks_are_explained(tmp_path, capsys, arguments, message):
    assert render_synthvi.main(["--preset", "tiny", "--out", str(tmp_path / "x"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_images_of_one_walk_share_heading_and_spot():
    made = Studio(0, world.World(images_per_walk=3), TINY)
    person = made.person(1)
    walked = [made.capture(1, 1, index, person)[0] for index in range(12)]
    turned = np.array([capture.heading for capture in walked]).reshape(4, 3)
    assert (np.ptp(turned, axis=1) < 25).all()  # of jitter within a walk: 0.3 · 14 degrees
    assert np.ptp(turned[:, 0]) > 200  # four walks, four directions
    assert all(len({capture.spot for capture in walked[i : i + 3]}) == 1 for i in range(0, 12, 3))
    assert len({capture.pose.phase for capture in walked}) == 12
