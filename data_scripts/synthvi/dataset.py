"""All people of a preset, rendered in parallel, into a data set folder."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import pickle
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from dmic.lab.processes import end_with_parent

from ..stopping import deaf_children
from . import GENERATOR_VERSION
from .annotations import camera_annotations, capture_annotations, person_annotations
from .appearances import appearance_counts
from .render import Studio
from .seeds import root
from .world import Preset, World, camera_numbers, is_infrared

LICENCE = "CC0-1.0 (images generated from a CC0 1.0 MakeHuman mesh; no real person is shown)"


class WorkerError(RuntimeError):
    """A worker process is gone, or cannot hand over its images; the text says what to try."""


def description(seed: int, world: World, preset: Preset, preset_name: str) -> dict[str, Any]:
    """What ``dataset.json`` stores under ``made``: enough to render the same bytes again."""
    return {
        "generator": "data_scripts/render_synthvi.py",
        "generator_version": GENERATOR_VERSION,
        "seed": seed,
        "preset": preset_name,
        "people": dataclasses.asdict(preset),
        "world": dataclasses.asdict(world),
        "mesh": "MakeHuman base mesh and targets, CC0 1.0; see data_scripts/synthvi/assets/PROVENANCE.md",
    }


def name_of(world: World, preset_name: str) -> str:
    """Name of a data set, ``synthvi-small``; ``synthvi-toy-gray-0.3`` where near-infrared is partly a gray copy."""
    eased = f"-gray-{world.nir_gray_copy:g}" if world.nir_gray_copy else ""
    return f"synthvi-{preset_name}{eased}"


def people(preset: Preset) -> range:
    """Identities of a preset: training people first."""
    return range(1, preset.train_people + preset.test_people + 1)


def split_of(preset: Preset, person: int, camera_id: int) -> str:
    """Split of an image: of test people, infrared cameras give the query images and visible ones the gallery."""
    if person <= preset.train_people:
        return "train"
    return "query" if is_infrared(camera_id) else "gallery"


class Rendered(NamedTuple):
    """All k images of one identity."""

    images: np.ndarray  # (k, height, width, 3) uint8
    masks: np.ndarray  # (k, height, width) bool: what is seen of the person
    rows: list[dict[str, Any]]  # of the manifest


def render_person(studio: Studio, person: int) -> Rendered:
    """Render all images of one identity."""
    look, outfit = studio.dressed(person)
    images, masks, rows = [], [], []
    world = f"world={studio.world.name}/seed={studio.seed}"
    counts = zip(camera_numbers(studio.world), studio.appearance_counts[person - 1], strict=True)
    for camera_id, count in counts:
        for index in range(count):
            shot = studio.render(person, camera_id, index, look, outfit)
            images.append(shot.image)
            masks.append(shot.mask)
            rows.append(
                {
                    "split": split_of(studio.preset, person, camera_id),
                    "modality": "infrared" if is_infrared(camera_id) else "visible",
                    "camera": camera_id,
                    "identity": person,
                    "source": f"synthvi:{world}/person={person}/camera={camera_id}/shot={index}",
                    "walk": studio.walk_of(person, camera_id, index),
                    **capture_annotations(shot.capture, shot.measured),
                    **camera_annotations(studio.cameras[camera_id]),
                    **person_annotations(look),
                }
            )
    return Rendered(np.stack(images), np.stack(masks), rows)


_studio: Studio  # of a worker process


def _start(make: Callable[[], Studio]) -> None:
    """Begin a worker process, which ends with its parent, whatever ends that."""
    global _studio
    end_with_parent()
    _studio = make()


def _trace(folder: Path, number: int) -> None:
    """Trace a camera's frame into a file that all workers map into memory."""
    np.save(folder / f"{number}.npy", _studio.trace(number))


def _render(folder: Path, person: int) -> Path:
    """Render one identity into a file: a worker that dies while it writes a long answer would stop the pool for ever."""
    path = folder / f"person-{person}.pickle"
    path.write_bytes(pickle.dumps(render_person(_studio, person), pickle.HIGHEST_PROTOCOL))
    return path


@contextmanager
def _worker_processes(workers: int, make: Callable[[], Studio]) -> Iterator[Callable[..., Future]]:
    """Worker processes, as a function that gives them a task; killed at the end, whatever they are doing."""
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, (make,))

    def submit(*task: Any) -> Future:
        """Start another process, if there are too few."""
        with deaf_children():
            return pool.submit(*task)

    try:
        yield submit
    finally:
        for process in multiprocessing.active_children():
            if process not in others:
                process.kill()
        pool.shutdown(cancel_futures=True)


