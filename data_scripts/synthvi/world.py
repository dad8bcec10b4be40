"""Every knob of the generated world in one place, three worlds, and the presets that say how many people to render."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

VISIBLE_CAMERAS = (1, 2, 4, 5)  # of the default world, as in SYSU-MM01
INFRARED_CAMERAS = (3, 6)
CAMERAS = (1, 2, 3, 4, 5, 6)
MOST_CAMERAS = 16  # of one modality


@dataclass(frozen=True)
class World:
    """What the world is like. Every field but ``name`` can be changed with ``--set name=value``.

    The defaults are mild: a small network learns them in minutes on a laptop. World ``c`` is the harsh one.
    """

    name: str = "a"  # which world: other names, other people, places and cameras; set by --world
    # How much near-infrared keeps of a person.
    rho: float = 0.95  # 0..1, share of a garment's NIR brightness that follows its visible luminance; rest: the dye's own
    nir_noise: float = 0.03  # standard deviation of that relation, display units 0..1
    nir_background: float = 0.90  # brightness of the NIR background relative to the visible one
    nir_sensor_noise: float = 0.008  # standard deviation of the NIR sensor's noise, display units 0..1
    nir_falloff: float = 0.25  # 0..1, darkening of surfaces that turn away from the camera's lamp
    lamp_falloff: float = (
        0.4  # exponent of 1 / distance in the lamp's light on the place; 2 = a bare lamp, 0 = even light
    )
    # How different people are.
    wardrobe_colors: int = 40  # number of different cloth colours in this world
    pattern_share: float = 0.60  # share of upper garments with a pattern
    accessory_share: float = 0.55  # share of people with at least one of bag, hat
    shape_spread: float = 1.0  # 0 = everybody has the average body
    summer: float = 0.0  # share of people dressed for heat: no coat, short sleeves, often bare legs
    # The camera network.
    visible_cameras: int = 4  # numbered 1, 2, 4, 5, 7, 8, …
    infrared_cameras: int = 2  # numbered 3, 6, 9, …
    outdoor_share: float = 0.5  # share of cameras outdoors: the last of every six
    camera_height: float = 2.35  # metres above the floor, mean
    camera_distance: float = 5.0  # metres from the person, mean
    headings: int = 4  # number of walking directions each camera sees, 1..4
    heading_jitter: float = 14.0  # degrees, standard deviation around a heading
    heading_offset: float = 18.0  # degrees, largest shift of all headings of one camera
    # How different cameras are: the first is a factor on the four that follow it.
    camera_gap: float = 0.7  # 0 = all cameras alike, 1 = as designed
    color_gap: float = 1.0  # white balance and saturation
    exposure_gap: float = 1.0  # exposure, contrast, haze
    view_gap: float = 1.0  # height, distance, angle to the wall
    sharpness_gap: float = 1.0  # blur and JPEG quality
    sensor_noise: float = 0.012  # standard deviation of the visible sensors' noise, display units 0..1
    blur: float = 1.0  # factor on every camera's blur
    jpeg: float = 1.0  # share of images that went through JPEG
    jpeg_quality: float = 88.0  # mean over cameras, 1..100
    # Places.
    background_contrast: float = (
        0.4  # complexity: 0 = plain grey empty places, 1 = as designed, 2 = crowded and vivid
    )
    place_hue: float = 0.09  # 0..1, hue that walls and floors lean to
    spots: int = 6  # places to stand (background crops) per camera
    # How different shots are.
    walk_shots: int = (
        2  # consecutive images of one person and camera that show the same walk: heading, spot, light
    )
    occlusion: float = 0.03  # share of images in which something stands before the person
    occluding_people: float = 0.4  # share of those in which it is another person
    occlusion_depth: float = 1.0  # factor on how far it reaches over the person
    bystanders: float = 0.05  # share of images with another person behind
    truncation: float = 0.02  # share of images whose box cuts off feet, head or a side
    truncation_depth: float = 0.22  # largest share of the person cut off
    motion_blur: float = 0.05  # share of images with a moving person blurred
    motion_length: float = 0.025  # largest blur in walking direction, share of the image's height
    crop_jitter: float = 0.06  # largest shift and scale error of the person's box, share of its height
    light_jitter: float = 0.08  # standard deviation of the exposure between shots of one camera
    gait: float = 1.0  # factor on the length of steps and the swing of arms


WORLDS = {
    "a": World(),
    # For domain shift: mostly indoors, cool and bright places, summer clothes in fewer colours, high and blurry cameras.
    "b": World(
        name="b",
        outdoor_share=1 / 3,
        summer=0.75,
        wardrobe_colors=24,
        pattern_share=0.4,
        accessory_share=0.4,
        camera_height=3.2,
        camera_distance=6.0,
        heading_offset=40.0,
        blur=1.5,
        jpeg_quality=60.0,
        place_hue=0.58,
        occlusion=0.12,
        bystanders=0.2,
        lamp_falloff=1.6,
    ),
    # Harsh: cloth that near-infrared shows otherwise than daylight, dim lamps, cameras far apart, crowded places.
    "c": World(
        name="c",
        rho=0.75,
        nir_noise=0.10,
        nir_sensor_noise=0.015,
        nir_falloff=0.35,
        lamp_falloff=1.2,
        camera_gap=1.0,
        background_contrast=1.0,
        jpeg_quality=78.0,
        occlusion=0.08,
        bystanders=0.12,
        truncation=0.06,
        motion_blur=0.15,
    ),
}


def is_infrared(number: int) -> bool:
    """Whether camera ``number`` is infrared: every third is."""
    return number % 3 == 0


def camera_numbers(world: World) -> tuple[int, ...]:
    """Numbers of a world's cameras, sorted: the first visible ones and the first infrared ones."""
    visible = [number for number in range(1, 2 * MOST_CAMERAS) if not is_infrared(number)]
    infrared = [3 * k for k in range(1, MOST_CAMERAS + 1)]
    return tuple(sorted(visible[: world.visible_cameras] + infrared[: world.infrared_cameras]))


