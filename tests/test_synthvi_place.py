"""Places of SynthVI: solids, light and textures in closed form, frames of cameras, obstacles in windows of frames."""

import dataclasses

import numpy as np
import pytest

from data_scripts.synthvi.light import Light, lamp_light, sky_light
from data_scripts.synthvi.place import cameras, cells, obstacles, props, scenes, solids, textures, tracing
from data_scripts.synthvi.seeds import Draws
from data_scripts.synthvi.world import PRESETS, WORLDS, World

WORLD = World()
SMALL = dataclasses.replace(PRESETS["tiny"], height=32, width=16)
SKY = Light((0.0, 1.0, 0.0), 0.0, 0.8, 0.0, (0.0, 0.0))
LAMP = Light((0.0, 1.0, 0.0), 0.0, 0.0, 1.5, (0.0, 0.0))
NO_FLOOR = (-1.0, -1.0, -1.0)


# --- solids and cells ---------------------------------------------------------------------------------------------


def test_rays_meet_solids_where_geometry_says():
    eye, ahead = (0.0, 1.0, 5.0), (0.0, 0.0, -1.0)
    box = np.array([solids.Solid.BOX, -1, 0, -2, 1, 2, -1, 0.0])
    assert solids.meet(box, *eye, *ahead) == pytest.approx(6.0)
    assert solids.meet(box, *eye, 0.0, 1.0, 0.0) == solids.FAR
    round_ = np.array([solids.Solid.CYLINDER, 0.3, 0.0, 0.5, 0.0, 2.0, 0, 0])
    assert solids.meet(round_, *eye, *ahead) == pytest.approx(5.0 - 0.4)  # 0.3² + 0.4² = 0.5²
    assert solids.meet(round_, 0.3, 5.0, 0.0, 0.0, -1.0, 0.0) == pytest.approx(3.0)  # its lid
    assert solids.surface(box, 0.2, 2.0, -1.5)[:3] == (0.0, 1.0, 0.0)
    assert solids.surface(round_, 0.3, 1.0, 0.5)[:3] == pytest.approx((0.0, 0.0, 1.0))


def test_bounds_of_every_solid():
    rows = np.array(
        [
            [solids.Solid.BOX, -1, 0, -2, 1, 2, -1, 0],
            [solids.Solid.CYLINDER, 0.3, 4.0, 0.5, 0.1, 2.0, 0, 0],
            [solids.Solid.BUSH, 1, 2, 3, 0.5, 0.6, 0.7, 0],
        ],
        dtype=float,
    )
    low, high = solids.bounds(rows)
    assert np.allclose(low, [[-1, 0, -2], [-0.2, 0.1, 3.5], [0.5, 1.4, 2.3]])
    assert np.allclose(high, [[1, 2, -1], [0.8, 2.0, 4.5], [1.5, 2.6, 3.7]])
    eight = solids.corners(rows)
    assert eight.shape == (3, 8, 3) and len(np.unique(eight[0], axis=0)) == 8
    assert np.allclose(eight.min(1), low) and np.allclose(eight.max(1), high)


def test_cells_hold_what_overlaps_them():
    rng = np.random.default_rng(0)
    low = rng.uniform(-3, 12, (40, 2))
    rectangles = np.concatenate([low, low + rng.uniform(0, 3, (40, 2))], axis=1)
    rectangles[7] = cells.NOWHERE
    made = cells.sort_into_cells(rectangles, 2.0, np.zeros(2), np.array([9.0, 5.0]))
    assert (made.rows, made.columns) == (5, 3)
    for i in range(5):
        for j in range(3):
            n = i * 3 + j
            inside = (rectangles[:, :2] < [2 * i + 2, 2 * j + 2]).all(1)
            inside &= (rectangles[:, 2:] >= [2 * i, 2 * j]).all(1)
            inside[7] = False
            assert (
                made.members[made.starts[n] : made.starts[n + 1]].tolist() == np.flatnonzero(inside).tolist()
            )


# --- light --------------------------------------------------------------------------------------------------------


def plain(builder, value):
    """A material without texture."""
    return builder.material(np.full(3, value), strength=0.0, nir=value)


def new_builder():
    """A builder of plain materials."""
    return props.Builder(np.random.default_rng(0), 0.0, 1.0)


def take(
    builder,
    light,
    *,
    infrared=False,
    grounds=NO_FLOOR,
    shadows=False,
    pitch=0.0,
    size=9,
    samples=1,
    pools=0.0,
):
    """Picture (size, size, c + 2) from 1 m above the origin towards −z, ``pitch`` radians down."""
    c, s = np.cos(pitch), np.sin(pitch)
    rotation = np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])
    frame = cameras.Frame(size, size, float(size), size / 2, size / 2, rotation, np.array([0.0, 1.0, 0.0]))
    scene = tracing.arrange(
        *builder.arrays(), grounds, light, infrared=infrared, shadows=shadows, pools=pools
    )
    return tracing.trace(scene, frame, samples)


