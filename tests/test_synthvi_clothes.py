"""Clothes of the renderer: bags and straps, collars and hoods, cut; what each cue changes, and that without it nothing changes."""

import dataclasses

import numpy as np
import pytest

from data_scripts.synthvi import annotations, captures, flaws, render, seeds, world
from data_scripts.synthvi.person import bags, collars, mannequin, outfit, pieces, straps, wardrobe

Bag, Surface = wardrobe.Bag, pieces.Surface


@pytest.fixture(scope="module")
def studio():
    return render.Studio(4, world.World(), world.PRESETS["sysu-shaped"])


def person_of(studio, **style):
    """An average person with the default style but for some fields."""
    person = studio.person(1)
    return dataclasses.replace(person, style=wardrobe.Style(**style))


def labels(studio, heading=0.0, **style):
    """What a picture shows of them, (h, w) Surface, and its buffers."""
    person = person_of(studio, **style)
    moment = studio.capture(1, 1, 0, person).pose
    made = outfit.dress(studio.body, person)
    buffers = studio.figure(person, made, 1, captures.Stand(heading, 5.5, 0.0, moment)).buffers
    picture = np.zeros((2 * studio.frames[1].height, 2 * studio.frames[1].width), np.uint8)
    row, column = (2 * place for place in buffers.corner)
    height, width = buffers.surface.shape
    picture[row : row + height, column : column + width] = buffers.surface
    return picture, buffers


def shown(studio, surface, heading=0.0, **style):
    """Samples of one surface."""
    return int((labels(studio, heading, **style)[0] == surface).sum())


# --- straps -------------------------------------------------------------------------------------------------------


def sheet_of_cloth(height=0.0, cut=1.0):
    """A flat square of cloth 20 cm from the origin, seen along +z; its upper half may be cut away."""
    flat = np.array([[-1.0, -1, 0.2], [1, -1, 0.2], [1, 1, 0.2], [-1, 1, 0.2]]) + [0, 0, height]
    weights = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return straps.Cloth(flat, flat + 5.0, np.array([1.0, 1.0, cut, cut]), weights, faces)


