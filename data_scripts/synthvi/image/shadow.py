"""The shadow of a person on the floor: every vertex is dropped on the floor along the light, its surface summed, and blurred.

Under the soles, where no light comes at all, their outline is filled at pixel size: a dark line of 1 to 2 cm remains beside them.
"""

from __future__ import annotations

import numpy as np

from ..compiled import compiled
from ..person.drape import directions
from ..place.cameras import Camera, axes
from ..world import Preset
from .gbuffer import Buffers

CONTACT = 0.30  # metres: what is lower than this darkens the floor right below it
TOUCH = 0.025  # metres: a sole that is nearer to the floor touches it
BESIDE = 0.014  # metres beside the sole that get no light either
DEPTH = {"sun": 0.75, "contact": 0.65, "touch": 0.80}  # largest darkening by each
EVERY = 3  # vertices used: one in so many


def ground_shadow(buffers: Buffers, camera: Camera, preset: Preset) -> np.ndarray:
    """Factor (h, w) float32 on the light of the floor, 1 = no shadow.

    Sun, lamp or window throw the body's shadow along the light; feet also keep the sky's light off the floor that
    they nearly touch.
    """
    up = axes(camera)[0][:, 1].astype(np.float32)  # the world's vertical in the camera's frame
    light = np.array(camera.light, np.float32)
    steep = float(up @ light)
    cell = max(1, preset.height // 64)
    size = (preset.height // cell + 2, preset.width // cell + 2)
    area = np.ones(len(buffers.seen), np.float32) if buffers.area is None else buffers.area
    sun, contact = _drop(
        buffers.seen[::EVERY],
        area[::EVERY],
        buffers.ground.astype(np.float32),
        up,
        light / max(steep, 0.12),
        np.float32(buffers.scale / cell),
        (buffers.offset / cell + 0.5).astype(np.float32),
        size,
    )
    metre = buffers.scale / -float(buffers.ground[2]) / cell  # cells per metre
    tilt = max(0.1, abs(float(up[2])))  # foreshortening of the floor
    per_cell = EVERY / len(buffers.seen) * metre**2 * tilt
    direct = camera.sun * steep
    share = 0.5 if camera.infrared else DEPTH["sun"] * direct / (direct + camera.sky)
    gains = (0.9 * per_cell, per_cell, share, DEPTH["contact"])
    factor = _spread(sun, contact, *gains, cell, preset.height, preset.width)
    frame = (buffers.ground.astype(np.float32), up, directions(16), buffers.scale, buffers.offset)
    for sole in buffers.soles:
        _touch(factor, buffers.seen, sole, *frame, 1 + (preset.height > 200), DEPTH["touch"])
    return factor


@compiled
def _touch(factor, seen, sole, ground, up, around, scale, offset, blur, depth):
    """Darken the floor under a sole (indices of vertices) that touches it, and just beside it, in place."""
    wide = BESIDE * scale / -ground[2]
    tall = wide * max(0.3, abs(up[2]))
    rows, columns = np.zeros(len(around)), np.zeros(len(around))
    best, lowest, count = np.full(len(around), -np.inf), TOUCH, 0
    for i in sole:
        height = 0.0
        for k in range(3):
            height += up[k] * (seen[i, k] - ground[k])
        if height >= TOUCH:
            continue
        count, lowest = count + 1, min(lowest, height)
        away = height * up[2] - seen[i, 2]
        column = scale * (seen[i, 0] - height * up[0]) / away + offset[0]
        row = -scale * (seen[i, 1] - height * up[1]) / away + offset[1]
        for k in range(len(around)):  # the hull's outermost points
            reach = around[k, 0] * column + around[k, 1] * row
            if reach > best[k]:
                best[k] = reach
                columns[k], rows[k] = column + wide * around[k, 0], row + tall * around[k, 1]
    if count < 3:
        return
    top, left = int(np.floor(rows.min())) - 3, int(np.floor(columns.min())) - 3
    height, width = int(np.ceil(rows.max())) + 4 - top, int(np.ceil(columns.max())) + 4 - left
    mask = _soften(_fill(rows - top, columns - left, height, width), blur)
    strength = np.float32(depth * min(1.0, 1.0 - lowest / TOUCH))
    for r in range(max(0, -top), min(height, factor.shape[0] - top)):
        for c in range(max(0, -left), min(width, factor.shape[1] - left)):
            factor[top + r, left + c] *= np.float32(1.0) - strength * mask[r, c]


@compiled
def _fill(rows, columns, height, width):
    """Coverage (height, width) float32 of the convex hull of points (k,) in pixels."""
    mask = np.zeros((height, width), np.float32)
    for sub in range(2 * height):
        y, left, right = 0.5 * sub + 0.25, np.inf, -np.inf
        for i in range(len(rows)):
            for j in range(len(rows)):
                if rows[i] <= y < rows[j]:  # an edge or a diagonal of the hull crosses this line
                    x = columns[i] + (y - rows[i]) / (rows[j] - rows[i]) * (columns[j] - columns[i])
                    left, right = min(left, x), max(right, x)
        for column in range(width):
            covered = min(right, column + 1.0) - max(left, np.float64(column))
            mask[sub // 2, column] += 0.5 * max(0.0, covered)
    return mask


@compiled
def _drop(seen, area, ground, up, along, scale, offset, size):
    """Sum vertices per cell of the floor: their area along the light (first), their number straight down near the floor (second)."""
    sun, contact = np.zeros(size, np.float32), np.zeros(size, np.float32)
    for i in range(len(seen)):
        height = np.float32(0.0)
        for k in range(3):
            height += up[k] * (seen[i, k] - ground[k])
        for which in range(2):
            if which == 1 and height > CONTACT:
                continue
            x = seen[i, 0] - height * (along[0] if which == 0 else up[0])
            y = seen[i, 1] - height * (along[1] if which == 0 else up[1])
            z = seen[i, 2] - height * (along[2] if which == 0 else up[2])
            if z > -0.2:
                continue
            column, row = int(scale * x / -z + offset[0]), int(-scale * y / -z + offset[1])
            if 0 <= row < size[0] and 0 <= column < size[1]:
                if which == 0:
                    sun[row, column] += area[i]
                else:
                    contact[row, column] += 1.0 - height / CONTACT
    return sun, contact


@compiled
def _soften(counts, passes):
    """Blur with (1, 2, 1) / 4 along both axes, several times; edges are repeated."""
    height, width = counts.shape
    for _ in range(passes):
        other = counts.copy()
        for row in range(height):
            for column in range(width):
                left, right = max(0, column - 1), min(width - 1, column + 1)
                other[row, column] = (
                    0.25 * (counts[row, left] + counts[row, right]) + 0.5 * counts[row, column]
                )
        for row in range(height):
            above, below = max(0, row - 1), min(height - 1, row + 1)
            for column in range(width):
                counts[row, column] = (
                    0.25 * (other[above, column] + other[below, column]) + 0.5 * other[row, column]
                )
    return counts


@compiled
def _spread(sun, contact, sun_gain, contact_gain, sun_depth, contact_depth, cell, height, width):
    """Turn counts to darkness and enlarge cells to pixels, bilinearly."""
    sun, contact = _soften(sun, 3), _soften(contact, 2)
    dark, lit = np.empty_like(sun), np.full(sun.shape[0], True)
    for row in range(dark.shape[0]):
        for column in range(dark.shape[1]):
            if sun[row, column] == 0.0 and contact[row, column] == 0.0:
                dark[row, column] = 1.0  # most cells
                continue
            lit[row] = False
            dark[row, column] = (1.0 - sun_depth * (1.0 - np.exp(-sun_gain * sun[row, column]))) * (
                1.0 - contact_depth * (1.0 - np.exp(-contact_gain * contact[row, column]))
            )
    out = np.empty((height, width), np.float32)
    lefts, shares = np.empty(width, np.int64), np.empty(width, np.float32)
    for column in range(width):
        x = (column + 0.5) / cell
        lefts[column] = min(dark.shape[1] - 2, int(x))
        shares[column] = np.float32(x - lefts[column])
    for row in range(height):
        y = (row + 0.5) / cell
        r = min(dark.shape[0] - 2, int(y))
        if lit[r] and lit[r + 1]:
            out[row] = 1.0
            continue
        a = np.float32(y - r)
        for column in range(width):
            c, b = lefts[column], shares[column]
            upper = dark[r, c] + b * (dark[r, c + 1] - dark[r, c])
            lower = dark[r + 1, c] + b * (dark[r + 1, c + 1] - dark[r + 1, c])
            out[row, column] = upper + a * (lower - upper)
    return out


@compiled
def cast_shadow(crop, shadow, channels):
    """Darken the floor of a background by a factor.

    Parameters
    ----------
    crop : (h, w, 4) float32
        Linear light and the share of each pixel that is floor.
    shadow : (h, w) float32
        From `ground_shadow`.
    channels : int
        How many channels of light to keep, 1 or 3.

    Returns
    -------
    (h, w, channels) float32
    """
    height, width = shadow.shape
    out = np.empty((height, width, channels), np.float32)
    for row in range(height):
        for column in range(width):
            factor = np.float32(1.0) - crop[row, column, 3] * (np.float32(1.0) - shadow[row, column])
            for k in range(channels):
                out[row, column, k] = crop[row, column, k] * factor
    return out
