"""Shadows of a person: the sun's on the floor, the lamp's beside an infrared camera's lens on everything behind them.

Triangles are flattened along the light onto the floor and rasterised at half the picture's resolution. Their edge is as soft as the
parts that cast them are high, as in Fernando's percentage-closer soft shadows (SIGGRAPH sketches 2005).
"""

from __future__ import annotations

import numpy as np

from ..compiled import compiled
from ..light import sky_light
from ..person.drape import directions
from ..person.outfit import Outfit
from ..place.cameras import Camera, Frame
from .blur import blurred, half_width
from .flattening import flattened
from .gbuffer import Buffers
from .soles import darken_under

CELL = 2  # pixels: the mask's resolution
MARGIN = 12  # cells around the window: what lies there is blurred into it
LOWEST_SUN = 0.2  # sine of its elevation: shadows are at most five times as long as people are tall
HEIGHTS = (0.0, 0.5, 1.6)  # metres: between these, edges are interpolated
SPREAD = (0.15, 0.03)  # how fast edges widen, metres per metre: lamps at a ceiling; the sun
SHARPEST = 0.6  # cells, standard deviation of the sharpest edge
CONTACT = 0.30  # metres: what is lower takes light of the sky from the floor right below
AROUND = 0.08  # metres, standard deviation of that dark spot's edge
DARKEST_CONTACT, DARKEST_LAMP = 0.65, 0.85  # share of the sky's light, of the lamp's, at most


