"""The dressed mesh takes its pose in the camera's frame and is rasterised at native size: buffers, ready for either spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..captures import Stand
from ..compiled import compiled
from ..person import pose as poses
from ..person.body import Body, posed_joints, skin, vertex_normals
from ..person.outfit import Outfit
from ..place.cameras import Camera, Frame, camera_point, turned
from .raster import ambient_occlusion, rasterize

NEVER_TURNING = np.eye(3, dtype=np.float32)[None]
CREVICE = 0.07  # metres: ambient occlusion looks as far


@dataclass(frozen=True)
class Buffers:
    """One raster pass, cropped to the box around the person: h × w pixels of the frame from ``corner`` on, ss² samples a pixel."""

    surface: np.ndarray  # (ss h, ss w) uint8
    rest: np.ndarray  # (ss h, ss w, 4) float32: rest position, metres from the cloth's edge
    normal: np.ndarray  # (ss h, ss w, 3) float32, in the camera's coordinates
    nearness: np.ndarray  # (ss h, ss w) float32: 1 / depth, 1/metres; 0 = nothing
    ambient_occlusion: np.ndarray  # (ss h / 2, ss w / 2) float32: 0 = open, 1 = deep in a crevice
    corner: tuple[int, int]  # row and column of the box in the frame, pixels
    seen: np.ndarray  # (n, 3) float32 drawn vertices in the camera's coordinates, metres
    ground: np.ndarray  # (3,) float32 the point between the feet there
    turn: np.ndarray  # (3, 3) float32 from the person's axes (left, up, forward) to the camera's
    bends: np.ndarray  # (4,) float32 radians: left and right elbow, left and right knee
    samples: int  # ss

    @property
    def window(self) -> tuple[int, int, int, int]:
        """Top, left, height and width of the box in the frame, pixels."""
        return (*self.corner, self.surface.shape[0] // self.samples, self.surface.shape[1] // self.samples)


def draw_buffers(
    body: Body, outfit: Outfit, camera: Camera, frame: Frame, stand: Stand, samples: int
) -> Buffers:
    """Pose a dressed person, put it into the camera's frame and rasterise it, ``samples``² a pixel."""
    points, bends = pose_mesh(body, outfit, stand.pose)
    feet = camera_point(camera, stand.distance, stand.aside)
    toward = frame.position - feet
    yaw = np.arctan2(toward[0], toward[2]) + np.deg2rad(stand.heading)
    turn = (frame.rotation @ turned(yaw)).astype(np.float32)
    ground = frame.seen(feet).astype(np.float32)
    seen = points @ turn.T
    slopes, near, low, high = _slopes(seen, ground, outfit.lift)
    offset = np.array([frame.column, frame.row])
    (top, bottom), (left, right) = _box(low, high, frame, samples)
    screen = _to_samples(slopes, frame.focal, offset, samples, left, top)
    surface, rest, normal, nearness = rasterize(
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
    metre = frame.focal * samples  # samples per metre at unit depth
    if camera.infrared:  # what the lens sees its lamp lights
        crevices = np.zeros(tuple(-(-extent // 2) for extent in surface.shape), np.float32)
    else:
        crevices = ambient_occlusion(nearness, float(CREVICE * metre / -ground[2]), 1.0 / metre)
    corner = (top // samples, left // samples)
    return Buffers(surface, rest, normal, nearness, crevices, corner, seen, ground, turn, bends, samples)


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
    low: np.ndarray, high: np.ndarray, frame: Frame, samples: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last + 1 row, and column, of the samples around all slopes: pairs of pixels, as far as the frame goes."""
    step, offset = 2 * samples, np.array([frame.column, frame.row])
    corners = _to_samples(np.stack([low, high]), frame.focal, offset, samples, 0, 0)
    ends = []
    for axis, pixels in ((1, frame.height), (0, frame.width)):
        last = pixels * samples - 1
        first, end = (int(min(max(place, 0.0), last)) for place in corners[:, axis].tolist())
        ends.append((first // step * step, min(last + 1, (end // step + 1) * step)))
    return ends[0], ends[1]


def pose_mesh(body: Body, outfit: Outfit, pose: poses.Pose) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n, 3) float32 in metres after skinning, lowest point on the floor, pelvis above the origin; bends (4,) float32."""
    rotations = poses.stride(outfit.limbs, pose)
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
    return points, poses.limb_bends(rotations, body)


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
