"""Exact nearest neighbours of unit vectors, self first (the lists every later step stands on).

Taught in: notebooks/03_distance_encoding.ipynb
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from dmic.compute import kernels
from dmic.compute.devices import bf16_is_fast

__all__ = ["Backend", "Neighbors", "has_faiss", "nearest"]

logger = logging.getLogger(__name__)

Backend = Literal["auto", "faiss", "torch", "bf16"]
_SPARE = 16  # candidates beyond k that a search returns
_WIDEST = 1024  # candidates at most; only rows with as many ties ever ask for more
_SCORES = 1 << 25  # scores computed at once by the torch searches: bounds them to 128 MiB
_BF16_FROM = 2048  # points from which "auto" uses bf16 on a CPU; fewer take no time anyway

Found = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]
Search = Callable[
    [NDArray[np.int64], int], Found
]  # (rows, width) -> scores, indices, error of each row's scores


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
        Length of the lists, the point itself included; 1 <= k < n.
    backend
        Which search proposes candidates; the lists are the same with each. ``faiss``: flat index, on a GPU where faiss sees one. ``torch``:
        float32 products on ``device``. ``bf16``: bfloat16 products on ``device``, two to four times as fast where the
        hardware has them (else ``torch``, with a logged line). ``auto``: bf16 where it is fast, else torch on a GPU, else
        faiss where it is installed. The choice is logged.
    device
        Torch device of the products of the ``torch`` and ``bf16`` searches. The exact scores of the candidates are always
        computed on the CPU (``kernels.dots``), as are the lists.

    Returns
    -------
    Neighbors
        ``indices`` (n, k) int64 and ``similarities`` (n, k) float32, best first; equal scores are ordered by index.

    Raises
    ------
    ValueError
        For an empty or one-dimensional array, rows that are not finite or not of unit length, or k that is no integer of 1..n-1.

    Notes
    -----
    The relatives' distance is M(i, j) = 2 - 2 cos(f_i, f_j), so the order by M is the order by cosine. Self is put first
    even where duplicates tie with it.

    Exactness: a search returns k + 16 candidates a row by approximate scores, off by at most a known error. They are scored
    again, in float64, and the best k kept. A point that is no candidate scores at most the worst candidate's approximate
    score plus the error. Where the k-th score is above that, the list is proven; the other rows are searched again with
    more candidates. Cost: 2 n^2 d operations for the scores (nearly all of the clustering's), n (k + 16) d for the rest.
    """
    features, k = _checked(features, k), int(k)
    searches = _searches(features, backend, device)
    n = len(features)
    indices, similarities = np.empty((n, k), np.int64), np.empty((n, k), np.float32)
    rows, widest = np.arange(n), max(_WIDEST, 4 * k)
    for search, spread in searches:
        width = min(n, spread * (k + _SPARE), widest)
        if not rows.size:
            break
        scores, candidates, error = search(rows, width)
        indices[rows], similarities[rows] = _best(features, rows, candidates, k)
        reach = scores[:, -1] + error + np.float32(2**-23)  # the last: rounding of the float32 similarities
        unsafe = (similarities[rows, -1] <= reach) & (width < n)
        logger.debug("nearest: %d of %d rows need more than %d candidates", unsafe.sum(), len(rows), width)
        rows = rows[unsafe]
    if rows.size:
        logger.warning(
            "nearest: %d of %d points have over %d neighbours that are equally near up to rounding; which of these are "
            "listed is arbitrary. Did the embeddings collapse?",
            *(rows.size, n, width - k),
        )
    similarities[:, 0] = 1.0
    return Neighbors(indices, similarities)


def _checked(features: ArrayLike, k: Any) -> NDArray[np.float32]:
    features = np.asarray(features)
    if features.ndim != 2 or features.size == 0:
        raise ValueError(f"features has shape {features.shape}; expected (n, d) with n, d >= 1")
    if not isinstance(k, (int, np.integer)) or not 1 <= k < len(features):
        raise ValueError(
            f"k is {k} but there are {len(features)} points; expected an integer, 1 <= k < {len(features)} (a list of all points would "
            "say nothing): lower k, or give more points"
        )
    features = np.ascontiguousarray(features, dtype=np.float32)
    norms = np.sqrt(np.einsum("nd,nd->n", features, features))
    wrong = np.flatnonzero(~(np.abs(norms - 1) < 1e-3))
    if wrong.size:
        raise ValueError(
            f"{wrong.size} of {len(features)} rows are not finite unit vectors (first: row {wrong[0]}, norm "
            f"{norms[wrong[0]]:.4g}); divide each row by its norm, and look for NaN in training"
        )
    return features