def ground_shadow(
    buffers: Buffers, outfit: Outfit, frame: Frame, camera: Camera, window: tuple[int, int, int, int]
) -> np.ndarray:
    """Shadow of a person on the floor, for a visible camera.

    The body keeps the sun's light off the floor, whatever is near the floor a part of the sky's, and soles all.

    Parameters
    ----------
    buffers : Buffers
        Vertices and floor in the camera's coordinates.
    outfit : Outfit
        Triangles and soles.
    frame, camera : Frame, Camera
        Projection and light.
    window : (top, left, height, width)
        Of the frame, pixels.

    Returns
    -------
    (height, width) float32
        Factor on the floor's light, 1 = no shadow.
    """
    top, left, height, width = window
    light, up, ground = camera.light, frame.rotation[:, 1], buffers.ground.astype(np.float64)
    toward = frame.rotation @ light.toward
    steep = float(up @ toward)
    along = up + (toward - steep * up) / max(steep, LOWEST_SUN)  # metres per metre of height
    direct = light.sun * max(steep, 0.0)
    share = direct / (direct + sky_light(light.sky, 1.0))
    size = (-(-height // CELL) + 2 * MARGIN, -(-width // CELL) + 2 * MARGIN)
    view = (
        frame.focal / CELL,
        (frame.column - left) / CELL + MARGIN,
        (frame.row - top) / CELL + MARGIN,
    )
    mesh = (buffers.seen, outfit.faces, outfit.cut, ground, tuple(up))
    metre = frame.focal / -float(ground[2])  # pixels
    tilt = float(-(up @ ground) / np.linalg.norm(ground))  # how much the floor is foreshortened
    foreshortened = np.array([1.0, tilt])
    widening = SPREAD[camera.outdoor] / max(steep, LOWEST_SUN) * metre / CELL * foreshortened
    edges = np.hypot(SHARPEST, np.outer(HEIGHTS, widening))
    factor = _darkened(
        _soft(flattened(*mesh, tuple(along), view, np.inf, size), edges),
        _near(flattened(*mesh, tuple(up), view, CONTACT, size), AROUND * metre / CELL * foreshortened),
        share,
        DARKEST_CONTACT * (1.0 - share),
        height,
        width,
    )
    lens = (frame.focal, frame.column - left, frame.row - top)
    for sole in outfit.soles:
        darken_under(factor, buffers.seen, sole, ground, up, directions(16), lens, tilt)
    return factor


def lamp_shadow(
    cover: np.ndarray, nearness: np.ndarray, depth: float, camera: Camera, frame: Frame
) -> np.ndarray:
    """Shadow of a person on all that is behind them, for an infrared camera, whose lamp is beside its lens.

    The lamp sees a point of the place past the person where the lens sees the person beside that point: the farther behind, the more.

    Parameters
    ----------
    cover, nearness : (h, w) float32
        In a window of the frame: share of each pixel that is the person; one over the depth of the place, 1/m, 0 = sky.
    depth : float
        Of the person, metres along the optical axis.
    camera, frame : Camera, Frame
        Lamp and focal length.

    Returns
    -------
    (h, w) float32
        Factor on the place's light, 1 = no shadow.
    """
    aside, up = camera.light.beside
    return _seen_from_lamp(cover, nearness, 1.0 / depth, frame.focal * aside, -frame.focal * up)


@compiled
def _seen_from_lamp(cover, nearness, person, aside, down):
    """Look up the cover where the lamp's ray meets the person's plane; half a pixel softer to each side."""
    height, width = cover.shape
    soft, out = np.zeros((height + 3, width + 3), np.float32), np.ones((height, width), np.float32)
    for row in range(height):  # means of four neighbours, a row and a column of nothing around
        for column in range(width):
            share = np.float32(0.25) * cover[row, column]
            for k in range(4):
                soft[row + 1 + k // 2, column + 1 + k % 2] += share
    for row in range(height):
        for column in range(width):
            behind = person - nearness[row, column]
            x, y = column + 1.5 + aside * behind, row + 1.5 + down * behind  # in `soft`
            if behind <= 0.0 or min(x, y) < 0.0 or x >= width + 2 or y >= height + 2:
                continue
            c, r = int(x), int(y)
            a, b = np.float32(x - c), np.float32(y - r)
            upper = soft[r, c] + a * (soft[r, c + 1] - soft[r, c])
            lower = soft[r + 1, c] + a * (soft[r + 1, c + 1] - soft[r + 1, c])
            out[row, column] -= np.float32(DARKEST_LAMP) * (upper + b * (lower - upper))
    return out


@compiled
def cast_on_floor(picture, factor):
    """Darken the floor of a place.

    Parameters
    ----------
    picture : (h, w, c + 2) float32
        A window of `trace_frame`: linear light, the share of each pixel that is floor, nearness.
    factor : (h, w) float32
        From `ground_shadow`.

    Returns
    -------
    (h, w, c) float32
    """
    height, width, channels = picture.shape[0], picture.shape[1], picture.shape[2] - 2
    out = np.empty((height, width, channels), np.float32)
    for row in range(height):
        for column in range(width):
            kept = np.float32(1.0) - picture[row, column, channels] * (np.float32(1.0) - factor[row, column])
            for k in range(channels):
                out[row, column, k] = picture[row, column, k] * kept
    return out


@compiled
def _soft(lowest, edges):
    """Share of the sun that is kept off, (rows, columns) float32: the mask, more blurred the higher what casts it.

    ``edges`` (3, 2): standard deviations at `HEIGHTS`, along rows and along columns, cells.
    """
    out = np.zeros_like(lowest)
    top, bottom, left, right = _around(lowest, edges[2])
    if top >= bottom:
        return out
    mask = np.zeros((bottom - top, right - left), np.float32)
    tall = np.zeros_like(mask)
    for row in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            if lowest[top + row, left + column] < np.inf:
                mask[row, column] = 1.0
                tall[row, column] = lowest[top + row, left + column]
    sharp, middle = blurred(mask, edges[0]), blurred(mask, edges[1])
    wide, tall = blurred(mask, edges[2]), blurred(tall, edges[2])
    for row in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            if wide[row, column] < 1e-4:
                continue
            high = tall[row, column] / wide[row, column]
            if high < HEIGHTS[1]:
                near, far, share = sharp[row, column], middle[row, column], high / HEIGHTS[1]
            else:
                near, far = middle[row, column], wide[row, column]
                share = min(1.0, (high - HEIGHTS[1]) / (HEIGHTS[2] - HEIGHTS[1]))
            out[top + row, left + column] = near + max(0.0, share) * (far - near)
    return out


@compiled
def _near(lowest, edge):
    """How near the person's lowest parts are to the floor below them, (rows, columns) float32: 1 = they touch it."""
    out = np.zeros_like(lowest)
    top, bottom, left, right = _around(lowest, edge)
    if top < bottom:
        nearness = np.maximum(np.float32(0.0), np.float32(1.0) - lowest[top:bottom, left:right] / CONTACT)
        out[top:bottom, left:right] = blurred(np.minimum(np.float32(1.0), nearness).astype(np.float32), edge)
    return out


@compiled
def _around(lowest, edge):
    """First and last + 1 row, and column, of the cells that a blur of all that is shaded can reach."""
    top, bottom, left, right = lowest.shape[0], 0, lowest.shape[1], 0
    for row in range(lowest.shape[0]):
        for column in range(lowest.shape[1]):
            if lowest[row, column] < np.inf:
                top, bottom = min(top, row), row + 1
                left, right = min(left, column), max(right, column + 1)
    if top >= bottom:
        return 0, 0, 0, 0
    down, aside = int(np.ceil(2.0 * half_width(edge[1]))), int(np.ceil(2.0 * half_width(edge[0])))
    return (
        max(0, top - down),
        min(lowest.shape[0], bottom + down),
        max(0, left - aside),
        min(lowest.shape[1], right + aside),
    )


@compiled
def _darkened(cover, near, sun, sky, height, width):
    """Factor (height, width) float32 of pixels from shares of the sun's and the sky's light kept off each cell, bilinearly."""
    dark = np.empty_like(cover)
    lit = np.full(len(cover), True)
    for row in range(len(dark)):
        for column in range(dark.shape[1]):
            dark[row, column] = 1.0 - sun * min(cover[row, column], 1.0) - sky * near[row, column]
            lit[row] &= dark[row, column] == 1.0
    out = np.ones((height, width), np.float32)
    for row in range(height):
        y = (row + 0.5) / CELL - 0.5 + MARGIN
        r = int(y)
        if lit[r] and lit[r + 1]:
            continue
        down = np.float32(y - r)
        for column in range(width):
            x = (column + 0.5) / CELL - 0.5 + MARGIN
            c = int(x)
            aside = np.float32(x - c)
            upper = dark[r, c] + aside * (dark[r, c + 1] - dark[r, c])
            lower = dark[r + 1, c] + aside * (dark[r + 1, c + 1] - dark[r + 1, c])
            out[row, column] = upper + down * (lower - upper)
    return out
