"""A small ray tracer for places: solids on a floor, lit by sun and sky, or by a lamp at the lens."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..compiled import compiled, inlined, lean
from ..display import GAMMA
from ..light import Light, lamp_light, sky_light
from .cameras import Frame
from .cells import EVERYWHERE, NOWHERE, Cells, cell_of, cells_around, sort_into_cells
from .solids import FAR, bounds, corners, meet, surface
from .textures import noise, noise2, paint

TILE = 16  # pixels: solids are sought once for so many rows and columns
CONTACT = 0.9  # metres as far as a solid takes light of the sky from others
FLAT = 0.004  # metres: what is no higher counts as floor
BRIGHTEST = 0.95  # reflectance of whatever stands in a place
TREES, SKY = (
    (0.10, 0.14, 0.085),
    (0.77, 0.84, 0.9),
)  # linear light from beyond the place, per light that falls there
NIGHT = (0.004, 0.0015)  # the same, of the lamp's light


class Scene(NamedTuple):
    """A place in one spectrum (c channels), as loops want it."""

    solids: np.ndarray  # (k, 8) float64, see `Solid`; the last entry is the material
    patterns: np.ndarray  # (m, 4) float64: Texture, its two scales, strength
    colors: np.ndarray  # (m, 2, c) float64, two linear reflectances
    beyond: np.ndarray  # (2, c) float64, linear light of trees far away and of the sky above them
    grounds: (
        np.ndarray
    )  # (3,) float64: floor material before and behind z = the third; negative: no floor, no sky
    light: np.ndarray  # (4,) float64: sun, sky, lamp, unevenness of the sky's light
    sunward: np.ndarray  # (3, 3) float64: unit direction to the sun, two unit directions across
    near: Cells  # solids by the x and z of points that they take the sky's light from
    shading: Cells  # solids by the place of points, across the sun's direction, that they take the sun from


def arrange(
    solids: np.ndarray,
    materials: np.ndarray,
    grounds: tuple[float, float, float],
    light: Light,
    *,
    infrared: bool,
    shadows: bool,
    pools: float,
) -> Scene:
    """Make the scene of solids (k, 8) and materials (m, 12; see `props.Builder`).

    Parameters
    ----------
    solids, materials, grounds : (k, 8), (m, 12), (3,)
        As `Scene` has them; materials hold two display colours, two brightnesses at 850 nm, and the pattern.
    light : Light
        Its sun in the coordinates of the solids.
    infrared : bool
        One channel at 850 nm, else red, green and blue.
    shadows : bool
        Whether solids take the sun from one another.
    pools : float
        Unevenness of the sky's light, 0 = none; its mean is 1.
    """
    colors = materials[:, 6:8, None] if infrared else materials[:, :6].reshape(-1, 2, 3)
    strength = light.sky + 0.5 * light.sun
    beyond = np.array(NIGHT)[:, None] if infrared else np.array([TREES, SKY]) * [[strength], [light.sky]]
    toward = np.array(light.toward)
    across = np.cross(toward, [0.0, 0.6, 0.8] if abs(toward[1]) > 0.7 else [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    sunward = np.stack([toward, across, np.cross(toward, across)])
    low, high = bounds(solids)
    sharp = solids[:, 0] != 2  # bushes darken nobody beside them
    around = np.column_stack([low[:, [0, 2]] - CONTACT, high[:, [0, 2]] + CONTACT])
    around = np.where(sharp[:, None], around, NOWHERE)
    seen = corners(solids) @ sunward[1:].T  # (k, 8, 2)
    hidden = np.concatenate([seen.min(1), seen.max(1)], axis=1)[: len(solids) * (shadows and light.sun > 0)]
    return Scene(
        np.ascontiguousarray(solids),
        np.ascontiguousarray(materials[:, 8:]),
        np.ascontiguousarray(colors**GAMMA),
        np.ascontiguousarray(beyond),
        np.array(grounds, dtype=float),
        np.array([light.sun, light.sky, light.lamp, pools]),
        sunward,
        cells_around(around, 1.0),
        cells_around(hidden, 1.0),
    )


@inlined
def _open(scene, skip, normal, x, y, z):
    """How open a point is, 0..1: solids that rise from its surface close to it take light of the sky (contact shadows)."""
    cell = cell_of(scene.near, x, z)
    if cell < 0:
        return 1.0
    share = 1.0
    for n in range(scene.near.starts[cell], scene.near.starts[cell + 1]):
        i = scene.near.members[n]
        if i == skip:
            continue
        solid = scene.solids[i]
        if solid[0] == 1:
            beside = np.sqrt((x - solid[1]) ** 2 + (z - solid[2]) ** 2) - solid[3]
            gap, thick = max(beside, y - solid[5], solid[4] - y, 0.0), solid[3]
        else:
            out_x = max(solid[1] - x, x - solid[4], 0.0)
            out_y = max(solid[2] - y, y - solid[5], 0.0)
            out_z = max(solid[3] - z, z - solid[6], 0.0)
            gap = np.sqrt(out_x * out_x + out_y * out_y + out_z * out_z)
            rise = normal[0] * ((solid[4] if normal[0] > 0.0 else solid[1]) - x)
            rise += normal[1] * ((solid[5] if normal[1] > 0.0 else solid[2]) - y)
            rise += normal[2] * ((solid[6] if normal[2] > 0.0 else solid[3]) - z)
            thick = min(rise, solid[4] - solid[1], solid[5] - solid[2], solid[6] - solid[3])
        if gap < CONTACT and thick > FLAT:
            reach = min(0.28, 0.06 + 0.6 * thick)
            share *= 1.0 - min(0.5, 0.15 + 2.0 * thick) * np.exp(-gap / reach)
    return share


@compiled
def sees(solids, x, y, z, toward):
    """Whether a point sees the sun in the direction ``toward`` between solids (k, 8)."""
    for i in range(len(solids)):
        if meet(solids[i], x, y, z, toward[0], toward[1], toward[2]) < FAR:
            return False
    return True


@inlined
def _sunlit(scene, skip, x, y, z):
    """As `sees` without the solid ``skip``, which the point lies on, but only those are asked that may be in the way."""
    toward, across = scene.sunward[0], scene.sunward[1:]
    a = across[0, 0] * x + across[0, 1] * y + across[0, 2] * z
    b = across[1, 0] * x + across[1, 1] * y + across[1, 2] * z
    cell = cell_of(scene.shading, a, b)
    if cell < 0:
        return True
    for n in range(scene.shading.starts[cell], scene.shading.starts[cell + 1]):
        i = scene.shading.members[n]
        if i != skip and meet(scene.solids[i], x, y, z, toward[0], toward[1], toward[2]) < FAR:
            return False
    return True


@compiled
def pool(x, y, z):
    """How bright the sky or the ceiling is above a point, −0.5..0.5 with mean 0."""
    return noise2(0.45 * x + 3.1, 0.45 * z + 0.3 * y, 5) - 0.5


@inlined
def _beyond(scene, dx, dy, dz, channel):
    """Linear light where a ray leaves the place: trees far away, the sky above them."""
    slope = dy / np.sqrt(dx * dx + dz * dz)
    turn = np.arctan2(dx, -dz)
    line = (
        0.06
        + 0.16 * noise(9.0 * turn + 50.0, scene.grounds[2], 0.0)
        + 0.05 * noise(40.0 * turn, scene.grounds[2], 1.0)
    )
    if slope < line:
        return scene.beyond[0, channel] * (0.4 + 0.6 * noise(70.0 * turn, 70.0 * slope, 3.0))
    return scene.beyond[1, channel] * (1.0 - 0.5 * min(1.0, max(0.0, slope)))


@inlined
def _lit(scene, hit, normal, x, y, z, distance, facing):
    """Light on a point: the lamp's, or the sky's and the sun's."""
    sun, sky, lamp, pools = scene.light
    if lamp > 0.0:
        return lamp_light(lamp, distance, facing)
    ambient = sky_light(sky, normal[1]) * _open(scene, hit, normal, x, y, z)
    if pools > 0.0:
        ambient *= 1.0 + pools * pool(x, y, z)
    toward = scene.sunward[0]
    direct = sun * (normal[0] * toward[0] + normal[1] * toward[1] + normal[2] * toward[2])
    if direct <= 0.0 or not _sunlit(
        scene, hit, x + 0.003 * normal[0], y + 0.003 * normal[1], z + 0.003 * normal[2]
    ):
        return ambient
    return ambient + direct


