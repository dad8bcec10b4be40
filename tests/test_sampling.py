from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmic.sampling import IdentitySampler


def draw(labels, cameras, p, k, iterations, seed=0):
    sampler = IdentitySampler(
        np.asarray(labels),
        np.asarray(cameras),
        identities_per_batch=p,
        images_per_identity=k,
        generator=np.random.default_rng(seed),
    )
    return [batch.reshape(p, k) for batch in sampler.batches(iterations)]


@st.composite
def tables(draw):
    n = draw(st.integers(1, 60))
    labels = draw(st.lists(st.integers(-1, 8), min_size=n, max_size=n).filter(lambda x: max(x) >= 0))
    cameras = draw(st.lists(st.integers(1, 6), min_size=n, max_size=n))
    return np.array(labels), np.array(cameras), draw(st.integers(1, 8)), draw(st.integers(1, 6))


@given(tables(), st.integers(0, 2**32 - 1))
def test_every_batch_is_p_clusters_of_k_images_from_other_cameras_where_there_are_any(table, seed):
    labels, cameras, p, k = table
    batches = draw(labels, cameras, p, k, 5, seed)
    assert len(batches) == 5
    for images in (row for batch in batches for row in batch):
        assert images.dtype == np.int64
        own = labels[images[0]]
        assert own >= 0 and (labels[images] == own).all()
        members = np.flatnonzero(labels == own)
        anchor, others = images[0], images[1:]
        elsewhere = members[cameras[members] != cameras[anchor]]
        allowed = elsewhere if len(elsewhere) else members[members != anchor] if len(members) > 1 else members
        assert set(others) <= set(allowed)
        most = Counter(others.tolist()).most_common(1)
        assert k == 1 or len(allowed) < k - 1 or most[0][1] == 1  # repeats only where there are too few


@given(tables())
def test_clusters_come_in_balanced_rounds(table):
    labels, cameras, p, k = table
    clusters = set(labels[labels >= 0].tolist())
    order = [int(labels[row[0]]) for batch in draw(labels, cameras, p, k, 12) for row in batch]
    for start in range(0, len(order) - len(clusters) + 1, len(clusters)):
        assert set(order[start : start + len(clusters)]) == clusters


def test_a_batch_that_divides_the_round_never_repeats_a_cluster():
    labels = np.repeat(np.arange(12), 3)
    for batch in draw(labels, labels % 2, 4, 2, 30):
        assert len(set(labels[batch[:, 0]])) == 4


def test_the_rounds_are_shuffled():
    labels = np.arange(30)
    first, second = (labels[batch[:, 0]].tolist() for batch in draw(labels, labels, 30, 1, 2))
    assert sorted(first) == sorted(second) == list(range(30))
    assert first != second and first != list(range(30))


def test_anchors_are_drawn_evenly_from_the_cluster():
    counts = Counter(int(batch[0, 0]) for batch in draw([0] * 5 + [-1], [1, 1, 2, 2, 3, 3], 1, 1, 2000))
    assert set(counts) == set(range(5))
    assert (
        sum((n - 400) ** 2 / 400 for n in counts.values()) < 18.5
    )  # chi-square, 4 degrees of freedom, 99.9 %


def test_the_other_images_are_drawn_evenly_from_other_cameras():
    batches = draw([0] * 6, [1, 1, 1, 2, 2, 2], 1, 2, 1800)
    counts = Counter(tuple(batch[0].tolist()) for batch in batches)
    assert set(counts) == {(a, b) for a in range(6) for b in range(6) if (a < 3) != (b < 3)}
    # chi-square, 17 degrees of freedom, 99.9 %
    assert sum((n - 100) ** 2 / 100 for n in counts.values()) < 40.8


def test_fewer_clusters_than_p_fill_the_batch_by_repeating():
    for batch in draw([0, 0, 1, 1, -1], [1, 2, 1, 2, 3], 4, 2, 10):
        assert Counter(np.array([0, 0, 1, 1])[batch[:, 0]].tolist()) == {0: 2, 1: 2}


def test_gaps_in_the_labels_do_no_harm():
    assert {
        tuple(sorted(set(b.ravel().tolist()))) for b in draw([7, -1, 7, 100], [1, 1, 2, 1], 2, 2, 20)
    } == {(0, 2, 3)}


def test_the_seed_decides():
    labels, cameras = np.arange(40) % 7, np.arange(40) % 3
    one, same, other = (np.stack(draw(labels, cameras, 3, 4, 6, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_nothing_to_draw_is_explained():
    with pytest.raises(ValueError, match=r"no image is clustered \(every label is -1\).*raise eps"):
        draw([-1, -1], [1, 2], 2, 2, 1)