def render_all(
    seed: int, world: World, preset: Preset, workers: int, scratch: str | os.PathLike[str] | None = None
) -> Generator[Rendered, None, None]:
    """Images, masks and rows person by person, in order, whatever the number of worker processes.

    Those share traced frames, and hand over what they rendered, in a folder below ``scratch`` that is gone at the end.
    """
    if workers <= 1:
        studio = Studio(seed, world, preset)
        for person in people(preset):
            yield render_person(studio, person)
        return
    count, waiting = min(workers, len(people(preset))), iter(people(preset))
    try:
        with (
            TemporaryDirectory(prefix="synthvi-", dir=scratch) as name,
            _worker_processes(count, partial(Studio, seed, world, preset, traced=Path(name))) as submit,
        ):
            folder = Path(name)
            for frame in [submit(_trace, folder, number) for number in camera_numbers(world)]:
                frame.result()
            # Each renders one person and goes on with the next; more would only fill the disk.
            ahead = deque(submit(_render, folder, person) for person in islice(waiting, 2 * count))
            while ahead:
                path = ahead.popleft().result()
                ahead.extend(submit(_render, folder, person) for person in islice(waiting, 1))
                yield pickle.loads(path.read_bytes())
                path.unlink()
    except BrokenProcessPool:
        raise WorkerError(
            f"A worker process died, probably because memory ran out; nothing was written. Try fewer --workers than {workers}."
        ) from None
    except OSError as error:
        raise WorkerError(
            f"Worker processes could not hand over what they rendered ({error}); nothing was written. Choose a folder with more room."
        ) from None


def write_dataset(
    path: str | os.PathLike[str],
    *,
    seed: int,
    world: World,
    preset: Preset,
    preset_name: str,
    workers: int = 1,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Render a whole data set into a folder; returns the number of images.

    Parameters
    ----------
    path : path
        Folder to make; it appears when it is whole.
    seed, world, preset, preset_name, workers
        What to render. The bytes do not depend on ``workers``.
    overwrite : bool
        Replace an existing folder.
    progress : callable, optional
        Called with the number of images just finished.

    Raises
    ------
    dmic.images.DatasetError
        The folder exists or cannot be written.
    """
    from dmic.images import DatasetWriter  # here, so that worker processes do not import the package

    total = image_count(seed, world, preset)
    with DatasetWriter(
        path,
        count=total,
        size=(preset.height, preset.width),
        name=name_of(world, preset_name),
        version=GENERATOR_VERSION,
        licence=LICENCE,
        made=description(seed, world, preset, preset_name),
        overwrite=overwrite,
    ) as writer:
        with closing(render_all(seed, world, preset, workers, writer.unfinished)) as rendered:
            for person in rendered:
                for image, mask, row in zip(*person, strict=True):
                    writer.append(image, mask, **row)
                if progress is not None:
                    progress(len(person.rows))
    return total


class Progress:
    """A tqdm bar in a terminal, a log line every few seconds elsewhere."""

    def __init__(self, total: int, seconds: float = 5.0) -> None:
        self._total, self._done, self._seconds = total, 0, seconds
        self._start = self._last = time.perf_counter()
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit="image", desc="rendering", smoothing=0.1)

    def __call__(self, images: int) -> None:
        """Count finished images."""
        self._done += images
        if self._bar is not None:
            self._bar.update(images)
            return
        now = time.perf_counter()
        if now - self._last >= self._seconds or self._done == self._total:
            self._last = now
            rate = self._done / max(now - self._start, 1e-9)
            left = (self._total - self._done) / max(rate, 1e-9)
            print(
                f"rendered {self._done}/{self._total} images, {rate:.0f} images/s, {left:.0f} s left",
                flush=True,
            )

    def close(self) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()


def image_count(seed: int, world: World, preset: Preset) -> int:
    """Number of images a preset gives with this seed."""
    return int(appearance_counts(root(seed, world.name), world, preset).sum())


def matches(path: str | os.PathLike[str], made: dict[str, Any]) -> bool:
    """Whether a folder is a complete data set with exactly this description."""
    from dmic.images import DatasetError, open_dataset

    if not Path(path).is_dir():
        return False
    try:
        return open_dataset(path).info["made"] == made
    except DatasetError:
        return False
