"""Person + camera + shot -> image. A `Studio` holds what all images of a world share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .body import Body, load_body
from .cameras import Camera, draw_cameras
from .materials import GAMMA
from .outfit import Outfit, dress
from .scenes import Place, draw_place, render_spots
from .seeds import Purpose, generator
from .sensor import develop
from .shading import shade_infrared, shade_visible
from .shots import MARGIN, Shot, draw_shot
from .stage import Buffers, draw_buffers, ground_shadow
from .wardrobe import Person, Style, draw_palette, draw_person
from .world import CAMERAS, Preset, World


@dataclass
class Studio:
    """Everything that the images of one world share; made once in each process.

    Parameters
    ----------
    seed : int
        Of the world: people, places, cameras, shots.
    world, preset : World, Preset
        Knobs and sizes.
    """

    seed: int
    world: World
    preset: Preset

    @cached_property
    def body(self) -> Body:
        """The body asset."""
        return load_body()

    @cached_property
    def cameras(self) -> dict[int, Camera]:
        """The six cameras."""
        return draw_cameras(self.seed, self.world)

    @cached_property
    def places(self) -> dict[int, Place]:
        """Places by number."""
        numbers = {camera.place for camera in self.cameras.values()}
        return {number: draw_place(number, self.seed, self.world) for number in sorted(numbers)}

    @cached_property
    def colors(self) -> np.ndarray:
        """Cloth colours of this world."""
        return draw_palette(generator(self.seed, Purpose.PALETTE), self.world)

    @cached_property
    def margin(self) -> int:
        """Spare pixels around each background."""
        return int(MARGIN * self.preset.height)

    @cached_property
    def spots(self) -> dict[int, np.ndarray]:
        """Backgrounds of every camera."""
        size = (self.preset.height, self.preset.width)
        return {
            number: render_spots(camera, self.places[camera.place], self.world, size, self.margin, self.seed)
            for number, camera in self.cameras.items()
        }

    def person(self, number: int) -> Person:
        """Identity ``number`` of this world."""
        return draw_person(generator(self.seed, Purpose.PERSON, number), self.world, self.colors)

    def cameras_of(self, number: int) -> list[int]:
        """Which cameras see identity ``number``: a random subset, sorted."""
        rng = generator(self.seed, Purpose.SUBSET, number)
        count = rng.integers(self.preset.least_cameras, self.preset.most_cameras + 1)
        return sorted(int(c) for c in rng.choice(CAMERAS, size=count, replace=False))

    def shot(self, number: int, camera: int, index: int, person: Person) -> tuple[Shot, np.random.Generator]:
        """Factors of one image, and the generator that its sensor noise comes from."""
        rng = generator(self.seed, Purpose.SHOT, number, camera, index)
        order = generator(self.seed, Purpose.HEADINGS, number, camera).permutation(self.world.headings)
        heading = self.cameras[camera].headings[order[index % len(order)]]
        return draw_shot(rng, self.world, heading, person.style), rng

    def render(
        self, number: int, camera: int, index: int, person: Person, outfit: Outfit
    ) -> tuple[np.ndarray, Shot]:
        """Render one image (height, width, 3) uint8."""
        shot, rng = self.shot(number, camera, index, person)
        lens = self.cameras[camera]
        buffers = draw_buffers(self.body, outfit, lens, shot, self.preset)
        return self.expose(buffers, person, lens, shot, rng), shot

    def dressed(self, number: int) -> tuple[Person, Outfit]:
        """Identity ``number`` and its mesh."""
        person = self.person(number)
        return person, dress(self.body, person)

    def expose(
        self, buffers: Buffers, person: Person, lens: Camera, shot: Shot, rng: np.random.Generator
    ) -> np.ndarray:
        """Shade buffers in the camera's spectrum and develop the picture."""
        ss = self.preset.supersampling
        place = crop_background(self.spots[lens.number][shot.spot], self.preset, self.margin, shot.drift)
        place = place * ground_shadow(buffers, self.preset, 0.30 if lens.infrared else 0.45)[..., None]
        style = Style(*(float(value) for value in person.style))
        light = np.asarray(lens.light, dtype=np.float32)
        surfaces = (buffers.surface, buffers.rest, buffers.normal)
        if lens.infrared:
            table = (person.infrared**GAMMA).astype(np.float32)
            grey, cover = shade_infrared(*surfaces, table, style, light, self.world.nir_falloff, ss)
            color, place, gains = grey[..., None], place[..., :1], np.full(1, lens.exposure)
        else:
            table = (person.visible**GAMMA).astype(np.float32)
            color, cover = shade_visible(*surfaces, table, style, light, lens.sun, lens.sky, ss)
            gains = lens.exposure * np.asarray(lens.white_balance)
        if shot.occluder:
            color, cover = occlude(color, cover, shot.occluder)
        noise = (lens.noise * rng.standard_normal(color.shape, dtype=np.float32)).astype(np.float32)
        image = develop(
            color,
            np.ascontiguousarray(place, dtype=np.float32),
            cover,
            (gains * shot.light).astype(np.float32),
            lens.haze,
            lens.contrast,
            lens.saturation,
            0.35 if lens.infrared else 0.08,
            lens.blur,
            noise,
        )
        return np.repeat(image, 3, axis=2) if lens.infrared else image


def crop_background(spot: np.ndarray, preset: Preset, margin: int, drift: tuple[float, float]) -> np.ndarray:
    """Cut an image's background out of a spot's picture."""
    row = margin + int(round(drift[0] * preset.height))
    column = margin + int(round(drift[1] * preset.height))
    return spot[row : row + preset.height, column : column + preset.width]


def occlude(
    color: np.ndarray, cover: np.ndarray, occluder: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Put a plain board before the person: at the left, the right, or below."""
    side, share, grey, wide = occluder
    height, width = cover.shape
    rows, columns = slice(None), slice(None)
    if side == 2:
        rows = slice(int(height * (1 - share)), None)
        columns = slice(int(width * (1 - wide) / 2), int(width * (1 + wide) / 2))
    elif side == 1:
        columns = slice(int(width * (1 - share)), None)
    else:
        columns = slice(0, int(width * share))
    color[rows, columns] = grey**GAMMA
    cover[rows, columns] = 1.0
    return color, cover
