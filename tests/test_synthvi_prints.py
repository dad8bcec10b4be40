"""Prints, cuts, faces, shoes, folds: each detail shows where it should, and nowhere when it is off."""

import dataclasses
from enum import IntEnum

import numpy as np
import pytest

from data_scripts.synthvi import captures, compiled, render, seeds, world
from data_scripts.synthvi.composition import paint
from data_scripts.synthvi.image import raster
from data_scripts.synthvi.image.layers import in_window
from data_scripts.synthvi.person import (
    cuts,
    details,
    dressing,
    motifs,
    pieces,
    prints,
    shoes,
)
from data_scripts.synthvi.person.body import Shape
from data_scripts.synthvi.person.cuts import Cut
from data_scripts.synthvi.person.materials import Material
from data_scripts.synthvi.person.outfit import dress
from data_scripts.synthvi.person.pieces import Surface
from data_scripts.synthvi.person.pose import Pose
from data_scripts.synthvi.person.shoes import ShoeForm
from data_scripts.synthvi.person.wardrobe import Bag, Pattern, Person, Style

DETAILS = """top_print top_motif print_x print_y print_width print_height coat_print coat_motif coat_print_size bottom_print
bottom_motif bag_print bag_motif top_cut coat_cut bottom_cut cut_level cut_side glasses brows beard_form shoe_form""".split()


@pytest.fixture(scope="module")
def studio():
    return render.Studio(3, world.World(), world.PRESETS["toy"])


def floats(style):
    return Style(*(float(value) for value in style))


# --- surfaces -----------------------------------------------------------------------------------------------------


def test_every_surface_has_its_traits():
    assert set(pieces.TRAITS) == set(Surface)
    assert {s.name for s in Surface if pieces.TWO_SIDED[s]} >= {
        "HEAD",
        "COAT",
        "COAT_SLEEVE",
        "SKIRT",
        "HAIR",
        "HAT",
    }
    assert not any(
        pieces.SEAM[s] for s in (Surface.BODY, Surface.HEAD, Surface.HAND, Surface.HAIR, Surface.SHOE)
    )
    for surface in (Surface.HAND, Surface.HAT, Surface.HAIR, Surface.STRAP):
        assert (
            dressing.material_at(int(surface), 0.0, 0.3, 0.1, floats(Style()), 0.005)[0]
            == pieces.MATERIAL[surface]
        )


@pytest.mark.parametrize("surface", [s for s in Surface if s])
def test_backs_are_drawn_of_two_sided_surfaces_only(surface):
    screen = np.array(
        [[1, 1], [9, 1], [1, 9]], np.float32
    )  # clockwise on the screen, and the other way round
    drawn = []
    for face in ([0, 1, 2], [0, 2, 1]):
        near, cut = np.ones(3, np.float32), np.ones(3, np.float32)
        kinds = np.full(1, surface, np.uint8)
        flat = np.zeros((3, 4), np.float32), np.ones((3, 3), np.float32)
        made = raster.rasterize(screen, near, cut, *flat, np.array([face], np.int32), kinds, 12, 12)[0]
        drawn.append(int((made > 0).sum()))
    assert max(drawn) > 20
    assert (min(drawn) > 20) == pieces.TWO_SIDED[surface]


def test_constants_are_an_enumerations_numbers():
    class Color(IntEnum):
        RED = 3
        BLUE = 8

    made = compiled.constants(Color)
    assert (made.RED, made.BLUE) == (3, 8) and type(made.RED) is int


# --- prints -------------------------------------------------------------------------------------------------------


def test_motifs_are_many_and_differ():
    atlas = motifs.atlas()
    assert atlas.shape[0] == len(motifs.MOTIFS) == 28 and atlas.shape[1:] == (64, 64)
    assert set(np.unique(atlas)) == {0, 1, 2}
    shares = (atlas > 0).mean(axis=(1, 2))
    assert shares.min() > 0.12 and shares.max() < 0.9
    small = atlas.reshape(-1, 8, 8, 8, 8).mean(axis=(2, 4)).reshape(len(atlas), -1)  # as few pixels show them
    apart = np.abs(small[:, None] - small).mean(axis=2) + 9 * np.eye(len(atlas))
    assert apart.min() > 0.12


def test_polygons_and_glyphs_by_hand():
    assert motifs._polygon((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)).sum() == 32 * 32
    assert motifs._polygon((-1, -1), (1, -1), (-1, 1)).mean() == pytest.approx(0.5, abs=0.02)
    assert list(motifs.atlas()[list(motifs.MOTIFS).index("number 7"), 12, [32, 50]]) == [0, 1]


