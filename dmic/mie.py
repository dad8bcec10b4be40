"""Modality-camera invariant expansion (MIE, paper Eq. 3 and 6-7): whose encodings are averaged, and with what weight.

Taught in: notebooks/04_mie.ipynb
"""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dmic.compute import kernels
from dmic.config import Expansion
from dmic.encoding import warn_if_dense
from dmic.neighbors import Neighbors
from dmic.storage.checking import per_image

__all__ = ["expand", "expansion_weights"]

_COMPARISONS = 1 << 24  # pairs of list members compared at once: bounds the memory to a few times 16 MiB


def expand(
    encoding: sparse.csr_matrix,
    neighbors: Neighbors,
    *,
    k2: int,
    cameras: NDArray[np.int64] | None = None,
    modalities: NDArray[np.int64] | None = None,
    how: Expansion = "modality_camera",
) -> sparse.csr_matrix:
    """Replace each encoding by a mean over its top-k2 neighbours (local query expansion, or MIE).

    Parameters
    ----------
    encoding : (n, n) CSR
        Rows that sum to 1 (``encoding.distance_encoding``).
    neighbors : Neighbors
        Lists of at least k2 entries, self first.
    k2 : int
        How many neighbours are averaged, self included; 1 leaves the encoding as it is.
    cameras, modalities : (n,) int64
        Needed by the rules that name them.
    how
        ``vanilla``: the plain mean (Eq. 3). ``camera``: mean per camera, then over the cameras present (Eq. 6 as
        printed). ``modality``: mean per modality, then over the modalities present (a camera-free control).
        ``modality_camera``: mean per camera, then over the cameras of a modality, then over the modalities (what the
        lab's code computes; the default). Absent cameras and modalities do not count.

    Returns
    -------
    (n, n) float32 CSR with rows that sum to 1; the columns of a row are in no order.

    Raises
    ------
    ValueError
        For an unknown rule, a k2 that the lists cannot serve, an encoding of another size than the lists, or a missing or
        ill-shaped label array.

    Warns
    -----
    encoding.DenseGraphWarning
        If the result is going to need much memory.

    Notes
    -----
    A mean of means is a weighted mean, so this is one sparse product E D with k2 entries in each row of E
    (``expansion_weights``): O(n k2 x entries in a row of D), memory O(entries of the result).
    """
    weights = expansion_weights(neighbors, k2=k2, cameras=cameras, modalities=modalities, how=how)
    n = len(neighbors.indices)
    if encoding.shape != (n, n):
        raise ValueError(
            f"encoding has shape {encoding.shape} but there are {n} neighbour lists; expected ({n}, {n})"
        )
    rows = sparse.csr_matrix(encoding)
    members = weights.indices.reshape(n, k2)
    inputs = (members, weights.data.reshape(n, k2), *kernels.arrays(rows))
    work = np.diff(rows.indptr)[members].sum(axis=1)
    warn_if_dense("The expanded encodings", kernels.averages, work, *inputs, copies=2)
    sizes, columns, values = kernels.over_rows(kernels.averages, work, *inputs)
    return kernels.csr(sizes, columns, values)


def expansion_weights(
    neighbors: Neighbors,
    *,
    k2: int,
    cameras: NDArray[np.int64] | None = None,
    modalities: NDArray[np.int64] | None = None,
    how: Expansion = "modality_camera",
) -> sparse.csr_matrix:
    """Return the matrix E of which ``expand`` is the product E D: k2 entries a row, rows of sum 1.

    A mean of means is a weighted mean: a list member weighs 1 / (modalities in the list x cameras of its modality in the
    list x members from its camera). Parameters and errors as in ``expand``.
    """
    n, length = neighbors.indices.shape
    if how not in get_args(Expansion):
        raise ValueError(f"how is {how!r}; expected one of {', '.join(map(repr, get_args(Expansion)))}")
    if not 1 <= k2 <= length:
        raise ValueError(f"k2 is {k2}; the neighbour lists have {length} entries, take 1 <= k2 <= {length}")
    members = neighbors.indices[:, :k2]
    labels = {"modality": ("modalities", modalities), "camera": ("cameras", cameras)}
    levels = [_groups(*labels[level], n, how) for level in how.split("_") if level != "vanilla"]
    size = max(1, _COMPARISONS // k2**2)
    blocks = [_mean_of_means(members[at : at + size], levels) for at in range(0, n, size)]
    weights = np.concatenate(blocks).astype(np.float32)
    return kernels.csr(np.full(n, k2), members.ravel().astype(np.int32), weights.ravel())


def _mean_of_means(members: NDArray[np.int64], levels: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Weights (rows, k2) of list members, grouped by the first labels, inside these by the second, and so on."""
    weights = np.ones(members.shape)
    groups = np.zeros(members.shape, np.int64)  # group of each member so far: 0 = the whole list
    for level in levels:
        groups_inside = _combine(groups, level[members])
        weights /= _distinct_inside(groups, groups_inside)
        groups = groups_inside
    return weights / _counts(groups)


def _groups(name: str, values: NDArray[np.int64] | None, n: int, how: str) -> NDArray[np.int64]:
    """Number the cameras or modalities 0, 1, ...: (n,)."""
    if values is None:
        raise ValueError(f"how={how!r} needs the {name} of all images; pass {name}=")
    return np.unique(per_image(values, n, name=name), return_inverse=True)[1]


def _combine(groups: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    return groups * (values.max() + 1) + values


def _counts(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each member, how many members of its list share its group: (n, k2)."""
    return (groups[:, :, None] == groups[:, None, :]).sum(axis=2)


def _distinct_inside(outer: NDArray[np.int64], inner: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each member, how many distinct inner groups its list has within its outer group: (n, k2)."""
    k2 = inner.shape[1]
    same = inner[:, :, None] == inner[:, None, :]
    first = ~(same & np.tri(k2, k2, -1, dtype=bool)).any(
        axis=2
    )  # first member of its inner group in the list
    return ((outer[:, :, None] == outer[:, None, :]) & first[:, None, :]).sum(axis=2)
