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
from dmic.images import INTRA_STREAMS, STREAMS, ImageTable, in_stream
from dmic.neighbors import Backend, nearest
from dmic.storage.checking import near_names, per_image

__all__ = [
    "EpochParameters",
    "Labels",
    "NoClustersError",
    "Schedule",
    "assign_labels",
    "dbscan",
    "pseudo_labels",
    "stream_parameters",
]

logger = logging.getLogger(__name__)

Labels = dict[str, NDArray[np.int64]]


class NoClustersError(ValueError):
    """DBSCAN found no cluster; the message gives the numbers to judge eps by."""


class EpochParameters(NamedTuple):
    """What the schedules say for one epoch: radius of the intra and joint clusterings, and their k2."""

    eps: float
    k2_intra: int
    k2_joint: int
    eps_joint: float


class StreamParameters(NamedTuple):
    """The arguments of ``pseudo_labels`` for one stream in one epoch."""

    k1: int
    k2: int
    eps: float
    expansion: Expansion


@dataclass(frozen=True)
class Schedule:
    """Exponential schedules of eps and k2 over the epochs of a phase (paper Eq. 8-10).

    Phase 1 narrows: eps goes from pi_2 (``eps_large``) towards pi_1 (``eps_small``). Phase 2 narrows over the first fifth and
    widens towards pi_2 afterwards. The last epoch is t = T - 1, so eps stops short of its end. k2 of the intra clusterings
    grows from epsilon_1 (``k2_start``) to epsilon_2 (``k2_end``) in both phases; the joint one has k2 = epsilon_3
    (``k2_joint``) and the radius eps + ``eps_joint_offset``.
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

    def at(self, epoch: int) -> EpochParameters:
        """Return eps and k2 of an epoch t, counted from 0 in its phase of T epochs.

        Phase 1: eps = pi_2 sigma_n^(t/T). Phase 2: the same over T/5, then pi_1 sigma_b^((t - T/5) / (4T/5)).
        k2 = round(epsilon_1 sigma_k^(t/(T-1))). sigma_n = pi_1/pi_2, sigma_b = pi_2/pi_1, sigma_k = epsilon_2/epsilon_1.
        """
        if not 0 <= epoch < self.epochs:
            raise ValueError(f"epoch is {epoch}; this phase has epochs 0..{self.epochs - 1}")
        c = self.config
        eps = self._eps(epoch) if c.dynamic else c.eps_large
        growth = (c.k2_end / c.k2_start) ** (epoch / max(self.epochs - 1, 1)) if c.dynamic else 1.0
        k2_intra, eps_joint = round(c.k2_start * growth), min(1.0, eps + c.eps_joint_offset)
        return EpochParameters(eps, k2_intra, c.k2_joint, eps_joint)

    def _eps(self, epoch: int) -> float:
        c = self.config
        span = max(self.epochs - c.eps_span_offset, 1)
        turn = span if self.phase == 1 else span / 5
        if self.phase == 1 or epoch <= turn:
            return c.eps_large * (c.eps_small / c.eps_large) ** min(epoch / turn, 1.0)
        return c.eps_small * (c.eps_large / c.eps_small) ** min((epoch - turn) / (span - turn), 1.0)


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
    lowest-numbered cluster that reaches it (scikit-learn's result). ``ValueError`` if eps is outside (0, 1] or min_samples < 1.

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
        Labels that do not fit the features, k2 > k1 or no integers, eps outside (0, 1], and what the four steps refuse.
    """
    features, n = np.asarray(features), len(features)
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


def stream_parameters(config: ClusteringConfig, parameters: EpochParameters, stream: str) -> StreamParameters:
    """Return which k1, k2, eps and expansion the stream ``visible``, ``infrared`` or ``joint`` is clustered with."""
    if stream not in STREAMS:
        raise ValueError(near_names(stream, STREAMS, what="stream"))
    if stream == "joint":
        return StreamParameters(config.k1, parameters.k2_joint, parameters.eps_joint, config.expansion_joint)
    infrared = stream == "infrared"
    k1 = (config.k1_infrared if infrared else config.k1_visible) or config.k1
    k2 = max(1, round(parameters.k2_intra * (config.k2_infrared_scale if infrared else 1.0)))
    return StreamParameters(k1, k2, parameters.eps, config.expansion_intra)


