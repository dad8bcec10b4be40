"""Postures: what arms and head do during a walk besides swinging. Hands reach their goals by inverse kinematics of two bones.

A posture is no part of the identity: it comes and goes from walk to walk, and hides or bends what is.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ..seeds import Draws
from .bags import strap_shoulder
from .limbs import Limbs, hand_frame
from .rotations import between, frame
from .wardrobe import Bag, Style


class Posture(IntEnum):
    """What a person does with arms, head or weight during a walk."""

    NONE = 0
    POCKETS = 1  # hands in the pockets of trousers or coat
    PHONE_AT_EAR = 2
    PHONE_IN_HAND = 3  # read before the chest
    FOLDED_ARMS = 4
    STRAP = 5  # a hand on a bag's strap, before the shoulder
    HEAD_TURNED = 6  # looks aside
    ONE_LEG = 7  # stands with the weight on one leg


# Shares among walks that have a posture; ONE_LEG is drawn for images of people who stand.
SHARES = {
    Posture.POCKETS: 0.30,
    Posture.PHONE_AT_EAR: 0.13,
    Posture.PHONE_IN_HAND: 0.19,
    Posture.FOLDED_ARMS: 0.12,
    Posture.STRAP: 0.11,
    Posture.HEAD_TURNED: 0.15,
}
ONE_LEG_SHARE = 2.0  # of the knob `postures`
HEAD_TURN = 0.85  # radians
TILT = 0.16  # of the pelvis over one leg, radians
TWO_HANDS = (Posture.POCKETS, Posture.FOLDED_ARMS)
BUSY = (*TWO_HANDS, Posture.PHONE_AT_EAR, Posture.PHONE_IN_HAND, Posture.STRAP)


def draw_posture(draws: Draws, share: float) -> tuple[int, float]:
    """Draw what the images of a walk share: its posture, with chance ``share``, and its side (1 left, −1 right)."""
    chance, which, side = draws("posture").uniform(size=3)
    picked = list(SHARES)[int(np.searchsorted(np.cumsum(list(SHARES.values())), which))]
    return int(picked if chance < share else Posture.NONE), 1.0 if side < 0.4 else -1.0


def fitting(
    posture: int, side: float, style: Style, draws: Draws, standing: bool, share: float
) -> tuple[int, float]:
    """The posture and side that one image shows: hands are free, straps exist, and only who stands rests on one leg."""
    chance, leg = draws("stance").uniform(size=2)
    if style.bag == Bag.HANDBAG:  # the left hand is taken
        side = -1.0
        posture = Posture.PHONE_IN_HAND if posture == Posture.FOLDED_ARMS else posture
    if posture == Posture.STRAP:
        shoulder = strap_shoulder(style, side)
        posture, side = (Posture.STRAP, shoulder) if shoulder else (Posture.POCKETS, side)
    if standing and posture == Posture.NONE and chance < min(1.0, ONE_LEG_SHARE * share):
        return int(Posture.ONE_LEG), 1.0 if leg < 0.5 else -1.0
    return int(posture), side


def raised(limbs: Limbs, posture: int, side: float, carry: float) -> bool:
    """Whether this posture takes this arm."""
    if posture in TWO_HANDS:
        return not (limbs.sign > 0 and carry > 0)
    return posture in BUSY and limbs.sign == side


def reach(limbs: Limbs, posture: int, trunk: np.ndarray) -> np.ndarray:
    """Rotations (4 + fingers, 3, 3) of collar bone, upper arm, forearm, hand and fingers of an arm whose hand is where the posture wants it.

    ``trunk`` are the rotations (6, 3, 3) of pelvis, spine_01, spine_02, spine_03, neck_01 and head.
    """
    sign = limbs.sign
    collar = limbs.collar
    bones = limbs.chain[1:] - limbs.chain[:-1]  # pelvis to head
    places = np.cumsum(
        [np.zeros(3), *(turn @ bone for turn, bone in zip(trunk, bones, strict=False))], axis=0
    )
    chest, shoulder_blade, shoulder = (
        places[3],
        limbs.clavicle - limbs.chain[3],
        limbs.shoulder - limbs.clavicle,
    )
    root = chest + trunk[3] @ shoulder_blade + collar @ shoulder
    goal, along, palm, pole = _goal(limbs, posture, trunk, places)
    mirror = np.array([sign, 1.0, 1.0])
    elbow, wrist = two_bones(goal - root, limbs.upper_arm, limbs.lower_arm, mirror * pole)
    hand = frame(mirror * along, mirror * palm) @ hand_frame(limbs.side).T
    forearm = _forearm(limbs, wrist - elbow, hand)
    turns = np.stack([collar, between(limbs.upper_arm, elbow), forearm, hand])
    return np.concatenate([turns, hand @ limbs.fingers])


def _goal(
    limbs: Limbs, posture: int, trunk: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where the wrist goes, from the pelvis (metres), and of a left arm: the fingers', the palm's, the elbow's direction."""
    front, sign = limbs.front - limbs.chain[3, 2], limbs.sign
    chest = np.array([sign, 1.0, 1.0])  # of places before the spine's joint 28 cm above the hip
    if posture == Posture.POCKETS:
        hip = np.array([sign * (limbs.hip - 0.045), 0.05, 0.045])
        return (
            trunk[0] @ hip,
            np.array([-0.3, -1, 0.3]),
            np.array([-1.0, 0, -0.2]),
            np.array([0.55, 0, -0.85]),
        )
    if posture == Posture.PHONE_AT_EAR:
        ear = places[5] + trunk[5] @ np.array([sign * 0.105, -0.085, 0.075])
        return ear, np.array([-0.15, 1, -0.45]), np.array([-1.0, 0, 0]), np.array([0.6, -1, 0.25])
    if posture == Posture.PHONE_IN_HAND:
        held = places[3] + trunk[3] @ (chest * [0.09, 0.06, front + 0.10])
        return held, np.array([-0.5, 0.35, 0.8]), np.array([-0.1, 1.0, -0.4]), np.array([0.35, -1, -0.25])
    if posture == Posture.STRAP:
        strap = places[3] + trunk[3] @ (chest * [0.135, 0.08, front + 0.035])
        return strap, np.array([-0.3, 1, 0.1]), np.array([-0.3, 0, -1]), np.array([0.75, -0.8, -0.2])
    out = 0.055 if sign > 0 else 0.095  # the right forearm lies over the left one
    crossed = places[3] + trunk[3] @ (chest * [-0.05, 0.05 - 0.04 * (sign < 0), front + out])
    return crossed, np.array([-1.0, 0.25, -0.3]), np.array([-0.3, 0, -1]), np.array([0.75, -1, 0.05])


