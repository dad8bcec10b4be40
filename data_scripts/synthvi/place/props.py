"""Props, what stands in a place: walls, windows, doors, posters, furniture, plants, all built from three solids."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..person.materials import luminance
from .solids import Solid, bounds
from .textures import Texture

Range = tuple[float, float]
Point = tuple[float, float, float]
LEAF_NIR = 0.66  # leaves are bright at 850 nm
GLASS_NIR = 0.10  # a pane shows the dark behind it


class Builder:
    """Collects the solids and materials of one place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws sizes and colours.
    hue : float
        0..1, the hue that dull surfaces lean to.
    complexity : float
        0 = plain grey surfaces, 1 = as designed, more = stronger colours and textures.
    """

    def __init__(self, rng: np.random.Generator, hue: float, complexity: float) -> None:
        self.rng, self.hue, self.complexity = rng, hue, complexity
        self._solids: list[list[float]] = []
        self._materials: list[list[float]] = []

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Solids (k, 8) and materials (m, 12) as `tracing.arrange` wants them: two display colours, two 850 nm brightnesses, `Texture`, its two scales, strength."""
        return np.array(self._solids).reshape(-1, 8), np.array(self._materials).reshape(-1, 12)

    # --- colours and materials --------------------------------------------------------------------------------

    def dull(self, value: Range, saturation: float = 0.16) -> np.ndarray:
        """Draw a wall or floor colour: a display value from a range, little colour, mostly the place's hue."""
        hue = (self.hue + self.rng.normal(0, 0.06)) % 1.0
        return np.array(
            colorsys.hsv_to_rgb(hue, self.rng.uniform(0.02, saturation), self.rng.uniform(*value))
        )

    def paint(self, value: Range = (0.25, 0.7), saturation: Range = (0.15, 0.5)) -> np.ndarray:
        """Draw the colour of a painted prop: any hue, not loud."""
        return np.array(
            colorsys.hsv_to_rgb(self.rng.uniform(), self.rng.uniform(*saturation), self.rng.uniform(*value))
        )

    def wood(self) -> np.ndarray:
        """Draw a brown."""
        return np.array(
            colorsys.hsv_to_rgb(
                self.rng.uniform(0.06, 0.11), self.rng.uniform(0.25, 0.5), self.rng.uniform(0.3, 0.65)
            )
        )

    def leaf(self) -> np.ndarray:
        """Draw a green."""
        return np.array(
            colorsys.hsv_to_rgb(
                self.rng.uniform(0.2, 0.36), self.rng.uniform(0.3, 0.55), self.rng.uniform(0.25, 0.5)
            )
        )

    def material(
        self,
        color: np.ndarray,
        second: np.ndarray | None = None,
        texture: Texture = Texture.PLAIN,
        scale: tuple[float, float] = (1.0, 1.0),
        strength: float = 0.25,
        nir: float | None = None,
    ) -> int:
        """Add a material; its 850 nm brightness follows its luminance by half unless ``nir`` is given."""
        second = color if second is None else second
        plain = min(1.0, self.complexity)
        colors = [0.5 + plain * (np.clip(c, 0, 1) - 0.5) for c in (color, second)]
        own = self.rng.uniform(0.35, 0.8)
        brights = [0.5 * luminance(c) + 0.5 * own if nir is None else nir for c in colors]
        if nir is not None and second is not color:
            brights[1] *= 0.75
        row = [*colors[0], *colors[1], *brights, float(texture), *scale, self.complexity * strength]
        self._materials.append([float(value) for value in row])
        return len(self._materials) - 1

    # --- solids -----------------------------------------------------------------------------------------------

    def box(self, x: Range, y: Range, z: Range, material: int) -> None:
        """Add an axis-aligned box."""
        self._solids.append([Solid.BOX, x[0], y[0], z[0], x[1], y[1], z[1], material])

    def cylinder(self, x: float, z: float, radius: float, y: Range, material: int) -> None:
        """Add an upright cylinder."""
        self._solids.append([Solid.CYLINDER, x, z, radius, *y, 0.0, material])

    def bush(self, center: Point, radii: Point, material: int) -> None:
        """Add an ellipsoid of leaves."""
        self._solids.append([Solid.BUSH, *center, *radii, material])

    @contextmanager
    def behind(self, most: float) -> Iterator[None]:
        """Shift what is added meanwhile back, as a whole, until nothing of it stands at a larger z than ``most``."""
        first = len(self._solids)
        yield
        made = np.array(self._solids[first:]).reshape(-1, 8)
        low, high = bounds(made)
        excess = high[low[:, 1] < 1.0, 2].max(initial=most) - most  # crowns of trees may hang over
        for row in self._solids[first:]:
            for column in {Solid.BOX: (3, 6), Solid.CYLINDER: (2,), Solid.BUSH: (3,)}[Solid(int(row[0]))]:
                row[column] -= float(excess)

    # --- on a wall (its front at z) ---------------------------------------------------------------------------

    def window(self, x: Range, y: Range, z: float) -> None:
        """Add a framed window with a bar in the middle and a sill."""
        frame = self.material(self.dull((0.6, 0.9)))
        glass = self.material(
            self.dull((0.75, 0.95)), self.dull((0.25, 0.45)), Texture.GLASS, (1.0, y[1]), 0.05, GLASS_NIR
        )
        middle = 0.5 * (x[0] + x[1])
        self.box(x, y, (z - 0.02, z + 0.04), frame)
        for left, right in ((x[0] + 0.06, middle - 0.03), (middle + 0.03, x[1] - 0.06)):
            self.box((left, right), (y[0] + 0.07, y[1] - 0.07), (z - 0.02, z + 0.045), glass)
        self.box((x[0] - 0.06, x[1] + 0.06), (y[0] - 0.05, y[0]), (z - 0.02, z + 0.14), frame)

    def door(self, x: float, z: float) -> None:
        """Add a door with a frame, a handle and perhaps a pane."""
        leaf = self.material(self.wood() if self.rng.uniform() < 0.5 else self.paint((0.3, 0.7), (0.05, 0.3)))
        frame = self.material(self.dull((0.3, 0.85)))
        metal = self.material(np.full(3, 0.6))
        self.box((x - 0.07, x + 1.02), (0.0, 2.15), (z - 0.02, z + 0.05), frame)
        self.box((x, x + 0.95), (0.01, 2.08), (z - 0.02, z + 0.055), leaf)
        self.box((x + 0.82, x + 0.9), (1.0, 1.05), (z, z + 0.11), metal)
        self.box((x + 0.05, x + 0.9), (0.02, 0.22), (z, z + 0.06), metal)
        if self.rng.uniform() < 0.5:
            pane = self.material(
                np.full(3, 0.75), np.full(3, 0.3), Texture.GLASS, (1.0, 2.0), 0.05, GLASS_NIR
            )
            self.box((x + 0.3, x + 0.65), (1.2, 1.9), (z, z + 0.06), pane)

    def poster(self, x: Range, y: Range, z: float) -> None:
        """Add a poster or notice board; its inks pale at 850 nm."""
        print_ = self.material(
            self.dull((0.7, 0.92)), self.paint((0.2, 0.6)), Texture.PRINT, (0.23, 0.19), 0.1, 0.72
        )
        edge = self.material(self.wood())
        self.box((x[0] - 0.03, x[1] + 0.03), (y[0] - 0.03, y[1] + 0.03), (z - 0.01, z + 0.02), edge)
        self.box(x, y, (z - 0.01, z + 0.025), print_)

    def shelf(self, x: Range, z: float, height: float) -> None:
        """Add a filled shelf that stands before the wall."""
        body = self.material(self.wood() if self.rng.uniform() < 0.5 else self.dull((0.5, 0.8)))
        goods = self.material(
            self.paint((0.4, 0.8)), self.paint((0.2, 0.6)), Texture.GOODS, (0.11, 0.36), 0.2
        )
        deep = self.rng.uniform(0.28, 0.4)
        self.box(x, (0.0, height), (z, z + deep), body)
        self.box((x[0] + 0.03, x[1] - 0.03), (0.08, height - 0.04), (z, z + deep + 0.004), goods)
        level = 0.36
        while level < height - 0.1:
            self.box(x, (level - 0.02, level + 0.015), (z, z + deep + 0.02), body)
            level += 0.36

    # --- on the floor -----------------------------------------------------------------------------------------

    def cabinet(self, x: float, z: float) -> None:
        """Add a cabinet, locker or machine with a joint between its doors."""
        wide, tall, deep = self.rng.uniform(0.5, 1.1), self.rng.uniform(0.7, 1.9), self.rng.uniform(0.35, 0.6)
        color = self.wood() if self.rng.uniform() < 0.3 else self.paint((0.3, 0.75), (0.03, 0.35))
        body = self.material(color, 0.45 * color, Texture.TILES, (wide / 2, tall / 2), 0.15)
        self.box((x, x + wide), (0.0, tall), (z, z + deep), body)

    def bench(self, x: float, z: float) -> None:
        """Add a bench: seat, back, legs."""
        wide = self.rng.uniform(1.1, 1.9)
        color = self.wood()
        slats = self.material(color, 0.3 * color, Texture.SLATS, (1.0, 0.11))
        legs = self.material(np.full(3, 0.22))
        self.box((x, x + wide), (0.40, 0.45), (z, z + 0.42), slats)
        self.box((x, x + wide), (0.52, 0.85), (z, z + 0.05), slats)
        for left in (x + 0.1, x + wide - 0.16):
            self.box((left, left + 0.06), (0.0, 0.85), (z + 0.04, z + 0.09), legs)
            self.box((left, left + 0.06), (0.0, 0.41), (z + 0.33, z + 0.38), legs)

    def table(self, x: float, z: float) -> None:
        """Add a table with something on it, and a chair's back behind it."""
        wide = self.rng.uniform(0.8, 1.4)
        top, legs = self.material(self.wood()), self.material(self.dull((0.15, 0.4)))
        self.box((x, x + wide), (0.71, 0.75), (z, z + 0.65), top)
        for left in (x + 0.03, x + wide - 0.08):
            for near in (z + 0.03, z + 0.57):
                self.box((left, left + 0.05), (0.0, 0.71), (near, near + 0.05), legs)
        parcel = self.material(self.paint())
        self.box((x + 0.15, x + 0.45), (0.75, 0.75 + self.rng.uniform(0.1, 0.4)), (z + 0.2, z + 0.42), parcel)
        seat = self.material(self.paint((0.2, 0.55)))
        self.box((x + 0.35, x + 0.8), (0.42, 0.95), (z - 0.3, z - 0.25), seat)

    def plant(self, x: float, z: float) -> None:
        """Add a potted plant."""
        pot = self.material(self.paint((0.3, 0.7), (0.05, 0.5)))
        color = self.leaf()
        leaves = self.material(color, 0.35 * color, Texture.LEAVES, nir=LEAF_NIR)
        radius, tall = self.rng.uniform(0.17, 0.26), self.rng.uniform(0.35, 0.6)
        self.cylinder(x, z, radius, (0.0, tall), pot)
        crown = self.rng.uniform(0.28, 0.5)
        self.bush((x, tall + 0.8 * crown, z), (0.9 * crown, crown, 0.9 * crown), leaves)

    def bin(self, x: float, z: float) -> None:
        """Add a round litter bin."""
        color = self.paint((0.15, 0.5), (0.05, 0.4))
        self.cylinder(
            x, z, self.rng.uniform(0.18, 0.28), (0.0, self.rng.uniform(0.55, 0.9)), self.material(color)
        )

    def crates(self, x: float, z: float) -> None:
        """Add a stack of boxes."""
        floor = 0.0
        for _ in range(int(self.rng.integers(1, 4))):
            wide, tall = self.rng.uniform(0.4, 0.7), self.rng.uniform(0.25, 0.45)
            shift = self.rng.uniform(-0.06, 0.06)
            card = self.material(self.wood() + self.rng.uniform(0.0, 0.2))
            self.box((x + shift, x + shift + wide), (floor, floor + tall), (z, z + 0.45), card)
            floor += tall

    def column(self, x: float, z: float, height: float, material: int) -> None:
        """Add a pillar, square or round, on a plinth."""
        wide = self.rng.uniform(0.3, 0.6)
        foot = self.material(self.dull((0.25, 0.5)))
        if self.rng.uniform() < 0.4:
            self.cylinder(x, z + wide / 2, wide / 2, (0.0, height), material)
            self.cylinder(x, z + wide / 2, wide / 2 + 0.02, (0.0, 0.12), foot)
            return
        self.box((x - wide / 2, x + wide / 2), (0.0, height), (z, z + wide), material)
        self.box((x - wide / 2 - 0.02, x + wide / 2 + 0.02), (0.0, 0.12), (z, z + wide + 0.02), foot)

    def tree(self, x: float, z: float) -> None:
        """Add a tree."""
        bark = self.material(0.6 * self.wood(), strength=0.8)
        color = self.leaf()
        leaves = self.material(color, 0.35 * color, Texture.LEAVES, nir=LEAF_NIR)
        radius, crown = self.rng.uniform(0.1, 0.2), self.rng.uniform(0.9, 1.5)
        self.cylinder(x, z, radius, (0.0, 2.3), bark)
        self.bush((x, 2.4 + 0.7 * crown, z), (crown, crown, crown), leaves)

    def hedge(self, x: float, z: float) -> None:
        """Add three touching bushes."""
        color = self.leaf()
        leaves = self.material(color, 0.35 * color, Texture.LEAVES, nir=LEAF_NIR)
        for step in (0.0, 0.65, 1.3):
            tall = self.rng.uniform(0.45, 0.8)
            self.bush((x + step, 0.55 * tall, z), (0.5, tall, 0.45), leaves)

    def pole(self, x: float, z: float, height: float) -> None:
        """Add a lamp post or bollard."""
        metal = self.material(self.dull((0.2, 0.5)))
        self.cylinder(x, z, self.rng.uniform(0.04, 0.07), (0.0, height), metal)
        self.cylinder(x, z, 0.11, (0.0, 0.15), metal)

    def railing(self, x: Range, z: float) -> None:
        """Add a railing: posts and three bars."""
        metal = self.material(self.paint((0.25, 0.6), (0.02, 0.3)))
        for level in (0.35, 0.65, 0.98):
            self.box(x, (level, level + 0.04), (z, z + 0.04), metal)
        posts = max(2, int((x[1] - x[0]) / 1.2) + 1)
        for post in np.linspace(x[0], x[1], posts):
            self.box((post - 0.03, post + 0.03), (0.0, 1.04), (z - 0.01, z + 0.05), metal)

    def planter(self, x: float, z: float) -> None:
        """Add a stone trough with a hedge in it."""
        stone = self.dull((0.4, 0.65))
        trough = self.material(stone, 0.6 * stone, Texture.SPECKLE, strength=0.3)
        earth = self.material(np.array([0.22, 0.17, 0.13]))
        wide, tall = self.rng.uniform(1.0, 1.8), self.rng.uniform(0.35, 0.55)
        self.box((x, x + wide), (0.0, tall), (z, z + 0.55), trough)
        self.box((x + 0.06, x + wide - 0.06), (tall, tall + 0.01), (z + 0.06, z + 0.49), earth)
        color = self.leaf()
        leaves = self.material(color, 0.35 * color, Texture.LEAVES, nir=LEAF_NIR)
        for step in np.arange(0.25, wide - 0.1, 0.4):
            self.bush((x + step, tall + 0.2, z + 0.27), (0.3, self.rng.uniform(0.25, 0.5), 0.27), leaves)

    def kiosk(self, x: float, z: float) -> None:
        """Add a machine or switch box on a plinth with a pane or a print in front."""
        color = self.paint((0.3, 0.75), (0.05, 0.4))
        body, foot = self.material(color), self.material(self.dull((0.2, 0.4)))
        wide, tall = self.rng.uniform(0.7, 1.2), self.rng.uniform(1.2, 1.9)
        front = self.material(
            self.dull((0.6, 0.9)), self.paint((0.2, 0.6)), Texture.PRINT, (0.2, 0.17), 0.1, 0.6
        )
        self.box((x - 0.03, x + wide + 0.03), (0.0, 0.12), (z - 0.03, z + 0.63), foot)
        self.box((x, x + wide), (0.12, tall), (z, z + 0.6), body)
        self.box((x + 0.08, x + wide - 0.08), (0.6 * tall, tall - 0.1), (z, z + 0.605), front)
