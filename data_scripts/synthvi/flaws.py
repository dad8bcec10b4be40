"""Counts what is wrong with rendered people: a number for every flaw that the eye finds in a contact sheet.

    python -m data_scripts.synthvi.flaws                  # the first 60 people at 288×144

Everybody walks once towards a camera and once away from it. Each flaw is counted among those people who can have it.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from .world import PRESETS, World

if TYPE_CHECKING:  # imported below where it is needed: --help does not wait for compiled code
    from .image.gbuffer import Buffers
    from .person.outfit import Outfit
    from .person.pose import Pose
    from .person.wardrobe import Style
    from .render import Studio

LEAST = 4  # samples: fewer nobody sees
NEAR = 4.5  # metres from the camera


def bare_shoulders(buffers: Buffers, style: Style) -> int:
    """Samples of skin between collar and shoulder that an open coat should not show, seen from the front."""
    from .person.collars import neck_edge, tailored
    from .person.pieces import Surface

    x, y, _, _ = np.moveaxis(buffers.rest[buffers.surface == Surface.BODY], -1, 0)
    near = (y > 0.36) & (y < 0.585) & (np.abs(x) < 0.25)  # and below the neck
    style = tailored(style)
    curvature, steepness = neck_edge(style)
    aside = np.abs(x)
    edge = style.neckline + (curvature * aside**2 if curvature else steepness * aside) - 0.02
    return int((near & ((aside > 0.10) | (y < edge))).sum())


def cloth_in_hair(buffers: Buffers) -> int:
    """Samples of clothes with hair above and below them, seen from behind: the back comes through long hair."""
    from .person.pieces import Surface

    hair = buffers.surface == Surface.HAIR
    inside = np.maximum.accumulate(hair, axis=0) & np.maximum.accumulate(hair[::-1], axis=0)[::-1]
    cloth = np.isin(buffers.surface, (Surface.BODY, Surface.TOP, Surface.COAT))
    return int((inside & cloth).sum())


def strap_gap(buffers: Buffers) -> int:
    """Rows between shoulder and lowest strap without any strap, seen from the front; all rows of the trunk where there is none."""
    from .person.pieces import Surface

    trunk = np.isin(buffers.surface, (Surface.TOP, Surface.COAT)) & (buffers.rest[..., 1] < 0.6)
    strap = (buffers.surface == Surface.STRAP).any(axis=1)
    first = np.flatnonzero(trunk.any(axis=1))[0] + len(strap) // 20  # the shoulder lies below the collar
    if not strap.any():
        return int(trunk.any(axis=1).sum())
    last = np.flatnonzero(strap)[-1]
    return int((~strap[first:last]).sum())


def arm_angle(studio: Studio, outfit: Outfit, walking: Pose) -> float:
    """Mean angle of both upper arms off the vertical, sideways, degrees."""
    from .person import pose
    from .person.body import posed_joints

    body = studio.body
    placed = posed_joints(outfit.joints, body.bone_parents, pose.stride(outfit.limbs, walking))
    angles = []
    for side in "lr":
        along = placed[body.bone(f"lowerarm_{side}")] - placed[body.bone(f"upperarm_{side}")]
        angles.append(np.degrees(np.arctan2(abs(along[0]), np.hypot(along[1], along[2]))))
    return float(np.mean(angles))


def count_flaws(studio: Studio, numbers: list[int]) -> dict[str, float]:
    """Count the flaws of some people.

    Parameters
    ----------
    studio : Studio
        World, preset and seed.
    numbers : list of int
        Identities.

    Returns
    -------
    dict
        ``shoulders``, ``hair``, ``straps``: people with the flaw; ``…_of``: people who can have it; ``…_samples``: median
        among the latter; ``arms``: mean angle of the upper arms off the trunk, degrees.
    """
    from .captures import Stand
    from .person.wardrobe import Bag, Hair

    found: dict[str, list[float]] = {"shoulders": [], "hair": [], "straps": [], "arms": []}
    number_of_camera = min(studio.cameras)
    for number in numbers:
        person, outfit = studio.dressed(number)
        style = person.style
        taken = studio.capture(number, number_of_camera, 0, person)
        walking = dataclasses.replace(taken.pose, posture=0)  # no hand hides a strap
        stand = Stand(0.0, NEAR, 0.0, walking)
        front = studio.figure(person, outfit, number_of_camera, stand).buffers
        back = studio.figure(person, outfit, number_of_camera, stand._replace(heading=180.0)).buffers
        if style.coat and style.coat_open:
            found["shoulders"].append(bare_shoulders(front, style))
        if (style.haircut or style.hair) in (Hair.LONG, Hair.WAVY) and not style.hood:
            found["hair"].append(cloth_in_hair(back))
        if (style.bag_form or style.bag) in (Bag.BACKPACK, Bag.SHOULDER):
            found["straps"].append(strap_gap(front))
        found["arms"].append(arm_angle(studio, outfit, walking))
    counts: dict[str, float] = {"arms": round(float(np.mean(found.pop("arms"))), 1)}
    for name, samples in found.items():
        counts[name] = sum(value >= LEAST for value in samples)
        counts[f"{name}_of"] = len(samples)
        counts[f"{name}_samples"] = float(np.median(samples)) if samples else 0.0
    return counts


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m data_scripts.synthvi.flaws",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, default=60, help="how many, from identity 1 on (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="of the people (default: 0)")
    options = parser.parse_args(arguments)
    if options.people < 1:
        parser.error(f"--people must be at least 1, found {options.people}")
    from .render import Studio

    studio = Studio(options.seed, World(), PRESETS["sysu-shaped"])
    for name, value in count_flaws(studio, list(range(1, options.people + 1))).items():
        print(f"{name:20} {value:g}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
