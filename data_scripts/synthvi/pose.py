"""A walking pose from a gait phase: rotations of all bones in the body's frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import Body


@dataclass(frozen=True)
class Pose:
    """One moment of a walk. Angles in radians."""

    phase: float  # 0..2π, where in the step
    stride: float  # swing of a thigh to the front and back
    arm_swing: float  # swing of an upper arm
    elbow: float  # bend of the elbows
    spread: float  # how far the arms stand off the body
    lean: float  # forward lean of the trunk
    head_yaw: float
    head_pitch: float
    carry: float = 0.0  # 0..1: how far the left arm is held still (it carries a bag)


def about_x(angle: float) -> np.ndarray:
    """Rotation (3, 3) about the axis to the person's left; positive turns down towards the back."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def about_y(angle: float) -> np.ndarray:
    """Rotation (3, 3) about the vertical axis; positive turns forward towards the left."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def about_z(angle: float) -> np.ndarray:
    """Rotation (3, 3) about the forward axis."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Smallest rotation (3, 3) that turns direction ``start`` to direction ``end`` (Rodrigues)."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    v, c = np.cross(a, b), float(a @ b)
    if c < -0.9999:
        return np.diag([1.0, -1.0, -1.0])
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / (1.0 + c)


def rest_rotations(body: Body) -> np.ndarray:
    """Rotations (bones, 3, 3) float32 that leave the body in its rest pose."""
    return np.repeat(np.eye(3, dtype=np.float32)[None], len(body.bone_names), axis=0)


def walk(body: Body, joints: np.ndarray, pose: Pose) -> np.ndarray:
    """Rotations (bones, 3, 3) float32 of a walking person.

    Parameters
    ----------
    body : Body
        Names and parents of the bones.
    joints : (bones, 3) float
        Joints of this person's shape in the rest pose.
    pose : Pose
        Which moment of the walk.
    """
    swing = np.sin(pose.phase)
    trunk = about_x(pose.lean)
    twist = about_y(-0.12 * swing * min(1.0, pose.stride / 0.4))
    fixed = {
        "pelvis": about_y(0.08 * swing),
        "spine_01": trunk,
        "spine_02": trunk @ twist,
        "spine_03": trunk @ twist,
        "neck_01": about_x(pose.lean + 0.4 * pose.head_pitch) @ about_y(0.4 * pose.head_yaw),
        "head": about_x(pose.lean * 0.5 + pose.head_pitch) @ about_y(pose.head_yaw),
    }
    for side, sign in (("l", 1.0), ("r", -1.0)):
        fixed |= _leg(body, joints, pose, side, sign)
        fixed |= _arm(body, joints, pose, side, sign)
    return _inherit(body, fixed)


def _direction(body: Body, joints: np.ndarray, start: str, end: str) -> np.ndarray:
    """From one joint to another in the rest pose."""
    return joints[body.bone(end)] - joints[body.bone(start)]


def _leg(body: Body, joints: np.ndarray, pose: Pose, side: str, sign: float) -> dict[str, np.ndarray]:
    """Thigh, shin and foot of one side."""
    local = pose.phase if side == "l" else pose.phase + np.pi
    thigh_angle = pose.stride * np.sin(local) + 0.05
    lift = max(0.0, np.cos(local))  # the leg that moves forward bends its knee
    knee = 0.06 + pose.stride * (1.5 * lift**2 + 0.25 * max(0.0, -np.sin(local)))
    down = np.array([0.05 * sign, -1.0, 0.0])
    thigh = about_x(-thigh_angle) @ between(_direction(body, joints, f"thigh_{side}", f"calf_{side}"), down)
    calf = about_x(-thigh_angle + knee) @ between(
        _direction(body, joints, f"calf_{side}", f"foot_{side}"), down * np.array([0.3, 1, 1])
    )
    foot = about_x(0.55 * (knee - thigh_angle)) @ about_y(0.12 * sign)
    return {f"thigh_{side}": thigh, f"calf_{side}": calf, f"foot_{side}": foot, f"ball_{side}": foot}


def _arm(body: Body, joints: np.ndarray, pose: Pose, side: str, sign: float) -> dict[str, np.ndarray]:
    """Upper arm, forearm and hand of one side; arms swing against the legs."""
    hold = 1.0 - 0.8 * pose.carry if side == "l" else 1.0
    local = pose.phase + np.pi if side == "l" else pose.phase
    angle = hold * pose.arm_swing * np.sin(local) - 0.03
    elbow = hold * (pose.elbow + 0.4 * pose.arm_swing * max(0.0, np.sin(local))) + 0.08
    out = np.array([pose.spread * sign, -1.0, 0.0])
    upper = about_x(-angle) @ between(_direction(body, joints, f"upperarm_{side}", f"lowerarm_{side}"), out)
    lower = about_x(-angle - elbow) @ between(
        _direction(body, joints, f"lowerarm_{side}", f"hand_{side}"),
        np.array([0.3 * pose.spread * sign, -1.0, 0.0]),
    )
    return {f"upperarm_{side}": upper, f"lowerarm_{side}": lower, f"hand_{side}": lower}


def _inherit(body: Body, fixed: dict[str, np.ndarray]) -> np.ndarray:
    """Bones without a rotation of their own turn with their parent."""
    rotations = rest_rotations(body)
    for bone, name in enumerate(body.bone_names):
        parent = body.bone_parents[bone]
        if name in fixed:
            rotations[bone] = fixed[name]
        elif parent >= 0:
            rotations[bone] = rotations[parent]
    return rotations
