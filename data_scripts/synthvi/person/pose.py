"""A walking or standing pose: rotations of all bones in the body's frame.

Joint angles over one stride follow the textbook curves of level walking (D. A. Winter, *Biomechanics and Motor Control of Human
Movement*, ch. 5, rounded): the knee bends a little when the foot takes the load and about 60° when it swings, the foot lies flat
in mid-stance and rolls off over the toes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..compiled import compiled
from .body import Body, load_body
from .carriage import Carriage
from .limbs import CHAIN, Limbs, finger_turns, limbs_of
from .posture import HEAD_TURN, TILT, Posture, raised, reach
from .rotations import IDENTITY, about_x, about_y, about_z, between, product


@dataclass(frozen=True)
class Pose:
    """One moment of a walk. Angles in radians."""

    phase: float  # 0..2π, where in the step
    stride: float  # swing of a thigh to the front and back
    arm_swing: float  # swing of an upper arm
    elbow: float  # bend of the elbows
    spread: float  # how far the arms stand off the body, sideways per downwards
    lean: float  # forward lean of the trunk
    head_yaw: float
    head_pitch: float
    carry: float = 0.0  # 0..1: how far the left arm is held still (it carries a bag)
    posture: int = 0  # Posture
    side: float = 1.0  # of the posture: 1 left, -1 right


def rest_rotations(body: Body) -> np.ndarray:
    """Rotations (bones, 3, 3) float32 that leave the body in its rest pose."""
    return np.repeat(np.eye(3, dtype=np.float32)[None], len(body.bone_names), axis=0)


# the bones that turn on their own; all others turn with their parent
LEG, ARM = ("thigh", "calf", "foot", "ball"), ("clavicle", "upperarm", "lowerarm", "hand")  # and the fingers

STRIDE = 0.40  # radians of thigh swing to which the curves below belong
# share of the cycle, 0 = the heel touches down
MOMENTS = np.array([0.0, 0.08, 0.15, 0.30, 0.42, 0.52, 0.62, 0.72, 0.82, 0.92, 1.0])
# radians forward, radians of bend, and radians toes-down against the floor
THIGH = np.array([0.48, 0.45, 0.38, 0.10, -0.12, -0.24, -0.12, 0.22, 0.46, 0.52, 0.48])
KNEE = np.array([0.08, 0.22, 0.30, 0.14, 0.10, 0.24, 0.68, 1.02, 0.72, 0.20, 0.08])
FOOT = np.array([-0.32, -0.04, 0.0, 0.0, 0.06, 0.36, 0.86, 0.80, 0.25, -0.20, -0.32])
TOES = np.array([-0.32, -0.04, 0.0, 0.0, 0.0, 0.02, 0.40, 0.70, 0.20, -0.25, -0.32])


def walk(body: Body, joints: np.ndarray, pose: Pose, hip: float = 0.19) -> np.ndarray:
    """Rotations (bones, 3, 3) float32 of a walking or, for strides below 0.1, standing person.

    Parameters
    ----------
    body : Body
        Names and parents of the bones.
    joints : (bones, 3) float
        Joints of this person's shape in the rest pose.
    pose : Pose
        Which moment of the walk.
    hip : float
        Half width of the clothes at the hips, metres: hands hang outside.
    """
    return stride(limbs_of(body, joints, hip), pose)


def stride(both: tuple[Limbs, Limbs], pose: Pose) -> np.ndarray:
    """Rotations as `walk` makes them, of a person whose limbs are measured."""
    trunk = _trunk(both[0].carriage, pose)
    turns = [trunk]
    for limbs in both:
        out = (0.10 + limbs.carriage.toes_out) * limbs.sign
        turns.append(_leg(*_leg_angles(pose, limbs.sign), out, limbs.thigh, limbs.calf))
        if raised(limbs, pose.posture, pose.side, pose.carry):
            turns.append(reach(limbs, pose.posture, trunk))
        else:
            turns.append(_swinging_arm(limbs, pose))
    return np.concatenate([*turns, IDENTITY[None]]).astype(np.float32)[_sources()]


def limb_bends(rotations: np.ndarray, body: Body) -> np.ndarray:
    """How far left and right elbow, left and right knee are bent in a pose, (4,) float32 in radians.

    The angle between the directions of upper and lower limb, 0 where they are in line; how a forearm is rolled does not count.

    Parameters
    ----------
    rotations : (bones, 3, 3) float32
        From `stride`.
    body : Body
        Names of the bones, and the rest pose in which limbs point where they do.
    """
    upper, lower, rest = body.hinges
    before, behind = rotations[upper] @ rest[0], rotations[lower] @ rest[1]
    return np.arccos(np.clip((before * behind).sum(axis=(1, 2)), -1.0, 1.0))


def _trunk(carriage: Carriage, pose: Pose) -> np.ndarray:
    """Rotations (6, 3, 3) of pelvis, spine, neck and head."""
    swing = np.sin(pose.phase) * min(1.0, pose.stride / STRIDE)
    yaw, pitch, tilt, bend = pose.head_yaw, pose.head_pitch, 0.0, pose.lean + carriage.stoop
    if pose.posture == Posture.HEAD_TURNED:
        yaw = HEAD_TURN * pose.side + 0.5 * yaw
    elif pose.posture == Posture.PHONE_IN_HAND:
        yaw, pitch = 0.3 * yaw, pitch + 0.38
    elif pose.posture == Posture.PHONE_AT_EAR:
        yaw = 0.5 * yaw
    elif pose.posture == Posture.ONE_LEG:
        tilt = TILT * pose.side  # the hip over the straight leg is higher
    low, neck = pose.lean + 0.4 * carriage.stoop, bend + carriage.head_forward + 0.4 * pitch
    head = 0.5 * pose.lean + 0.4 * carriage.stoop + pitch
    return _trunk_turns(float(swing), float(tilt), low, bend, neck, head, float(yaw))


@compiled
def _trunk_turns(swing, tilt, low, bend, neck, head, yaw):
    """Rotations (6, 3, 3) of pelvis, spine, neck and head: ``low`` to ``head`` are how far forward they lean, radians."""
    turns = np.empty((6, 3, 3))
    back = about_z(-0.35 * tilt)
    turns[0] = product(about_z(tilt), about_y(0.08 * swing))
    turns[1] = product(back, about_x(low))
    turns[2] = product(product(back, about_x(bend)), about_y(-0.10 * swing))
    turns[3] = turns[2]
    turns[4] = product(about_x(neck), about_y(0.4 * yaw))
    turns[5] = product(about_x(head), about_y(yaw))
    return turns


def _leg_angles(pose: Pose, sign: float) -> tuple[float, float, float, float]:
    """Thigh, knee, foot and toes of one side, radians."""
    if pose.posture == Posture.ONE_LEG:
        return (0.02, 0.02, 0.0, 0.0) if sign == pose.side else (0.30, 0.52, 0.04, 0.0)
    if pose.stride < 0.1:  # standing: the weight rests on one leg, the other is a little bent and in front
        free = max(0.0, sign * np.cos(pose.phase))
        return 0.02 + 0.16 * free, 0.03 + 0.26 * free, 0.04 * free, 0.0
    local = pose.phase if sign > 0 else pose.phase + np.pi
    moment = (local / (2 * np.pi) - 0.25) % 1.0  # the heel touches down where the thigh is in front
    size = pose.stride / STRIDE
    thigh, knee, foot, toes = _gait(moment)
    bent = 0.4 + 0.6 * size
    return 0.04 + size * (thigh - 0.06), 0.04 + bent * knee, size * foot, size * toes


@compiled
def _gait(moment):
    """Thigh, knee, foot and toes at a moment of the cycle, 0..1, by the curves above, linear between their points."""
    i = min(np.searchsorted(MOMENTS, moment, side="right"), len(MOMENTS) - 1)
    share = (moment - MOMENTS[i - 1]) / (MOMENTS[i] - MOMENTS[i - 1])
    return (
        THIGH[i - 1] + share * (THIGH[i] - THIGH[i - 1]),
        KNEE[i - 1] + share * (KNEE[i] - KNEE[i - 1]),
        FOOT[i - 1] + share * (FOOT[i] - FOOT[i - 1]),
        TOES[i - 1] + share * (TOES[i] - TOES[i - 1]),
    )


@compiled
def _leg(thigh_angle, knee, foot_angle, toe_angle, out, thigh, calf):
    """Rotations (4, 3, 3) of thigh, shin, foot and toes; ``out`` is how far the toes point to the left, radians."""
    turns, outwards = np.empty((4, 3, 3)), about_y(out)
    turns[0] = product(about_x(-thigh_angle), thigh)
    turns[1] = product(about_x(knee - thigh_angle), calf)
    turns[2] = product(about_x(foot_angle), outwards)
    turns[3] = product(about_x(toe_angle), outwards)
    return turns


def _swinging_arm(limbs: Limbs, pose: Pose) -> np.ndarray:
    """Rotations of collar bone, upper arm, forearm, hand and fingers of one side; arms swing against the legs."""
    left, carriage = limbs.side == "l", limbs.carriage
    hold = 1.0 - 0.8 * pose.carry if left else 1.0
    swing = float(np.sin(pose.phase + np.pi if left else pose.phase))
    size = pose.arm_swing * (1.0 + carriage.swing)
    angle = hold * size * swing - 0.05
    elbow = hold * (0.7 * pose.elbow + carriage.elbow + 0.5 * size * max(0.0, swing)) + 0.10
    aside = float((limbs.spread + 0.17 * pose.spread) * limbs.sign)
    rolls = (limbs.half_roll, limbs.roll, limbs.forearm)
    return _arm(angle, elbow, aside, limbs.collar, limbs.upper_arm, rolls, limbs.fingers)


@compiled
def _arm(angle, elbow, aside, collar, upper_arm, rolls, fingers):
    """Rotations (4 + fingers, 3, 3) of an arm that points ``aside`` to the left, per downwards; see `Limbs` for the rest."""
    half_roll, roll, forearm = rolls
    turns, swung = np.empty((4 + len(fingers), 3, 3)), about_x(-angle - elbow)
    turns[0] = collar
    turns[1] = product(about_x(-angle), between(upper_arm, np.array([aside, -1.0, 0.0])))
    turns[2] = product(product(product(swung, about_z(aside)), half_roll), forearm)
    turns[3] = product(product(product(swung, about_x(0.15)), roll), forearm)
    for i in range(len(fingers)):
        turns[4 + i] = product(turns[3], fingers[i])
    return turns


@lru_cache(maxsize=1)
def _sources() -> np.ndarray:
    """Which of `stride`'s rotations each bone takes: its own, else its parent's; one past the last: none."""
    fixed = list(CHAIN)
    for side in "lr":
        fixed += [f"{name}_{side}" for name in (*LEG, *ARM)] + list(finger_turns(side)[0])
    body, sources = load_body(), []
    for name, parent in zip(body.bone_names, body.bone_parents, strict=True):
        if name in fixed:
            sources.append(fixed.index(name))
        else:
            sources.append(sources[parent] if parent >= 0 else len(fixed))
    return np.array(sources)
