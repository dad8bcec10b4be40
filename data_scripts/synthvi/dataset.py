"""All people of a preset, rendered in parallel, into a data set folder."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..stopping import deaf_children
from . import GENERATOR_VERSION
from .annotations import camera_annotations, capture_annotations, person_annotations
from .appearances import appearance_counts
from .render import Studio
from .seeds import root
from .world import Preset, World, camera_numbers, is_infrared

LICENCE = "CC0-1.0 (images generated from a CC0 1.0 MakeHuman mesh; no real person is shown)"


class WorkerError(RuntimeError):
    """A worker process is gone; the text says what to try."""


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
                    "walk": index // studio.world.images_per_walk,
                    **capture_annotations(shot.capture),
                    **camera_annotations(studio.cameras[camera_id]),
                    **person_annotations(look),
                }
            )
    return Rendered(np.stack(images), np.stack(masks), rows)


def _serve(connection: Connection, seed: int, world: World, preset: Preset) -> None:
    """Work of one process: render each person whose number arrives, until the other end is closed."""
    studio = Studio(seed, world, preset)
    with suppress(EOFError, ConnectionError):
        while True:
            person = connection.recv()
            connection.send((person, render_person(studio, person)))


@contextmanager
def _worker_processes(workers: int, *world: Any) -> Iterator[list[Connection]]:
    """Worker processes, each at the end of a pipe of its own; killed at the end, whatever they are doing.

    Pools of the standard library share one pipe: a worker that dies while it writes there stops them for ever.
    """
    context = multiprocessing.get_context("spawn")
    connections, processes = [], []
    try:
        with deaf_children():
            for _ in range(workers):
                here, there = context.Pipe()
                process = context.Process(target=_serve, args=(there, *world), daemon=True)
                process.start()
                there.close()  # so that its end is seen at once, here and there
                connections.append(here)
                processes.append(process)
        yield connections
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()


def render_all(seed: int, world: World, preset: Preset, workers: int) -> Generator[Rendered, None, None]:
    """Images, masks and rows person by person, in order, whatever the number of worker processes."""
    if workers <= 1:
        studio = Studio(seed, world, preset)
        for person in people(preset):
            yield render_person(studio, person)
        return
    waiting, finished = iter(people(preset)), {}
    with _worker_processes(min(workers, len(people(preset))), seed, world, preset) as connections:
        try:
            for connection, person in zip(connections * 2, waiting):  # noqa: B905  one to render, one to go on with
                connection.send(person)
            for person in people(preset):
                while person not in finished:
                    for connection in wait(connections):
                        number, rendered = connection.recv()
                        finished[number] = rendered
                        if (following := next(waiting, None)) is not None:
                            connection.send(following)
                yield finished.pop(person)
        except (EOFError, ConnectionError):
            raise WorkerError(
                f"A worker process died, probably because memory ran out; nothing was written. Try fewer --workers than {workers}."
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
        with closing(render_all(seed, world, preset, workers)) as rendered:
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
