"""Dynamic neighbourhood clustering (DNC, paper Eq. 8-10): schedules of eps and k2, DBSCAN, and pseudo labels.

Taught in: notebooks/05_dnc.ipynb
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from dmic import encoding, mie
from dmic.config import ClusteringConfig, Expansion
from dmic.images import ImageTable, Modality
from dmic.neighbors import Backend, nearest

__all__ = [
    "INTRA_STREAMS",
    "Labels",
    "NoClustersError",
    "Schedule",
    "Step",
    "assign_labels",
    "dbscan",
    "pseudo_labels",
]

logger = logging.getLogger(__name__)

INTRA_STREAMS = ("visible", "infrared")
Labels = dict[str, NDArray[np.int64]]


class NoClustersError(ValueError):
    """DBSCAN found no cluster; the message gives the numbers to judge eps by."""


class Step(NamedTuple):
    """The clustering hyperparameters of one epoch: radius of the intra and joint clusterings, and their k2."""

    eps: float
    k2_intra: int
    k2_joint: int
    eps_joint: float


@dataclass(frozen=True)
class Schedule:
    """Exponential schedules of eps and k2 over the epochs of a phase (paper Eq. 8-10).

    Phase 1 narrows: eps runs from pi_2 to pi_1. Phase 2 narrows over the first fifth and widens back to pi_2 afterwards.
    k2 of the intra clusterings grows from epsilon_1 to epsilon_2 in both phases; k2 of the joint one is epsilon_3.
    """

    config: ClusteringConfig
    phase: int
    epochs: int

    @classmethod
    def from_config(cls, config: ClusteringConfig, *, phase: int, epochs: int) -> Schedule:
        """Return the schedule of a phase (1 or 2) of the given number of epochs."""
        if phase not in (1, 2) or epochs < 1:
            raise ValueError(f"phase is {phase}, epochs {epochs}; expected phase 1 or 2 and epochs >= 1")
        return cls(config, phase, epochs)

    def at(self, epoch: int) -> Step:
        """Return eps and k2 of an epoch, counted from 0 in its phase.

        Notes
        -----
        Phase 1: eps = pi_2 sigma_n^(t/T). Phase 2: the same over T/5, then pi_1 sigma_b^((t - T/5) / (4T/5)).
        k2 = round(epsilon_1 sigma_k^(t/(T-1))). sigma_n = pi_1/pi_2, sigma_b = pi_2/pi_1, sigma_k = epsilon_2/epsilon_1.
        """
        if not 0 <= epoch < self.epochs:
            raise ValueError(f"epoch is {epoch}; this phase has epochs 0..{self.epochs - 1}")
        c = self.config
        if not c.dynamic:
            return Step(c.eps_large, c.k2_start, c.k2_joint, min(1.0, c.eps_large + c.eps_joint_offset))
        span = max(self.epochs - c.eps_span_offset, 1)
        turn = span if self.phase == 1 else span / 5
        if self.phase == 1 or epoch <= turn:
            eps = c.eps_large * (c.eps_small / c.eps_large) ** min(epoch / turn, 1.0)
        else:
            eps = c.eps_small * (c.eps_large / c.eps_small) ** min((epoch - turn) / (span - turn), 1.0)
        growth = (c.k2_end / c.k2_start) ** (epoch / max(self.epochs - 1, 1))
        return Step(eps, round(c.k2_start * growth), c.k2_joint, min(1.0, eps + c.eps_joint_offset))


def dbscan(distance: sparse.csr_matrix, *, eps: float, min_samples: int = 4) -> NDArray[np.int64]:
    """Cluster by DBSCAN on a sparse distance matrix.

    Parameters
    ----------
    distance : (n, n) CSR
        Symmetric, diagonal stored; a pair that is not stored is farther than eps, as from ``encoding.jaccard_distance``
        with any max_distance >= eps: one matrix serves several eps.
    eps : float
        Radius, in (0, 1]; a pair at exactly eps (in float32) is a neighbour.
    min_samples : int
        Neighbours, self included, that make a point a core.

    Returns
    -------
    (n,) int64: clusters 0, 1, ... in the order of their smallest core index; -1 = noise. A border point belongs to the
    lowest-numbered cluster that reaches it (scikit-learn's result).

    Raises
    ------
    ValueError
        If eps is outside (0, 1] or min_samples < 1.

    Notes
    -----
    Clusters are the connected components of the cores under "at most eps apart". O(entries of the distance).
    """
    _check_radius(eps, min_samples)
    n = distance.shape[0]
    near = distance.data <= np.float32(eps)
    rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(distance.indptr))[near]
    columns = distance.indices[near]
    core = np.bincount(rows, minlength=n) >= min_samples
    labels = np.full(n, -1, np.int64)
    if not core.any():
        return labels
    both = core[rows] & core[columns]
    graph = sparse.csr_matrix((np.ones(both.sum(), np.int8), (rows[both], columns[both])), shape=(n, n))
    component = connected_components(graph, directed=False)[1]
    labels[core] = _numbered_by_first(component[core])
    border = ~core[rows] & core[columns]
    lowest = np.full(n, n, np.int64)
    np.minimum.at(lowest, rows[border], labels[columns[border]])
    return np.where(~core & (lowest < n), lowest, labels)


def pseudo_labels(
    features: NDArray[np.float32],
    cameras: NDArray[np.int64],
    modalities: NDArray[np.int64],
    *,
    k1: int,
    k2: int,
    eps: float,
    expansion: Expansion = "modality_camera",
    min_samples: int = 4,
    backend: Backend = "auto",
    device: str = "cpu",
) -> NDArray[np.int64]:
    """Go from embeddings to pseudo labels: neighbours, encoding, expansion, Jaccard distance, DBSCAN.

    Parameters
    ----------
    features : (n, d) float32
        Unit rows.
    cameras, modalities : (n,) int64
        Camera and modality of each image (known without labels).
    k1, k2, eps, expansion, min_samples
        As in ``encoding.distance_encoding``, ``mie.expand`` and ``dbscan``; k2 <= k1. Sets of n <= k1 images use n - 1.
    backend, device
        Of ``neighbors.nearest``.

    Returns
    -------
    (n,) int64, -1 = not clustered.

    Raises
    ------
    NoClustersError
        If every image is noise, or there are fewer than three images.
    ValueError
        For labels that do not fit the features, k2 > k1, eps outside (0, 1], and what the four steps refuse.
    """
    n = len(features)
    _check_radius(eps, min_samples)
    _check_sets(n, cameras, modalities, k1, k2)
    k1, k2 = min(k1, n - 1), min(k2, n - 1)
    neighbors = nearest(features, k1, backend=backend, device=device)
    encoded = encoding.distance_encoding(neighbors, features, k1=k1)
    expanded = mie.expand(encoded, neighbors, k2=k2, cameras=cameras, modalities=modalities, how=expansion)
    near = encoding.jaccard_distance(expanded, max_distance=eps)
    labels = dbscan(near, eps=eps, min_samples=min_samples)
    if (labels < 0).all():
        raise NoClustersError(_no_clusters_advice(expanded, eps, min_samples))
    return labels


def assign_labels(
    features: NDArray[np.float32],
    table: ImageTable,
    config: ClusteringConfig,
    step: Step,
    *,
    phase: int,
    device: str = "cpu",
) -> Labels:
    """Cluster an epoch's embeddings: visible and infrared apart, and in phase 2 all together.

    Parameters
    ----------
    features : (n, d) float32
        Unit rows, one per image of ``table``.
    table : ImageTable
        Cameras and modalities are read; identities only if ``config.labels`` is ``"identities"`` (upper bound).
    config, step, phase
        Fixed values, those of the epoch, and 1 or 2.

    Returns
    -------
    dict of (n,) int64 arrays: ``visible``, ``infrared`` and, in phase 2, ``joint``; -1 = not clustered or of the other
    modality. An empty joint clustering is logged and returned as all -1.

    Raises
    ------
    NoClustersError
        If the visible or the infrared images give no cluster.
    """
    c, of = config, {m: table.modalities == m for m in Modality}
    intra, infrared = step.k2_intra, max(1, round(step.k2_intra * c.k2_infrared_scale))
    plans = {
        "visible": (of[Modality.VISIBLE], c.k1_visible or c.k1, intra, step.eps, c.expansion_intra),
        "infrared": (of[Modality.INFRARED], c.k1_infrared or c.k1, infrared, step.eps, c.expansion_intra),
        "joint": (np.ones(len(table), bool), c.k1, step.k2_joint, step.eps_joint, c.expansion_joint),
    }
    labels = {}
    for stream in INTRA_STREAMS if phase == 1 else plans:
        held, k1, k2, eps, expansion = plans[stream]
        labels[stream] = np.full(len(table), -1, np.int64)
        if c.labels == "identities":
            labels[stream][held] = np.unique(table.identities[held], return_inverse=True)[1]
            continue
        cameras, modalities = table.cameras[held], table.modalities[held]
        options: dict[str, Any] = {"min_samples": c.min_samples, "backend": c.neighbors, "device": device}
        try:
            labels[stream][held] = pseudo_labels(
                features[held], cameras, modalities, k1=k1, k2=k2, eps=eps, expansion=expansion, **options
            )
        except NoClustersError as error:
            if stream != "joint":
                raise NoClustersError(f"{stream} images, phase {phase}: {error}") from error
            logger.warning("no joint cluster: the joint losses are left out this epoch. %s", error)
    return labels


def _numbered_by_first(component: NDArray[np.int32]) -> NDArray[np.int64]:
    """Renumber components 0, 1, ... in order of first appearance."""
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def _check_radius(eps: float, min_samples: int) -> None:
    if not 0 < eps <= 1 or min_samples < 1:
        raise ValueError(
            f"eps is {eps}, min_samples {min_samples}; expected 0 < eps <= 1 and min_samples >= 1 (in the paper 0.2 to 0.6 and "
            "4): eps is a Jaccard distance"
        )


def _check_sets(n: int, cameras: NDArray, modalities: NDArray, k1: int, k2: int) -> None:
    if n < 3:
        raise NoClustersError(f"features has {n} rows; expected at least 3 images to cluster. Add images.")
    for name, values in (("cameras", cameras), ("modalities", modalities)):
        values = np.asarray(values)
        if values.shape != (n,) or not np.issubdtype(values.dtype, np.integer):
            raise ValueError(
                f"{name} has shape {values.shape}, dtype {values.dtype}; expected ({n},) integers, one per row of features"
            )
    if not 1 <= k2 <= k1 or k1 < 2:
        raise ValueError(
            f"k2 is {k2}, k1 is {k1}; expected 1 <= k2 <= k1 and k1 >= 2, for the expansion averages over the first k2 of the "
            "k1 neighbours. Lower k2 or raise k1"
        )


def _no_clusters_advice(expanded: sparse.csr_matrix, eps: float, min_samples: int) -> str:
    """Say at which eps the first core point appears; distances are looked at up to doubling limits, to stay sparse."""
    found = (
        f"DBSCAN found 0 clusters among {expanded.shape[0]} images (eps {eps:.2f}, min_samples {min_samples}"
    )
    limit = eps
    while limit < 1:
        limit = min(2 * limit, 1.0)
        distance = encoding.jaccard_distance(expanded, max_distance=limit)
        counts = np.diff(distance.indptr)
        rows = np.repeat(np.arange(len(counts)), counts)
        ranked = distance.data[np.lexsort((distance.data, rows))]
        able = counts >= min_samples
        if able.any():
            needed = ranked[distance.indptr[:-1][able] + min_samples - 1].min()
            return (
                f"{found}; the first core point appears at eps {needed:.2f}). Try eps >= {min(needed + 0.05, 1):.2f}; see "
                "notebook 05."
            )
    return f"{found}): no image has {min_samples} neighbours at any distance. Lower min_samples or raise k1."
