"""What changes from walk to walk and from image to image: where and how somebody walks, the box around them, what is in the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .person.pose import Pose
from .person.posture import draw_posture, fitting
from .person.wardrobe import Bag, Style
from .place.cameras import ASIDE, Camera
from .place.obstacles import OBSTACLES
from .seeds import Draws
from .world import World

CROWD = 24  # bystanders of a world
WITHIN_WALK = 0.3  # how much heading and light change within a walk, share of how much they do between walks
STROLL = 0.5  # metres that people walk at most before or after the middle of what is seen of a walk
STANDING = 0.15  # share of people who stand
ALONG = 0.5  # share of a person's walks in which the companion walks along
CUTS = ("feet", "head", "left", "right")
CUT_SHARES = (0.4, 0.3, 0.15, 0.15)  # detectors lose feet most often, then heads


class Stand(NamedTuple):
    """Where somebody stands before a camera, and how."""

    heading: float  # degrees, 0 towards the camera, 90 to the picture's right
    distance: float  # metres along the floor from below the camera
    aside: float  # slope beside the camera's axis, to the right
    pose: Pose


@dataclass(frozen=True)
class Walk:
    """What the images of one walk past one camera share, as the images of one tracklet do."""

    heading: float  # degrees, 0 towards the camera
    distance: float  # metres from the camera
    aside: float  # slope beside the camera's axis
    light: float  # exposure relative to the camera's
    fold: float = 0.0  # shifts the folds of the clothes: cloth does not lie twice the same
    posture: int = 0  # Posture
    side: float = 1.0  # of the posture: 1 left, −1 right
    standing: bool = False
    accompanied: bool = False  # the companion walks along, if there is one


def draw_walk(draws: Draws, world: World, camera: Camera, turn: int) -> Walk:
    """Draw a walk past a camera; ``turn`` says which of the camera's walking directions it takes, if it has any."""
    posture, side = draw_posture(draws, world.postures)
    rng = draws("walk")
    heading, distance, aside, fold, companion, stands = rng.uniform(size=6).tolist()
    jitter, light = rng.normal(size=2).tolist()
    heading *= 360.0
    if camera.headings:
        heading = camera.headings[turn % len(camera.headings)] + world.heading_jitter * jitter
    return Walk(
        heading=float(heading),
        distance=camera.nearest + (camera.farthest - camera.nearest) * distance,
        aside=ASIDE * (2.0 * aside - 1.0),
        light=float(np.exp(world.light_jitter * light)),
        fold=2.4 * fold,
        posture=posture,
        side=side,
        standing=stands < STANDING,
        accompanied=companion < ALONG,
    )


@dataclass(frozen=True)
class Capture:
    """What is drawn for one image and belongs neither to the identity nor to the camera."""

    stand: Stand
    standing: bool
    light: float  # exposure relative to the camera's
    fold: float  # the walk's
    metered: float  # metres, the walk's distance, by which the gain goes
    occluder: str  # "" or "person" or one of OBSTACLES
    occluder_reach: float  # 0..1, how far it reaches over the person
    occluder_side: int  # −1 left, 1 right
    bystander: bool  # somebody stands behind
    bystander_pick: float  # 0..1, which of the crowd
    bystander_side: int  # −1 left, 1 right
    accompanied: bool  # the companion walks along, if there is one
    tight: float  # 0..1, see World.tight_boxes
    box_shift: tuple[float, float]  # rows and columns, share of the box's height
    box_scale: float
    cut: str  # "" or one of CUTS
    cut_share: float  # share of the person outside the box
    motion: float  # metres along the walking direction during the exposure
    quality: int  # of the JPEG, 1..98

    @property
    def heading(self) -> float:
        """Degrees, 0 towards the camera."""
        return self.stand.heading

    @property
    def pose(self) -> Pose:
        """The moment of the walk."""
        return self.stand.pose


def draw_capture(draws: Draws, world: World, walk: Walk, style: Style, camera: Camera) -> Capture:
    """Draw one image of a walk. Every stream gives as many numbers whatever the knobs, so that one knob does not redraw others."""
    rng = draws("moment")
    box, (turn, light, quality) = rng.uniform(-1, 1, size=4).tolist(), rng.normal(size=3).tolist()
    numbers = rng.uniform(size=len(CHANCES)).tolist()  # drawn last: more may be appended
    chance = dict(zip(CHANCES, numbers, strict=True))
    standing = walk.standing
    posture, side = fitting(walk.posture, walk.side, style, draws, standing, world.postures)
    pose = replace(
        draw_pose(draws("pose"), world, standing, style.bag == Bag.HANDBAG), posture=posture, side=side
    )
    heading = float(walk.heading + WITHIN_WALK * world.heading_jitter * turn)
    stand = _stroll(walk, heading, pose, 0.0 if standing else STROLL * (2.0 * chance["stroll"] - 1.0), camera)
    truncated, occluded = chance["truncation"] < world.truncation, chance["occlusion"] < world.occlusion
    obstacle = OBSTACLES[int(chance["obstacle"] * len(OBSTACLES))]
    occluder = "person" if chance["by a person"] < world.occluding_people else obstacle
    cut = CUTS[int(np.searchsorted(np.cumsum(CUT_SHARES), chance["which end"]))]
    moving = chance["motion"] < world.motion_blur and not standing
    return Capture(
        stand=stand,
        standing=standing,
        light=float(walk.light * np.exp(WITHIN_WALK * world.light_jitter * light)),
        fold=walk.fold,
        metered=walk.distance,
        occluder=occluder if occluded else "",
        occluder_reach=chance["reach"],
        occluder_side=-1 if chance["side"] < 0.5 else 1,
        bystander=bool(chance["bystander"] < world.bystanders),
        bystander_pick=chance["who"],
        bystander_side=-1 if chance["which side"] < 0.5 else 1,
        accompanied=walk.accompanied,
        tight=float(min(1.0, max(0.0, world.tight_boxes * (1.0 + 0.3 * box[0])))),
        box_shift=(0.5 * world.box_jitter * box[1], 0.5 * world.box_jitter * box[2]),
        box_scale=float(1.0 + world.box_jitter * box[3]),
        cut=cut if truncated else "",
        cut_share=float(world.truncation_depth * (0.4 + 0.6 * chance["how much"])) if truncated else 0.0,
        motion=float(world.motion_length * (0.4 + 0.6 * chance["how far"])) if moving else 0.0,
        quality=min(max(round(camera.quality + 4 * quality), 1), 98),
    )


