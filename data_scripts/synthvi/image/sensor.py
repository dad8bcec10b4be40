"""What a camera makes of light: motion, exposure, white balance, haze, contrast, vignette, blur, noise, eight bits, JPEG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from ..compiled import compiled, inlined
from ..display import GAMMA


@compiled
def develop(light, background, coverage, gains, haze, contrast, saturation, vignette, blur, noise):
    """Put a person before a background and take the picture.

    Parameters
    ----------
    light : (h, w, c) float32
        Linear light of the person, already times ``coverage``; c is 3, or 1 for infrared.
    background : (h, w, c) float32
        Linear light of the place.
    coverage : (h, w) float32
        0..1, share of each pixel that the person fills.
    gains : (c,) float32
        Exposure times white balance.
    haze, contrast, saturation, vignette, blur : float
        Light added everywhere; slope about mid-grey; 1 keeps colours; darkening of the corners; share of a pixel's light
        that goes to each neighbour (0..0.3).
    noise : (h, w, c) float32
        Sensor noise, added in display units.

    Returns
    -------
    (h, w, c) uint8
    """
    height, width, channels = light.shape
    mixed = _blur(_composite(light, background, coverage), blur).reshape(height, -1)
    out, noise_rows = np.empty(mixed.shape, np.uint8), noise.reshape(height, -1)
    one, half, gamma = np.float32(1.0), np.float32(0.5), np.float32(1.0 / GAMMA)
    haze, contrast, vignette = np.float32(haze), np.float32(contrast), np.float32(vignette)
    across, gain = np.empty(mixed.shape[1], np.float32), np.empty(mixed.shape[1], np.float32)
    for i in range(len(across)):  # what a row needs, for every channel of every column
        across[i] = np.float32(2.0 * (i // channels) / width - 1.0) ** 2
        gain[i] = gains[i % channels]
    values = np.empty_like(across)
    for row in range(height):
        down = np.float32(2.0 * row / height - 1.0) ** 2
        for i in range(len(values)):
            shade = one - vignette * (down + across[i]) * half
            values[i] = min(np.float32(1.15), max(np.float32(0.0), mixed[row, i] * gain[i] * shade + haze))
        for i in range(len(values)):
            values[i] = half + contrast * (values[i] ** gamma - half)
        if channels == 3:
            _saturate(values, np.float32(saturation))
        for i in range(len(values)):
            value = min(one, max(np.float32(0.0), values[i] + noise_rows[row, i]))
            out[row, i] = np.uint8(np.float32(255.0) * value + half)
    return out.reshape(light.shape)


@compiled
def _composite(light, background, coverage):
    """Lay a person's light (h, w, c), already times ``coverage``, over the place's."""
    mixed = np.empty_like(light)
    height, width, channels = light.shape
    for row in range(height):
        for column in range(width):
            through = 1.0 - coverage[row, column]
            for k in range(channels):
                mixed[row, column, k] = light[row, column, k] + through * background[row, column, k]
    return mixed


@inlined
def _saturate(values, saturation):
    """Move red, green and blue, which follow each other in ``values``, away from their mean, in place."""
    third = np.float32(3.0)
    for i in range(0, len(values), 3):
        red, green, blue = values[i], values[i + 1], values[i + 2]
        mean = red / third + green / third + blue / third
        values[i] = mean + saturation * (red - mean)
        values[i + 1] = mean + saturation * (green - mean)
        values[i + 2] = mean + saturation * (blue - mean)


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
    grey = image.shape[2] == 1
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if grey else image).save(file, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(file))
    return decoded[..., None] if grey else decoded
