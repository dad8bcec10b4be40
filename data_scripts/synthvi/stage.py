"""The dressed mesh takes its pose before the camera and is rastered: buffers, ready for either spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import pose as poses
from .body import Body, posed_joints, skin, vertex_normals
from .cameras import Camera, axes, nominal_scale
from .outfit import EDGE_WIDTH, Outfit
from .raster import hollows, rasterize
from .shots import Shot
from .world import Preset


@dataclass(frozen=True)
class Buffers:
    """One raster pass, cropped to the box around the person: h × w pixels of the image from ``corner`` on."""

    surface: np.ndarray  # (ss h, ss w) uint8, ss = supersampling
    rest: (
        np.ndarray
    )  # (ss h, ss w, 5) float32: rest position, metres from the cloth's edge, depth of the hollow (0..1)
    normal: np.ndarray  # (ss h, ss w, 3) float32
    seen: np.ndarray  # (n, 3) float32 drawn vertices in the camera's frame, metres
    ground: np.ndarray  # (3,) the point between the feet in that frame
    scale: float  # pixels per unit slope
    offset: np.ndarray  # (2,) column and row of the optical axis in pixels
    corner: tuple[int, int] = (0, 0)  # row and column of the box in the image, pixels


def draw_buffers(body: Body, outfit: Outfit, camera: Camera, shot: Shot, preset: Preset) -> Buffers:
    """Pose a dressed person, put it before the camera and raster it."""
    points = pose_mesh(body, outfit, shot)
    rotation, origin = axes(camera)
    turn = (rotation @ poses.about_y(np.deg2rad(shot.heading))).astype(np.float32)
    ground = -(rotation @ origin).astype(np.float32)  # the point between the feet, in the camera's frame
    seen = points @ turn.T + ground
    slopes = np.stack([seen[:, 0], -seen[:, 1]], 1) / -seen[:, 2:]  # columns, rows
    near = 1.0 / (-seen[:, 2] - outfit.lift)
    scale, offset = _frame(slopes, camera, shot, preset)
    screen = ((slopes * scale + offset) * preset.supersampling).astype(np.float32)
    carried = np.empty((len(seen), 5), dtype=np.float32)
    carried[:, :3], carried[:, 3], carried[:, 4] = outfit.rest, np.minimum(outfit.cut, EDGE_WIDTH), 0.0
    (top, bottom), (left, right) = _box(screen, preset)
    screen -= np.array([left, top], dtype=np.float32)  # exact: no coordinate grows
    surface, rest, normal, depth = rasterize(
        screen,
        near.astype(np.float32),
        outfit.cut,
        carried,
        vertex_normals(seen, outfit.faces),
        outfit.faces,
        outfit.surfaces,
        bottom - top,
        right - left,
    )
    metre = scale * preset.supersampling  # samples per metre at unit depth
    hollows(depth, rest[..., 4], float(0.07 * metre / -ground[2]), 1.0 / metre)
    corner = (top // preset.supersampling, left // preset.supersampling)
    return Buffers(surface, rest, normal, seen, ground, scale, offset, corner)


def _box(screen: np.ndarray, preset: Preset) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last + 1 row, and column, of the samples around all vertices: whole pixels, an even number of them."""
    step = 2 * preset.supersampling
    ends = []
    for axis, pixels in ((1, preset.height), (0, preset.width)):
        size, places = pixels * preset.supersampling, screen[:, axis]
        low, high = (int(np.clip(place, 0, size - 1)) for place in (places.min(), places.max()))
        ends.append((low // step * step, min(size, (high // step + 1) * step)))
    return ends[0], ends[1]


def pose_mesh(body: Body, outfit: Outfit, shot: Shot) -> np.ndarray:
    """Vertices (n, 3) float32 in metres after skinning: lowest point on the floor, pelvis above the origin."""
    rotations = poses.walk(body, outfit.joints, shot.pose, outfit.hip)
    placed = posed_joints(outfit.joints, body.bone_parents, rotations)
    hand = body.bone("middle_01_l")  # a bag hangs from it and never turns: one more bone
    points = skin(
        outfit.vertices,
        outfit.weight_bones,
        outfit.weights,
        np.concatenate([outfit.joints, outfit.joints[hand][None]]),
        np.concatenate([placed, placed[hand][None]]).astype(np.float32),
        np.concatenate([rotations, np.eye(3, dtype=np.float32)[None]]),
    )
    points[:, 1] -= points[:, 1].min()
    points[:, [0, 2]] -= placed[body.bone("pelvis"), [0, 2]]
    return points


def _frame(slopes: np.ndarray, camera: Camera, shot: Shot, preset: Preset) -> tuple[float, np.ndarray]:
    """Scale and offset (columns, rows) from slopes to pixels: the box that a person detector would cut out.

    A person's box grows with the person, but not fully: taller people fill a little more of their image.
    """
    low, high = slopes.min(0), slopes.max(0)
    nominal = nominal_scale(camera, preset.height)[0]
    tall = (high[1] - low[1]) * nominal / preset.height
    scale = nominal * shot.scale * (0.90 / tall) ** 0.75
    middle = 0.5 * (low + high) * [0.6, 1.0]  # sideways: between the pelvis and the middle of the box
    target = np.array([preset.width / 2, preset.height / 2]) + np.array(shot.shift[::-1]) * preset.height
    return float(scale), target - middle * scale