def wall(z, value=0.5):
    """A builder with a wall whose front is at −z."""
    builder = new_builder()
    builder.box((-99, 99), (-99, 99), (-z - 1, -z), plain(builder, value))
    return builder


def test_a_grey_wall_is_as_bright_as_the_sky_makes_it():
    seen = take(wall(4.0), SKY)
    assert seen[..., :3] == pytest.approx(sky_light(0.8, 0.0) * 0.5**2.2, rel=1e-5)
    assert seen[..., 4] == pytest.approx(1 / 4.0, rel=1e-5)  # depth along the axis, not along the ray
    assert (seen[..., 3] == 1).all()


@pytest.mark.parametrize("z", [2.0, 5.5, 11.0])
def test_the_lamp_falls_off_with_the_square_of_the_way(z):
    seen = take(wall(z), LAMP, infrared=True)
    slopes = (np.arange(9) - 4) / 9.0
    length = np.sqrt(1 + slopes[:, None] ** 2 + slopes**2)
    expected = 0.5**2.2 * np.vectorize(lamp_light)(1.5, z * length, 1 / length)
    assert seen[..., 0] == pytest.approx(expected, rel=1e-4)
    assert seen[4, 4, 0] == pytest.approx(1.5 * (5.5 / z) ** 2 * 0.5**2.2, rel=1e-5)


def test_the_sun_lights_by_its_angle_and_nothing_from_behind():
    toward = (0.6, 0.0, 0.8)
    sky = sky_light(0.3, 0.0) * 0.5**2.2
    lit = take(wall(4.0), Light(toward, 0.9, 0.3, 0.0, (0.0, 0.0)), shadows=True)
    assert lit[4, 4, :3] == pytest.approx(sky + 0.9 * 0.8 * 0.5**2.2, rel=1e-5)
    behind = take(wall(4.0), Light((0.6, 0.0, -0.8), 0.9, 0.3, 0.0, (0.0, 0.0)), shadows=True)
    assert behind[4, 4, :3] == pytest.approx(sky, rel=1e-5)


def test_nothing_reflects_more_than_it_can():
    seen = take(wall(5.5, 1.0), LAMP, infrared=True)
    assert seen[4, 4, 0] == pytest.approx(1.5 * tracing.BRIGHTEST, rel=1e-5)


def test_nearness_of_the_floor():
    builder = new_builder()
    ground = float(plain(builder, 0.6))
    seen = take(builder, SKY, grounds=(ground, ground, -99.0))
    slopes = (4 - np.arange(9)) / 9.0
    assert seen[5:, :, 4] == pytest.approx(np.repeat(-slopes[5:, None], 9, 1), rel=1e-5)  # 1 m / slope away
    assert (seen[5:, :, 3] == 1).all() and (seen[:4, :, 3:] == 0).all()
    assert seen[5:, :, :3] == pytest.approx(0.8 * 0.6**2.2, rel=1e-5)


def test_a_box_throws_its_shadow_where_geometry_says():
    builder = new_builder()
    ground = float(plain(builder, 0.6))
    builder.box((1.0, 1.2), (0.0, 1.5), (-3.2, -2.8), int(ground))
    light = Light((0.8, 0.6, 0.0), 1.0, 0.3, 0.0, (0.0, 0.0))
    args = {"grounds": (ground, ground, -99.0), "pitch": 0.5, "size": 63}
    lit, dark = (take(builder, light, shadows=flag, **args) for flag in (False, True))
    rows, columns = np.nonzero((lit[..., 3] == 1) & (lit[..., 4] > 0.1))
    c, s = np.cos(0.5), np.sin(0.5)
    up, side = (31 - rows) / 63, (columns - 31) / 63
    depth = 1 / (s * 1 - c * up)  # where the ray has come down by 1 m
    x, z = side * depth, -(c + s * up) * depth
    # the light comes down by 0.6 on 0.8 to the left: the 1.5 m high box reaches 2 m far
    inside = (np.abs(z + 3) < 0.2) & (x > 1.0 - 2.0) & (x < 1.0)
    edge = (np.abs(np.abs(z + 3) - 0.2) < 0.02) | (np.abs(x + 1.0) < 0.02) | (np.abs(x - 1.0) < 0.03)
    share = dark[rows, columns, 0] / lit[rows, columns, 0]
    assert (inside & ~edge).sum() > 60
    assert (share[~inside & ~edge] == 1).all() and (share[inside & ~edge] < 0.6).all()


