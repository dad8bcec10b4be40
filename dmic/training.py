"""The two-phase loop: embed, cluster, rebuild memories, train an epoch; resumable after a kill at any moment.

Taught in: notebooks/07_two_phase_training.ipynb
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dmic import backbone, dnc, evaluation, sampling
from dmic.compute.devices import accelerator, bf16_inference, keep_freed_memory, peak_memory_gib
from dmic.compute.embedding import embed, embed_shared
from dmic.compute.progress import Progress, ProgressStyle
from dmic.config import Config, with_overrides
from dmic.epoch import EpochTrainer, TrainingDivergedError, describe_labels, learning_rate
from dmic.evaluation.stages import StageFeatures, check_test_people, scores
from dmic.images import ImageTable
from dmic.storage.checkpoints import Checkpoint, all_finite
from dmic.storage.files import to_jsonable
from dmic.storage.provenance import differences, environment, gentler_command
from dmic.storage.run_folder import ELSE, RunError, RunFolder

__all__ = ["FitResult", "TrainingDivergedError", "embed", "fit"]

logger = logging.getLogger(__name__)

Callback = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class FitResult:
    """What a run gives: its folder, ``summary.json`` (by the protocol that was asked for) and ``metrics.jsonl`` as Python, the
    trained network, and the test embeddings by stage (``start``, ``phase1``, ``final``).
    """

    run_dir: Path
    summary: dict[str, Any]
    history: list[dict[str, Any]]
    model: backbone.Backbone
    features: dict[str, StageFeatures]


def fit(
    config: Config,
    table: ImageTable,
    *,
    run_dir: str | Path,
    resume: bool = True,
    progress: ProgressStyle = "auto",
    callback: Callback | None = None,
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
        ends with an uninterrupted run's numbers (on a GPU, up to kernels that are not deterministic). A finished run is read,
        and scored anew if ``data.protocol`` is another.
    resume : bool
        False removes the run that is in the folder first, whatever its configuration.
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
        If visible or infrared images give no cluster in the first epoch. Later the labels of the epoch before stay.
    ValueError
        Before anything is trained: if the protocol cannot score the test images, or tests people who are trained on.
    TrainingDivergedError
        If a loss, a weight or an embedding stops being finite; the last sound epoch stays in the folder.
    dmic.storage.run_folder.RunError
        If the folder holds another run, is in use, or cannot hold this one.
    """
    return _Run(config, table, Path(run_dir), resume, progress, callback).run()


