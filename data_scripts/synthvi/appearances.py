"""Which camera sees which person, and how often: a table of counts, made before anything is rendered.

Most presets give every camera that sees a person the same number of images. The preset ``sysu-shaped`` has the
margins of SYSU-MM01: images per camera, people per camera and split. Its table of people × cameras is not public
here, so one is drawn (always the same one, for every seed) with exactly those margins; see `sysu_table`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .seeds import Purpose, generator
from .world import CAMERAS, Preset, World, camera_numbers, is_infrared

TABLE_SEED = 38  # of the one table of the preset sysu-shaped


@dataclass(frozen=True)
class Margins:
    """What is known of one split of SYSU-MM01, camera by camera (1 … 6), and what is assumed."""

    people: int
    images: tuple[int, ...]
    people_seen: tuple[int, ...]
    median: tuple[int, ...]  # images per person and camera
    spread: tuple[float, ...]  # assumed: of the logarithm of images per person and camera
    ceiling: tuple[int, ...]  # assumed: most images per person and camera


# Images, people and medians: counted from the index files of SYSU-MM01 (Wu et al., ICCV 2017). In cameras 4 and 5 the
# training mean (15) lies below the median (18, 20): most people are at a ceiling of 20 and some have few images.
TRAINING = Margins(
    people=395,
    images=(4721, 5753, 7909, 5811, 5973, 4000),
    people_seen=(194, 195, 392, 382, 390, 200),
    median=(24, 28, 20, 18, 20, 20),
    spread=(0.22, 0.25, 0.12, 0.7, 1.0, 0.1),
    ceiling=(60, 60, 40, 20, 20, 40),
)
TEST = Margins(
    people=96,
    images=(1374, 1565, 1883, 1918, 1918, 1920),
    people_seen=(56, 56, 93, 94, 95, 96),
    median=(24, 28, 20, 20, 20, 20),  # assumed
    spread=(0.22, 0.25, 0.12, 0.12, 0.12, 0.1),
    ceiling=(60, 60, 40, 40, 40, 40),
)


def appearance_counts(seed: int, world: World, preset: Preset) -> np.ndarray:
    """Images to render per person and camera.

    Parameters
    ----------
    seed : int
        Root seed of the world (`seeds.root`).
    world, preset : World, Preset
        Cameras; people and images.

    Returns
    -------
    (train_people + test_people, cameras) int64
        Columns in the order of `world.camera_numbers`; 0 = not seen.
    """
    if preset.sysu_counts:
        table = sysu_table()
    else:
        cameras = camera_numbers(world)
        table = np.zeros((preset.train_people + preset.test_people, len(cameras)), np.int64)
        for row in range(len(table)):
            training = row < preset.train_people
            images = preset.train_images_per_camera if training else preset.test_images_per_camera
            table[row, seen_by(seed, row + 1, cameras, preset)] = images
    return np.minimum(table, preset.most_images_per_camera) if preset.most_images_per_camera else table


def seen_by(seed: int, person: int, cameras: tuple[int, ...], preset: Preset) -> np.ndarray:
    """Columns of the cameras that see ``person``: a random subset with at least one of each modality."""
    rng = generator(seed, Purpose.SUBSET, person)
    least = max(2, math.ceil(preset.least_share * len(cameras) - 1e-9))
    most = max(least, math.floor(preset.most_share * len(cameras) + 1e-9))
    count = int(rng.integers(least, most + 1))
    order = rng.permutation(len(cameras))
    infrared = np.array([is_infrared(cameras[column]) for column in order])
    chosen = [order[infrared][0], order[~infrared][0]]
    rest = [column for column in order if column not in chosen]
    return np.sort(np.array(chosen + rest[: count - 2]))


def sysu_table() -> np.ndarray:
    """The table of the preset sysu-shaped: (491, 6) int64, training people first.

    Drawn, not measured. For every camera, which people it sees is a random subset of the right size, drawn again until
    every person is seen by an infrared camera and by a visible camera other than 2 (without one, a query from camera 3
    would have no true match). Then the counts: the median times a log-normal number, cut at the camera's ceiling, moved by
    single images of random people until the camera's sum is right.
    """
    rng = generator(TABLE_SEED, Purpose.SUBSET)
    return np.concatenate([_draw_table(rng, TRAINING), _draw_table(rng, TEST)])


def _draw_table(rng: np.random.Generator, margins: Margins) -> np.ndarray:
    """Draw the counts (people, 6) of one split."""
    infrared = np.array([is_infrared(camera) for camera in CAMERAS])
    while True:
        seen = np.zeros((margins.people, len(CAMERAS)), bool)
        for column, count in enumerate(margins.people_seen):
            seen[rng.choice(margins.people, size=count, replace=False), column] = True
        if seen[:, infrared].any(1).all() and seen[:, [0, 3, 4]].any(1).all():
            break
    table = np.zeros(seen.shape, np.int64)
    for column in range(len(CAMERAS)):
        people = np.flatnonzero(seen[:, column])
        known = (
            margins.images[column],
            margins.median[column],
            margins.spread[column],
            margins.ceiling[column],
        )
        table[people, column] = _draw_counts(rng, len(people), *known)
    return table


def _draw_counts(
    rng: np.random.Generator, people: int, images: int, median: int, spread: float, ceiling: int
) -> np.ndarray:
    """Counts (people,) in 1..ceiling with the given sum, about log-normal around the median."""
    counts = np.clip(np.rint(median * np.exp(spread * rng.normal(size=people))), 1, ceiling).astype(np.int64)
    while (missing := images - counts.sum()) != 0:
        step = int(np.sign(missing))
        one = rng.integers(people)
        if 1 <= counts[one] + step <= ceiling:
            counts[one] += step
    return counts