@dataclass(frozen=True)
class Preset:
    """How many people and images to render, and how large."""

    train_people: int  # identities 1 … train_people
    test_people: int  # the identities after them
    train_shots: int  # images per training person and camera
    test_shots: int  # images per test person and camera
    height: int = 128  # pixels
    width: int = 64  # pixels
    least_share: float = (
        0.6  # every person is seen by a random subset of the cameras: at least this share of them
    )
    most_share: float = 1.0  # at most this share
    most_shots: int = 0  # 0 = all; otherwise keep at most so many images per person and camera
    supersampling: int = 2  # pixels are the mean of supersampling² samples
    sysu_counts: int = 0  # 1 = images per person and camera from the table with SYSU-MM01's margins


PRESETS = {
    "tiny": Preset(train_people=4, test_people=3, train_shots=2, test_shots=1),
    "toy": Preset(train_people=120, test_people=160, train_shots=7, test_shots=2),
    "small": Preset(train_people=300, test_people=200, train_shots=10, test_shots=4),
    "sysu-shaped": Preset(
        train_people=395, test_people=96, train_shots=20, test_shots=20, height=288, width=144, sysu_counts=1
    ),
}


class KnobError(ValueError):
    """A knob or preset that does not exist, or a value that does not fit it."""


def preset_by_name(name: str) -> Preset:
    """Return the preset called ``name``; raise `KnobError` naming those that exist."""
    if name not in PRESETS:
        raise KnobError(f"There is no preset {name!r}. Presets: {', '.join(PRESETS)}.")
    return PRESETS[name]


def world_by_name(name: str) -> World:
    """Return the world called ``name``; raise `KnobError` naming those that exist."""
    if name not in WORLDS:
        raise KnobError(f"There is no world {name!r}. Worlds: {', '.join(WORLDS)}.")
    return WORLDS[name]