def test_the_floor_darkens_beside_a_box_under_the_sky_but_not_under_a_lamp():
    seen = {}
    for infrared, light in ((False, SKY), (True, LAMP)):
        builder = new_builder()
        ground = float(plain(builder, 0.6))
        args = {"grounds": (ground, ground, -99.0), "infrared": infrared}
        empty = take(builder, light, **args)[8, :, 0]
        builder.box((-0.2, 0.2), (0, 1), (-4, -2.2), int(ground))
        seen[infrared] = take(builder, light, **args)[8, :, 0] / empty  # 2.25 m away, beside the box
    assert seen[False][0] > 0.95 and seen[False][2] < seen[False][1] < seen[False][0]
    assert seen[True][:3] == pytest.approx(1.0, abs=1e-6)


def test_a_skirting_darkens_the_wall_less_than_a_cupboard():
    kept = []
    for thick in (0.02, 0.6):
        builder = wall(4.0)
        builder.box((-9, 9), (-9, 0.7), (-4.5, -4 + thick), plain(builder, 0.5))
        kept.append(take(builder, SKY)[4, 4, 0] / take(wall(4.0), SKY)[4, 4, 0])
    assert 0.6 < kept[1] < kept[0] < 1.0 and kept[0] > 0.98


def test_pools_of_light_have_mean_one():
    x, z = np.meshgrid(np.arange(-12, 12, 0.25), np.arange(-4, 15, 0.25))
    pools = np.array([tracing.pool(a, 0.0, b) for a, b in zip(x.ravel(), z.ravel(), strict=True)])
    assert abs(pools.mean()) < 0.03 and np.abs(pools).max() <= 0.5 and pools.std() > 0.1


# --- textures -----------------------------------------------------------------------------------------------------


def test_noise_is_smooth_and_meets_its_grid():
    assert textures.noise(3.0, 5.0, 7.0) == pytest.approx(textures.scatter(3, 5, 7))
    assert textures.noise2(-3.0, 5.0, 7) == pytest.approx(textures.scatter(-3, 5, 7))
    line = np.array([textures.noise2(x, 0.3, 1) for x in np.arange(-5, 5, 0.01)])
    assert 0 <= line.min() and line.max() <= 1 and line.std() > 0.1 and np.abs(np.diff(line)).max() < 0.03
    values = np.array([textures.scatter(i, j, 0) for i in range(60) for j in range(60)])
    assert abs(values.mean() - 0.5) < 0.02 and abs(values.std() - 12**-0.5) < 0.02


@pytest.mark.parametrize("kind", [kind for kind in textures.Texture if kind != textures.Texture.GLASS])
def test_a_texture_fades_to_its_mean(kind):
    """Far away one sample is as bright as many samples are near by, and neighbours are alike."""
    rng = np.random.default_rng(int(kind))
    points = rng.uniform(0, 40, (6000, 2))

    def look(size):
        """Reflectance of a surface of 0.6 and 0.3."""
        made = [textures.paint(int(kind), u, v, size, size, 0.3, 0.3, 0.25, 3) for u, v in points]
        mix, bright = np.array(made).T
        return bright * (0.6 - 0.3 * mix)

    near, far = look(1e-4), look(2.0)
    assert far.mean() == pytest.approx(near.mean(), rel=0.06)
    assert far.std() < 0.01 * far.mean() < near.std()


def test_a_line_covers_its_share_of_a_sample():
    for distance, half, sample, share in (
        (0.0, 0.1, 0.1, 1.0),
        (0.0, 0.1, 0.4, 0.5),
        (0.3, 0.1, 0.4, 0.0),
        (0.2, 0.1, 0.4, 0.25),
    ):
        assert textures._band(distance, half, sample) == pytest.approx(share)


# --- places -------------------------------------------------------------------------------------------------------


def test_plain_world_has_empty_grey_places():
    made = dataclasses.replace(WORLD, background_contrast=0.0)
    assert len(scenes.draw_place(1, 0, made).solids) < 10 < len(scenes.draw_place(1, 0, WORLD).solids)
    camera = cameras.draw_cameras(0, made)[1]
    frame = cameras.frame_of(camera, SMALL)
    flat, rich = (
        scenes.trace_frame(camera, frame, scenes.draw_place(1, 0, world), world) for world in (made, WORLD)
    )
    assert np.ptp(flat[..., :3], axis=-1).max() < 1e-6
    edges = [np.abs(np.diff(np.log(picture[..., 0]), axis=1)).mean() for picture in (flat, rich)]
    assert edges[0] < 0.3 * edges[1]


