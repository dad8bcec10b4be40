"""Every knob of the generated world in one place, and the presets that say how many people to render."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

VISIBLE_CAMERAS = (1, 2, 4, 5)
INFRARED_CAMERAS = (3, 6)
CAMERAS = (1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class World:
    """What the world is like. Every field can be changed with ``--set name=value``."""

    # How much near-infrared keeps of a person.
    rho: float = 0.75  # 0..1, share of a garment's NIR brightness that follows its visible luminance; rest: the dye's own
    nir_noise: float = 0.10  # standard deviation of that relation, display units 0..1
    nir_background: float = 0.90  # brightness of the NIR background relative to the visible one
    nir_sensor_noise: float = 0.015  # standard deviation of the NIR sensor's noise, display units 0..1
    nir_falloff: float = 0.35  # 0..1, darkening of surfaces that turn away from the camera's lamp
    # How different people are.
    wardrobe_colors: int = 40  # number of different cloth colours in this world
    pattern_share: float = 0.60  # share of upper garments with a pattern
    accessory_share: float = 0.55  # share of people with at least one of bag, hat
    shape_spread: float = 1.0  # 0 = everybody has the average body
    # How different cameras are.
    camera_gap: float = 1.3  # strength of white balance, exposure, contrast, haze differences between cameras
    headings: int = 4  # number of walking directions each camera sees, 1..4
    heading_jitter: float = 14.0  # degrees, standard deviation around a heading
    heading_offset: float = 18.0  # degrees, largest shift of all headings of one camera
    background_contrast: float = 0.6  # 0 = plain grey places
    spots: int = 6  # places to stand (background crops) per camera
    sensor_noise: float = 0.012  # standard deviation of the visible sensors' noise, display units 0..1
    blur: float = 1.0  # factor on every camera's blur
    # How different shots are.
    occlusion: float = 0.05  # share of images in which something stands before the person
    crop_jitter: float = 0.06  # largest shift and scale error of the person's box, share of its height
    light_jitter: float = 0.08  # standard deviation of the exposure between shots of one camera
    gait: float = 1.0  # factor on the length of steps and the swing of arms


@dataclass(frozen=True)
class Preset:
    """How many people and images to render, and how large."""

    train_people: int  # identities 1 … train_people
    test_people: int  # the identities after them
    train_shots: int  # images per training person and camera
    test_shots: int  # images per test person and camera
    height: int = 128  # pixels
    width: int = 64  # pixels
    least_cameras: int = 4  # every person is seen by a random subset of at least so many cameras
    most_cameras: int = 6
    supersampling: int = 2  # pixels are the mean of supersampling² samples


PRESETS = {
    "tiny": Preset(train_people=4, test_people=3, train_shots=2, test_shots=1),
    "toy": Preset(train_people=120, test_people=160, train_shots=7, test_shots=2),
    "small": Preset(train_people=300, test_people=200, train_shots=10, test_shots=4),
}


class KnobError(ValueError):
    """A knob or preset that does not exist, or a value that does not fit it."""


def preset_by_name(name: str) -> Preset:
    """Return the preset called ``name``; raise `KnobError` naming those that exist."""
    if name not in PRESETS:
        raise KnobError(f"There is no preset {name!r}. Presets: {', '.join(PRESETS)}.")
    return PRESETS[name]


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
        if name in {field.name for field in dataclasses.fields(World)}:
            world = dataclasses.replace(world, **{name: _convert(name, value, type(getattr(world, name)))})
        elif name in {field.name for field in dataclasses.fields(Preset)}:
            preset = dataclasses.replace(preset, **{name: _convert(name, value, int)})
        else:
            known = ", ".join(field.name for kind in (World, Preset) for field in dataclasses.fields(kind))
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


def check(world: World, preset: Preset) -> None:
    """Raise `KnobError` for values that no world can have."""
    for name in ("rho", "pattern_share", "accessory_share", "occlusion", "nir_falloff"):
        if not 0.0 <= getattr(world, name) <= 1.0:
            raise KnobError(f"The knob {name} is a share and must lie in 0..1, found {getattr(world, name)}.")
    for field in dataclasses.fields(World):
        if not 0.0 <= getattr(world, field.name) < 1e6:
            raise KnobError(
                f"The knob {field.name} must not be negative, found {getattr(world, field.name)}."
            )
    if not 1 <= world.headings <= 4 or world.spots < 1 or world.wardrobe_colors < 4:
        raise KnobError("headings must be 1..4, spots at least 1 and wardrobe_colors at least 4.")
    if not 1 <= preset.least_cameras <= preset.most_cameras <= len(CAMERAS):
        raise KnobError(f"Need 1 <= least_cameras <= most_cameras <= {len(CAMERAS)}.")
    if min(preset.train_people, preset.test_people, preset.train_shots, preset.test_shots) < 1:
        raise KnobError("Numbers of people and shots must be at least 1.")
    if preset.height < 32 or preset.width < 16 or not 1 <= preset.supersampling <= 4:
        raise KnobError("height must be at least 32, width at least 16 and supersampling 1..4.")
