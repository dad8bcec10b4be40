"""A window of a camera's frame in linear light: the place, shadows, and people and things as layers, from the far to the near."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .captures import Capture, Stand
from .display import GAMMA
from .image.gbuffer import Buffers
from .image.layers import Window, in_window, lay_over
from .image.sensor import smear
from .image.shading import shade
from .image.shadow import cast_on_floor, ground_shadow, lamp_shadow
from .light import Light
from .person.collars import tailored
from .person.folds import relief
from .person.outfit import Outfit
from .person.wardrobe import Person, Style
from .place.cameras import Camera, Frame
from .place.obstacles import Layer


class Figure(NamedTuple):
    """A dressed person in a camera's frame."""

    person: Person
    outfit: Outfit
    stand: Stand
    buffers: Buffers
    light: Light  # what falls on them: a house may keep the sun away


class Scene(NamedTuple):
    """What a window shows."""

    light: np.ndarray  # (h, w, c) float32 linear
    shown: np.ndarray  # (h, w) float32 share of each pixel that shows the person
    hidden: float  # share of the person, as far as it lies in the window, behind others


def compose(
    picture: np.ndarray,
    window: Window,
    camera: Camera,
    frame: Frame,
    figures: list[Figure],
    capture: Capture,
    obstacle: Layer | None,
) -> Scene:
    """Put people and an obstacle into a window of an empty frame.

    Parameters
    ----------
    picture : (H, W, c + 2) float32
        The frame, from `scenes.trace_frame`.
    window : (top, left, height, width)
        Part of it, pixels.
    camera, frame : Camera, Frame
        Who sees it.
    figures : list of Figure
        The person first, then others.
    capture : Capture
        Of the person: how far they move during the exposure, the folds of their clothes.
    obstacle : Layer, optional
        Of the window's size; before everybody.
    """
    own, channels = figures[0], picture.shape[2] - 2
    figures = sorted(figures, key=lambda figure: -figure.stand.distance)
    layers = [
        in_window(paint(each, camera, frame, capture.fold), each.buffers.corner, window) for each in figures
    ]
    index = next(k for k, each in enumerate(figures) if each is own)
    layers[index] = _moving(layers[index], capture, frame, -float(own.buffers.ground[2]))
    top, left, height, width = window
    ground = np.asarray(picture[top : top + height, left : left + width])
    factor = np.ones((height, width), np.float32)
    for each, layer in zip(figures, layers, strict=True):
        if camera.infrared:
            depth = -float(each.buffers.ground[2])
            shadow = lamp_shadow(layer.cover, ground[..., -1], depth, camera, frame)
        else:
            lit = dataclasses.replace(camera, light=each.light)
            shadow = ground_shadow(each.buffers, each.outfit, frame, lit, window)
        np.minimum(factor, shadow, out=factor)  # where shadows meet, the light is taken once
    light = ground[..., :channels] * factor[..., None] if camera.infrared else cast_on_floor(ground, factor)
    for layer in layers[: index + 1]:
        lay_over(light, *layer)
    shown = layers[index].cover
    for layer in [*layers[index + 1 :], *([obstacle] if obstacle else [])]:
        lay_over(light, *layer)
        shown = shown * (1.0 - layer.cover)
    return Scene(light, shown, 1.0 - float(shown.sum()) / max(float(layers[index].cover.sum()), 1e-6))


def paint(figure: Figure, camera: Camera, frame: Frame, fold: float = 0.0) -> Layer:
    """Light of somebody in a camera's spectrum, of the size of their buffers; ``fold`` shifts the folds of the clothes."""
    buffers, person, light = figure.buffers, figure.person, figure.light
    _, _, height, width = buffers.window
    style = _sewn(person.style)._replace(fold_phase=float(person.style.fold_phase + fold))
    table = person.infrared[:, None] if camera.infrared else person.visible**GAMMA
    color = np.zeros((height, width, table.shape[1]), np.float32)
    cover = np.zeros((height, width), np.float32)
    # of the first sample's centre, pixels
    row, column = (corner + 0.5 / buffers.samples for corner in buffers.corner)
    slopes = (column - frame.column, frame.row - row, 1.0 / buffers.samples)
    toward, up = frame.rotation @ light.toward, frame.rotation[:, 1]
    shade(
        buffers.surface,
        buffers.rest,
        buffers.normal,
        buffers.ambient_occlusion,
        buffers.nearness,
        table.astype(np.float32),
        style,
        (np.array(slopes) / frame.focal).astype(np.float32),
        np.array([*toward, *up, light.sun, light.sky, light.lamp], np.float32),
        buffers.turn,
        buffers.bends,
        buffers.samples,
        relief(),
        color,
        cover,
    )
    return Layer(color, cover)


@lru_cache(maxsize=64)
def _sewn(style: Style) -> Style:
    """The style as it is worn, all fields float."""
    return Style(*(float(value) for value in tailored(style)))


def _moving(layer: Layer, capture: Capture, frame: Frame, depth: float) -> Layer:
    """Blur a person who moves during the exposure; the place stays sharp."""
    length, angle = capture.motion * frame.focal / depth, np.deg2rad(capture.heading)
    if length <= 0.0:
        return layer
    return Layer(*smear(layer.color, layer.cover, length * abs(np.sin(angle)), 0.25 * length))
