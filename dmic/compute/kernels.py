"""Compiled loops under `neighbors`, `encoding` and `mie`: each works on some rows, each row by one thread.

A kernel is a plain loop that numba compiles and that runs without Python's lock; `over_rows` hands blocks of rows to
threads and joins the results in the order of the rows. No number depends on another thread's, so the bytes of a result are
the same for any number of threads. "Scratch" is an array with an entry per image that a kernel reuses from row to row:
looking an image up is one read, and only the entries that a row touched are cleaned.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dmic.compute.jit import njit

__all__ = [
    "arrays",
    "averages",
    "csr",
    "dots",
    "expanded_sets",
    "min_sums",
    "mirrored",
    "over_rows",
    "pointers",
    "reciprocal_lists",
]

_compiled = njit(nogil=True)


def over_rows(
    kernel: Callable[..., tuple], work: NDArray, *arguments: Any, rows: NDArray[np.int64] | None = None
) -> tuple[NDArray, ...]:
    """Run ``kernel(rows, *arguments)`` on blocks of rows, in numba's number of threads; join what it returns.

    Parameters
    ----------
    kernel
        Returns a tuple of arrays in the order of its rows.
    work : (rows,) number
        How long each row takes, in any unit: blocks are of equal work, so that no thread waits long for another.
    rows : (rows,) int64
        Which rows; all by default.

    Returns
    -------
    tuple of arrays
    """
    rows = np.arange(len(work)) if rows is None else rows
    threads = numba.get_num_threads()
    done = np.cumsum(work, dtype=np.float64)
    ends = np.searchsorted(done, np.linspace(0, done[-1], 16 * threads + 1)[1:-1])
    blocks = [block for block in np.split(rows, np.unique(ends)) if block.size]
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda block: kernel(block, *arguments), blocks))
    return tuple(np.concatenate([part[i] for part in parts]) for i in range(len(parts[0])))


def pointers(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each row begins in the flat arrays, (rows + 1,) int64, from the rows' sizes."""
    return np.concatenate([[0], np.cumsum(sizes)])


def csr(sizes: NDArray[np.int64], columns: NDArray[np.int32], values: NDArray) -> sparse.csr_matrix:
    """Return the square matrix of what kernels return: entries per row, and flat columns and values."""
    return sparse.csr_matrix((values, columns, pointers(sizes)), shape=(len(sizes), len(sizes)))


