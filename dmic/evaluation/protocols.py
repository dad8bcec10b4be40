"""Test protocols: queries, gallery, and how galleries are drawn, for SYSU-MM01, RegDB, LLCM and SynthVI.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmic.evaluation.ranking import RULES
from dmic.images import Modality
from dmic.storage.checking import near_names

__all__ = [
    "DRAWS",
    "PROTOCOLS",
    "Protocol",
    "ProtocolError",
    "draw_gallery",
    "draw_gallery_agw",
    "protocol_by_name",
]

DRAWS = ("numpy", "agw")


class ProtocolError(ValueError):
    """There is no such protocol; the message shows which there are."""


@dataclass(frozen=True)
class Protocol:
    """Which images are queries and gallery, which pairs do not count, and how often the gallery is drawn."""

    name: str
    rule: str  # a name of `ranking.RULES`
    query_cameras: tuple[int, ...] | None = None  # None: every camera of the side's modality
    gallery_cameras: tuple[int, ...] | None = None
    shots: int | None = None  # gallery images per person and camera, drawn anew in each trial; None: all
    trials: int = 1  # galleries drawn; the scores are means over them
    query_modality: int = Modality.INFRARED  # the gallery has the other modality
    draw: str = "numpy"  # "numpy": `draw_gallery`; "agw": `draw_gallery_agw`, as published numbers are made
    left_out: tuple[int, ...] = ()  # cameras of the data set that are on no side on purpose

    def __post_init__(self) -> None:
        """Refuse settings that no protocol can have."""
        shots_fit = self.shots is None or self.shots >= 1
        if self.rule not in RULES or self.trials < 1 or not shots_fit or self.draw not in DRAWS:
            raise ValueError(
                f"found {self}; expected a rule of {tuple(RULES)}, trials ≥ 1, shots ≥ 1 or None (all), a draw of {DRAWS}."
            )

    def flipped(self) -> Protocol:
        """Swap the sides: infrared → visible becomes visible → infrared.

        The rule stays as it is: "sysu" and "synthvi" then drop nothing, for no query is from camera 3.
        """
        name = f"{self.name}-flipped".removesuffix("-flipped-flipped")
        return replace(
            self,
            name=name,
            query_cameras=self.gallery_cameras,
            gallery_cameras=self.query_cameras,
            query_modality=Modality(1 - self.query_modality),
        )

    def gallery_of(self, trial: int, identities: ArrayLike, cameras: ArrayLike, *, seed: int = 0) -> NDArray:
        """Draw the gallery of one trial.

        Parameters
        ----------
        trial : int
            From 0.
        identities, cameras : (n,) int
            Person and camera of each image on the gallery side, a person's images of one camera sorted by file name.
        seed : int
            Chooses the set of galleries. "numpy" draws from ``numpy.random.default_rng([seed, trial])``, "agw" with
            the seed ``seed * trials + trial``: seed 0 gives the public code's own trials 0, 1, 2, ...

        Returns
        -------
        (m,) int64
            Sorted indices into the n images.
        """
        if seed < 0:  # Python's generator draws for -1 as for 1
            raise ValueError(f"seed is {seed}; expected 0 or more")
        if self.draw == "agw":
            return draw_gallery_agw(identities, cameras, shots=self.shots, seed=seed * self.trials + trial)
        generator = np.random.default_rng([seed, trial])
        return draw_gallery(identities, cameras, shots=self.shots, generator=generator)


_ALL, _INDOOR, _OUTDOOR = (1, 2, 4, 5), (1, 2), (4, 5)

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("synthvi", "synthvi", shots=1, trials=10),  # any number of cameras
        Protocol("sysu-all-single", "sysu", (3, 6), _ALL, shots=1, trials=10, draw="agw"),
        Protocol("sysu-all-multi", "sysu", (3, 6), _ALL, shots=10, trials=10, draw="agw"),
        Protocol("sysu-indoor-single", "sysu", (3, 6), _INDOOR, 1, 10, draw="agw", left_out=_OUTDOOR),
        Protocol("sysu-indoor-multi", "sysu", (3, 6), _INDOOR, 10, 10, draw="agw", left_out=_OUTDOOR),
        # RegDB has ten splits with one model each: `evaluation.mean_of_splits`
        Protocol("regdb", "regdb", query_modality=Modality.VISIBLE),
        Protocol("llcm", "llcm", shots=1, trials=10, draw="agw"),
    )
}
"""Protocols by name; with "-flipped" behind the name `protocol_by_name` gives the other direction.

