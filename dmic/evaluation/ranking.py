"""Retrieval scores of one distance matrix: CMC and Rank-k, mAP and mINP, by the rules of each benchmark.

The definition query by query, in plain loops, is `dmic.lab.reference.loop_over_queries`; tests hold the two against each other.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmic.storage.checking import near_names

__all__ = ["RANKS", "RULES", "SCORES", "MatchRule", "RankMetrics", "dropped_pairs", "rank_metrics"]

RANKS = (1, 5, 10, 20)
SCORES = {**{f"rank{k}": f"Rank-{k}" for k in RANKS}, "mAP": "mAP", "mINP": "mINP"}
"""Every score of `RankMetrics`, in the order of tables: its name in code and files -> its name in print."""


class MatchRule(NamedTuple):
    """What a benchmark leaves out of a query's ranked list, and what its CMC counts."""

    same_place: tuple[tuple[int, int], ...] = ()  # (query camera, gallery camera) that stand in one place
    same_camera: bool = False  # drop images of the query's own person and camera
    cmc_by_person: bool = True  # the CMC counts different people, each at the nearest image; False: images


RULES = {
    "sysu": MatchRule(same_place=((3, 2),)),  # cameras 2 and 3 see the same room (Wu et al., ICCV 2017)
    "synthvi": MatchRule(same_place=((3, 2),)),  # rendered so: data_scripts/synthvi/place/cameras.py
    "regdb": MatchRule(cmc_by_person=False),
    "llcm": MatchRule(same_camera=True),
}
"""Rules by name, as `rank_metrics` and `protocols.Protocol` take them: another benchmark is another line."""

BLOCK_ENTRIES = 2**18  # distances ranked at once: the working memory stays in the cache
_LAST, _COLUMN = np.uint64((2**32 - 1) << 32), np.uint64(2**32 - 1)  # of the keys of a ranking: `_keys`


