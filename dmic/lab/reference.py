"""What users would run instead: dense N x N matrices and loops over images, as the public relatives compute.

Own code from the equations. `dmic.lab.benchmark` times it beside the package, tests compare the results; nothing else uses it.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN

from dmic.encoding import half_length

__all__ = ["DenseClustering", "dense_clustering", "dense_gib", "loop_over_queries"]


class DenseClustering(NamedTuple):
    """``labels`` (n,) int64, ``distance`` (n, n) float32 and the ``seconds`` of each stage."""

    labels: NDArray[np.int64]
    distance: NDArray[np.float32]
    seconds: dict[str, float]


def dense_gib(images: int) -> float:
    """Return the memory in GiB of the three dense float32 matrices: encoding, expanded encoding, distance."""
    return 3 * 4 * images**2 / 2**30


def dense_clustering(
    indices: NDArray[np.int64],
    features: NDArray[np.float32],
    cameras: NDArray[np.int64],
    modalities: NDArray[np.int64],
    *,
    k1: int,
    k2: int,
    eps: float,
    min_samples: int = 4,
) -> DenseClustering:
    """Cluster by the same mathematics as ``dnc.pseudo_labels`` with ``modality_camera``, from neighbour lists on.

    Parameters
    ----------
    indices : (n, >= k1) int64
        Neighbour lists, self first.
    features : (n, d) float32
        Unit rows.
    cameras, modalities : (n,) int64
    k1, k2, eps, min_samples
        As in ``dnc.pseudo_labels``.

    Returns
    -------
    DenseClustering

    Notes
    -----
    O(n^2) memory (``dense_gib``), and a Python loop over the images in each stage.
    """
    seconds, start = {}, time.perf_counter()
    encoding = _dense_encoding(indices, features, k1)
    seconds["encoding"], start = time.perf_counter() - start, time.perf_counter()
    encoding = _dense_expansion(encoding, indices[:, :k2], cameras, modalities)
    seconds["expansion"], start = time.perf_counter() - start, time.perf_counter()
    distance = _dense_jaccard(encoding)
    seconds["Jaccard"], start = time.perf_counter() - start, time.perf_counter()
    labels = DBSCAN(eps=eps, min_samples=min_samples, metric="precomputed").fit_predict(distance)
    seconds["DBSCAN"] = time.perf_counter() - start
    return DenseClustering(labels.astype(np.int64), distance, seconds)


def _reciprocal(indices: NDArray[np.int64], i: int, k: int) -> NDArray[np.int64]:
    own = indices[i, :k]
    return own[(indices[own, :k] == i).any(axis=1)]


def _dense_encoding(
    indices: NDArray[np.int64], features: NDArray[np.float32], k1: int
) -> NDArray[np.float32]:
    n = len(indices)
    half = min(half_length(k1), k1)
    encoding = np.zeros((n, n), np.float32)
    for i in range(n):
        members = _reciprocal(indices, i, k1)
        parts = [members]
        for q in members:
            more = _reciprocal(indices, q, half)
            if 3 * len(np.intersect1d(more, members)) > 2 * len(more):
                parts.append(more)
        support = np.unique(np.concatenate(parts))
        weights = np.exp(-np.maximum(2 - 2 * (features[support] @ features[i]), 0))
        encoding[i, support] = weights / weights.sum()
    return encoding


def _dense_expansion(
    encoding: NDArray[np.float32],
    lists: NDArray[np.int64],
    cameras: NDArray[np.int64],
    modalities: NDArray[np.int64],
) -> NDArray[np.float32]:
    expanded = np.empty_like(encoding)
    for i, members in enumerate(lists):
        by_modality = []
        for modality in np.unique(modalities[members]):
            seen = members[modalities[members] == modality]
            by_camera = [
                encoding[seen[cameras[seen] == camera]].mean(axis=0) for camera in np.unique(cameras[seen])
            ]
            by_modality.append(np.mean(by_camera, axis=0))
        expanded[i] = np.mean(by_modality, axis=0)
    return expanded


def _dense_jaccard(encoding: NDArray[np.float32]) -> NDArray[np.float32]:
    n = len(encoding)
    lists = [np.flatnonzero(column) for column in encoding.T]
    distance = np.empty((n, n), np.float32)
    for i in range(n):
        minima = np.zeros(n, np.float32)
        for column in np.flatnonzero(encoding[i]):
            others = lists[column]
            minima[others] += np.minimum(encoding[i, column], encoding[others, column])
        distance[i] = np.maximum(1 - minima / (2 - minima), 0)
    return distance


def loop_over_queries(
    distance: NDArray[np.float32],
    *,
    query_ids: NDArray[np.int64],
    gallery_ids: NDArray[np.int64],
    query_cameras: NDArray[np.int64],
    gallery_cameras: NDArray[np.int64],
    rule: str,
) -> dict[str, float]:
    """Score one retrieval query by query, with Python lists of what each rank adds, as the field's code does.

    Parameters and rules as in ``ranking.rank_metrics``.

    Returns
    -------
    dict
        ``rank1``, ``rank5``, ``rank10``, ``rank20``, ``mAP`` and ``mINP`` in percent.
    """
    order = np.argsort(distance, axis=1, kind="stable")
    first_ranks, precisions, penalties = [], [], []
    for query in range(len(distance)):
        listed = order[query]
        if rule in ("sysu", "synthvi") and query_cameras[query] == 3:
            listed = listed[gallery_cameras[listed] != 2]
        if rule == "llcm":
            same = gallery_ids[listed] == query_ids[query]
            listed = listed[~(same & (gallery_cameras[listed] == query_cameras[query]))]
        people = gallery_ids[listed]
        right = (people == query_ids[query]).astype(np.int32)
        if not right.any():
            continue
        counted = list(people)
        if rule != "regdb":  # each person once, where first listed
            counted = [people[place] for place in sorted(np.unique(people, return_index=True)[1])]
        first_ranks.append(1 + int(np.flatnonzero(np.array(counted) == query_ids[query])[0]))
        so_far = right.cumsum()
        precision = np.array([hits / (place + 1.0) for place, hits in enumerate(so_far)])
        precisions.append((precision * right).sum() / right.sum())
        last = np.flatnonzero(right).max()
        penalties.append(so_far[last] / (last + 1.0))
    ranks = np.array(first_ranks)
    scores = {f"rank{k}": 100.0 * float((ranks <= k).mean()) for k in (1, 5, 10, 20)}
    return {**scores, "mAP": 100.0 * float(np.mean(precisions)), "mINP": 100.0 * float(np.mean(penalties))}
