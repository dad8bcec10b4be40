"""A small ray tracer for places: boxes, upright cylinders and leafy ellipsoids on a floor, lit by sun, sky or lamp."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ..compiled import compiled
from ..display import GAMMA
from .textures import noise, noise2, paint

FAR = 1e9


class Solid(IntEnum):
    """First entry of a row that describes a solid; six numbers and the material follow."""

    BOX = 0  # lower corner x, y, z, upper corner x, y, z
    CYLINDER = 1  # middle x, z, radius, lowest y, highest y, unused; stands upright
    BUSH = 2  # centre x, y, z, radii along x, y, z; with gaps between leaves


@compiled
def _meet(solid, ox, oy, oz, dx, dy, dz):
    """Distance along the ray to the solid, in lengths of the direction; FAR if it is missed."""
    kind = int(solid[0])
    if kind == 0:
        enter, leave = 1e-4, FAR
        for k in range(3):
            o = ox if k == 0 else (oy if k == 1 else oz)
            d = dx if k == 0 else (dy if k == 1 else dz)
            if abs(d) < 1e-9:
                d = 1e-9
            a, b = (solid[1 + k] - o) / d, (solid[4 + k] - o) / d
            enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
        return enter if leave > enter else FAR
    if kind == 1:
        x, z = ox - solid[1], oz - solid[2]
        a, b, c = dx * dx + dz * dz, x * dx + z * dz, x * x + z * z - solid[3] * solid[3]
        under = b * b - a * c
        if under > 0.0 and a > 1e-12:
            t = (-b - np.sqrt(under)) / a
            if t > 1e-4 and solid[4] <= oy + t * dy <= solid[5]:
                return t
        lid = (solid[5] - oy) / dy if abs(dy) > 1e-9 else FAR
        x, z = x + lid * dx, z + lid * dz
        return lid if lid > 1e-4 and x * x + z * z < solid[3] * solid[3] else FAR
    x, y, z = (ox - solid[1]) / solid[4], (oy - solid[2]) / solid[5], (oz - solid[3]) / solid[6]
    u, v, w = dx / solid[4], dy / solid[5], dz / solid[6]
    a, b, c = u * u + v * v + w * w, x * u + y * v + z * w, x * x + y * y + z * z - 1.0
    under = b * b - a * c
    if under <= 0.0:
        return FAR
    for sign in (-1.0, 1.0):
        t = (-b + sign * np.sqrt(under)) / a
        if t > 1e-4 and noise(31.0 * (ox + t * dx), 31.0 * (oy + t * dy), 31.0 * (oz + t * dz)) > 0.36:
            return t
    return FAR


@compiled
def _surface(solid, x, y, z):
    """Normal and surface coordinates (nx, ny, nz, u, v) of a solid at a point on it."""
    kind = int(solid[0])
    if kind == 0:
        best, axis, sign = FAR, 0, 1.0
        for k in range(3):
            p = x if k == 0 else (y if k == 1 else z)
            for side in range(2):
                gap = abs(p - solid[1 + 3 * side + k])
                if gap < best:
                    best, axis, sign = gap, k, 2.0 * side - 1.0
        if axis == 0:
            return sign, 0.0, 0.0, z, y
        if axis == 1:
            return 0.0, sign, 0.0, x, z
        return 0.0, 0.0, sign, x, y
    if kind == 1:
        nx, nz = (x - solid[1]) / solid[3], (z - solid[2]) / solid[3]
        if abs(y - solid[5]) < 1e-3:
            return 0.0, 1.0, 0.0, x, z
        return nx, 0.0, nz, solid[3] * np.arctan2(nx, nz), y
    nx, ny, nz = (x - solid[1]) / solid[4], (y - solid[2]) / solid[5], (z - solid[3]) / solid[6]
    length = max(1e-6, np.sqrt(nx * nx + ny * ny + nz * nz))
    return nx / length, ny / length, nz / length, x + 0.7 * z, y + 0.4 * z


@compiled
def _nearby(solids, skip, x, y, z):
    """How open a point is, 0..1: surfaces close to another solid get less light from the sky (contact shadows)."""
    open_share = 1.0
    for i in range(len(solids)):
        solid = solids[i]
        if i == skip or solid[0] == 2:
            continue
        if solid[0] == 1:
            gap = np.sqrt((x - solid[1]) ** 2 + (z - solid[2]) ** 2) - solid[3]
            gap, thick = max(gap, y - solid[5], solid[4] - y, 0.0), solid[3]
        else:
            gap = 0.0
            for k in range(3):
                p = x if k == 0 else (y if k == 1 else z)
                out = max(solid[1 + k] - p, p - solid[4 + k], 0.0)
                gap += out * out
            gap = np.sqrt(gap)
            thick = min(solid[4] - solid[1], solid[5] - solid[2], solid[6] - solid[3])
        if gap < 0.9:
            reach = min(0.28, 0.06 + 0.6 * thick)
            open_share *= 1.0 - min(0.5, 0.15 + 2.0 * thick) * np.exp(-gap / reach)
    return open_share


@compiled
def _light(solids, hit, point, normal, toward, sky, sun, shadows, pools):
    """Visible light that falls on a point: the sky's or ceiling's share, and the sun's or window's."""
    x, y, z = point
    ambient = 1.15 * sky * (0.72 + 0.28 * normal[1]) * _nearby(solids, hit, x, y, z)
    ambient *= 1.0 + pools * (noise2(0.45 * x + 3.1, 0.45 * z + 0.3 * y, 5) - 0.42)
    direct = sun * max(0.0, normal[0] * toward[0] + normal[1] * toward[1] + normal[2] * toward[2])
    if shadows and direct > 0.0:
        ox, oy, oz = x + 0.003 * normal[0], y + 0.003 * normal[1], z + 0.003 * normal[2]
        for i in range(len(solids)):
            if i != hit and _meet(solids[i], ox, oy, oz, toward[0], toward[1], toward[2]) < FAR:
                direct *= 0.12
                break
    return ambient + direct


@compiled
def _sky(ray, variant, sky, infrared):
    """Linear light where a ray leaves the place: trees far away, the sky above them; nearly black for a lamp's light."""
    slope = ray[1] / np.sqrt(ray[0] * ray[0] + ray[2] * ray[2])
    turn = np.arctan2(ray[0], -ray[2])
    line = 0.06 + 0.16 * noise(9.0 * turn + 50.0, variant, 0.0) + 0.05 * noise(40.0 * turn, variant, 1.0)
    if slope < line:
        bright = 0.4 + 0.6 * noise(70.0 * turn, 70.0 * slope, 3.0)
        return (0.03, 0.03, 0.03) if infrared else (0.07 * bright, 0.10 * bright, 0.06 * bright)
    bright = 0.9 * sky * (1.0 - 0.5 * min(1.0, max(0.0, slope)))
    return (0.015, 0.015, 0.015) if infrared else (0.86 * bright, 0.93 * bright, bright)


