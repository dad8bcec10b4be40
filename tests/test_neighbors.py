import logging

import numpy as np
import plain
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmic import neighbors
from dmic.compute import kernels
from dmic.neighbors import nearest

BACKENDS = ["faiss", "torch", "bf16"]


@pytest.fixture(autouse=True)
def hard_times(monkeypatch):
    """Several blocks and hardly a spare candidate even for a few points, and bfloat16 on whatever CPU this is."""
    monkeypatch.setattr(neighbors, "_SCORES", 300)
    monkeypatch.setattr(neighbors, "_SPARE", 2)
    monkeypatch.setattr(neighbors, "bf16_is_fast", lambda device="cpu": True)


def full_sort(features, k):
    """Lists by (score, index), self first: scores summed in float64, compared as float32."""
    exact = features.astype(np.float64) @ features.T.astype(np.float64)
    scores = exact.astype(np.float32)
    np.fill_diagonal(scores, np.inf)
    order = np.lexsort((np.tile(np.arange(len(features)), (len(features), 1)), -scores))[:, :k]
    return order, np.take_along_axis(exact, order, axis=1)


@pytest.mark.parametrize("backend", BACKENDS)
@given(features=plain.points(), share=st.floats(0, 1))
def test_lists_are_those_of_a_full_sort(backend, features, share):
    n = len(features)
    k = 1 + int(share * (n - 2))
    found = nearest(features, k, backend=backend)
    indices, scores = full_sort(features, k)
    assert (found.indices.dtype, found.similarities.dtype) == (np.int64, np.float32)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_array_equal(found.similarities[:, 0], 1)
    np.testing.assert_allclose(found.similarities[:, 1:], scores[:, 1:], atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_ties_the_lists_are_exactly_the_brute_force_ones(rng, backend):
    features = plain.unit(rng.normal(size=(80, 16)))
    found = nearest(features, 12, backend=backend)
    np.testing.assert_array_equal(found.indices, plain.neighbor_lists(features, 12))


@pytest.mark.parametrize("spread", [1.0, 0.1, 0.003])
def test_all_backends_give_the_same_bytes_however_close_the_points_lie(rng, spread):
    """At 0.003 the cosines differ by less than bfloat16 can tell, so that most rows need another search."""
    features = plain.unit(rng.normal(size=24) + spread * rng.normal(size=(500, 24)))
    lists = [nearest(features, 30, backend=b) for b in BACKENDS]
    indices, _ = full_sort(features, 30)
    for found in lists:
        np.testing.assert_array_equal(found.indices, indices)
        np.testing.assert_array_equal(found.similarities, lists[0].similarities)


def test_bfloat16_alone_would_be_wrong_and_unsafe_rows_are_searched_again(rng, caplog):
    features = plain.unit(rng.normal(size=24) + 0.03 * rng.normal(size=(500, 24)))
    low = torch.from_numpy(features).bfloat16()
    alone = (low @ low.T).topk(30, dim=1).indices.sort(dim=1).values.numpy()
    assert (alone != np.sort(full_sort(features, 30)[0], axis=1)).any(axis=1).mean() > 0.5
    caplog.set_level(logging.DEBUG, logger=neighbors.logger.name)
    nearest(features, 30, backend="bf16")
    again = [r.args[:2] for r in caplog.records if "need more" in r.msg]
    assert again[0][0] > 0 and again[-1][0] == 0


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_change_a_byte(rng, monkeypatch, threads):
    features = plain.unit(rng.normal(size=(300, 50)))
    one = nearest(features, 20, backend="torch")
    monkeypatch.setattr(kernels.numba, "get_num_threads", lambda: threads)
    other = nearest(features, 20, backend="torch")
    assert one.indices.tobytes() == other.indices.tobytes()
    assert one.similarities.tobytes() == other.similarities.tobytes()


@pytest.mark.parametrize(
    ("faiss", "bf16", "points", "chosen"),
    [
        (True, True, 4000, "bf16"),
        (True, True, 40, "faiss"),
        (True, False, 4000, "faiss"),
        (False, False, 40, "torch"),
    ],
)
def test_the_choice_fits_the_machine_and_is_logged(rng, monkeypatch, caplog, faiss, bf16, points, chosen):
    monkeypatch.setattr(neighbors, "has_faiss", lambda: faiss)
    monkeypatch.setattr(neighbors, "bf16_is_fast", lambda device="cpu": bf16)
    monkeypatch.setattr(neighbors, "_SCORES", 1 << 22)
    caplog.set_level(logging.INFO, logger=neighbors.logger.name)
    features = plain.unit(rng.normal(size=(points, 8)))
    found = nearest(features, 5)
    assert f"backend '{chosen}' (asked: 'auto') on cpu for {points} points" in caplog.text
    np.testing.assert_array_equal(found.indices, nearest(features, 5, backend="torch").indices)


def test_without_bfloat16_units_the_wish_is_logged_and_float32_serves(rng, monkeypatch, caplog):
    monkeypatch.setattr(neighbors, "bf16_is_fast", lambda device="cpu": False)
    caplog.set_level(logging.INFO, logger=neighbors.logger.name)
    features = plain.unit(rng.normal(size=(40, 8)))
    found = nearest(features, 5, backend="bf16")
    assert "cpu has no bfloat16 matrix units; backend 'torch' instead" in caplog.text
    np.testing.assert_array_equal(found.indices, plain.neighbor_lists(features, 5))


def test_a_caller_who_allows_low_precision_gets_exact_lists_and_keeps_the_setting(rng):
    features = plain.unit(rng.normal(size=24) + 0.003 * rng.normal(size=(200, 24)))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        found = nearest(features, 20, backend="torch")
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    np.testing.assert_array_equal(found.indices, full_sort(features, 20)[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("backend", ["auto", "torch", "bf16"])
def test_a_gpu_gives_the_same_bytes(rng, backend):
    features = plain.unit(rng.normal(size=24) + 0.1 * rng.normal(size=(500, 24)))
    one, other = nearest(features, 30, backend=backend, device="cuda"), nearest(features, 30, backend="torch")
    np.testing.assert_array_equal(one.indices, other.indices)
    np.testing.assert_array_equal(one.similarities, other.similarities)


@pytest.mark.parametrize("backend", BACKENDS)
def test_equal_scores_are_ordered_by_index_after_self(backend):
    # three directions, three copies of each
    features = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2, 0, 1, 2]]
    found = nearest(features, 8, backend=backend).indices
    assert found[4].tolist() == [4, 1, 7, 0, 2, 3, 5, 6]  # self, its copies, then cosine 0
    assert found[0].tolist() == [0, 3, 6, 1, 2, 4, 5, 7]


@pytest.mark.parametrize("backend", BACKENDS)
def test_among_more_duplicates_than_the_list_is_long_the_first_are_listed(backend):
    features = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)  # ten copies of each of two points
    found = nearest(features, 4, backend=backend)
    assert found.indices[1].tolist() == [1, 0, 2, 3]
    assert found.indices[7].tolist() == [7, 0, 1, 2]
    assert found.indices[15].tolist() == [15, 10, 11, 12]
    np.testing.assert_array_equal(found.similarities, 1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_collapsed_embeddings_are_survived_and_reported(backend, monkeypatch, caplog):
    monkeypatch.setattr(neighbors, "_WIDEST", 12)
    features = np.repeat(np.eye(2, dtype=np.float32), 40, axis=0)
    found = nearest(features, 3, backend=backend).indices
    assert "80 of 80 points have over 9 neighbours that are equally near" in caplog.text
    np.testing.assert_array_equal(found[:, 0], np.arange(80))
    assert (found // 40 == np.arange(80)[:, None] // 40).all()
    assert all(len(set(row)) == 3 for row in found.tolist())


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
        (
            np.eye(4, dtype=np.float32),
            4,
            "k is 4 but there are 4 points; expected an integer, 1 <= k < 4.*lower k",
        ),
        (np.eye(4, dtype=np.float32), 5, "k is 5 but there are 4 points"),
        (np.eye(1, dtype=np.float32), 1, "k is 1 but there are 1 points.*give more points"),
        (np.diag([1, 1, 2, 1]).astype(np.float32), 2, "1 of 4 rows.*row 2, norm 2"),
        (np.diag([1, np.nan, 1, 1]).astype(np.float32), 2, "row 1, norm nan"),
        (np.diag([1, 1, 1, np.inf]).astype(np.float32), 2, "row 3, norm inf"),
        (np.zeros((3, 2), np.float32), 2, "3 of 3 rows"),
        (np.eye(4, dtype=np.float32), 2.0, "k is 2.0 .*expected an integer"),
        ([[1.0, 0.0], [0.0, 2.0]], 1, "1 of 2 rows.*row 1, norm 2"),
    ],
)
def test_unusable_input_is_explained(features, k, message):
    with pytest.raises(ValueError, match=message):
        nearest(features, k)


def test_lists_of_numbers_and_numpy_integers_do(rng):
    features = plain.unit(rng.normal(size=(9, 3)))
    found = nearest(features.tolist(), np.int64(4))
    np.testing.assert_array_equal(found.indices, plain.neighbor_lists(features, 4))


def test_an_unknown_backend_is_refused():
    with pytest.raises(
        ValueError, match="backend is 'annoy'; expected one of 'auto', 'faiss', 'torch', 'bf16'"
    ):
        nearest(np.eye(3, dtype=np.float32), 2, backend="annoy")