def two_bones(
    goal: np.ndarray, upper: np.ndarray, lower: np.ndarray, pole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Elbow and wrist of an arm, both from the shoulder, by the law of cosines.

    Parameters
    ----------
    goal : (3,) float
        Where the wrist should be, from the shoulder, metres. Out of reach, the arm points at it.
    upper, lower : (3,) float
        The bones at rest: only their lengths count.
    pole : (3,) float
        Direction to which the elbow bends out.

    Returns
    -------
    elbow, wrist : (3,) float
        Metres from the shoulder.
    """
    a, b = np.linalg.norm(upper), np.linalg.norm(lower)
    straight = goal / np.linalg.norm(goal)
    length = np.clip(np.linalg.norm(goal), abs(a - b) + 0.02, 0.998 * (a + b))
    side = pole - straight * (pole @ straight)
    side /= np.linalg.norm(side)
    cosine = np.clip((a**2 + length**2 - b**2) / (2 * a * length), -1.0, 1.0)
    return a * (cosine * straight + np.sqrt(1.0 - cosine**2) * side), length * straight


def _forearm(limbs: Limbs, direction: np.ndarray, hand: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) of a forearm along a direction (3,); it takes half of the hand's turn about it."""
    plain = between(limbs.lower_arm, direction)
    palm = hand_frame(limbs.side)[:, 1]
    middle = plain @ palm + 0.9 * hand @ palm
    return frame(direction, middle) @ frame(limbs.lower_arm, palm).T
