"""Person + camera + capture -> image. A `Studio` holds what all images of a world share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .appearances import appearance_counts
from .captures import CROWD, Capture, Passer, Stand, Walk, draw_capture, draw_passers, draw_walk
from .composition import Figure, compose
from .image.boxes import cut_out, detected, extent, share_inside
from .image.exposure import automatic_gain, metered
from .image.gbuffer import draw_buffers
from .image.layers import window_around
from .image.sensor import Exposure, exposed, through_jpeg
from .light import Light
from .person.body import Body, load_body
from .person.outfit import Outfit, dress
from .person.season import dress_for_heat
from .person.wardrobe import Person, draw_palette, draw_person
from .place.cameras import Camera, Frame, camera_point, draw_cameras, frame_of
from .place.obstacles import OBSTACLES, trace_obstacle
from .place.scenes import FREE, Place, draw_place, light_at, trace_frame
from .seeds import Draws, Purpose, generator, root
from .world import Preset, World, camera_numbers

BOX_HEIGHT = 1.9  # metres, of a usual person's
LARGE = (
    1.5  # times the saved height: from here on one sample a pixel errs no more than four do at usual sizes
)


class Measured(NamedTuple):
    """What is known of an image only when it is rendered."""

    hidden: float  # share of the person behind an obstacle or somebody else
    outside: float  # share of the person outside the box
    native_height: float  # of the box in the frame, pixels
    overlap: float  # intersection over union of the box with the smallest one around the person
    gain: float  # of the sensor
    accompanied: bool  # the person's companion is there


class Shot(NamedTuple):
    """One image and what is known of it."""

    image: np.ndarray  # (height, width, 3) uint8
    # (height, width) bool: more than half of the pixel shows the person, obstacles taken off
    mask: np.ndarray
    capture: Capture
    measured: Measured


@dataclass
class Studio:
    """Everything that the images of one world share; made once in each process.

    Parameters
    ----------
    seed : int
        Of everything that is drawn: people, places, cameras, captures.
    world, preset : World, Preset
        Knobs and sizes.
    traced : Path, optional
        Folder with the cameras' frames, ``<number>.npy``, as `trace` makes them; without it each is traced when first needed.
    """

    seed: int
    world: World
    preset: Preset
    traced: Path | None = None
    _pictures: dict[int, np.ndarray] = field(default_factory=dict)
    _metered: dict[int, float] = field(default_factory=dict)
    _crowd: dict[int, tuple[Person, Outfit]] = field(default_factory=dict)
    _companions: dict[int, int] = field(default_factory=dict)
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
    def camera_numbers(self) -> list[int]:
        """Their numbers, ascending: columns of `appearance_counts`."""
        return list(camera_numbers(self.world))

    @cached_property
    def frames(self) -> dict[int, Frame]:
        """What each camera sees, by number."""
        return {number: frame_of(camera, self.preset) for number, camera in self.cameras.items()}

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
    def appearance_counts(self) -> np.ndarray:
        """Images per person and camera, (people, cameras)."""
        return appearance_counts(self.root, self.world, self.preset)

    def trace(self, number: int) -> np.ndarray:
        """Trace the empty frame of a camera, see `scenes.trace_frame`."""
        camera = self.cameras[number]
        return trace_frame(camera, self.frames[number], self.places[camera.place], self.world)

    def place_picture(self, number: int) -> np.ndarray:
        """The empty frame of a camera (h, w, c + 2) float32."""
        if number not in self._pictures:
            stored = self.traced and self.traced / f"{number}.npy"
            self._pictures[number] = (
                np.asarray(np.load(stored, mmap_mode="r")) if stored else self.trace(number)
            )
        return self._pictures[number]

    def metered(self, number: int) -> float:
        """Mean light of a camera's empty frame, which its automatic gain goes by."""
        if number not in self._metered:
            self._metered[number] = metered(self.place_picture(number), self.cameras[number])
        return self._metered[number]

    def gain(self, number: int, distance: float, light: Light) -> float:
        """Automatic gain of a camera for a walk ``distance`` metres away in ``light``."""
        place = self.metered(number)
        return automatic_gain(self.cameras[number], place, distance, light, self.world.metering)

    def person(self, number: int) -> Person:
        """Identity ``number`` of this world."""
        return self._draw_person(Purpose.PERSON, number)

    def dressed(self, number: int) -> tuple[Person, Outfit]:
        """Identity ``number`` and its mesh."""
        person = self.person(number)
        return person, dress(self.body, person)

    def cameras_of(self, number: int) -> list[int]:
        """Numbers of the cameras that see identity ``number``."""
        return [self.camera_numbers[column] for column in np.flatnonzero(self.appearance_counts[number - 1])]

    def walk_of(self, number: int, camera_id: int, index: int) -> int:
        """Which walk past a camera image ``index`` of identity ``number`` shows: everybody walks past twice, if seen twice."""
        images = self.appearance_counts[number - 1, self.camera_numbers.index(camera_id)]
        return index // min(self.world.images_per_walk, max(1, int(images) // 2))

    def walk(self, number: int, camera_id: int, which: int) -> Walk:
        """Walk ``which`` of a person past a camera; the last one is kept, as its images follow each other."""
        key = (number, camera_id, which)
        if key not in self._last_walk:
            camera, turn = self.cameras[camera_id], 0
            if camera.headings:  # one after another, in an order of this person's
                order = self._draws("headings", number, camera_id)("order").permutation(len(camera.headings))
                turn = int(order[which % len(camera.headings)])
            self._last_walk = {key: draw_walk(self._draws("walk", *key), self.world, camera, turn)}
        return self._last_walk[key]

    def capture(self, number: int, camera_id: int, index: int, person: Person) -> Capture:
        """Draw what changes from image to image."""
        walk = self.walk(number, camera_id, self.walk_of(number, camera_id, index))
        draws = self._draws("capture", number, camera_id, index)
        return draw_capture(draws, self.world, walk, person.style, self.cameras[camera_id])

    def render(self, number: int, camera_id: int, index: int, person: Person, outfit: Outfit) -> Shot:
        """Render one image, with its mask and what is known of it."""
        capture = self.capture(number, camera_id, index, person)
        draws = self._draws("capture", number, camera_id, index)
        camera, frame, picture = (
            self.cameras[camera_id],
            self.frames[camera_id],
            self.place_picture(camera_id),
        )
        own = self.figure(person, outfit, camera_id, capture.stand)
        person_box = extent(own.buffers.surface, own.buffers.corner, own.buffers.samples)
        box = detected(person_box, capture, self.preset.width / self.preset.height, frame)
        window, obstacle = window_around(box, frame), None
        if capture.occluder in OBSTACLES:
            feet = camera_point(camera, capture.stand.distance, capture.stand.aside)
            lit = dataclasses.replace(camera, light=own.light)
            obstacle = trace_obstacle(
                draws, lit, frame, feet, capture.occluder, capture.occluder_reach, capture.occluder_side,
                self.world, window,
            )  # fmt: skip
        companion = self.companion(number)
        passers = draw_passers(draws, self.world, capture, companion, camera.farthest + FREE)
        figures = [own, *(self._passer(camera_id, passer) for passer in passers)]
        scene = compose(picture, window, camera, frame, figures, capture, obstacle)
        gain = capture.light * self.gain(camera_id, capture.metered, own.light)
        exposure = Exposure(gain, self.world.sensor_noise)
        image = exposed(scene.light, camera, frame, window[:2], exposure, draws("grain"))
        size = (self.preset.height, self.preset.width)
        image = cut_out(through_jpeg(image, capture.quality), box, window[:2], size)
        mask = cut_out((255.0 * scene.shown + 0.5).astype(np.uint8), box, window[:2], size) > 127
        image = np.repeat(image, 3, axis=2) if camera.infrared else image
        outside = 1.0 - share_inside(own.buffers.surface, own.buffers.corner, own.buffers.samples, box)
        accompanied = companion >= 0 and capture.accompanied
        measured = Measured(
            scene.hidden, outside, box.bottom - box.top, box.overlap(person_box), float(gain), accompanied
        )
        return Shot(image, mask, capture, measured)

    def figure(self, person: Person, outfit: Outfit, camera_id: int, stand: Stand) -> Figure:
        """Put a dressed person into a camera's frame."""
        camera, frame = self.cameras[camera_id], self.frames[camera_id]
        large = frame.focal * BOX_HEIGHT > LARGE * self.preset.height * stand.distance
        samples = 1 if large else self.preset.supersampling
        buffers = draw_buffers(self.body, outfit, camera, frame, stand, samples)
        feet = camera_point(camera, stand.distance, stand.aside)
        return Figure(
            person, outfit, stand, buffers, light_at(camera, self.places[camera.place], feet, self.world)
        )

    def companion(self, number: int) -> int:
        """Who of the crowd always walks with identity ``number``; -1: nobody."""
        if number not in self._companions:
            chance, pick = self._draws("person", number)("companion").uniform(size=2)
            self._companions[number] = int(pick * CROWD) if chance < self.world.companions else -1
        return self._companions[number]

    def _passer(self, camera_id: int, passer: Passer) -> Figure:
        """Figure of the crowd in a camera's frame, dressed when first needed."""
        if passer.number not in self._crowd:
            person = self._draw_person(Purpose.BYSTANDER, passer.number)
            self._crowd[passer.number] = person, dress(self.body, person)
        return self.figure(*self._crowd[passer.number], camera_id, passer.stand)

    def _draws(self, what: str, *numbers: int) -> Draws:
        """Generators of one thing in this world."""
        return Draws(self.seed, self.world.name, what, *numbers)

    def _draw_person(self, purpose: Purpose, number: int) -> Person:
        """Draw own, dressed for the season."""
        draws = self._draws(purpose.name.lower(), number)
        person = draw_person(generator(self.root, purpose, number), draws, self.world, self.colors)
        season = generator(self.root, Purpose.SEASON, int(purpose), number)
        return dress_for_heat(person, season) if season.uniform() < self.world.summer else person
