"""Frame first, box after: where people stand in a camera's frame, boxes, layers, exposure, noise, and what is drawn for each image."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from data_scripts.synthvi import captures, frames, world
from data_scripts.synthvi.captures import Stand
from data_scripts.synthvi.composition import compose
from data_scripts.synthvi.image import boxes, exposure, gbuffer, layers, sensor
from data_scripts.synthvi.image.boxes import Box
from data_scripts.synthvi.light import REFERENCE, lamp_light, sky_light
from data_scripts.synthvi.person.pose import Pose
from data_scripts.synthvi.place import cameras
from data_scripts.synthvi.place.obstacles import OBSTACLES, Layer
from data_scripts.synthvi.render import Studio

TINY, WORLD = world.PRESETS["tiny"], world.World()
STANDING = Pose(0.0, 0.04, 0.05, 0.1, 0.15, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def studio():
    return Studio(0, WORLD, TINY)


@pytest.fixture(scope="module")
def surveillance():
    return Studio(0, world.WORLDS["c"], TINY)


def take(count=24, **knobs):
    """Images of one person in camera 1."""
    made = Studio(0, dataclasses.replace(WORLD, **knobs), TINY)
    person, mesh = made.dressed(1)
    return [made.render(1, 1, index, person, mesh) for index in range(count)]


# --- frames -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_frame_holds_everybody_who_walks_by(name):
    made = world.WORLDS[name]
    for seed in (0, 1):
        for camera in cameras.draw_cameras(seed, made).values():
            frame = cameras.frame_of(camera, TINY)
            assert frame.height % 16 == frame.width % 16 == 0
            for distance in np.linspace(camera.nearest, camera.farthest, 5):
                for aside in (-cameras.ASIDE, 0.0, cameras.ASIDE):
                    feet = cameras.camera_point(camera, distance, aside)
                    assert feet[1] == 0.0 and feet[2] > -1e-9  # on the floor, before the furniture
                    below = frame.position - [0, camera.height, 0]
                    assert np.linalg.norm(feet - below) == pytest.approx(distance)
                    ends = np.stack([feet, feet + [0, 2.0, 0]])
                    columns, rows = frame.pixels(frame.seen(ends)).T
                    assert 0 < columns.min() and columns.max() < frame.width
                    assert 0 < rows[1] < rows[0] < frame.height


def test_a_camera_is_a_pinhole():
    """Against a projection by hand: no rotation but a pitch."""
    camera = dataclasses.replace(
        cameras.draw_cameras(0, WORLD)[1], turn=0.0, height=2.4, nearest=4.0, farthest=9.0
    )
    frame = cameras.frame_of(camera, TINY)
    assert frame.rotation @ frame.rotation.T == pytest.approx(np.eye(3)) and np.linalg.det(frame.rotation) > 0
    pitch = np.arctan2(2.4 - 0.9, 6.0)  # aims 0.9 m high at the geometric mean of the distances
    down, away = 2.4 - 1.0, 5.0
    depth = away * np.cos(pitch) + down * np.sin(pitch)
    up = away * np.sin(pitch) - down * np.cos(pitch)
    point = cameras.camera_point(camera, 5.0, 0.0, 1.0)
    assert -frame.seen(point)[2] == pytest.approx(depth)
    assert frame.pixels(frame.seen(point)) == pytest.approx(
        [frame.column, frame.row - frame.focal * up / depth]
    )


def test_people_near_and_far_have_their_native_size(surveillance):
    """Pixels as a pinhole gives them: in camera 1 of world c about 40 rows at 15 m and 200 at 3 m."""
    person, mesh = surveillance.dressed(2)
    camera, frame = surveillance.cameras[1], surveillance.frames[1]
    tall = np.ptp(gbuffer.pose_mesh(surveillance.body, mesh, STANDING)[0][np.unique(mesh.faces), 1])
    for distance in (3.3, 6.0, 15.0):
        buffers = surveillance.figure(person, mesh, 1, Stand(0.0, distance, 0.1, STANDING)).buffers
        own = boxes.extent(buffers.surface, buffers.corner, buffers.samples)
        ends = [cameras.camera_point(camera, distance, 0.1, up) for up in (0.0, tall)]
        rows = frame.pixels(frame.seen(np.array(ends)))[:, 1]
        assert own.bottom - own.top == pytest.approx(rows[0] - rows[1], rel=0.08)
        assert own.top == pytest.approx(rows[1], abs=6)
        assert (
            -4 < own.bottom - rows[0] < 0.22 * (rows[0] - rows[1])
        )  # toes are nearer to the camera than the point between the feet
        depth = 1.0 / buffers.nearness[buffers.surface > 0]
        assert np.median(depth) == pytest.approx(-frame.seen(ends[0] + [0, 1, 0])[2], abs=0.3)


def test_headings_are_seen_from_the_camera_wherever_somebody_stands(studio):
    """Towards the camera, a symmetrical person is as wide left of the middle as right of it, at the side of a frame, too."""
    person, mesh = studio.dressed(2)
    for aside in (-0.4, 0.4):
        front, side = (
            studio.figure(person, mesh, 1, Stand(heading, 5.0, aside, STANDING)).buffers
            for heading in (0.0, 90.0)
        )
        assert (
            front.turn[:, 2] @ -front.ground / np.linalg.norm(front.ground) > 0.9
        )  # forward is towards the lens
        assert side.turn[0, 2] > 0.85  # and at 90 degrees to the picture's right


# --- boxes --------------------------------------------------------------------------------------------------------

PERSON = Box(100.0, 200.0, 200.0, 240.0)


def capture_with(studio, **changed):
    """A capture with a box without errors, but for what is changed."""
    plain = {"tight": 0.0, "box_shift": (0.0, 0.0), "box_scale": 1.0, "cut": "", "cut_share": 0.0}
    return dataclasses.replace(studio.capture(1, 1, 0, studio.person(1)), **{**plain, **changed})


def test_boxes_by_hand(studio):
    frame = studio.frames[1]._replace(height=320, width=480)
    loose = boxes.detected(PERSON, capture_with(studio), 0.5, frame)
    high = 100 / (1 - boxes.MARGIN)
    assert loose == pytest.approx((95.5, 220 - high / 4, 204.5, 220 + high / 4), abs=0.6)
    tight = boxes.detected(PERSON, capture_with(studio, tight=1.0), 0.5, frame)
    assert tight == pytest.approx((98, 198, 202, 242))
    moved = boxes.detected(
        PERSON, capture_with(studio, tight=1.0, box_shift=(0.1, -0.05), box_scale=1.1), 0.5, frame
    )
    assert moved == pytest.approx((150 + 10.4 - 57.2, 220 - 5.2 - 24.2, 150 + 10.4 + 57.2, 220 - 5.2 + 24.2))
    for cut, edges in {
        "feet": (98.4, 198.4, 180, 241.6), "head": (120, 198.4, 201.6, 241.6),
        "left": (98, 208, 202, 242), "right": (98, 198, 202, 232),
    }.items():  # fmt: skip
        made = boxes.detected(PERSON, capture_with(studio, tight=1.0, cut=cut, cut_share=0.2), 0.5, frame)
        assert made == pytest.approx(edges), cut


def test_a_box_ends_where_the_frame_ends(studio):
    frame = studio.frames[1]._replace(height=208, width=224)
    made = boxes.detected(PERSON, capture_with(studio, box_scale=1.3), 0.5, frame)
    assert made.bottom == 208 and made.right == 224 and made.top < 95
    away = boxes.detected(Box(300.0, 400.0, 310.0, 410.0), capture_with(studio), 0.5, frame)
    assert made.area > away.area > 0


def test_overlap_of_boxes():
    assert PERSON.overlap(PERSON) == 1.0 and PERSON.overlap(Box(0, 0, 9, 9)) == 0.0
    assert PERSON.overlap(Box(100, 200, 150, 240)) == pytest.approx(0.5)
    assert PERSON.overlap(Box(150, 220, 250, 260)) == pytest.approx(1000 / 7000)


def test_extent_and_share_inside():
    shown = np.zeros((20, 12), np.uint8)
    shown[4:16, 2:9] = 1
    assert boxes.extent(shown, (30, 50), 2) == (32.0, 51.0, 38.0, 54.5)
    assert boxes.share_inside(shown, (30, 50), 2, Box(0, 0, 99, 99)) == 1.0
    assert boxes.share_inside(shown, (30, 50), 2, Box(32, 50, 35, 60)) == pytest.approx(0.5)
    assert boxes.share_inside(shown, (30, 50), 2, Box(0, 0, 20, 60)) == 0.0


def test_cutting_out_is_a_mean_of_pixels():
    picture = np.arange(40 * 40, dtype=np.float32).reshape(40, 40) / 8
    whole = boxes.cut_out(picture.astype(np.uint8), Box(12.0, 13.0, 28.0, 29.0), (10, 10), (16, 16))
    assert np.array_equal(whole, picture.astype(np.uint8)[2:18, 3:19])  # nothing to resize
    checks = np.where(np.indices((40, 40)).sum(0) % 2, 200, 100).astype(np.uint8)
    small = boxes.cut_out(np.repeat(checks[..., None], 3, 2), Box(10.0, 10.0, 42.0, 42.0), (10, 10), (8, 8))
    assert small.shape == (8, 8, 3) and np.abs(small.astype(int) - 150).max() <= 1
    assert boxes.cut_out(checks[..., None], Box(10, 10, 20, 20), (10, 10), (20, 20)).shape == (20, 20, 1)


# --- layers -------------------------------------------------------------------------------------------------------


def test_windows_are_whole_blocks_around_a_box(studio):
    frame = studio.frames[1]._replace(height=240, width=464)
    assert layers.window_around(PERSON, frame) == (96, 192, 112, 64)
    assert layers.window_around(Box(0.0, 440.0, 236.0, 463.5), frame) == (0, 432, 240, 32)


def test_a_layer_is_cut_and_filled_up_to_a_window():
    color, cover = np.arange(1, 7, dtype=np.float32).reshape(2, 3, 1), np.ones((2, 3), np.float32)
    inside = layers.in_window(Layer(color, cover), (11, 22), (10, 20, 4, 6))
    assert np.array_equal(inside.color[1:3, 2:5], color) and inside.cover.sum() == 6
    cut = layers.in_window(Layer(color, cover), (9, 19), (10, 20, 4, 6))
    assert cut.color[0, :2, 0].tolist() == [5, 6] and cut.cover.sum() == 2
    assert layers.in_window(Layer(color, cover), (50, 20), (10, 20, 4, 6)).cover.sum() == 0


def test_over_by_hand():
    canvas = np.full((1, 2, 1), 0.8, np.float32)
    layer = Layer(np.array([[[0.1], [0.4]]], np.float32), np.array([[0.5, 1.0]], np.float32))
    layers.lay_over(canvas, *layer)
    assert canvas.ravel() == pytest.approx([0.5, 0.4])


def test_two_shadows_on_one_spot_are_one_shadow(studio):
    person, mesh = studio.dressed(1)
    capture = dataclasses.replace(studio.capture(1, 1, 0, person), motion=0.0)
    for camera_id in (4, 6):
        camera, frame = studio.cameras[camera_id], studio.frames[camera_id]
        one = studio.figure(person, mesh, camera_id, Stand(30.0, 5.0, 0.0, STANDING))
        window = (0, 0, frame.height, frame.width)
        picture = studio.place_picture(camera_id)
        single, double = (
            compose(picture, window, camera, frame, figures, capture, None) for figures in ([one], [one, one])
        )
        beside = single.shown == 0
        assert np.array_equal(single.light[beside], double.light[beside])
        assert (single.light[beside] < 0.9 * np.asarray(picture[..., :-2])[beside]).any()


def test_a_window_of_the_frame_is_the_frame(studio):
    """Blur, noise apart, vignette, tone and JPEG of a window equal those of the whole frame there, away from the window's edge."""
    camera, frame = studio.cameras[1], studio.frames[1]
    light = np.ascontiguousarray(studio.place_picture(1)[..., :3])
    still = sensor.Exposure(1.0, 0.0)

    def photograph(top, left, height, width):
        part = np.ascontiguousarray(light[top : top + height, left : left + width])
        rng = np.random.default_rng(0)
        return sensor.through_jpeg(sensor.exposed(part, camera, frame, (top, left), still, rng), 80)

    whole = photograph(0, 0, frame.height, frame.width)
    part = photograph(64, 96, 128, 96)
    difference = np.abs(part[8:-8, 8:-8].astype(int) - whole[72:184, 104:184])
    assert difference.mean() < 0.05 and (difference > 2).mean() < 0.01


