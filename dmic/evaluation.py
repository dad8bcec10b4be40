"""Retrieval scores and test protocols: Rank-k, mAP and mINP for SYSU-MM01, RegDB, LLCM and SynthVI.

`rank_metrics` (from `dmic.ranking`) scores *one* distance matrix; a `Protocol` says which images ask, which answer and which
pairs do not count; `evaluate` draws the protocol's galleries, scores each and averages.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmic.images import Modality
from dmic.ranking import RULES, SCORES, RankMetrics, dropped_pairs, rank_metrics

if TYPE_CHECKING:
    from dmic.images import ImageTable

Embedding = Callable[["ImageTable"], ArrayLike] | Mapping[str, ArrayLike]


@dataclass(frozen=True)
class Protocol:
    """Who asks, who answers, what does not count, and how often the gallery is drawn."""

    name: str
    rule: str  # of `rank_metrics`
    query_cameras: tuple[int, ...] | None = None  # None: every camera of the side's modality
    gallery_cameras: tuple[int, ...] | None = None
    shots: int | None = None  # gallery images per person and camera, drawn anew in each trial; None: all
    trials: int = 1  # galleries drawn; the scores are means over them
    query_modality: int = Modality.INFRARED  # the gallery has the other modality

    def __post_init__(self) -> None:
        """Refuse settings that no protocol can have."""
        if self.rule not in RULES or self.trials < 1 or (self.shots is not None and self.shots < 1):
            raise ValueError(
                f"found {self}; expected a rule of {RULES}, trials ≥ 1, shots ≥ 1 or None (all)."
            )

    def flipped(self) -> Protocol:
        """Swap the sides: infrared → visible becomes visible → infrared.

        The rule stays as it is: "sysu" and "synthvi" then drop nothing, for no camera 3 asks.
        """
        name = f"{self.name}-flipped".removesuffix("-flipped-flipped")
        return replace(
            self,
            name=name,
            query_cameras=self.gallery_cameras,
            gallery_cameras=self.query_cameras,
            query_modality=Modality(1 - self.query_modality),
        )


PROTOCOLS: dict[str, Protocol] = {
    "synthvi": Protocol("synthvi", "synthvi", shots=1, trials=10),  # any number of cameras
    "sysu-all-single": Protocol("sysu-all-single", "sysu", (3, 6), (1, 2, 4, 5), shots=1, trials=10),
    "sysu-all-multi": Protocol("sysu-all-multi", "sysu", (3, 6), (1, 2, 4, 5), shots=10, trials=10),
    "sysu-indoor-single": Protocol("sysu-indoor-single", "sysu", (3, 6), (1, 2), shots=1, trials=10),
    "sysu-indoor-multi": Protocol("sysu-indoor-multi", "sysu", (3, 6), (1, 2), shots=10, trials=10),
    "regdb": Protocol("regdb", "regdb", query_modality=Modality.VISIBLE),
    "llcm": Protocol("llcm", "llcm", shots=1, trials=10),
}


def protocol_by_name(name: str) -> Protocol:
    """Return an entry of ``PROTOCOLS``; ``ValueError`` lists the names if there is none."""
    if name not in PROTOCOLS:
        raise ValueError(f"there is no protocol {name!r}; expected one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def draw_gallery(
    identities: ArrayLike, cameras: ArrayLike, *, shots: int | None, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw `shots` random images of each (person, camera), all where there are fewer or `shots` is None.

    Parameters
    ----------
    identities, cameras : (n,) int
        Person and camera of each image on the gallery side.
    shots : int or None
        Images per person and camera.
    generator : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    (m,) int64, sorted indices into the n images.
    """
    people, seen_by = np.asarray(identities), np.asarray(cameras)
    if shots is None:
        return np.arange(len(people))
    order = np.lexsort((generator.random(len(people)), seen_by, people))  # groups, each in random order
    change = (np.diff(people[order]) != 0) | (np.diff(seen_by[order]) != 0)
    starts = np.flatnonzero(np.concatenate([[True], change]))
    position = np.arange(len(people)) - np.repeat(starts, np.diff(starts, append=len(people)))
    return np.sort(order[position < shots])


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
    found = np.asarray(embed(view) if callable(embed) else embed[split], dtype=np.float32)
    norms = np.linalg.norm(found, axis=-1, keepdims=True)
    if found.ndim != 2 or len(found) != len(view) or not (np.isfinite(norms) & (norms > 0)).all():
        raise ValueError(
            f"{split} features have shape {found.shape}; expected ({len(view)}, d), one finite row of non-zero "
            f"length per image of table.{split}. Embed exactly table.{split}, in its order."
        )
    return found / norms


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
    generator = np.random.default_rng([seed, trial])
    return gallery.take(draw_gallery(gallery.ids, gallery.cameras, shots=protocol.shots, generator=generator))


