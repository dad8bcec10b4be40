"""The two-phase loop: embed, cluster, rebuild memories, train an epoch; resumable after a kill at any moment.

Taught in: notebooks/07_two_phase_training.ipynb
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object
from numpy.typing import NDArray

from dmic import augment, backbone, diagnostics, dnc, evaluation
from dmic.compute.devices import accelerator, bf16_inference, keep_freed_memory, peak_memory_gib
from dmic.compute.progress import Progress, ProgressStyle
from dmic.config import Config, ConfigError
from dmic.epoch import EpochTrainer, TrainingDivergedError, learning_rate
from dmic.images import ImageTable, in_stream
from dmic.storage.files import to_jsonable
from dmic.storage.run_folder import RunError, RunFolder

__all__ = ["FitResult", "TrainingDivergedError", "embed", "fit"]


@dataclass(frozen=True)
class FitResult:
    """What a run gives: its folder, ``summary.json`` and ``metrics.jsonl`` as Python, the trained network, and the test
    embeddings by stage (``start``, ``phase1``, ``final``), each ``{"query": (nq, d), "gallery": (ng, d)}``.
    """

    run_dir: Path
    summary: dict[str, Any]
    history: list[dict[str, Any]]
    model: backbone.Backbone
    features: dict[str, dict[str, NDArray[np.float32]]]


def fit(
    config: Config,
    table: ImageTable,
    *,
    run_dir: str | Path,
    resume: bool = True,
    progress: ProgressStyle = "auto",
    callback: Callable[[dict[str, Any]], None] | None = None,
) -> FitResult:
    """Train DMIC: phase 1 within each modality, phase 2 across them (paper Section III).

    Parameters
    ----------
    config : Config
    table : ImageTable
        With splits train, query and gallery. Training reads images, cameras and modalities; identities serve diagnostics and
        evaluation only (unless ``clustering.label_source`` is ``"identities"``).
    run_dir
        Folder of the run (see ``dmic.storage.run_folder``). The same call on the same folder resumes after the last whole epoch and
        ends with an uninterrupted run's numbers (on a GPU, up to kernels that are not deterministic).
    resume : bool
        False deletes an earlier run of the same configuration first.
    progress
        ``bar``, ``lines`` (one line per epoch), ``none``, or ``auto``: a bar on a terminal, lines elsewhere.
    callback
        Called after each epoch with its ``metrics.jsonl`` line.

    Returns
    -------
    FitResult
        Tested before training, after phase 1 and after the last epoch; none is selected by its test result.

    Raises
    ------
    dmic.dnc.NoClustersError
        If visible or infrared images give no cluster. No joint cluster: its losses are left out of the epoch (logged).
    TrainingDivergedError
        If the loss stops being finite.
    dmic.storage.run_folder.RunError
        If the folder holds another run.
    """
    return _Run(config, table, Path(run_dir), resume, progress).run(callback)


def embed(
    model: backbone.Backbone,
    table: ImageTable,
    *,
    size: tuple[int, int] | None = None,
    batch: int = 256,
    bf16: bool = False,
) -> NDArray[np.float32]:
    """Embed all images of a table: (n, d) float32 unit rows, in the table's order.

    Parameters
    ----------
    model : Backbone
        Put into evaluation mode for the call.
    table : ImageTable
    size
        (height, width) in pixels to resize to, the training size; None keeps the stored size.
    batch : int
        Images per forward pass.
    bf16 : bool
        Run under bfloat16 autocast; features are float32 either way.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    features = np.empty((len(table), model.dim), np.float32)
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for start in range(0, len(table), batch):
            rows = np.arange(start, min(start + batch, len(table)))
            pixels = augment.to_pixels(torch.from_numpy(table.gather(rows)).to(device), size or table.size)
            modality = torch.from_numpy(table.modalities[rows]).to(device)
            features[rows] = (
                model.embed(augment.normalize(pixels, model.mean, model.std), modality).cpu().numpy()
            )
    model.train(was_training)
    return features


