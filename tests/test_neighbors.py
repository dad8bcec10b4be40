import numpy as np
import plain
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmic import neighbors
from dmic.neighbors import nearest

BACKENDS = ["faiss", "torch"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks even for a few points."""
    monkeypatch.setattr(neighbors, "_CHUNK", 7)


@pytest.mark.parametrize("backend", BACKENDS)
@given(features=plain.points(), share=st.floats(0, 1))
def test_lists_are_those_of_a_full_sort(backend, features, share):
    n = len(features)
    k = 1 + int(share * (n - 1))
    found = nearest(features, k, backend=backend)
    cosine = features.astype(np.float64) @ features.T.astype(np.float64)
    np.fill_diagonal(cosine, np.inf)  # self first
    best = np.sort(cosine, axis=1)[:, ::-1][:, :k].copy()
    best[:, 0] = 1
    assert found.indices.shape == found.similarities.shape == (n, k)
    assert (found.indices.dtype, found.similarities.dtype) == (np.int64, np.float32)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(n))
    np.testing.assert_allclose(found.similarities, best, atol=2e-6)
    at_the_indices = np.take_along_axis(cosine, found.indices, axis=1)[:, 1:]
    np.testing.assert_allclose(found.similarities[:, 1:], at_the_indices, atol=2e-6)
    assert all(len(set(row)) == k for row in found.indices.tolist())


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_ties_the_lists_are_exactly_the_brute_force_ones(rng, backend):
    features = plain.unit(rng.normal(size=(80, 16)))
    found = nearest(features, 12, backend=backend)
    np.testing.assert_array_equal(found.indices, plain.neighbor_lists(features, 12))


def test_both_backends_agree(rng):
    features = plain.unit(rng.normal(size=(500, 24)))
    one, other = (nearest(features, 30, backend=b) for b in BACKENDS)
    np.testing.assert_array_equal(one.indices, other.indices)
    np.testing.assert_allclose(one.similarities, other.similarities, atol=1e-6)


def test_the_default_works_without_faiss(rng, monkeypatch):
    features = plain.unit(rng.normal(size=(40, 8)))
    with_it = nearest(features, 5)
    monkeypatch.setattr(neighbors, "_has_faiss", lambda: False)
    monkeypatch.setattr(neighbors, "_search_faiss", None)  # calling it would fail
    np.testing.assert_array_equal(nearest(features, 5).indices, with_it.indices)


@pytest.mark.parametrize("backend", BACKENDS)
def test_equal_scores_are_ordered_by_index_after_self(backend):
    features = np.eye(3, dtype=np.float32)[
        [0, 1, 2, 0, 1, 2, 0, 1, 2]
    ]  # three directions, three copies of each
    found = nearest(features, 9, backend=backend).indices
    assert found[4].tolist() == [4, 1, 7, 0, 2, 3, 5, 6, 8]  # self, its copies, then everyone at cosine 0
    assert found[0].tolist() == [0, 3, 6, 1, 2, 4, 5, 7, 8]


@pytest.mark.parametrize("backend", BACKENDS)
def test_self_is_first_even_among_more_duplicates_than_the_list_is_long(backend):
    features = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)  # ten copies of each of two points
    found = nearest(features, 4, backend=backend)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(20))
    for i, row in enumerate(found.indices.tolist()):
        assert len(set(row)) == 4
        assert all(j // 10 == i // 10 for j in row)
        assert row[1:] == sorted(row[1:])
    np.testing.assert_array_equal(found.similarities, 1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_list_of_one_is_the_point_itself(rng, backend):
    features = plain.unit(rng.normal(size=(9, 3)))
    np.testing.assert_array_equal(nearest(features, 1, backend=backend).indices[:, 0], np.arange(9))


@pytest.mark.parametrize(
    ("features", "k", "message"),
    [
        (np.ones(4, np.float32), 1, r"shape \(4,\); expected \(n, d\)"),
        (np.ones((0, 4), np.float32), 1, r"shape \(0, 4\)"),
        (np.ones((4, 0), np.float32), 1, r"shape \(4, 0\)"),
        (np.eye(4, dtype=np.float32), 0, "k is 0 but there are 4 points"),
        (np.eye(4, dtype=np.float32), 5, "k is 5 but there are 4 points"),
        (np.diag([1, 1, 2, 1]).astype(np.float32), 2, "1 of 4 rows.*row 2, norm 2"),
        (np.diag([1, np.nan, 1, 1]).astype(np.float32), 2, "row 1, norm nan"),
        (np.diag([1, 1, 1, np.inf]).astype(np.float32), 2, "row 3, norm inf"),
        (np.zeros((3, 2), np.float32), 2, "3 of 3 rows"),
    ],
)
def test_unusable_input_is_explained(features, k, message):
    with pytest.raises(ValueError, match=message):
        nearest(features, k)


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match="backend is 'annoy'; expected 'auto', 'faiss' or 'torch'"):
        nearest(np.eye(3, dtype=np.float32), 2, backend="annoy")