def test_prints_stand_upright_and_read_the_same_from_behind():
    arrow = list(motifs.MOTIFS).index("arrow")
    assert prints.ink_at(arrow, 0.0, 0.09, 0.1, 0.1, 0.005) == (1, 1.0)  # the tip
    assert prints.ink_at(arrow, 0.06, -0.09, 0.1, 0.1, 0.005)[1] == 0.0  # beside the shaft
    assert prints.ink_at(arrow, 0.11, 0.0, 0.1, 0.1, 0.005) == (0, 0.0)
    seven = list(motifs.MOTIFS).index("number 7")
    style = floats(Style(top_print=3, top_motif=seven))
    right = style.print_width * 0.5, style.print_y + 0.05  # the stroke of a seven, seen from in front
    assert (
        prints.top_ink(*right, 0.1, style, 0.005)[1] == 1.0
        and prints.top_ink(-right[0], right[1], 0.1, style, 0.005)[1] == 0.0
    )
    assert prints.top_ink(-right[0], right[1], -0.1, style, 0.005)[1] == 1.0
    shares = {prints.ink_at(0, x, 0.0, 0.1, 0.1, 0.005)[1] for x in np.linspace(0.08, 0.1, 21)}
    assert {0.0, 0.5, 1.0} <= shares  # soft edges


def test_prints_keep_to_their_side():
    for sides, front, back in ((0, 0, 0), (1, 1, 0), (2, 0, 1), (3, 1, 1)):
        style = floats(Style(top_print=sides))
        made = [dressing.material_at(int(Surface.TOP), 0.05, 0.39, z, style, 0.005) for z in (0.1, -0.1)]
        assert [Material.LOGO in mixture[:2] for mixture in made] == [front, back]
    assert Material.LOGO not in dressing.material_at(
        int(Surface.SLEEVE), 0.05, 0.39, 0.1, floats(Style(top_print=3)), 0.005
    )


# --- each detail in pictures --------------------------------------------------------------------------------------

PLAIN = {"top_hem": 0.0, "coat_hem": -0.3, "bottom_hem": -0.765, "shoe_top": -0.72, "sleeve": 0.95}


def shaded(studio, heading, **style):
    """Surfaces by sample and light by pixel of the frame, in both spectra, of an average person; second colours are brighter."""
    bright = np.where(np.arange(len(Material)) % 2, 0.8, 0.2)  # first and second colours
    bright[[Material.SKIN, Material.HAIR, Material.LOGO]] = 0.8, 0.2, 1.0
    table = np.repeat(bright[:, None], 3, axis=1).astype(np.float32)
    person = Person(
        Shape(0.5, 0.3, 0.5, 0.5, 0.0, (0.34, 0.33, 0.33)), Style(**{**PLAIN, **style}), table, table[:, 0]
    )
    stand = captures.Stand(heading, 5.5, 0.0, Pose(0.0, 0.3, 0.2, 0.2, 0.2, 0.03, 0.0, 0.0))
    figure = studio.figure(person, dress(studio.body, person), 1, stand)
    visible = studio.cameras[1]
    lamp = dataclasses.replace(visible, infrared=True, light=studio.cameras[3].light)
    frame, corner = studio.frames[1], figure.buffers.corner
    whole = (0, 0, frame.height, frame.width)
    layers = [paint(figure._replace(light=each.light), each, frame) for each in (visible, lamp)]
    return figure.buffers, [in_window(layer, corner, whole).color for layer in layers]


