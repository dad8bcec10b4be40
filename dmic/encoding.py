"""k-reciprocal distance encoding as sparse rows, and the Jaccard distance between them (paper Eq. 1-5).

An encoding is a matrix of all images against all images, of which nearly every entry is 0: only the others are kept, row by
row (scipy's CSR). The loops over rows are in `dmic.compute.kernels`.

Taught in: notebooks/03_distance_encoding.ipynb
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dmic.compute import kernels
from dmic.neighbors import Neighbors

__all__ = ["DenseGraphWarning", "distance_encoding", "half_length", "jaccard_distance", "reciprocal_sets"]

_WARN_GIB = 4.0  # estimated memory of one step from which a warning is given
_WARN_OPERATIONS = 3e11  # estimated additions from which a warning is given: about 10 minutes on 2 cores
_SAMPLE = 256  # rows tried to estimate the memory of all
_SCALE = 1 << 30  # fixed point: 1.0 as int32 for the sums of minima


class DenseGraphWarning(UserWarning):
    """The embeddings have so little structure that the graph of neighbours gets dense; the message has the numbers."""


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

    Notes
    -----
    O(n k^2): a set lies in the list of its point, and each member's list is looked through.
    """
    members, sizes = _reciprocal(indices, k)
    columns = members[members >= 0]
    return kernels.csr(sizes, columns, np.ones(columns.size, np.int32)).sorted_indices()


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
    2/3 of it already lies in R(i, k1), the original set. The softmax form is the public code's; it makes the rows of the
    expanded encodings comparable, each with the same sum. O(n k1^2) for the sets, O(entries x d) for the cosines.
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
    n = len(indices)
    full, half = _reciprocal(indices, k1), _reciprocal(indices, min(half_length(k1), k1))
    sizes, columns = kernels.over_rows(kernels.expanded_sets, full[1], *full, *half)
    pointers = kernels.pointers(sizes)
    features = np.ascontiguousarray(features, np.float32)
    (cosines,) = kernels.over_rows(kernels.dots, sizes, features, np.arange(n), pointers, columns)
    weights = np.exp(-np.maximum(2 - 2 * cosines, 0))
    weights /= np.repeat(np.add.reduceat(weights, pointers[:-1], dtype=np.float64), sizes)  # no set is empty
    return kernels.csr(sizes, columns, weights)


def jaccard_distance(encoding: sparse.csr_matrix, *, max_distance: float = 1.0) -> sparse.csr_matrix:
    """Return the Jaccard distance between encodings (paper Eq. 4-5), only its entries below 1.

    Parameters
    ----------
    encoding : (n, n) CSR
        Non-negative, rows that sum to 1.
    max_distance : float
        Keep pairs with J <= max_distance only (and always J < 1): the largest eps that will be asked for. ``dnc.dbscan``
        may then be called with any eps up to it.

    Returns
    -------
    (n, n) float32 CSR, symmetric, sorted columns; the diagonal is stored, as 0. A pair that is not stored is farther
    than max_distance.

    Raises
    ------
    ValueError
        For a max_distance outside (0, 1], negative entries, or rows that do not sum to 1.

    Warns
    -----
    DenseGraphWarning
        If the result is going to need much memory or time.

    Notes
    -----
    J(i, j) = 1 - s / (S_i + S_j - s), with s = sum_l min(D_il, D_jl) and S_i = sum_l D_il = 1: what is in the smaller of
    two numbers and what is in the larger make both, so the sum of maxima need not be formed. Only images that share a column
    have s > 0: row i walks the lists of its columns. O(sum over columns of length^2 / 2) additions, of integers (units of
    2^-30), whose sum does not depend on the order; memory O(entries of the encoding + entries of the result).
    """
    if not 0 < max_distance <= 1:
        raise ValueError(f"max_distance is {max_distance}; expected a value in (0, 1]")
    n = encoding.shape[0]
    by_row = sparse.csr_matrix(encoding)  # shares its arrays where it is CSR already
    sums = np.asarray(by_row.sum(axis=1, dtype=np.float64)).ravel()
    smallest = by_row.data.min(initial=0)
    if not (smallest >= 0 and np.abs(sums - 1).max() <= 1e-3):  # NaN is neither
        raise ValueError(
            f"encoding has entries from {smallest:.3g} and row sums from {sums.min():.3g} to {sums.max():.3g}; "
            "expected no negative entry and rows that sum to 1: divide each row by its sum"
        )
    units = np.rint(by_row.data * np.float32(_SCALE)).astype(np.int32)
    fixed = sparse.csr_matrix((units, by_row.indices, by_row.indptr), shape=(n, n))
    if not units.all():
        fixed = fixed.copy()
        fixed.eliminate_zeros()
    lists = fixed.tocsc()  # of each column: the rows that have it, rising
    totals = np.asarray(fixed.sum(axis=1, dtype=np.int64)).ravel()
    work = _operations(fixed, np.diff(lists.indptr))
    inputs = (kernels.arrays(fixed), kernels.arrays(lists), totals, np.float32(max_distance))
    warn_if_dense(f"the Jaccard distances up to {max_distance:g}", kernels.min_sums, work, *inputs, copies=4)
    sizes, columns, values = kernels.over_rows(kernels.min_sums, work, *inputs)
    return kernels.csr(*kernels.mirrored(kernels.pointers(sizes), columns, values))


def warn_if_dense(what: str, kernel, work: NDArray, *inputs, copies: int) -> None:
    """Estimate the memory and time of ``kernels.over_rows(kernel, work, *inputs)`` on a few rows, and warn where it is much.

    Parameters
    ----------
    what
        What is computed, for the message.
    kernel, work, inputs
        The call; ``work`` (n,) in additions; the kernel returns columns and values of 8 bytes an entry together.
    copies : int
        How many times the kernel's result is in memory at the worst moment.
    """
    n, gib = len(work), 2.0**30
    if 8 * copies * n**2 < _WARN_GIB * gib and work.sum() < _WARN_OPERATIONS:
        return  # not even a full matrix would be much
    rows = np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64))
    entries = kernels.over_rows(kernel, work[rows], *inputs, rows=rows)[0].mean()
    needed = 8 * copies * n * entries / gib
    if needed >= _WARN_GIB or work.sum() >= _WARN_OPERATIONS:
        warnings.warn(
            f"{what} of {n} images: about {entries:.0f} entries a row, {needed:.1f} GiB and {work.sum():.1e} additions. The "
            "embeddings hardly tell people apart, or k1, k2 are too large for them, so the graph gets dense. Going on; try "
            "smaller k1 and k2, a smaller max_distance (eps), fewer images, or embeddings trained further.",
            DenseGraphWarning,
            stacklevel=3,
        )


def _reciprocal(indices: NDArray[np.int64], k: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """R(i, k) as (n, k) int32, filled up with -1, and the sizes (n,)."""
    listed = np.ascontiguousarray(indices[:, :k], np.int32)
    members, sizes = kernels.over_rows(kernels.reciprocal_lists, np.ones(len(listed)), listed, k)
    return members, sizes


def _operations(matrix: sparse.csr_matrix, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """About how many list entries each row walks: half of its columns' lengths on average, more the later the row."""
    total = np.add.reduceat(lengths[matrix.indices], matrix.indptr[:-1], dtype=np.float64)  # no row is empty
    return total * np.arange(1, len(total) + 1) / len(total)
