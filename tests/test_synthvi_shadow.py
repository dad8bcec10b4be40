"""Shadows of people: the sun's on the floor, the lamp's on all that is behind them; closed forms and slow rays beside them."""

import dataclasses
from math import erf
from types import SimpleNamespace

import numpy as np
import pytest

from data_scripts.synthvi import world
from data_scripts.synthvi.image import blur, shadow, soles
from data_scripts.synthvi.light import Light
from data_scripts.synthvi.place import cameras

CAMERA = cameras.draw_cameras(0, world.World())[1]
TALL, THICK = 1.6, 0.3  # metres
CUBE = [
    (0, 2, 1),
    (1, 2, 3),
    (4, 5, 6),
    (5, 7, 6),
    (0, 1, 4),
    (1, 5, 4),
    (2, 6, 3),
    (3, 6, 7),
    (0, 4, 2),
    (2, 4, 6),
    (1, 3, 5),
    (3, 7, 5),
]


def camera_with(*, toward=(0.0, 1.0, 0.0), sun=1.0, sky=0.5, beside=(0.0, 0.0), outdoor=True):
    """A camera of the world with a light of one's own."""
    unit = tuple(np.array(toward) / np.linalg.norm(toward))
    return dataclasses.replace(CAMERA, outdoor=outdoor, light=Light(unit, sun, sky, 1.0, beside))


def post(bottom=0.0, *, rounds=0):
    """A post, (n, 3) vertices in the place's axes and faces (m, 3); each round cuts every triangle into four."""
    corners = [(x, y, z) for x in (-1, 1) for y in (0, 1) for z in (-1, 1)]
    points, faces = np.array(corners) * [THICK / 2, TALL - bottom, THICK / 2] + [0, bottom, 0], np.array(CUBE)
    for _ in range(rounds):
        a, b, c = (points[faces[:, i]] for i in range(3))
        n, m = len(points), len(faces)
        points = np.concatenate([points, (a + b) / 2, (b + c) / 2, (c + a) / 2])
        ab, bc, ca = (n + k * m + np.arange(m) for k in range(3))
        i, j, k = faces.T
        faces = np.concatenate(
            [np.stack(f, 1) for f in ((i, ab, ca), (ab, j, bc), (ca, bc, k), (ab, bc, ca))]
        )
    return points, faces


def floor_shadow(camera, points, faces, soles=(), focal=1.0):
    """Factor of the whole frame for a mesh 5 m from the camera; the frame; where it stands."""
    frame = cameras.frame_of(dataclasses.replace(camera, focal=focal * camera.focal), world.PRESETS["tiny"])
    stands = cameras.camera_point(camera, 5.0, 0.0)
    buffers = SimpleNamespace(
        seen=frame.seen(points + stands).astype(np.float32), ground=frame.seen(stands).astype(np.float32)
    )
    outfit = SimpleNamespace(faces=faces.astype(np.int32), cut=np.ones(len(points), np.float32), soles=soles)
    return (
        shadow.ground_shadow(buffers, outfit, frame, camera, (0, 0, frame.height, frame.width)),
        frame,
        stands,
    )


def floor_points(frame):
    """Place's coordinates (height, width, 3) of the floor that each pixel sees, and its size in m²."""
    rows, columns = np.mgrid[: frame.height, : frame.width] + 0.5
    slopes = np.stack(
        [(columns - frame.column) / frame.focal, (frame.row - rows) / frame.focal, -np.ones_like(rows)], -1
    )
    rays = slopes @ frame.rotation
    depth = -frame.position[1] / np.where(rays[..., 1] < -1e-3, rays[..., 1], np.nan)
    return frame.position + depth[..., None] * rays, depth**3 / (frame.focal**2 * frame.position[1])


@pytest.mark.parametrize("toward", [(0.6, 1.0, 0.0), (-0.5, 0.7, 0.4), (0.3, 1.2, -0.5)])
def test_a_post_shades_what_it_must(toward):
    camera = camera_with(toward=toward)
    factor, frame, _ = floor_shadow(camera, *post(0.35))  # too high to touch
    steep = toward[1] / np.linalg.norm(toward)
    dark = (1 - factor) / (steep / (steep + 0.5))
    assert dark.max() == pytest.approx(1.0, abs=0.01) and factor.max() == 1.0
    _, area = floor_points(frame)
    x, z = np.abs(toward[0]) / toward[1], np.abs(toward[2]) / toward[1]
    expected = THICK**2 + (TALL - 0.35) * THICK * (x + z)  # of a box, flattened along the light
    assert np.nansum(dark * area) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize(("toward", "ahead"), [((0.0, 0.7, 1.0), True), ((0.0, 0.7, -1.0), False)])
