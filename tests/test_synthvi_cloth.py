"""Reflectances at 850 nm: which cloth turns bright, what stays dark, which patterns vanish, and knobs that mix and switch."""

import numpy as np
import pytest

from data_scripts.synthvi import render, seeds, world
from data_scripts.synthvi.display import GAMMA
from data_scripts.synthvi.person import cloth, materials
from data_scripts.synthvi.person.materials import Material, luminance

GARMENTS = [Material.TOP, Material.BOTTOM, Material.COAT]


def reflect(visible, people=400, **knobs):
    """Reflectances (people, materials) of people whose materials all have one display brightness."""
    table = np.full((len(Material), 3), visible, dtype=float)
    made = world.World(**knobs)
    return np.array([cloth.near_infrared(seeds.Draws("test", n), table, made) for n in range(people)])


@pytest.fixture(scope="module")
def crowd():
    studio = render.Studio(1000, world.World(), world.PRESETS["toy"])
    return [studio.person(number) for number in range(1, 281)]


def test_black_cloth_turns_bright_unless_carbon_made_it_black():
    tops = reflect(0.1)[:, Material.TOP]
    dark = tops < 0.12
    assert dark.mean() == pytest.approx(0.35, abs=0.07)
    assert tops[~dark].mean() == pytest.approx(cloth.DYED.base, abs=0.03)
    assert tops[~dark].std() == pytest.approx(cloth.DYED.spread, abs=0.02)
    assert (reflect(0.1, carbon_black=0.0)[:, Material.TOP] > 0.12).mean() > 0.99


def test_without_spread_a_cloth_has_one_brightness():
    alike = reflect(0.5, nir_spread=0.0, carbon_black=0.0)
    assert len(np.unique(np.round(alike[:, Material.TOP], 6))) == len(cloth.MADE_OF[Material.TOP])
    assert alike[:, Material.SKIN].std() < 1e-9 and alike[:, Material.HAIR].std() < 1e-9
    wide, usual = (reflect(0.5, nir_spread=s, carbon_black=0.0)[:, Material.TOP].std() for s in (1.5, 1.0))
    assert wide == pytest.approx(1.5 * usual, rel=0.1)


def test_few_other_clothes_are_dark_and_white_ones_are_bright():
    gray, white = reflect(0.5)[:, GARMENTS], reflect(0.95)[:, GARMENTS]
    assert (gray < 0.12).mean() == pytest.approx(0.07, abs=0.02)
    assert np.median(white) - np.median(gray) == pytest.approx(0.16 * (0.95**GAMMA - 0.5**GAMMA), abs=0.03)


def test_cloth_brightness_correlates_as_little_as_in_the_published_example(crowd):
    """SYSU-MM01's example figure: correlation 0.22, brightness 0.26 -> 0.72, ten garments of ten brighter."""
    seen = np.array([luminance(person.visible)[GARMENTS] for person in crowd]).ravel()
    bright = np.array([person.infrared[GARMENTS] for person in crowd]).ravel() ** (1 / GAMMA)
    assert 0.2 < np.corrcoef(seen, bright)[0, 1] < 0.6
    assert bright.mean() - seen.mean() > 0.2
    assert 0.08 < (bright < 0.4).mean() < 0.25  # some cloth stays dark
    assert (bright > seen).mean() > 0.75


def test_half_of_the_patterns_vanish_as_the_knob_says():
    table = np.full((len(Material), 3), 0.7)
    for second in cloth.ON:
        table[second] = 0.2

    def contrast(factor, second):
        made = world.World(pattern_contrast=factor)
        rows = np.array([cloth.near_infrared(seeds.Draws("p", n), table, made) for n in range(300)])
        return np.abs(rows[:, second] - rows[:, cloth.ON[second][0]])

    for second, (_, share) in cloth.ON.items():
        assert (contrast(0.0, second) > 0.12).mean() < 0.01
        if second != Material.PRINT_SECOND:  # on an ink that may be dark itself
            assert (contrast(1.0, second) > 0.12).mean() == pytest.approx(share, abs=0.12)


def test_a_material_has_draws_of_its_own(crowd):
    table = np.array(crowd[0].visible, dtype=float)
    before = cloth.near_infrared(seeds.Draws("one", 1), table, world.World())
    table[Material.COAT] = 0.02
    after = cloth.near_infrared(seeds.Draws("one", 1), table, world.World())
    touched = {Material.COAT, Material.COAT_SECOND}
    assert {Material(row) for row in np.flatnonzero(before != after)} <= touched
    assert before[Material.COAT] != after[Material.COAT]


def test_the_gray_copy_is_the_visible_picture_in_gray(crowd):
    for person in crowd[:20]:
        gray, half = (
            cloth.near_infrared(seeds.Draws("g", 1), person.visible, world.World(nir_gray_copy=share))
            for share in (1.0, 0.5)
        )
        real = cloth.near_infrared(seeds.Draws("g", 1), person.visible, world.World())
        np.testing.assert_allclose(gray ** (1 / GAMMA), luminance(person.visible), atol=1e-6)
        middle = 0.5 * (real ** (1 / GAMMA) + luminance(person.visible))
        np.testing.assert_allclose(half ** (1 / GAMMA), middle, atol=1e-6)


def test_skin_is_alike_in_all_colors_and_has_its_own_spread(crowd):
    skin = np.array([person.infrared[Material.SKIN] for person in crowd])
    seen = np.array([luminance(person.visible)[Material.SKIN] for person in crowd])
    assert 0.45 < skin.mean() < 0.6 and 0.03 < skin.std() < 0.08
    assert skin.std() / skin.mean() < 0.25 * (seen**GAMMA).std() / (seen**GAMMA).mean()
    hair = np.array([person.infrared[Material.HAIR] for person in crowd])
    assert np.median(hair) < 0.25 < np.quantile(hair, 0.95)


def test_reflectances_are_linear_and_within_what_cloth_can_have(crowd):
    made = np.array([person.infrared for person in crowd])
    assert made.shape == (280, len(Material)) and 0.03 <= made.min() and made.max() <= 0.93
    assert set(cloth.MADE_OF) | set(cloth.ON) | {
        Material.SKIN, Material.HAIR, Material.LIPS, Material.FACE_DARK, Material.SOLE, Material.GLASSES
    } == set(Material)  # fmt: skip
    assert materials.luminance(np.ones(3)) == pytest.approx(1.0)
