"""Manifest columns that explain an image: factors of the shot, the camera and the person, so that results can be grouped."""

from __future__ import annotations

from typing import Any

from .captures import Shot
from .person.wardrobe import Person
from .place.cameras import Camera


def shot_factors(shot: Shot) -> dict[str, Any]:
    """What was drawn for this one image; the dictionary's order is the manifest's."""
    return {
        "heading": round(shot.heading % 360.0, 1),  # degrees, 0 = towards the camera
        "gait_phase": round(shot.pose.phase, 3),  # radians
        "stride": round(shot.pose.stride, 3),  # radians, swing of the thigh
        "standing": int(shot.standing),
        "occluded": int(bool(shot.occluder)),
        "occluder": shot.occluder or "none",  # person, box, railing, pole, plant, sign
        "hidden": round(shot.hidden, 3),  # share of the person behind it, measured
        "truncated": shot.cut or "none",  # feet, head, left, right
        "cut_share": round(shot.cut_share, 3),
        "bystander": int(shot.bystander),
        "motion_blur": round(shot.motion, 4),  # share of the image's height
        "jpeg_quality": shot.quality,  # 0 = never compressed
        "spot": shot.spot,
        "scale": round(shot.scale, 3),
        "light": round(shot.light, 3),  # exposure relative to the camera's
    }


def camera_factors(camera: Camera) -> dict[str, Any]:
    """What all images of a camera share."""
    red, _, blue = camera.white_balance
    return {
        "place": camera.place,
        "outdoor": int(camera.outdoor),
        "distance": round(camera.distance, 2),  # metres
        "camera_height": round(camera.height, 2),  # metres
        "exposure": round(camera.exposure, 3),
        "warmth": round(red / blue, 3),  # gain of red over gain of blue
        "camera_blur": round(camera.blur, 3),
    }


def person_factors(person: Person) -> dict[str, Any]:
    """What all images of a person share, as numbers of the enumerations in ``person/wardrobe.py``."""
    style = person.style
    return {
        "bag": int(style.bag),
        "hat": int(style.hat),
        "hair": int(style.hair),
        "coat": int(style.coat),
        "skirt": int(style.skirt),
        "pattern": int(style.top_pattern),
    }