def test_sun_behind_the_camera_throws_the_shadow_away_from_it(toward, ahead):
    factor, frame, stands = floor_shadow(camera_with(toward=toward), *post())
    points, area = floor_points(frame)
    weights = np.where(np.isfinite(area), (1 - factor) * area, 0.0)
    center = (weights[..., None] * np.nan_to_num(points)).sum((0, 1)) / weights.sum() - stands
    assert abs(center[0]) < 0.05 and (center[2] < -0.4 if ahead else center[2] > 0.4)


def test_a_low_sun_throws_no_endless_shadow():
    factor, frame, stands = floor_shadow(camera_with(toward=(1.0, 0.01, 0.0)), *post())
    points, _ = floor_points(frame)
    assert np.nanmin(np.where(factor < 0.999, points[..., 0], np.nan)) > stands[0] - 5.5 * TALL


@pytest.mark.parametrize("outdoor", [True, False])
def test_finer_triangles_change_nothing(outdoor):
    camera = camera_with(toward=(0.5, 1.0, 0.3), outdoor=outdoor)
    coarse, fine = (floor_shadow(camera, *post(rounds=rounds))[0] for rounds in (0, 3))
    assert np.abs(coarse - fine).max() < 0.01


def test_what_is_high_casts_soft_edges_and_lamps_softer_ones():
    def steepest(bottom, outdoor):
        camera = camera_with(toward=(0.1, 1.0, 0.0), outdoor=outdoor)
        return np.abs(np.diff(floor_shadow(camera, *post(bottom), focal=3.0)[0], axis=1)).max()

    assert steepest(1.5, True) < 0.8 * steepest(0.4, True)
    assert steepest(1.5, False) < 0.5 * steepest(1.5, True)


def test_a_shadow_keeps_off_no_more_than_the_light_that_is_there():
    high = post(0.35)
    assert (floor_shadow(camera_with(toward=(0.5, 1, 0), sun=0.0), *high)[0] == 1.0).all()
    umbra = [floor_shadow(camera_with(sun=1.0, sky=sky), *high)[0].min() for sky in (0.25, 1.0)]
    assert np.allclose(umbra, [0.2, 0.5], atol=0.01)
    resting = floor_shadow(camera_with(sun=1.0, sky=1.0), *post())[0].min()  # takes some of the sky's, too
    blurred = erf(THICK / 2 / (2**0.5 * shadow.AROUND)) ** 2  # of a square, in its middle
    assert resting == pytest.approx(0.5 * (1 - blurred * shadow.DARKEST_CONTACT), abs=0.01)


def test_what_is_cut_away_or_beside_the_window_casts_nothing():
    camera, (points, faces) = camera_with(toward=(0.5, 1, 0)), post()
    frame = cameras.frame_of(camera, world.PRESETS["tiny"])
    stands = cameras.camera_point(camera, 5.0, 0.0)
    buffers = SimpleNamespace(seen=frame.seen(points + stands).astype(np.float32), ground=frame.seen(stands))
    outfit = SimpleNamespace(faces=faces.astype(np.int32), cut=np.ones(8, np.float32), soles=())
    whole = shadow.ground_shadow(buffers, outfit, frame, camera, (0, 0, frame.height, frame.width))
    part = shadow.ground_shadow(buffers, outfit, frame, camera, (48, 160, 144, 80))
    assert part.min() < 0.5 and np.abs(part - whole[48:192, 160:240]).max() < 1e-5
    outfit.cut[:] = -0.01
    assert (shadow.ground_shadow(buffers, outfit, frame, camera, (48, 160, 144, 80)) == 1.0).all()


def test_soles_that_touch_the_floor_darken_it_beside_them():
    flat = np.array([(0.05, 0, 0.12), (-0.05, 0, 0.12), (0.05, 0, -0.12), (-0.05, 0, -0.12)], float)
    camera, nothing = camera_with(sun=0.0), np.zeros((0, 3), np.int32)
    sole = (np.arange(4),)
    touching, frame, stands = floor_shadow(camera, flat, nothing, sole)
    away = np.abs(floor_points(frame)[0] - stands)
    beside = (away[..., 0] < 0.064) & (away[..., 2] < 0.12)
    far = (away[..., 0] > 0.12) | (away[..., 2] > 0.25)
    assert touching[beside].max() < 0.8 and touching.min() == pytest.approx(0.2, abs=0.05)
    assert (touching[far] == 1.0).all()
    assert (floor_shadow(camera, flat + [0, soles.TOUCH, 0], nothing, sole)[0] == 1.0).all()


