"""Arms, legs and fingers in the rest pose: what a pose needs to know of a person, measured once and not for every image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .body import Body, load_body
from .carriage import PLAIN, Carriage
from .rotations import about_y, about_z, between, frame

DOWN = np.array([0.0, -1.0, 0.0])
CHAIN = ("pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "head")


@dataclass(frozen=True)
class Limbs:
    """Arm and leg of one side of a person."""

    side: str  # l or r
    sign: float  # 1 left, -1 right
    thigh: np.ndarray  # (3, 3) turn that hangs it straight down
    calf: np.ndarray  # the same, and so on
    forearm: np.ndarray
    upper_arm: np.ndarray  # (3,) from shoulder to elbow
    lower_arm: np.ndarray  # (3,) from elbow to wrist
    spread: float  # least sideways per downwards of the arm: hands hang outside the clothes
    half_roll: np.ndarray  # (3, 3) half of `roll`
    roll: np.ndarray  # (3, 3) turn of the hanging forearm that brings the thumb to the front
    fingers: np.ndarray  # (fingers, 3, 3) turns against the hand
    collar: np.ndarray  # (3, 3) turn of the collar bone
    chain: np.ndarray  # (6, 3) joints of pelvis, spine, neck and head
    clavicle: np.ndarray  # (3,) joint
    shoulder: np.ndarray  # (3,) joint
    hip: float  # half width of the clothes at the hips, metres
    front: float  # how far forward the clothes before the chest reach, metres
    carriage: Carriage


def limbs_of(
    body: Body, joints: np.ndarray, hip: float, front: float = 0.17, carriage: Carriage = PLAIN
) -> tuple[Limbs, Limbs]:
    """Left and right side of a person.

    Parameters
    ----------
    body : Body
        Names of the bones.
    joints : (bones, 3) float
        Joints of this person's shape in the rest pose.
    hip, front : float
        Half width of the clothes at the hips, and how far forward (z) they reach before the chest, metres.
    carriage : Carriage
        What the person adds to every pose.
    """
    return tuple(_limbs(body, joints, side, hip, front, carriage) for side in "lr")


def _limbs(body: Body, joints: np.ndarray, side: str, hip: float, front: float, carriage: Carriage) -> Limbs:
    """One side."""
    sign = 1.0 if side == "l" else -1.0
    upper_arm = _direction(body, joints, f"upperarm_{side}", f"lowerarm_{side}")
    shoulder = abs(joints[body.bone(f"upperarm_{side}"), 0])
    lower_arm = _direction(body, joints, f"lowerarm_{side}", f"hand_{side}")
    # the straight arm brings the hand past the hip
    room = (hip + 0.03 - shoulder) / (np.linalg.norm(upper_arm) + np.linalg.norm(lower_arm))
    forearm = between(lower_arm, DOWN)
    turn = _thumb_forward(forearm @ _direction(body, joints, f"hand_{side}", f"thumb_02_{side}"), sign)
    thigh = _direction(body, joints, f"thigh_{side}", f"calf_{side}")
    calf = _direction(body, joints, f"calf_{side}", f"foot_{side}")
    apart = carriage.step_width
    return Limbs(
        side=side,
        sign=sign,
        thigh=between(thigh, np.array([(0.045 + apart) * sign, -1.0, 0.0])),
        calf=between(calf, np.array([(apart - 0.01) * sign, -1.0, -0.02])),
        forearm=forearm,
        upper_arm=upper_arm,
        lower_arm=lower_arm,
        spread=max(room, 0.02) + carriage.spread,
        half_roll=about_y(0.5 * turn),
        roll=about_y(turn),
        fingers=finger_turns(side)[1],
        collar=about_z((carriage.shoulders - 0.10) * sign),
        chain=joints[[body.bone(name) for name in CHAIN]],
        clavicle=joints[body.bone(f"clavicle_{side}")],
        shoulder=joints[body.bone(f"upperarm_{side}")],
        hip=hip,
        front=front,
        carriage=carriage,
    )


def _direction(body: Body, joints: np.ndarray, start: str, end: str) -> np.ndarray:
    """From one joint to another in the rest pose."""
    return joints[body.bone(end)] - joints[body.bone(start)]


def _thumb_forward(thumb: np.ndarray, sign: float) -> float:
    """Turn of a hanging forearm about its own axis that brings the thumb to the front, a little inwards (radians)."""
    wanted = np.arctan2(-0.45 * sign, 1.0)
    turn = wanted - np.arctan2(thumb[0], thumb[2])
    return float((turn + np.pi) % (2 * np.pi) - np.pi)


@lru_cache(maxsize=2)
def finger_turns(side: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Relaxed fingers: names, and rotations (bones, 3, 3) against the hand: side by side, bent more towards the little finger.

    The same for everybody (from the neutral body), because hands differ little and it is needed for every image.
    """
    body = load_body()
    joints = body.joints
    along = _direction(body, joints, f"hand_{side}", f"middle_01_{side}")
    palm = hand_frame(side)[:, 1]
    fixed = {}
    for finger, bend in (("index", 0.45), ("middle", 0.6), ("ring", 0.7), ("pinky", 0.75)):
        own = _direction(body, joints, f"{finger}_01_{side}", f"{finger}_02_{side}")
        straight = between(own, along)
        for joint, angle in (("01", 0.7 * bend), ("02", 1.7 * bend), ("03", 2.3 * bend)):
            target = np.cos(angle) * along / np.linalg.norm(along) + np.sin(angle) * palm
            fixed[f"{finger}_{joint}_{side}"] = between(along, target) @ straight
    thumb = _direction(body, joints, f"thumb_02_{side}", f"thumb_03_{side}")
    inward = between(thumb, thumb / np.linalg.norm(thumb) + 0.8 * along / np.linalg.norm(along))
    fixed[f"thumb_01_{side}"] = inward
    return tuple(fixed), np.stack(list(fixed.values()))


@lru_cache(maxsize=2)
def hand_frame(side: str) -> np.ndarray:
    """Directions (3, 3) of the neutral body's hand as columns: along the fingers, out of the palm, and a third; not to be written to."""
    body = load_body()
    along = _direction(body, body.joints, f"hand_{side}", f"middle_01_{side}")
    across = _direction(body, body.joints, f"pinky_01_{side}", f"index_01_{side}")
    return frame(along, np.cross(across, along) * (-1.0 if side == "l" else 1.0))
