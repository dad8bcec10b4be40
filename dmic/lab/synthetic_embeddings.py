"""Synthetic embeddings shaped like SYSU-MM01: three stages of training, any number of images (for the benchmark).

The images are as unevenly spread as real ones (people of log-normal frequency, cameras that miss people, tracklets), and
the embedding of an image is a sum of random directions, one for each thing that it shares with other images.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["Embeddings", "Stage", "embeddings"]

Stage = Literal["early", "mid", "late"]

# How much of an embedding an image shares with others of the same ... (the last: with none).
_PARTS = (
    "identity",
    "identity_modality",
    "identity_camera",
    "modality",
    "camera",
    "pose",
    "tracklet",
    "noise",
)
_WEIGHTS: dict[str, tuple[float, ...]] = {
    "early": (
        0.35,
        0.30,
        0.40,
        0.60,
        0.40,
        0.60,
        0.60,
        0.35,
    ),  # cameras and modalities dominate, as in ImageNet's
    "mid": (0.62, 0.40, 0.25, 0.15, 0.12, 0.25, 0.30, 0.45),  # half trained: modalities 0.38 apart in cosine
    "late": (0.85, 0.15, 0.12, 0.05, 0.05, 0.15, 0.15, 0.35),
}
_IMAGES, _IDENTITIES, _VISIBLE = 34_167, 395, 22_258  # of SYSU-MM01's training set
_CAMERAS = (1, 2, 4, 5, 3, 6)  # visible ones, then infrared ones
_CAMERA_SHARES = ((0.3, 0.3, 0.2, 0.2), (0.5, 0.5))  # of the images of their modality
_POSES, _TRACKLET = (
    32,
    20,
)  # dimensions of the space of poses; images in a row that one camera takes of a person
_BLOCK = 4096  # images made at once: bounds the working memory


class Embeddings(NamedTuple):
    """``features`` (n, d) float32, unit rows, and ``identities``, ``cameras``, ``modalities`` (n,) int64."""

    features: NDArray[np.float32]
    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]
    modalities: NDArray[np.int64]


def embeddings(images: int, dim: int, stage: Stage, *, seed: int = 0) -> Embeddings:
    """Make the embeddings of a data set at one stage of training, in random order.

    Parameters
    ----------
    images, dim : int
        How many embeddings, of how many dimensions. People scale with the images: 395 for 34,167.
    stage
        ``early`` (untrained: cameras and modalities dominate), ``mid`` or ``late``.
    seed : int
        Of ``numpy.random.default_rng``; the labels are the same for every ``dim`` and ``stage``.

    Returns
    -------
    Embeddings

    Raises
    ------
    ValueError
        For an unknown stage, or fewer than one image or dimension.

    Notes
    -----
    Row i is the sum of weight x direction over the parts in ``_PARTS``, made unit. Directions have entries N(0, 1/d), so
    their length is about 1 and different ones are nearly orthogonal: the cosine of two images is about the sum of squared
    weights of the parts that they share, over the sum of all.
    """
    if stage not in _WEIGHTS:
        raise ValueError(f"stage is {stage!r}; expected one of {', '.join(map(repr, get_args(Stage)))}")
    if images < 1 or dim < 1:
        raise ValueError(f"images is {images}, dim {dim}; expected at least 1 of each")
    identities, cameras, modalities, tracklets = _labels(images, np.random.default_rng([seed, 0]))
    rng = np.random.default_rng([seed, 1])
    weights = dict(zip(_PARTS, _WEIGHTS[stage], strict=True))
    shared = {
        "identity": identities,
        "identity_modality": identities * 2 + modalities,
        "identity_camera": identities * (max(_CAMERAS) + 1) + cameras,
        "modality": modalities,
        "camera": cameras,
        "tracklet": tracklets,
    }
    tables = {part: _directions(int(of.max()) + 1, dim, rng) for part, of in shared.items()}
    poses = _directions(_POSES, dim, rng) / np.float32(np.sqrt(_POSES))
    features = np.empty((images, dim), np.float32)
    for start in range(0, images, _BLOCK):
        block = features[start : start + _BLOCK]
        block[:] = weights["noise"] * _directions(len(block), dim, rng)
        block += weights["pose"] * (rng.standard_normal((len(block), _POSES), np.float32) @ poses)
        for part, of in shared.items():
            block += weights[part] * tables[part][of[start : start + _BLOCK]]
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return Embeddings(features, identities, cameras, modalities)


def _directions(count: int, dim: int, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal((count, dim), np.float32) / np.float32(np.sqrt(dim))


def _labels(images: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], ...]:
    """Identity, camera, modality and tracklet of each image, each (images,) int64."""
    people = max(1, round(_IDENTITIES * images / _IMAGES))
    frequency = rng.lognormal(0, 0.5, people)
    identities = rng.choice(people, images, p=frequency / frequency.sum())
    modalities = (rng.random(images) >= _VISIBLE / _IMAGES).astype(np.int64)
    sees = rng.random((people, len(_CAMERAS))) >= 0.2  # each camera misses a fifth of the people
    shares = [np.concatenate([_CAMERA_SHARES[0], [0, 0]]), np.concatenate([np.zeros(4), _CAMERA_SHARES[1]])]
    cameras = np.empty(images, np.int64)
    for modality, share in enumerate(shares):
        held = np.flatnonzero(modalities == modality)
        chances = sees * share + 1e-9 * share  # whom no camera of a modality sees, any of them may see
        reach = np.cumsum(chances / chances.sum(axis=1, keepdims=True), axis=1)[identities[held]]
        drawn = (rng.random((len(held), 1)) >= reach[:, :-1]).sum(axis=1)
        cameras[held] = np.array(_CAMERAS)[drawn]
    # a camera's images of a person, in random order, are cut into tracklets
    order = np.lexsort((rng.random(images), cameras, identities))
    new = np.diff(identities[order] * (max(_CAMERAS) + 1) + cameras[order], prepend=-1) != 0
    starts = np.flatnonzero(new)
    position = np.arange(images) - np.repeat(starts, np.diff(starts, append=images))
    tracklets = np.empty(images, np.int64)
    tracklets[order] = np.cumsum(position % _TRACKLET == 0) - 1
    return identities.astype(np.int64), cameras, modalities, tracklets