@dataclass(frozen=True)
class RankMetrics:
    """Scores of one distance matrix, in percent; what they mean is told in `rank_metrics`.

    `queries` counts those that the scores are means over: with a true match in the gallery. `cmc[k - 1]` is Rank-k,
    to the last rank. `ranks` (queries,) holds the rank of each query's first true match, 0 where it was skipped.
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
    dropped = np.zeros((len(query_ids), len(gallery_ids)), dtype=bool)
    for query_camera, gallery_camera in RULES[rule].same_place:
        dropped |= (query_cameras == query_camera)[:, None] & (gallery_cameras == gallery_camera)
    if RULES[rule].same_camera:
        dropped |= (query_ids[:, None] == gallery_ids) & (query_cameras[:, None] == gallery_cameras)
    return dropped


def _keys(distance: NDArray) -> NDArray[np.uint64]:
    """Integers (queries, gallery) in the order of (distance, gallery index), the index in their lower 32 bits.

    Sorting them sorts distance and index together, several times as fast as a stable argsort. The bits of a positive
    float32 are in its order already, those of a negative one in the reverse.
    """
    columns = np.arange(distance.shape[1], dtype=np.uint64)
    if distance.dtype == np.float32:
        bits = (distance + np.float32(0)).view(np.uint32)  # + 0: -0.0 and 0.0 are a tie
        place = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    else:
        place = np.empty(distance.shape, np.uint32)
        order = np.argsort(distance, axis=1, kind="stable")
        np.put_along_axis(place, order, columns.astype(np.uint32)[None], axis=1)
    return place.astype(np.uint64) << np.uint64(32) | columns


def _score_block(distance, query_ids, gallery_ids, dropped, by_person: bool) -> NDArray[np.float64]:
    """(3, queries): rank of the first true match, AP, INP; all 0 where no true match is left."""
    keys = _keys(distance)
    if dropped.any():
        keys[dropped] |= _LAST  # behind all others
    ranked = np.sort(keys, axis=1)
    listed = gallery_ids[(ranked & _COLUMN).astype(np.int64)]  # (queries, gallery), nearest first
    right = (listed == query_ids[:, None]) & (ranked < _LAST)
    rows, places = np.nonzero(right)  # the true matches of each query in turn
    count = np.bincount(rows, minlength=len(keys))
    end = np.cumsum(count)
    # 1 for a query's first true match, 2 for its second, ...
    nth = np.arange(1, len(rows) + 1) - (end - count)[rows]
    scores = np.zeros((3, len(keys)))
    matched = count > 0
    first, last = places[(end - count)[matched]], places[end[matched] - 1]
    scores[0, matched] = first + 1
    scores[1] = np.bincount(rows, nth / (places + 1), minlength=len(keys)) / np.maximum(count, 1)
    scores[2, matched] = count[matched] / (last + 1)
    if by_person:  # 1 + the people whose nearest kept image comes before the first right image
        grouping = np.argsort(gallery_ids, kind="stable")
        starts = np.unique(gallery_ids[grouping], return_index=True)[1]
        nearest = np.minimum.reduceat(keys[:, grouping], starts, axis=1)[matched]  # (queries, people)
        scores[0, matched] = 1 + (nearest < ranked[matched, first][:, None]).sum(axis=1)
    return scores


def _check(distance: NDArray, arrays: dict[str, NDArray], rule: str) -> None:
    if rule not in RULES:
        raise ValueError(near_names(rule, RULES, what="rule"))
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
    if bad := distance.size - np.count_nonzero(np.isfinite(distance)):
        raise ValueError(
            f"{bad} of {distance.size} distances are NaN or infinite; expected finite ones. Check the features; an infinite "
            "distance would not drop a pair, only put it last: pairs are dropped by the rule."
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

    Every query ranks the gallery by distance (ties: gallery order; if it is sorted by person, distances that are all
    equal give mAP and mINP above chance). The rule drops some pairs and sets what CMC counts:

    ==================  ===============================================  ================
    rule                dropped from a query's list                      CMC counts
    ==================  ===============================================  ================
    "sysu", "synthvi"   queries from camera 3: images of camera 2        different people
    "llcm"              images of the same person *and* the same camera  different people
    "regdb"             nothing                                          images
    ==================  ===============================================  ================

    Rank-k: share of queries whose person is among the first k people (each placed at the nearest image), or, counting
    images, is in one of the first k. With n true matches left, AP = mean over them of (true matches so far / rank)
    and INP = n / rank of the last one; by every rule these ranks count images of the filtered list. Queries without
    a true match are skipped. A gallery shorter than k gives Rank-k = 100.

    Parameters
    ----------
    distance : (queries, gallery) float
        Smaller is more alike; finite.
    query_ids, gallery_ids : (queries,) int, (gallery,) int
        The person in each image.
    query_cameras, gallery_cameras : (queries,) int, (gallery,) int
        The camera of each image.
    rule
        A name of `RULES`, see the table.

    Returns
    -------
    RankMetrics
        Scores in percent, 0-100.

    Raises
    ------
    ValueError
        Lengths that do not fit, distances that are not finite, an unknown rule, no query with a true match.

    References
    ----------
    Wu et al., ICCV 2017 (SYSU-MM01); Ye et al., TPAMI 2021 (mINP); Zhang and Wang, CVPR 2023 (LLCM).
    Taught in: notebooks/01_people_and_cameras.ipynb

    Examples
    --------
    >>> sides = {"query_ids": [7], "query_cameras": [6], "gallery_ids": [8, 7], "gallery_cameras": [1, 1]}
    >>> rank_metrics([[0.2, 0.4]], rule="sysu", **sides).mAP  # the true match comes second
    50.0
    """
    matrix, queries, gallery = np.asarray(distance), np.asarray(query_ids), np.asarray(gallery_ids)
    sides = {"query_ids": queries, "gallery_ids": gallery}
    sides |= {"query_cameras": np.asarray(query_cameras), "gallery_cameras": np.asarray(gallery_cameras)}
    _check(matrix, sides, rule)
    by_person = RULES[rule].cmc_by_person
    size, blocks = max(1, BLOCK_ENTRIES // len(gallery)), []
    for start in range(0, len(queries), size):  # blocks of queries, only to bound memory
        part = {name: v[start : start + size] if name.startswith("query") else v for name, v in sides.items()}
        rows = matrix[start : start + size]
        blocks.append(_score_block(rows, part["query_ids"], gallery, dropped_pairs(rule, **part), by_person))
    scores = np.concatenate(blocks, axis=1)
    ranks = scores[0].astype(np.int64)
    if not (valid := ranks > 0).any():
        raise ValueError(
            f"none of the {len(ranks)} queries has an image of its person in the gallery once rule {rule!r} has "
            "dropped its pairs; expected at least one. Check that both sides number people alike, and the cameras."
        )
    length = len(np.unique(gallery)) if by_person else len(gallery)
    cmc = 100.0 * np.cumsum(np.bincount(ranks[valid], minlength=length + 1)[1:]) / valid.sum()
    by_rank = [float(cmc[min(k, length) - 1]) for k in RANKS]
    means: dict[str, Any] = dict(
        zip(SCORES, [*by_rank, *(100.0 * scores[1:, valid].mean(axis=1)).tolist()], strict=True)
    )
    return RankMetrics(**means, queries=int(valid.sum()), cmc=cmc, ranks=ranks)
