import math

import numpy as np
import plain
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from dmic import encoding
from dmic.compute import kernels
from dmic.encoding import (
    DenseGraphWarning,
    distance_encoding,
    half_length,
    jaccard_distance,
    reciprocal_sets,
)
from dmic.neighbors import Neighbors, nearest


def lists_of(rows):
    indices = np.array(rows)
    return Neighbors(indices, np.zeros(indices.shape, np.float32))


def full(distance):
    """Dense matrix; what is not stored is 1."""
    dense, stored = np.ones(distance.shape), distance.tocoo()
    dense[stored.row, stored.col] = stored.data  # zeros between duplicates are stored too
    return dense


@st.composite
def points_and_k1(draw):
    features = draw(plain.points(min_size=3))
    return features, draw(st.integers(2, len(features) - 1))


@pytest.mark.parametrize(
    ("k1", "length"), [(20, 11), (30, 16), (38, 20), (40, 21), (2, 2), (3, 3), (5, 3), (7, 5)]
)
def test_half_list_rounds_halves_to_even_and_adds_self(k1, length):
    assert half_length(k1) == length


@given(points_and_k1())
def test_reciprocal_sets_equal_loops_over_sets(sample):
    features, k = sample
    lists = nearest(features, len(features) - 1).indices
    found = reciprocal_sets(lists, k)
    assert [set(row.indices.tolist()) for row in found] == plain.reciprocal(lists, k)
    assert set(found.data.tolist()) == {1}