@pytest.mark.parametrize("name", WORLDS)
def test_frames_of_all_cameras(name):
    world = WORLDS[name]
    for number, camera in cameras.draw_cameras(0, world).items():
        frame = cameras.frame_of(camera, SMALL)
        place = scenes.draw_place(camera.place, 0, world)
        seen = scenes.trace_frame(camera, frame, place, world)
        channels = 1 if camera.infrared else 3
        assert seen.shape == (frame.height, frame.width, channels + 2) and seen.dtype == np.float32
        assert np.isfinite(seen).all() and seen[..., :channels].min() > 0.0
        assert 0.3 < seen[..., channels].mean() < 0.99  # floor and something else
        nothing = seen[..., channels + 1] == 0
        assert not nothing.any() or camera.outdoor, number  # rooms are closed


@pytest.mark.parametrize("name", WORLDS)
def test_people_walk_on_free_floor(name):
    world = WORLDS[name]
    for seed in range(3):
        for camera in cameras.draw_cameras(seed, world).values():
            place = scenes.draw_place(camera.place, seed, world)
            low, high = solids.bounds(place.solids)
            ways = np.linspace(camera.nearest, camera.farthest, 9)
            asides = np.linspace(-cameras.ASIDE, cameras.ASIDE, 9)
            points = np.array(
                [cameras.camera_point(camera, way, aside, 0.1) for way in ways for aside in asides]
            )
            inside = (points[:, None] > low - [0.7, 0, 0.7]) & (points[:, None] < high + [0.7, 0, 0.7])
            assert not inside.all(-1).any()


def test_the_floor_that_people_stand_on_is_seen():
    world = dataclasses.replace(WORLD, background_contrast=0.0)
    for camera in cameras.draw_cameras(3, world).values():
        frame = cameras.frame_of(camera, SMALL)
        seen = scenes.trace_frame(camera, frame, scenes.draw_place(camera.place, 3, world), world)
        for way in (camera.nearest, camera.farthest):
            point = frame.seen(cameras.camera_point(camera, way, 0.3))
            column, row = frame.pixels(point).astype(int)
            assert seen[row, column, -2] == 1.0
            assert 1 / seen[row, column, -1] == pytest.approx(-point[2], rel=0.06)


@pytest.mark.parametrize("number", [1, 4])
def test_a_frame_is_the_same_whatever_its_cells(monkeypatch, number):
    world = WORLDS["c"]
    camera = cameras.draw_cameras(0, world)[number]
    frame, place = cameras.frame_of(camera, SMALL), scenes.draw_place(number, 0, world)
    few = scenes.trace_frame(camera, frame, place, world)
    part = frame._replace(height=16, width=32, row=frame.row - 16, column=frame.column - 48)
    cut = scenes.trace_frame(camera, part, place, world)
    sort = cells.sort_into_cells

    def every(rectangles, *args):
        """Cells that hold all solids each."""
        return sort(np.tile(cells.EVERYWHERE, (len(rectangles), 1)), *args)

    monkeypatch.setattr(tracing, "sort_into_cells", every)
    assert scenes.trace_frame(camera, frame, place, world).tobytes() == few.tobytes()
    assert cut == pytest.approx(few[16:32, 48:80], abs=1e-6)


def test_a_house_takes_the_sun_from_whoever_walks_behind_it():
    builder = new_builder()
    builder.box((-9, 9), (0, 3), (-1, 0), plain(builder, 0.5))
    place = scenes.Place(*builder.arrays(), NO_FLOOR, outdoor=True)
    sun = Light((0.0, 0.6, -0.8), 1.0, 0.5, 0.0, (0.0, 0.0))
    camera = dataclasses.replace(cameras.draw_cameras(0, WORLD)[1], light=sun)
    shares = [scenes.sun_share(camera, place, np.array([0.0, 0.0, z])) for z in (0.5, 3.0, 4.1)]
    assert shares == [
        0.0,
        0.6,
        1.0,
    ]  # 3 m behind, whoever is 0.9 m above the floor sees the sun: 3 − 3 · 0.6 / 0.8 = 0.75
    assert scenes.sun_share(camera, dataclasses.replace(place, outdoor=False), np.zeros(3)) == 1.0