def changed(studio, heading, surfaces, base, **detail):
    """Pixels that a detail changes (the fewer of both spectra), and changed ones without any of ``surfaces``."""
    (before, old), (_, new) = shaded(studio, heading, **base), shaded(studio, heading, **base, **detail)
    differ = [(np.abs(a - b) > 0.001 + 0.1 * a).any(axis=2) for a, b in zip(old, new, strict=True)]
    samples = np.isin(before.surface, [int(s) for s in surfaces])
    ss = studio.preset.supersampling
    own = samples.reshape(samples.shape[0] // ss, ss, -1, ss).any(axis=(1, 3))
    whole = np.zeros(differ[0].shape, dtype=bool)
    row, column = before.corner
    whole[row : row + own.shape[0], column : column + own.shape[1]] = own
    return min(int(d.sum()) for d in differ), int((differ[0] & ~whole).sum() + (differ[1] & ~whole).sum())


TOP, COAT, LEGS = (
    (Surface.TOP, Surface.SLEEVE),
    (Surface.COAT, Surface.COAT_SLEEVE),
    (Surface.BOTTOM, Surface.SKIRT),
)
COATED, SKIRTED = {"coat": 1}, {"skirt": 1, "bottom_hem": -0.4}
CASES = [
    *[(0.0, TOP, {}, {"top_cut": int(cut)}, 40) for cut in sorted(set(details.TOP_CUTS))],
    *[(20.0, COAT, COATED, {"coat_cut": int(cut)}, 60) for cut in sorted(set(details.COAT_CUTS))],
    *[(70.0, LEGS, {}, {"bottom_cut": int(cut)}, 20) for cut in sorted(set(details.BOTTOM_CUTS))],
    (0.0, LEGS, SKIRTED, {"bottom_cut": int(Cut.BANDS)}, 60),
    (0.0, TOP, {}, {"top_print": 1, "print_width": 0.15, "print_height": 0.15}, 200),
    (0.0, TOP, {}, {"top_print": 1, "print_width": 0.035, "print_height": 0.035, "print_x": 0.08}, 12),
    (180.0, TOP, {}, {"top_print": 2}, 100),
    (180.0, COAT, COATED, {"coat_print": 1}, 120),
    (180.0, COAT, COATED, {"coat_print": 2}, 150),
    (0.0, LEGS, {}, {"bottom_print": 1}, 25),
    (180.0, (Surface.BAG,), {"bag": int(Bag.BACKPACK)}, {"bag_print": 1}, 40),
    (-90.0, (Surface.BAG,), {"bag": int(Bag.HANDBAG)}, {"bag_print": 1}, 50),
    *[(0.0 if form == Bag.WAIST else 90.0, (Surface.BAG,), {"bag": int(form), "bag_side": -1}, {"bag_print": 1}, 10) for form in
      (Bag.SHOULDER, Bag.SHOPPER, Bag.CROSSBODY, Bag.TOTE, Bag.WAIST, Bag.DUFFEL)],
    (180.0, (Surface.BAG,), {"bag": int(Bag.ONE_STRAP)}, {"bag_print": 1}, 40),
    (0.0, (Surface.HEAD,), {}, {"glasses": 1}, 10),
    (0.0, (Surface.HEAD,), {}, {"glasses": 2}, 12),
    (0.0, (Surface.HEAD,), {}, {"glasses": 3}, 15),
    (0.0, (Surface.HEAD,), {"beard": 1, "beard_density": 0.8}, {"beard_form": 1}, 12),
    (0.0, (Surface.HEAD,), {"beard": 1, "beard_density": 0.8}, {"beard_form": 2}, 12),
    (0.0, (Surface.HEAD,), {}, {"brows": 1.7}, 5),
]  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "surfaces", "base", "detail", "least"), CASES, ids=[str(case[3]) for case in CASES]
)
def test_a_detail_shows_on_its_surface_and_nowhere_else(studio, heading, surfaces, base, detail, least):
    count, elsewhere = changed(studio, heading, surfaces, base, **detail)
    assert count >= least and elsewhere == 0


@pytest.mark.parametrize("form", [form for form in ShoeForm if form])
def test_forms_of_shoes_show_and_leave_the_rest_alone(studio, form):
    (plain, old), (made, new) = (shaded(studio, 70.0, bottom_hem=-0.5, shoe_form=f) for f in (0, int(form)))
    assert sum(int((np.abs(a - b).max(axis=2) > 0.02).sum()) for a, b in zip(old, new, strict=True)) > 12
    assert abs(made.seen[:, 1].max() - plain.seen[:, 1].max()) < shoes.SOLES[form] - shoes.SOLES[0] + 0.01


# --- folds --------------------------------------------------------------------------------------------------------


def test_folds_lie_elsewhere_in_another_walk(studio):
    drawn = [
        captures.draw_walk(seeds.Draws(0, "walk", n), world.World(), studio.cameras[1], 0).fold
        for n in range(40)
    ]
    assert len(set(drawn)) == 40 and 0 <= min(drawn) < max(drawn) <= 2.4
    person = studio.person(2)
    folds = [studio.capture(2, 1, index, person).fold for index in range(4)]
    assert folds[0] == folds[1] != folds[2] == folds[3]  # images_per_walk is 2
    figure = studio.figure(person, dress(studio.body, person), 1, studio.capture(2, 1, 0, person).stand)
    pictures = [paint(figure, studio.cameras[1], studio.frames[1], fold).color for fold in (0.0, 0.0, 1.0)]
    assert (pictures[0] == pictures[1]).all() and (pictures[0] != pictures[2]).mean() > 0.1


# --- who has what -------------------------------------------------------------------------------------------------


def crowd(studio, count=600, **knobs):
    some = dataclasses.replace(studio.world, **knobs)
    return [
        details.draw_details(seeds.Draws(1, "person", n), some, studio.person(1 + n % 60).style)
        for n in range(count)
    ]


def share(values):
    return float(np.mean([bool(value) for value in values]))


