"""Obstacles and people before and behind the person: cutouts, made once per camera and laid over images."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..captures import OBSTACLES, Capture, draw_capture, draw_walk
from ..compiled import compiled
from ..person.wardrobe import Style
from ..seeds import Draws, Purpose, generator
from ..world import Preset, World
from .cameras import Camera, axes, nominal_scale, view
from .props import LEAF_NIR, Builder
from .scenes import lamp_and_sun
from .textures import Texture
from .tracing import trace

WIDEST = {"box": 0.5, "railing": 0.9, "pole": 0.15, "plant": 0.55, "sign": 0.35}  # metres to either side
VARIANTS = 2  # obstacles of each kind per camera
CROWD = 6  # bystanders of a world


@dataclass(frozen=True)
class Cutout:
    """A picture with transparency, trimmed at its left and right."""

    color: np.ndarray  # (h, w, c) float32 linear light times alpha
    alpha: np.ndarray  # (h, w) float32


def trimmed(color: np.ndarray, alpha: np.ndarray) -> Cutout:
    """Cut off empty columns; a wholly empty picture keeps one."""
    columns = np.flatnonzero(alpha.max(0) > 0.02)
    low, high = (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 1)
    return Cutout(np.ascontiguousarray(color[:, low:high]), np.ascontiguousarray(alpha[:, low:high]))


def draw_obstacle(camera: Camera, kind: str, variant: int, seed: int, world: World, preset: Preset) -> Cutout:
    """Trace one obstacle of a kind between camera and person.

    Its height is chosen so that its top hides the person up to the thighs; a pole or a sign hides a strip.
    """
    rng = generator(seed, Purpose.OBSTACLE, camera.number, OBSTACLES.index(kind), variant)
    builder = Builder(rng, world.place_hue, max(0.5, world.background_contrast))
    z = float(rng.uniform(0.5, min(1.5, 0.35 * camera.distance)))
    hides = rng.uniform(0.3, 0.75)  # metres of the person, from the floor
    tall = camera.height - (camera.height - hides) * (camera.distance - z) / camera.distance
    _build(builder, rng, kind, z, float(max(0.3, tall)))
    solids, materials = builder.arrays()
    scale, axis_row = nominal_scale(camera, preset.height)
    rotation, origin = axes(camera)
    width = int(2 * scale * WIDEST[kind] / (camera.distance - z)) + 4
    made = trace(
        np.vstack([rotation, origin]),
        np.array([scale, axis_row, 0.5 * width]),
        solids,
        materials,
        np.full(3, -1.0),
        lamp_and_sun(camera, False, world, np.eye(3)),
        camera.infrared,
        2,
        preset.height,
        width,
    )
    channels = 1 if camera.infrared else 3
    return trimmed(made[..., :channels], made[..., 4])


def _build(builder: Builder, rng: np.random.Generator, kind: str, z: float, tall: float) -> None:
    """Stand an obstacle of a kind at x = 0, its top at ``tall`` metres."""
    if kind == "box":
        wide = rng.uniform(0.5, 0.9)
        body = builder.material(builder.paint((0.25, 0.7), (0.03, 0.35)))
        edge = builder.material(builder.dull((0.2, 0.5)))
        builder.box((-wide / 2, wide / 2), (0, tall - 0.03), (z - 0.4, z), body)
        builder.box((-wide / 2 - 0.02, wide / 2 + 0.02), (tall - 0.03, tall), (z - 0.42, z + 0.02), edge)
    elif kind == "railing":
        metal = builder.material(builder.dull((0.25, 0.75)))
        for share in (0.35, 0.68, 1.0):
            builder.box((-1, 1), (share * tall - 0.04, share * tall), (z - 0.04, z), metal)
        for post in (-0.75, 0.1, 0.95):
            builder.box((post - 0.025, post + 0.025), (0, tall), (z - 0.05, z), metal)
    elif kind == "pole":
        builder.pole(0.0, z, 4.0)
    elif kind == "plant":
        builder.plant(0.0, z)
        color = builder.leaf()
        leaves = builder.material(color, 0.35 * color, Texture.LEAVES, nir=LEAF_NIR)
        builder.bush((0.1, 0.8 * tall, z), (0.35, 0.3 * tall + 0.15, 0.3), leaves)
    else:
        builder.pole(0.0, z, tall + 0.5)
        wide = rng.uniform(0.35, 0.55)
        builder.poster((-wide / 2, wide / 2), (tall - 0.05, tall + 0.5), z + 0.08)


def bystander_capture(
    camera: Camera, number: int, before: bool, seed: int, world: World, style: Style
) -> tuple[Capture, float]:
    """Draw the `Capture` of bystander ``number`` in this camera, and their distance from the person (positive: nearer).

    The scale and the row of the feet are those of somebody who stands on the floor at that distance.
    """
    rng = generator(seed, Purpose.BYSTANDER, number, camera.number, int(before))
    draws = Draws(seed, "bystander before a camera", number, camera.number, int(before))
    walk = draw_walk(rng, draws, world, float(rng.uniform(0, 360)))
    capture = draw_capture(rng, draws, world, walk, style)
    nearer = float(rng.uniform(0.4, 0.9) if before else -rng.uniform(0.7, 2.2))
    size = camera.distance / (camera.distance - nearer)
    scale, axis_row = nominal_scale(camera, 1)
    spot = view(np.array([[0.0, 0.0, nearer]]), camera)[0]
    feet = axis_row + spot[1] / spot[2] * scale  # share of the image's height
    return (
        dataclasses.replace(capture, scale=size, shift=(feet - 0.45 * size - 0.5, 0.0)),
        nearer,
    )


def side_column(kind: str, capture: Capture, world: World, width: int, wide: int) -> int:
    """Left column of a cutout of ``wide`` pixels laid over an image of ``width``."""
    reach = world.occlusion_depth * capture.occluder_reach
    if kind in ("person", "sign"):  # comes in from a side
        inner = width * min(0.7, 0.32 + 0.28 * reach)
        return int(inner) - wide if capture.occluder_side < 0 else int(width - inner)
    middle = 0.5 * width + capture.occluder_side * width * 0.26 * max(0.0, 1.0 - reach)
    return int(middle - 0.5 * wide)


def uncovered(cover: np.ndarray, cut_alpha: np.ndarray, left: int) -> np.ndarray:
    """Return what a cutout, laid as by `lay_over`, leaves to see of a coverage: (h, w) float32, 0..1."""
    shown = cover[..., None].copy()  # as a picture, over which the cutout is laid in black
    lay_over(shown, cover.copy(), np.zeros((*cut_alpha.shape, 1), np.float32), cut_alpha, left)
    return shown[..., 0]


@compiled
def lay_over(color, cover, cut_color, cut_alpha, left):
    """Lay a cutout over a picture, in place.

    Parameters
    ----------
    color, cover : (h, w, c) float32, (h, w) float32
        Linear light times coverage, and coverage, of what is behind.
    cut_color, cut_alpha : (h, wide, c) float32, (h, wide) float32
        The cutout.
    left : int
        Column of the picture at which the cutout's first column lies; may be negative.

    Returns
    -------
    float
        0..1, share of ``cover`` that is now hidden.
    """
    hidden, total = 0.0, 1e-6
    height, width, channels = color.shape
    for row in range(height):
        for column in range(width):
            total += cover[row, column]
            from_column = column - left
            if from_column < 0 or from_column >= cut_alpha.shape[1]:
                continue
            alpha = cut_alpha[row, from_column]
            if alpha <= 0.0:
                continue
            hidden += alpha * cover[row, column]
            for k in range(channels):
                color[row, column, k] = (1.0 - alpha) * color[row, column, k] + cut_color[row, from_column, k]
            cover[row, column] = (1.0 - alpha) * cover[row, column] + alpha
    return hidden / total
