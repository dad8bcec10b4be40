"""Hybrid modality contrastive learning (HMCL, paper Eq. 15-23): memories, their update, and the losses on them.

Labels of -1 mean "not clustered": such queries carry no loss and update no entry.

Taught in: notebooks/06_hmcl.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from dmic.config import LossConfig, MemoryUpdate
from dmic.images import in_stream
from dmic.storage.checking import near_names

__all__ = ["ClusterMemory", "HybridLoss", "InstanceMemory", "LossTerm"]


class _Memory:
    """What both memories share: normalised entries and the rules that write a batch into them."""

    def __init__(
        self,
        entries: Tensor,
        *,
        tau: float,
        update: MemoryUpdate,
        momentum: float,
        generator: torch.Generator | None,
    ) -> None:
        if update not in ("random", "momentum"):
            raise ValueError(f"update is {update!r}; expected 'random' (the paper) or 'momentum'")
        if not 0 <= momentum < 1 or not 0 < tau < torch.inf:
            raise ValueError(f"momentum is {momentum}, tau {tau}; expected 0 <= momentum < 1, 0 < tau < inf")
        wide = entries if entries.dtype == torch.float64 else entries.float()  # half precision as float32
        self.entries = functional.normalize(wide.detach(), dim=1)
        self.tau, self.update_rule, self.momentum, self.generator = tau, update, momentum, generator

    def logits(self, query: Tensor) -> Tensor:
        """Return query . entries / tau: (b, entries)."""
        return query.to(self.entries.dtype) @ self.entries.T / self.tau

    @torch.no_grad()
    def _write(self, features: Tensor, rows: Tensor) -> None:
        """Write features (b, d) into the entries named by rows (b,) int64; rows of -1 are skipped."""
        features, rows = features.detach().to(self.entries.dtype)[rows >= 0], rows[rows >= 0]
        if rows.numel() == 0:
            return
        if self.update_rule == "random":
            chosen = self._choose_one_per_row(rows)
            self.entries[rows[chosen]] = functional.normalize(features[chosen], dim=1)
            return
        turn = (rows[:, None] == rows).tril(-1).sum(1)  # rows 5, 3, 5, 5 -> turns 0, 0, 1, 2
        for t in range(int(turn.max()) + 1):  # the relatives' rule: one sample after another
            now = turn == t
            mixed = self.momentum * self.entries[rows[now]] + (1 - self.momentum) * features[now]
            self.entries[rows[now]] = functional.normalize(mixed, dim=1)

    def _choose_one_per_row(self, rows: Tensor) -> Tensor:
        """Return a mask (b,) with exactly one True, uniformly drawn, among the samples of each row."""
        rank = torch.randperm(rows.numel(), generator=self.generator).to(rows.device)
        best = torch.full((len(self.entries),), -1, dtype=rank.dtype, device=rows.device)
        best.scatter_reduce_(0, rows, rank, "amax")
        return rank == best[rows]


class ClusterMemory(_Memory):
    """One entry per cluster, phi_C: the mean feature of its members, replaced by samples as training goes on.

    Parameters
    ----------
    features : (n, d) float tensor
        Embeddings that were clustered.
    labels : (n,) int64 tensor
        Pseudo labels 0..C-1, every value present; -1 = not clustered.
    tau : float
        Temperature.
    update
        ``random`` (paper): an entry becomes a randomly selected sample of the batch. ``momentum``: for each sample in
        turn, entry = normalise(momentum x entry + (1 - momentum) x sample).
    momentum : float
        Share of the old entry that a momentum update keeps.
    generator : torch.Generator, optional
        CPU generator of the random choice.

    Attributes
    ----------
    entries : (C, d) float32 tensor of unit rows.

    Raises
    ------
    ValueError
        If there is no cluster, labels have gaps, arrays do not fit each other, features are not finite, or an option is out of range.
    """

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        *,
        tau: float = 0.05,
        update: MemoryUpdate = "random",
        momentum: float = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        _check(features, labels=labels)
        features, labels = features[labels >= 0], labels[labels >= 0]
        counts = torch.bincount(labels) if labels.numel() else labels
        if counts.numel() == 0 or bool((counts == 0).any()):
            raise ValueError(
                f"labels name {int((counts > 0).sum())} clusters of {counts.numel()}; expected 0..C-1, no gaps"
            )
        sums = features.new_zeros(counts.numel(), features.shape[1]).index_add_(0, labels, features)
        means = sums / counts[:, None]
        super().__init__(means, tau=tau, update=update, momentum=momentum, generator=generator)

    def loss(self, query: Tensor, labels: Tensor) -> Tensor:
        """Return InfoNCE of each clustered query against all entries, averaged (paper Eq. 19-21).

        Parameters
        ----------
        query : (b, d) float tensor
            Unit rows.
        labels : (b,) int64 tensor

        Returns
        -------
        Scalar: mean of -log( exp(q . phi_y / tau) / sum_k exp(q . phi_k / tau) ); 0 if no query is clustered.
        """
        known = labels >= 0
        if not bool(known.any()):
            return query.sum() * 0
        return functional.cross_entropy(self.logits(query[known]), labels[known])

    def update(self, features: Tensor, labels: Tensor) -> None:
        """Write a batch, features (b, d) with labels (b,), into the entries of its clusters."""
        self._write(features, labels)


class InstanceMemory(_Memory):
    """One entry per image, phi_I: its own feature; positives are all images of the query's cluster.

    Parameters
    ----------
    features, labels, tau, update, momentum, generator
        As in ``ClusterMemory``; un-clustered images stay in as singletons, that is as negatives of every query.
    indices : (n,) int64 tensor, optional
        Global index of each row's image (increasing); 0..n-1 if missing. ``update`` takes global indices and skips images that
        this memory does not hold, so one index space serves the visible, the infrared and the joint memory.
    """

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        *,
        indices: Tensor | None = None,
        tau: float = 0.05,
        update: MemoryUpdate = "random",
        momentum: float = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        self.labels = labels
        self.indices = torch.arange(len(labels), device=labels.device) if indices is None else indices
        _check(features, labels=labels, indices=self.indices)
        super().__init__(features, tau=tau, update=update, momentum=momentum, generator=generator)
        if bool((self.indices[1:] <= self.indices[:-1]).any()):
            raise ValueError("indices must increase strictly: one row per image, in the order of the table")

    def loss(self, query: Tensor, labels: Tensor) -> Tensor:
        """Return the instance loss of each clustered query, averaged (paper Eq. 15-17).

        Returns
        -------
        Scalar: mean of -log( sum_{j: y_j = y} exp(q . phi_j / tau) / sum_j exp(q . phi_j / tau) ).
        """
        known = labels >= 0
        if not bool(known.any()):
            return query.sum() * 0
        logits = self.logits(query[known])
        positive = labels[known][:, None] == self.labels[None, :]
        of_positives = logits.masked_fill(~positive, -torch.inf).logsumexp(1)
        return (logits.logsumexp(1) - of_positives).mean()

    def update(self, features: Tensor, indices: Tensor) -> None:
        """Write a batch, features (b, d) of the images with the given global indices (b,), into their entries."""
        rows = torch.searchsorted(self.indices, indices).clamp(max=len(self.indices) - 1)
        self._write(features, torch.where(self.indices[rows] == indices, rows, -1))


def _check(features: Tensor, **columns: Tensor) -> None:
    """Raise ``ValueError`` unless features are (n, d) and finite, and each column is (n,) int64."""
    if features.ndim != 2:
        raise ValueError(f"features have shape {tuple(features.shape)}; expected (n, d), one row per image")
    for name, column in columns.items():
        if column.shape != features.shape[:1] or column.dtype != torch.int64:
            raise ValueError(
                f"{name} have shape {tuple(column.shape)}, {column.dtype}; expected ({len(features)},), torch.int64: one per row of features"
            )
    bad = (~features.isfinite().all(dim=1)).nonzero()
    if len(bad):
        raise ValueError(
            f"{len(bad)} of {len(features)} rows of features are not finite (first: row {int(bad[0])}); look for NaN in training"
        )


class LossTerm(NamedTuple):
    """One summand of the total loss: ``weight`` times ``loss(query, labels)`` on the queries of a stream."""

    weight: float
    stream: str
    loss: Callable[[Tensor, Tensor], Tensor]


class HybridLoss:
    """All memories of an epoch and the total loss on them (paper Eq. 23).

    Another loss is another line in ``_terms``, where ``metrics.jsonl`` and the figures take its name from. With a memory of its own
    it also needs ``__init__`` and ``update``; if it is called with more than query and labels, ``losses``.

    Parameters
    ----------
    features : (n, d) float tensor
        Embeddings of all training images.
    labels : dict of (n,) int64 tensors
        Pseudo labels by stream: ``visible``, ``infrared`` and, in phase 2, ``joint``; -1 = not clustered, or an image of
        the other modality.
    modalities : (n,) int64 tensor
    config : LossConfig
    generator : torch.Generator, optional
        CPU generator of the random updates.

    Attributes
    ----------
    terms : dict of LossTerm
        By name, ``cluster_visible``, ``instance_visible``, ...: what is summed.
    """

    def __init__(
        self,
        features: Tensor,
        labels: dict[str, Tensor],
        modalities: Tensor,
        config: LossConfig,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        self.labels, self.config = labels, config
        options: dict[str, Any] = {"tau": config.tau, "update": config.memory_update}
        options |= {"momentum": config.momentum, "generator": generator}
        self.cluster = {s: ClusterMemory(features, y, **options) for s, y in labels.items()}
        self.instance = {}
        for stream, y in labels.items():
            inside = torch.arange(len(y), device=y.device)[in_stream(modalities, stream)]
            self.instance[stream] = InstanceMemory(features[inside], y[inside], indices=inside, **options)
        self.terms = self._terms()

    def _terms(self) -> dict[str, LossTerm]:
        """Name every term: phi_2 on the cluster losses, phi_1 on the instance losses, ``joint_weight`` on both joint ones."""
        c, terms = self.config, {}
        for stream in self.labels:
            joint = stream == "joint"
            scale, phi_1 = (c.joint_weight, c.instance_weight) if joint else (1.0, c.instance_weight_intra)
            terms[f"cluster_{stream}"] = LossTerm(scale * c.cluster_weight, stream, self.cluster[stream].loss)
            terms[f"instance_{stream}"] = LossTerm(scale * phi_1, stream, self.instance[stream].loss)
        return terms

    def losses(self, query: Tensor, indices: Tensor, streams: Iterable[str]) -> dict[str, Tensor]:
        """Return the unweighted losses of a batch, by the names of ``terms``.

        Parameters
        ----------
        query : (b, d) float tensor
            Unit embeddings of all views: visible, channel-exchanged, infrared.
        indices : (b,) int64 tensor
            Global index of the image behind each query.
        streams
            Which of ``labels`` count.
        """
        labels = {stream: self.labels[stream][indices] for stream in streams}
        terms = {name: term for name, term in self.terms.items() if term.stream in labels}
        return {name: term.loss(query, labels[term.stream]) for name, term in terms.items()}

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """Return the sum of the losses, each with the weight of its term (Eq. 23); an unknown name is a ``ValueError``."""
        if unknown := set(losses) - set(self.terms):
            raise ValueError(near_names(min(unknown), self.terms, what="loss"))
        return torch.stack([self.terms[name].weight * loss for name, loss in losses.items()]).sum()

    def update(self, features: Tensor, indices: Tensor, streams: Iterable[str]) -> None:
        """Write a batch of embeddings into the memories of the given streams; arguments as in ``losses``."""
        for stream in streams:
            self.cluster[stream].update(features, self.labels[stream][indices])
            self.instance[stream].update(features, indices)