def test_what_lies_on_the_floor_is_floor():
    builder = new_builder()
    ground = float(plain(builder, 0.6))
    args = {"grounds": (ground, ground, -99.0)}
    empty = take(builder, SKY, **args)
    builder.box((-0.5, 0.5), (0, tracing.FLAT), (-3, -2), plain(builder, 0.3))
    marked = take(builder, SKY, **args)
    assert np.array_equal(marked[..., 3], empty[..., 3])
    assert marked[8, 4, 0] == pytest.approx(0.8 * 0.3**2.2, rel=1e-5)
    assert np.array_equal(marked[8, 0], empty[8, 0])  # darkens nothing beside it


def test_furniture_stands_behind_the_line():
    """However crowded: what stands on the floor ends before z = −0.8, but for the ends of rooms."""
    world = dataclasses.replace(WORLD, background_contrast=2.0)
    fronts = []
    for seed in range(8):
        for number in range(1, 7):
            low, high = solids.bounds(scenes.draw_place(number, seed, world).solids)
            standing = (low[:, 1] < 1.0) & (high[:, 1] > tracing.FLAT)
            inside = np.abs(low[:, 0] + high[:, 0]) < 2 * (scenes.REACH - 1)
            fronts.append(high[standing & inside, 2].max())
    assert -0.81 < max(fronts) <= -scenes.FREE + 1e-9


# --- obstacles ----------------------------------------------------------------------------------------------------


def occlude(number, kind, reach=0.5, side=1, seed=0, window=None, way=5.0):
    """An obstacle before somebody ``way`` metres from a camera; frame, window, the layer and the person's columns and rows."""
    camera = cameras.draw_cameras(0, WORLD)[number]
    frame = cameras.frame_of(camera, PRESETS["tiny"])
    ground = cameras.camera_point(camera, way, 0.1)
    feet, head = frame.pixels(frame.seen(ground + np.array([[0, 0, 0], [0, 1.7, 0.0]])))
    window = window or (0, 0, frame.height, frame.width)
    draws = Draws(seed, "capture", number)
    layer = obstacles.trace_obstacle(draws, camera, frame, ground, kind, reach, side, WORLD, window)
    return layer, feet, head


@pytest.mark.parametrize("kind", obstacles.OBSTACLES)
@pytest.mark.parametrize("number", [1, 6])
def test_every_obstacle_hides_a_part_of_the_person(kind, number):
    for seed in range(4):
        layer, feet, head = occlude(number, kind, seed=seed)
        assert layer.color.shape == (*layer.cover.shape, 1 if number == 6 else 3)
        assert layer.cover.min() == 0 and layer.cover.max() == pytest.approx(1)
        assert (layer.color[layer.cover == 0] == 0).all() and (layer.color[layer.cover > 0] > 0).all()
        tall = feet[1] - head[1]
        rows, columns = np.mgrid[: layer.cover.shape[0], : layer.cover.shape[1]]
        person = (np.abs(columns - feet[0]) < 0.15 * tall) & (rows < feet[1]) & (rows > head[1])
        assert 0.03 < layer.cover[person].mean() < 0.8
        if kind != "pole":  # heads stay free
            assert layer.cover[person & (rows < head[1] + 0.15 * tall)].mean() < 0.1


def test_the_top_of_a_box_hides_up_to_the_thighs():
    for seed in range(6):
        layer, feet, head = occlude(1, "box", reach=1.0, seed=seed)
        column = layer.cover[:, int(feet[0])]
        hidden = 1.7 * (feet[1] - np.flatnonzero(column > 0.5)[0]) / (feet[1] - head[1])
        assert 0.25 < hidden < 0.9


@pytest.mark.parametrize("kind", ["box", "sign"])
def test_an_obstacle_reaches_in_from_its_side(kind):
    middles = []
    for side, reach in ((-1, 0.1), (1, 0.1), (1, 0.9)):
        layer, feet, _ = occlude(4, kind, reach=reach, side=side)
        middles.append((layer.cover * np.arange(layer.cover.shape[1])).sum() / layer.cover.sum() - feet[0])
    assert middles[0] < 0 < middles[2] < middles[1]


def test_a_window_shows_its_part_of_the_obstacle():
    whole, feet, _ = occlude(4, "plant")
    top, left = int(feet[1]) - 60, int(feet[0]) - 20
    part, _, _ = occlude(4, "plant", window=(top, left, 48, 40))
    assert part.cover.shape == (48, 40) and part.cover.any()
    assert part.cover == pytest.approx(whole.cover[top : top + 48, left : left + 40], abs=1e-6)
    assert part.color == pytest.approx(whole.color[top : top + 48, left : left + 40], abs=1e-5)


def test_obstacles_are_drawn_anew_for_every_image():
    first, again, other = (occlude(1, "box", seed=seed)[0] for seed in (0, 0, 1))
    assert first.color.tobytes() == again.color.tobytes() and not np.array_equal(first.cover, other.cover)
