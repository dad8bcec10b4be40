"""The run folder: what a training run leaves on disk, written so that a kill at any moment loses one epoch at most.

Layout: ``config.json``; ``environment.json`` (what the run was made from, see `dmic.storage.provenance`); ``metrics.jsonl`` (one
line per epoch); ``pseudo_labels/*.npz``; ``embeddings/*.npz`` (test features before, between and after the phases);
``checkpoints/`` (`dmic.storage.checkpoints`); ``summary.json`` when the run is complete. ``NAME.lock`` beside the folder is held
by the process that writes.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from dmic.config import Config, ConfigError, from_json, to_json
from dmic.storage.checkpoints import Checkpoint, Checkpoints, room_needed
from dmic.storage.files import read_json, to_jsonable, write_json, write_text
from dmic.storage.locking import InUseError, hold
from dmic.storage.provenance import (
    TRAINS_NOTHING,
    changed_fields,
    data_fingerprint,
    told,
    weights_fingerprint,
)

if TYPE_CHECKING:
    from dmic.backbone import Backbone
    from dmic.images import ImageTable

__all__ = ["ELSE", "RunError", "RunFolder", "adopt", "clear"]

logger = logging.getLogger(__name__)

_FOLDERS = ("pseudo_labels", "embeddings", "checkpoints")
_RESULTS = ("summary.json", "study.json", "report.html", "09_full_training.ipynb")
ELSE = "choose another folder, or start anew in this one (make: FRESH=1; dmic train: --restart; Python: resume=False)"


class RunError(RuntimeError):
    """A run folder cannot be used for this run; the message says why and what to do."""


def clear(path: Path) -> None:
    """Remove what a run left in a folder, but for ``config.json``, by which the folder stays a run's. Anything else stays.

    Cut short, it leaves no run that looks finished.
    """
    for name in _RESULTS:
        (path / name).unlink(missing_ok=True)
    Checkpoints(path / "checkpoints").clear()
    for pattern in ("pseudo_labels/*.npz", "embeddings/*.npz", ".*.json*.[0-9]*"):  # the last: drafts
        for file in path.glob(pattern):
            file.unlink()
    for name in ("metrics.jsonl", "environment.json"):
        (path / name).unlink(missing_ok=True)


class RunFolder:
    """One run's folder. Opening it reads; ``begin`` is the first to write.

    Parameters
    ----------
    path : Path
    config : Config
        What the run is; a folder that holds another configuration is refused (but for ``provenance.TRAINS_NOTHING``).
    table : ImageTable
        A folder that was trained on other labels or images is refused.
    anew : bool
        Nothing is refused that a run left: ``begin`` removes it.
    writable : bool
        False for all but the main process of a distributed run: they read and never write.

    Raises
    ------
    RunError
        If the folder holds something else than this run.
    """

    def __init__(
        self, path: Path, config: Config, table: ImageTable, *, anew: bool = False, writable: bool = True
    ) -> None:
        self.path, self.config, self.anew, self.writable = path, config, anew, writable
        self.checkpoints = Checkpoints(path / "checkpoints")
        self.origin: dict[str, Any] = {
            "data": f"{table.name}, {len(table)} images",
            "data_folder": None if table.folder is None else str(table.folder),
            "fingerprint": data_fingerprint(table) | weights_fingerprint(config.backbone.weights),
        }
        self._check()

    def _check(self) -> None:
        """Refuse a folder of something else."""
        if not (self.path / "config.json").is_file():
            if self.path.is_file() or any(self.path.glob("[!.]*")):  # hidden ones: drafts of a killed process
                raise RunError(f"{self.path} is not empty and holds no run; choose another run folder")
            return
        if self.anew and (self.path / "environment.json").is_file():  # a run, whatever its configuration
            return
        stored = self._stored_config()
        if self.anew or not self._trained:  # free for any configuration
            return
        if not self.checkpoints.epochs():
            raise RunError(f"{self.path} holds a finished run without its checkpoints; {ELSE}")
        fields = changed_fields(stored, self.config)
        fields = {name: values for name, values in fields.items() if name not in TRAINS_NOTHING}
        if fields:
            said = told(fields, "there", "here")
            raise RunError(f"{self.path} holds a run with another configuration ({said}); {ELSE}")
        self._check_origin(stored)

    def _stored_config(self) -> Config:
        file = self.path / "config.json"
        try:
            if "training" not in json.loads(text := file.read_text(encoding="utf-8")):
                raise ConfigError("it has no section training")
            return from_json(text)
        except ValueError as error:  # no text, no JSON, no configuration
            raise RunError(f"{file} is not a run's ({error}); choose another run folder") from None

    def _check_origin(self, stored: Config) -> None:
        """Refuse other data, a configuration that was edited by hand, and a run that does not know what it was made from."""
        known = self.environment
        if not all(known.get(name) for name in ("fingerprint", "parts", "config")):
            raise RunError(
                f"{self.path} does not say what it was trained on (environment.json is damaged, or of an older version); {ELSE}"
            )
        here = self.origin["fingerprint"]
        if other := [name for name in here if known["fingerprint"].get(name) != here[name]]:
            which = f"{', '.join(other)} differ ({known['data']} there, {self.origin['data']} here)"
            raise RunError(f"{self.path} was trained on other data: {which}; {ELSE}")
        if edited := changed_fields(from_json(json.dumps(known["config"])), stored):
            how = f"edited after training began ({told(edited, 'trained', 'now')})"
            raise RunError(f"{self.path / 'config.json'} was {how}; put it back, {ELSE}")

    @property
    def _trained(self) -> bool:
        return bool(self.checkpoints.epochs()) or (self.path / "summary.json").is_file()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that writes to the folder, see `dmic.storage.locking`; ``RunError`` if another one is."""
        try:
            with hold(self.path) if self.writable else nullcontext():
                yield
        except InUseError as error:
            raise RunError(f"{error}; or choose another run folder") from None

    def begin(self) -> None:
        """Prepare the folder for training: remove an earlier run if it starts anew, else check once more what is there."""
        if not self.writable:
            return
        self._check()
        with self.writing("the run folder"):
            self.path.mkdir(parents=True, exist_ok=True)
            if self.anew or not self._trained:
                clear(self.path)
                self.anew = False
                adopt(self.path, self.config, {**self.origin, "parts": []})
            for name in _FOLDERS:
                (self.path / name).mkdir(exist_ok=True)

    def check_room(self, model: Backbone, table: ImageTable) -> None:
        """Refuse to start what the disk cannot hold."""
        if not self.writable:
            return
        needed = room_needed(model, table, self.config.training, there=len(self.checkpoints.epochs()))
        free = shutil.disk_usage(self.path).free
        if needed > free:
            raise RunError(
                f"the run will write {needed / 2**30:.2f} GiB into {self.path}, where {free / 2**30:.2f} GiB are free; free some "
                "room, choose another folder, or keep fewer checkpoints (training.keep)"
            )

    def labels_before(self, phase: int, epoch: int) -> dict[str, NDArray[Any]] | None:
        """Read the pseudo labels of the epoch before, so that a resumed run goes on from the same; None before the first."""
        phase, epoch = (phase, epoch - 1) if epoch else (phase - 1, self.config.training.epochs - 1)
        found = self.read_arrays(name := f"pseudo_labels/phase{phase}_epoch_{epoch:03d}")
        if phase and found is None:
            logger.warning(
                "%s/%s.npz is missing: nothing to keep where a clustering finds nothing", self.path, name
            )
        return found

    def write_labels(self, phase: int, epoch: int, labels: dict[str, NDArray[np.int64]]) -> None:
        """Write an epoch's pseudo labels, by stream."""
        self.write_arrays(f"pseudo_labels/phase{phase}_epoch_{epoch:03d}", **labels)

    def record(self, part: dict[str, Any]) -> None:
        """Write down in ``environment.json`` what trains from ``part["first_epoch"]`` on; earlier results are none any more."""
        if not self.writable:
            return
        known = self.environment
        parts = [entry for entry in known["parts"] if entry["first_epoch"] < part["first_epoch"]]
        unlike = not parts or {**parts[-1], "first_epoch": 0} != {**to_jsonable(part), "first_epoch": 0}
        with self.writing("environment.json"):
            for name in _RESULTS:
                (self.path / name).unlink(missing_ok=True)
            write_json(self.path / "environment.json", {**known, "parts": parts + [part] * unlike})

    @property
    def environment(self) -> dict[str, Any]:
        """What the run was made from: ``data``, ``fingerprint``, and ``parts``, one for each range of epochs made alike."""
        return read_json(self.path / "environment.json")

    @property
    def summary(self) -> dict[str, Any] | None:
        """The finished run's summary, or None."""
        return read_json(self.path / "summary.json") or None

    @property
    def goes_on(self) -> bool:
        """Whether a checkpoint is there to go on from."""
        return not self.anew and bool(self.checkpoints.epochs())

    @property
    def finished(self) -> bool:
        """Whether the run is complete and may be read."""
        whole = self.checkpoints.epochs()[-1:] == [2 * self.config.training.epochs]
        return self.goes_on and whole and self.summary is not None

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``: the run is complete."""
        if self.writable:
            with self.writing("summary.json"):
                write_json(self.path / "summary.json", summary)

    def history(self, epochs: int | None = None) -> list[dict[str, Any]]:
        """Return the lines of ``metrics.jsonl``, the first ``epochs`` of them."""
        file = self.path / "metrics.jsonl"
        # a line that a kill cut short has no newline
        lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.is_file() else []
        return [json.loads(line) for line in lines[:epochs]]

    def write_history(self, history: list[dict[str, Any]]) -> None:
        """Replace ``metrics.jsonl``: one line per epoch."""
        if self.writable:
            lines = (json.dumps(to_jsonable(line)) + "\n" for line in history)
            with self.writing("metrics.jsonl"):
                write_text(self.path / "metrics.jsonl", "".join(lines))

    def write_arrays(self, name: str, **arrays: NDArray[Any]) -> None:
        """Write ``<name>.npz``, e.g. ``pseudo_labels/phase1_epoch_000``."""
        if self.writable:
            temporary = self.path / f"{name}.tmp.npz"
            with self.writing(f"{name}.npz"):
                np.savez(temporary, **arrays)  # type: ignore[arg-type]
                os.replace(temporary, self.path / f"{name}.npz")

    def read_arrays(self, name: str) -> dict[str, NDArray[Any]] | None:
        """Read ``<name>.npz``, or return None where it is missing or damaged."""
        with suppress(OSError, EOFError, ValueError, zipfile.BadZipFile):
            return dict(np.load(self.path / f"{name}.npz"))
        return None

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, and drop those that ``training.keep`` does not name."""
        t, now = self.config.training, checkpoint.epochs
        kept = {now - 1, t.epochs, *(() if isinstance(t.keep, str) else t.keep)}
        if self.writable:
            with self.writing(f"the checkpoint after epoch {now}"):
                self.checkpoints.save(checkpoint, keep=None if t.keep == "all" else kept)

    def load_checkpoint(self) -> Checkpoint | None:
        """Return the newest sound checkpoint whose epochs stand in ``metrics.jsonl``, or None if nothing was trained."""
        found = self.checkpoints.newest(within=len(self.history()))
        if found is None and self.checkpoints.epochs():
            raise RunError(
                f"none of the checkpoints in {self.path} can be used, or metrics.jsonl is cut; {ELSE}"
            )
        return found

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Say of whatever hinders writing what is whole and what to do."""
        try:
            yield
        except (OSError, RuntimeError, SafetensorError) as error:  # torch's own writer raises RuntimeError
            whole = self.checkpoints.epochs()
            kept = f"epoch {whole[-1]} is whole" if whole else "no epoch was finished yet"
            raise RunError(
                f"cannot write {what} in {self.path} ({error}); {kept}. Free some room or mend the permissions; the same command, "
                "without --restart or FRESH=1, goes on from there"
            ) from error


def adopt(path: Path, config: Config, environment: dict[str, Any]) -> None:
    """Make a folder the run of a configuration, as a study does with its copies of a phase 1 that several arms share."""
    write_text(path / "config.json", to_json(config))
    write_json(path / "environment.json", {**environment, "config": json.loads(to_json(config))})
