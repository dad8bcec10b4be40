"""A network of cameras like SYSU-MM01's: where they hang, what they see of their place, and what each does to a picture.

Numbering: a camera whose number divides by three is infrared, all others are visible. Four visible and two infrared
cameras are thus 1, 2, 4, 5 and 3, 6, as in SYSU-MM01; more cameras go on as 7, 8, 10, 11, … and 9, 12, …. A camera keeps
its number, place and flaws when others are added.

Coordinates of a place: metres, y up, floor y = 0; people walk where z ≥ 0, the wall lies at negative z. Coordinates of a camera:
right, up, and backward, towards whoever looks through it; so depth is minus the third one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..light import Light
from ..seeds import Draws, Purpose, generator
from ..world import Preset, World, camera_numbers, is_infrared

# Camera 3 (infrared) stands where camera 2 (visible) stands. Test protocols therefore take images of camera 2 out of the
# lists of queries from camera 3: the same pair stands in `RULES` in dmic/evaluation/ranking.py, and a test compares the two.
SAME_PLACE = {3: 2}

FOCAL = 2.8  # mean focal length in heights of a saved image: somebody of 1.7 m fills 1.2 of them at 4 m, 0.3 at 15 m
ASIDE = 0.42  # people walk as far beside the optical axis, slope
BLOCK = 16  # pixels: frames are whole numbers of JPEG's blocks
TALLEST, WIDEST = 2.15, 0.65  # metres: what must fit into the frame where people walk


@dataclass(frozen=True)
class Camera:
    """One camera."""

    number: int
    infrared: bool
    outdoor: bool
    place: int  # cameras with the same number see the same place
    height: float  # metres above the floor
    turn: float  # radians, how far it looks askew at the wall
    focal: float  # focal length in heights of a saved image
    nearest: float  # metres along the floor from the camera to people who walk by
    farthest: float
    headings: tuple[
        float, ...
    ]  # degrees; 0 walks towards the camera, 90 to the picture's right; none: people walk anywhere
    white_balance: tuple[float, float, float]  # gains of red, green, blue
    exposure: float
    gain_limit: float  # largest automatic gain
    contrast: float
    saturation: float
    haze: float  # light added everywhere
    blur: float  # 0..0.3, share of a pixel's light that goes to each neighbour
    quality: float  # JPEG quality 1..100
    light: Light


class Frame(NamedTuple):
    """A pinhole camera: which direction each pixel of its picture sees. Slopes are lengths per unit of depth."""

    height: int  # pixels, a multiple of BLOCK
    width: int
    focal: float  # pixels per unit slope
    row: float  # of the optical axis, pixels from the upper edge
    column: float
    rotation: np.ndarray  # (3, 3) float64: right, up, backward in the place's coordinates
    position: np.ndarray  # (3,) float64 of the lens, in the place's coordinates

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the place in the camera's coordinates, metres."""
        return (points - self.position) @ self.rotation.T

    def pixels(self, seen: np.ndarray) -> np.ndarray:
        """Column and row (..., 2) of points (..., 3) in the camera's coordinates."""
        depth = -seen[..., 2]
        columns = self.column + self.focal * seen[..., 0] / depth
        return np.stack([columns, self.row - self.focal * seen[..., 1] / depth], axis=-1)


def is_outdoor(number: int, world: World) -> bool:
    """Whether camera or place ``number`` is outdoors: the last ``outdoor_share`` of every six, so 4, 5, 6 by default."""
    return (number - 1) % 6 >= 6 - round(6 * world.outdoor_share)


def draw_cameras(seed: int, world: World) -> dict[int, Camera]:
    """All cameras of a world by number; each depends on the seed, its number and the knobs only."""
    return {number: _draw_camera(number, seed, world) for number in camera_numbers(world)}


def _draw_camera(number: int, seed: int, world: World) -> Camera:
    """Draw one camera. ``rng`` and ``where`` are chains of old: nothing may be drawn between."""
    rng = generator(seed, Purpose.CAMERA, number)
    place = SAME_PLACE.get(number, number)
    where = generator(seed, Purpose.VIEWPOINT, place)
    new = Draws(seed, "camera", number)
    view, color = world.camera_gap * world.view_gap, world.camera_gap * world.color_gap
    bright, sharp = world.camera_gap * world.exposure_gap, world.camera_gap * world.sharpness_gap
    infrared, outdoor = is_infrared(number), is_outdoor(place, world)
    height = world.camera_height + view * (where.uniform(-0.85, 0.85) + rng.uniform(-0.1, 0.1))
    shift = view * (where.uniform(-1.5, 1.5) + rng.uniform(-0.2, 0.2)) / 10  # of the range of distances
    turn = view * (where.uniform(-0.6, 0.6) + rng.uniform(-0.1, 0.1))
    balance = 1.0 + color * rng.uniform(-0.21, 0.21) * np.array([1.0, 0.1, -1.0])
    balance = balance + color * rng.normal(0, 0.033, 3)
    beside = _skip_old_light(rng)
    return Camera(
        number=number,
        infrared=infrared,
        outdoor=outdoor,
        place=place,
        height=float(np.clip(height, 1.2, 6.0)),
        turn=float(np.clip(turn, -0.7, 0.7)),
        focal=float(FOCAL * np.exp(view * new("focal length").uniform(-0.15, 0.15))),
        nearest=max(1.5, world.nearest * (1.0 + shift)),
        farthest=max(1.6, world.farthest * (1.0 + shift)),
        headings=_draw_headings(rng, world),
        white_balance=tuple(float(gain) for gain in np.clip(balance, 0.4, 1.9)),
        exposure=float(np.exp(bright * rng.uniform(-0.36, 0.36))),
        contrast=float(1.0 + bright * rng.uniform(-0.23, 0.23)),
        saturation=float(np.clip(1.0 + color * rng.uniform(-0.45, 0.26), 0.2, 1.6)),
        haze=float(bright * rng.uniform(0.0, 0.045)),
        blur=float(np.clip(world.blur * (0.095 + sharp * rng.uniform(-0.065, 0.065)), 0.0, 0.3)),
        quality=float(np.clip(world.jpeg_quality * (1.0 + sharp * rng.uniform(-0.22, 0.22)), 5, 98)),
        gain_limit=float(3.0 * np.exp(bright * new("gain limit").uniform(-0.5, 0.5))),
        light=Light((0.0, 1.0, 0.0), 0.0, 0.0, 1.0, beside) if infrared else _draw_light(seed, place, world),
    )