@given(points_and_k1())
def test_encoding_equals_the_equations(sample):
    features, k1 = sample
    neighbors = nearest(features, len(features) - 1)
    found = distance_encoding(neighbors, features, k1=k1)
    np.testing.assert_allclose(found.toarray(), plain.encode(features, neighbors.indices, k1), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert found.data.min() > 0 and found.dtype == np.float32


@given(points_and_k1(), st.floats(0, 1))
def test_jaccard_equals_minima_over_maxima(sample, share):
    features, k1 = sample
    neighbors = nearest(features, len(features) - 1)
    encoded = distance_encoding(neighbors, features, k1=k1)
    found = jaccard_distance(encoded)
    expected = plain.jaccard(encoded.toarray().astype(np.float64))
    dense = full(found)
    np.testing.assert_allclose(dense, expected, atol=3e-7)
    np.testing.assert_array_equal(dense, dense.T)
    np.testing.assert_array_equal(found.diagonal(), 0)
    assert found.data.max() < 1 and found.data.min() == 0 and found.dtype == np.float32
    assert found.nnz == (expected < 1).sum()  # the diagonal is stored, pairs at distance 1 are not

    limit = np.float32(max(share, 0.01))
    part = jaccard_distance(encoded, max_distance=float(limit))
    assert part.nnz == (found.data <= limit).sum()
    np.testing.assert_array_equal(full(part), np.where(dense <= limit, dense, 1))


def test_three_points_by_hand():
    # Angles 0, 60 and 180 degrees; lists of two. 0 and 1 list each other; 2 lists 1, but 1 does not list 2.
    angles = np.radians([0, 60, 180])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    encoded = distance_encoding(lists_of([[0, 1], [1, 0], [2, 1]]), features, k1=2)
    # M(0, 1) = 2 - 2 cos 60 = 1, so row 0 is [e^0, e^-1, 0] / (e^0 + e^-1).
    near, far = 1 / (1 + math.exp(-1)), math.exp(-1) / (1 + math.exp(-1))
    np.testing.assert_allclose(encoded.toarray(), [[near, far, 0], [far, near, 0], [0, 0, 1]], atol=1e-6)
    # Minima of rows 0 and 1: far + far; maxima: near + near.
    distance = jaccard_distance(encoded)
    assert distance[0, 1] == pytest.approx(1 - far / near, abs=1e-6)
    assert distance.nnz == 5  # three on the diagonal, (0, 1) and (1, 0)


# Lists of six for nine points, so half lists of four. R(0, 6) = {0, 1, 2, 3, 4, 5}; 8 is outside of it.
NINE = {
    0: [0, 1, 2, 3, 4, 5],
    1: [1, 0, 2, 8, 3, 4],
    2: [2, 0, 1, 3, 4, 5],
    3: [3, 0, 2, 4, 5, 1],
    4: [4, 5, 0, 3, 1, 2],
    5: [5, 4, 0, 3, 2, 1],
    6: [6, 7, 8, 5, 4, 3],
    7: [7, 8, 6, 5, 4, 3],
    8: [8, 1, 7, 6, 2, 3],
}


@pytest.mark.parametrize(
    ("list_of_2", "half_set_of_1", "joins"),
    [
        ([2, 0, 1, 3, 4, 5], {0, 1, 2, 8}, True),  # three of four lie in R(0, 6): more than 2/3
        ([2, 0, 3, 4, 1, 5], {0, 1, 8}, False),  # two of three: exactly 2/3, not more
    ],
)
def test_a_half_set_joins_only_when_strictly_more_than_two_thirds_lie_inside(
    rng, list_of_2, half_set_of_1, joins
):
    neighbors = lists_of(list({**NINE, 2: list_of_2}.values()))
    assert set(reciprocal_sets(neighbors.indices, 6)[0].indices.tolist()) == {0, 1, 2, 3, 4, 5}
    assert set(reciprocal_sets(neighbors.indices, 4)[1].indices.tolist()) == half_set_of_1
    encoded = distance_encoding(neighbors, plain.unit(rng.normal(size=(9, 3))), k1=6)
    assert (8 in encoded[0].indices) == joins
    assert {0, 1, 2, 3, 4, 5} <= set(encoded[0].indices.tolist())


def test_the_order_of_the_images_does_not_matter(rng):
    features = plain.unit(rng.normal(size=(6, 5))[rng.integers(0, 6, 50)] + 0.3 * rng.normal(size=(50, 5)))
    order = rng.permutation(50)
    one, other = (
        jaccard_distance(distance_encoding(nearest(x, 12), x, k1=12)).toarray()
        for x in (features, features[order])
    )
    np.testing.assert_allclose(other, one[np.ix_(order, order)], atol=1e-6)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_change_a_byte(rng, monkeypatch, threads):
    features = plain.unit(rng.normal(size=(8, 12))[rng.integers(0, 8, 400)] + rng.normal(size=(400, 12)))
    lists = nearest(features, 20)

    def run():
        encoded = distance_encoding(lists, features, k1=20)
        return [
            x.tobytes() for m in (encoded, jaccard_distance(encoded)) for x in (m.indptr, m.indices, m.data)
        ]

    one = run()
    monkeypatch.setattr(kernels.numba, "get_num_threads", lambda: threads)
    assert run() == one


def test_many_members_outgrow_the_first_guess_of_the_memory(rng):
    """80 images of each of three people, all in each other's lists: rows of 80 entries and more."""
    features = plain.unit(np.repeat(np.eye(3), 80, axis=0) + 0.01 * rng.normal(size=(240, 3)))
    lists = nearest(features, 100)
    encoded = distance_encoding(lists, features, k1=100)
    np.testing.assert_allclose(encoded.toarray(), plain.encode(features, lists.indices, 100), atol=1e-6)
    assert np.diff(encoded.indptr).max() > 64 and np.diff(jaccard_distance(encoded).indptr).max() > 64


def test_longer_lists_than_k1_change_nothing(rng):
    features = plain.unit(rng.normal(size=(40, 4)))
    one, other = (distance_encoding(nearest(features, k), features, k1=9) for k in (9, 25))
    np.testing.assert_array_equal(one.toarray(), other.toarray())


def test_unsorted_columns_are_read_correctly():
    rows = sparse.csr_matrix((np.array([0.25, 0.75, 1.0], np.float32), [1, 0, 0], [0, 2, 3]), shape=(2, 2))
    # Minima 0.75, maxima 1 + 0.25.
    assert jaccard_distance(rows)[0, 1] == pytest.approx(1 - 0.75 / 1.25, abs=1e-6)


@pytest.mark.parametrize("k1", [1, 6])
def test_k1_must_fit_the_lists(k1):
    features = np.eye(8, dtype=np.float32)
    with pytest.raises(ValueError, match=f"k1 is {k1}; the neighbour lists have 5 entries"):
        distance_encoding(nearest(features, 5), features, k1=k1)


def test_features_and_lists_must_match():
    features = np.eye(8, dtype=np.float32)
    with pytest.raises(ValueError, match="7 features but 8 neighbour lists"):
        distance_encoding(nearest(features, 5), features[:7], k1=4)


@pytest.mark.parametrize("scale", [0.0, 0.5, 0.99, 1.01, 2.0, -1.0, float("nan")])
def test_rows_must_sum_to_one(scale):
    rows = sparse.csr_matrix(np.array([[scale, 0], [0.5, 0.5]], np.float32))
    with pytest.raises(ValueError, match="row sums from.*expected no negative entry and rows that sum to 1"):
        jaccard_distance(rows)


def test_a_tiny_entry_next_to_large_ones_is_no_trouble():
    tiny = 1e-12  # less than half a unit of the fixed point
    rows = sparse.csr_matrix(np.array([[1, tiny, 0], [0, 1, 0], [tiny, tiny, 1]], np.float32))
    found = jaccard_distance(rows)
    assert found.nnz == 3 and (full(found) == 1 - np.eye(3)).all()


def test_identical_rows_are_at_distance_zero_exactly(rng):
    row = rng.random(300).astype(np.float32)
    rows = sparse.csr_matrix(np.tile(row / row.sum(), (4, 1)), shape=(4, 300))
    rows = sparse.vstack([rows, sparse.csr_matrix((296, 300))]).tolil()
    rows[np.arange(4, 300), np.arange(4, 300)] = 1
    assert (jaccard_distance(rows.tocsr().astype(np.float32))[:4, :4].toarray() == 0).all()


def test_a_dense_graph_is_announced_with_numbers_and_still_done(rng, monkeypatch):
    features = plain.unit(rng.normal(size=(120, 40)))
    encoded = distance_encoding(nearest(features, 60), features, k1=60)
    quiet = jaccard_distance(encoded)
    monkeypatch.setattr(encoding, "_WARN_GIB", 1e-6)
    message = (
        r"the Jaccard distances up to 0\.9 of 120 images: about \d+ entries a row, .* additions\..*smaller k1"
    )
    with pytest.warns(DenseGraphWarning, match=message):
        found = jaccard_distance(encoded, max_distance=0.9)
    assert found.nnz == (quiet.data <= np.float32(0.9)).sum()
    monkeypatch.setattr(encoding, "_WARN_GIB", 4.0)
    monkeypatch.setattr(encoding, "_WARN_OPERATIONS", 10)
    with pytest.warns(DenseGraphWarning):
        jaccard_distance(encoded)


@pytest.mark.parametrize("limit", [0.0, 1.5, float("nan")])
def test_max_distance_must_be_a_jaccard_distance(limit):
    with pytest.raises(ValueError, match="expected a value in"):
        jaccard_distance(sparse.identity(3, np.float32, format="csr"), max_distance=limit)
