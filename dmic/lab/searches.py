"""Who searches whom for the floor (``dmic.lab.floor``), and what a feature or chance finds there.

Every row of the floor is scored on the same draws, so that rows differ by their features alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dmic import evaluation
from dmic.evaluation.protocols import Protocol
from dmic.evaluation.ranking import dropped_pairs, rank_metrics
from dmic.evaluation.sides import sides_of
from dmic.images import ImageTable, Modality

__all__ = ["COLUMNS", "Search", "Scores", "chance", "score", "searches"]

TRIALS = 10  # galleries drawn within a modality, as many as the protocols draw across

COLUMNS = ("across", "visible", "infrared")
"""Kinds of search: across modalities, between visible cameras, between infrared cameras."""

Scores = dict[str, dict[str, float]]
"""Column -> ``rank1`` and ``mAP`` in percent."""


class Search(NamedTuple):
    """Some images that search others; positions in one table."""

    queries: NDArray[np.int64]
    gallery: NDArray[np.int64]
    rule: str  # of `evaluation.ranking.RULES`


def searches(table: ImageTable, protocol: Protocol) -> dict[str, list[Search]]:
    """Draw who searches whom, the same for every feature.

    Parameters
    ----------
    table : ImageTable
        Test images.
    protocol : Protocol
        For the column ``across``. Within a modality, every image of a camera searches the other cameras of that modality, one
        random image per person and camera; a query's own camera is never in its gallery.

    Returns
    -------
    dict
        Of `COLUMNS`, those in which somebody can be found.
    """
    query, gallery = sides_of(lambda view: np.ones((len(view), 1)), table, protocol)
    drawn = [protocol.gallery_of(trial, gallery.ids, gallery.cameras) for trial in range(protocol.trials)]
    found = {"across": [Search(query.rows, gallery.rows[rows], protocol.rule) for rows in drawn]}
    for modality in Modality:
        own = np.flatnonzero(table.modalities == modality)
        ids, cameras = table.identities[own], table.cameras[own]
        pairs = []
        for trial in range(TRIALS):
            generator = np.random.default_rng([0, trial])
            drawn_here = evaluation.draw_gallery(ids, cameras, shots=1, generator=generator)
            for camera in np.unique(cameras):
                there = drawn_here[cameras[drawn_here] != camera]
                here = np.flatnonzero((cameras == camera) & np.isin(ids, ids[there]))
                if len(here):
                    pairs.append(Search(own[here], own[there], protocol.rule))
        if pairs:
            found[modality.name.lower()] = pairs
    return found


def _sides(table: ImageTable, search: Search) -> dict[str, NDArray[np.int64]]:
    """Labels of both sides of a search, as `rank_metrics` takes them."""
    return {
        "query_ids": table.identities[search.queries],
        "gallery_ids": table.identities[search.gallery],
        "query_cameras": table.cameras[search.queries],
        "gallery_cameras": table.cameras[search.gallery],
    }


def score(features: NDArray[np.float32], table: ImageTable, found: Mapping[str, Sequence[Search]]) -> Scores:
    """Score a feature by its Euclidean nearest neighbours; means over all queries of a column.

    Parameters
    ----------
    features : (n, d) float32
        Of the images of the table.
    table : ImageTable
    found
        As `searches` returns them.
    """
    x = np.asarray(features, np.float32)
    length = (x**2).sum(axis=1)  # (n,)
    scores = {}
    for column, pairs in found.items():
        of_pairs = []
        for search in pairs:
            distance = length[search.queries, None] + length[search.gallery]
            distance -= 2 * (x[search.queries] @ x[search.gallery].T)  # squared: the same order
            ranked = rank_metrics(distance, rule=search.rule, **_sides(table, search))
            of_pairs.append((ranked.rank1, ranked.mAP, ranked.queries))
        scores[column] = _weighted(of_pairs)
    return scores


def chance(table: ImageTable, found: Mapping[str, Sequence[Search]]) -> Scores:
    """Return what a random order of every gallery gives on average, as `score` does.

    Notes
    -----
    With m true matches among n images: Rank-1 = m / n and, with H = 1 + 1/2 + ... + 1/n,
    AP = (H + (m - 1) (n - H) / (n - 1)) / n.
    """
    scores = {}
    for column, pairs in found.items():
        of_pairs = []
        for search in pairs:
            sides = _sides(table, search)
            kept = ~dropped_pairs(search.rule, **sides)
            n = kept.sum(axis=1)
            m = (kept & (sides["query_ids"][:, None] == sides["gallery_ids"])).sum(axis=1)
            n, m = n[m > 0], m[m > 0]
            harmonic = np.cumsum(1 / np.arange(1, kept.shape[1] + 1))[n - 1]
            precision = (harmonic + (m - 1) * (n - harmonic) / np.maximum(n - 1, 1)) / n
            of_pairs.append((100 * (m / n).mean(), 100 * precision.mean(), len(m)))
        scores[column] = _weighted(of_pairs)
    return scores


def _weighted(of_pairs: Sequence[tuple[float, float, int]]) -> dict[str, float]:
    """Mean Rank-1 and mAP of several searches, each with its number of queries."""
    rank1, precision, queries = np.array(of_pairs, np.float64).T
    weights = queries / queries.sum()
    return {"rank1": float(rank1 @ weights), "mAP": float(precision @ weights)}