def arrays(matrix: sparse.csr_matrix | sparse.csc_matrix) -> tuple[NDArray, NDArray, NDArray]:
    """Return a matrix as kernels read it: pointers int64, indices int32, values."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False), matrix.data


@njit(nogil=True, fastmath={"reassoc", "contract", "nsz"})  # lets the sum use vector units
def dots(rows, features, owners, starts, columns):
    """Dot products of point ``owners[i]`` with points ``columns[starts[i] : starts[i + 1]]``, for i in rows: flat float32.

    Summed in float64: rounding to float32 then hides the order of summation, whatever the machine.
    O(entries x d), bound by memory: about 4 d bytes an entry.
    """
    count = 0
    for i in rows:
        count += starts[i + 1] - starts[i]
    result = np.empty(count, np.float32)
    at = 0
    for i in rows:
        own = features[owners[i]]
        for place in range(starts[i], starts[i + 1]):
            other = features[columns[place]]
            total = 0.0
            for d in range(own.size):
                total += np.float64(own[d]) * np.float64(other[d])
            result[at] = total
            at += 1
    return (result,)


@_compiled
def reciprocal_lists(rows, indices, k):
    """R(i, k) of each row, in list order: (rows, k) int32, filled up with -1, and the sizes (rows,) int64. O(rows k^2)."""
    members = np.full((rows.size, k), -1, np.int32)
    sizes = np.zeros(rows.size, np.int64)
    for at, i in enumerate(rows):
        for j in indices[i, :k]:
            for back in indices[j, :k]:
                if back == i:
                    members[at, sizes[at]] = j
                    sizes[at] += 1
                    break
    return members, sizes


@_compiled
def _room(array, used, more):
    """Return the array, or one of at least twice its length with the same beginning if ``more`` entries do not fit."""
    if used + more <= array.size:
        return array
    larger = np.empty(2 * array.size + more, array.dtype)
    larger[:used] = array[:used]
    return larger


@_compiled
def expanded_sets(rows, full, full_sizes, half, half_sizes):
    """Return the sizes and members, sorted, of R*(i): R(i, k1) and each R(q, half) with 3 |R(i) & R(q)| > 2 |R(q)|.

    O(rows k1 half). Scratch: the row that an image was last seen in, as a member of R(i) (2 i) or as a newcomer (2 i + 1).
    """
    seen = np.full(len(full), -1, np.int64)
    sizes, columns, used = np.zeros(rows.size, np.int64), np.empty(64 * rows.size, np.int32), 0
    for at, i in enumerate(rows):
        columns = _room(columns, used, full_sizes[i] * (1 + half.shape[1]))
        begin = used
        for j in full[i, : full_sizes[i]]:
            seen[j] = 2 * i
            columns[used] = j
            used += 1
        for q in full[i, : full_sizes[i]]:
            hits = 0
            for j in half[q, : half_sizes[q]]:
                hits += seen[j] == 2 * i
            if 3 * hits > 2 * half_sizes[q]:
                for j in half[q, : half_sizes[q]]:
                    if seen[j] < 2 * i:
                        seen[j] = 2 * i + 1
                        columns[used] = j
                        used += 1
        columns[begin:used].sort()
        sizes[at] = used - begin
    return sizes, columns[:used].copy()


@_compiled
def averages(rows, members, weights, starts, columns, values):
    """Rows of E V as sizes, columns and values: sum over m of weights[i, m] V[members[i, m]], members in list order.

    V is sparse: ``starts``, ``columns``, ``values``. O(sum of the members' lengths). Scratch: the sums, and for each image
    the row that it was last added to.
    """
    n = starts.size - 1
    sums, seen = np.empty(n, np.float64), np.full(n, -1, np.int64)
    sizes, used = np.zeros(rows.size, np.int64), 0
    columns_out, values_out = np.empty(64 * rows.size, np.int32), np.empty(64 * rows.size, np.float32)
    for at, i in enumerate(rows):
        begin = used
        for m, j in enumerate(members[i]):
            columns_out = _room(columns_out, used, starts[j + 1] - starts[j])
            for place in range(starts[j], starts[j + 1]):
                column = columns[place]
                if seen[column] != i:
                    seen[column], sums[column] = i, 0.0
                    columns_out[used] = column
                    used += 1
                sums[column] += weights[i, m] * values[place]
        values_out = _room(values_out, begin, columns_out.size - begin)
        for place in range(begin, used):
            values_out[place] = sums[columns_out[place]]
        sizes[at] = used - begin
    return sizes, columns_out[:used].copy(), values_out[:used].copy()


@_compiled
def min_sums(rows, by_row, by_column, totals, limit):
    """Jaccard distances J(i, j) <= limit, J < 1, of each row i to the images j < i: sizes, columns (unsorted) and values.

    ``by_row`` and ``by_column`` are the same non-negative integer matrix as (starts, indices, values), columns listed by
    rising row; ``totals`` (n,) int64 are its row sums. With s = sum_l min(D_il, D_jl) and sum_l max = totals_i + totals_j -
    s, J = 1 - s / sum_l max. Each column of row i lists the images that it shares with i: O(sum over columns of half its
    length squared). Sums of integers do not depend on their order. Scratch: s, 0 again after each row.
    """
    starts, columns, values = by_row
    list_starts, list_rows, list_values = by_column
    sums, touched = np.zeros(totals.size, np.int32), np.empty(totals.size, np.int32)
    sizes, used = np.zeros(rows.size, np.int64), 0
    columns_out, values_out = np.empty(64 * rows.size, np.int32), np.empty(64 * rows.size, np.float32)
    for at, i in enumerate(rows):
        count = 0
        for place in range(starts[i], starts[i + 1]):
            own = values[place]
            for entry in range(list_starts[columns[place]], list_starts[columns[place] + 1]):
                j = list_rows[entry]
                if j >= i:
                    break
                if sums[j] == 0:
                    touched[count] = j
                    count += 1
                sums[j] += min(own, list_values[entry])
        columns_out, values_out = _room(columns_out, used, count), _room(values_out, used, count)
        begin = used
        for j in touched[:count]:
            both = totals[i] + totals[j]
            # s large enough, a little leniently: spares most pairs the division
            if sums[j] * (2.0 - limit) >= 0.999999 * (1.0 - limit) * both:
                distance = np.float32(1.0 - sums[j] / (both - sums[j]))
                if distance <= limit and distance < 1:
                    columns_out[used], values_out[used] = j, distance
                    used += 1
            sums[j] = 0
        sizes[at] = used - begin
    return sizes, columns_out[:used].copy(), values_out[:used].copy()


@_compiled
def mirrored(starts, columns, values):
    """Complete a symmetric matrix with zero diagonal from its lower half (j < i, columns in any order).

    Returns sizes int64, columns int32 (sorted) and values float32 of all entries, the diagonal stored. O(entries).
    """
    n = starts.size - 1
    below = starts[1:] - starts[:-1]
    sizes = below + 1
    for j in columns:
        sizes[j] += 1
    begins = np.cumsum(sizes) - sizes
    all_columns, all_values = np.empty(sizes.sum(), np.int32), np.empty(sizes.sum(), np.float32)
    free = begins + below  # next free place right of the lower half: it is filled by rising column
    for i in range(n):
        all_columns[free[i]], all_values[free[i]] = i, 0.0
        free[i] += 1
        for place in range(starts[i], starts[i + 1]):
            j = columns[place]
            all_columns[free[j]], all_values[free[j]] = i, values[place]
            free[j] += 1
    free = begins.copy()  # the lower half, read off the upper one by rising column
    for j in range(n):
        for place in range(begins[j] + below[j] + 1, begins[j] + sizes[j]):
            i = all_columns[place]
            all_columns[free[i]], all_values[free[i]] = j, all_values[place]
            free[i] += 1
    return sizes, all_columns, all_values
