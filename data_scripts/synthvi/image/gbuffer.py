"""The dressed mesh takes its pose before the camera and is rastered: buffers, ready for either spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..captures import Capture
from ..compiled import compiled
from ..person import pose as poses
from ..person.body import Body, posed_joints, skin, vertex_normals
from ..person.outfit import Outfit
from ..place.cameras import Camera, axes, nominal_scale
from ..world import Preset
from .raster import ambient_occlusion, rasterize

NEVER_TURNING = np.eye(3, dtype=np.float32)[None]


@dataclass(frozen=True)
class Buffers:
    """One raster pass, cropped to the box around the person: h × w pixels of the image from ``corner`` on."""

    surface: np.ndarray  # (ss h, ss w) uint8, ss = supersampling
    rest: np.ndarray  # (ss h, ss w, 4) float32: rest position, metres from the cloth's edge
    normal: np.ndarray  # (ss h, ss w, 3) float32
    ambient_occlusion: np.ndarray  # (ss h / 2, ss w / 2) float32: 0 = open, 1 = deep in a crevice
    seen: np.ndarray  # (n, 3) float32 drawn vertices in the camera's frame, metres
    ground: np.ndarray  # (3,) the point between the feet in that frame
    scale: float  # pixels per unit slope
    offset: np.ndarray  # (2,) column and row of the optical axis in pixels
    corner: tuple[int, int] = (0, 0)  # row and column of the box in the image, pixels
    area: np.ndarray | None = None  # (n,) float32, see `Outfit.area`; None: all vertices count alike
    soles: tuple[np.ndarray, ...] = ()  # indices of the vertices of each sole


def draw_buffers(body: Body, outfit: Outfit, camera: Camera, capture: Capture, preset: Preset) -> Buffers:
    """Pose a dressed person, put it before the camera and raster it."""
    points = pose_mesh(body, outfit, capture)
    rotation, origin = axes(camera)
    turn = (rotation @ poses.about_y(np.deg2rad(capture.heading))).astype(np.float32)
    ground = -(rotation @ origin).astype(np.float32)  # the point between the feet, in the camera's frame
    seen = points @ turn.T
    slopes, near, low, high = _slopes(seen, ground, outfit.lift)
    scale, offset = _frame(low, high, camera, capture, preset)
    (top, bottom), (left, right) = _box(low, high, scale, offset, preset)
    screen = _to_samples(slopes, scale, offset, preset.supersampling, left, top)
    surface, rest, normal, depth = rasterize(
        screen,
        near,
        outfit.cut,
        outfit.carried,
        vertex_normals(seen, outfit.faces),
        outfit.faces,
        outfit.surfaces,
        bottom - top,
        right - left,
    )
    metre = scale * preset.supersampling  # samples per metre at unit depth
    crevices = ambient_occlusion(depth, float(0.07 * metre / -ground[2]), 1.0 / metre)
    corner = (top // preset.supersampling, left // preset.supersampling)
    return Buffers(
        surface, rest, normal, crevices, seen, ground, scale, offset, corner, outfit.area, outfit.soles
    )


@compiled
def _slopes(seen, ground, lift):
    """Move vertices to where the ``ground`` (3,) is, in place, and project them.

    Columns and rows per unit of depth (n, 2), nearness (n,), and least and largest slopes (2,).
    """
    slopes, near = np.empty((len(seen), 2), np.float32), np.empty(len(seen), np.float32)
    low, high = np.full(2, np.inf, np.float32), np.full(2, -np.inf, np.float32)
    for i in range(len(seen)):
        for k in range(3):
            seen[i, k] += ground[k]
        depth = -seen[i, 2]
        slopes[i, 0], slopes[i, 1] = seen[i, 0] / depth, -seen[i, 1] / depth
        near[i] = np.float32(1.0) / (depth - lift[i])
        for k in range(2):
            low[k], high[k] = min(low[k], slopes[i, k]), max(high[k], slopes[i, k])
    return slopes, near, low, high


@compiled
def _to_samples(slopes, scale, offset, supersampling, left, top):
    """Columns and rows (n, 2) float32 in samples, counted from the sample at ``left`` and ``top``."""
    screen, corner = np.empty_like(slopes), (np.float32(left), np.float32(top))
    for i in range(len(slopes)):
        for k in range(2):
            place = slopes[i, k] * np.float32(scale) + offset[k]
            screen[i, k] = np.float32(place * supersampling) - corner[k]  # exact: no coordinate grows
    return screen


def _box(
    low: np.ndarray, high: np.ndarray, scale: float, offset: np.ndarray, preset: Preset
) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last + 1 row, and column, of the samples around all slopes: pairs of pixels, as far as the image goes."""
    step = 2 * preset.supersampling
    corners = _to_samples(np.stack([low, high]), scale, offset, preset.supersampling, 0, 0)
    ends = []
    for axis, pixels in ((1, preset.height), (0, preset.width)):
        last = pixels * preset.supersampling - 1
        first, end = (int(min(max(place, 0.0), last)) for place in corners[:, axis].tolist())
        ends.append((first // step * step, min(last + 1, (end // step + 1) * step)))
    return ends[0], ends[1]


def pose_mesh(body: Body, outfit: Outfit, capture: Capture) -> np.ndarray:
    """Vertices (n, 3) float32 in metres after skinning: lowest point on the floor, pelvis above the origin."""
    rotations = poses.stride(outfit.limbs, capture.pose)
    placed = posed_joints(outfit.joints, body.bone_parents, rotations)
    hand = body.bone("middle_01_l")  # a bag hangs from it and never turns: one more bone
    points = skin(
        outfit.vertices,
        outfit.weight_bones,
        outfit.weights,
        np.concatenate([outfit.joints, outfit.joints[hand : hand + 1]]),
        np.concatenate([placed, placed[hand : hand + 1]]),
        np.concatenate([rotations, NEVER_TURNING]),
    )
    _stand(points, placed[body.bone("pelvis")])
    return points


@compiled
def _stand(points, pelvis):
    """Move vertices, in place: the lowest to the floor, the pelvis above the origin."""
    low = points[0, 1]
    for i in range(len(points)):
        low = min(low, points[i, 1])
    for i in range(len(points)):
        points[i, 0] -= pelvis[0]
        points[i, 1] -= low
        points[i, 2] -= pelvis[2]


def _frame(
    low: np.ndarray, high: np.ndarray, camera: Camera, capture: Capture, preset: Preset
) -> tuple[float, np.ndarray]:
    """Scale and offset (columns, rows) from slopes to pixels: the box that a person detector would cut out.

    ``low`` and ``high`` (2,) are the person's least and largest slopes.

    A person's box grows with the person, but not fully: taller people fill a little more of their image.
    """
    nominal = nominal_scale(camera, preset.height)[0]
    tall = (high[1] - low[1]) * nominal / preset.height
    scale = nominal * capture.scale * (0.90 / tall) ** 0.75
    middle = 0.5 * (low + high) * [0.6, 1.0]  # sideways: between the pelvis and the middle of the box
    target = np.array([preset.width / 2, preset.height / 2]) + np.array(capture.shift[::-1]) * preset.height
    return float(scale), target - middle * scale
