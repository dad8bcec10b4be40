"""Running a test protocol: Rank-k, mAP and mINP for SYSU-MM01, RegDB, LLCM and SynthVI.

Here: how features become scores over a protocol's trials. What Rank-k, mAP and mINP *count* is in `ranking` (`rank_metrics`, one
distance matrix); which images are queries and gallery, and which pairs are dropped, in `protocols` (`Protocol`) and `ranking.RULES`.

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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmic.evaluation.protocols import PROTOCOLS, Protocol, draw_gallery, draw_gallery_agw, protocol_by_name
from dmic.evaluation.ranking import SCORES, RankMetrics, dropped_pairs, rank_metrics
from dmic.images import Modality

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

Embedding = Callable[["ImageTable"], ArrayLike] | Mapping[str, ArrayLike]


@dataclass(frozen=True)
class EvaluationResult:
    """A protocol's scores, in percent."""

    protocol: str
    mean: dict[str, float]  # the six scores, means over the trials
    std: dict[str, float]  # over the trials, ddof 1: luck of the gallery draw; 0 for one trial
    trials: list[RankMetrics]
    queries: int  # as in RankMetrics
    standard_error_rank1: float  # over test people: luck of who was tested; NaN for one person
    cmc: NDArray[np.float64] = field(compare=False, repr=False)  # mean over the trials


class _Side(NamedTuple):
    rows: NDArray[np.int64]  # positions in the table
    features: NDArray[np.float32]  # unit rows
    ids: NDArray[np.int64]
    cameras: NDArray[np.int64]

    def take(self, indices: NDArray[np.int64]) -> _Side:
        """Return the images at the given places."""
        return _Side(self.rows[indices], self.features[indices], self.ids[indices], self.cameras[indices])


def _unit_features(embed: Embedding, table: ImageTable, split: str) -> NDArray[np.float32]:
    if not callable(embed) and split not in embed:
        raise ValueError(
            f"features have keys {sorted(embed)}; expected 'query' and 'gallery'. Of a finished run, take one stage: "
            "result.features['final']."
        )
    view = table.query if split == "query" else table.gallery
    features = np.asarray(embed(view) if callable(embed) else embed[split], dtype=np.float32)
    norms = np.linalg.norm(features, axis=-1, keepdims=True)
    if features.ndim != 2 or len(features) != len(view) or not (np.isfinite(norms) & (norms > 0)).all():
        raise ValueError(
            f"{split} features have shape {features.shape}; expected ({len(view)}, d), one finite row of non-zero "
            f"length per image of table.{split}. Embed exactly table.{split}, in its order."
        )
    return features / norms


def _sides(embed: Embedding, table: ImageTable, protocol: Protocol) -> tuple[_Side, _Side]:
    """Test images of the two sides: by modality and camera, so that a flipped protocol finds them too."""
    rows = np.concatenate([np.flatnonzero(table.splits == split) for split in ("query", "gallery")])
    features = np.concatenate([_unit_features(embed, table, split) for split in ("query", "gallery")])
    test = _Side(rows, features, table.identities[rows], table.cameras[rows])
    sides = []
    for modality, cameras in (
        (protocol.query_modality, protocol.query_cameras),
        (1 - protocol.query_modality, protocol.gallery_cameras),
    ):
        chosen = table.modalities[rows] == modality
        if cameras is not None:
            chosen &= np.isin(test.cameras, cameras)
        if not chosen.any():
            wanted, there = Modality(modality).name.lower(), sorted(set(test.cameras.tolist()))
            raise ValueError(
                f"protocol {protocol.name!r} needs {wanted} test images of cameras {cameras or 'any'}; found none "
                f"(test cameras: {there}). Choose the protocol that fits the data: {', '.join(PROTOCOLS)}."
            )
        sides.append(test.take(np.flatnonzero(chosen)))
    return sides[0], sides[1]


def _trial(gallery: _Side, protocol: Protocol, seed: int, trial: int) -> _Side:
    return gallery.take(protocol.gallery_of(trial, gallery.ids, gallery.cameras, seed=seed))


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

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    if isinstance(protocol, str):
        protocol = protocol_by_name(protocol)
    query, gallery = _sides(embed, table, protocol)
    trials = []
    for trial in range(protocol.trials):
        drawn = _trial(gallery, protocol, seed, trial)
        labels = {"query_ids": query.ids, "query_cameras": query.cameras}
        labels |= {"gallery_ids": drawn.ids, "gallery_cameras": drawn.cameras}
        trials.append(rank_metrics(1.0 - query.features @ drawn.features.T, rule=protocol.rule, **labels))
    scored = trials[0].ranks > 0  # the same in every trial: each (person, camera) is in every gallery
    hits = np.mean([metrics.ranks[scored] == 1 for metrics in trials], axis=0)
    return _averaged(protocol.name, trials, 100.0 * _standard_error(hits, query.ids[scored]))


def _averaged(protocol: str, trials: list[RankMetrics], standard_error: float) -> EvaluationResult:
    scores = np.array([list(metrics.to_dict().values()) for metrics in trials])  # (trials, 6)
    return EvaluationResult(
        protocol=protocol,
        mean=dict(zip(SCORES, scores.mean(axis=0).tolist(), strict=True)),
        std=dict(zip(SCORES, scores.std(axis=0, ddof=min(1, len(trials) - 1)).tolist(), strict=True)),
        trials=trials,
        queries=trials[0].queries,
        standard_error_rank1=standard_error,
        cmc=np.mean([metrics.cmc for metrics in trials], axis=0),
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
        `mean` and `std` over all trials of all splits, which are listed in `trials`. `standard_error_rank1` is the mean
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
    return _averaged(names[0], trials, float(np.mean([result.standard_error_rank1 for result in results])))


class RankedGallery(NamedTuple):
    """Nearest gallery images of some queries. Indices are positions in the table: `table.gather(gallery[0])`."""

    queries: NDArray[np.int64]  # (q,)
    gallery: NDArray[np.int64]  # (q, top), nearest first; -1 where the rule leaves fewer than `top`
    correct: NDArray[np.bool_]  # (q, top), a true match?


def ranked_gallery(
    features: Embedding,
    table: ImageTable,
    protocol: Protocol,
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
    queries, gallery = _sides(features, table, protocol)
    queries, gallery = queries.take(np.asarray(query_indices)), _trial(gallery, protocol, seed, 0)
    distance = 1.0 - queries.features @ gallery.features.T
    dropped = dropped_pairs(protocol.rule, queries.ids, gallery.ids, queries.cameras, gallery.cameras)
    order = np.argsort(np.where(dropped, np.inf, distance), axis=1, kind="stable")[:, :top]  # (q, top)
    shown = ~np.take_along_axis(dropped, order, axis=1)
    correct = (gallery.ids[order] == queries.ids[:, None]) & shown
    return RankedGallery(queries.rows, np.where(shown, gallery.rows[order], -1), correct)
