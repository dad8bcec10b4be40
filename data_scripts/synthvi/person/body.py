"""The body asset: body shapes as sums of targets, joints, and linear-blend skinning.

Coordinates are metres in the body's own frame: x to the person's left, y up, z forward. *Rest position* always means a
point of the neutral mesh (before shape and pose); clothes are drawn there, so they follow every body and every pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from ..compiled import compiled
from ..seeds import Draws

ASSET = Path(__file__).resolve().parents[1] / "assets" / "body.npz"
# Share of MakeHuman's targets for height that a `Shape.height` of 1 takes: of the whole, children and giants come out. Nine of ten
# people are 1.52 to 1.89 m tall then; within a sex the standard deviation is 9 cm.
STATURE = 0.3
# What tells bodies of one sex, age, weight and height apart; what each is made of: ``build_body_asset.py``
PROPORTIONS = tuple(
    "shoulders hips waist torso thighs shins arms neck neck_girth head chest breast belly buttocks thigh_girth calf_girth "
    "arm_girth taper depth knees".split()
)


@dataclass(frozen=True)
class Shape:
    """Body shape of one adult."""

    male: float  # 0 = female, 1 = male
    old: float  # 0 = young, 1 = old
    muscle: float  # 0..1, 0.5 is average
    weight: float  # 0..1, 0.5 is average
    height: float  # -1..1, 0 is average
    ancestry: tuple[float, float, float]  # shares of the african, asian and caucasian targets, sum 1
    proportions: tuple[float, ...] = (0.0,) * len(PROPORTIONS)  # -1..1 each, less to more; 0 is average


ARM, LEG = ("upperarm", "lowerarm", "hand"), ("thigh", "calf", "foot")


@dataclass(frozen=True)
class Body:
    """The asset's arrays; see ``build_body_asset.py`` for how they are made."""

    vertices: np.ndarray  # (n, 3) float32, rest positions
    faces: np.ndarray  # (m, 3) int32
    face_parts: np.ndarray  # (m,) uint8, index into part_names
    part_names: tuple[str, ...]
    targets: np.ndarray  # (86, n, 3) float32
    target_names: tuple[str, ...]
    weight_bones: np.ndarray  # (n, 4) int32
    weights: np.ndarray  # (n, 4) float32, rows sum to 1
    bone_names: tuple[str, ...]
    bone_parents: np.ndarray  # (bones,) int16, parents come first, -1 for a root
    joints: np.ndarray  # (bones, 3) float32, where each bone begins
    joint_targets: np.ndarray  # (86, bones, 3) float32

    def bone(self, name: str) -> int:
        """Index of a bone."""
        return self.bone_names.index(name)

    @cached_property
    def hinges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bones above and below left and right elbow, left and right knee (4,), and their directions (2, 4, 3, 1) in the rest pose."""
        limbs = [(f"{a}_{s}", f"{b}_{s}", f"{c}_{s}") for a, b, c in (ARM, LEG) for s in "lr"]
        upper, lower, end = np.array([[self.bone(name) for name in limb] for limb in limbs]).T
        along = np.stack([self.joints[lower] - self.joints[upper], self.joints[end] - self.joints[lower]])
        return upper, lower, (along / np.linalg.norm(along, axis=2, keepdims=True))[..., None]

    def part_vertices(self, name: str) -> np.ndarray:
        """Sorted indices of the vertices of one part (``shell``, ``head``, ``hand``); not to be written to."""
        return self._parts[self.part_names.index(name)]

    @cached_property
    def _parts(self) -> list[np.ndarray]:
        """Vertices of all parts."""
        return [np.unique(self.faces[self.face_parts == part]) for part in range(len(self.part_names))]


@lru_cache(maxsize=1)
def load_body(path: Path = ASSET) -> Body:
    """Read the body asset once per process."""
    with np.load(path) as arrays:
        weights = arrays["weights"].astype(np.float32)
        return Body(
            vertices=arrays["vertices"].astype(np.float32),
            faces=arrays["faces"].astype(np.int32),
            face_parts=arrays["face_parts"],
            part_names=tuple(str(name) for name in arrays["part_names"]),
            targets=arrays["targets"].astype(np.float32),
            target_names=tuple(str(name) for name in arrays["target_names"]),
            weight_bones=arrays["weight_bones"].astype(np.int32),
            weights=weights / weights.sum(1, keepdims=True),
            bone_names=tuple(str(name) for name in arrays["bone_names"]),
            bone_parents=arrays["bone_parents"],
            joints=arrays["joints"].astype(np.float32),
            joint_targets=arrays["joint_targets"].astype(np.float32),
        )


def _level_weights(value: float) -> dict[str, float]:
    """Piecewise linear weights of the levels min, average and max for a value in 0..1."""
    distance = (value - 0.5) * 2.0
    return {"min": max(0.0, -distance), "average": 1.0 - abs(distance), "max": max(0.0, distance)}


def target_weights(shape: Shape) -> dict[str, float]:
    """Weight of every shape target: products of the levels, as MakeHuman combines its macro targets."""
    weights: dict[str, float] = {}
    sexes = {"male": shape.male, "female": 1.0 - shape.male}
    ages = {"young": 1.0 - shape.old, "old": shape.old}
    for sex, share in sexes.items():
        for age, age_share in ages.items():
            for muscle, muscle_share in _level_weights(shape.muscle).items():
                for weight, weight_share in _level_weights(shape.weight).items():
                    name = f"universal-{sex}-{age}-{muscle}muscle-{weight}weight"
                    weights[name] = share * age_share * muscle_share * weight_share
        end = "max" if shape.height > 0 else "min"
        weights[f"height/{sex}-young-averagemuscle-averageweight-{end}height"] = (
            share * STATURE * abs(shape.height)
        )
        for ancestry, part in zip(("african", "asian", "caucasian"), shape.ancestry, strict=True):
            weights[f"{ancestry}-{sex}-young"] = share * part
    for name, value in zip(PROPORTIONS, shape.proportions, strict=True):
        part = abs(value) * (1.0 - shape.male if name == "breast" else 1.0)
        weights[f"{name}-{'incr' if value > 0 else 'decr'}"] = part
    return weights


def draw_proportions(draws: Draws, spread: float) -> tuple[float, ...]:
    """Draw one person's `PROPORTIONS`; ``spread`` scales how much they differ, 0 = all are average."""
    values = [draws(f"proportion {name}").normal(0.0, 0.5 * spread) for name in PROPORTIONS]
    return tuple(float(value) for value in np.clip(values, -1.0, 1.0))