class _Run:
    """The state of one call of ``fit``."""

    def __init__(
        self,
        config: Config,
        table: ImageTable,
        path: Path,
        resume: bool,
        progress: ProgressStyle,
        callback: Callback | None,
    ) -> None:
        keep_freed_memory()
        self.callback = callback
        self.config, self.table, self.train = config, table, table.train
        self.total = 2 * config.training.epochs
        alternating = config.loss.joint_update == "alternating"  # its steps leave parameters without gradient
        self.accelerator = accelerator(config.training, unused_parameters=alternating)
        self.device, main = self.accelerator.device, self.accelerator.is_main_process
        self.protocol = evaluation.protocol_by_name(config.data.protocol)
        check_test_people(table)
        self.folder = RunFolder(path, config, table, anew=not resume, writable=main)
        # a checkpoint takes the place of starting weights, which may be gone by then
        given = with_overrides(config, {"backbone.weights": "random"}) if self.folder.goes_on else config
        with torch.random.fork_rng():
            torch.manual_seed(config.training.seed)
            self.model = backbone.build(given.backbone).to(self.device).to(memory_format=torch.channels_last)
        self.model.size = (config.data.height, config.data.width)
        self.model.bf16 = bf16_inference(config.training, self.device)
        self.precision = {
            "training": "bf16" if self.accelerator.mixed_precision == "bf16" else "fp32",
            "embedding": "bf16" if self.model.bf16 else "fp32",
        }
        length = {"epochs": self.total, "iterations": config.training.iterations}
        self.progress = Progress(progress if main else "none", **length)
        self.started = time.monotonic()

    def run(self) -> FitResult:
        """Read the run if it is finished; else train what is left to train, evaluate, and return what ``fit`` returns."""
        found = self.folder.load_checkpoint() if self.folder.finished else None
        if found and found.epochs == self.total:
            return self._read(found)
        self.accelerator.wait_for_everyone()  # all have looked at the folder before the first one writes
        with self.folder.locked():
            with self.accelerator.main_process_first():
                self.folder.begin()
            return self._train()

    def _read(self, found: Checkpoint) -> FitResult:
        self.model.load_state_dict(found.weights)
        self._say("read, not trained")
        features = {stage: self._test_features(stage, False) for stage in ("start", "phase1", "final")}
        summary = self.folder.summary or {}
        if summary["protocol"] != self.protocol.name:
            asked = to_jsonable(scores(features, self.table, self.protocol))
            summary["protocols"] = {**summary.get("protocols", {}), self.protocol.name: asked}
            try:
                with self.folder.locked():
                    self.folder.write_summary(summary)
            except RunError as error:  # the scores are right all the same
                logger.warning("the scores by %s are not kept: %s", self.protocol.name, error)
            summary = {**summary, **asked}
        return self._result(summary, self.folder.history(self.total), features)

    def _train(self) -> FitResult:
        epochs = self.config.training.epochs
        checkpoint = self.folder.load_checkpoint()
        done, weights, state = checkpoint or (0, {}, {})
        history = self.folder.history(done)
        if checkpoint:
            self.model.load_state_dict(weights)
            self.started -= history[-1]["elapsed"]
            self._say(f"resumed after epoch {done} of {self.total}")
        self.folder.check_room(self.model, self.table)
        features = {"start": self._test_features("start", done == 0)}
        scores(features, self.table, self.protocol)  # raises now where the protocol does not fit these images
        if done < self.total:
            self.folder.record(self._environment(done + 1))
        try:
            for phase in (1, 2):
                if phase == 2:
                    features["phase1"] = self._test_features("phase1", done <= epochs)
                first = max(0, done - (phase - 1) * epochs)
                if first < epochs:
                    self._phase(phase, first, state if first else {}, history)
        except TrainingDivergedError as error:
            kept = f"{len(history)} of {self.total} epochs are sound and stay in {self.folder.path}."
            command = gentler_command(self.config, self.folder.path, self.table.folder)
            raise TrainingDivergedError(f"{error} {kept} To try gentler: {command}") from error
        features["final"] = self._test_features("final", True)
        return self._result(self._finish(features, history), history, features)

    def _phase(self, phase: int, first: int, state: dict[str, Any], history: list[dict[str, Any]]) -> None:
        c = self.config.training
        trained = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trained, lr=c.learning_rate, weight_decay=c.weight_decay)
        if state:
            optimizer.load_state_dict(state["optimizer"])
        self.accelerator.free_memory()  # forget the optimiser of phase 1
        model, optimizer = self.accelerator.prepare(self.model, optimizer)
        parts = self.config, self.train, self.model, model, optimizer, self.accelerator
        trainer = EpochTrainer(*parts, on_iteration=self.progress.iteration)
        schedule = dnc.Schedule.from_config(self.config.clustering, phase=phase, epochs=c.epochs)
        for epoch in range(first, c.epochs):
            line = to_jsonable(self._epoch(trainer, phase, epoch, schedule.at(epoch)))
            weights = self.model.state_dict()
            if not all_finite(weights):
                raise TrainingDivergedError(
                    f"the network holds NaN or infinity after phase {phase}, epoch {epoch}."
                )
            history.append(line)
            self.folder.write_history(history)
            self.folder.save_checkpoint(
                Checkpoint(len(history), weights, {"optimizer": optimizer.state_dict()})
            )
            self.progress.epoch(line)
            if self.callback:
                self.callback(line)
        self.accelerator.unwrap_model(
            model, keep_fp32_wrapper=False
        )  # its precision is ``embed``'s to choose again

    def _epoch(
        self, trainer: EpochTrainer, phase: int, epoch: int, parameters: dnc.EpochParameters
    ) -> dict[str, Any]:
        clock, last = [time.monotonic()], self.config.training.iterations - 1
        features = self._embed(self.train)
        if bad := int((~np.isfinite(features)).any(1).sum()):
            raise TrainingDivergedError(
                f"{bad} of {len(features)} embeddings hold NaN or infinity before phase {phase}, epoch {epoch}."
            )
        clock.append(time.monotonic())
        before = self.folder.labels_before(phase, epoch)
        given: dict[str, Any] = {"phase": phase, "before": before, "device": str(self.device)}
        labels = dnc.assign_labels(features, self.train, self.config.clustering, parameters, **given)
        if epoch == 0:
            for advice in sampling.batch_advice(labels, self.config.training.identities_per_batch):
                self.progress.say(f"phase {phase}: {advice}", important=False)
        self.folder.write_labels(phase, epoch, labels)
        clock.append(time.monotonic())
        losses = trainer.run(features, labels, phase=phase, epoch=epoch)
        clock.append(time.monotonic())
        return {
            "phase": phase,
            "epoch": epoch,
            "global_epoch": (phase - 1) * self.config.training.epochs + epoch,
            "lr": learning_rate(self.config, phase=phase, epoch=epoch, iteration=last),
            "eps": parameters.eps,
            "eps_joint": parameters.eps_joint if phase == 2 else None,
            "k2_intra": parameters.k2_intra,
            "k2_joint": parameters.k2_joint if phase == 2 else None,
            "loss": losses.pop("total"),
            "losses": losses,
            "labels": describe_labels(labels, self.train),
            "carried": [stream for stream, y in labels.items() if before and y is before.get(stream)],
            "seconds": dict(zip(("embed", "cluster", "train"), np.diff(clock).tolist(), strict=True)),
            "elapsed": clock[-1] - self.started,
        }

    def _embed(self, table: ImageTable) -> NDArray[np.float32]:
        return embed_shared(self.model, table, self.accelerator, batch=self.config.training.embed_batch)

    def _test_features(self, stage: str, fresh: bool) -> dict[str, NDArray[np.float32]]:
        """Embed query and gallery with the network as it is now, or read what an earlier call wrote."""
        stored = None if fresh else self.folder.read_arrays(f"embeddings/{stage}")
        if stored is None and not fresh:
            file = self.folder.path / "embeddings" / f"{stage}.npz"
            raise RunError(f"{file} is missing, and the network has trained on since; {ELSE}")
        if stored is None:
            stored = {split: self._embed(getattr(self.table, split)) for split in ("query", "gallery")}
            self.folder.write_arrays(f"embeddings/{stage}", **stored)
        return stored

    def _result(self, summary: dict[str, Any], history: list[Any], features: dict[str, Any]) -> FitResult:
        return FitResult(self.folder.path, summary, history, self.model.eval(), features)

    def _finish(self, features: dict[str, Any], history: list[Any]) -> dict[str, Any]:
        summary = {
            "name": self.config.name,
            "seed": self.config.training.seed,
            **scores(features, self.table, self.protocol),
            "precision": self.precision,
            "seconds": time.monotonic() - self.started,
            "peak_memory_gib": peak_memory_gib(),
            "clusters": {stream: d["clusters"] for stream, d in history[-1]["labels"].items()},
            "identities": len(np.unique(self.train.identities)),
        }
        self.folder.write_summary(summary)
        self.progress.close()
        return to_jsonable(summary)

    def _environment(self, first_epoch: int) -> dict[str, Any]:
        given = {"processes": self.accelerator.num_processes, "device": self.device.type}
        return environment(first_epoch=first_epoch, precision=self.precision, **given)

    def _say(self, what: str) -> None:
        """Say in one line that earlier work is used, and what made it otherwise than now."""
        other = differences(self.folder.environment["parts"], self._environment(0))
        made = f"; made by other {other}" if other else ""
        text = f"{self.folder.path}: {what}{made}; FRESH=1 (--restart, resume=False) starts anew"
        if self.accelerator.is_main_process:
            self.progress.say(text, important=bool(other))
