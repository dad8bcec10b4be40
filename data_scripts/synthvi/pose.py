"""A walking or standing pose: rotations of all bones in the body's frame.

Joint angles over one stride follow the textbook curves of level walking (D. A. Winter, *Biomechanics and Motor Control of Human
Movement*, ch. 5, rounded): the knee bends a little when the foot takes the load and about 60° when it swings, the foot lies flat
in mid-stance and rolls off over the toes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .body import Body, load_body

IDENTITY = np.eye(3)


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
    a, b = start / np.sqrt(start @ start), end / np.sqrt(end @ end)
    c = float(a @ b)
    v = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    if c < -0.9999:
        return np.diag([1.0, -1.0, -1.0])
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return IDENTITY + k + k @ k / (1.0 + c)


def rest_rotations(body: Body) -> np.ndarray:
    """Rotations (bones, 3, 3) float32 that leave the body in its rest pose."""
    return np.repeat(np.eye(3, dtype=np.float32)[None], len(body.bone_names), axis=0)


STRIDE = 0.40  # radians of thigh swing to which the curves below belong
MOMENTS = (
    0.0,
    0.08,
    0.15,
    0.30,
    0.42,
    0.52,
    0.62,
    0.72,
    0.82,
    0.92,
    1.0,
)  # share of the cycle, 0 = the heel touches down
THIGH = (0.48, 0.45, 0.38, 0.10, -0.12, -0.24, -0.12, 0.22, 0.46, 0.52, 0.48)  # radians forward
KNEE = (0.08, 0.22, 0.30, 0.14, 0.10, 0.24, 0.68, 1.02, 0.72, 0.20, 0.08)  # radians of bend
FOOT = (
    -0.32,
    -0.04,
    0.0,
    0.0,
    0.06,
    0.36,
    0.86,
    0.80,
    0.25,
    -0.20,
    -0.32,
)  # radians toes-down against the floor
TOES = (-0.32, -0.04, 0.0, 0.0, 0.0, 0.02, 0.40, 0.70, 0.20, -0.25, -0.32)


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
    swing = np.sin(pose.phase) * min(1.0, pose.stride / STRIDE)
    trunk = about_x(pose.lean)
    twist = about_y(-0.10 * swing)
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
        fixed |= _arm(body, joints, pose, side, sign, hip)
    return _inherit(body, fixed)


def _direction(body: Body, joints: np.ndarray, start: str, end: str) -> np.ndarray:
    """From one joint to another in the rest pose."""
    return joints[body.bone(end)] - joints[body.bone(start)]


def _leg_angles(pose: Pose, sign: float) -> tuple[float, float, float, float]:
    """Thigh, knee, foot and toes of one side, radians."""
    if pose.stride < 0.1:  # standing: the weight rests on one leg, the other is a little bent and in front
        free = max(0.0, sign * np.cos(pose.phase))
        return 0.02 + 0.16 * free, 0.03 + 0.26 * free, 0.04 * free, 0.0
    local = pose.phase if sign > 0 else pose.phase + np.pi
    moment = (local / (2 * np.pi) - 0.25) % 1.0  # the heel touches down where the thigh is in front
    size = pose.stride / STRIDE
    thigh, knee, foot, toes = (float(np.interp(moment, MOMENTS, c)) for c in (THIGH, KNEE, FOOT, TOES))
    bent = 0.4 + 0.6 * size
    return 0.04 + size * (thigh - 0.06), 0.04 + bent * knee, size * foot, size * toes


def _leg(body: Body, joints: np.ndarray, pose: Pose, side: str, sign: float) -> dict[str, np.ndarray]:
    """Thigh, shin, foot and toes of one side."""
    thigh_angle, knee, foot_angle, toe_angle = _leg_angles(pose, sign)
    down = np.array([0.045 * sign, -1.0, 0.0])
    thigh = about_x(-thigh_angle) @ between(_direction(body, joints, f"thigh_{side}", f"calf_{side}"), down)
    calf = about_x(knee - thigh_angle) @ between(
        _direction(body, joints, f"calf_{side}", f"foot_{side}"), np.array([-0.01 * sign, -1.0, -0.02])
    )
    out = about_y(0.10 * sign)
    return {
        f"thigh_{side}": thigh,
        f"calf_{side}": calf,
        f"foot_{side}": about_x(foot_angle) @ out,
        f"ball_{side}": about_x(toe_angle) @ out,
    }


def _arm(
    body: Body, joints: np.ndarray, pose: Pose, side: str, sign: float, hip: float
) -> dict[str, np.ndarray]:
    """Collar bone, upper arm, forearm, hand and fingers of one side; arms swing against the legs."""
    hold = 1.0 - 0.8 * pose.carry if side == "l" else 1.0
    local = pose.phase + np.pi if side == "l" else pose.phase
    angle = hold * pose.arm_swing * np.sin(local) - 0.05
    elbow = hold * (0.7 * pose.elbow + 0.5 * pose.arm_swing * max(0.0, np.sin(local))) + 0.10
    upper_arm = _direction(body, joints, f"upperarm_{side}", f"lowerarm_{side}")
    shoulder = abs(joints[body.bone(f"upperarm_{side}"), 0])
    # the forearm hangs straight down, almost: the upper arm brings the hand past the hip
    room = (hip + 0.045 - shoulder) / (1.2 * np.linalg.norm(upper_arm))
    spread = max(room, 0.02) + 0.35 * pose.spread
    out = np.array([spread * sign, -1.0, 0.0])
    upper = about_x(-angle) @ between(upper_arm, out)
    swing = about_x(-angle - elbow)
    start = between(_direction(body, joints, f"lowerarm_{side}", f"hand_{side}"), np.array([0.0, -1.0, 0.0]))
    turn = _thumb_forward(start @ _direction(body, joints, f"hand_{side}", f"thumb_02_{side}"), sign)
    tilt = about_z(0.05 * sign)
    fixed = {
        f"clavicle_{side}": about_z(-0.10 * sign),
        f"upperarm_{side}": upper,
        f"lowerarm_{side}": swing @ tilt @ about_y(0.5 * turn) @ start,
        f"hand_{side}": swing @ about_x(0.15) @ about_y(turn) @ start,
    }
    names, turns = _finger_turns(side)
    fixed |= zip(names, fixed[f"hand_{side}"] @ turns, strict=True)
    return fixed


def _thumb_forward(thumb: np.ndarray, sign: float) -> float:
    """Turn of a hanging forearm about its own axis that brings the thumb to the front, a little inwards (radians)."""
    wanted = np.arctan2(-0.45 * sign, 1.0)
    turn = wanted - np.arctan2(thumb[0], thumb[2])
    return float((turn + np.pi) % (2 * np.pi) - np.pi)


@lru_cache(maxsize=2)
def _finger_turns(side: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Relaxed fingers: names, and rotations (bones, 3, 3) against the hand: side by side, bent more towards the little finger.

    The same for everybody (from the neutral body), because hands differ little and it is needed for every image.
    """
    body = load_body()
    joints = body.joints
    across = _direction(body, joints, f"pinky_01_{side}", f"index_01_{side}")
    along = _direction(body, joints, f"hand_{side}", f"middle_01_{side}")
    across = across - along * (across @ along) / (along @ along)
    across /= np.linalg.norm(across)
    palm = np.cross(across, along) * (-1.0 if side == "l" else 1.0)
    palm /= np.linalg.norm(palm)
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


def _inherit(body: Body, fixed: dict[str, np.ndarray]) -> np.ndarray:
    """Bones without a rotation of their own turn with their parent."""
    own = np.array([*fixed.values(), IDENTITY], dtype=np.float32)
    return own[_sources(body.bone_names, tuple(body.bone_parents), tuple(fixed))]


@lru_cache(maxsize=8)
def _sources(bones: tuple[str, ...], parents: tuple[int, ...], fixed: tuple[str, ...]) -> np.ndarray:
    """Which of the ``fixed`` rotations each bone takes: its own, else its parent's; one past the last: none."""
    sources: list[int] = []
    for name, parent in zip(bones, parents, strict=True):
        if name in fixed:
            sources.append(fixed.index(name))
        else:
            sources.append(sources[parent] if parent >= 0 else len(fixed))
    return np.array(sources)