@inlined
def _shade(scene, ox, oy, oz, dx, dy, dz, depth, hit, sample, share, pixel):
    """Add ``share`` of the linear light of what a ray hits at ``depth`` to a pixel; ``hit`` is the solid, −1 the floor."""
    x, y, z = ox + depth * dx, oy + depth * dy, oz + depth * dz
    if hit == -1:
        nx, ny, nz, u, v = 0.0, 1.0, 0.0, x, z
        number = int(scene.grounds[0] if z > scene.grounds[2] else scene.grounds[1])
    else:
        nx, ny, nz, u, v = surface(scene.solids[hit], x, y, z)
        number = int(scene.solids[hit, 7])
    length = np.sqrt(dx * dx + dy * dy + dz * dz)
    facing = max(1e-3, abs(nx * dx + ny * dy + nz * dz) / length)
    # a surface seen at a slant has more of it in a sample: along a direction on it by 1 + (its share of the ray / facing)²
    level = abs(ny) > 0.5
    along = (dx if level else np.sqrt(max(0.0, length * length * (1.0 - facing * facing) - dy * dy))) / length
    up = (dz if level else dy) / length
    wide = sample * depth * np.sqrt(1.0 + (along / facing) ** 2)
    high = sample * depth * np.sqrt(1.0 + (up / facing) ** 2)
    if hit >= 0 and scene.solids[hit, 0] == 2:
        wide, high = sample * depth, sample * depth
    pattern = scene.patterns[number]
    mix, bright = paint(int(pattern[0]), u, v, wide, high, pattern[1], pattern[2], pattern[3], number)
    light = share * _lit(scene, hit, (nx, ny, nz), x, y, z, depth * length, facing)
    for k in range(scene.colors.shape[2]):
        first, second = scene.colors[number, 0, k], scene.colors[number, 1, k]
        pixel[k] += light * min(BRIGHTEST, bright * (first + mix * (second - first)))


