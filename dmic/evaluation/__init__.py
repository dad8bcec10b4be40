"""Running a test protocol: Rank-k, mAP and mINP for SYSU-MM01, RegDB, LLCM and SynthVI.

Here: how features become scores over a protocol's trials. What Rank-k, mAP and mINP *count* is in `ranking` (`rank_metrics`, one
distance matrix); which images are queries and gallery, and which pairs are dropped, in `protocols` (`Protocol`), `sides` and
`ranking.RULES`.

=============  ======================================  =========================================================
data set       queries → gallery                       repeated
=============  ======================================  =========================================================
SYSU-MM01      infrared → visible; all or indoor       10 galleries, one or ten images per person and camera
RegDB          visible → infrared, everything          10 splits, one model each: `mean_of_splits`
LLCM           infrared → visible                      10 galleries, one image per person and camera
=============  ======================================  =========================================================

The other direction of each is ``protocol.flipped()``, by name ``protocol_by_name("llcm-flipped")``. With ``seed=0`` the
galleries of SYSU-MM01 (single-shot) and LLCM are those of the public code behind most published numbers
(`dmic.evaluation.protocols.draw_gallery_agw`).

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmic.evaluation.protocols import PROTOCOLS, Protocol, draw_gallery, draw_gallery_agw, protocol_by_name
from dmic.evaluation.ranking import SCORES, RankMetrics, dropped_pairs, rank_metrics
from dmic.evaluation.sides import Embedding, Side, count_unused, sides_of

if TYPE_CHECKING:
    from dmic.images import ImageTable

__all__ = [
    "PROTOCOLS",
    "EvaluationResult",
    "Protocol",
    "RankMetrics",
    "RankedGallery",
    "draw_gallery",
    "draw_gallery_agw",
    "evaluate",
    "mean_of_splits",
    "protocol_by_name",
    "rank_metrics",
    "ranked_gallery",
]

_ROUNDING = 1e-6  # of a float32 cosine: distances that are nearer to each other than this are equal


@dataclass(frozen=True)
class EvaluationResult:
    """A protocol's scores, in percent."""

    protocol: str
    mean: dict[str, float]  # the six scores, means over the trials
    std: dict[str, float]  # over the trials, ddof 1: luck of the gallery draw; 0 for one trial
    trials: list[RankMetrics]
    queries: int  # as in RankMetrics
    queries_skipped: int  # queries without a true match in the gallery
    unused: int  # test images of cameras that the protocol takes on neither side
    standard_error_rank1: float  # over test people: luck of who was tested; NaN for one person
    cmc: NDArray[np.float64] = field(compare=False, repr=False)  # mean over the trials


def _trial(gallery: Side, protocol: Protocol, seed: int, trial: int) -> Side:
    return gallery.take(protocol.gallery_of(trial, gallery.ids, gallery.cameras, seed=seed))


def _warn_of_ties(spread: NDArray[np.float32], people: int) -> None:
    """Warn of queries that cannot tell gallery images apart: `spread` is their farthest minus their nearest distance."""
    if people > 1 and (tied := np.count_nonzero(spread < _ROUNDING)):
        warnings.warn(
            f"{tied} of {len(spread)} queries are equally far from every gallery image: the embeddings have collapsed. Ties keep "
            "the gallery's order, mostly sorted by person, so mAP and mINP come out above those of a random order; "
            f"Rank-1 by chance is about {100 / people:.1f} %.",
            stacklevel=3,
        )


def _standard_error(hits: NDArray[np.float64], ids: NDArray[np.int64]) -> float:
    """Standard error of mean(hits), with a person's queries taken as one draw (ratio estimator).

    With equally many queries each it is the standard deviation of the people's hit rates / sqrt(number of people).
    """
    people, person, counts = np.unique(ids, return_inverse=True, return_counts=True)
    if len(people) < 2:
        return float("nan")
    residuals = np.bincount(person, weights=hits) - counts * hits.mean()
    return float(np.sqrt(len(people) / (len(people) - 1) * (residuals**2).sum()) / len(hits))