def _searches(features: NDArray[np.float32], backend: Backend, device: str) -> list[tuple[Search, int]]:
    """Return the searches to try in turn, each with how many times the usual number of candidates."""
    if backend not in get_args(Backend):
        raise ValueError(f"backend is {backend!r}; expected one of {', '.join(map(repr, get_args(Backend)))}")
    on_cpu, wanted = torch.device(device).type == "cpu", backend
    if backend == "auto":
        if bf16_is_fast(device) and (len(features) >= _BF16_FROM or not on_cpu):
            backend = "bf16"
        else:
            backend = "faiss" if on_cpu and has_faiss() else "torch"
    elif backend == "bf16" and not bf16_is_fast(device):
        logger.info("nearest: %s has no bfloat16 matrix units; backend 'torch' instead of 'bf16'", device)
        backend = "torch"
    logger.info("nearest: backend %r (asked: %r) on %s for %d points", backend, wanted, device, len(features))
    full = _FaissSearch(features) if backend == "faiss" else _TorchSearch(features, device, torch.float32)
    quick = [(_TorchSearch(features, device, torch.bfloat16), spread) for spread in (1, 2)]
    return (quick if backend == "bf16" else []) + [(full, spread) for spread in (1, 4, 1 << 20)]


def has_faiss() -> bool:
    """Return whether the library is installed."""
    return importlib.util.find_spec("faiss") is not None


class _FaissSearch:
    """Flat inner-product index, on the first GPU if faiss sees one."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        self.features = features
        self.index: Any = None  # made when first used

    def __call__(self, rows: NDArray[np.int64], width: int) -> Found:
        import faiss

        if self.index is None:
            self.index = faiss.IndexFlatIP(self.features.shape[1])
            if getattr(faiss, "get_num_gpus", int)() > 0:
                self.index = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, self.index)
            self.index.add(self.features)
        queries = self.features if len(rows) == len(self.features) else self.features[rows]
        scores, indices = self.index.search(queries, width)
        return scores, indices, np.full(len(rows), _rounding(self.features.shape[1]), np.float32)


class _TorchSearch:
    """Products of blocks of rows with all rows, in float32 or bfloat16, on a device; prepared when first used."""

    def __init__(self, features: NDArray[np.float32], device: str, dtype: torch.dtype) -> None:
        self.features, self.device, self.dtype = torch.from_numpy(features), device, dtype
        self.everyone: torch.Tensor | None = None
        self.lost = np.zeros(1, np.float32)  # (n,) length of what bfloat16 cuts off each row

    def __call__(self, rows: NDArray[np.int64], width: int) -> Found:
        if self.everyone is None:
            self.everyone = self.features.to(self.device, self.dtype)
            if self.dtype == torch.bfloat16:
                parts = self.features.split(4096)
                self.lost = np.concatenate([(x - x.bfloat16().float()).norm(dim=1).numpy() for x in parts])
        scores = torch.empty((len(rows), width), dtype=torch.float32)
        indices = torch.empty((len(rows), width), dtype=torch.int64)
        blocks = torch.arange(len(rows)).split(max(1, _SCORES // len(self.features)))
        with _no_shortcuts():
            for block in blocks:
                queries = self.everyone[torch.from_numpy(rows)[block].to(self.device)]
                best = (queries @ self.everyone.T).topk(width, dim=1)
                scores[block], indices[block] = best.values.float().cpu(), best.indices.cpu()
        return scores.numpy(), indices.numpy(), self._error(rows, scores[:, -1].numpy())

    def _error(self, rows: NDArray[np.int64], worst: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return by how much a row's scores up to its worst candidate's may be too low.

        |a.b - a'.b'| <= |a - a'| |b| + |a'| |b - b'|, with a' = a in bfloat16. Its 8 binary digits also round the scores, by
        up to 2^-8 of their size.
        """
        error = np.full(len(rows), _rounding(self.features.shape[1]), np.float32)
        if self.dtype == torch.bfloat16:
            error += 1.01 * (self.lost[rows] + self.lost.max()) + 2**-8 * np.abs(worst)
        return error


def _rounding(dim: int) -> float:
    """Return a bound of the error of a float32 dot product of two unit vectors, in any order of summation: d 2^-24."""
    return 1.01 * dim * 2.0**-24


@contextmanager
def _no_shortcuts() -> Iterator[None]:
    """Let torch multiply float32 as float32 (no TF32) and sum bfloat16 products in float32, whatever the caller has set."""
    precision, matmul = torch.get_float32_matmul_precision(), torch.backends.cuda.matmul
    reduced = matmul.allow_bf16_reduced_precision_reduction
    torch.set_float32_matmul_precision("highest")
    matmul.allow_bf16_reduced_precision_reduction = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        matmul.allow_bf16_reduced_precision_reduction = reduced


def _best(
    features: NDArray[np.float32], rows: NDArray[np.int64], candidates: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Score candidates (rows, width) anew, put the point itself first and the others by (score, index); keep k."""
    count, width = candidates.shape
    candidates = candidates.astype(np.int32)
    missing = ~(candidates == rows[:, None]).any(axis=1)  # possible only among more than `width` duplicates
    candidates[missing, -1] = rows[missing]
    pointers = np.arange(count + 1) * width
    work = np.ones(count)
    (flat,) = kernels.over_rows(kernels.dots, work, features, rows, pointers, candidates.ravel())
    scores = np.where(candidates == rows[:, None], np.float32(np.inf), flat.reshape(count, width))
    order = np.lexsort((candidates, -scores))[:, :k]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(scores, order, axis=1)
