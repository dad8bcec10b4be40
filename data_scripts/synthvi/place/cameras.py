"""A network of cameras like SYSU-MM01's: where they hang, which way people walk, and what each does to a picture.

Numbering: a camera whose number divides by three is infrared, all others are visible. Four visible and two infrared
cameras are thus 1, 2, 4, 5 and 3, 6, as in SYSU-MM01; more cameras go on as 7, 8, 10, 11, … and 9, 12, …. A camera keeps
its number, place and flaws when others are added.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..seeds import Purpose, generator
from ..world import World, camera_numbers, is_infrared

# Camera 3 (infrared) stands where camera 2 (visible) stands. Test protocols therefore take images of camera 2 out of the
# lists of queries from camera 3: the same pair stands in `RULES` in dmic/evaluation/ranking.py, and a test compares the two.
SAME_PLACE = {3: 2}


@dataclass(frozen=True)
class Camera:
    """One camera."""

    number: int
    infrared: bool
    outdoor: bool
    place: int  # cameras with the same number see the same place
    height: float  # metres above the floor
    distance: float  # metres from the person
    turn: float  # radians, how far it looks askew at the wall
    headings: tuple[float, ...]  # degrees; 0 walks towards the camera, 90 to the picture's right
    white_balance: tuple[float, float, float]  # gains of red, green, blue
    exposure: float
    contrast: float
    saturation: float
    haze: float  # light added everywhere
    blur: float  # 0..0.3, share of a pixel's light that goes to each neighbour
    noise: float  # standard deviation, display units 0..1
    quality: float  # JPEG quality 1..100
    light: tuple[float, float, float]  # unit direction towards sun or lamp, camera's frame
    sun: float
    sky: float


def is_outdoor(number: int, world: World) -> bool:
    """Whether camera or place ``number`` is outdoors: the last ``outdoor_share`` of every six, so 4, 5, 6 by default."""
    return (number - 1) % 6 >= 6 - round(6 * world.outdoor_share)


def draw_cameras(seed: int, world: World) -> dict[int, Camera]:
    """All cameras of a world by number; each depends on the seed, its number and the knobs only."""
    return {number: _draw_camera(number, seed, world) for number in camera_numbers(world)}


def _draw_camera(number: int, seed: int, world: World) -> Camera:
    """Draw one camera."""
    rng = generator(seed, Purpose.CAMERA, number)
    place = SAME_PLACE.get(number, number)
    where = generator(seed, Purpose.VIEWPOINT, place)
    view, color = world.camera_gap * world.view_gap, world.camera_gap * world.color_gap
    bright, sharp = world.camera_gap * world.exposure_gap, world.camera_gap * world.sharpness_gap
    infrared, outdoor = is_infrared(number), is_outdoor(number, world)
    height = world.camera_height + view * (where.uniform(-0.85, 0.85) + rng.uniform(-0.1, 0.1))
    distance = world.camera_distance + view * (where.uniform(-1.5, 1.5) + rng.uniform(-0.2, 0.2))
    turn = view * (where.uniform(-0.6, 0.6) + rng.uniform(-0.1, 0.1))
    balance = 1.0 + color * rng.uniform(-0.21, 0.21) * np.array([1.0, 0.1, -1.0])
    balance = balance + color * rng.normal(0, 0.033, 3)
    light, sun = _draw_light(rng, infrared, outdoor)
    return Camera(
        number=number,
        infrared=infrared,
        outdoor=outdoor,
        place=place,
        height=float(np.clip(height, 1.2, 6.0)),
        distance=float(np.clip(distance, 2.5, 12.0)),
        turn=float(np.clip(turn, -0.9, 0.9)),
        headings=_draw_headings(rng, world),
        white_balance=tuple(float(gain) for gain in np.clip(balance, 0.5, 1.6)),
        exposure=float(np.exp(bright * rng.uniform(-0.36, 0.36))),
        contrast=float(1.0 + bright * rng.uniform(-0.23, 0.23)),
        saturation=float(np.clip(1.0 + color * rng.uniform(-0.45, 0.26), 0.2, 1.6)),
        haze=float(bright * rng.uniform(0.0, 0.045)),
        blur=float(np.clip(world.blur * (0.095 + sharp * rng.uniform(-0.065, 0.065)), 0.0, 0.3)),
        noise=world.infrared_sensor_noise if infrared else world.visible_sensor_noise,
        quality=float(np.clip(world.jpeg_quality * (1.0 + sharp * rng.uniform(-0.22, 0.22)), 5, 98)),
        light=light,
        sun=sun,
        sky=1.0 - 0.55 * sun,
    )


def _draw_light(
    rng: np.random.Generator, infrared: bool, outdoor: bool
) -> tuple[tuple[float, float, float], float]:
    """Direction towards the sun, the ceiling's lamps or the camera's own lamp, and the strength of direct light."""
    azimuth, elevation = rng.uniform(-1.2, 1.2), rng.uniform(0.5, 1.1)
    lamp = np.array([rng.uniform(-0.25, 0.25), rng.uniform(0.05, 0.3), 1.0])
    sun = rng.uniform(0.25, 0.75) if outdoor else rng.uniform(0.1, 0.4)
    flat = np.cos(elevation)
    light = np.array([np.sin(azimuth) * flat, np.sin(elevation), np.cos(azimuth) * flat])
    if infrared:
        light = lamp / np.linalg.norm(lamp)
    x, y, z = (float(value) for value in light)
    return (x, y, z), float(sun)


def _draw_headings(rng: np.random.Generator, world: World) -> tuple[float, ...]:
    """Walking directions of one camera: front, back and the two sides, all turned by the camera's own angle."""
    shift = rng.uniform(-world.heading_offset, world.heading_offset)
    order = rng.permutation(4)[: world.headings]
    return tuple(float(shift + 90.0 * k) for k in sorted(order))


def view(points: np.ndarray, camera: Camera) -> np.ndarray:
    """Turn world points (n, 3) (person at the origin, camera at +z, floor y = 0) to the camera's frame.

    Returns (n, 3): right, up, and towards the camera (so that depth = −third coordinate), metres.
    """
    rotation, origin = axes(camera)
    return (points - origin) @ rotation.T


@lru_cache(maxsize=64)
def axes(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) from the world to the camera's frame, and the camera's place (3,); not to be written to."""
    origin = np.array([0.0, camera.height, camera.distance])
    back = origin - np.array([0.0, 0.88, 0.0])
    back /= np.linalg.norm(back)
    right = np.array([1.0, 0.0, 0.0])
    up = np.cross(back, right)
    rotation = np.stack([right, up, back])
    rotation.flags.writeable = origin.flags.writeable = False
    return rotation, origin


@lru_cache(maxsize=64)
def nominal_scale(camera: Camera, height: int) -> tuple[float, float]:
    """Pixels per unit slope, and the row of the optical axis, so that a person of 1.7 m fills nine tenths of ``height``."""
    ends = view(np.array([[0.0, 1.7, 0.0], [0.0, 0.0, 0.0]]), camera)
    top, feet = ends[:, 1] / -ends[:, 2]
    scale = 0.90 * height / (top - feet)
    return scale, 0.955 * height + feet * scale