def test_hulls_are_filled_to_a_part_of_a_pixel():
    rows, columns = np.array([1.0, 1.0, 3.5, 3.5, 2.0]), np.array([2.0, 4.5, 2.0, 4.5, 3.0])
    expected = np.zeros((6, 7))
    expected[1:4, 2:5] = np.outer([1, 1, 0.5], [1, 1, 0.5])
    assert np.allclose(soles._fill(rows, columns, 6, 7), expected)


@pytest.mark.parametrize(("deviation", "tilt"), [(0.0, 1.0), (0.8, 1.0), (2.7, 0.4), (6.1, 0.9)])
def test_blur_has_the_spread_it_is_told_and_loses_no_light(deviation, tilt):
    values = np.zeros((61, 81), np.float32)
    values[30, 40] = 1.0
    made = blur.blurred(values, (deviation, tilt * deviation)).astype(float)
    assert made.shape == (61, 81) and made.min() > -1e-6 and made.sum() == pytest.approx(1.0, abs=1e-5)
    across, down = (
        (made.sum(axis) * (np.arange(made.shape[1 - axis]) - middle) ** 2).sum()
        for axis, middle in ((0, 40), (1, 30))
    )
    assert across == pytest.approx(deviation**2, rel=1e-3, abs=1e-5)
    assert down == pytest.approx((tilt * deviation) ** 2, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("beside", [(0.2, 0.1), (-0.25, 0.3)])
def test_the_lamps_shadow_is_where_its_rays_are_stopped(beside):
    camera = camera_with(beside=beside)
    frame = cameras.frame_of(camera, world.PRESETS["tiny"])
    height, width, depth = 120, 100, 4.0
    cover = np.zeros((height, width), np.float32)
    cover[30:100, 40:60] = 1.0
    nearness = np.full((height, width), 1 / 7.0, np.float32)
    nearness[80:] = np.linspace(1 / 7.0, 1 / 3.0, height - 80)[
        :, None
    ]  # a floor that comes before the person
    factor = shadow.lamp_shadow(cover, nearness, depth, camera, frame)
    lamp, expected = np.array([*beside, 0.0]), np.ones((height, width))
    for row in range(height):
        for column in range(width):
            far = 1.0 / nearness[row, column]
            if far <= depth:
                continue
            # the window's upper left pixel is on the optical axis
            point = far * np.array([(column + 0.5) / frame.focal, -(row + 0.5) / frame.focal, -1.0])
            hit = lamp + (depth / far) * (point - lamp)
            c, r = frame.focal * hit[0] / depth, -frame.focal * hit[1] / depth
            expected[row, column] -= shadow.DARKEST_LAMP * ((30 <= r < 100) and (40 <= c < 60))
    edge = sum(np.abs(np.diff(expected, axis=axis)).sum() for axis in (0, 1))
    assert np.abs(factor - expected).sum() < 0.5 * edge and abs((factor - expected).sum()) < 0.08 * edge
    assert expected.min() < 0.2 and (factor[-15:] == 1.0).all()


def test_a_lamp_at_the_lens_throws_no_shadow_that_is_seen():
    cover = np.zeros((50, 40), np.float32)
    cover[10:40, 10:30] = 1.0
    camera = camera_with()
    factor = shadow.lamp_shadow(
        cover, np.zeros((50, 40), np.float32), 5.0, camera, cameras.frame_of(camera, world.PRESETS["tiny"])
    )
    assert np.allclose(factor[12:38, 12:28], 1 - shadow.DARKEST_LAMP) and (factor[:, :9] == 1.0).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_only_the_floor_is_darkened(channels):
    picture = np.full((2, 3, channels + 2), 0.8, np.float32)
    picture[..., channels] = [[0, 0.5, 1], [0, 0.5, 1]]
    factor = np.array([[1, 1, 1], [0.25, 0.25, 0.25]], np.float32)
    made = shadow.cast_on_floor(picture, factor)
    assert made.shape == (2, 3, channels) and made.dtype == np.float32
    assert np.allclose(made, 0.8 * np.array([[1, 1, 1], [1, 0.625, 0.25]])[..., None])