# --- light and exposure -------------------------------------------------------------------------------------------


def test_lamp_light_is_one_over_the_square_and_the_sky_is_half_hidden_below():
    assert lamp_light(2.0, REFERENCE, 1.0) == pytest.approx(2.0)
    assert lamp_light(1.0, 2 * REFERENCE, 1.0) == pytest.approx(0.25)
    assert lamp_light(1.0, REFERENCE, 0.0) == pytest.approx(0.75)
    assert sky_light(0.8, 1.0) == pytest.approx(0.8) and sky_light(1.0, -1.0) < sky_light(1.0, 0.0) < 1.0


def test_gain_falls_close_to_the_lamp_and_ends_at_its_limit(studio):
    infrared, visible = studio.cameras[3], studio.cameras[1]
    gains = [
        exposure.automatic_gain(infrared, 0.05, d, infrared.light, 0.5) for d in (3.0, 6.0, 9.0, 30.0, 60.0)
    ]
    assert gains == sorted(gains) and gains[0] < gains[1]
    assert gains[-1] == gains[-2] == pytest.approx(infrared.exposure * infrared.gain_limit)
    same = [exposure.automatic_gain(visible, 0.2, d, visible.light, 0.5) for d in (4.0, 8.0)]
    assert same[0] == same[1]
    by_place = [exposure.automatic_gain(infrared, 0.05, d, infrared.light, 0.0) for d in (3.0, 9.0)]
    assert by_place[0] == by_place[1]  # nobody's distance counts where only the frame is metered
    dim = visible.light._replace(sun=0.0, sky=0.5 * visible.light.sky)
    assert (
        exposure.automatic_gain(visible, 0.1, 5.0, dim, 0.5) > 1.8 * same[0]
    )  # half the light: about twice the gain


