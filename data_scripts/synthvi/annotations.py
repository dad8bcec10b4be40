"""Annotations of an image: manifest columns that describe capture, camera and person, so that results can be grouped."""

from __future__ import annotations

from typing import Any

from .captures import Capture
from .person.posture import Posture
from .person.wardrobe import Person
from .place.cameras import Camera


def capture_annotations(capture: Capture) -> dict[str, Any]:
    """What was drawn for this one image; the dictionary's order is the manifest's."""
    return {
        "heading": round(capture.heading % 360.0, 1),  # degrees, 0 = towards the camera
        "gait_phase": round(capture.pose.phase, 3),  # radians
        "stride": round(capture.pose.stride, 3),  # radians, swing of the thigh
        "standing": int(capture.standing),
        "posture": Posture(capture.pose.posture).name.lower(),  # none, pockets, phone_at_ear, …
        "occluded": int(bool(capture.occluder)),
        "occluder": capture.occluder or "none",  # person, box, railing, pole, plant, sign
        "hidden": round(capture.hidden, 3),  # share of the person behind it, measured
        "truncated": capture.cut or "none",  # feet, head, left, right
        "cut_share": round(capture.cut_share, 3),
        "bystander": int(capture.bystander),
        "motion_blur": round(capture.motion, 4),  # share of the image's height
        "jpeg_quality": capture.quality,  # 0 = never compressed
        "spot": capture.spot,
        "scale": round(capture.scale, 3),
        "light": round(capture.light, 3),  # exposure relative to the camera's
    }


def camera_annotations(camera: Camera) -> dict[str, Any]:
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


def person_annotations(person: Person) -> dict[str, Any]:
    """What all images of a person share, as numbers of the enumerations `Bag`, `Hair` and `Pattern` of ``person/wardrobe.py``."""
    style = person.style
    return {
        "bag": int(style.bag_form or style.bag),
        "hat": int(style.hat),
        "hair": int(style.haircut or style.hair),
        "coat": int(style.coat),
        "skirt": int(style.skirt),
        "pattern": int(style.top_pattern),
    }