@compiled
def _shade(eye, ray, far, hit, solids, materials, grounds, light, infrared):
    """Linear light from the point at ``far`` along a ray; ``hit`` is the solid, −1 the floor."""
    x, y, z = eye[0] + far * ray[0], eye[1] + far * ray[1], eye[2] + far * ray[2]
    if hit == -1:
        nx, ny, nz, u, v = 0.0, 1.0, 0.0, x, z
        number = int(grounds[0] if z > grounds[2] else grounds[1])
    else:
        nx, ny, nz, u, v = _surface(solids[hit], x, y, z)
        number = int(solids[hit, 7])
    look = materials[number]
    mix, bright = paint(int(look[8]), u, v, look[9], look[10], look[11], number)
    if infrared:
        span = far * np.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
        facing = abs(nx * ray[0] + ny * ray[1] + nz * ray[2]) * far / span
        amount = (light[7] / span) ** light[8] * (0.6 + 0.4 * facing)
        amount *= 0.45 + 0.55 * _nearby(solids, hit, x, y, z)
        value = amount * ((look[6] + mix * (look[7] - look[6])) * bright) ** GAMMA
        return value, value, value
    amount = _light(
        solids, hit, (x, y, z), (nx, ny, nz), light[:3], light[4], light[3], light[6] > 0, light[5]
    )
    return (
        amount * ((look[0] + mix * (look[3] - look[0])) * bright) ** GAMMA,
        amount * ((look[1] + mix * (look[4] - look[1])) * bright) ** GAMMA,
        amount * ((look[2] + mix * (look[5] - look[2])) * bright) ** GAMMA,
    )


@compiled
def trace(frame, intrinsics, solids, materials, grounds, light, infrared, samples, height, width):
    """Trace a picture of a place.

    Parameters
    ----------
    frame : (4, 3) float64
        Camera's right, up and backward axes and its position, in the place's coordinates.
    intrinsics : (3,) float64
        Pixels per unit slope, row and column of the optical axis.
    solids : (k, 8) float64
        Rows as `Solid` says, the last entry is the material.
    materials : (m, 12) float64
        Two display colours, two 850 nm brightnesses, `Texture`, its two scales, strength.
    grounds : (3,) float64
        Floor material before and behind z = the third number; negative: no floor and no sky, the picture is transparent.
    light : (9,) float64
        Direction to the sun (3), sun, sky, unevenness of the sky's light, 1 for sharp shadows, reference distance of
        the lamp, its fall-off exponent.
    infrared : bool
        Trace 850 nm under a lamp at the camera.
    samples : int
        Rays per pixel along each edge.
    height, width : int
        Of the picture, pixels.

    Returns
    -------
    (height, width, 5) float32
        Linear light (red, green, blue; equal in infrared), share of the pixel that is floor, share that is filled.
    """
    out = np.zeros((height, width, 5), np.float32)
    part = 1.0 / (samples * samples)
    ox, oy, oz = frame[3]
    for row in range(height * samples):
        up = (intrinsics[1] - (row + 0.5) / samples) / intrinsics[0]
        for column in range(width * samples):
            side = ((column + 0.5) / samples - intrinsics[2]) / intrinsics[0]
            dx = side * frame[0, 0] + up * frame[1, 0] - frame[2, 0]
            dy = side * frame[0, 1] + up * frame[1, 1] - frame[2, 1]
            dz = side * frame[0, 2] + up * frame[1, 2] - frame[2, 2]
            best, hit = FAR, -2
            if dy < -1e-6 and grounds[0] >= 0:
                best, hit = -oy / dy, -1
            for i in range(len(solids)):
                t = _meet(solids[i], ox, oy, oz, dx, dy, dz)
                if t < best:
                    best, hit = t, i
            pixel = out[row // samples, column // samples]
            if hit >= -1:
                red, green, blue = _shade(
                    (ox, oy, oz), (dx, dy, dz), best, hit, solids, materials, grounds, light, infrared
                )
            elif grounds[0] >= 0:
                red, green, blue = _sky((dx, dy, dz), grounds[2], light[4], infrared)
            else:
                continue
            pixel[0] += part * red
            pixel[1] += part * green
            pixel[2] += part * blue
            pixel[3] += part if hit == -1 else 0.0
            pixel[4] += part
    return out
