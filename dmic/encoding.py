"""k-reciprocal distance encoding as sparse rows, and the Jaccard distance between them (paper Eq. 1-5).

Taught in: notebooks/03_distance_encoding.ipynb
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dmic.neighbors import Neighbors

__all__ = ["distance_encoding", "half_length", "jaccard_distance", "reciprocal_sets"]

_CHUNK = (
    1 << 22
)  # numbers per block of gathered features: bounds the memory of the dot products to 2 x 16 MiB


def half_length(k1: int) -> int:
    """Return the length of the half list: round_half_to_even(k1 / 2) + 1, self included (20 -> 11, 30 -> 16)."""
    return round(k1 / 2) + 1


def reciprocal_sets(indices: NDArray[np.int64], k: int) -> sparse.csr_matrix:
    """Return the k-reciprocal sets R(i, k) as a 0/1 matrix: row i marks j when each is in the other's top-k list.

    Parameters
    ----------
    indices : (n, >= k) int64
        Neighbour lists, self first.
    k : int
        How much of each list counts, self included.

    Returns
    -------
    (n, n) int32 CSR, symmetric, diagonal 1.
    """
    n = len(indices)
    columns = indices[:, :k].ravel()
    listed = sparse.csr_matrix((np.ones(columns.size, np.int32), columns, np.arange(n + 1) * k), shape=(n, n))
    return listed.multiply(listed.T).tocsr()


def distance_encoding(neighbors: Neighbors, features: NDArray[np.float32], *, k1: int) -> sparse.csr_matrix:
    """Encode each point by its expanded k-reciprocal neighbours (paper Eq. 1-2).

    Parameters
    ----------
    neighbors : Neighbors
        Lists of at least k1 entries (``neighbors.nearest``).
    features : (n, d) float32
        Unit rows, the ones that the lists come from.
    k1 : int
        List length, self included; k1 <= the lists' length.

    Returns
    -------
    (n, n) float32 CSR with rows that sum to 1: D_ij = exp(-M(i, j)) / sum_l exp(-M(i, l)) on i's set, 0 elsewhere, with
    M(i, j) = 2 - 2 cos(f_i, f_j).

    Raises
    ------
    ValueError
        If k1 is longer than the lists, or features and lists differ in length.

    Notes
    -----
    Expansion (Zhong et al., CVPR 2017): for each member q of R(i, k1), R(q, half) joins the set when strictly more than
    2/3 of it already lies in R(i, k1), the original set. The softmax form is the public code's; it makes the Jaccard
    identity of ``jaccard_distance`` exact.
    """
    indices = neighbors.indices
    if not 2 <= k1 <= indices.shape[1]:
        raise ValueError(
            f"k1 is {k1}; the neighbour lists have {indices.shape[1]} entries, take 2 <= k1 <= that"
        )
    if len(features) != len(indices):
        raise ValueError(
            f"{len(features)} features but {len(indices)} neighbour lists; pass those they came from"
        )
    full = reciprocal_sets(indices, k1)
    half = reciprocal_sets(indices, min(half_length(k1), k1))
    overlap = full.multiply(full @ half.T).tocsr()  # (i, q): |R(i,k1) & R(q,half)| for q in R(i,k1)
    size = np.diff(half.indptr)
    overlap.data = (3 * overlap.data > 2 * size[overlap.indices]).astype(np.int32)
    support = (full + overlap @ half).tocsr()
    support.eliminate_zeros()  # members that failed the 2/3 test left explicit zeros
    support.sort_indices()
    return _softmax_rows(support, features)


def _softmax_rows(support: sparse.csr_matrix, features: NDArray[np.float32]) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(support.shape[0]), np.diff(support.indptr))
    columns = support.indices
    weights = np.empty(columns.size, np.float32)
    pairs = max(1, _CHUNK // features.shape[1])
    for start in range(0, columns.size, pairs):
        part = slice(start, start + pairs)
        cosine = np.einsum("nd,nd->n", features[rows[part]], features[columns[part]])
        weights[part] = np.exp(-np.maximum(2 - 2 * cosine, 0))
    weights /= np.add.reduceat(weights.astype(np.float64), support.indptr[:-1])[
        rows
    ]  # no row is empty: self is in it
    return sparse.csr_matrix((weights, columns, support.indptr), shape=support.shape)


def jaccard_distance(encoding: sparse.csr_matrix, *, max_distance: float = 1.0) -> sparse.csr_matrix:
    """Return the Jaccard distance between encodings (paper Eq. 4-5), only its entries below 1.

    Parameters
    ----------
    encoding : (n, n) CSR
        Rows that sum to 1.
    max_distance : float
        Keep pairs with J <= max_distance only (and always J < 1): the largest eps that will be asked for.

    Returns
    -------
    (n, n) float32 CSR, symmetric, sorted columns; the diagonal is stored, as 0. A pair that is not stored is farther
    than max_distance.

    Notes
    -----
    With rows of sum 1, sum_l max = 2 - sum_l min, so J = 1 - s / (2 - s) with s = sum_l min(D_il, D_jl), clipped at 0.
    """
    if not 0 < max_distance <= 1:
        raise ValueError(f"max_distance is {max_distance}; expected a value in (0, 1]")
    by_row = encoding.tocsr().sorted_indices()
    by_column = encoding.tocsc().sorted_indices()
    arrays = [by_row.indptr, by_row.indices, by_row.data, by_column.indptr, by_column.indices, by_column.data]
    pointers, columns, values = _min_sum_rows(*arrays, np.float32(max_distance), numba.get_num_threads())  # type: ignore[call-arg]
    return sparse.csr_matrix((values, columns, pointers), shape=encoding.shape)


@numba.njit(cache=True)
def _jaccard(min_sum: float) -> float:
    return np.float32(max(0.0, 1.0 - min_sum / (2.0 - min_sum)))


@numba.njit(cache=True)
def _accumulate(i, row_ptr, row_col, row_val, col_ptr, col_row, col_val, sums):
    """Add min(D_il, D_jl) over l into sums[j], for every j that shares a column with row i."""
    for at in range(row_ptr[i], row_ptr[i + 1]):
        column, value = row_col[at], row_val[at]
        for other in range(col_ptr[column], col_ptr[column + 1]):
            sums[col_row[other]] += min(value, col_val[other])


@numba.njit(cache=True, parallel=True)
def _min_sum_rows(row_ptr, row_col, row_val, col_ptr, col_row, col_val, limit, blocks):
    """Two passes over the rows, one block of rows per thread: count the entries of each row, then write them."""
    n = row_ptr.size - 1
    pointers = np.zeros(n + 1, np.int64)
    for block in numba.prange(blocks):
        sums = np.zeros(n, np.float64)
        for i in range(block, n, blocks):
            sums[:] = 0
            _accumulate(i, row_ptr, row_col, row_val, col_ptr, col_row, col_val, sums)
            sums[i] = 1.0
            count = 0
            for j in range(n):
                if sums[j] > 0 and _jaccard(sums[j]) <= limit:
                    count += 1
            pointers[i + 1] = count
    for i in range(n):
        pointers[i + 1] += pointers[i]
    columns = np.empty(pointers[n], np.int32)
    values = np.empty(pointers[n], np.float32)
    for block in numba.prange(blocks):
        sums = np.zeros(n, np.float64)
        for i in range(block, n, blocks):
            sums[:] = 0
            _accumulate(i, row_ptr, row_col, row_val, col_ptr, col_row, col_val, sums)
            sums[i] = 1.0
            at = pointers[i]
            for j in range(n):
                if sums[j] > 0 and _jaccard(sums[j]) <= limit:
                    columns[at] = j
                    values[at] = _jaccard(sums[j])
                    at += 1
    return pointers, columns, values