def _skip_old_light(rng: np.random.Generator) -> tuple[float, float]:
    """Where the lamp stands beside the lens, metres; the chain's five draws of old, so that what follows stays as it is."""
    rng.uniform(size=2)
    beside = rng.uniform(-0.25, 0.25), rng.uniform(0.05, 0.3)
    rng.uniform()
    return float(beside[0]), float(beside[1])


def _draw_light(seed: int, place: int, world: World) -> Light:
    """Sun and sky of a place, alike for all its cameras: the sun from any side, indoors lamps from above."""
    draws, outdoor = Draws(seed, "light", place), is_outdoor(place, world)
    azimuth = draws("azimuth").uniform(0.0, 2.0 * np.pi)
    elevation = draws("elevation").uniform(0.35, 1.05) if outdoor else draws("elevation").uniform(0.9, 1.45)
    strength = draws("sun").uniform(0.3, 1.0) if outdoor else draws("sun").uniform(0.1, 0.4)
    sun = float(world.sunlight * strength)
    flat = np.cos(elevation)
    toward = (float(np.sin(azimuth) * flat), float(np.sin(elevation)), float(np.cos(azimuth) * flat))
    return Light(toward, sun, max(0.3, 1.0 - 0.55 * sun), 0.0, (0.0, 0.0))


def _draw_headings(rng: np.random.Generator, world: World) -> tuple[float, ...]:
    """Walking directions of one camera: front, back and the two sides, all turned by the camera's own angle."""
    shift = rng.uniform(-world.heading_offset, world.heading_offset)
    order = rng.permutation(4)[: world.headings]
    return tuple(float(shift + 90.0 * k) for k in sorted(order))


def turned(angle: float) -> np.ndarray:
    """Rotation (3, 3) float64 about the vertical, radians; positive turns the place's z towards x."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def frame_of(camera: Camera, preset: Preset) -> Frame:
    """The camera's frame: all places where people walk by, with the boxes around them."""
    middle = np.sqrt(camera.nearest * camera.farthest)
    yaw = turned(camera.turn)
    back = yaw @ np.array([0.0, camera.height - 0.9, middle])
    back /= np.linalg.norm(back)
    rotation = np.stack([yaw[:, 0], np.cross(back, yaw[:, 0]), back])
    position = np.array([middle * np.sin(camera.turn), camera.height, camera.farthest])
    focal = camera.focal * preset.height
    frame = Frame(0, 0, focal, 0.0, 0.0, rotation, position)
    corners = [
        camera_point(camera, distance, aside, up)
        for distance in (camera.nearest, camera.farthest)
        for aside in (-ASIDE, 0.0, ASIDE)
        for up in (0.0, TALLEST)
    ]
    seen = frame.seen(np.array(corners))
    columns, rows = frame.pixels(seen).T
    beside = WIDEST * focal / -seen[:, 2]  # room for a box around somebody there
    left, right = (columns - beside).min(), (columns + beside).max()
    top, bottom = (rows - 0.15 * beside).min(), (rows + 0.3 * beside).max()
    height, width = (int(np.ceil(extent / BLOCK)) * BLOCK for extent in (bottom - top, right - left))
    return frame._replace(height=height, width=width, row=float(-top), column=float(-left))


def camera_point(camera: Camera, distance: float, aside: float, up: float = 0.0) -> np.ndarray:
    """Point (3,) of the place, ``distance`` metres along the floor from below the camera, at the slope ``aside`` to the right of its axis."""
    sine, cosine = math.sin(camera.turn), math.cos(camera.turn)
    ahead = distance / math.hypot(aside, 1.0)
    x = math.sqrt(camera.nearest * camera.farthest) * sine + ahead * (aside * cosine - sine)
    return np.array([x, up, camera.farthest - ahead * (aside * sine + cosine)])
