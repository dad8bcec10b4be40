"""Shading of a person: light by closed forms, folds of cloth, patterns finer than the samples."""

import numpy as np
import pytest

from data_scripts.synthvi import light
from data_scripts.synthvi.image import shading
from data_scripts.synthvi.person import body as bodies
from data_scripts.synthvi.person import cuts, dressing, folds, garments, mannequin, pose, prints
from data_scripts.synthvi.person.limbs import limbs_of
from data_scripts.synthvi.person.materials import Material
from data_scripts.synthvi.person.pieces import Surface
from data_scripts.synthvi.person.rotations import about_x, about_y, about_z, between
from data_scripts.synthvi.person.wardrobe import Pattern, Style

UP, AHEAD, STRAIGHT = (0.0, 1.0, 0.0), np.eye(3, dtype=np.float32), np.zeros(4, np.float32)
SLOPES = (-0.3, 0.4, 0.002)


def floats(**change):
    return Style(*(float(value) for value in Style(**change)))


def lit(
    kind, rest, normal, *, toward=UP, up=UP, sun=0.0, sky=0.0, lamp=0.0, ao=0.0, nearness=0.25, edge=1.0,
    style=None, turn=AHEAD, bends=STRAIGHT, slopes=SLOPES, samples=1, table=None,
):  # fmt: skip
    """Shade a patch: rest positions (h, w, 3), one normal (3,) or (h, w, 3); gives colour and coverage."""
    rest = np.asarray(rest, float)
    height, width = rest.shape[:2]
    carried = np.concatenate([rest, np.full((height, width, 1), edge)], axis=2).astype(np.float32)
    normals = np.ascontiguousarray(np.broadcast_to(normal, (height, width, 3)), dtype=np.float32)
    table = np.linspace(0.2, 0.8, 3 * len(Material)).reshape(-1, 3) if table is None else table
    table = table.astype(np.float32)
    color = np.zeros((height // samples, width // samples, table.shape[1]), np.float32)
    coverage = np.zeros(color.shape[:2], np.float32)
    shading.shade(
        np.full((height, width), kind, np.uint8), carried, normals,
        np.full((height // 2, width // 2), ao, np.float32), np.full((height, width), nearness, np.float32),
        table, floats() if style is None else style, np.array(slopes, np.float32),
        np.array([*toward, *up, sun, sky, lamp], np.float32), turn, bends, samples, folds.relief(), color, coverage,
    )  # fmt: skip
    return color, coverage


def unit(*vector):
    return np.array(vector) / np.linalg.norm(vector)


# --- light --------------------------------------------------------------------------------------------------------

FLAT = np.zeros((4, 6, 3))
SKIN = np.linspace(0.2, 0.8, 3 * len(Material)).reshape(-1, 3)[Material.SKIN]
NORMAL, TILTED, TOWARD = unit(0.3, 0.5, 0.8), unit(0.0, 0.9, 0.3), unit(-0.5, 0.6, 0.4)


def test_sky_alone():
    color, coverage = lit(Surface.HAND, FLAT, NORMAL, up=TILTED, sky=0.9)
    assert np.allclose(color, light.sky_light(0.9, NORMAL @ TILTED) * SKIN, atol=1e-6)
    assert (coverage == 1).all()


def test_sun_alone():
    color, _ = lit(Surface.HAND, FLAT, NORMAL, toward=TOWARD, sun=0.7)
    assert np.allclose(color, 0.7 * (NORMAL @ TOWARD) * SKIN, atol=1e-6) and color.min() > 0.01
    assert not lit(Surface.HAND, FLAT, NORMAL, toward=-TOWARD, sun=0.7)[0].any()


def test_lamp_alone():
    color, _ = lit(Surface.HAND, FLAT, NORMAL, lamp=0.8, nearness=0.2)
    for row in range(4):
        for column in range(6):
            seen = 5.0 * np.array([SLOPES[0] + column * SLOPES[2], SLOPES[1] - row * SLOPES[2], -1.0])
            distance = np.linalg.norm(seen)
            expected = light.lamp_light(0.8, distance, abs(NORMAL @ seen) / distance)
            assert np.allclose(color[row, column], expected * SKIN, rtol=1e-5)
    near = lit(Surface.HAND, FLAT, NORMAL, lamp=0.8, nearness=0.4)[0]
    assert np.allclose(near, 4 * color, rtol=1e-5)


def test_lights_add_up_and_samples_are_averaged():
    lights = {"sun": 0.7, "sky": 0.9, "lamp": 0.8}
    alone = [lit(Surface.HAND, FLAT, NORMAL, toward=TOWARD, **{name: lights[name]})[0] for name in lights]
    whole = lit(Surface.HAND, FLAT, NORMAL, toward=TOWARD, **lights)[0]
    assert np.allclose(sum(alone), whole, atol=1e-6)
    pixels, coverage = lit(Surface.HAND, FLAT, NORMAL, toward=TOWARD, samples=2, **lights)
    assert np.allclose(pixels, whole.reshape(2, 2, 3, 2, 3).mean(axis=(1, 3)), atol=1e-6)
    assert pixels.shape == (2, 3, 3) and (coverage == 1).all()
    assert not lit(Surface.NONE, FLAT, NORMAL, sky=1.0)[1].any()


def test_one_channel_equals_three_equal_ones():
    grey, style = np.linspace(0.1, 0.9, len(Material))[:, None], floats(top_pattern=int(Pattern.RINGS))
    rest = np.stack(np.meshgrid(np.linspace(-0.1, 0.1, 12), np.linspace(0.3, 0.0, 8), [0.1]), -1)[:, :, 0]
    patch = {"style": style, "toward": TOWARD, "sun": 0.5, "sky": 0.6, "lamp": 0.7, "ao": 0.1}
    one, _ = lit(Surface.TOP, rest, NORMAL, table=grey, **patch)
    three, _ = lit(Surface.TOP, rest, NORMAL, table=np.repeat(grey, 3, axis=1), **patch)
    assert one.std() > 0.01 and np.array_equal(np.repeat(one, 3, axis=2), three)


def test_ambient_occlusion_is_on_the_skys_light_only():
    for name, share in (("sky", 0.7), ("sun", 1.0), ("lamp", 1.0)):
        open_, dark = (
            lit(Surface.HAND, FLAT, NORMAL, toward=TOWARD, ao=ao, **{name: 0.8})[0] for ao in (0, 0.2)
        )
        assert np.allclose(dark, share * open_, rtol=1e-6) and open_.min() > 0


def test_seams_are_darker_in_any_light_and_insides_are_turned_round():
    for name in ("sky", "sun", "lamp"):
        plain, seam, stitch = (
            lit(Surface.HAT, FLAT, NORMAL, toward=TOWARD, edge=edge, **{name: 0.8})[0]
            for edge in (0.02, 0.004, 0.009)
        )
        assert np.allclose(seam, 0.9 * plain, rtol=1e-5) and np.allclose(stitch, 0.8 * plain, rtol=1e-5)
        inside = lit(Surface.HAT, FLAT, -NORMAL, toward=TOWARD, **{name: 0.8})[0]
        assert np.array_equal(inside, lit(Surface.HAT, FLAT, NORMAL, toward=TOWARD, **{name: 0.8})[0])


# --- folds --------------------------------------------------------------------------------------------------------


def gradients(kind, places, bends=STRAIGHT, fine=0.005, **style):
    """Slopes of folds (n, 3) at rest positions (n, 3)."""
    worn = floats(**style)
    state = folds.fold_state(worn, np.asarray(bends, np.float32))
    made = [folds.fold_slopes(int(kind), *place, worn, state, folds.relief(), fine) for place in places]
    return np.array(made)[:, :3]


def on_arm(shares, front, side=1.0):
    """Rest positions (n, 3) on an arm: at shares of its length, metres before its axis."""
    out, across = (
        np.array([cuts.OUT_X, cuts.OUT_Y, cuts.OUT_Z]),
        np.array([cuts.ACROSS_X, cuts.ACROSS_Y, cuts.ACROSS_Z]),
    )
    bow = np.interp(shares, [0.0, folds.ELBOW, 1.0], [0.0, 1.0, 0.0])[:, None]
    line = mannequin.SHOULDER + np.asarray(shares)[:, None] * (mannequin.WRIST - mannequin.SHOULDER)
    points = line + bow * (folds.ELBOW_OUT * out - folds.ELBOW_BACK * across) + front * across
    return points * [side, 1.0, 1.0]


ELBOW = np.linspace(folds.ELBOW - 0.12, folds.ELBOW + 0.12, 60)


def test_arms_fold_where_they_are_bent():
    loose = {"top_volume": 0.025, "sleeve": 0.95}
    steep = {
        (side, bend, front): np.linalg.norm(
            gradients(Surface.SLEEVE, on_arm(ELBOW, front, side), [bend, 0, 0, 0], **loose), axis=1
        ).mean()
        for side in (1.0, -1.0) for bend in (0.0, 0.6, 1.4) for front in (0.04, -0.04)
    }  # fmt: skip
    assert steep[1.0, 0.0, 0.04] < 0.06 and steep[1.0, 1.4, 0.04] > 4 * steep[1.0, 0.0, 0.04]
    assert steep[1.0, 0.0, 0.04] < steep[1.0, 0.6, 0.04] < steep[1.0, 1.4, 0.04]
    assert steep[1.0, 1.4, -0.04] < 0.5 * steep[1.0, 1.4, 0.04]  # the outside of the elbow is taut
    assert steep[-1.0, 1.4, 0.04] == steep[-1.0, 0.0, 0.04]  # the other elbow is not bent


def test_legs_fold_behind_a_bent_knee_across_the_limb_and_hardly_on_the_thigh():
    behind = [(0.167, y, -0.05) for y in np.linspace(-0.45, -0.29, 60)]
    thigh = [(0.14, y, 0.09) for y in np.linspace(-0.25, -0.17, 60)]
    loose = {"bottom_volume": 0.02}
    straight, bent, right = (
        gradients(Surface.BOTTOM, behind, bends, **loose) for bends in (STRAIGHT, [0, 0, 1, 0], [0, 0, 0, 1])
    )
    assert np.abs(straight).max() < 0.25 and bent.std() > 4 * straight.std()
    assert bent[:, 1].std() > 3 * bent[:, 2].std()  # up and down, not around
    assert np.array_equal(right, straight)
    quiet = gradients(Surface.BOTTOM, thigh, [0, 0, 1, 0], **loose)
    assert np.abs(quiet).std() < 0.25 * bent.std()


def test_coats_and_skirts_hang_in_plumb_folds():
    for surface, style in ((Surface.SKIRT, {"skirt": 1}), (Surface.COAT, {"coat": 1, "coat_volume": 0.03})):
        around = [(0.2 * np.sin(a), -0.2, 0.02 + 0.2 * np.cos(a)) for a in np.linspace(0, 6.28, 200)]
        made = gradients(surface, around, **style)
        assert np.hypot(made[:, 0], made[:, 2]).mean() > 4 * np.abs(made[:, 1]).mean()
        assert np.hypot(made[:, 0], made[:, 2]).mean() > 0.05
        higher = gradients(surface, np.array(around) + [0.0, 0.02, 0.0], **style)
        assert np.corrcoef(made[:, 0], higher[:, 0])[0, 1] > 0.8  # and run on


@pytest.mark.parametrize("surface", [Surface.BOTTOM, Surface.SKIRT, Surface.COAT, Surface.SLEEVE])
def test_folds_have_no_edge_where_the_way_round_a_limb_begins(surface):
    step = np.array([0.0, 0.0, 1e-5])
    if surface == Surface.BOTTOM:
        places = np.array([(0.1, y, 0.02) for y in np.linspace(-0.7, -0.3, 40)])  # inside of the left leg
    elif surface == Surface.SLEEVE:
        across = np.array([cuts.ACROSS_X, cuts.ACROSS_Y, cuts.ACROSS_Z])
        out = np.array([cuts.OUT_X, cuts.OUT_Y, cuts.OUT_Z])
        places, step = on_arm(np.linspace(0.5, 0.9, 40), 0.0) - 0.04 * out, 1e-5 * across
    else:
        places = np.array([(-0.2, y, 0.02) for y in np.linspace(-0.3, 0.2, 40)])
    before, behind = gradients(surface, places + step), gradients(surface, places - step)
    assert before.std() > 1e-3 and np.abs(before - behind).max() < 0.01


def test_another_phase_gives_other_folds_and_the_same_phase_the_same():
    places = [(0.1, y, 0.1) for y in np.linspace(-0.8, 0.1, 300)]
    first, again, other = (
        gradients(Surface.BOTTOM, places, [0, 0, 1, 1], fold_phase=phase)[:, 1] for phase in (1.0, 1.0, 1.3)
    )
    assert np.array_equal(first, again) and first.std() > 0.02
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.5
    right = gradients(Surface.BOTTOM, np.array(places) * [-1, 1, 1], [0, 0, 1, 1], fold_phase=1.0)[:, 1]
    assert abs(np.corrcoef(first, right)[0, 1]) < 0.5  # nor do the legs mirror each other


def test_the_two_shifts_of_the_relief_are_independent():
    shifts = np.array(
        [folds.fold_state(floats(fold_phase=phase), STRAIGHT)[:2] for phase in np.linspace(0, 8.6, 500)]
    )
    cells = np.unique(np.floor(shifts % folds.TILE / folds.TILE * 6), axis=0)
    assert len(cells) == 36  # every pair comes up


def test_the_same_ridges_from_front_side_and_back():
    rest = np.stack(np.meshgrid([0.23], np.linspace(-0.30, -0.46, 48), np.linspace(-0.04, 0.08, 12)), -1)[
        :, 0
    ]
    sunward, normal, pictures = unit(0.6, 0.3, 0.5), np.array([1.0, 0.0, 0.0]), []
    for heading in (0.0, -90.0, 180.0):  # front, the left side, back
        turn = about_x(0.2) @ about_y(np.deg2rad(heading))
        pictures.append(
            lit(
                Surface.BOTTOM, rest, turn @ normal, toward=turn @ sunward, up=turn @ UP, sun=0.8, sky=0.5,
                turn=turn.astype(np.float32), bends=np.array([0, 0, 1, 1], np.float32), slopes=(0.0, 0.0, 1e-3),
            )[0]
        )  # fmt: skip
    assert pictures[0].std() > 0.02
    for picture in pictures[1:]:
        assert np.allclose(picture, pictures[0], atol=1e-5)


def test_seams_of_quilted_coats_are_dark():
    quilted, plain = {"coat": 1, "quilt": 0.015}, {"coat": 1}

    def left(surface, y, fine=0.005, **style):
        worn = floats(**style)
        return folds.fold_slopes(
            int(surface), 0.1, y, 0.1, worn, folds.fold_state(worn, STRAIGHT), folds.relief(), fine
        )[3]

    shares = np.array([left(Surface.COAT, y, **quilted) for y in np.arange(0.0, 0.34, garments.CHAMBER / 20)])
    assert shares.min() < 0.65 and (shares > 0.9).mean() > 0.6
    assert np.abs(shares[20:] - shares[:-20]).max() < 1e-6  # again in every chamber
    assert left(Surface.COAT, 0.0, **plain) == left(Surface.TOP, 0.0, **quilted) == 1.0
    assert left(Surface.COAT, 0.0, fine=0.06, **quilted) == 1.0  # too far away to see them


def test_limb_bends_are_the_angles_between_upper_and_lower_limb():
    body = bodies.load_body()
    upper, lower, along = body.hinges
    rotations = pose.rest_rotations(body)
    for k in range(4):
        rotations[lower[k]] = between(along[1, k, :, 0], along[0, k, :, 0])
    assert np.abs(pose.limb_bends(rotations, body)).max() < 2e-3
    angles = np.array([0.4, 1.9, 0.0, 1.1])
    for k in range(4):
        hinge = between(np.array([0.0, 0.0, 1.0]), np.cross(along[0, k, :, 0], [0.3, 0.2, 0.9]))
        bend = hinge @ about_z(angles[k]) @ hinge.T
        rotations[lower[k]] = bend @ between(along[1, k, :, 0], along[0, k, :, 0])
    assert np.allclose(pose.limb_bends(rotations, body), angles, atol=2e-3)
    assert pose.limb_bends(rotations, body).dtype == np.float32


def test_a_walk_bends_one_knee_more_than_the_other():
    body = bodies.load_body()
    limbs = limbs_of(body, body.joints, 0.19)
    moment = pose.Pose(5.9, 0.45, 0.4, 0.5, 0.1, 0.05, 0.0, 0.0)
    bends = pose.limb_bends(pose.stride(limbs, moment), body)
    for knee, sign in zip(bends[2:], (1.0, -1.0), strict=True):
        assert knee == pytest.approx(pose._leg_angles(moment, sign)[1], abs=0.05)
    assert bends[2] > bends[3] + 0.3 and bends.min() >= 0


# --- patterns -----------------------------------------------------------------------------------------------------


def test_contrast_goes_where_samples_miss_a_pattern():
    shares = [folds.clear(0.06, fine) for fine in (0.005, 0.012, 0.016, 0.024, 0.3)]
    assert shares[:2] == [1.0, 1.0] and 0 < shares[2] < 1 and shares[3:] == [0.0, 0.0]


@pytest.mark.parametrize("pattern", [Pattern.RINGS, Pattern.STRIPES, Pattern.CHECKS])
def test_a_pattern_finer_than_the_samples_is_its_mean_colour(pattern):
    style = floats(top_pattern=int(pattern), top_period=0.05)
    rest = np.stack(np.meshgrid(np.linspace(-0.1, 0.1, 30), np.linspace(0.3, 0.0, 44), [0.1]), -1)[:, :, 0]
    table = np.full((len(Material), 3), 0.5)
    table[Material.TOP], table[Material.TOP_SECOND] = (0.8, 0.4, 0.1), (0.1, 0.4, 0.7)
    flat = {"style": style, "table": table, "sky": 1.0, "up": (0.0, 0.0, 0.0)}  # alike for all normals
    far, _ = lit(Surface.TOP, rest, NORMAL, nearness=0.02, **flat)  # samples of 10 cm
    mean = light.sky_light(1.0, 0.0) * (table[Material.TOP] + table[Material.TOP_SECOND]) / 2
    assert np.allclose(far, mean, rtol=0.02)
    near, _ = lit(Surface.TOP, rest, NORMAL, nearness=0.5, **flat)  # 4 mm
    reds = np.unique(np.round(near[..., 0] / light.sky_light(1.0, 0.0), 4))
    assert np.allclose(reds, [0.1, 0.8]) and np.allclose(near.mean(axis=(0, 1)), mean, rtol=0.15)


def test_striped_scarves_and_prints_too():
    striped = floats(scarf=2)
    shares = {
        fine: {round(dressing.material_at(int(Surface.SCARF), 0.0, y, 0.1, striped, fine)[2], 3) for y in np.arange(0.4, 0.6, 0.01)}
        for fine in (0.005, 0.2)
    }  # fmt: skip
    assert shares == {0.005: {0.0, 1.0}, 0.2: {0.5}}
    soft = [
        sum(0 < prints.ink_at(0, x, 0.0, 0.1, 0.1, fine)[1] < 1 for x in np.linspace(0.0, 0.099, 200))
        for fine in (0.002, 0.03)
    ]
    assert soft[1] > 2 * soft[0] > 0