"llcm-flipped" is visible → infrared as the paper words it: queries are visible, the gallery of infrared images is drawn.
The test script released with the paper (ZYK100/LLCM, ``DEEN/test.py``), set to that direction, instead takes the *drawn infrared*
images as queries and all visible ones as gallery: check which of the two a published number is before comparing.
"""


def protocol_by_name(name: str) -> Protocol:
    """Return an entry of ``PROTOCOLS``, flipped for ``name-flipped``; ``ProtocolError`` if there is none."""
    plain = name.removesuffix("-flipped")
    if plain not in PROTOCOLS:
        raise ProtocolError(
            f"{near_names(name, PROTOCOLS, what='protocol')}; each also with -flipped behind it"
        )
    return PROTOCOLS[plain] if plain == name else PROTOCOLS[plain].flipped()


def draw_gallery(
    identities: ArrayLike, cameras: ArrayLike, *, shots: int | None, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw `shots` random images of each (person, camera), all where there are fewer or `shots` is None.

    Parameters
    ----------
    identities, cameras : (n,) int
        Person and camera of each image on the gallery side.
    shots : int or None
        Images per person and camera.
    generator : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    (m,) int64, sorted indices into the n images.
    """
    people, seen_by = np.asarray(identities), np.asarray(cameras)
    if shots is None:
        return np.arange(len(people))
    order = np.lexsort((generator.random(len(people)), seen_by, people))  # groups, each in random order
    return np.sort(np.concatenate([group[:shots] for group in _groups(order, people, seen_by)]))


def draw_gallery_agw(
    identities: ArrayLike, cameras: ArrayLike, *, shots: int | None, seed: int
) -> NDArray[np.int64]:
    """Draw as AGW's public code does and its descendants, supervised (DEEN) and unsupervised (ADCA), after it.

    It seeds Python's ``random`` with the number of the trial, goes through people in ascending order, for each through
    the gallery cameras in ascending order, and takes ``random.choice`` of the sorted file names. So the same images
    come out here, if they stand in the table sorted by name within each (person, camera), as the preparation scripts
    write them.

    Multi-shot: AGW's code draws one image only. Descendants take ``numpy.random.choice(names, 10, replace=False)``
    without seeding NumPy by trial, so that their galleries depend on what ran before; here NumPy's legacy generator,
    seeded with the number of the trial, does it: the same distribution, not the same files.

    Not this draw: the data set's own Matlab code, and ports of it, read fixed permutations from
    ``rand_perm_cam.mat``. Their scores differ from these by the luck of ten other galleries.

    Parameters
    ----------
    identities, cameras : (n,) int
        Person and camera of each image on the gallery side.
    shots : int or None
        Images per person and camera; all where there are fewer, or if None.
    seed : int
        Number of the trial, from 0.

    Returns
    -------
    (m,) int64, sorted indices into the n images.

    References
    ----------
    Functions ``process_gallery_sysu`` and ``process_gallery_llcm`` in the repositories
    mangye16/Cross-Modal-Re-ID-baseline (AGW; Ye et al., TPAMI 2021), ZYK100/LLCM (DEEN; Zhang and Wang, CVPR 2023),
    yangbincv/ADCA (Yang et al., ACM MM 2022). Official: wuancong/SYSU-MM01, ``evaluation/get_testing_set.m``.
    """
    people, seen_by = np.asarray(identities), np.asarray(cameras)
    if shots is None:
        return np.arange(len(people))
    groups = _groups(
        np.lexsort((seen_by, people)), people, seen_by
    )  # lexsort is stable: sorted names stay sorted
    if shots == 1:
        one = random.Random(seed)
        return np.sort(np.array([one.choice(group.tolist()) for group in groups], dtype=np.int64))
    many = np.random.RandomState(seed)  # noqa: NPY002 - the legacy generator is what the field's code draws from
    drawn = [g if len(g) <= shots else many.choice(g, shots, replace=False) for g in groups]
    return np.sort(np.concatenate(drawn))


def _groups(order: NDArray, people: NDArray, cameras: NDArray) -> list[NDArray[np.int64]]:
    """Cut an order that is sorted by person, then camera, where either changes."""
    change = (np.diff(people[order]) != 0) | (np.diff(cameras[order]) != 0)
    return np.split(order, np.flatnonzero(change) + 1)
