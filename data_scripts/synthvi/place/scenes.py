"""The places that cameras see: plain rooms, streets and parks, traced once per camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..light import Light
from ..seeds import Draws, Purpose, generator
from ..world import World
from .cameras import Camera, Frame, is_outdoor
from .props import LEAF_NIR, Builder
from .textures import Texture
from .tracing import FLAT, arrange, pool, sees, trace

REACH = 13.0  # metres to the left and right that the chain of old furnishes
FREE = 0.8  # metres between the furniture and the line z = 0 that stay empty
ONE_FLOOR = -99.0  # the floor changes nowhere
CEILING = 6.1  # metres: above every camera

Grounds = tuple[float, float, float]  # floor material before and behind z = the third number
Furnish = Callable[[float, float], None]  # between two x


@dataclass(frozen=True)
class Place:
    """One place in metres: floor y = 0, people where z ≥ 0, the wall behind them towards negative z."""

    solids: np.ndarray  # (k, 8), see solids.Solid
    materials: np.ndarray  # (m, 12), see props.Builder
    grounds: Grounds
    outdoor: bool


def draw_place(number: int, seed: int, world: World) -> Place:
    """Draw place ``number``; cameras in the same place get the same one.

    A chain of old draws what lies within `REACH`; streams of their own draw what lies beyond.
    """
    rng = generator(seed, Purpose.PLACE, number)
    builder = Builder(rng, world.place_hue, world.background_contrast)
    outdoor = is_outdoor(number, world)
    if outdoor:
        kind = str(rng.choice(["street", "park"], p=[0.6, 0.4]))
        grounds, furnish = _street(builder, world) if kind == "street" else _park(builder, world)
    else:
        kind = str(rng.choice(["corridor", "hall", "shop"]))
        grounds, furnish = _room(builder, world, kind)
    end = _end(world) if not outdoor else 2.0 * _end(world)
    for side, left, right in (("right", REACH + 1.5, end), ("left", -end, -REACH - 1.5)):
        builder.rng = Draws(seed, "place", number)(side)
        furnish(left, right)
    builder.rng = Draws(seed, "place", number)("floor")
    _marks(builder, world)
    return Place(*builder.arrays(), grounds, outdoor)


def _farthest(world: World) -> float:
    """Metres that nobody is farther from any camera."""
    return world.farthest * (1.0 + 0.17 * world.camera_gap * world.view_gap)


def _end(world: World) -> float:
    """How far from x = 0 rooms end, metres: people come as far as 0.75 of the farthest distance."""
    return max(REACH - 1.0, 0.8 * _farthest(world))


def _steps(
    rng: np.random.Generator, world: World, gaps: tuple[float, float], left: float, right: float
) -> list[float]:
    """Places along x where something may stand: closer together in a busier world, none in an empty one."""
    stops, x = [], left
    crowd = world.background_contrast
    while crowd > 0 and x < right:
        stops.append(x)
        x += rng.uniform(*gaps) / min(2.0, max(0.25, crowd))
    return stops


def _marks(builder: Builder, world: World) -> None:
    """Lay flat things on the floor where people walk: mats or mended patches, painted lines, covers of drains."""
    rng, end, far = builder.rng, _end(world), _farthest(world)
    for _ in range(round(0.05 * min(2.0, world.background_contrast) * end * far)):
        x, z, choice = rng.uniform(-end, end), rng.uniform(-0.5, far), rng.uniform()
        wide, deep = rng.uniform(0.5, 2.2, 2)
        if choice < 0.25:
            iron = builder.material(builder.dull((0.2, 0.45)), texture=Texture.SPECKLE)
            builder.cylinder(x, z, 0.15 + 0.12 * wide, (0.0, FLAT), iron)
        elif choice < 0.4:
            paint = builder.material(builder.dull((0.7, 0.9)), strength=0.5)
            along, across = (-end, end), (z, z + 0.12 + 0.06 * wide)
            x_range, z_range = (along, across) if deep < 1.0 else (across, along)
            builder.box(x_range, (0.0, FLAT), z_range, paint)
        else:
            color = builder.dull((0.25, 0.7), 0.4)
            patch = builder.material(color, 0.8 * color, Texture.SPECKLE, strength=0.3)
            builder.box((x, x + wide), (0.0, FLAT), (z, z + deep), patch)


def _room(builder: Builder, world: World, kind: str) -> tuple[Grounds, Furnish]:
    """Corridor, hall or shop: walls with a skirting, pillars, what hangs on the wall, what stands before it."""
    rng = builder.rng
    wall = rng.uniform(1.5, 2.6) if kind == "corridor" else rng.uniform(2.4, 4.5)
    light = builder.dull((0.55, 0.9))
    kinds = (Texture.PLAIN, Texture.PLAIN, Texture.BRICKS, Texture.TILES)
    texture = kinds[int(rng.integers(len(kinds)))]
    scale = (0.24, 0.08) if texture == Texture.BRICKS else (rng.uniform(0.3, 1.2), rng.uniform(0.3, 1.0))
    upper = builder.material(light, 0.8 * light, texture, scale, 0.16)
    lower = builder.material(builder.dull((0.3, 0.65), 0.3), strength=0.2)
    dark = builder.material(builder.dull((0.15, 0.4)))
    band = rng.uniform(0.7, 1.3)
    builder.box((-40, 40), (0, CEILING), (-wall - 0.3, -wall), upper)
    if rng.uniform() < 0.5:
        builder.box((-40, 40), (0, band), (-wall - 0.3, -wall + 0.008), lower)
    builder.box((-40, 40), (0, 0.1), (-wall - 0.3, -wall + 0.018), dark)
    end, near = _end(world), _farthest(world) + 1.0
    for side in (-end, end):  # the room's ends
        builder.box((min(side, 3 * side), max(side, 3 * side)), (0, CEILING), (-wall, near), upper)
    builder.box((-3 * end, 3 * end), (CEILING, CEILING + 0.3), (-wall - 0.3, near), upper)

    def furnish(left: float, right: float) -> None:
        rng = builder.rng
        for x in _steps(rng, world, (2.6, 5.0), left, right):
            _on_wall(builder, x, -wall, kind)
            if rng.uniform() < 0.55:
                builder.column(x - 0.5, -wall, CEILING, upper if rng.uniform() < 0.6 else lower)
        for x in _steps(rng, world, (1.1, 2.4), left, right):
            room = wall - FREE - 0.5
            far = -wall + 0.08 + (rng.uniform(0, max(room, 0.01)) if kind == "hall" else 0.0)
            _furniture(builder, x, far, kind)

    furnish(-REACH, REACH)
    first = builder.dull((0.35, 0.75))
    kinds = (Texture.TILES, Texture.TILES, Texture.PLANKS, Texture.SPECKLE)
    texture = kinds[int(rng.integers(len(kinds)))]
    size = rng.uniform(0.3, 0.8)
    scale = (1.6, 0.16) if texture == Texture.PLANKS else (size, size)
    floor = builder.material(first, 0.72 * first, texture, scale, 0.18)
    border = builder.material(builder.dull((0.25, 0.6), 0.3), strength=0.2)
    edge = -rng.uniform(0.5, wall) if rng.uniform() < 0.4 else ONE_FLOOR
    return (float(floor), float(border), edge), furnish


def _on_wall(builder: Builder, x: float, wall: float, kind: str) -> None:
    """Hang one window, door, poster or shelf on the wall, starting at x."""
    rng = builder.rng
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


def _furniture(builder: Builder, x: float, z: float, kind: str) -> None:
    """Stand one piece of furniture at (x, z), or nothing."""
    pieces = {
        "corridor": (builder.cabinet, builder.bench, builder.bin, builder.plant),
        "hall": (builder.bench, builder.plant, builder.table, builder.bin, builder.crates),
        "shop": (builder.crates, builder.cabinet, builder.table, builder.plant),
    }[kind]
    choice = int(builder.rng.integers(len(pieces) + 1))
    if choice < len(pieces):
        make = pieces[choice]
        with builder.behind(-FREE):
            make(x, z + (0.3 if make in (builder.plant, builder.bin) else 0.0))


def _street(builder: Builder, world: World) -> tuple[Grounds, Furnish]:
    """A house front behind a pavement, with trees, poles, benches and planters before it."""
    rng = builder.rng
    wall = rng.uniform(4.5, 8.0)
    color = builder.dull((0.4, 0.8), 0.3)
    texture = Texture.BRICKS if rng.uniform() < 0.5 else Texture.PLAIN
    front = builder.material(color, 0.7 * color, texture, (0.26, 0.09), 0.2)
    foot = builder.material(builder.dull((0.3, 0.5)), texture=Texture.SPECKLE)
    builder.box((-60, 60), (0, 9), (-wall - 1, -wall), front)
    builder.box((-60, 60), (0, 0.55), (-wall - 1, -wall + 0.06), foot)

    def furnish(left: float, right: float) -> None:
        rng = builder.rng
        for x in _steps(rng, world, (2.0, 3.2), left, right):
            if rng.uniform() < 0.25:
                builder.door(x, -wall)
            else:
                builder.window((x, x + rng.uniform(1.0, 1.6)), (1.0, 2.6), -wall)
        for x in _steps(rng, world, (1.6, 3.4), left, right):
            z = -rng.uniform(1.3, max(1.5, wall - 2.2))
            pieces = (builder.hedge, builder.bench, builder.bin, builder.tree, builder.planter, builder.kiosk)
            with builder.behind(-FREE):
                pieces[int(rng.integers(len(pieces)))](x, z)
            if rng.uniform() < 0.3:
                builder.pole(x + 0.8, z, rng.choice([1.0, 5.0]))

    furnish(-REACH, REACH)
    stone = builder.dull((0.4, 0.65))
    pavement = (
        builder.material(stone, 0.7 * stone, Texture.TILES, (rng.uniform(0.4, 0.8), 0.5), 0.3)
        if rng.uniform() < 0.6
        else builder.material(stone, 0.86 * stone, Texture.SPECKLE, strength=0.3)
    )
    dark = builder.dull((0.25, 0.4))
    road = builder.material(dark, 1.2 * dark, Texture.SPECKLE, strength=0.4, nir=0.35)
    return (float(pavement), float(road), -rng.uniform(1.0, 3.0)), furnish


def _park(builder: Builder, world: World) -> tuple[Grounds, Furnish]:
    """A path, grass, trees, hedges, benches, a railing, perhaps a low wall; the sky above."""
    rng = builder.rng
    builder.material(np.full(3, 0.5))

    def furnish(left: float, right: float) -> None:
        for x in _steps(builder.rng, world, (1.3, 2.8), left, right):
            pieces = (builder.tree, builder.hedge, builder.hedge, builder.bench, builder.tree)
            pieces[int(builder.rng.integers(5))](x, -builder.rng.uniform(2.0, 9.0))

    furnish(-REACH, REACH)
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
    return (float(path), float(grass), -rng.uniform(0.6, 1.8)), furnish


def trace_frame(camera: Camera, frame: Frame, place: Place, world: World) -> np.ndarray:
    """Trace what a camera sees of its place when nobody is there.

    Returns
    -------
    (height, width, c + 2) float32
        Linear light (c = 1 for an infrared camera, else 3), share of the pixel that is floor, and nearness: 1 / depth along the
        optical axis, 1/m, on average over the pixel; the sky's is 0.
    """
    pools = _pools(place, world)
    looks = place.solids, place.materials, place.grounds, camera.light
    return trace(arrange(*looks, infrared=camera.infrared, shadows=place.outdoor, pools=pools), frame)


def _pools(place: Place, world: World) -> float:
    """How uneven the light from all around is: the ceiling's lamps make pools of it, outdoors hardly anything does."""
    return (0.25 if place.outdoor else 0.9) * min(1.0, world.background_contrast)


def light_at(camera: Camera, place: Place, ground: np.ndarray, world: World) -> Light:
    """Light on somebody at ``ground`` (3,), in the place's coordinates: under a brighter or a darker ceiling, perhaps behind a house."""
    light = camera.light
    if camera.infrared:
        return light
    around = 1.0 + _pools(place, world) * pool(ground[0], 0.9, ground[2])
    return light._replace(sky=light.sky * around, sun=light.sun * sun_share(camera, place, ground))


def sun_share(camera: Camera, place: Place, ground: np.ndarray) -> float:
    """Share of somebody at ``ground`` (3,), in the place's coordinates, that the place leaves the sun: its house may stand before it."""
    if not place.outdoor:
        return 1.0
    heights, toward = (0.1, 0.5, 0.9, 1.3, 1.7), np.array(camera.light.toward)
    return float(np.mean([sees(place.solids, ground[0], up, ground[2], toward) for up in heights]))
