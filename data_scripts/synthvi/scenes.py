"""The place behind the person: floor, wall, windows, doors and boxes, ray traced once per camera and standing spot."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from .cameras import OUTDOOR, Camera, axes, nominal_scale
from .materials import GAMMA, luminance
from .seeds import Purpose, generator
from .world import World


@dataclass(frozen=True)
class Place:
    """One place. Colours are display values 0..1; lengths metres; the wall stands behind the person at z = −wall."""

    floor: np.ndarray  # (2, 3) two colours of the tiles
    tile: tuple[float, float]  # size of a tile along x and z
    wall: float
    wall_height: float
    wall_colors: np.ndarray  # (2, 3) lower band and upper wall
    band: float  # height of the lower band
    panels: np.ndarray  # (k, 4) x0, x1, y0, y1 of windows, doors and posters
    panel_colors: np.ndarray  # (k, 3)
    boxes: np.ndarray  # (k, 6) lower and upper corner
    box_colors: np.ndarray  # (k, 3)
    sky: np.ndarray  # (3,)


def draw_place(number: int, seed: int, world: World) -> Place:
    """Draw a place; cameras in the same place get the same one."""
    rng = generator(seed, Purpose.PLACE, number)
    outdoor = number in OUTDOOR

    def color(value: tuple[float, float], most: float) -> np.ndarray:
        made = np.array(colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.02, most), rng.uniform(*value)))
        grey = np.full(3, 0.5)
        return grey + world.background_contrast * (made - grey)

    first = color((0.35, 0.7), 0.25)
    floor = np.stack([first, np.clip(first * rng.uniform(0.78, 0.97), 0, 1)])
    tile = (
        (rng.uniform(0.4, 1.2), rng.uniform(0.4, 1.2))
        if not outdoor
        else (rng.uniform(1.5, 4), rng.uniform(0.8, 3))
    )
    wall = rng.uniform(4.0, 9.0) if outdoor else rng.uniform(1.2, 3.5)
    panels, panel_colors = [], []
    x = -10.0
    while x < 10.0:
        wide = rng.uniform(0.8, 2.2)
        kind = rng.choice(3, p=[0.45, 0.3, 0.25])  # window, door, poster
        low, high = [(0.9, 2.2), (0.0, 2.1), (1.1, 1.9)][kind]
        panels.append([x, x + wide, low, high + (1.0 if outdoor else 0.0) * (kind == 0)])
        panel_colors.append(color([(0.75, 1.0), (0.2, 0.6), (0.3, 0.9)][kind], [0.15, 0.5, 0.7][kind]))
        x += wide + rng.uniform(0.5, 2.5)
    boxes, box_colors = [], []
    for _ in range(12):
        center, size = rng.uniform(-8, 8), rng.uniform(0.25, 0.9, 3) * [1.2, 1.2, 0.8]
        far = -rng.uniform(0.8 + size[2], wall) if wall > 1.0 + size[2] else -wall + size[2]
        boxes.append([center, 0.0, far, center + size[0], size[1], far + size[2]])
        box_colors.append(color((0.2, 0.85), 0.6))
    return Place(
        floor, tile, wall, rng.uniform(3.5, 7.0) if outdoor else 3.2, np.stack([color((0.3, 0.75), 0.3), color((0.5, 0.95), 0.25)]),
        rng.uniform(0.4, 1.3), np.array(panels), np.array(panel_colors), np.array(boxes), np.array(box_colors),
        np.array([0.75, 0.84, 0.95]),
    )  # fmt: skip


def render_spots(
    camera: Camera, place: Place, world: World, size: tuple[int, int], margin: int, seed: int
) -> np.ndarray:
    """Background pictures of one camera, one per spot where people stand.

    Parameters
    ----------
    camera, place, world : Camera, Place, World
        What is seen, from where.
    size : (height, width)
        Of a person's image in pixels.
    margin : int
        Pixels added on every side, to shift the crop in.
    seed : int
        The world's seed.

    Returns
    -------
    (spots, height + 2 margin, width + 2 margin, 3) float32
        Linear light; three equal channels for an infrared camera.
    """
    rng = generator(seed, Purpose.SPOT, camera.number)
    pictures = [_trace(camera, place, rng.uniform(-6, 6), size, margin) for _ in range(world.spots)]
    pictures = np.stack(pictures)
    shape = pictures.shape[:3]
    grain = rng.normal(0.0, 0.03, shape)
    if camera.infrared:
        bright = world.nir_background * luminance(np.clip(pictures, 0, 1))
        bright = np.clip(bright + 0.5 * grain, 0.02, 1.0) ** GAMMA
        return np.repeat(bright[..., None], 3, axis=-1).astype(np.float32)
    light = (camera.sky + 0.6 * camera.sun) * np.clip(pictures, 0, 1) ** GAMMA
    return (light * (1.0 + grain[..., None])).clip(0, 1.5).astype(np.float32)


def _trace(camera: Camera, place: Place, spot: float, size: tuple[int, int], margin: int) -> np.ndarray:
    """Display colours (h, w, 3) seen by the camera when it and the person stand at x = ``spot``."""
    height, width = size[0] + 2 * margin, size[1] + 2 * margin
    scale, axis_row = nominal_scale(camera, size[0])
    rows, columns = np.meshgrid(
        np.arange(height) + 0.5 - margin, np.arange(width) + 0.5 - margin, indexing="ij"
    )
    slopes = np.stack([(columns - size[1] / 2) / scale, (axis_row - rows) / scale, -np.ones_like(rows)], -1)
    rotation, origin = axes(camera)
    rays = slopes @ rotation
    origin = origin + [spot, 0.0, 0.0]
    rays = np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    color = np.broadcast_to(place.sky, rays.shape).copy()
    nearest = np.full(rows.shape, 1e9)
    _hit_wall(place, origin, rays, color, nearest)
    _hit_floor(place, origin, rays, color, nearest)
    _hit_boxes(place, origin, rays, color, nearest)
    return color


def _hit_wall(
    place: Place, origin: np.ndarray, rays: np.ndarray, color: np.ndarray, nearest: np.ndarray
) -> None:
    """Draw the wall with its band, panels and a darker foot."""
    t = (-place.wall - origin[2]) / rays[..., 2]
    x, y = origin[0] + t * rays[..., 0], origin[1] + t * rays[..., 1]
    hit = (t > 0) & (y >= 0) & (y < place.wall_height)
    paint = np.where((y < place.band)[..., None], place.wall_colors[0], place.wall_colors[1])
    for (x0, x1, y0, y1), panel in zip(place.panels, place.panel_colors, strict=True):
        inside = (x > x0) & (x < x1) & (y > y0) & (y < y1)
        frame = inside & ((np.minimum(x - x0, x1 - x) < 0.06) | (np.minimum(y - y0, y1 - y) < 0.06))
        frame |= inside & (np.abs(x - (x0 + x1) / 2) < 0.03)
        paint = np.where(inside[..., None], panel, paint)
        paint = np.where(frame[..., None], panel * 0.55, paint)
    shade = 0.86 + 0.14 * np.clip(y / 0.5, 0, 1) + 0.04 * np.sin(0.9 * x)
    color[hit] = (paint * shade[..., None])[hit]
    nearest[hit] = t[hit]


def _hit_floor(
    place: Place, origin: np.ndarray, rays: np.ndarray, color: np.ndarray, nearest: np.ndarray
) -> None:
    """Draw tiles, darker towards the wall."""
    t = -origin[1] / rays[..., 1]
    x, z = origin[0] + t * rays[..., 0], origin[2] + t * rays[..., 2]
    hit = (t > 0) & (t < nearest) & (z > -place.wall)
    odd = (np.floor(x / place.tile[0]) + np.floor(z / place.tile[1])) % 2
    shade = 0.8 + 0.2 * np.clip((z + place.wall) / 1.5, 0, 1)
    color[hit] = (np.where(odd[..., None] > 0, place.floor[0], place.floor[1]) * shade[..., None])[hit]
    nearest[hit] = t[hit]


def _hit_boxes(
    place: Place, origin: np.ndarray, rays: np.ndarray, color: np.ndarray, nearest: np.ndarray
) -> None:
    """Draw axis-aligned boxes with lighter tops and darker sides (slab method)."""
    for corners, paint in zip(place.boxes, place.box_colors, strict=True):
        low, high = (corners[:3] - origin) / rays, (corners[3:] - origin) / rays
        entry, leave = np.minimum(low, high), np.maximum(low, high)
        t, side = entry.max(-1), entry.argmax(-1)
        hit = (t > 0) & (t < leave.min(-1)) & (t < nearest)
        shade = np.array([0.7, 1.1, 0.9])[side]
        color[hit] = np.clip(paint * shade[..., None], 0, 1)[hit]
        nearest[hit] = t[hit]
