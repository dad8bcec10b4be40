"""Person + camera + shot -> image. A `Studio` holds what all images of a world share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .appearances import sightings
from .captures import MARGIN, Shot, Walk, draw_shot, draw_walk
from .image.gbuffer import Buffers, draw_buffers
from .image.sensor import develop, smear, through_jpeg
from .image.sensor_noise import grain
from .image.shading import shade_infrared, shade_visible
from .image.shadow import cast_shadow, ground_shadow
from .person.body import Body, load_body
from .person.folds import relief
from .person.materials import GAMMA
from .person.outfit import Outfit, dress
from .person.season import dress_for_heat
from .person.wardrobe import Person, Style, draw_palette, draw_person
from .place.cameras import Camera, draw_cameras
from .place.foreground import (
    CROWD,
    VARIANTS,
    Cutout,
    bystander_shot,
    draw_obstacle,
    lay_over,
    side_column,
    trimmed,
)
from .place.scenes import Place, draw_place, render_spots
from .seeds import Purpose, generator, root
from .world import Preset, World, camera_numbers

Layer = tuple[np.ndarray, np.ndarray]  # linear light times coverage (h, w, c), coverage (h, w)


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
    _cutouts: dict[tuple, Cutout] = field(default_factory=dict)
    _crowd: dict[int, tuple[Person, Outfit]] = field(default_factory=dict)
    _last_walk: dict[tuple[int, int, int], Walk] = field(default_factory=dict)

    @cached_property
    def root(self) -> int:
        """Seed of every draw."""
        return root(self.seed, self.world.name)

    @cached_property
    def body(self) -> Body:
        """The body asset."""
        return load_body()

    @cached_property
    def cameras(self) -> dict[int, Camera]:
        """The cameras by number."""
        return draw_cameras(self.root, self.world)

    @cached_property
    def places(self) -> dict[int, Place]:
        """Places by number."""
        numbers = {camera.place for camera in self.cameras.values()}
        return {number: draw_place(number, self.root, self.world) for number in sorted(numbers)}

    @cached_property
    def colors(self) -> np.ndarray:
        """Cloth colours of this world."""
        return draw_palette(generator(self.root, Purpose.PALETTE), self.world)

    @cached_property
    def margin(self) -> int:
        """Spare pixels around each background."""
        return int(MARGIN * self.preset.height)

    @cached_property
    def spots(self) -> dict[int, np.ndarray]:
        """Backgrounds of every camera."""
        size = (self.preset.height, self.preset.width)
        return {
            number: render_spots(camera, self.places[camera.place], self.world, size, self.margin, self.root)
            for number, camera in self.cameras.items()
        }

    @cached_property
    def sightings(self) -> np.ndarray:
        """Images per person and camera, (people, cameras)."""
        return sightings(self.root, self.world, self.preset)

    def person(self, number: int) -> Person:
        """Identity ``number`` of this world."""
        return self._draw_person(Purpose.PERSON, number)

    def cameras_of(self, number: int) -> list[int]:
        """Which cameras see identity ``number``."""
        numbers = camera_numbers(self.world)
        return [numbers[column] for column in np.flatnonzero(self.sightings[number - 1])]

    def shot(self, number: int, camera: int, index: int, person: Person) -> tuple[Shot, np.random.Generator]:
        """Factors of one image, and the generator that its sensor noise comes from."""
        rng = generator(self.root, Purpose.SHOT, number, camera, index)
        walk = self._walk(number, camera, index // self.world.walk_shots)
        return draw_shot(rng, self.world, walk, person.style, self.cameras[camera].quality), rng

    def _walk(self, number: int, camera: int, which: int) -> Walk:
        """Walk ``which`` of a person past a camera; the last one is kept, as its images follow each other."""
        key = (number, camera, which)
        if key not in self._last_walk:
            order = generator(self.root, Purpose.HEADINGS, number, camera).permutation(self.world.headings)
            heading = self.cameras[camera].headings[order[which % len(order)]]
            walk = draw_walk(generator(self.root, Purpose.WALK, *key), self.world, heading)
            self._last_walk = {key: walk}
        return self._last_walk[key]

    def render(
        self, number: int, camera: int, index: int, person: Person, outfit: Outfit
    ) -> tuple[np.ndarray, Shot]:
        """Render one image (height, width, 3) uint8; its factors, with the share of the person that is hidden."""
        shot, rng = self.shot(number, camera, index, person)
        lens = self.cameras[camera]
        buffers = draw_buffers(self.body, outfit, lens, shot, self.preset)
        image, hidden = self.expose(buffers, person, lens, shot, rng)
        return image, dataclasses.replace(shot, hidden=hidden)

    def dressed(self, number: int) -> tuple[Person, Outfit]:
        """Identity ``number`` and its mesh."""
        person = self.person(number)
        return person, dress(self.body, person)

    def shade(self, buffers: Buffers, person: Person, lens: Camera) -> Layer:
        """Shade buffers in the camera's spectrum; a picture of the image's size."""
        size, samples = (self.preset.height, self.preset.width), self.preset.supersampling
        color, cover = np.zeros((*size, 1 if lens.infrared else 3), np.float32), np.zeros(size, np.float32)
        style = Style(*(float(value) for value in person.style))
        light = np.asarray(lens.light, dtype=np.float32)
        surfaces = (buffers.surface, buffers.rest, buffers.normal, buffers.hollow)
        reflectance = ((person.infrared if lens.infrared else person.visible) ** GAMMA).astype(np.float32)
        picture = (samples, relief(), buffers.corner, color, cover)
        if lens.infrared:
            shade_infrared(*surfaces, reflectance, style, light, self.world.nir_falloff, *picture)
        else:
            shade_visible(*surfaces, reflectance, style, light, lens.sun, lens.sky, *picture)
        return color, cover

    def expose(
        self, buffers: Buffers, person: Person, lens: Camera, shot: Shot, rng: np.random.Generator
    ) -> tuple[np.ndarray, float]:
        """Take the picture (height, width, 3) uint8; also the share 0..1 of the person that is hidden."""
        color, cover = self.shade(buffers, person, lens)
        place = self._behind(buffers, lens, shot)
        if shot.motion > 0:
            length, angle = shot.motion * self.preset.height, np.deg2rad(shot.heading)
            color, cover = smear(color, cover, length * abs(np.sin(angle)), 0.25 * length)
        hidden = self._in_the_way(color, cover, lens, shot)
        gains = np.full(1, lens.exposure) if lens.infrared else lens.exposure * np.asarray(lens.white_balance)
        image = develop(
            color,
            place,
            cover,
            (gains * shot.light).astype(np.float32),
            lens.haze,
            lens.contrast,
            lens.saturation,
            0.35 if lens.infrared else 0.08,
            lens.blur,
            grain(rng, color.shape, lens.noise),
        )
        if shot.quality:
            image = through_jpeg(image, shot.quality)
        return (np.repeat(image, 3, axis=2) if lens.infrared else image), hidden

    def _behind(self, buffers: Buffers, lens: Camera, shot: Shot) -> np.ndarray:
        """Linear light (h, w, c) float32 of the place with the person's shadow and perhaps somebody else."""
        crop = crop_background(self.spots[lens.number][shot.spot], self.preset, self.margin, shot.drift)
        shadow = ground_shadow(buffers, lens, self.preset)
        place = cast_shadow(crop, shadow, 1 if lens.infrared else 3)
        if shot.bystander:
            cutout = self._bystander(lens, int(shot.bystander_pick * CROWD), before=False)
            far = np.sign(shot.bystander_place) * 0.22 + 0.33 * shot.bystander_place
            left = self.preset.width * (0.5 + far) - 0.5 * cutout.alpha.shape[1]
            lay_over(place, np.ones(place.shape[:2], np.float32), cutout.color, cutout.alpha, int(left))
        return place

    def _in_the_way(self, color: np.ndarray, cover: np.ndarray, lens: Camera, shot: Shot) -> float:
        """Lay the shot's obstacle over the person, in place; the share of the person that it hides."""
        if not shot.occluder:
            return 0.0
        if shot.occluder == "person":
            cutout = self._bystander(lens, int(shot.occluder_pick * CROWD), before=True)
        else:
            cutout = self._obstacle(lens, shot.occluder, int(shot.occluder_pick * VARIANTS))
        left = side_column(shot.occluder, shot, self.world, self.preset.width, cutout.alpha.shape[1])
        return float(lay_over(color, cover, cutout.color, cutout.alpha, left))

    def _obstacle(self, lens: Camera, kind: str, variant: int) -> Cutout:
        """An obstacle as this camera sees it, traced when first needed."""
        key = (lens.number, kind, variant)
        if key not in self._cutouts:
            self._cutouts[key] = draw_obstacle(lens, kind, variant, self.root, self.world, self.preset)
        return self._cutouts[key]

    def _bystander(self, lens: Camera, number: int, *, before: bool) -> Cutout:
        """Bystander ``number`` as this camera sees them, rendered when first needed."""
        key = (lens.number, number, before)
        if key not in self._cutouts:
            if number not in self._crowd:
                somebody = self._draw_person(Purpose.BYSTANDER, number)
                self._crowd[number] = somebody, dress(self.body, somebody)
            person, outfit = self._crowd[number]
            shot, nearer = bystander_shot(lens, number, before, self.root, self.world, person.style)
            color, cover = self.shade(draw_buffers(self.body, outfit, lens, shot, self.preset), person, lens)
            if lens.infrared:
                color = color * np.float32(
                    (lens.distance / (lens.distance - nearer)) ** self.world.lamp_falloff
                )
            self._cutouts[key] = trimmed(color, cover)
        return self._cutouts[key]

    def _draw_person(self, purpose: Purpose, number: int) -> Person:
        """Draw somebody, dressed for the season."""
        person = draw_person(generator(self.root, purpose, number), self.world, self.colors)
        season = generator(self.root, Purpose.SEASON, int(purpose), number)
        return dress_for_heat(person, season) if season.uniform() < self.world.summer else person


def crop_background(spot: np.ndarray, preset: Preset, margin: int, drift: tuple[float, float]) -> np.ndarray:
    """Cut an image's background out of a spot's picture."""
    row = margin + int(round(drift[0] * preset.height))
    column = margin + int(round(drift[1] * preset.height))
    return spot[row : row + preset.height, column : column + preset.width]