def apply_overrides(world: World, preset: Preset, overrides: list[str]) -> tuple[World, Preset]:
    """Apply ``name=value`` texts to the knobs of the world, or to the counts of the preset.

    Parameters
    ----------
    world, preset : World, Preset
        Where to start from.
    overrides : list of str
        Such as ``["rho=0.95", "train_people=20"]``.

    Returns
    -------
    World, Preset
        New objects; the given ones are not changed.

    Raises
    ------
    KnobError
        Unknown name, or a value of the wrong type or outside its range.
    """
    for text in overrides:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise KnobError(f"{text!r} has no value. Write it as name=value, for example rho=0.95.")
        if name in {field.name for field in dataclasses.fields(World)} - {"name"}:
            world = dataclasses.replace(world, **{name: _convert(name, value, type(getattr(world, name)))})
        elif name in {field.name for field in dataclasses.fields(Preset)}:
            preset = dataclasses.replace(preset, **{name: _convert(name, value, type(getattr(preset, name)))})
        else:
            fields = [*dataclasses.fields(World)[1:], *dataclasses.fields(Preset)]
            known = ", ".join(field.name for field in fields)
            raise KnobError(f"There is no knob {name!r}. Knobs: {known}.")
    check(world, preset)
    return world, preset


def _convert(name: str, value: str, kind: type) -> float | int:
    """Read ``value`` as the knob's own type."""
    try:
        return kind(value)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise KnobError(f"The knob {name} needs {wanted}, found {value!r}.") from None


SHARES = (
    "rho", "pattern_share", "accessory_share", "occlusion", "nir_falloff", "summer", "outdoor_share", "place_hue",
    "occluding_people", "bystanders", "truncation", "motion_blur", "jpeg",
)  # fmt: skip


def check(world: World, preset: Preset) -> None:
    """Raise `KnobError` for values that no world can have."""
    for name in SHARES:
        if not 0.0 <= getattr(world, name) <= 1.0:
            raise KnobError(f"The knob {name} is a share and must lie in 0..1, found {getattr(world, name)}.")
    for field in dataclasses.fields(World)[1:]:
        if not 0.0 <= getattr(world, field.name) < 1e6:
            raise KnobError(
                f"The knob {field.name} must not be negative, found {getattr(world, field.name)}."
            )
    if not 1 <= world.headings <= 4 or min(world.spots, world.walk_shots) < 1 or world.wardrobe_colors < 4:
        raise KnobError("headings must be 1..4, spots and walk_shots at least 1, wardrobe_colors at least 4.")
    if not 1 <= world.jpeg_quality <= 100 or world.truncation_depth > 0.5 or world.motion_length > 0.2:
        raise KnobError(
            "jpeg_quality must be 1..100, truncation_depth at most 0.5 and motion_length at most 0.2."
        )
    _check_cameras(world, preset)
    if min(preset.train_people, preset.test_people, preset.train_shots, preset.test_shots) < 1:
        raise KnobError("Numbers of people and shots must be at least 1.")
    if preset.height < 32 or preset.width < 16 or not 1 <= preset.supersampling <= 4:
        raise KnobError("height must be at least 32, width at least 16 and supersampling 1..4.")


def _check_cameras(world: World, preset: Preset) -> None:
    """Raise `KnobError` for camera networks that cannot be drawn."""
    for name in ("visible_cameras", "infrared_cameras"):
        if not 1 <= getattr(world, name) <= MOST_CAMERAS:
            raise KnobError(f"{name} must be 1..{MOST_CAMERAS}, found {getattr(world, name)}.")
    if not 0.0 < preset.least_share <= preset.most_share <= 1.0:
        raise KnobError(
            f"Need 0 < least_share <= most_share <= 1, found {preset.least_share} and {preset.most_share}."
        )
    if preset.most_shots < 0 or preset.sysu_counts not in (0, 1):
        raise KnobError("most_shots must not be negative, sysu_counts is 0 or 1.")
    if preset.sysu_counts and (
        camera_numbers(world) != CAMERAS or (preset.train_people, preset.test_people) != (395, 96)
    ):
        raise KnobError("SYSU-MM01's counts need 4 visible and 2 infrared cameras, 395 and 96 people.")
