"""One person's body in the rest pose, with what tailoring needs: regions, levels, normals, dense weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from .body import Body, Shape, load_body, morph, vertex_normals

SHOULDER = np.array([0.170, 0.502, 0.019])  # rest position of the left shoulder, metres
WRIST = np.array([0.453, 0.197, 0.183])
ARM_BONES = ("upperarm_l", "lowerarm_l", "hand_l", "upperarm_r", "lowerarm_r", "hand_r")


def arm_length_share(rest: np.ndarray) -> np.ndarray:
    """Where on the arm a rest position (n, 3) lies: 0 shoulder, 1 wrist."""
    axis = WRIST - SHOULDER
    mirrored = np.column_stack([np.abs(rest[:, 0]), rest[:, 1:]])
    return (mirrored - SHOULDER) @ axis / (axis @ axis)


def ramp(value: np.ndarray | float, start: float, end: float) -> np.ndarray:
    """0 at ``start``, 1 at ``end``, linear between."""
    return np.clip((np.asarray(value) - start) / (end - start), 0.0, 1.0)


@dataclass(frozen=True)
class Mannequin:
    """A body of one shape. Arrays over the asset's vertices."""

    body: Body
    vertices: np.ndarray  # (n, 3) this person's shape
    joints: np.ndarray  # (bones, 3)
    normals: np.ndarray  # (n, 3)

    @property
    def rest(self) -> np.ndarray:
        """Neutral rest positions (n, 3)."""
        return self.body.vertices

    def height_of(self, levels: np.ndarray) -> np.ndarray:
        """Heights on this person of rest heights (k,): the mean rise of the shell around them, linear between."""
        return levels + np.interp(levels, *self._rise)

    @cached_property
    def _rise(self) -> tuple[np.ndarray, np.ndarray]:
        """Rest heights, and how much higher the shell around them is on this person."""
        shell = regions().shell
        rest = self.rest[shell, 1]
        grid = np.linspace(-0.80, 0.60, 36)
        cell = np.clip(np.rint((rest - grid[0]) / (grid[1] - grid[0])).astype(int), 0, len(grid) - 1)
        total = np.bincount(cell, self.vertices[shell, 1] - rest, len(grid))
        count = np.bincount(cell, minlength=len(grid))
        known = count > 0
        return grid[known], total[known] / count[known]


@dataclass(frozen=True)
class Regions:
    """Sets of vertices of the asset; the same for everybody."""

    shell: np.ndarray  # indices of the body's clothing shell
    trunk: np.ndarray  # (n,) bool: shell without the arms
    hung: np.ndarray  # indices of what cloth around trunk and both legs hangs on
    arm: np.ndarray  # (n,) 0..1, how much an arm moves a vertex
    side: np.ndarray  # (n,) +1 the person's left, -1 right
    weights: np.ndarray  # (n, bones) dense skin weights
    leg_weights: np.ndarray  # the same without feet: they go to the shins
    skirt_weights: np.ndarray  # the same with half of the shins given to the thighs
    tree: cKDTree  # of the trunk's and legs' rest positions
    tree_index: np.ndarray  # which vertices the tree holds
    mean: sparse.csr_matrix  # (n, n) mean over a vertex's neighbours


@lru_cache(maxsize=1)
def regions() -> Regions:
    """Sort the asset's vertices once per process."""
    body = load_body()
    count, bones = len(body.vertices), len(body.bone_names)
    weights = np.zeros((count, bones))
    np.add.at(weights, (np.arange(count)[:, None], body.weight_bones), body.weights)
    arm = weights[:, [body.bone(name) for name in ARM_BONES]].sum(1)
    shell = body.part_vertices("shell")
    is_shell = np.zeros(count, dtype=bool)
    is_shell[shell] = True
    leg_weights = weights.copy()
    for side in "lr":
        for name in ("foot", "ball"):
            leg_weights[:, body.bone(f"calf_{side}")] += leg_weights[:, body.bone(f"{name}_{side}")]
            leg_weights[:, body.bone(f"{name}_{side}")] = 0.0
    skirt_weights = leg_weights.copy()
    for side in "lr":
        moved = 0.5 * skirt_weights[:, body.bone(f"calf_{side}")]
        skirt_weights[:, body.bone(f"thigh_{side}")] += moved
        skirt_weights[:, body.bone(f"calf_{side}")] -= moved
    trunk = is_shell & (arm < 0.5)
    index = np.flatnonzero(trunk & (body.vertices[:, 1] > -0.74) & (arm < 0.05))
    faces = body.faces
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    pairs = np.concatenate([ends, ends[:, ::-1]])
    graph = sparse.csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    graph.data[:] = 1.0
    mean = sparse.diags(1.0 / np.maximum(1.0, np.asarray(graph.sum(1)).ravel())) @ graph
    side = np.where(body.vertices[:, 0] >= 0, 1, -1)
    tree = cKDTree(body.vertices[index])
    hung = np.flatnonzero(trunk & (body.vertices[:, 1] > -0.72) & (arm < 0.2))
    return Regions(
        shell, trunk, hung, arm, side, weights, leg_weights, skirt_weights, tree, index, mean.tocsr()
    )


def mannequin_of(body: Body, shape: Shape) -> Mannequin:
    """The body of a person in the rest pose."""
    vertices, joints = morph(body, shape)
    return Mannequin(body, vertices, joints, vertex_normals(vertices, body.faces))


@lru_cache(maxsize=1)
def neutral() -> Mannequin:
    """The asset's own neutral body: where rest positions live."""
    body = load_body()
    return Mannequin(body, body.vertices, body.joints, vertex_normals(body.vertices, body.faces))