class _Run:
    """The state of one call of ``fit``."""

    def __init__(
        self, config: Config, table: ImageTable, path: Path, resume: bool, progress: ProgressStyle
    ) -> None:
        keep_freed_memory()
        self.config, self.table, self.train = config, table, table.train
        alternating = config.loss.joint_update == "alternating"
        self.accelerator = accelerator(config.training, unused_parameters=alternating)
        self.device = self.accelerator.device
        self.bf16 = bf16_inference(config.training, self.device)
        main, world = self.accelerator.is_main_process, self.accelerator.num_processes
        images = config.training.identities_per_batch * config.training.images_per_identity
        if images % world:
            raise ConfigError(f"a batch of P x K = {images} images does not divide among {world} processes")
        self.protocol = evaluation.protocol_by_name(config.data.protocol)
        with torch.random.fork_rng():
            torch.manual_seed(config.training.seed)
            self.model = backbone.build(config.backbone).to(self.device).to(memory_format=torch.channels_last)
        fingerprint = hashlib.sha256(json.dumps(table.info, sort_keys=True).encode()).hexdigest()[:12]
        data = f"{table.name}, {len(table)} images, {fingerprint}"
        with self.accelerator.main_process_first():
            options: dict[str, Any] = {"folder": table.folder, "resume": resume, "writable": main}
            self.folder = RunFolder(path, config, data=data, **options)
        length = {"epochs": 2 * config.training.epochs, "iterations": config.training.iterations}
        self.progress = Progress(progress if main else "none", **length)
        self.started = time.monotonic()

    def run(self, callback: Callable[[dict[str, Any]], None] | None) -> FitResult:
        """Train what is left to train, evaluate, and return what ``fit`` returns."""
        epochs = self.config.training.epochs
        checkpoint = self.folder.load_checkpoint()
        done, weights, state = checkpoint or (0, {}, {})
        history = self.folder.history(done)
        if checkpoint:
            self.model.load_state_dict(weights)
            self.started -= history[-1]["elapsed"]
        features = {"start": self._test_features("start", done == 0)}
        if self.folder.summary and done == 2 * epochs:
            features |= {stage: self._test_features(stage, False) for stage in ("phase1", "final")}
            return FitResult(self.folder.path, self.folder.summary, history, self.model.eval(), features)
        for phase in (1, 2):
            if phase == 2:
                features["phase1"] = self._test_features("phase1", done <= epochs)
            first = max(0, done - (phase - 1) * epochs)
            if first < epochs:
                self._phase(phase, first, state if first else {}, history, callback)
        features["final"] = self._test_features("final", True)
        summary = self._finish(features, history)
        return FitResult(self.folder.path, summary, history, self.model.eval(), features)

    def _phase(
        self,
        phase: int,
        first: int,
        state: dict[str, Any],
        history: list[dict[str, Any]],
        callback: Callable[[dict[str, Any]], None] | None,
    ) -> None:
        c = self.config.training
        optimizer = torch.optim.Adam(
            [p for p in self.model.parameters() if p.requires_grad],
            lr=c.learning_rate,
            weight_decay=c.weight_decay,
        )
        if state:
            optimizer.load_state_dict(state["optimizer"])
        self.accelerator.free_memory()  # forget the optimiser of phase 1
        model, optimizer = self.accelerator.prepare(self.model, optimizer)
        trainer = EpochTrainer(
            self.config,
            self.train,
            self.model,
            model,
            optimizer,
            self.accelerator,
            on_iteration=self.progress.iteration,
        )
        schedule = dnc.Schedule.from_config(self.config.clustering, phase=phase, epochs=c.epochs)
        for epoch in range(first, c.epochs):
            history.append(to_jsonable(self._epoch(trainer, phase, epoch, schedule.at(epoch))))
            self.folder.write_history(history)
            self.folder.save_checkpoint(
                len(history), self.model.state_dict(), {"optimizer": optimizer.state_dict()}
            )
            self.progress.epoch(history[-1])
            if callback:
                callback(history[-1])

    def _epoch(
        self, trainer: EpochTrainer, phase: int, epoch: int, parameters: dnc.EpochParameters
    ) -> dict[str, Any]:
        clock = [time.monotonic()]
        features = self._embed(self.train)
        clock.append(time.monotonic())
        clustering = self.config.clustering
        labels = dnc.assign_labels(
            features, self.train, clustering, parameters, phase=phase, device=str(self.device)
        )
        self.folder.write_arrays(f"pseudo_labels/phase{phase}_epoch_{epoch:03d}", **labels)
        clock.append(time.monotonic())
        losses = trainer.run(features, labels, phase=phase, epoch=epoch)
        clock.append(time.monotonic())
        return {
            "phase": phase,
            "epoch": epoch,
            "global_epoch": (phase - 1) * self.config.training.epochs + epoch,
            "lr": learning_rate(
                self.config, phase=phase, epoch=epoch, iteration=self.config.training.iterations - 1
            ),
            "eps": parameters.eps,
            "eps_joint": parameters.eps_joint if phase == 2 else None,
            "k2_intra": parameters.k2_intra,
            "k2_joint": parameters.k2_joint if phase == 2 else None,
            "loss": losses.pop("total"),
            "losses": losses,
            "labels": {stream: self._cluster_metrics(stream, y) for stream, y in labels.items()},
            "seconds": dict(zip(("embed", "cluster", "train"), np.diff(clock).tolist(), strict=True)),
            "elapsed": clock[-1] - self.started,
        }

    def _embed(self, table: ImageTable) -> NDArray[np.float32]:
        """Embed a table, each process its share."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        data, batch = self.config.data, self.config.training.embed_batch
        mine = table if world == 1 else table.select(np.arange(len(table))[rank::world])
        own = embed(self.model, mine, size=(data.height, data.width), batch=batch, bf16=self.bf16)
        if world == 1:
            return own
        features = np.empty((len(table), own.shape[1]), np.float32)
        for other, part in enumerate(gather_object([own])):
            features[other::world] = part
        return features

    def _test_features(self, stage: str, fresh: bool) -> dict[str, NDArray[np.float32]]:
        """Embed query and gallery with the network as it is now, or read what an earlier call wrote."""
        stored = None if fresh else self.folder.read_arrays(f"embeddings/{stage}")
        if stored is None and not fresh:
            raise RunError(
                f"{self.folder.path / 'embeddings' / stage}.npz is missing, and the network has trained on since: start "
                "anew with resume=False or in another folder"
            )
        if stored is None:
            stored = {split: self._embed(getattr(self.table, split)) for split in ("query", "gallery")}
            self.folder.write_arrays(f"embeddings/{stage}", **stored)
        return stored

    def _cluster_metrics(self, stream: str, labels: NDArray[np.int64]) -> dict[str, float]:
        inside = in_stream(self.train.modalities, stream)
        labels, table = labels[inside], self.train.select(inside)
        return diagnostics.cluster_metrics(
            labels, identities=table.identities, cameras=table.cameras, modalities=table.modalities
        )

    def _finish(
        self, features: dict[str, dict[str, NDArray[np.float32]]], history: list[dict[str, Any]]
    ) -> dict[str, Any]:
        results = {s: evaluation.evaluate(f, self.table, self.protocol) for s, f in features.items()}
        summary = {
            "name": self.config.name,
            "seed": self.config.training.seed,
            "protocol": self.config.data.protocol,
            **{stage: result.mean for stage, result in results.items()},
            "standard_error_rank1": {stage: result.standard_error_rank1 for stage, result in results.items()},
            "seconds": time.monotonic() - self.started,
            "peak_memory_gib": peak_memory_gib(),
            "clusters": {stream: d["clusters"] for stream, d in history[-1]["labels"].items()},
            "identities": len(np.unique(self.train.identities)),
        }
        self.folder.write_summary(summary)
        self.progress.close()
        return to_jsonable(summary)
