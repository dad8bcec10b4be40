"""Obstacles between the camera and a person: drawn for one image and traced in the window of the frame that shows the person."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..seeds import Draws
from ..world import World
from .cameras import Camera, Frame
from .props import LEAF_NIR, Builder
from .textures import Texture
from .tracing import arrange, trace

OBSTACLES = ("box", "railing", "pole", "plant", "sign")
NO_FLOOR = (-1.0, -1.0, -1.0)
BREADTH = 0.94  # metres: width of a box of the saved image's shape around a person


class Layer(NamedTuple):
    """Something before a frame, in a window of it."""

    color: np.ndarray  # (h, w, c) float32, linear light times cover
    cover: np.ndarray  # (h, w) float32, 0..1


def trace_obstacle(
    draws: Draws,
    camera: Camera,
    frame: Frame,
    ground: np.ndarray,
    kind: str,
    reach: float,
    side: int,
    world: World,
    window: tuple[int, int, int, int],
) -> Layer:
    """Draw and trace one obstacle on the floor between the camera and a person.

    Its height is chosen so that its top hides the person up to the thighs; a pole or a sign hides a strip.

    Parameters
    ----------
    draws : Draws
        Of this image.
    camera, frame : Camera, Frame
        Who looks; the whole frame.
    ground : (3,) float
        Between the person's feet, in the place's coordinates, metres.
    kind : str
        One of `OBSTACLES`.
    reach : float
        0..1, how far it reaches over the person; the world's ``occlusion_depth`` is a factor on it.
    side : int
        From where it reaches: −1 left, 1 right.
    world : World
        Its knobs.
    window : (top, left, height, width)
        What is traced, pixels of the frame.
    """
    back = (frame.position - ground) * [1.0, 0.0, 1.0]
    distance = float(np.linalg.norm(back))
    back /= distance
    turn = np.column_stack(
        [[back[2], 0.0, -back[0]], [0.0, 1.0, 0.0], back]
    )  # right, up, to the camera, about the person
    rng = draws("obstacle")
    z = float(min(rng.uniform(0.5, 1.5), 0.35 * distance))
    hides = rng.uniform(0.3, 0.75)  # metres of the person, from the floor
    tall = max(0.3, hides + (frame.position[1] - hides) * z / distance)
    builder = Builder(draws(f"obstacle {kind}"), world.place_hue, max(0.5, world.background_contrast))
    wide = _build(builder, kind, z, tall)
    aside = _aside(kind, wide, world.occlusion_depth * reach) * side * (distance - z) / distance
    top, left, height, width = window
    part = Frame(
        height,
        width,
        frame.focal,
        frame.row - top,
        frame.column - left,
        frame.rotation @ turn,
        (frame.position - ground) @ turn - [aside, 0.0, 0.0],
    )
    x, y, z = (float(value) for value in np.array(camera.light.toward) @ turn)
    light = camera.light._replace(toward=(x, y, z))
    scene = arrange(
        *builder.arrays(), NO_FLOOR, light, infrared=camera.infrared, shadows=camera.outdoor, pools=0.0
    )
    made = trace(scene, part)
    return Layer(np.ascontiguousarray(made[..., :-2]), np.ascontiguousarray(made[..., -2]))


def _aside(kind: str, wide: float, reach: float) -> float:
    """How far the obstacle's middle stands beside the person, metres where the person stands."""
    if kind == "sign":  # comes in from the side
        return BREADTH * (0.5 - min(0.7, 0.32 + 0.28 * reach)) + 0.5 * wide
    return 0.26 * BREADTH * max(0.0, 1.0 - reach)


def _build(builder: Builder, kind: str, z: float, tall: float) -> float:
    """Stand an obstacle of a kind at x = 0, its top at ``tall`` metres; return its width in metres."""
    rng = builder.rng
    wide = 0.0
    if kind == "box":
        wide = rng.uniform(0.5, 0.9)
        body = builder.material(builder.paint((0.25, 0.7), (0.03, 0.35)))
        edge = builder.material(builder.dull((0.2, 0.5)))
        builder.box((-wide / 2, wide / 2), (0, tall - 0.03), (z - 0.4, z), body)
        builder.box((-wide / 2 - 0.02, wide / 2 + 0.02), (tall - 0.03, tall), (z - 0.42, z + 0.02), edge)
    elif kind == "railing":
        wide = 5.0
        metal = builder.material(builder.dull((0.25, 0.75)))
        for share in (0.35, 0.68, 1.0):
            builder.box((-wide / 2, wide / 2), (share * tall - 0.04, share * tall), (z - 0.04, z), metal)
        for post in np.linspace(-wide / 2, wide / 2, 7) + rng.uniform(-0.2, 0.2):
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
    return wide
