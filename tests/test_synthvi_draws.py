"""What is drawn: chains of old stay as they are, new attributes leave them alone, compiled code follows every source."""

import hashlib
import shutil

import numpy as np
import pytest

from data_scripts.synthvi import compiled, render, seeds, world
from data_scripts.synthvi.image import shading

# The fields of SynthVI 2, drawn by chains
STYLE = """sleeve top_hem neckline top_pattern top_period top_split logo logo_size coat coat_hem coat_open coat_pattern skirt
bottom_hem bottom_pattern bottom_period shoe_top sock_top shoe_point belt hair hairline hair_bottom hair_volume beard
beard_density hat hat_line scarf bag bag_size top_volume coat_volume bottom_volume flare fold_phase""".split()
SHAPE = "male old muscle weight height ancestry".split()
POSE = "phase stride arm_swing elbow spread lean head_yaw head_pitch carry".split()
CAPTURE = """heading scale shift spot drift light standing occluder occluder_pick occluder_reach occluder_side bystander
bystander_pick bystander_place cut cut_share motion quality""".split()
MATERIALS = 17


@pytest.fixture(scope="module")
def studio():
    return render.Studio(3, world.World(lookalikes=0.0), world.PRESETS["toy"])


def digest(values):
    """Hash of numbers, rounded so that the last bit of a machine's logarithm does not count."""
    flat = np.concatenate([np.ravel(np.asarray(value, dtype=float)) for value in values])
    return hashlib.sha256((np.round(flat, 4) + 0.0).tobytes()).hexdigest()[:16]


def numbers(thing, names):
    """Values of fields; texts as their lengths and first letters."""
    values = [getattr(thing, name) for name in names]
    return [[len(v), *v.encode()[:1]] if isinstance(v, str) else v for v in values]


def test_people_of_old_are_drawn_as_ever(studio):
    people = [studio.person(number) for number in range(1, 51)]
    assert digest([getattr(person.shape, name) for person in people for name in SHAPE]) == "39efd0cd7279511e"
    assert digest([v for person in people for v in numbers(person.style, STYLE)]) == "cfbcef087d7fee86"
    assert digest([person.visible[:MATERIALS] for person in people]) == "c3467f661f9f73cf"


def test_captures_and_cameras_of_old_are_drawn_as_ever(studio):
    person, captures = studio.person(1), []
    for index in range(200):
        captures.append(studio.capture(1 + index % 7, 1 + index % 6, index, person)[0])
    found = [v for c in captures for v in (*numbers(c, CAPTURE), *numbers(c.pose, POSE))]
    assert digest(found) == "537db5ab0ba37abc"
    assert (
        digest([v for camera in studio.cameras.values() for v in vars(camera).values()]) == "c9e951e96560e62a"
    )


def test_one_name_does_not_change_what_another_draws():
    draws = seeds.Draws(5, "a", "person", 3)
    first = draws("collar").uniform(size=4)
    draws("hood").uniform(size=100)
    np.testing.assert_array_equal(draws("collar").uniform(size=4), first)
    others = [
        seeds.Draws(5, "a", "person", 4),
        seeds.Draws(6, "a", "person", 3),
        seeds.Draws(5, "b", "person", 3),
    ]
    for other in (*others, seeds.Draws(5, "a", "walk", 3)):
        assert (other("collar").uniform(size=4) != first).all()
    assert (draws("hood").uniform(size=4) != first).all()


def test_draws_of_a_name_are_spread_evenly():
    values = np.array([seeds.Draws(0, "a", "person", n)("collar").uniform() for n in range(2000)])
    assert abs(values.mean() - 0.5) < 0.03 and abs(values.std() - 12**-0.5) < 0.02
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.08


# --- compiled code ------------------------------------------------------------------------------------------------


def test_compiled_code_lies_in_a_folder_of_these_sources():
    assert compiled.sources_hash() in shading.shade.stats.cache_path


def test_an_edit_of_any_source_compiles_anew(tmp_path):
    copy = tmp_path / "synthvi"
    shutil.copytree(compiled.HERE, copy, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    before = compiled.sources_hash(copy)
    assert before == compiled.sources_hash()
    for source in sorted(copy.rglob("*.py")):
        text = source.read_bytes()
        source.write_bytes(text + b"# edited\n")
        assert compiled.sources_hash(copy) != before, source.name
        source.write_bytes(text)
    assert compiled.sources_hash(copy) == before


def test_code_is_kept_where_its_user_says_and_may_write(tmp_path, monkeypatch):
    named = compiled.cache_folder(str(tmp_path / "kept"))
    assert named.parent == tmp_path / "kept" and named.is_dir()
    monkeypatch.setattr(compiled, "HERE", tmp_path / "a file" / "synthvi")
    (tmp_path / "a file").write_text("no folder can be made in it")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiled.cache_folder.cache_clear()
    try:
        assert compiled.cache_folder("").parent == tmp_path / "cache" / "dmic"
    finally:
        compiled.cache_folder.cache_clear()
