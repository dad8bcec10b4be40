"""What a camera makes of light: exposure, white balance, haze, contrast, vignette, blur, noise, eight bits."""

from __future__ import annotations

import numba
import numpy as np


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
            for k in range(channels):
                mixed[row, column, k] = (
                    light[row, column, k] + (1.0 - coverage[row, column]) * background[row, column, k]
                )
    mixed = _blur(mixed, blur)
    out = np.empty(light.shape, np.uint8)
    display = np.empty(channels, np.float32)
    for row in range(height):
        for column in range(width):
            u, v = 2.0 * row / height - 1.0, 2.0 * column / width - 1.0
            shade = 1.0 - vignette * (u * u + v * v) * 0.5
            mean = 0.0
            for k in range(channels):
                linear = mixed[row, column, k] * gains[k] * shade + haze
                value = min(1.15, max(0.0, linear)) ** (1.0 / 2.2)
                display[k] = 0.5 + contrast * (value - 0.5)
                mean += display[k] / channels
            for k in range(channels):
                value = mean + saturation * (display[k] - mean) + noise[row, column, k]
                out[row, column, k] = np.uint8(255.0 * min(1.0, max(0.0, value)) + 0.5)
    return out


@numba.njit(cache=True)
def _blur(picture, share):
    """Blur with the kernel (share, 1 − 2 share, share) along both axes; edges are repeated."""
    height, width, channels = picture.shape
    rows, out = np.empty_like(picture), np.empty_like(picture)
    share = np.float32(share)
    keep = np.float32(1.0) - 2 * share
    for row in range(height):
        above, below = max(0, row - 1), min(height - 1, row + 1)
        for column in range(width):
            for k in range(channels):
                rows[row, column, k] = keep * picture[row, column, k] + share * (
                    picture[above, column, k] + picture[below, column, k]
                )
    for row in range(height):
        for column in range(width):
            left, right = max(0, column - 1), min(width - 1, column + 1)
            for k in range(channels):
                out[row, column, k] = keep * rows[row, column, k] + share * (
                    rows[row, left, k] + rows[row, right, k]
                )
    return out