def _standard_error(hits: NDArray[np.float64], ids: NDArray[np.int64]) -> float:
    """Standard error of mean(hits), with a person's queries taken as one draw (ratio estimator).

    With equally many queries each it is the standard deviation of the people's hit rates / sqrt(number of people).
    """
    people, person, counts = np.unique(ids, return_inverse=True, return_counts=True)
    if len(people) < 2:
        return float("nan")
    residuals = np.bincount(person, weights=hits) - counts * hits.mean()
    return float(np.sqrt(len(people) / (len(people) - 1) * (residuals**2).sum()) / len(hits))


def evaluate(embed: Embedding, table: ImageTable, protocol: Protocol, *, seed: int = 0) -> EvaluationResult:
    """Run a whole protocol: draw each trial's gallery, score it, average.

    Parameters
    ----------
    embed : callable or mapping
        A function from ImageTable to (n, d) features, or {"query": (nq, d), "gallery": (ng, d)}, the features of
        `table.query` and `table.gallery`. Rows are made unit here; distance = 1 - cosine.
    table : ImageTable
        The whole data set; its query and gallery splits together are the test images.
    protocol : Protocol
        One of `PROTOCOLS`, maybe `.flipped()`.
    seed : int
        Trial t draws its gallery from `numpy.random.default_rng([seed, t])`.

    Returns
    -------
    EvaluationResult
        All scores and standard errors in percent.

    Raises
    ------
    ValueError
        Features that do not fit the table, a side without images, no query with a right image.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    query, gallery = _sides(embed, table, protocol)
    trials = []
    for trial in range(protocol.trials):
        drawn = _trial(gallery, protocol, seed, trial)
        labels = {"query_ids": query.ids, "query_cameras": query.cameras}
        labels |= {"gallery_ids": drawn.ids, "gallery_cameras": drawn.cameras}
        trials.append(rank_metrics(1.0 - query.features @ drawn.features.T, rule=protocol.rule, **labels))
    scores = np.array([list(metrics.to_dict().values()) for metrics in trials])  # (trials, 6)
    asked = trials[0].ranks > 0  # the same in every trial: each (person, camera) is in every gallery
    hits = np.mean([metrics.ranks[asked] == 1 for metrics in trials], axis=0)
    return EvaluationResult(
        protocol=protocol.name,
        mean=dict(zip(SCORES, scores.mean(axis=0).tolist(), strict=True)),
        std=dict(zip(SCORES, scores.std(axis=0, ddof=min(1, len(trials) - 1)).tolist(), strict=True)),
        trials=trials,
        queries=trials[0].queries,
        standard_error_rank1=100.0 * _standard_error(hits, query.ids[asked]),
        cmc=np.mean([metrics.cmc for metrics in trials], axis=0),
    )


class RankedGallery(NamedTuple):
    """Nearest gallery images of some queries. Indices are positions in the table: `table.gather(gallery[0])`."""

    queries: NDArray[np.int64]  # (q,)
    gallery: NDArray[np.int64]  # (q, top), nearest first; -1 where the rule leaves fewer than `top`
    correct: NDArray[np.bool_]  # (q, top), the same person?


def ranked_gallery(
    features: Embedding,
    table: ImageTable,
    protocol: Protocol,
    query_indices: ArrayLike,
    top: int = 10,
    seed: int = 0,
) -> RankedGallery:
    """Return what some queries find in the gallery of trial 0, dropped images left out: for figures.

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
        Positions in `table` and whether they are right.

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
