"""Retrieval scores of one distance matrix: CMC and Rank-k, mAP and mINP, by the rules of each benchmark.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["RULES", "SCORES", "RankMetrics", "dropped_pairs", "rank_metrics"]

SCORES = ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP")
RULES = ("sysu", "synthvi", "regdb", "llcm")
BLOCK_ENTRIES = 2**20  # distances ranked at once: bounds the working memory at about 100 MB


@dataclass(frozen=True)
class RankMetrics:
    """Scores of one distance matrix, in percent; what they mean is told in `rank_metrics`.

    `queries` counts those that the scores are means over: with a right image in the gallery. `cmc[k - 1]` is Rank-k,
    to the last rank. `ranks` (queries asked,) holds each query's rank of its first hit, 0 where it was left out.
    """

    rank1: float
    rank5: float
    rank10: float
    rank20: float
    mAP: float
    mINP: float
    queries: int
    cmc: NDArray[np.float64] = field(compare=False, repr=False)
    ranks: NDArray[np.int64] = field(compare=False, repr=False)

    def to_dict(self) -> dict[str, float]:
        """Return the six scores by name, in percent, ready for JSON."""
        return {name: getattr(self, name) for name in SCORES}


def dropped_pairs(rule: str, query_ids, gallery_ids, query_cameras, gallery_cameras) -> NDArray[np.bool_]:
    """Pairs (queries, gallery) that the rule takes out of the ranked lists."""
    if rule in ("sysu", "synthvi"):
        return (query_cameras == 3)[:, None] & (gallery_cameras == 2)
    if rule == "llcm":
        return (query_ids[:, None] == gallery_ids) & (query_cameras[:, None] == gallery_cameras)
    return np.zeros((len(query_ids), len(gallery_ids)), dtype=bool)


def _score_block(distance, query_ids, gallery_ids, dropped, by_person: bool) -> NDArray[np.float64]:
    """(3, queries): rank of the first hit, AP, INP; all 0 where no right image is left."""
    order = np.argsort(distance, axis=1, kind="stable")  # (queries, gallery), nearest first
    kept = np.take_along_axis(~dropped, order, axis=1)
    right = (gallery_ids[order] == query_ids[:, None]) & kept
    place = np.cumsum(kept, axis=1)  # rank in the filtered list, from 1
    found = np.cumsum(right, axis=1)
    positives = found[:, -1]
    first = np.take_along_axis(place, right.argmax(axis=1)[:, None], axis=1)  # (queries, 1)
    rank = first[:, 0]
    if by_person:  # 1 + the people whose nearest kept image comes before the first right image
        by_column = np.empty_like(place)
        np.put_along_axis(by_column, order, np.where(kept, place, place.shape[1] + 1), axis=1)
        grouping = np.argsort(gallery_ids, kind="stable")
        starts = np.unique(gallery_ids[grouping], return_index=True)[1]
        nearest = np.minimum.reduceat(by_column[:, grouping], starts, axis=1)  # (queries, people)
        rank = 1 + (nearest < first).sum(axis=1)
    precision = np.where(right, found / np.maximum(place, 1), 0.0).sum(axis=1) / np.maximum(positives, 1)
    penalty = positives / np.maximum((place * right).max(axis=1), 1)  # right images / rank of the last one
    return np.stack([np.where(positives > 0, rank, 0), precision, penalty])


def _check(distance: NDArray, arrays: dict[str, NDArray], rule: str) -> None:
    if rule not in RULES:
        raise ValueError(f"unknown rule {rule!r}; expected one of {', '.join(map(repr, RULES))}.")
    if distance.ndim != 2 or not distance.size:
        raise ValueError(
            f"distance has shape {distance.shape}; expected (queries, gallery), both at least 1."
        )
    for name, values in arrays.items():
        length, line = (
            (distance.shape[0], "row") if name.startswith("query") else (distance.shape[1], "column")
        )
        if values.shape != (length,):
            raise ValueError(
                f"{name} has shape {values.shape}, distance {distance.shape}; expected ({length},), one entry "
                f"per {line}. Rows are queries, columns gallery images: is distance transposed?"
            )
    if bad := int(np.isnan(distance).sum()):
        raise ValueError(
            f"{bad} of {distance.size} distances are NaN, which has no rank. Check the features."
        )


def rank_metrics(
    distance: ArrayLike,
    *,
    query_ids: ArrayLike,
    gallery_ids: ArrayLike,
    query_cameras: ArrayLike,
    gallery_cameras: ArrayLike,
    rule: str,
) -> RankMetrics:
    """Score one retrieval: CMC (Rank-k), mean average precision, mean inverse negative penalty.

    Every query ranks the gallery by distance (ties: gallery order). The rule drops some pairs and sets what CMC
    counts:

    ==================  ===============================================  ================
    rule                dropped from a query's list                      CMC counts
    ==================  ===============================================  ================
    "sysu", "synthvi"   where camera 3 asks: images of camera 2          different people
    "llcm"              images of the same person *and* the same camera  different people
    "regdb"             nothing                                          images
    ==================  ===============================================  ================

    Rank-k: share of queries whose person is among the first k people (each placed at the nearest image), or, counting
    images, is in one of the first k. With n right images left, AP = mean over them of (right images so far / rank)
    and INP = n / rank of the last one; by every rule these ranks count images of the filtered list. Queries without
    a right image left are left out of all means. A gallery shorter than k gives Rank-k = 100.

    Parameters
    ----------
    distance : (queries, gallery) float
        Smaller is more alike; no NaN.
    query_ids, gallery_ids : (queries,) int, (gallery,) int
        The person in each image.
    query_cameras, gallery_cameras : (queries,) int, (gallery,) int
        The camera of each image.
    rule : {"sysu", "synthvi", "regdb", "llcm"}
        See the table.

    Returns
    -------
    RankMetrics
        Scores in percent, 0-100.

    Raises
    ------
    ValueError
        Lengths that do not fit, NaN, an unknown rule, no query with a right image.

    References
    ----------
    Wu et al., ICCV 2017 (SYSU-MM01); Ye et al., TPAMI 2021 (mINP); Zhang and Wang, CVPR 2023 (LLCM).
    Taught in: notebooks/01_people_and_cameras.ipynb

    Examples
    --------
    >>> sides = {"query_ids": [7], "query_cameras": [6], "gallery_ids": [8, 7], "gallery_cameras": [1, 1]}
    >>> rank_metrics([[0.2, 0.4]], rule="sysu", **sides).mAP  # the right image comes second
    50.0
    """
    matrix, askers, answers = np.asarray(distance), np.asarray(query_ids), np.asarray(gallery_ids)
    sides = {"query_ids": askers, "gallery_ids": answers}
    sides |= {"query_cameras": np.asarray(query_cameras), "gallery_cameras": np.asarray(gallery_cameras)}
    _check(matrix, sides, rule)
    size, blocks = max(1, BLOCK_ENTRIES // len(answers)), []
    for start in range(0, len(askers), size):  # blocks of queries, only to bound memory
        part = {name: v[start : start + size] if name.startswith("query") else v for name, v in sides.items()}
        rows = matrix[start : start + size]
        blocks.append(
            _score_block(rows, part["query_ids"], answers, dropped_pairs(rule, **part), rule != "regdb")
        )
    scores = np.concatenate(blocks, axis=1)
    ranks = scores[0].astype(np.int64)
    if not (valid := ranks > 0).any():
        raise ValueError(
            f"none of the {len(ranks)} queries has an image of its person in the gallery once rule {rule!r} has "
            "dropped its pairs; expected at least one. Check that both sides number people alike, and the cameras."
        )
    length = len(answers) if rule == "regdb" else len(np.unique(answers))
    cmc = 100.0 * np.cumsum(np.bincount(ranks[valid], minlength=length + 1)[1:]) / valid.sum()
    rank1, rank5, rank10, rank20 = (float(cmc[min(k, length) - 1]) for k in (1, 5, 10, 20))
    mean_precision, mean_penalty = (100.0 * scores[1:, valid].mean(axis=1)).tolist()
    queries = int(valid.sum())
    return RankMetrics(rank1, rank5, rank10, rank20, mean_precision, mean_penalty, queries, cmc, ranks)
