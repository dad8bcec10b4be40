"""What a camera makes of light: motion and lens blur, gain, noise, a shoulder, contrast and colours, eight bits, JPEG.

All of it happens in a window of the camera's frame, at native size; the box is cut out afterwards.
"""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..compiled import compiled, inlined
from ..display import GAMMA
from ..place.cameras import Camera, Frame

READ_NOISE = 0.002  # standard deviation in linear light at gain 1
SHOT_NOISE = 4e-4  # variance for each unit of linear light at gain 1: photons arrive one by one
MOSAIC = 0.2  # share of a pixel's noise that demosaicing gives to each neighbour
MOSAIC_STD = (1 - 2 * MOSAIC) ** 2 + 2 * MOSAIC**2  # what that leaves of the standard deviation
EVEN_STD = (
    12**-0.5
)  # of numbers that are spread evenly over 0..1; means of neighbours are nearly normal, and cost a third
SHOULDER = 0.7  # linear light from which on the picture saturates softly; it is white from 2 - SHOULDER on
STEPS = 1024  # of the tone curve, over the square root of light: nearly straight pieces, a tenth of the time of a power
LUMA = (np.float32(0.299), np.float32(0.587), np.float32(0.114))  # of display values, ITU-R BT.601
# darkening in the farthest corner: by a lens; by the lens and beam of a lamp
VIGNETTE = {"lens": 0.08, "lamp": 0.35}


class Exposure(NamedTuple):
    """How one picture is taken."""

    gain: float  # on the sensor's signal; noise grows with it
    noise: float  # factor on the standard deviation


def exposed(
    light: np.ndarray,
    camera: Camera,
    frame: Frame,
    corner: tuple[int, int],
    exposure: Exposure,
    rng: np.random.Generator,
) -> np.ndarray:
    """Take the picture of a window of the frame.

    Parameters
    ----------
    light : (h, w, c) float32
        Linear light; c is 3, or 1 for infrared.
    camera, frame : Camera, Frame
        Who takes it.
    corner : (int, int)
        Row and column of the window in the frame: vignetting lies on the frame.
    exposure : Exposure
        Gain and strength of the noise. White balance amplifies noise as it does light.
    rng : numpy Generator
        Of the noise.

    Returns
    -------
    (h, w, c) uint8
    """
    balance = np.ones(1) if camera.infrared else np.asarray(camera.white_balance)
    noise, std = _blur(rng.random(light.shape, np.float32) - np.float32(0.5), MOSAIC), EVEN_STD * MOSAIC_STD
    far = np.hypot(max(frame.row, frame.height - frame.row), max(frame.column, frame.width - frame.column))
    return _develop(
        _blur(light, camera.blur),
        noise,
        TONE,
        (exposure.gain * balance).astype(np.float32),
        ((exposure.noise * READ_NOISE * exposure.gain / std * balance) ** 2).astype(np.float32),
        ((exposure.noise / std) ** 2 * SHOT_NOISE * exposure.gain * balance).astype(np.float32),
        (np.float32(camera.haze), np.float32(camera.contrast), np.float32(camera.saturation)),
        np.float32(VIGNETTE["lamp" if camera.infrared else "lens"]),
        (np.float32(frame.row - corner[0]), np.float32(frame.column - corner[1])),
        np.float32(1.0 / far),
    )


def tone_curve() -> np.ndarray:
    """Display values (STEPS + 2,) float32 of evenly spaced square roots of linear light from 0 to that of white.

    Up to ``SHOULDER`` the light's own, then a parabola that leads smoothly to white; then gamma.
    """
    light = (2.0 - SHOULDER) * (np.arange(STEPS + 2) / STEPS) ** 2
    over = np.clip(light - SHOULDER, 0.0, 2.0 - 2.0 * SHOULDER)
    return ((light - over**2 / (4.0 - 4.0 * SHOULDER)).clip(0.0, 1.0) ** (1.0 / GAMMA)).astype(np.float32)


TONE = tone_curve()
WHITE, PER_ROOT = np.float32(2.0 - SHOULDER), np.float32(STEPS / np.sqrt(2.0 - SHOULDER))


