"""What a camera makes of light: motion, exposure, white balance, haze, contrast, vignette, blur, noise, eight bits, JPEG."""

from __future__ import annotations

import io

import numba
import numpy as np
from PIL import Image


@numba.njit(cache=True)
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
        Added in display units.

    Returns
    -------
    (h, w, c) uint8
    """
    height, width, channels = light.shape
    mixed = np.empty_like(light)
    for row in range(height):
        for column in range(width):
            through = 1.0 - coverage[row, column]
            for k in range(channels):
                mixed[row, column, k] = light[row, column, k] + through * background[row, column, k]
    mixed = _blur(mixed, blur)
    out = np.empty(light.shape, np.uint8)
    display = np.empty(channels, np.float32)
    one, half, gamma = np.float32(1.0), np.float32(0.5), np.float32(1.0 / 2.2)
    haze, contrast, saturation = np.float32(haze), np.float32(contrast), np.float32(saturation)
    across = (2.0 * np.arange(width) / width - 1.0).astype(np.float32)
    for row in range(height):
        u = np.float32(2.0 * row / height - 1.0)
        for column in range(width):
            v = across[column]
            shade = one - np.float32(vignette) * (u * u + v * v) * half
            mean = np.float32(0.0)
            for k in range(channels):
                linear = mixed[row, column, k] * gains[k] * shade + haze
                value = min(np.float32(1.15), max(np.float32(0.0), linear)) ** gamma
                display[k] = half + contrast * (value - half)
                mean += display[k] / np.float32(channels)
            for k in range(channels):
                value = mean + saturation * (display[k] - mean) + noise[row, column, k]
                out[row, column, k] = np.uint8(
                    np.float32(255.0) * min(one, max(np.float32(0.0), value)) + half
                )
    return out


@numba.njit(cache=True)
def _blur(picture, share):
    """Blur with the kernel (share, 1 − 2 share, share) along both axes; edges are repeated."""
    height, width, channels = picture.shape
    rows, out = np.empty_like(picture), np.empty_like(picture)
    flat, flat_rows = picture.reshape(height, -1), rows.reshape(height, -1)
    flat_out, last = out.reshape(height, -1), (width - 1) * channels
    share = np.float32(share)
    keep = np.float32(1.0) - 2 * share
    for row in range(height):
        above, below = max(0, row - 1), min(height - 1, row + 1)
        for i in range(width * channels):
            flat_rows[row, i] = keep * flat[row, i] + share * (flat[above, i] + flat[below, i])
    for row in range(height):
        for i in range(channels):  # left edge
            flat_out[row, i] = keep * flat_rows[row, i] + share * (
                flat_rows[row, i] + flat_rows[row, i + channels]
            )
        for i in range(channels, last):
            flat_out[row, i] = keep * flat_rows[row, i] + share * (
                flat_rows[row, i - channels] + flat_rows[row, i + channels]
            )
        for i in range(last, last + channels):  # right edge
            flat_out[row, i] = keep * flat_rows[row, i] + share * (
                flat_rows[row, i - channels] + flat_rows[row, i]
            )
    return out


@numba.njit(cache=True)
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
            for column in range(width):
                for step in range(-whole - 1, whole + 2):
                    share = scale * (part if abs(step) > whole else np.float32(1.0))
                    r = row if axis == 0 else min(height - 1, max(0, row + step))
                    c = column if axis == 1 else min(width - 1, max(0, column + step))
                    for k in range(channels + 1):
                        other[row, column, k] += share * both[r, c, k]
        both = other
    return both[:, :, :channels].copy(), both[:, :, channels].copy()


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