def morph(body: Body, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n, 3) and joints (bones, 3) of a body shape in the rest pose, float32 metres."""
    weights = target_weights(shape)
    vector = np.array([weights.get(name, 0.0) for name in body.target_names], dtype=np.float32)
    used = np.flatnonzero(vector)
    vertices = body.vertices + np.einsum("t,tnc->nc", vector[used], body.targets[used])
    joints = body.joints + np.einsum("t,tnc->nc", vector[used], body.joint_targets[used])
    return vertices.astype(np.float32), joints.astype(np.float32)


@compiled
def posed_joints(joints: np.ndarray, parents: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Places of the joints (bones, 3) after every bone got its rotation (bones, 3, 3) in the body's frame."""
    placed = joints.copy()  # roots stay where they are
    for bone in range(len(parents)):
        above = parents[bone]
        if above >= 0:
            for k in range(3):
                placed[bone, k] = placed[above, k]
                for i in range(3):
                    placed[bone, k] += rotations[above, k, i] * (joints[bone, i] - joints[above, i])
    return placed


@compiled
def skin(vertices, weight_bones, weights, joints, placed, rotations):
    """Linear-blend skinning: v' = Σ_b w_b (R_b (v − j_b) + p_b).

    Parameters
    ----------
    vertices : (n, 3) float32
        In the rest pose.
    weight_bones, weights : (n, 4) int32, (n, 4) float32
        The four bones that move each vertex, and their shares.
    joints, placed : (bones, 3) float32
        Joints in the rest pose and in the new pose.
    rotations : (bones, 3, 3) float32
        Rotation of each bone in the body's frame.

    Returns
    -------
    (n, 3) float32
    """
    out = np.zeros_like(vertices)
    for i in range(vertices.shape[0]):
        for k in range(weights.shape[1]):
            w = weights[i, k]
            if w == 0.0:
                continue
            b = weight_bones[i, k]
            x = vertices[i, 0] - joints[b, 0]
            y = vertices[i, 1] - joints[b, 1]
            z = vertices[i, 2] - joints[b, 2]
            for c in range(3):
                turned = rotations[b, c, 0] * x + rotations[b, c, 1] * y + rotations[b, c, 2] * z
                out[i, c] += w * (turned + placed[b, c])
    return out


@compiled
def vertex_normals(vertices, faces):
    """Unit normals (n, 3) float32 of the vertices: area-weighted mean of the triangles around them."""
    out = np.zeros_like(vertices)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx = vertices[c, 0] - vertices[a, 0]
        vy = vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        nx = uy * vz - uz * vy
        ny = uz * vx - ux * vz
        nz = ux * vy - uy * vx
        for corner in (a, b, c):
            out[corner, 0] += nx
            out[corner, 1] += ny
            out[corner, 2] += nz
    for i in range(out.shape[0]):
        length = np.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2)
        if length > 1e-12:
            for c in range(3):
                out[i, c] /= length
    return out
