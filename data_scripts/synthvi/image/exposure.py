"""Automatic exposure: a camera makes what it sees about half bright, as far as its gain goes; it does so for every walk anew.

It meters the mean of the frame and, with the weight ``metering``, whoever walks there. So somebody close before an infrared lamp may
be too bright and the place behind too dark, and far away both are dark and noisy.
"""

from __future__ import annotations

import numpy as np

from ..light import Light, lamp_light, sky_light
from ..place.cameras import Camera
from .sensor import LUMA

TARGET = {"visible": 0.24, "infrared": 0.24}  # linear light that the metered mean is brought to
GREY = {"visible": 0.22, "infrared": 0.40}  # what somebody reflects, taken as a mean
BRIGHTEST = 1.0  # brighter light counts as this much: a window does not turn a room black


def metered(picture: np.ndarray, camera: Camera) -> float:
    """Mean light of a frame (h, w, c + 2) float32, from `scenes.trace_frame`."""
    light = picture[..., 0] if camera.infrared else picture[..., :3] @ np.array(LUMA)
    return float(np.minimum(light, BRIGHTEST).mean(dtype=np.float64))


def automatic_gain(camera: Camera, place: float, distance: float, light: Light, metering: float) -> float:
    """Gain for a walk ``distance`` metres away in ``light``, before a place of the mean light ``place``; ``metering`` as in `World`."""
    spectrum = "infrared" if camera.infrared else "visible"
    falling = sky_light(light.sky, 0.5) + 0.4 * light.sun + lamp_light(light.lamp, distance, 0.8)
    wanted = TARGET[spectrum] / ((1.0 - metering) * place + metering * GREY[spectrum] * falling)
    return camera.exposure * min(camera.gain_limit, wanted)