@lean
def _trace(scene, tiles, rays, samples, out):
    """Write the picture; ``rays`` (5, 3) are the axes, the position, and focal length, row and column of the optical axis."""
    height, width, channels = out.shape[0], out.shape[1], scene.colors.shape[2]
    share, floor = 1.0 / (samples * samples), scene.grounds[0] >= 0
    focal, axis_row, axis_column = rays[4]
    ox, oy, oz = rays[3]
    for row in range(height * samples):
        up = (axis_row - (row + 0.5) / samples) / focal
        for column in range(width * samples):
            cell = (row // (samples * TILE)) * tiles.columns + column // (samples * TILE)
            if not floor and tiles.starts[cell] == tiles.starts[cell + 1]:
                continue
            side = ((column + 0.5) / samples - axis_column) / focal
            dx = side * rays[0, 0] + up * rays[1, 0] - rays[2, 0]
            dy = side * rays[0, 1] + up * rays[1, 1] - rays[2, 1]
            dz = side * rays[0, 2] + up * rays[1, 2] - rays[2, 2]
            depth, hit = FAR, -2
            if floor and dy < -1e-6:
                depth, hit = -oy / dy, -1
            for n in range(tiles.starts[cell], tiles.starts[cell + 1]):
                i = tiles.members[n]
                t = meet(scene.solids[i], ox, oy, oz, dx, dy, dz)
                if t < depth:
                    depth, hit = t, i
            pixel = out[row // samples, column // samples]
            if hit >= -1:
                _shade(scene, ox, oy, oz, dx, dy, dz, depth, hit, 1.0 / (focal * samples), share, pixel)
                pixel[channels] += share if oy + depth * dy < 1.01 * FLAT or not floor else 0.0
                pixel[channels + 1] += share / depth
            elif floor:
                for k in range(channels):
                    pixel[k] += share * _beyond(scene, dx, dy, dz, k)


def trace(scene: Scene, frame: Frame, samples: int = 2) -> np.ndarray:
    """Trace what a frame sees of a scene.

    Parameters
    ----------
    scene : Scene
        In whose coordinates the frame stands.
    frame : Frame
        Its size need not be whole blocks here.
    samples : int
        Rays per pixel along each edge.

    Returns
    -------
    (height, width, c + 2) float32
        Linear light; share of the pixel that is floor (without a floor: that is anything); nearness, 1/m along the axis.
    """
    out = np.zeros((frame.height, frame.width, scene.colors.shape[2] + 2), np.float32)
    high = np.array([frame.height - 1.0, frame.width - 1.0])
    tiles = sort_into_cells(_rectangles(scene.solids, frame), TILE, np.zeros(2), high)
    optics = [frame.focal, frame.row, frame.column]
    _trace(scene, tiles, np.vstack([frame.rotation, frame.position, optics]), samples, out)
    return out


def _rectangles(solids: np.ndarray, frame: Frame) -> np.ndarray:
    """Lowest row and column, highest row and column (k, 4) that solids may cover in a frame; `NOWHERE` for those behind it."""
    seen = frame.seen(corners(solids))
    before = seen[..., 2] < -0.05
    seen[..., 2] = np.minimum(seen[..., 2], -0.05)
    pixels = frame.pixels(seen)[..., ::-1]
    made = np.concatenate([pixels.min(1) - 1.0, pixels.max(1) + 1.0], axis=1)
    made[~before.all(1)] = EVERYWHERE
    made[~before.any(1)] = NOWHERE
    return made
