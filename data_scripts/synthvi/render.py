"""Person + camera + capture -> image. A `Studio` holds what all images of a world share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .appearances import appearance_counts
from .captures import MARGIN, Capture, Walk, draw_capture, draw_walk
from .display import GAMMA
from .image.gbuffer import Buffers, draw_buffers
from .image.sensor import develop, smear, through_jpeg
from .image.sensor_noise import standard_normal
from .image.shading import shade_infrared, shade_visible
from .image.shadow import cast_shadow, ground_shadow
from .person.body import Body, load_body
from .person.collars import tailored
from .person.folds import relief
from .person.outfit import Outfit, dress
from .person.season import dress_for_heat
from .person.wardrobe import Person, Style, draw_palette, draw_person
from .place.cameras import Camera, draw_cameras
from .place.foreground import (
    CROWD,
    VARIANTS,
    Cutout,
    bystander_capture,
    draw_obstacle,
    lay_over,
    side_column,
    trimmed,
    uncovered,
)
from .place.scenes import Place, draw_place, render_spots
from .seeds import Draws, Purpose, generator, root
from .world import Preset, World, camera_numbers

Layer = tuple[np.ndarray, np.ndarray]  # linear light times coverage (h, w, c), coverage (h, w)


class Shot(NamedTuple):
    """One image and what is known of it."""

    image: np.ndarray  # (height, width, 3) uint8
    # (height, width) bool: more than half of the pixel shows the person, obstacles taken off
    mask: np.ndarray
    capture: Capture  # its `hidden` says how much of the person an obstacle hides


@dataclass
class Studio:
    """Everything that the images of one world share; made once in each process.

    Parameters
    ----------
    seed : int
        Of everything that is drawn: people, places, cameras, captures.
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
    def appearance_counts(self) -> np.ndarray:
        """Images per person and camera, (people, cameras)."""
        return appearance_counts(self.root, self.world, self.preset)

    def person(self, number: int) -> Person:
        """Identity ``number`` of this world."""
        return self._draw_person(Purpose.PERSON, number)

    def cameras_of(self, number: int) -> list[int]:
        """Numbers of the cameras that see identity ``number``."""
        numbers = camera_numbers(self.world)
        return [numbers[column] for column in np.flatnonzero(self.appearance_counts[number - 1])]

    def capture(
        self, number: int, camera_id: int, index: int, person: Person
    ) -> tuple[Capture, np.random.Generator]:
        """Draw what changes from image to image; also returns the generator that then gives the sensor noise."""
        rng = generator(self.root, Purpose.CAPTURE, number, camera_id, index)
        walk = self._walk(number, camera_id, index // self.world.images_per_walk)
        draws = self._draws("capture", number, camera_id, index)
        return draw_capture(rng, draws, self.world, walk, person.style, self.cameras[camera_id].quality), rng

    def _walk(self, number: int, camera_id: int, which: int) -> Walk:
        """Walk ``which`` of a person past a camera; the last one is kept, as its images follow each other."""
        key = (number, camera_id, which)
        if key not in self._last_walk:
            order = generator(self.root, Purpose.HEADINGS, number, camera_id).permutation(self.world.headings)
            heading = self.cameras[camera_id].headings[order[which % len(order)]]
            rng, draws = generator(self.root, Purpose.WALK, *key), self._draws("walk", *key)
            walk = draw_walk(rng, draws, self.world, heading)
            self._last_walk = {key: walk}
        return self._last_walk[key]

    def render(self, number: int, camera_id: int, index: int, person: Person, outfit: Outfit) -> Shot:
        """Render one image, with its mask and its `Capture`."""
        capture, rng = self.capture(number, camera_id, index, person)
        camera = self.cameras[camera_id]
        buffers = draw_buffers(self.body, outfit, camera, capture, self.preset)
        return self.expose(buffers, person, camera, capture, rng)

    def dressed(self, number: int) -> tuple[Person, Outfit]:
        """Identity ``number`` and its mesh."""
        person = self.person(number)
        return person, dress(self.body, person)

    def shade(self, buffers: Buffers, person: Person, camera: Camera) -> Layer:
        """Shade buffers in the camera's spectrum; a picture of the image's size."""
        size, samples = (self.preset.height, self.preset.width), self.preset.supersampling
        color, cover = np.zeros((*size, 1 if camera.infrared else 3), np.float32), np.zeros(size, np.float32)
        style = Style(*(float(value) for value in tailored(person.style)))
        light = np.asarray(camera.light, dtype=np.float32)
        surfaces = (buffers.surface, buffers.rest, buffers.normal, buffers.ambient_occlusion)
        reflectance = person.infrared if camera.infrared else (person.visible**GAMMA).astype(np.float32)
        picture = (samples, relief(), buffers.corner, color, cover)
        if camera.infrared:
            shade_infrared(*surfaces, reflectance, style, light, self.world.nir_falloff, *picture)
        else:
            shade_visible(*surfaces, reflectance, style, light, camera.sun, camera.sky, *picture)
        return color, cover

    def expose(
        self, buffers: Buffers, person: Person, camera: Camera, capture: Capture, rng: np.random.Generator
    ) -> Shot:
        """Take the picture."""
        phase = person.style.fold_phase + capture.fold
        moved = dataclasses.replace(person, style=person.style._replace(fold_phase=phase))
        color, cover = self.shade(buffers, moved, camera)
        place = self._background(buffers, camera, capture)
        if capture.motion > 0:
            length, angle = capture.motion * self.preset.height, np.deg2rad(capture.heading)
            color, cover = smear(color, cover, length * abs(np.sin(angle)), 0.25 * length)
        shown, hidden = self._occlude(color, cover, camera, capture)
        gains = (
            np.full(1, camera.exposure)
            if camera.infrared
            else camera.exposure * np.asarray(camera.white_balance)
        )
        image = develop(
            color,
            place,
            cover,
            (gains * capture.light).astype(np.float32),
            camera.haze,
            camera.contrast,
            camera.saturation,
            0.35 if camera.infrared else 0.08,
            camera.blur,
            standard_normal(rng, color.shape, camera.noise),
        )
        if capture.quality:
            image = through_jpeg(image, capture.quality)
        image = np.repeat(image, 3, axis=2) if camera.infrared else image
        return Shot(image, shown > 0.5, dataclasses.replace(capture, hidden=hidden))

    def _background(self, buffers: Buffers, camera: Camera, capture: Capture) -> np.ndarray:
        """Linear light (h, w, c) float32 of the place with the person's shadow and perhaps somebody else."""
        crop = crop_background(
            self.spots[camera.number][capture.spot], self.preset, self.margin, capture.drift
        )
        shadow = ground_shadow(buffers, camera, self.preset)
        place = cast_shadow(crop, shadow, 1 if camera.infrared else 3)
        if capture.bystander:
            cutout = self._bystander(camera, int(capture.bystander_pick * CROWD), before=False)
            far = np.sign(capture.bystander_place) * 0.22 + 0.33 * capture.bystander_place
            left = self.preset.width * (0.5 + far) - 0.5 * cutout.alpha.shape[1]
            lay_over(place, np.ones(place.shape[:2], np.float32), cutout.color, cutout.alpha, int(left))
        return place

    def _occlude(
        self, color: np.ndarray, cover: np.ndarray, camera: Camera, capture: Capture
    ) -> tuple[np.ndarray, float]:
        """Lay the capture's occluder over the person, in place.

        Returns
        -------
        shown : (h, w) float32
            Share of each pixel that still shows the person.
        hidden : float
            Share of the person that the occluder hides.
        """
        if not capture.occluder:
            return cover, 0.0
        if capture.occluder == "person":
            cutout = self._bystander(camera, int(capture.occluder_pick * CROWD), before=True)
        else:
            cutout = self._obstacle(camera, capture.occluder, int(capture.occluder_pick * VARIANTS))
        left = side_column(capture.occluder, capture, self.world, self.preset.width, cutout.alpha.shape[1])
        shown = uncovered(cover, cutout.alpha, left)  # before the occluder joins the coverage
        return shown, float(lay_over(color, cover, cutout.color, cutout.alpha, left))

    def _obstacle(self, camera: Camera, kind: str, variant: int) -> Cutout:
        """An obstacle as this camera sees it, traced when first needed."""
        key = (camera.number, kind, variant)
        if key not in self._cutouts:
            self._cutouts[key] = draw_obstacle(camera, kind, variant, self.root, self.world, self.preset)
        return self._cutouts[key]

    def _bystander(self, camera: Camera, number: int, *, before: bool) -> Cutout:
        """Bystander ``number`` as this camera sees them, rendered when first needed."""
        key = (camera.number, number, before)
        if key not in self._cutouts:
            if number not in self._crowd:
                somebody = self._draw_person(Purpose.BYSTANDER, number)
                self._crowd[number] = somebody, dress(self.body, somebody)
            person, outfit = self._crowd[number]
            capture, nearer = bystander_capture(camera, number, before, self.root, self.world, person.style)
            color, cover = self.shade(
                draw_buffers(self.body, outfit, camera, capture, self.preset), person, camera
            )
            if camera.infrared:
                color = color * np.float32(
                    (camera.distance / (camera.distance - nearer)) ** self.world.lamp_falloff
                )
            self._cutouts[key] = trimmed(color, cover)
        return self._cutouts[key]

    def _draws(self, what: str, *numbers: int) -> Draws:
        """Generators of one thing in this world."""
        return Draws(self.seed, self.world.name, what, *numbers)

    def _draw_person(self, purpose: Purpose, number: int) -> Person:
        """Draw somebody, dressed for the season."""
        draws = self._draws(purpose.name.lower(), number)
        person = draw_person(generator(self.root, purpose, number), draws, self.world, self.colors)
        season = generator(self.root, Purpose.SEASON, int(purpose), number)
        return dress_for_heat(person, season) if season.uniform() < self.world.summer else person


def crop_background(spot: np.ndarray, preset: Preset, margin: int, drift: tuple[float, float]) -> np.ndarray:
    """Cut an image's background out of a spot's picture."""
    row = margin + int(round(drift[0] * preset.height))
    column = margin + int(round(drift[1] * preset.height))
    return spot[row : row + preset.height, column : column + preset.width]
