"""P x K batches over pseudo labels, with images of one cluster drawn from different cameras.

Taught in: notebooks/06_hmcl.ipynb
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["IdentitySampler", "batch_advice"]


def batch_advice(labels: Mapping[str, NDArray[np.int64]], identities_per_batch: int) -> list[str]:
    """Say of each stream with fewer clusters than a batch draws that batches will hold clusters twice.

    Parameters
    ----------
    labels
        Stream -> (n,) int64 pseudo labels; -1 = not clustered.
    identities_per_batch : int
        P.
    """
    found = {stream: len(np.unique(y[y >= 0])) for stream, y in labels.items()}
    return [
        f"{stream} has {clusters} clusters and batches draw P = {identities_per_batch}: each batch holds clusters more than "
        f"once. Expected at least P; lower training.identities_per_batch, or see whether eps joins too much (notebook 05)"
        for stream, clusters in found.items()
        if 0 < clusters < identities_per_batch
    ]


class IdentitySampler:
    """Draws batches of P clusters with K images each.

    Parameters
    ----------
    labels : (n,) int64
        Pseudo labels; images of -1 are never drawn.
    cameras : (n,) int64
    identities_per_batch, images_per_identity : int
        P and K.
    generator : numpy.random.Generator

    Raises
    ------
    ValueError
        If no image is clustered.

    Notes
    -----
    Clusters come in shuffled rounds, so all are seen equally often. Of each, one anchor image is drawn, and K-1 images
    from cameras other than the anchor's; a cluster of one camera gives K-1 of its other images. Draws repeat images only
    where there are too few. With fewer than P clusters,
    or where a round ends within a batch, a batch may hold a cluster more than once.
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        cameras: NDArray[np.int64],
        *,
        identities_per_batch: int,
        images_per_identity: int,
        generator: np.random.Generator,
    ) -> None:
        clustered = np.flatnonzero(labels >= 0)
        if not clustered.size:
            raise ValueError(
                "no image is clustered (every label is -1): nothing to draw; raise eps, see notebook 05"
            )
        order = clustered[np.argsort(labels[clustered], kind="stable")]
        borders = np.flatnonzero(np.diff(labels[order])) + 1
        self.members = np.split(order, borders)
        self.cameras = cameras
        self.identities_per_batch = identities_per_batch
        self.images_per_identity = images_per_identity
        self.generator = generator

    def batches(self, iterations: int) -> Iterator[NDArray[np.int64]]:
        """Yield the given number of batches, each (P K,) int64 image indices, cluster by cluster."""
        rounds = self._rounds()
        for _ in range(iterations):
            drawn = [self._images(self.members[next(rounds)]) for _ in range(self.identities_per_batch)]
            yield np.concatenate(drawn)

    def _rounds(self) -> Iterator[int]:
        while True:
            yield from self.generator.permutation(len(self.members))

    def _images(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        anchor = self.generator.choice(members)
        others = members[self.cameras[members] != self.cameras[anchor]]
        if not others.size:
            others = members[members != anchor] if len(members) > 1 else members
        wanted = self.images_per_identity - 1
        drawn = self.generator.choice(others, wanted, replace=len(others) < wanted)
        return np.concatenate([[anchor], drawn]).astype(np.int64)
