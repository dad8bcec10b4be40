"""What changes from image to image: heading, moment of the walk, crop, light, what is in the way, what blurs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .person.pose import Pose
from .person.posture import draw_posture, fitting
from .person.wardrobe import Bag, Style
from .seeds import Draws
from .world import World

MARGIN = 0.12  # share of an image's height: spare background around each spot
WITHIN_WALK = 0.3  # how much heading and light change within a walk, share of how much they do between walks
STANDING = 0.15  # share of people who stand
OBSTACLES = ("box", "railing", "pole", "plant", "sign")
CUTS = ("feet", "head", "left", "right")
CUT_SHARES = (0.5, 0.1, 0.2, 0.2)  # detectors lose feet most often


@dataclass(frozen=True)
class Walk:
    """What the images of one walk past one camera share, as the images of one tracklet do."""

    heading: float  # degrees, 0 towards the camera
    spot: int  # which background
    light: float  # exposure relative to the camera's
    fold: float = 0.0  # shifts the folds of the clothes: cloth does not lie twice the same
    posture: int = 0  # Posture
    side: float = 1.0  # of the posture: 1 left, −1 right


def draw_walk(rng: np.random.Generator, draws: Draws, world: World, heading: float) -> Walk:
    """Draw a walk near one of the camera's headings (degrees); ``rng`` is a chain of old, ``draws`` serves what is new."""
    posture, side = draw_posture(draws, world.postures)
    return Walk(
        posture=posture,
        side=side,
        heading=float(heading + rng.normal(0, world.heading_jitter)),
        spot=int(rng.integers(world.spots)),
        light=float(np.exp(rng.normal(0, world.light_jitter))),
        fold=float(draws("folds").uniform(0, 2.4)),
    )


@dataclass(frozen=True)
class Capture:
    """What is drawn for one image and belongs neither to the identity nor to the camera."""

    heading: float  # degrees, 0 towards the camera
    pose: Pose
    scale: float  # size of the person in the box, 1 = nominal
    shift: tuple[float, float]  # of the person in the box, rows and columns, share of the image's height
    spot: int  # which background
    drift: tuple[float, float]  # of the background, rows and columns, share of the image's height
    light: float  # exposure relative to the camera's
    standing: bool
    occluder: str  # "" or "person" or one of OBSTACLES
    occluder_pick: float  # 0..1, which of the camera's obstacles or bystanders
    occluder_reach: float  # 0..1, how far it reaches over the person
    occluder_side: int  # −1 left, 1 right
    bystander: bool  # somebody stands behind
    bystander_pick: float  # 0..1, which of the camera's bystanders
    bystander_place: float  # −1..1, from the left to the right edge
    cut: str  # "" or one of CUTS
    cut_share: float  # share of the person outside the box
    motion: float  # blur along the walking direction, share of the image's height
    quality: int  # of the JPEG, 0 = none
    hidden: float = 0.0  # share of the person behind the occluder; measured when the image is rendered
    fold: float = 0.0  # the walk's


def draw_capture(
    rng: np.random.Generator, draws: Draws, world: World, walk: Walk, style: Style, quality: float = 80.0
) -> Capture:
    """Draw one image of a walk; ``rng`` is a chain of old, ``quality`` the camera's JPEG quality (1..100)."""
    heading = walk.heading + rng.normal(0, WITHIN_WALK * world.heading_jitter)
    standing = bool(rng.uniform() < STANDING)
    posture, side = fitting(walk.posture, walk.side, style, draws, standing, world.postures)
    pose = replace(_draw_pose(rng, world, style, standing), posture=posture, side=side)
    jitter = world.crop_jitter
    scale = 1.0 + rng.uniform(-jitter, jitter)
    shift = (rng.uniform(-jitter, jitter) * 0.5, rng.uniform(-jitter, jitter) * 0.6)
    cut, cut_share = "", 0.0
    chance = rng.uniform(size=12)  # always as many, so that one knob does not redraw the others
    if chance[0] < world.truncation:
        cut = CUTS[int(np.searchsorted(np.cumsum(CUT_SHARES), chance[1]))]
        cut_share = world.truncation_depth * (0.4 + 0.6 * chance[2])
        scale, shift = truncate(cut, cut_share, scale, shift)
    occluder = ""
    if chance[3] < world.occlusion:
        by_person = chance[4] < world.occluding_people
        occluder = "person" if by_person else OBSTACLES[int(chance[5] * len(OBSTACLES))]
    moving = chance[6] < world.motion_blur and not standing
    return Capture(
        heading=float(heading),
        pose=pose,
        scale=float(scale),
        shift=(float(shift[0]), float(shift[1])),
        spot=walk.spot,
        drift=(float(rng.uniform(-0.6, 0.6) * MARGIN), float(rng.uniform(-0.95, 0.95) * MARGIN)),
        light=float(walk.light * np.exp(rng.normal(0, WITHIN_WALK * world.light_jitter))),
        standing=standing,
        occluder=occluder,
        occluder_pick=float(chance[7]),
        occluder_reach=float(chance[8]),
        occluder_side=-1 if chance[9] < 0.5 else 1,
        bystander=bool(chance[10] < world.bystanders),
        bystander_pick=float(chance[11]),
        bystander_place=float(rng.uniform(-1, 1)),
        cut=cut,
        cut_share=float(cut_share),
        motion=float(world.motion_length * rng.uniform(0.4, 1.0)) if moving else 0.0,
        quality=min(max(round(quality + 4 * rng.normal()), 1), 98) if rng.uniform() < world.jpeg else 0,
        fold=walk.fold,
    )


def truncate(
    cut: str, share: float, scale: float, shift: tuple[float, float]
) -> tuple[float, tuple[float, float]]:
    """Scale and shift of a person whose box misses ``share`` at one end, as a detector's does.

    A box without the feet or the head is drawn around what is left, so the person grows; at a side it only moves.
    """
    if cut in ("feet", "head"):
        grown = 0.95 / (0.90 * (1.0 - share))  # what is left fills the box but for 5 % at the far end
        rows = 0.05 + 0.45 * grown - 0.5
        return grown, (rows if cut == "feet" else -rows, shift[1])
    side = 0.08 + 0.34 * share  # the image is half as wide as high, a person about a third
    return scale, (shift[0], -side if cut == "left" else side)


def _draw_pose(rng: np.random.Generator, world: World, style: Style, standing: bool) -> Pose:
    """Draw a moment of a walk; some people stand."""
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