CHANCES = (
    "stroll", "truncation", "which end", "how much", "occlusion", "by a person", "obstacle", "reach", "side",
    "bystander", "who", "which side", "motion", "how far",
)  # fmt: skip


def _stroll(walk: Walk, heading: float, pose: Pose, metres: float, camera: Camera) -> Stand:
    """Where somebody is who has walked ``metres`` on from the middle of a walk."""
    angle = np.deg2rad(heading)
    distance = walk.distance - metres * np.cos(angle)
    aside = walk.aside + metres * np.sin(angle) / walk.distance
    return Stand(
        heading,
        float(np.clip(distance, camera.nearest, camera.farthest)),
        float(np.clip(aside, -ASIDE, ASIDE)),
        pose,
    )


def draw_pose(rng: np.random.Generator, world: World, standing: bool, carries: bool) -> Pose:
    """Draw a moment of a walk; some people stand, some carry a bag in their left hand."""
    phase, stride, swing, elbow, spread, lean = rng.uniform(size=6)
    yaw, pitch = rng.normal(size=2)
    return Pose(
        phase=float(2 * np.pi * phase),
        stride=0.04 if standing else float(world.gait * (0.22 + 0.24 * stride)),
        arm_swing=0.05 if standing else float(world.gait * (0.12 + 0.33 * swing)),
        elbow=float(0.05 + 0.45 * elbow),
        spread=float(0.12 + 0.16 * spread),
        lean=float(0.1 * lean),
        head_yaw=float(0.25 * yaw),
        head_pitch=float(0.02 + 0.08 * pitch),
        carry=float(carries),
    )


class Passer(NamedTuple):
    """Somebody else in the picture."""

    number: int  # of the crowd
    stand: Stand


def draw_passers(
    draws: Draws, world: World, capture: Capture, companion: int, farthest: float
) -> list[Passer]:
    """Who else is in the picture: a companion beside, a bystander behind, an occluder before the person; nobody twice.

    ``companion`` is the person's own one of the crowd, negative for people without; nobody stands farther than ``farthest`` metres.
    Each has draws of their own.
    """
    own, passers = capture.stand, []
    first = (max(companion, 0) + 1 + int(capture.bystander_pick * (CROWD - 2))) % CROWD
    if capture.accompanied and companion >= 0:  # beside the person, at right angles to their way
        (near, turn, _), pose = _draw_passer(draws("companion"), world)
        beside, angle = (0.38 + 0.17 * near) * (1 if companion % 2 else -1), np.deg2rad(own.heading)
        right, behind = beside * np.cos(angle), beside * np.sin(angle)
        stand = _beside(own, own.heading + 10.0 * (turn - 0.5), right, behind, pose, farthest)
        passers.append(Passer(companion, stand))
    if capture.bystander:
        (near, turn, behind), pose = _draw_passer(draws("bystander"), world)
        right = (0.1 + 0.5 * near) * capture.bystander_side
        passers.append(Passer(first, _beside(own, 360.0 * turn, right, 0.7 + 2.0 * behind, pose, farthest)))
    if capture.occluder == "person":
        (near, turn, _), pose = _draw_passer(draws("occluder"), world)
        right = capture.occluder_side * (
            0.55 - 0.3 * min(1.5, world.occlusion_depth * capture.occluder_reach)
        )
        stand = _beside(own, 360.0 * turn, right, -0.5 - 0.5 * near, pose, farthest)
        second = (first + 1) % CROWD
        passers.append(Passer((second + 1) % CROWD if second == companion else second, stand))
    return passers


def _draw_passer(rng: np.random.Generator, world: World) -> tuple[list[float], Pose]:
    """Three numbers 0..1 and a pose."""
    *numbers, stands = rng.uniform(size=4).tolist()
    return numbers, draw_pose(rng, world, stands < STANDING, False)


def _beside(own: Stand, heading: float, right: float, behind: float, pose: Pose, farthest: float) -> Stand:
    """Stand ``right`` and ``behind`` metres from somebody, as the camera sees it."""
    distance = min(max(1.2, own.distance + behind), farthest)
    return Stand(
        float(heading % 360.0), float(distance), float((own.aside * own.distance + right) / distance), pose
    )
