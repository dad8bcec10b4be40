"""What changes from image to image: heading, moment of the walk, crop, light, something in the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .pose import Pose
from .wardrobe import Bag, Style
from .world import World

MARGIN = 0.12  # share of an image's height: spare background around each spot


@dataclass(frozen=True)
class Shot:
    """The factors of one image that are neither identity nor camera."""

    heading: float  # degrees, 0 towards the camera
    pose: Pose
    scale: float  # size of the person in the box, 1 = nominal
    shift: tuple[float, float]  # of the person in the box, rows and columns, share of the image's height
    spot: int  # which background
    drift: tuple[float, float]  # of the background, rows and columns, share of the image's height
    light: float  # exposure of this shot
    occluder: tuple[float, ...]  # () or (side 0..2, share covered, grey, width)


def draw_shot(rng: np.random.Generator, world: World, heading: float, style: Style) -> Shot:
    """Draw one image's factors, near one of the camera's headings (degrees)."""
    heading = heading + rng.normal(0, world.heading_jitter)
    pose = _draw_pose(rng, world, style)
    jitter = world.crop_jitter
    occluder: tuple[float, ...] = ()
    hidden = rng.uniform(size=5)
    if hidden[0] < world.occlusion:
        side = float(int(hidden[1] * 3))
        occluder = (side, 0.15 + 0.2 * hidden[2], 0.05 + 0.5 * hidden[3], 0.4 + 0.6 * hidden[4])
    return Shot(
        heading=float(heading),
        pose=pose,
        scale=float(1.0 + rng.uniform(-jitter, jitter)),
        shift=(float(rng.uniform(-jitter, jitter) * 0.5), float(rng.uniform(-jitter, jitter) * 0.6)),
        spot=int(rng.integers(world.spots)),
        drift=(float(rng.uniform(-0.6, 0.6) * MARGIN), float(rng.uniform(-0.95, 0.95) * MARGIN)),
        light=float(np.exp(rng.normal(0, world.light_jitter))),
        occluder=occluder,
    )


def _draw_pose(rng: np.random.Generator, world: World, style: Style) -> Pose:
    """Draw a moment of a walk; some people stand."""
    standing = rng.uniform() < 0.15
    return Pose(
        phase=float(rng.uniform(0, 2 * np.pi)),
        stride=0.04 if standing else float(world.gait * rng.uniform(0.22, 0.46)),
        arm_swing=0.05 if standing else float(world.gait * rng.uniform(0.12, 0.45)),
        elbow=float(rng.uniform(0.05, 0.5)),
        spread=float(rng.uniform(0.12, 0.28)),
        lean=float(rng.uniform(0.0, 0.10)),
        head_yaw=float(rng.normal(0, 0.25)),
        head_pitch=float(rng.normal(0.02, 0.08)),
        carry=1.0 if style.bag == Bag.HANDBAG else 0.0,
    )
