"""Exact nearest neighbours of unit vectors, self first (the lists every later step stands on).

Taught in: notebooks/03_distance_encoding.ipynb
"""

from __future__ import annotations

import logging
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["Neighbors", "nearest"]

logger = logging.getLogger(__name__)

Backend = Literal["auto", "faiss", "torch"]
_CHUNK = 2048  # query rows per block of the torch backend: bounds its memory to _CHUNK x n floats


class Neighbors(NamedTuple):
    """The k nearest neighbours of n points: ``indices`` (n, k) int64, self first, and ``similarities`` (n, k) float32."""

    indices: NDArray[np.int64]
    similarities: NDArray[np.float32]


def nearest(
    features: NDArray[np.float32], k: int, *, backend: Backend = "auto", device: str = "cpu"
) -> Neighbors:
    """Return each row's k most similar rows by cosine, the row itself first.

    Parameters
    ----------
    features : (n, d) float32
        Unit rows.
    k : int
        Length of the lists, the point itself included; 1 <= k <= n.
    backend
        ``faiss`` (exact flat index, CPU), ``torch`` (chunked matrix product on ``device``), or ``auto``:
        torch on a GPU, else faiss where it is installed.
    device
        Torch device of the ``torch`` backend.

    Returns
    -------
    Neighbors
        ``indices`` (n, k) int64 and ``similarities`` (n, k) float32, best first; equal scores are ordered by index.

    Raises
    ------
    ValueError
        For an empty or one-dimensional array, rows that are not finite or not of unit length, or k outside 1..n.

    Notes
    -----
    The relatives' distance is M(i, j) = 2 - 2 cos(f_i, f_j), so the order by M is the order by cosine. Self is put first
    even where duplicates tie with it.
    """
    features = _checked(features, k)
    if backend == "auto":
        backend = "torch" if device != "cpu" or not _has_faiss() else "faiss"
        logger.debug("nearest: %s backend for %d points", backend, len(features))
    search = {"faiss": _search_faiss, "torch": _search_torch}.get(backend)
    if search is None:
        raise ValueError(f"backend is {backend!r}; expected 'auto', 'faiss' or 'torch'")
    similarities, indices = search(features, k, device)
    return _self_first(indices.astype(np.int64), similarities)


def _checked(features: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    if features.ndim != 2 or features.size == 0:
        raise ValueError(f"features has shape {features.shape}; expected (n, d) with n, d >= 1")
    if not 1 <= k <= len(features):
        raise ValueError(f"k is {k} but there are {len(features)} points; take 1 <= k <= {len(features)}")
    features = np.ascontiguousarray(features, dtype=np.float32)
    norms = np.linalg.norm(features, axis=1)
    wrong = np.flatnonzero(~(np.abs(norms - 1) < 1e-3))
    if wrong.size:
        raise ValueError(
            f"{wrong.size} of {len(features)} rows are not finite unit vectors (first: row {wrong[0]}, norm "
            f"{norms[wrong[0]]:.4g}); divide each row by its norm, and look for NaN in training"
        )
    return features


def _has_faiss() -> bool:
    try:
        import faiss  # noqa: F401
    except ImportError:
        return False
    return True


def _search_faiss(
    features: NDArray[np.float32], k: int, device: str
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    import faiss

    index = faiss.IndexFlatIP(features.shape[1])
    index.add(features)
    return index.search(features, k)


def _search_torch(
    features: NDArray[np.float32], k: int, device: str
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    everyone = torch.from_numpy(features).to(device)
    blocks = [(block @ everyone.T).topk(k, dim=1) for block in everyone.split(_CHUNK)]
    scores = torch.cat([b.values for b in blocks]).cpu().numpy()
    return scores, torch.cat([b.indices for b in blocks]).cpu().numpy()


def _self_first(indices: NDArray[np.int64], similarities: NDArray[np.float32]) -> Neighbors:
    """Order each list by (score, index) and put the point itself first, in place of the last entry if it is missing."""
    n, k = indices.shape
    rows = np.arange(n)
    missing = ~(indices == rows[:, None]).any(axis=1)  # possible only among more than k exact duplicates
    indices[missing, -1] = rows[missing]
    similarities = np.where(indices == rows[:, None], np.float32(np.inf), similarities)
    order = np.lexsort((indices, -similarities))
    indices = np.take_along_axis(indices, order, axis=1)
    similarities = np.take_along_axis(similarities, order, axis=1)
    similarities[:, 0] = 1.0
    return Neighbors(indices, similarities.astype(np.float32))