def test_a_ribbon_lies_on_the_cloth_and_borrows_from_it():
    way = straps.way([((0, -0.5, 0), (0, 0, 1)), ((0, 0.5, 0), (0, 0, 1))], rows=5)
    made = straps.ribbon(sheet_of_cloth(), way, 0.02, seam=True)
    points = made.vertices.reshape(5, 3, 3)
    assert np.allclose(points[..., 2], 0.2 + straps.ABOVE)
    assert np.allclose(points[:, 1, :2], np.stack([np.zeros(5), np.linspace(-0.5, 0.5, 5)], 1))
    assert np.allclose(np.abs(points[:, [0, 2], 0]), 0.02)
    assert np.allclose(made.rest, made.vertices - [0, 0, straps.ABOVE] + 5.0)
    assert np.allclose(made.weights[:, 1], (1 + made.vertices[:, 1]) / 2)  # as the cloth's, linear upwards
    a, b, c = (made.vertices[made.faces[:, i]] for i in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()  # seen from outside
    assert np.allclose(made.cut.reshape(5, 3), [0, 0.02, 0])


def test_rays_take_the_outermost_cloth_that_is_drawn():
    inner, outer = sheet_of_cloth(), sheet_of_cloth(height=0.1, cut=-1.0)
    both = straps.Cloth(
        *(
            np.concatenate(pair)
            for pair in zip(dataclasses.astuple(inner)[:4], dataclasses.astuple(outer)[:4], strict=True)
        ),
        np.concatenate([inner.faces, outer.faces + 4]),
    )
    origins, forward = np.array([[0, -0.5, 0], [0, 0.5, 0], [9, 9, 9.0]]), np.tile([0.0, 0, 1], (3, 1))
    found, shares = straps._outermost(origins, forward, both.vertices, both.cut, both.faces, 0.45)
    assert found[0] in (2, 3) and found[1] in (0, 1) and found[2] == -1
    assert np.allclose((both.vertices[both.faces[found[:2]]] * shares[:2, :, None]).sum(1)[:, 2], [0.3, 0.2])
    assert (
        straps._outermost(origins[:1], forward[:1], both.vertices, both.cut, both.faces, 0.1)[0] == -1
    ).all()


def test_a_ribbon_needs_cloth():
    way = straps.way([((5, 0, 0), (0, 0, 1)), ((5, 1, 0), (0, 0, 1))], rows=3)
    with pytest.raises(ValueError, match="origins must lie inside"):
        straps.ribbon(sheet_of_cloth(), way, 0.02)


@pytest.mark.parametrize("coat", [0, 1])
def test_straps_of_a_backpack_go_over_both_shoulders_without_gap(studio, coat):
    worn = {"bag": int(Bag.BACKPACK), "coat": coat, "coat_open": 0.06}
    assert shown(studio, Surface.STRAP, **worn) > 400
    assert flaws.strap_gap(labels(studio, **worn)[1]) < flaws.LEAST
    assert shown(studio, Surface.STRAP, coat=coat, coat_open=0.06) == 0
    assert flaws.strap_gap(labels(studio, coat=coat, coat_open=0.06)[1]) > 100  # no strap at all
    person = person_of(studio, **worn)
    made = outfit.dress(studio.body, person)
    used = np.unique(made.faces[made.surfaces == Surface.STRAP])
    for side in (-1, 1):
        strap = made.vertices[used[made.vertices[used, 0] * side > 0.04]]
        assert strap[:, 2].max() > 0.08 and strap[:, 2].min() < -0.02  # from the chest to the pack
        assert np.ptp(strap[:, 1]) > 0.25


# --- bags ---------------------------------------------------------------------------------------------------------

FORMS = [form for form in Bag if form]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_bag_shows_its_body_and_its_straps(studio, form):
    worn = {
        "bag": int(Bag.HANDBAG if form in (Bag.HANDBAG, Bag.SHOPPER) else Bag.SHOULDER),
        "bag_form": int(form),
    }
    for surface in (Surface.BAG, Surface.STRAP):
        assert max(shown(studio, surface, heading, **worn) for heading in (0.0, 90.0, 180.0, 270.0)) > 150
        assert shown(studio, surface, 90.0) == 0


@pytest.mark.parametrize("form", FORMS)
def test_wide_bags_are_seen_as_wide(studio, form):
    narrow, wide = (
        np.stack(
            [labels(studio, h, bag_form=int(form), bag_aspect=a)[0] == Surface.BAG for h in (0, 90, 180)]
        )
        for a in (0.85, 1.15)
    )
    assert (narrow != wide).sum() > 100


def test_silhouettes_of_bags_differ(studio):
    views = {
        form: np.stack([labels(studio, h, bag_form=int(form))[0] == Surface.BAG for h in (0, 90, 180, 270)])
        for form in FORMS
    }
    for first in FORMS:
        for second in FORMS:
            if first < second:
                both = (views[first] & views[second]).sum() / (views[first] | views[second]).sum()
                assert both < 0.75, (first, second)


@pytest.mark.parametrize("form", [Bag.SHOULDER, Bag.CROSSBODY, Bag.DUFFEL, Bag.TOTE])
@pytest.mark.parametrize("side", [-1, 1])
def test_bags_hang_on_the_side_they_should(studio, form, side):
    made = outfit.dress(studio.body, person_of(studio, bag_form=int(form), bag_side=side))
    bag = made.vertices[np.unique(made.faces[made.surfaces == Surface.BAG])]
    assert side * bag[:, 0].mean() > 0.1
    strap = made.vertices[np.unique(made.faces[made.surfaces == Surface.STRAP])]
    top = strap[strap[:, 1].argmax()]
    assert side * top[0] * (1 if form == Bag.TOTE else -1) > 0.05  # across the chest, or on the same shoulder


def test_forms_of_bags_are_drawn_by_name_for_those_who_carry_one():
    for bag, allowed in bags.FORMS.items():
        drawn = [bags.draw_bag(seeds.Draws(1, "a", "person", n), wardrobe.Style(bag=bag)) for n in range(400)]
        shares = {form: np.mean([one["bag_form"] == form for one in drawn]) for form, _ in allowed}
        assert sum(shares.values()) == pytest.approx(1)
        assert all(abs(shares[form] - share) < 0.08 for form, share in allowed)
        assert abs(np.mean([one["bag_side"] for one in drawn])) < 0.15


def test_numbers_of_bags_are_those_of_the_wardrobe():
    assert all(getattr(bags, form.name) == form for form in FORMS)  # written twice: the wardrobe imports bags


def test_hands_find_the_shoulder_that_has_a_strap():
    found = {
        form: bags.strap_shoulder(wardrobe.Style(bag_form=int(form), bag_side=1), -1.0) for form in FORMS
    }
    assert found[Bag.BACKPACK] == -1 and found[Bag.ONE_STRAP] == found[Bag.TOTE] == 1
    assert found[Bag.SHOULDER] == found[Bag.CROSSBODY] == found[Bag.DUFFEL] == -1
    assert found[Bag.WAIST] == found[Bag.HANDBAG] == found[Bag.SHOPPER] == 0


def test_the_annotation_names_the_form_that_is_seen(studio):
    person = person_of(studio, bag=int(Bag.SHOULDER))
    assert annotations.person_annotations(person)["bag"] == Bag.SHOULDER
    person = person_of(studio, bag=int(Bag.SHOULDER), bag_form=int(Bag.TOTE))
    assert annotations.person_annotations(person)["bag"] == Bag.TOTE
    assert [int(form) for form in Bag] == list(
        range(10)
    )  # numbers in the manifests of old keep their meaning


# --- collars, hoods, cut ------------------------------------------------------------------------------------------

COAT = {"coat": 1, "coat_hem": -0.3, "coat_open": 0.05}
CLOSED = {**COAT, "coat_open": 0.0}
V_NECK, SHIRT, TURTLE = int(collars.Collar.V), int(collars.Collar.SHIRT), int(collars.Collar.TURTLE)
# What is worn besides, the cue, the surface that it changes, from where, and by how many samples at least
CUES = {
    "round neck": ({"neckline": 0.5}, {"collar": int(collars.Collar.ROUND)}, Surface.BODY, 0.0, 60),
    "V neck": ({}, {"collar": V_NECK}, Surface.BODY, 0.0, 150),
    "shirt collar": ({}, {"collar": SHIRT}, Surface.TOP, 0.0, 60),
    "turtle neck": ({}, {"collar": TURTLE}, Surface.TOP, 0.0, 200),
    "hood on the back": ({}, {"hood": 1}, Surface.TOP, 90.0, 150),
    "hood over the head": ({}, {"hood": 2}, Surface.TOP, 180.0, 1500),
    "hood of a coat": (COAT, {"hood": 1}, Surface.COAT, 90.0, 150),
    "lapels": (COAT, {"lapels": 1}, Surface.COAT, 0.0, 300),
    "collar of a coat": (CLOSED, {"lapels": 1}, Surface.COAT, 0.0, 60),
    "quilting": (CLOSED, {"quilt": 0.015}, Surface.COAT, 90.0, 300),
    "tucked": ({"top_hem": -0.05}, {"tucked": 1}, Surface.BOTTOM, 0.0, 1500),
    "to the waist": (CLOSED, {"coat_length": 1}, Surface.COAT, 180.0, 3000),
    "to the knees": (CLOSED, {"coat_length": 2}, Surface.COAT, 180.0, 2000),
}


@pytest.mark.parametrize("name", CUES)
def test_each_cue_changes_what_its_surface_shows(studio, name):
    worn, cue, surface, heading, least = CUES[name]
    without, with_it = (labels(studio, heading, **worn, **change)[0] == surface for change in ({}, cue))
    assert (without != with_it).sum() >= least


def test_without_cues_nothing_is_sewn(studio):
    for worn in ({}, COAT, CLOSED, {"sleeve": 0.2, "hair": 2, "hat": 1}):
        style = wardrobe.Style(**worn)
        assert collars.tailored(style) == style
        own = mannequin.mannequin_of(studio.body, studio.person(1).shape)
        top = outfit._top(own, style)
        assert collars.collars(own, style, top, outfit._coat(own, style) or top) == []


def test_collars_lie_outside_the_cloth(studio):
    """A turtle neck encloses the neck; a shirt's flaps stand off it and end above the chest."""
    for collar, low, high in ((TURTLE, 0.55, 0.65), (SHIRT, 0.48, 0.62)):
        plain, made = (outfit.dress(studio.body, person_of(studio, collar=c)) for c in (0, collar))
        assert len(made.vertices) > len(plain.vertices)
        own = mannequin.mannequin_of(studio.body, studio.person(1).shape)
        style = collars.tailored(wardrobe.Style(collar=collar))
        (piece,) = collars.collars(own, style, outfit._top(own, style), outfit._top(own, style))
        assert low < piece.rest[:, 1].min() and piece.rest[:, 1].max() < high
        around = np.degrees(
            np.arctan2(piece.vertices[:, 0], piece.vertices[:, 2] - own.joints[own.body.bone("neck_01"), 2])
        )
        assert (np.abs(around) < 20).any() == (collar == TURTLE)  # shirts are open in front


def test_a_lining_shows_the_inside():
    square = sheet_of_cloth()
    piece = pieces.Piece(Surface.TOP, square.vertices, square.rest, square.faces, square.weights, square.cut)
    both = collars.lined(piece)
    a, b, c = (both.vertices[both.faces[:, i]] for i in range(3))
    assert np.sign(np.cross(b - a, c - a)[:, 2]).tolist() == [1, 1, -1, -1]
    assert not set(both.faces[:2].ravel()) & set(both.faces[2:].ravel())  # normals do not cancel


def test_people_dressed_for_heat_wear_no_hood():
    style = wardrobe.Style(sleeve=0.2, hood=2, collar=TURTLE, hat=2)
    made = collars.tailored(style)
    assert made.hood == 0 and made.collar == collars.Collar.ROUND and made.hat == 2
    worn = collars.tailored(style._replace(sleeve=1.0, hair=int(wardrobe.Hair.LONG), scarf=1))
    assert worn.hat == worn.scarf == 0 and worn.hair == wardrobe.Hair.SHORT


def test_cuts_are_drawn_by_name_and_fit_what_is_worn():
    styles = [
        wardrobe.Style(),
        wardrobe.Style(coat=1),
        wardrobe.Style(coat=1, skirt=1),
        wardrobe.Style(sleeve=0.3),
    ]
    for style in styles:
        drawn = [collars.draw_collar(seeds.Draws(2, "a", "person", n), style) for n in range(300)]
        share = {name: np.mean([bool(one[name]) for one in drawn]) for name in drawn[0]}
        assert 0.7 < share["collar"] < 0.86
        assert (share["hood"] > 0.2) == (style.coat or style.sleeve > 0.85)
        assert all(bool(share[name]) == bool(style.coat) for name in ("lapels", "quilt", "coat_length"))
        assert not any(one["hood"] and one["lapels"] for one in drawn)
        assert any(one["coat_length"] == 2 for one in drawn) == (style.coat and not style.skirt)
    over_the_head = np.mean([one["hood"] == 2 for one in drawn])
    assert over_the_head == 0  # bare arms


def test_soles_are_the_lowest_vertices_of_each_shoe(studio):
    made = outfit.dress(studio.body, person_of(studio))
    left, right = made.soles
    assert made.vertices[left, 0].min() > 0 > made.vertices[right, 0].max() and len(left) == len(right) >= 18


# --- flaws --------------------------------------------------------------------------------------------------------


def test_no_skin_at_the_shoulders_of_an_open_coat(studio):
    style = wardrobe.Style(coat=1, coat_open=0.07, sleeve=0.4)
    _, buffers = labels(studio, **style._asdict())
    assert flaws.bare_shoulders(buffers, style) == 0
    rest, surface = buffers.rest.copy(), buffers.surface.copy()
    rest[:5, :5, :2], surface[:5, :5] = (0.14, 0.5), Surface.BODY
    bad = dataclasses.replace(buffers, rest=rest, surface=surface)
    assert flaws.bare_shoulders(bad, style) == 25


def test_cloth_within_hair_is_counted():
    kinds = np.array(
        [[0, Surface.HAIR], [Surface.HAIR, Surface.TOP], [Surface.TOP, Surface.HAIR], [0, Surface.COAT]]
    )
    assert flaws.cloth_in_hair(type("Seen", (), {"surface": kinds})) == 1


def test_flaws_of_few_people_by_command(capsys):
    assert flaws.main(["--people", "3"]) == 0
    counted = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert set(counted) == {"arms"} | {
        f"{name}{end}" for name in ("shoulders", "hair", "straps") for end in ("", "_of", "_samples")
    }
    assert 5 < float(counted["arms"]) < 40
    with pytest.raises(SystemExit):
        flaws.main(["--people", "0"])