@compiled
def _develop(light, noise, tone, gains, reads, shots, look, vignette, axis, scale):
    """Gain, vignette about the optical axis, haze, noise of variance ``reads`` + ``shots`` · light, tone curve, contrast, colours.

    Contrast is the slope at mid-grey; black and white stay what they are: value + (contrast − 1) · 4 value (1 − value) (value − ½).

    Loops do one thing for a whole row, all in float32: so processors do it for eight values at once.
    """
    height, width, channels = light.shape
    haze, contrast, saturation = look
    out, zero, half, one = np.empty(light.shape, np.uint8), np.float32(0.0), np.float32(0.5), np.float32(1.0)
    values, across, gain, read, shot = np.empty((5, width * channels), np.float32)
    for i in range(width * channels):
        across[i] = ((np.float32(i // channels) + half - axis[1]) * scale) ** 2
        gain[i], read[i], shot[i] = gains[i % channels], reads[i % channels], shots[i % channels]
    steeper = np.float32(4.0) * (contrast - one)
    for row in range(height):
        down = ((np.float32(row) + half - axis[0]) * scale) ** 2
        line, grain, shown = light[row].reshape(-1), noise[row].reshape(-1), out[row].reshape(-1)
        for i in range(len(line)):
            value = max(zero, line[i]) * gain[i] * (one - vignette * min(one, down + across[i])) + haze
            value += np.sqrt(read[i] + shot[i] * value) * grain[i]
            values[i] = np.sqrt(min(WHITE, max(zero, value))) * PER_ROOT
        for i in range(len(line)):
            step = np.uint32(values[i])
            value = tone[step] + (values[i] - np.float32(step)) * (tone[step + np.uint32(1)] - tone[step])
            values[i] = value + steeper * value * (one - value) * (value - half)
        if channels == 3:
            for i in range(0, len(line), 3):
                luma = LUMA[0] * values[i] + LUMA[1] * values[i + 1] + LUMA[2] * values[i + 2]
                for k in range(i, i + 3):
                    values[k] = luma + saturation * (values[k] - luma)
        for i in range(len(line)):
            shown[i] = np.uint8(np.float32(255.0) * min(one, max(zero, values[i])) + half)
    return out


@compiled
def _blur(picture, share):
    """Blur with the kernel (share, 1 − 2 share, share) along both axes; edges are repeated."""
    height, width, channels = picture.shape
    rows, out = np.empty_like(picture), np.empty_like(picture)
    flat, flat_rows, flat_out = picture.reshape(height, -1), rows.reshape(height, -1), out.reshape(height, -1)
    last = (width - 1) * channels
    share = np.float32(share)
    keep = np.float32(1.0) - 2 * share
    for row in range(height):
        above, own, below = flat[max(0, row - 1)], flat[row], flat[min(height - 1, row + 1)]
        line = flat_rows[row]
        for i in range(len(line)):
            line[i] = keep * own[i] + share * (above[i] + below[i])
    for row in range(height):
        line, line_out = flat_rows[row], flat_out[row]
        for i in range(channels):  # left edge, right edge
            j = last + i
            line_out[i] = keep * line[i] + share * (line[i] + line[i + channels])
            line_out[j] = keep * line[j] + share * (line[j - channels] + line[j])
        left, own, right = line[: last - channels], line[channels:last], line[2 * channels :]
        inner = line_out[channels:last]
        for i in range(len(inner)):
            inner[i] = keep * own[i] + share * (left[i] + right[i])
    return out


@compiled
def smear(color, cover, across, down):
    """Blur a moving person: mean over ``across`` pixels along rows and ``down`` along columns (0 = none).

    Parameters
    ----------
    color, cover : (h, w, c) float32, (h, w) float32
        Linear light times coverage, and coverage; the place behind stays sharp.
    across, down : float
        Length of the movement during the exposure, pixels; parts of a pixel count.

    Returns
    -------
    New ``color`` and ``cover``.
    """
    height, width, channels = color.shape
    both = np.empty((height, width, channels + 1), np.float32)
    both[:, :, :channels] = color
    both[:, :, channels] = cover
    for axis in range(2):
        half = 0.5 * (across if axis == 0 else down)
        if half < 0.25:
            continue
        whole, part = int(half), np.float32(half - int(half))
        scale = np.float32(1.0 / (1.0 + 2.0 * half))
        other = np.zeros_like(both)
        for row in range(height):
            for step in range(-whole - 1, whole + 2):
                share = scale * (part if abs(step) > whole else np.float32(1.0))
                r = row if axis == 0 else min(height - 1, max(0, row + step))
                _add_shifted(other[row], both[r], share, step if axis == 0 else 0)
        both = other
    return both[:, :, :channels].copy(), both[:, :, channels].copy()


@inlined
def _add_shifted(out, line, share, step):
    """Add ``share`` times what lies ``step`` pixels further on in ``line`` (w, c) to ``out`` (w, c); edges are repeated."""
    width, channels = line.shape
    first, last = min(width, max(0, -step)), max(0, min(width, width - step))
    for column in range(first):
        for k in range(channels):
            out[column, k] += share * line[0, k]
    # what needs no edge, in one piece
    inner, source = out[first:last].reshape(-1), line[first + step : last + step].reshape(-1)
    for i in range(len(inner)):
        inner[i] += share * source[i]
    for column in range(last, width):
        for k in range(channels):
            out[column, k] += share * line[width - 1, k]


def through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Encode an image (h, w, 1 or 3) uint8 as JPEG and decode it again.

    Pillow's libjpeg is used, not a cosine transform of our own: its default transform works in whole numbers (so all
    processors agree, which floating point would not promise), it makes the very artefacts that cameras make (4:2:0
    colour, standard tables), and it takes 0.3 ms at 128×64.
    """
    mode = "L" if image.shape[2] == 1 else "RGB"
    file, picture = io.BytesIO(), Image.fromarray(image[..., 0] if mode == "L" else image)
    picture.save(file, "JPEG", quality=quality)
    # straight to the decoder: `Image.open` parses in Python what libjpeg parses anyway
    decoded = Image.frombytes(mode, picture.size, file.getvalue(), "jpeg", mode, "")
    return np.asarray(decoded).reshape(image.shape)