def test_metering_is_the_mean_of_what_is_not_too_bright(studio):
    picture = np.zeros((4, 5, 5), np.float32)
    picture[..., :3] = 0.3
    picture[0, :, :3] = 7.0
    assert exposure.metered(picture, studio.cameras[1]) == pytest.approx((3 * 0.3 + 1.0) / 4)
    assert exposure.metered(picture[..., 2:], studio.cameras[3]) == pytest.approx((3 * 0.3 + 1.0) / 4)


def plain(camera):
    """The camera without flaws of its own."""
    return dataclasses.replace(
        camera, white_balance=(1.0, 1.0, 1.0), haze=0.0, contrast=1.0, saturation=1.0, blur=0.0
    )


def photograph(studio, number, light, gain=1.0, noise=0.0, seed=0):
    """A window in the middle of the frame."""
    frame = studio.frames[number]
    corner = (frame.height // 2 - light.shape[0] // 2, frame.width // 2 - light.shape[1] // 2)
    rng = np.random.default_rng(seed)
    return sensor.exposed(
        light, plain(studio.cameras[number]), frame, corner, sensor.Exposure(gain, noise), rng
    )


def test_tone_curve_by_hand(studio):
    levels = np.linspace(0, 2, 21).astype(np.float32)
    light = np.repeat(levels[None, :, None], 3, axis=2)
    made = photograph(studio, 1, light)[0, :, 0].astype(float)
    below = levels <= sensor.SHOULDER
    assert (
        np.abs(made[below] - 255 * levels[below] ** (1 / 2.2)).max() < 1.6
    )  # of it the vignette some tenths
    assert (made[levels >= 2 - sensor.SHOULDER + 0.01] == 255).all() and made[levels == 1.0] < 255
    assert (np.diff(made) >= 0).all()
    steep = np.diff(made[levels >= sensor.SHOULDER])
    assert (np.diff(steep[steep > 0]) <= 1).all()  # ever flatter up to white


@pytest.mark.parametrize(("number", "channels"), [(1, 3), (3, 1)])
def test_noise_has_a_read_and_a_shot_part_and_is_correlated(studio, number, channels):
    """Its standard deviation in linear light, measured on the picture, against read² gain² + shot gain · light."""
    for level, gain in ((0.05, 1.0), (0.3, 1.0), (0.05, 4.0)):
        light = np.full((64, 64, channels), level, np.float32)
        made = photograph(studio, number, light, gain, noise=4.0).astype(float) / 255
        linear = np.clip(made, 0.004, None) ** 2.2
        wanted = 4.0 * np.sqrt((sensor.READ_NOISE * gain) ** 2 + sensor.SHOT_NOISE * gain * level * gain)
        assert linear[..., 0].std() == pytest.approx(wanted, rel=0.12), (level, gain)
        flat = linear[..., 0] - linear[..., 0].mean()
        beside = (flat[:, 1:] * flat[:, :-1]).mean() / flat.var()
        a = sensor.MOSAIC
        kernel = np.array([a, 1 - 2 * a, a])
        assert beside == pytest.approx((kernel[1:] @ kernel[:-1]) / (kernel @ kernel), abs=0.08)
    assert np.ptp(photograph(studio, number, np.full((9, 9, channels), 0.2, np.float32), noise=0.0)) <= 1


def test_the_vignette_lies_about_the_optical_axis(studio):
    camera, frame = (
        plain(studio.cameras[3]),
        studio.frames[3]._replace(row=100.0, column=200.0, height=240, width=480),
    )
    light = np.full((2, 2, 1), 0.4, np.float32)

    def brightness(top, left):
        still = sensor.Exposure(1.0, 0.0)
        return sensor.exposed(light, camera, frame, (top, left), still, np.random.default_rng(0)).mean()

    far = np.hypot(140, 280)
    for top, left in ((99, 199), (238, 478), (0, 0), (99, 478)):
        share = np.hypot(top + 1 - 100, left + 1 - 200) / far
        shown = 255 * (0.4 * (1 - sensor.VIGNETTE["lamp"] * share**2)) ** (1 / 2.2)
        assert brightness(top, left) == pytest.approx(shown, abs=0.8)


def test_white_balance_amplifies_noise_as_it_does_light(studio):
    camera = dataclasses.replace(plain(studio.cameras[1]), white_balance=(0.7, 1.0, 1.4))
    frame, stds = studio.frames[1], []
    light = np.full((64, 64, 3), 0.1, np.float32)
    corner = (int(frame.row) - 32, int(frame.column) - 32)
    made = (
        sensor.exposed(light, camera, frame, corner, sensor.Exposure(2.0, 4.0), np.random.default_rng(0))
        / 255
    )
    for k, balance in enumerate(camera.white_balance):
        stds.append((np.clip(made[..., k], 0.004, None) ** 2.2).std() / balance)
    assert stds == pytest.approx([stds[1]] * 3, rel=0.1)


@pytest.mark.parametrize("contrast", [0.8, 1.2])
def test_contrast_keeps_black_and_white(studio, contrast):
    camera = dataclasses.replace(plain(studio.cameras[1]), contrast=contrast)
    levels = np.array([0.0, 0.5**2.2, 1.5], np.float32)
    light = np.repeat(levels[None, :, None], 3, axis=2)
    frame = studio.frames[1]
    corner, still = (int(frame.row), int(frame.column)), sensor.Exposure(1.0, 0.0)
    made = sensor.exposed(light, camera, frame, corner, still, np.random.default_rng(0))[0, :, 0]
    assert made[0] == 0 and made[2] == 255 and abs(int(made[1]) - 127) <= 1


def test_light_is_too_much_for_some_and_white_stays_rare_in_world_a(studio, surveillance):
    """Near an infrared lamp people are burnt out in world c; in world a hardly anybody."""
    white = {}
    for made in (studio, surveillance):
        shares = []
        for number in range(1, 8):
            person, mesh = made.dressed(number)
            for camera_id in (3, 6):
                for index in range(5):
                    if made.capture(number, camera_id, index, person).stand.distance < 5.0:
                        shot = made.render(number, camera_id, index, person, mesh)
                        shares.append((shot.image[shot.mask] >= 254).mean())
        white[made.world.name] = np.array(shares)
    assert len(white["c"]) >= 3 and white["c"].max() > 0.3
    assert np.median(white["a"]) < 0.05


def test_a_close_person_is_brighter_under_the_lamp(surveillance, monkeypatch):
    """The same person in the same pose: light falls with the square of the distance, the gain makes up for a part of it."""
    person, mesh = surveillance.dressed(3)
    camera, means = surveillance.cameras[3], {}
    for distance in (3.0, 12.0):
        capture = dataclasses.replace(
            surveillance.capture(3, 3, 0, person), stand=Stand(0.0, distance, 0.0, STANDING), light=1.0,
            occluder="", bystander=False, accompanied=False, cut="",
        )  # fmt: skip
        monkeypatch.setattr(surveillance, "capture", lambda *_, drawn=capture: drawn)
        shot = surveillance.render(3, 3, 0, person, mesh)
        means[distance] = shot.image[shot.mask].mean()
        assert shot.measured.native_height == pytest.approx(
            1.9 * surveillance.frames[3].focal / distance, rel=0.3
        )
    assert means[3.0] > 1.3 * means[12.0] and camera.infrared


# --- what is in the way -------------------------------------------------------------------------------------------


def test_occlusion_hides_people_and_depth_says_how_much():
    assert not any(
        shot.capture.occluder or shot.measured.hidden > 0.01
        for shot in take(10, occlusion=0.0, bystanders=0.0)
    )
    usual, deep = (take(occlusion=1.0, occluding_people=0.3, occlusion_depth=d) for d in (0.6, 1.6))
    kinds = {shot.capture.occluder for shot in usual}
    assert "person" in kinds and len(kinds) > 3 and kinds <= {"person", *OBSTACLES}
    hidden = [shot.measured.hidden for shot in usual]
    assert 0.05 < np.mean(hidden) < 0.5 and max(hidden) < 0.95
    assert np.mean([shot.measured.hidden for shot in deep]) > np.mean(hidden)
    assert {shot.capture.occluder for shot in take(6, occlusion=1.0, occluding_people=1.0)} == {"person"}


def painted(shade):
    """A dozen images of one person in camera 1, painted in one shade, each with something in the way."""
    made = Studio(
        0, dataclasses.replace(WORLD, occlusion=1.0, blur=0.0, sensor_noise=0.0, motion_blur=0.0), TINY
    )
    made.cameras[1] = dataclasses.replace(made.cameras[1], quality=98.0)
    person, mesh = made.dressed(1)
    person = dataclasses.replace(person, visible=np.full_like(person.visible, shade))
    return [made.render(1, 1, index, person, mesh) for index in range(12)]


def test_a_mask_is_where_a_painted_person_changes_the_picture():
    """Neither the mask nor coverage is asked: two pictures differ where the person is seen, and hardly anywhere else."""
    kinds, edges = set(), []
    for dark, light in zip(painted(0.1), painted(0.9), strict=True):
        changed = (
            np.abs(dark.image.astype(int) - light.image).max(axis=2) > 24
        )  # JPEG spreads a little everywhere
        assert np.array_equal(dark.mask, light.mask) and dark.mask.dtype == bool
        assert 0.02 < dark.mask.mean() < 0.75 and changed[dark.mask].mean() > 0.98
        edges.append(
            (changed & ~dark.mask).sum() / dark.mask.sum()
        )  # pixels of which less than half is the person
        kinds.add(dark.capture.occluder)
    assert (
        len(kinds) > 3 and np.median(edges) < 0.2 and max(edges) < 0.7
    )  # of somebody mostly hidden, edges are much


def test_an_occluder_takes_its_pixels_from_the_mask():
    free, hidden = take(12, occlusion=0.0, bystanders=0.0), take(12, occlusion=1.0, bystanders=0.0)
    for whole, part in zip(free, hidden, strict=True):
        assert not (part.mask & ~whole.mask).any()
        if not part.capture.cut:
            assert 1 - part.mask.sum() / whole.mask.sum() == pytest.approx(part.measured.hidden, abs=0.08)


def test_companions_recur():
    surveillance = Studio(0, world.WORLDS["c"], world.PRESETS["toy"])
    companions = [surveillance.companion(n) for n in range(1, 281)]
    assert abs(np.mean(np.array(companions) >= 0) - 0.4) < 0.08 and set(companions) <= set(
        range(-1, captures.CROWD)
    )
    assert companions == [surveillance.companion(n) for n in range(1, 281)]
    who = companions.index(max(companions)) + 1
    person = surveillance.person(who)
    drawn = [surveillance.capture(who, camera, index, person) for camera in (1, 2, 5) for index in range(12)]
    together = [capture for capture in drawn if capture.accompanied]
    assert 0.2 < len(together) / len(drawn) < 0.8
    draws = surveillance._draws("capture", who, 1, 0)
    for capture in together:
        passers = captures.draw_passers(draws, surveillance.world, capture, max(companions), 99.0)
        first = passers[0]
        assert len({passer.number for passer in passers}) == len(passers)  # nobody twice
        assert first.number == max(companions)
        apart = (first.stand.aside * first.stand.distance - capture.stand.aside * capture.stand.distance,
                 first.stand.distance - capture.stand.distance)  # fmt: skip
        assert 0.35 < np.hypot(*apart) < 0.6  # they walk side by side
        way = np.deg2rad(capture.heading)  # right, and away from the camera
        assert abs(apart[0] * np.sin(way) - apart[1] * np.cos(way)) < 0.05
    alone = captures.draw_passers(draws, surveillance.world, together[0], -1, 99.0)
    assert len(alone) == bool(together[0].bystander) + (together[0].occluder == "person")


# --- draws --------------------------------------------------------------------------------------------------------


def test_one_knob_does_not_redraw_the_rest(studio):
    every = {"occlusion": 1.0, "truncation": 1.0, "bystanders": 1.0, "motion_blur": 1.0, "tight_boxes": 0.9,
             "box_jitter": 0.2}  # fmt: skip
    person = studio.person(1)
    for knob, value in every.items():
        other = Studio(0, dataclasses.replace(WORLD, **{knob: value}), TINY)
        for index in range(6):
            a, b = (made.capture(1, 1, index, person) for made in (studio, other))
            assert (a.stand, a.light, a.fold, a.quality, a.occluder_reach) == (
                b.stand, b.light, b.fold, b.quality, b.occluder_reach
            )  # fmt: skip
            if knob != "truncation":
                assert a.cut == b.cut


def test_walks_fill_distances_sides_and_directions_evenly(studio):
    walks = [studio.walk(n, camera, which) for n in range(1, 60) for camera in (1, 6) for which in range(3)]
    for values, low, high in (
        ([w.heading for w in walks], 0.0, 360.0),
        ([w.aside for w in walks], -cameras.ASIDE, cameras.ASIDE),
    ):
        counts = np.histogram(values, bins=6, range=(low, high))[0]
        assert counts.sum() == len(walks) and counts.min() > 0.55 * len(walks) / 6
    for camera in (1, 6):
        near, far = studio.cameras[camera].nearest, studio.cameras[camera].farthest
        distances = [studio.walk(n, camera, 0).distance for n in range(1, 200)]
        assert near <= min(distances) < near + 0.1 * (far - near) and max(distances) > far - 0.1 * (
            far - near
        )
        assert np.mean(distances) == pytest.approx(0.5 * (near + far), rel=0.05)


def test_images_of_one_walk_share_what_a_walk_has():
    made = Studio(0, world.World(images_per_walk=3), dataclasses.replace(TINY, train_images_per_camera=12))
    person = made.person(1)
    walked = [made.capture(1, 1, index, person) for index in range(12)]
    turned = np.array([capture.heading for capture in walked]).reshape(4, 3)
    assert (np.ptp(turned, axis=1) < 25).all()  # of jitter within a walk: 0.3 · 14 degrees
    distances = np.array([capture.stand.distance for capture in walked]).reshape(4, 3)
    assert (np.ptp(distances, axis=1) <= 2 * captures.STROLL).all() and np.ptp(distances[:, 0]) > 0.5
    assert all(len({capture.fold for capture in walked[i : i + 3]}) == 1 for i in range(0, 12, 3))
    assert len({capture.pose.phase for capture in walked}) == 12


def test_cameras_with_directions_of_their_own_see_one_after_another():
    made = Studio(0, world.World(headings=4, heading_jitter=0.0), TINY)
    headings = [made.walk(1, 2, which).heading for which in range(4)]
    assert sorted(headings) == pytest.approx(sorted(made.cameras[2].headings))


def test_two_images_of_a_person_and_camera_are_two_walks():
    """What a test set of `toy` needs: else the two show the same few steps."""
    toy = Studio(0, WORLD, world.PRESETS["toy"])
    seen = {number: toy.cameras_of(number)[0] for number in (120, 121)}
    assert [toy.walk_of(121, seen[121], index) for index in range(2)] == [0, 1]
    assert [toy.walk_of(120, seen[120], index) for index in range(7)] == [0, 0, 1, 1, 2, 2, 3]
    few = Studio(0, WORLD, dataclasses.replace(world.PRESETS["toy"], most_images_per_camera=2))
    assert [few.walk_of(120, seen[120], index) for index in range(2)] == [0, 1]
    assert Studio(0, WORLD, TINY).walk_of(7, 1, 0) == 0


# --- the sensor's other flaws -------------------------------------------------------------------------------------


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


def test_a_picture_is_developed_step_by_step(studio):
    """Blur, white balance, vignette, haze, shoulder, gamma, contrast, saturation, against numpy."""
    camera, frame = (
        dataclasses.replace(
            studio.cameras[1],
            blur=0.12,
            haze=0.03,
            contrast=1.1,
            saturation=0.7,
            white_balance=(0.9, 1.0, 1.2),
        ),
        studio.frames[1],
    )
    light = np.random.default_rng(3).random((16, 12, 3), np.float32)
    corner = (16, 32)
    made = sensor.exposed(light, camera, frame, corner, sensor.Exposure(1.3, 0.0), np.random.default_rng(0))
    wide = np.pad(light, ((1, 1), (1, 1), (0, 0)), mode="edge")
    tall = 0.76 * wide[1:-1] + 0.12 * (wide[:-2] + wide[2:])
    mixed = 0.76 * tall[:, 1:-1] + 0.12 * (tall[:, :-2] + tall[:, 2:])
    far = np.hypot(max(frame.row, frame.height - frame.row), max(frame.column, frame.width - frame.column))
    rows = (corner[0] + np.arange(16) + 0.5 - frame.row) / far
    columns = (corner[1] + np.arange(12) + 0.5 - frame.column) / far
    shade = 1 - sensor.VIGNETTE["lens"] * (rows[:, None] ** 2 + columns[None] ** 2)
    linear = mixed * 1.3 * np.array([0.9, 1.0, 1.2]) * shade[..., None] + 0.03
    over = np.clip(linear - 0.7, 0, 0.6)
    rolled = np.where(linear > 1.3, 1.0, linear - over**2 / 1.2)
    display = rolled ** (1 / 2.2)
    display = display + 0.1 * 4 * display * (1 - display) * (display - 0.5)
    luma = (display @ [0.299, 0.587, 0.114])[..., None]
    wanted = 255 * np.clip(luma + 0.7 * (display - luma), 0, 1)
    assert made.dtype == np.uint8 and np.abs(made - wanted).max() < 0.52


def test_jpeg_damage_grows_as_quality_falls():
    rng = np.random.default_rng(0)
    image = np.clip(rng.normal(128, 30, (64, 32, 3)), 0, 255).astype(np.uint8)
    damage = [np.abs(sensor.through_jpeg(image, q).astype(float) - image).mean() for q in (98, 70, 20)]
    assert damage[0] < damage[1] < damage[2]
    grey = sensor.through_jpeg(image[..., :1], 10)
    assert grey.shape == (64, 32, 1)
    jumps = np.abs(np.diff(grey[..., 0].astype(float), axis=0)).mean(1)
    assert jumps[7::8].mean() > 1.1 * np.delete(jumps, np.s_[7::8]).mean()  # blocks of eight


def test_frames_are_drawn_with_boxes(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "ROWS", 32)
    assert frames.main([str(tmp_path / "frames.png")]) == 0
    with Image.open(tmp_path / "frames.png") as picture:
        assert min(picture.size) > 60
    small = Studio(0, WORLD, dataclasses.replace(TINY, height=64, width=32))
    image = frames.draw_frame(small, 3)
    assert image.shape == (small.frames[3].height, small.frames[3].width, 3)
    yellow = (image == (255, 210, 0)).all(axis=2)
    assert 4 * 40 < yellow.sum() < 4 * 250  # four boxes
