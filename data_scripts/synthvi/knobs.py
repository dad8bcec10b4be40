"""Presets, worlds and knobs by name: read from the command line, checked, and errors that say what to try."""

from __future__ import annotations

import dataclasses
import textwrap

from dmic.storage.checking import near_names

from .world import CAMERAS, EASED, MOST_CAMERAS, PRESETS, WORLDS, Preset, World, camera_numbers

WORLD_KNOBS = tuple(field.name for field in dataclasses.fields(World) if field.name != "name")
PRESET_KNOBS = tuple(field.name for field in dataclasses.fields(Preset))
SHARES = (
    "nir_gray_copy", "carbon_black", "pattern_share", "accessory_share", "summer", "outdoor_share", "companions", "tight_boxes", "metering",
    "place_hue", "occlusion", "occluding_people", "bystanders", "truncation", "motion_blur", "postures", "hairstyles",
    "lookalikes",
)  # fmt: skip


class KnobError(ValueError):
    """A preset, world or knob that does not exist, or a value outside its range."""


def preset_by_name(name: str) -> Preset:
    """Return the preset called ``name``; raise `KnobError` with near matches if there is none."""
    if name not in PRESETS:
        raise KnobError(near_names(name, PRESETS, what="preset"))
    return PRESETS[name]


def world_by_name(name: str) -> World:
    """Return the world called ``name``; raise `KnobError` with the names of all worlds if there is none."""
    if name not in WORLDS:
        raise KnobError(near_names(name, WORLDS, what="world"))
    return WORLDS[name]


def request(world: str, preset: str, overrides: list[str]) -> tuple[World, Preset]:
    """Return the knobs of a named world and preset: `EASED` for the preset, then ``overrides`` (see `apply_overrides`)."""
    size = preset_by_name(preset)
    eased = dataclasses.replace(world_by_name(world), **EASED.get(preset, {}))
    return apply_overrides(eased, size, overrides)


def help_text() -> str:
    """Presets and knobs with their defaults, for ``--help``."""
    presets = [
        f"  {name:<12} {preset.train_people} + {preset.test_people} people, {preset.height}x{preset.width} pixels"
        for name, preset in PRESETS.items()
    ]
    world = ", ".join(f"{name}={getattr(World(), name)}" for name in WORLD_KNOBS)
    eased = [
        f"  {preset} sets " + ", ".join(f"{k}={v}" for k, v in knobs.items())
        for preset, knobs in EASED.items()
    ]
    lines = ["presets (training + test people, height x width):", *presets, *eased, ""]
    for title, knobs in (("the world", world), ("the preset", ", ".join(PRESET_KNOBS))):
        lines += [
            f"knobs of {title}:",
            *textwrap.wrap(knobs, 100, initial_indent="  ", subsequent_indent="  "),
        ]
    return "\n".join([*lines, "", "Meaning, unit and range of every knob: data_scripts/synthvi/world.py"])


def apply_overrides(world: World, preset: Preset, overrides: list[str]) -> tuple[World, Preset]:
    """Apply ``name=value`` texts to the knobs of the world or of the preset.

    Parameters
    ----------
    world, preset : World, Preset
        Where to start from.
    overrides : list of str
        Such as ``["nir_gray_copy=0.3", "train_people=20"]``.

    Returns
    -------
    World, Preset
        New objects; the arguments are not changed.

    Raises
    ------
    KnobError
        Unknown name, or a value of the wrong type or outside its range.
    """
    for text in overrides:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise KnobError(f"{text!r} has no value. Write it as name=value, for example camera_gap=0.3.")
        if name in WORLD_KNOBS:
            world = dataclasses.replace(world, **{name: _convert(name, value, type(getattr(world, name)))})
        elif name in PRESET_KNOBS:
            preset = dataclasses.replace(preset, **{name: _convert(name, value, type(getattr(preset, name)))})
        else:
            raise KnobError(near_names(name, WORLD_KNOBS + PRESET_KNOBS, what="knob"))
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
    for name in SHARES:
        _check_range(world, name, 0.0, 1.0, " is a share and")
    for name in WORLD_KNOBS:
        if not 0.0 <= getattr(world, name) < 1e6:
            raise KnobError(f"The knob {name} must be 0 or more, found {getattr(world, name)}.")
    _check_range(world, "headings", 0, 4)
    _check_range(world, "nearest", 1.5, 30.0)
    _check_range(world, "farthest", world.nearest, 30.0)
    _check_range(world, "box_jitter", 0, 0.5)
    _check_range(world, "jpeg_quality", 1, 100)
    _check_range(world, "truncation_depth", 0, 0.5)
    _check_range(world, "motion_length", 0, 0.5)
    _check_least(world, wardrobe_colors=4, images_per_walk=1)
    _check_least(preset, train_people=1, test_people=1, train_images_per_camera=1, test_images_per_camera=1)
    _check_least(preset, height=32, width=16, most_images_per_camera=0)
    _check_range(preset, "supersampling", 1, 4)
    _check_range(preset, "sysu_counts", 0, 1)
    _check_cameras(world, preset)


def _check_range(knobs: World | Preset, name: str, low: float, high: float, what: str = "") -> None:
    """Raise `KnobError` unless the knob lies in low..high."""
    value = getattr(knobs, name)
    if not low <= value <= high:
        raise KnobError(f"The knob {name}{what} must lie in {low:g}..{high:g}, found {value}.")


def _check_least(knobs: World | Preset, **least: int) -> None:
    """Raise `KnobError` for a knob below its least value."""
    for name, low in least.items():
        if getattr(knobs, name) < low:
            raise KnobError(f"The knob {name} must be at least {low}, found {getattr(knobs, name)}.")


def _check_cameras(world: World, preset: Preset) -> None:
    """Raise `KnobError` for camera networks that cannot be drawn."""
    _check_range(world, "visible_cameras", 1, MOST_CAMERAS)
    _check_range(world, "infrared_cameras", 1, MOST_CAMERAS)
    if not 0.0 < preset.least_share <= preset.most_share <= 1.0:
        raise KnobError(
            f"Expected 0 < least_share <= most_share <= 1, found {preset.least_share} and {preset.most_share}."
        )
    numbers, people = camera_numbers(world), (preset.train_people, preset.test_people)
    if preset.sysu_counts and (numbers != CAMERAS or people != (395, 96)):
        raise KnobError(
            f"SYSU-MM01's counts need 4 visible and 2 infrared cameras, 395 and 96 people; found cameras "
            f"{', '.join(map(str, numbers))} and {people[0]} and {people[1]} people. Try the preset small instead."
        )