def evaluate(
    embed: Embedding, table: ImageTable, protocol: Protocol | str, *, seed: int = 0
) -> EvaluationResult:
    """Run a whole protocol: draw each trial's gallery, score it, average.

    Parameters
    ----------
    embed : callable or mapping
        A function from ImageTable to (n, d) features, or {"query": (nq, d), "gallery": (ng, d)}, the features of
        `table.query` and `table.gallery`. Rows are made unit here; distance = 1 - cosine.
    table : ImageTable
        The whole data set; its query and gallery splits together are the test images.
    protocol : Protocol or str
        One of `PROTOCOLS`, maybe `.flipped()`, or its name (`protocol_by_name`).
    seed : int
        Chooses the trials' galleries, see `Protocol.gallery_of`. Keep 0 for numbers to compare with published ones.

    Returns
    -------
    EvaluationResult
        All scores and standard errors in percent.

    Raises
    ------
    ValueError
        Features that do not fit the table, a side without images, no query with a true match, a name that no protocol has.

    Warns
    -----
    UserWarning
        If test images are of cameras that the protocol does not know, or queries are equally far from the whole gallery.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    protocol = protocol_by_name(protocol) if isinstance(protocol, str) else protocol
    query, gallery = sides_of(embed, table, protocol)
    unused = count_unused(table, protocol, query, gallery)
    trials = []
    for trial in range(protocol.trials):
        drawn = _trial(gallery, protocol, seed, trial)
        labels = {"query_ids": query.ids, "query_cameras": query.cameras}
        labels |= {"gallery_ids": drawn.ids, "gallery_cameras": drawn.cameras}
        distance = 1.0 - query.features @ drawn.features.T
        trials.append(rank_metrics(distance, rule=protocol.rule, **labels))
    scored = trials[0].ranks > 0  # the same in every trial: each (person, camera) is in every gallery
    _warn_of_ties(np.ptp(distance, axis=1)[scored], len(np.unique(drawn.ids)))
    hits = np.mean([metrics.ranks[scored] == 1 for metrics in trials], axis=0)
    return _averaged(
        protocol.name,
        trials,
        standard_error_rank1=100.0 * _standard_error(hits, query.ids[scored]),
        queries=trials[0].queries,
        queries_skipped=len(scored) - trials[0].queries,
        unused=unused,
    )


def _averaged(protocol: str, trials: list[RankMetrics], **others: Any) -> EvaluationResult:
    longest = max(len(metrics.cmc) for metrics in trials)
    curves = [np.pad(m.cmc, (0, longest - len(m.cmc)), constant_values=100.0) for m in trials]
    scores = np.array([list(metrics.to_dict().values()) for metrics in trials])  # (trials, 6)
    return EvaluationResult(
        protocol=protocol,
        mean=dict(zip(SCORES, scores.mean(axis=0).tolist(), strict=True)),
        std=dict(zip(SCORES, scores.std(axis=0, ddof=min(1, len(trials) - 1)).tolist(), strict=True)),
        trials=trials,
        cmc=np.mean(curves, axis=0),
        **others,
    )


def mean_of_splits(results: Sequence[EvaluationResult]) -> EvaluationResult:
    """Average the results of several splits, one model each, as RegDB's protocol does with ten.

    Parameters
    ----------
    results : sequence of EvaluationResult
        Of the same protocol, one per split.

    Returns
    -------
    EvaluationResult
        `mean` and `std` over all trials of all splits, which are listed in `trials`; `queries`, `queries_skipped` and `unused`
        are sums over the splits. A CMC counts as 100 behind its gallery's end. `standard_error_rank1` is the mean
        of the splits' own: ten overlapping halves of 412 people are not ten times the evidence.

    Raises
    ------
    ValueError
        No results, or of different protocols.

    Taught in: notebooks/09_full_training.ipynb

    Examples
    --------
    >>> mean_of_splits([])
    Traceback (most recent call last):
    ValueError: found results of no protocol; expected results of one protocol, one per split.
    """
    names = sorted({result.protocol for result in results})
    if len(names) != 1:
        raise ValueError(
            f"found results of {', '.join(names) or 'no protocol'}; expected results of one protocol, one per split."
        )
    trials = [metrics for result in results for metrics in result.trials]
    counts = {
        name: sum(getattr(result, name) for result in results)
        for name in ("queries", "queries_skipped", "unused")
    }
    error = float(np.mean([result.standard_error_rank1 for result in results]))
    return _averaged(names[0], trials, standard_error_rank1=error, **counts)


class RankedGallery(NamedTuple):
    """Nearest gallery images of some queries. Indices are positions in the table: `table.gather(gallery[0])`."""

    queries: NDArray[np.int64]  # (q,)
    gallery: NDArray[np.int64]  # (q, top), nearest first; -1 where the rule leaves fewer than `top`
    correct: NDArray[np.bool_]  # (q, top), a true match?


def ranked_gallery(
    features: Embedding,
    table: ImageTable,
    protocol: Protocol | str,
    query_indices: ArrayLike,
    top: int = 10,
    seed: int = 0,
) -> RankedGallery:
    """Return the ranked lists of some queries in the gallery of trial 0, dropped images left out: for figures.

    Parameters
    ----------
    features : callable or mapping
        As `embed` of `evaluate`.
    table, protocol, seed
        As in `evaluate`.
    query_indices : (q,) int
        Which of the protocol's queries, counted from 0; for SynthVI and SYSU-MM01 these are the rows of `table.query`.
    top : int
        How many gallery images.

    Returns
    -------
    RankedGallery
        Positions in `table` and which of them are true matches.

    Taught in: notebooks/09_full_training.ipynb
    """
    protocol = protocol_by_name(protocol) if isinstance(protocol, str) else protocol
    queries, gallery = sides_of(features, table, protocol)
    queries, gallery = queries.take(np.asarray(query_indices)), _trial(gallery, protocol, seed, 0)
    distance = 1.0 - queries.features @ gallery.features.T
    dropped = dropped_pairs(protocol.rule, queries.ids, gallery.ids, queries.cameras, gallery.cameras)
    order = np.argsort(np.where(dropped, np.inf, distance), axis=1, kind="stable")[:, :top]  # (q, top)
    shown = ~np.take_along_axis(dropped, order, axis=1)
    correct = (gallery.ids[order] == queries.ids[:, None]) & shown
    return RankedGallery(queries.rows, np.where(shown, gallery.rows[order], -1), correct)
