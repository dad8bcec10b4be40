"""One epoch of training on given pseudo labels: batches, views, losses, optimiser and memory steps.

Taught in: notebooks/07_two_phase_training.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor

from dmic import augment, diagnostics
from dmic.backbone import Backbone
from dmic.config import Config
from dmic.dnc import Labels
from dmic.hmcl import HybridLoss
from dmic.images import INTRA_STREAMS, ImageTable, in_stream
from dmic.sampling import IdentitySampler

__all__ = ["EpochTrainer", "TrainingDivergedError", "describe_labels", "learning_rate"]

_CHECK_EVERY = 20  # iterations between looks at the loss (each look waits for the device)


class TrainingDivergedError(RuntimeError):
    """The loss is NaN or infinite; the message says where and what to try."""


class _Batch(NamedTuple):
    """Images of one optimiser step, as rows of the training table, and the memories whose losses count."""

    streams: tuple[str, ...]
    visible: NDArray[np.int64]
    infrared: NDArray[np.int64]


def learning_rate(config: Config, *, phase: int, epoch: int, iteration: int = 0) -> float:
    """Return the learning rate of a step: stepwise decay restarted in each phase, linear warm-up in phase 1."""
    t = config.training
    base = t.learning_rate if phase == 1 or t.learning_rate_phase2 is None else t.learning_rate_phase2
    rate = base * t.decay_factor ** (epoch // t.decay_every)
    done = epoch * t.iterations + iteration + 1
    return rate * min(1.0, done / t.warmup_iterations) if phase == 1 and t.warmup_iterations else rate


class EpochTrainer:
    """Trains the network for single epochs.

    Parameters
    ----------
    config : Config
    train : ImageTable
        The training images.
    network : Backbone
        The bare network: its normalisation constants.
    model : nn.Module
        The same network as prepared by Accelerate (wrapped when several processes train).
    optimizer : torch.optim.Optimizer
        As prepared by Accelerate.
    accelerator : accelerate.Accelerator
    on_iteration : callable
        Called after each iteration with (phase, epoch, iteration, summed loss so far).

    Notes
    -----
    All random draws of an epoch come from the seed, the phase and the epoch, so an epoch does not depend on how the run
    got there: this is what makes a resumed run equal an uninterrupted one. With several processes, each embeds its
    share of the batch; memories see the whole batch and stay equal on all processes.
    """

    def __init__(
        self,
        config: Config,
        train: ImageTable,
        network: Backbone,
        model: torch.nn.Module,
        optimizer: Any,
        accelerator: Accelerator,
        *,
        on_iteration: Callable[[int, int, int, Tensor], None],
    ) -> None:
        self.config, self.train = config, train
        self.network, self.model, self.optimizer, self.accelerator = network, model, optimizer, accelerator
        self.on_iteration = on_iteration
        self.device = accelerator.device

    def run(
        self, features: NDArray[np.float32], labels: Labels, *, phase: int, epoch: int
    ) -> dict[str, float]:
        """Train one epoch and return the mean of each loss and of their weighted sum, ``total``.

        Parameters
        ----------
        features : (n, d) float32
            Embeddings of all training images: the memories' start.
        labels : dict of (n,) int64
            Pseudo labels by stream (``dnc.assign_labels``).
        phase, epoch : int
            Phase 1 or 2; epoch from 0 within the phase.

        Raises
        ------
        TrainingDivergedError
            If a loss is not finite.
        """
        training = self.config.training
        seeds = np.random.SeedSequence([training.seed, phase, epoch])
        memory_seed, view_seed, global_seed = (int(word) for word in seeds.generate_state(3))
        memory = self._memory(features, labels, torch.Generator().manual_seed(memory_seed))
        augment_rng = torch.Generator().manual_seed(view_seed + self.accelerator.process_index)
        sums: dict[str, Tensor] = {}
        self.model.train()
        with torch.random.fork_rng():
            torch.manual_seed(global_seed)  # dropout, where a timm backbone has it
            for iteration, batches in enumerate(self._iterations(labels, np.random.default_rng(seeds))):
                for group in self.optimizer.param_groups:
                    group["lr"] = learning_rate(self.config, phase=phase, epoch=epoch, iteration=iteration)
                losses: dict[str, Tensor] = {}
                for batch in batches:
                    losses |= self._optimizer_step(batch, memory, augment_rng)
                for name, value in {**losses, "total": memory.total(losses)}.items():
                    sums[name] = sums.get(name, torch.zeros((), device=self.device)) + value
                if iteration % _CHECK_EVERY == 0 or iteration + 1 == training.iterations:
                    _check_finite(sums, f"phase {phase}, epoch {epoch}, iteration {iteration}")
                self.on_iteration(phase, epoch, iteration, sums["total"])
        return self._sync_and_average(sums)

    def _sync_and_average(self, sums: dict[str, Tensor]) -> dict[str, float]:
        """Give all processes the running statistics of the first, and return each loss averaged over them."""
        if self.accelerator.num_processes > 1:
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, src=0)
        means = {name: self.accelerator.reduce(value, "mean") for name, value in sums.items()}
        return {name: float(value) / self.config.training.iterations for name, value in means.items()}

    def _memory(
        self, features: NDArray[np.float32], labels: Labels, generator: torch.Generator
    ) -> HybridLoss:
        tensors = {s: torch.from_numpy(y).to(self.device) for s, y in labels.items() if (y >= 0).any()}
        modalities = torch.from_numpy(self.train.modalities).to(self.device)
        everyone = torch.from_numpy(features).to(self.device)
        return HybridLoss(everyone, tensors, modalities, self.config.loss, generator=generator)

    def _iterations(self, labels: Labels, generator: np.random.Generator) -> Iterator[tuple[_Batch, ...]]:
        """Yield the batches of each iteration: one for all streams, or (fork) one for the intra and one for the joint ones."""
        has_joint = "joint" in labels and bool((labels["joint"] >= 0).any())
        alternating = self.config.loss.joint_update == "alternating" and has_joint
        joint = ("joint",) if has_joint else ()
        first = INTRA_STREAMS if alternating else (*INTRA_STREAMS, *joint)
        draws = [self._draw(first, labels["visible"], labels["infrared"], generator)]
        if alternating:  # batches of joint clusters, a modality at a time
            visible, infrared = (
                np.where(in_stream(self.train.modalities, s), labels["joint"], -1) for s in INTRA_STREAMS
            )
            draws.append(self._draw(joint, visible, infrared, generator))
        yield from zip(*draws, strict=True)

    def _draw(
        self,
        streams: tuple[str, ...],
        visible: NDArray[np.int64],
        infrared: NDArray[np.int64],
        generator: np.random.Generator,
    ) -> Iterator[_Batch]:
        t = self.config.training
        drawn: list[Iterator[NDArray[np.int64]]] = []
        for labels in (visible, infrared):
            if not (labels >= 0).any():  # of joint batches, where no joint cluster holds this modality
                drawn.append(iter([np.empty(0, np.int64)] * t.iterations))
                continue
            sampler = IdentitySampler(
                labels,
                self.train.cameras,
                identities_per_batch=t.identities_per_batch,
                images_per_identity=t.images_per_identity,
                generator=generator,
            )
            drawn.append(sampler.batches(t.iterations))
        for of_visible, of_infrared in zip(*drawn, strict=True):
            yield _Batch(streams, of_visible, of_infrared)

    def _optimizer_step(
        self, batch: _Batch, memory: HybridLoss, augment_rng: torch.Generator
    ) -> dict[str, Tensor]:
        """One optimiser step on visible images, their channel-exchanged copies and infrared images."""
        share = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        visible, infrared = batch.visible[share], batch.infrared[share]
        parts = [("visible", visible), ("exchanged", visible), ("infrared", infrared)]
        images = torch.cat([self._view(rows, name, augment_rng) for name, rows in parts if rows.size])
        indices = torch.from_numpy(np.concatenate([rows for _, rows in parts])).to(self.device)
        modality = (torch.arange(len(indices)) >= 2 * len(visible)).long().to(self.device)
        query = self.model(images.contiguous(memory_format=torch.channels_last), modality)
        losses = memory.losses(query, indices, batch.streams)
        self.optimizer.zero_grad()
        self.accelerator.backward(memory.total(losses))
        self.optimizer.step()
        all_queries, all_indices = self.accelerator.gather((query.detach(), indices))
        memory.update(all_queries, all_indices, batch.streams)
        return {name: value.detach() for name, value in losses.items()}

    def _view(self, rows: NDArray[np.int64], name: Any, augment_rng: torch.Generator) -> Tensor:
        images = torch.from_numpy(self.train.gather(rows)).to(self.device)
        mean, std = self.network.mean, self.network.std
        return augment.training_view(
            images, name, self.config.data, mean=mean, std=std, generator=augment_rng
        )


def describe_labels(labels: Labels, train: ImageTable) -> dict[str, dict[str, float]]:
    """Return ``diagnostics.cluster_metrics`` of each stream's labels (n,), on the stream's own images."""
    described = {}
    for stream, y in labels.items():
        table, inside = train.select(mask := in_stream(train.modalities, stream)), y[mask]
        described[stream] = diagnostics.cluster_metrics(
            inside, identities=table.identities, cameras=table.cameras, modalities=table.modalities
        )
    return described


def _check_finite(sums: dict[str, Tensor], where: str) -> None:
    bad = [name for name, value in sums.items() if not bool(torch.isfinite(value))]
    if bad:
        raise TrainingDivergedError(
            f"{', '.join(bad)} became NaN or infinite by {where}. Try a lower training.learning_rate, "
            "training.warmup_iterations, or training.precision='fp32'."
        )
