"""Six cameras like SYSU-MM01's: where they hang, which way people walk, and what each does to a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .seeds import Purpose, generator
from .world import CAMERAS, INFRARED_CAMERAS, World

SAME_PLACE = {3: 2}  # camera 3 (infrared) stands where camera 2 (visible) stands
OUTDOOR = (4, 5, 6)


@dataclass(frozen=True)
class Camera:
    """One camera."""

    number: int  # 1..6
    infrared: bool
    place: int  # cameras with the same number see the same place
    height: float  # metres above the floor
    distance: float  # metres from the person
    headings: tuple[float, ...]  # degrees; 0 walks towards the camera, 90 to the picture's right
    white_balance: tuple[float, float, float]  # gains of red, green, blue
    exposure: float
    contrast: float
    saturation: float
    haze: float  # light added everywhere
    blur: float  # 0..0.3, share of a pixel's light that goes to each neighbour
    noise: float  # standard deviation, display units 0..1
    light: tuple[float, float, float]  # unit direction towards sun or lamp
    sun: float
    sky: float


def draw_cameras(seed: int, world: World) -> dict[int, Camera]:
    """The six cameras of a world; each depends on the seed and its own number only."""
    return {number: _draw_camera(number, seed, world) for number in CAMERAS}


def _draw_camera(number: int, seed: int, world: World) -> Camera:
    """Draw one camera."""
    rng = generator(seed, Purpose.CAMERA, number)
    place = SAME_PLACE.get(number, number)
    where = generator(seed, Purpose.VIEWPOINT, place)
    gap = world.camera_gap
    infrared = number in INFRARED_CAMERAS
    height, distance = where.uniform(1.5, 3.2), where.uniform(3.5, 6.5)
    balance = (
        1.0 + gap * rng.uniform(-0.16, 0.16) * np.array([1.0, 0.1, -1.0]) + gap * rng.normal(0, 0.025, 3)
    )
    azimuth, elevation = rng.uniform(-1.2, 1.2), rng.uniform(0.5, 1.1)
    light = np.array(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
    )
    if infrared:
        light = np.array([rng.uniform(-0.25, 0.25), rng.uniform(0.05, 0.3), 1.0])
        light /= np.linalg.norm(light)
    sun = rng.uniform(0.25, 0.75) if number in OUTDOOR else rng.uniform(0.1, 0.4)
    return Camera(
        number=number,
        infrared=infrared,
        place=place,
        height=height + rng.uniform(-0.1, 0.1),
        distance=distance + rng.uniform(-0.2, 0.2),
        headings=_draw_headings(rng, world),
        white_balance=tuple(np.clip(balance, 0.5, 1.6)),
        exposure=float(np.exp(gap * rng.uniform(-0.28, 0.28))),
        contrast=float(1.0 + gap * rng.uniform(-0.18, 0.18)),
        saturation=float(np.clip(1.0 + gap * rng.uniform(-0.35, 0.2), 0.2, 1.6)),
        haze=float(gap * rng.uniform(0.0, 0.035)),
        blur=float(min(0.3, world.blur * rng.uniform(0.03, 0.16))),
        noise=world.nir_sensor_noise if infrared else world.sensor_noise,
        light=tuple(light),
        sun=sun,
        sky=1.0 - 0.55 * sun,
    )


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


def axes(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) from the world to the camera's frame, and the camera's place (3,)."""
    origin = np.array([0.0, camera.height, camera.distance])
    back = origin - np.array([0.0, 0.88, 0.0])
    back /= np.linalg.norm(back)
    right = np.array([1.0, 0.0, 0.0])
    up = np.cross(back, right)
    return np.stack([right, up, back]), origin


def nominal_scale(camera: Camera, height: int) -> tuple[float, float]:
    """Pixels per unit slope, and the row of the optical axis, so that a person of 1.7 m fills nine tenths of ``height``."""
    ends = view(np.array([[0.0, 1.7, 0.0], [0.0, 0.0, 0.0]]), camera)
    top, feet = ends[:, 1] / -ends[:, 2]
    scale = 0.90 * height / (top - feet)
    return scale, 0.955 * height + feet * scale