def assign_labels(
    features: NDArray[np.float32],
    table: ImageTable,
    config: ClusteringConfig,
    parameters: EpochParameters,
    *,
    phase: int,
    before: Labels | None = None,
    device: str = "cpu",
) -> Labels:
    """Cluster an epoch's embeddings: visible and infrared apart, and in phase 2 all together.

    Parameters
    ----------
    features : (n, d) float32
        Unit rows, one per image of ``table``.
    table : ImageTable
        Cameras and modalities are read; identities only if ``config.label_source`` is ``"identities"`` (upper bound).
    config, parameters, phase, device
        Fixed values, those of the epoch (``Schedule.at``), 1 or 2, and the torch device of the neighbour search.
    before
        Labels of the epoch before: a stream in which DBSCAN finds no cluster gets its array from there (logged).

    Returns
    -------
    dict of (n,) int64 arrays by stream, the joint one in phase 2 only; -1 = not clustered, or not of the stream. All of the joint
    one as long as no joint cluster was ever found (logged).

    Raises
    ------
    NoClustersError
        If the visible or the infrared images give no cluster, and had none before.
    """
    labels: Labels = {}
    for stream in INTRA_STREAMS if phase == 1 else STREAMS:
        inside = in_stream(table.modalities, stream)
        labels[stream] = np.full(len(table), -1, np.int64)
        if config.label_source == "identities":
            labels[stream][inside] = np.unique(table.identities[inside], return_inverse=True)[1]
            continue
        arguments: dict[str, Any] = {"backend": config.knn_backend, "device": device}
        arguments |= stream_parameters(config, parameters, stream)._asdict()
        part = features[inside], table.cameras[inside], table.modalities[inside]
        try:
            labels[stream][inside] = pseudo_labels(*part, **arguments, min_samples=config.min_samples)
        except NoClustersError as error:
            if before and (before.get(stream, labels[stream]) >= 0).any():
                labels[stream] = before[stream]
                logger.warning("no %s cluster: the labels of the epoch before stay. %s", stream, error)
            elif stream == "joint":
                logger.warning("no joint cluster: the joint losses are left out this epoch. %s", error)
            else:
                raise NoClustersError(f"{stream} images, phase {phase}: {error}") from error
    return labels


def _numbered_by_first(component: NDArray[np.int32]) -> NDArray[np.int64]:
    """Renumber components 0, 1, ... in order of first appearance."""
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def _check_radius(eps: float, min_samples: int) -> None:
    if not 0 < eps <= 1 or min_samples < 1:
        expected = "0 < eps <= 1 and min_samples >= 1; eps is a Jaccard distance, in the paper 0.2 to 0.6"
        raise ValueError(f"eps is {eps}, min_samples {min_samples}; expected {expected}")


def _check_sets(n: int, cameras: NDArray, modalities: NDArray, k1: int, k2: int) -> None:
    if n < 3:
        raise NoClustersError(f"features has {n} rows; expected at least 3 images to cluster. Add images.")
    per_image(cameras, n, name="cameras")
    per_image(modalities, n, name="modalities")
    whole = all(isinstance(k, (int, np.integer)) for k in (k1, k2))
    if not whole or not 1 <= k2 <= k1 or k1 < 2:
        expected = "integers 1 <= k2 <= k1, k1 >= 2: the expansion averages over k2 of k1 neighbours"
        raise ValueError(f"k2 is {k2}, k1 is {k1}; expected {expected}. Lower k2 or raise k1")


def _no_clusters_advice(expanded: sparse.csr_matrix, eps: float, min_samples: int) -> str:
    """Say at which eps the first core point appears; distances are looked at up to doubling limits, to stay sparse."""
    images, limit = expanded.shape[0], eps
    found = f"DBSCAN found 0 clusters among {images} images (eps {eps:.2f}, min_samples {min_samples}"
    while limit < 1:
        limit = min(2 * limit, 1.0)
        distance = encoding.jaccard_distance(expanded, max_distance=limit)
        rows = np.split(distance.data, distance.indptr[1:-1])  # the distances of each image
        reaches = [np.sort(row)[min_samples - 1] for row in rows if len(row) >= min_samples]
        if reaches:
            found += f"; the first core point appears at eps {min(reaches):.2f})."
            return f"{found} Try eps >= {min(min(reaches) + 0.05, 1):.2f}; see notebook 05."
    return f"{found}): no image has {min_samples} neighbours at any distance. Lower min_samples or raise k1."
