"""Modality-camera invariant expansion (MIE, paper Eq. 3 and 6-7): whose encodings are averaged, and with what weight.

Taught in: notebooks/04_mie.ipynb
"""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dmic.config import Expansion
from dmic.neighbors import Neighbors

__all__ = ["expand", "expansion_weights"]


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
    (n, n) CSR with rows that sum to 1.

    Raises
    ------
    ValueError
        For an unknown rule, a k2 that the lists cannot serve, or a missing or ill-shaped label array.
    """
    weights = expansion_weights(neighbors, k2=k2, cameras=cameras, modalities=modalities, how=how)
    return (weights @ encoding).tocsr()


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
    levels = {
        "vanilla": [],
        "camera": [cameras],
        "modality": [modalities],
        "modality_camera": [modalities, cameras],
    }[how]
    weights = np.ones((n, k2))
    groups = np.zeros((n, k2), np.int64)  # group of each member so far: 0 = the whole list
    for name, level in zip(how.split("_"), levels, strict=False):
        groups_inside = _combine(groups, _checked(level, name, n, how)[members])
        weights /= _distinct_inside(groups, groups_inside)
        groups = groups_inside
    weights /= _counts(groups)
    pointers = np.arange(n + 1) * k2
    return sparse.csr_matrix((weights.astype(np.float32).ravel(), members.ravel(), pointers), shape=(n, n))


def _checked(values: NDArray[np.int64] | None, name: str, n: int, how: str) -> NDArray[np.int64]:
    if values is None:
        raise ValueError(
            f"how={how!r} needs the {name} of every image; pass {'cameras' if name == 'camera' else 'modalities'}="
        )
    values = np.asarray(values)
    if values.shape != (n,) or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            f"{name} labels have shape {values.shape}, dtype {values.dtype}; expected ({n},) integers"
        )
    return np.unique(values, return_inverse=True)[1]


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
