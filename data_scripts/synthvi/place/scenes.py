"""The place behind the person: four kinds of plain rooms and streets, traced once per camera and standing spot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..display import GAMMA
from ..person.pose import about_y
from ..seeds import Purpose, generator
from ..world import World
from .cameras import Camera, axes, is_outdoor, nominal_scale
from .props import LEAF_NIR, Builder
from .textures import Texture
from .tracing import trace

REACH = 13.0  # metres to the left and right that are furnished
FREE = 0.8  # metres behind the person that stay empty
NO_SKY = -99.0  # the floor changes nowhere


@dataclass(frozen=True)
class Place:
    """One place in metres: floor y = 0, people on the line z = 0, the wall behind them towards negative z."""

    kind: str  # corridor, hall, shop, street, park
    solids: np.ndarray  # (k, 8), see tracing.Solid
    materials: np.ndarray  # (m, 12)
    grounds: tuple[float, float, float]  # floor material before and behind z = the third number
    outdoor: bool


def draw_place(number: int, seed: int, world: World) -> Place:
    """Draw place ``number``; cameras in the same place get the same one."""
    rng = generator(seed, Purpose.PLACE, number)
    builder = Builder(rng, world.place_hue, world.background_contrast)
    if is_outdoor(number, world):
        kind = str(rng.choice(["street", "park"], p=[0.6, 0.4]))
        grounds = _street(builder, rng, world) if kind == "street" else _park(builder, rng, world)
    else:
        kind = str(rng.choice(["corridor", "hall", "shop"]))
        grounds = _room(builder, rng, world, kind)
    return Place(kind, *builder.arrays(), grounds, is_outdoor(number, world))


def _steps(rng: np.random.Generator, world: World, least: float, most: float) -> list[float]:
    """Places along x where something may stand: closer together in a busier world, none in an empty one."""
    stops, x = [], -REACH
    crowd = world.background_contrast
    while crowd > 0 and x < REACH:
        stops.append(x)
        x += rng.uniform(least, most) / min(2.0, max(0.25, crowd))
    return stops


def _room(builder: Builder, rng: np.random.Generator, world: World, kind: str) -> tuple[float, float, float]:
    """Corridor, hall or shop: walls with a skirting, pillars, what hangs on the wall, what stands before it."""
    wall = rng.uniform(1.5, 2.6) if kind == "corridor" else rng.uniform(2.4, 4.5)
    light = builder.dull((0.55, 0.9))
    kinds = (Texture.PLAIN, Texture.PLAIN, Texture.BRICKS, Texture.TILES)
    texture = kinds[int(rng.integers(len(kinds)))]
    scale = (0.24, 0.08) if texture == Texture.BRICKS else (rng.uniform(0.3, 1.2), rng.uniform(0.3, 1.0))
    upper = builder.material(light, 0.8 * light, texture, scale, 0.16)
    lower = builder.material(builder.dull((0.3, 0.65), 0.3), strength=0.2)
    dark = builder.material(builder.dull((0.15, 0.4)))
    band = rng.uniform(0.7, 1.3)
    builder.box((-40, 40), (0, 6), (-wall - 0.3, -wall), upper)
    if rng.uniform() < 0.5:
        builder.box((-40, 40), (0, band), (-wall - 0.3, -wall + 0.008), lower)
    builder.box((-40, 40), (0, 0.1), (-wall - 0.3, -wall + 0.018), dark)
    for side in (-REACH + 1, REACH - 1):  # the room's ends
        builder.box((min(side, 2 * side), max(side, 2 * side)), (0, 6), (-wall, 0.5), upper)
    for x in _steps(rng, world, 2.6, 5.0):
        _on_wall(builder, rng, x, -wall, kind)
        if rng.uniform() < 0.55:
            builder.column(x - 0.5, -wall, 6.0, upper if rng.uniform() < 0.6 else lower)
    for x in _steps(rng, world, 1.1, 2.4):
        room = wall - FREE - 0.5
        far = -wall + 0.08 + (rng.uniform(0, max(room, 0.01)) if kind == "hall" else 0.0)
        _furniture(builder, rng, x, far, kind)
    first = builder.dull((0.35, 0.75))
    kinds = (Texture.TILES, Texture.TILES, Texture.PLANKS, Texture.SPECKLE)
    texture = kinds[int(rng.integers(len(kinds)))]
    size = rng.uniform(0.3, 0.8)
    scale = (1.6, 0.16) if texture == Texture.PLANKS else (size, size)
    floor = builder.material(first, 0.72 * first, texture, scale, 0.18)
    border = builder.material(builder.dull((0.25, 0.6), 0.3), strength=0.2)
    edge = -rng.uniform(0.5, wall) if rng.uniform() < 0.4 else NO_SKY
    return float(floor), float(border), edge


def _on_wall(builder: Builder, rng: np.random.Generator, x: float, wall: float, kind: str) -> None:
    """Hang one window, door, poster or shelf on the wall, starting at x."""
    choice = rng.choice(4, p={"shop": [0.1, 0.1, 0.2, 0.6]}.get(kind, [0.35, 0.3, 0.3, 0.05]))
    wide = rng.uniform(0.9, 1.7)
    if choice == 0:
        builder.window((x, x + wide), (0.9, rng.uniform(1.9, 2.3)), wall)
    elif choice == 1:
        builder.door(x, wall)
    elif choice == 2:
        low = rng.uniform(1.0, 1.3)
        builder.poster((x, x + 0.6 * wide), (low, low + rng.uniform(0.5, 0.9)), wall)
    else:
        builder.shelf((x, x + wide), wall, rng.uniform(1.2, 2.0))


def _furniture(builder: Builder, rng: np.random.Generator, x: float, z: float, kind: str) -> None:
    """Stand one piece of furniture at (x, z), or nothing."""
    pieces = {
        "corridor": (builder.cabinet, builder.bench, builder.bin, builder.plant),
        "hall": (builder.bench, builder.plant, builder.table, builder.bin, builder.crates),
        "shop": (builder.crates, builder.cabinet, builder.table, builder.plant),
    }[kind]
    choice = int(rng.integers(len(pieces) + 1))
    if choice < len(pieces):
        make = pieces[choice]
        make(x, z + (0.3 if make in (builder.plant, builder.bin) else 0.0))


def _street(builder: Builder, rng: np.random.Generator, world: World) -> tuple[float, float, float]:
    """A house front behind a pavement, with trees, poles, benches and planters before it."""
    wall = rng.uniform(4.5, 8.0)
    color = builder.dull((0.4, 0.8), 0.3)
    texture = Texture.BRICKS if rng.uniform() < 0.5 else Texture.PLAIN
    front = builder.material(color, 0.7 * color, texture, (0.26, 0.09), 0.2)
    foot = builder.material(builder.dull((0.3, 0.5)), texture=Texture.SPECKLE)
    builder.box((-60, 60), (0, 9), (-wall - 1, -wall), front)
    builder.box((-60, 60), (0, 0.55), (-wall - 1, -wall + 0.06), foot)
    for x in _steps(rng, world, 2.0, 3.2):
        if rng.uniform() < 0.25:
            builder.door(x, -wall)
        else:
            builder.window((x, x + rng.uniform(1.0, 1.6)), (1.0, 2.6), -wall)
    for x in _steps(rng, world, 1.6, 3.4):
        z = -rng.uniform(1.3, max(1.5, wall - 2.2))
        pieces = (builder.hedge, builder.bench, builder.bin, builder.tree, builder.planter, builder.kiosk)
        pieces[int(rng.integers(len(pieces)))](x, z)
        if rng.uniform() < 0.3:
            builder.pole(x + 0.8, z, rng.choice([1.0, 5.0]))
    stone = builder.dull((0.4, 0.65))
    pavement = (
        builder.material(stone, 0.7 * stone, Texture.TILES, (rng.uniform(0.4, 0.8), 0.5), 0.3)
        if rng.uniform() < 0.6
        else builder.material(stone, 0.86 * stone, Texture.SPECKLE, strength=0.3)
    )
    dark = builder.dull((0.25, 0.4))
    road = builder.material(dark, 1.2 * dark, Texture.SPECKLE, strength=0.4, nir=0.35)
    return float(pavement), float(road), -rng.uniform(1.0, 3.0)


def _park(builder: Builder, rng: np.random.Generator, world: World) -> tuple[float, float, float]:
    """A path, grass, trees, hedges, benches, a railing, perhaps a low wall; the sky above."""
    builder.material(np.full(3, 0.5))
    for x in _steps(rng, world, 1.3, 2.8):
        pieces = (builder.tree, builder.hedge, builder.hedge, builder.bench, builder.tree)
        pieces[int(rng.integers(5))](x, -rng.uniform(2.0, 9.0))
    if rng.uniform() < 0.5 and world.background_contrast > 0:
        builder.railing((-REACH, REACH), -rng.uniform(1.6, 3.5))
    if rng.uniform() < 0.6:
        stone = builder.dull((0.45, 0.7))
        rock = builder.material(stone, 0.65 * stone, Texture.BRICKS, (0.5, 0.2), 0.3)
        builder.box((-60, 60), (0, rng.uniform(0.5, 2.2)), (-11, -10.5), rock)
    stone = builder.dull((0.45, 0.7))
    path = builder.material(stone, 0.86 * stone, Texture.SPECKLE, strength=0.3)
    color = builder.leaf()
    grass = builder.material(color, 0.6 * color, Texture.GRASS, nir=0.85 * LEAF_NIR)
    return float(path), float(grass), -rng.uniform(0.6, 1.8)


def lamp_and_sun(camera: Camera, place_outdoor: bool, world: World, turn: np.ndarray) -> np.ndarray:
    """Light vector (9,) for `tracing.trace`: the camera's sun direction in the place's coordinates, strengths, lamp."""
    toward = turn @ (axes(camera)[0].T @ np.array(camera.light))
    reference = float(np.hypot(camera.height - 0.9, camera.distance))
    pools = (0.25 if place_outdoor else 0.9) * min(1.0, world.background_contrast)
    return np.array(
        [*toward, camera.sun, camera.sky, pools, float(place_outdoor), reference, world.lamp_falloff]
    )


def picture(
    camera: Camera, place: Place, spot: float, world: World, size: tuple[int, int], margin: int
) -> np.ndarray:
    """Trace what the camera sees when it and the person stand at x = ``spot``.

    Returns (height + 2 margin, width + 2 margin, 5) float32 as `tracing.trace` does.
    """
    scale, axis_row = nominal_scale(camera, size[0])
    turn = about_y(camera.turn).astype(float)
    rotation, origin = axes(camera)
    position = turn @ origin + [spot, 0.0, 0.0]
    frame = np.vstack([rotation @ turn.T, position])
    height, width = size[0] + 2 * margin, size[1] + 2 * margin
    solids = _in_view(place.solids, frame, 0.5 * width / scale)
    intrinsics = np.array([scale, axis_row + margin, 0.5 * width])
    light = lamp_and_sun(camera, place.outdoor, world, turn)
    grounds = np.array(place.grounds)
    made = trace(
        frame, intrinsics, solids, place.materials, grounds, light, camera.infrared, 2, height, width
    )
    if camera.infrared:
        made[..., :3] *= world.nir_background**GAMMA
    return made


def _in_view(solids: np.ndarray, frame: np.ndarray, slope: float) -> np.ndarray:
    """Solids that are seen or darken what is seen: all whose bounding circle meets the cone of view."""
    if len(solids) == 0:
        return solids
    box, bush = solids[:, 0] == 0, solids[:, 0] == 2
    low = np.where(box[:, None], solids[:, [1, 3]], solids[:, [1, 2]])
    high = np.where(box[:, None], solids[:, [4, 6]], solids[:, [1, 2]])
    low[bush], high[bush] = solids[bush][:, [1, 3]], solids[bush][:, [1, 3]]
    center, radius = 0.5 * (low + high), 0.5 * np.linalg.norm(high - low, axis=1)
    radius = radius + np.where(bush, solids[:, 4], np.where(box, 0.0, solids[:, 3]))
    ahead = -frame[2][[0, 2]] / np.linalg.norm(frame[2][[0, 2]])
    offset = center - frame[3][[0, 2]]
    along = offset @ ahead
    aside = np.abs(offset[:, 0] * ahead[1] - offset[:, 1] * ahead[0])
    return solids[(aside < radius + 0.8 + 1.1 * slope * np.maximum(along, 0)) & (along > -radius)]


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
    (spots, height + 2 margin, width + 2 margin, 4) float32
        Linear light (three equal channels for an infrared camera), and the share of each pixel that is floor.
    """
    rng = generator(seed, Purpose.SPOT, camera.number)
    places = np.linspace(-5, 5, world.spots + 2)[1:-1] + rng.uniform(-1, 1, world.spots)
    return np.stack([picture(camera, place, x, world, size, margin)[..., :4] for x in places])
