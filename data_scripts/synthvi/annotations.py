"""Annotations of an image: manifest columns that describe capture, camera and person, so that results can be grouped."""

from __future__ import annotations

from typing import Any

from .captures import Capture
from .person.posture import Posture
from .person.wardrobe import Person
from .place.cameras import Camera
from .render import Measured


def capture_annotations(capture: Capture, measured: Measured) -> dict[str, Any]:
    """What was drawn and measured for this one image; the dictionary's order is the manifest's."""
    return {
        "heading": round(capture.heading % 360.0, 1),  # degrees, 0 = towards the camera
        "gait_phase": round(capture.pose.phase, 3),  # radians
        "stride": round(capture.pose.stride, 3),  # radians, swing of the thigh
        "standing": int(capture.standing),
        "posture": Posture(capture.pose.posture).name.lower(),  # none, pockets, phone_at_ear, …
        "distance": round(capture.stand.distance, 2),  # metres along the floor from the camera
        "native_height": round(measured.native_height, 1),  # of the box in the camera's frame, pixels
        "box_overlap": round(measured.overlap, 3),  # intersection over union with the person's own box
        "outside": round(measured.outside, 3),  # share of the person outside the box
        "truncated": capture.cut or "none",  # feet, head, left, right
        "occluder": capture.occluder or "none",  # person, box, railing, pole, plant, sign
        "hidden": round(measured.hidden, 3),  # share of the person behind others
        "occluded": int(bool(capture.occluder)),
        "bystander": int(capture.bystander),
        "companion": int(measured.accompanied),
        "motion_blur": round(capture.motion, 3),  # metres
        "jpeg_quality": capture.quality,
        "light": round(capture.light, 3),  # exposure relative to the camera's
        "gain": round(measured.gain, 2),  # of the sensor, automatic
    }


def camera_annotations(camera: Camera) -> dict[str, Any]:
    """What all images of a camera share."""
    red, _, blue = camera.white_balance
    return {
        "place": camera.place,
        "outdoor": int(camera.outdoor),
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
