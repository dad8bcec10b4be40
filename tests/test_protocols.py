"""Protocols and their galleries: the draw is uniform and seeded; the other is the public code's, file by file."""

from __future__ import annotations

import random

import numpy as np
import pytest

from dmic.evaluation.protocols import PROTOCOLS, Protocol, draw_gallery, draw_gallery_agw, protocol_by_name


def test_flipped_swaps_the_sides():
    for name, protocol in PROTOCOLS.items():
        flipped = protocol.flipped()
        assert protocol.name == name
        assert (flipped.query_cameras, flipped.gallery_cameras) == (
            protocol.gallery_cameras,
            protocol.query_cameras,
        )
        assert int(flipped.query_modality) + int(protocol.query_modality) == 1
        assert flipped.name == f"{name}-flipped"
        for same in ("rule", "shots", "trials", "left_out"):
            assert getattr(flipped, same) == getattr(protocol, same)
        assert flipped.flipped() == protocol
    assert PROTOCOLS["regdb"].query_modality == 0
    assert PROTOCOLS["llcm"].query_modality == PROTOCOLS["synthvi"].query_modality == 1
    assert (PROTOCOLS["regdb"].shots, PROTOCOLS["llcm"].shots) == (None, 1)


def test_one_name_or_one_call_flips():
    for name, protocol in PROTOCOLS.items():
        assert protocol_by_name(name) == protocol
        assert protocol_by_name(f"{name}-flipped") == protocol.flipped()
    with pytest.raises(ValueError, match="unknown protocol 'market'.*sysu-all-single.*-flipped"):
        protocol_by_name("market")
    with pytest.raises(ValueError, match="unknown protocol"):
        protocol_by_name("regdb-flipped-flipped")


@pytest.mark.parametrize("name", ["synthvi", "llcm", "sysu-all-multi"])
def test_a_negative_seed_is_refused(name):
    """Python's generator would draw the galleries of seed 1 for -1."""
    with pytest.raises(ValueError, match="seed is -1; expected 0 or more"):
        PROTOCOLS[name].gallery_of(0, [1, 1], [1, 1], seed=-1)


def test_bad_protocols():
    with pytest.raises(ValueError, match="expected a rule"):
        Protocol("x", "market")
    with pytest.raises(ValueError, match="trials"):
        Protocol("x", "sysu", trials=0)
    with pytest.raises(ValueError, match="shots"):
        Protocol("x", "sysu", shots=0)
    with pytest.raises(ValueError, match="a draw of"):
        Protocol("x", "sysu", draw="matlab")


# --- our draw ------------------------------------------------------------------------------------------------------


def test_draw_takes_shots_of_each_person_and_camera():
    generator = np.random.default_rng(0)
    identities, cameras = generator.integers(0, 9, 300), generator.integers(1, 5, 300)
    drawn = draw_gallery(identities, cameras, shots=4, generator=generator)
    assert (np.diff(drawn) > 0).all()
    for person in range(9):
        for camera in range(1, 5):
            group = np.flatnonzero((identities == person) & (cameras == camera))
            assert np.isin(drawn, group).sum() == min(4, len(group))
    everything = draw_gallery(identities, cameras, shots=None, generator=generator)
    np.testing.assert_array_equal(everything, np.arange(300))


def test_draw_is_uniform_and_seeded():
    identities, cameras = np.repeat([4, 9], 5), np.ones(10, dtype=int)
    counts = np.zeros(10)
    generator = np.random.default_rng(0)
    for _ in range(2000):
        counts[draw_gallery(identities, cameras, shots=2, generator=generator)] += 1
    np.testing.assert_allclose(counts / 2000, 0.4, atol=0.05)  # 2 of 5, standard error 0.011
    first, again = (
        draw_gallery(identities, cameras, shots=2, generator=np.random.default_rng(s)).tolist()
        for s in (5, 5)
    )
    assert first == again


# --- the public code's --------------------------------------------------------------------------------------------

FILES = {(7, 1): 9, (7, 4): 21, (12, 1): 3, (12, 2): 30, (12, 4): 12, (40, 2): 17}  # (person, camera): images


def mixed_rows(shuffle: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People, cameras and file numbers; groups mixed, but numbers ascending within each, as in any sorted listing."""
    rows = np.array([(*key, number) for key, count in FILES.items() for number in range(count)])
    order = np.random.default_rng(5).permutation(len(rows)) if shuffle else np.arange(len(rows))
    mixed = rows[order]
    for key in FILES:
        places = (mixed[:, 0] == key[0]) & (mixed[:, 1] == key[1])
        mixed[places] = mixed[places][np.argsort(mixed[places][:, 2])]
    return mixed[:, 0], mixed[:, 1], mixed[:, 2]


@pytest.mark.parametrize("trial", range(10))
def test_single_shot_is_random_choice_of_the_sorted_names(trial):
    people, cameras, numbers = mixed_rows()
    random.seed(trial)
    expected = {(*key, random.choice(range(FILES[key]))) for key in sorted(FILES)}
    state = random.getstate()
    drawn = draw_gallery_agw(people, cameras, shots=1, seed=trial)
    assert random.getstate() == state, "the global generator is left alone"
    assert (np.diff(drawn) > 0).all()
    assert set(zip(people[drawn], cameras[drawn], numbers[drawn], strict=True)) == expected


def test_single_shot_by_numbers_written_down():
    """Python keeps `random.choice` after `random.seed(int)` stable; these were written down once from a plain loop."""
    people, cameras, numbers = mixed_rows(shuffle=False)
    drawn = [numbers[draw_gallery_agw(people, cameras, shots=1, seed=t)].tolist() for t in range(2)]
    assert drawn == [[6, 13, 0, 8, 8, 15], [2, 18, 0, 8, 1, 15]]


def test_multi_shot_is_the_legacy_generator_of_numpy():
    people, cameras, numbers = mixed_rows()
    legacy = np.random.RandomState(3)
    expected = set()
    for key in sorted(FILES):
        names = [f"{number:04d}" for number in range(FILES[key])]
        chosen = names if len(names) <= 10 else legacy.choice(names, 10, replace=False)
        expected |= {(*key, int(name)) for name in chosen}
    drawn = draw_gallery_agw(people, cameras, shots=10, seed=3)
    assert set(zip(people[drawn], cameras[drawn], numbers[drawn], strict=True)) == expected
    assert len(drawn) == 9 + 10 + 3 + 10 + 10 + 10


def test_everything_where_no_shots_are_asked():
    people, cameras, _ = mixed_rows()
    assert draw_gallery_agw(people, cameras, shots=None, seed=0).tolist() == list(range(len(people)))


def test_seeds_give_other_sets_of_galleries():
    people, cameras, _ = mixed_rows()
    protocol = PROTOCOLS["sysu-all-single"]
    galleries = [
        tuple(protocol.gallery_of(trial, people, cameras, seed=seed))
        for seed in (0, 1)
        for trial in range(10)
    ]
    plain = [tuple(draw_gallery_agw(people, cameras, shots=1, seed=number)) for number in range(20)]
    assert galleries == plain


def test_which_protocol_draws_how():
    assert {name for name, protocol in PROTOCOLS.items() if protocol.draw == "agw"} == {
        "sysu-all-single",
        "sysu-all-multi",
        "sysu-indoor-single",
        "sysu-indoor-multi",
        "llcm",
    }
    people, cameras, _ = mixed_rows()
    ours = PROTOCOLS["synthvi"].gallery_of(4, people, cameras, seed=2)
    generator = np.random.default_rng([2, 4])
    assert ours.tolist() == draw_gallery(people, cameras, shots=1, generator=generator).tolist()