def test_shares_of_details(studio):
    people = crowd(studio)
    assert share(p.top_print for p in people) == pytest.approx(0.45, abs=0.08)
    assert share(p.glasses for p in people) == pytest.approx(0.30, abs=0.06)
    assert len({p.top_motif for p in people}) == len(motifs.MOTIFS)
    assert {p.top_cut for p in people} == {0, *map(int, details.TOP_CUTS)}
    assert {p.coat_cut for p in people} == {0, *map(int, details.COAT_CUTS)}
    assert {p.bottom_cut for p in people} == {0, *map(int, details.BOTTOM_CUTS)}
    assert {p.shoe_form for p in people} == set(map(int, ShoeForm))
    assert all(p.top_print == p.logo for p in people if p.logo)
    assert not any(p.top_cut and p.top_pattern for p in people)
    assert details.BUSY == (Pattern.RINGS, Pattern.STRIPES, Pattern.CHECKS)


def test_without_patterns_nobody_has_prints_or_cuts(studio):
    bare = dataclasses.replace(studio.world, pattern_share=0.0)
    style = studio.person(1).style._replace(logo=0)
    for number in range(60):
        made = details.draw_details(seeds.Draws(1, "person", number), bare, style)
        assert not any((made.top_print, made.coat_print, made.bottom_print, made.bag_print))
        assert not any((made.top_cut, made.coat_cut, made.bottom_cut))


def test_details_leave_what_is_of_old_alone(studio):
    style = studio.person(4).style
    made = details.draw_details(seeds.Draws(9, "person", 4), studio.world, style)
    assert {name for name in Style._fields if getattr(made, name) != getattr(style, name)} <= set(DETAILS)
    assert set(DETAILS) <= set(Style._fields)


def test_people_who_look_alike(studio):
    calm, kept, made = set(), 0, 0
    for number in range(1, 61):
        person, draws = studio.person(number), seeds.Draws(2, "person", number)
        table = person.visible.astype(float)
        same = details.make_alike(draws, person.style, table, studio.colors, 0.0)
        assert same[0] == person.style and (same[1] == table).all()
        style, colors = details.make_alike(draws, person.style, table, studio.colors, 0.5)
        if (colors == table).all():
            continue
        made += 1
        assert style.top_pattern == style.bottom_pattern == style.coat_pattern == 0
        assert (colors[[Material.SKIN, Material.HAIR]] == table[[Material.SKIN, Material.HAIR]]).all()
        calm |= {tuple(colors[row]) for row in (Material.TOP, Material.BOTTOM)}
        kept += style.top_print == person.style.top_print and style.top_cut == person.style.top_cut
        assert (person.visible == table.astype(np.float32)).all()
    assert 20 <= made <= 40 and len(calm) == details.CALM and 8 <= kept < made


def test_bands_lie_at_the_hem_that_is_sewn(studio):
    shown = {}
    for length in (0, 1, 2):
        base = {"coat": 1, "coat_length": length}
        shown[length] = changed(studio, 0.0, COAT, base, coat_cut=int(Cut.BANDS))
    assert all(count > 40 and elsewhere == 0 for count, elsewhere in shown.values())


def test_cuts_by_hand():
    def cut_at(cut, *place, on_arm=False, share=0.0, level=0.5, side=1):
        return cuts.upper_cut(int(cut), *place, share, on_arm, level, side, 0.0, 0.94)

    assert cut_at(Cut.YOKE, 0.0, 0.5, 0.1) and not cut_at(Cut.YOKE, 0.0, 0.3, 0.1)
    assert cut_at(Cut.HALF, 0.1, 0.3, 0.1) and not cut_at(Cut.HALF, 0.1, 0.3, 0.1, side=-1)
    assert cut_at(Cut.BANDS, 0.1, 0.02, 0.1) and cut_at(Cut.BANDS, 0.4, 0.2, 0.1, on_arm=True, share=0.9)
    assert not cut_at(Cut.BANDS, 0.4, 0.2, 0.1, on_arm=True, share=0.5)
    outside = (
        cuts.SHOULDER_X + 0.05 * cuts.OUT_X,
        cuts.SHOULDER_Y + 0.05 * cuts.OUT_Y,
        cuts.SHOULDER_Z + 0.05 * cuts.OUT_Z,
    )
    assert cuts.arm_stripe(*outside) < 1e-6
    assert cuts.arm_stripe(cuts.SHOULDER_X - 0.02, cuts.SHOULDER_Y - 0.04, cuts.SHOULDER_Z) == 1.0
    assert cuts.lower_cut(int(Cut.SHANKS), 0.1, -0.6, 0.0, 0.5, 1, -0.76)
    assert not cuts.lower_cut(int(Cut.SHANKS), 0.1, -0.3, 0.0, 0.5, 1, -0.76)
