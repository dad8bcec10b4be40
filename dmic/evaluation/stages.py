"""Scores of a run's stages, before, between and after its two phases, and what must hold before a run is worth training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dmic import evaluation
from dmic.evaluation.protocols import Protocol

if TYPE_CHECKING:
    from dmic.images import ImageTable

__all__ = ["StageFeatures", "check_test_people", "scores"]

StageFeatures = Mapping[str, NDArray[np.float32]]
"""Embeddings of one stage: ``{"query": (nq, d), "gallery": (ng, d)}``."""


def check_test_people(table: ImageTable) -> None:
    """Refuse a table that tests on people it trains on: ``ValueError`` names some of them."""
    training = table.splits == "train"
    shared = np.intersect1d(table.identities[training], table.identities[~training])
    shared = shared[shared >= 0]  # negative: unknown
    if len(shared):
        raise ValueError(
            f"identities {shared[:5].tolist()} are in training and test ({len(shared)} in all); scores would be of people "
            "that the network knows. Expected disjoint people: give test people other numbers, or leave them out of training"
        )


def scores(stages: Mapping[str, StageFeatures], table: ImageTable, protocol: Protocol) -> dict[str, Any]:
    """Score every stage by a protocol: what ``summary.json`` says of it.

    Parameters
    ----------
    stages
        Name of the stage (``start``, ``phase1``, ``final``) -> its test embeddings.
    table : ImageTable
    protocol : Protocol

    Returns
    -------
    dict
        ``protocol``; by stage the six scores in percent; ``standard_error_rank1`` by stage; ``queries``, those that the scores
        are means over; ``queries_skipped``, without a true match; ``unused_test_images``, which no side of the protocol takes.

    Raises
    ------
    ValueError
        If the test images cannot be scored by this protocol.
    """
    results = {stage: evaluation.evaluate(features, table, protocol) for stage, features in stages.items()}
    any_result = next(iter(results.values()))
    return {
        "protocol": protocol.name,
        **{stage: result.mean for stage, result in results.items()},
        "standard_error_rank1": {stage: result.standard_error_rank1 for stage, result in results.items()},
        "queries": any_result.queries,
        "queries_skipped": any_result.queries_skipped,
        "unused_test_images": any_result.unused,
    }
