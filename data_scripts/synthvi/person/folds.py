"""Wrinkles of cloth and strands of hair: one periodic relief of several scales, looked up per sample to bend the normal."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..compiled import inlined

SIZE = 256  # samples along an edge of the relief, a power of 2
LAST = SIZE - 1
TILE = 0.9  # metres along an edge


@lru_cache(maxsize=1)
def relief() -> np.ndarray:
    """Slopes (SIZE, SIZE, 2) float32 of a creased surface, periodic in both directions.

    Noise is band-passed to four wave lengths (Fourier transform, so it tiles), each folded by −|noise|, which turns smooth hills
    into ridges as cloth has them, and summed with amplitudes proportional to the wave length.
    """
    rng = np.random.default_rng(850)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIZE) * SIZE, np.fft.fftfreq(SIZE) * SIZE))
    height = np.zeros((SIZE, SIZE))
    for cycles in (4.0, 8.0, 15.0, 28.0):
        band = np.exp(-((np.log(np.maximum(frequency, 0.5) / cycles) / 0.35) ** 2))
        noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIZE, SIZE))) * band).real
        noise /= noise.std()
        height += (-np.sqrt(noise**2 + 0.1) + 0.4 * noise) / cycles
    slopes = np.stack([np.roll(height, -1, axis) - np.roll(height, 1, axis) for axis in (1, 0)], axis=-1)
    return (slopes / slopes.std()).astype(np.float32)


@inlined
def slope_at(texture, u, v):
    """Slopes of the relief at (u, v) metres, linear between its samples."""
    a = u * (SIZE / TILE)
    b = v * (SIZE / TILE)
    i, j = int(np.floor(b)), int(np.floor(a))
    fb, fa = np.float32(b - i), np.float32(a - j)
    i0, i1, j0, j1 = i & LAST, (i + 1) & LAST, j & LAST, (j + 1) & LAST  # it repeats
    one = np.float32(1.0)
    w00, w01, w10, w11 = (one - fb) * (one - fa), (one - fb) * fa, fb * (one - fa), fb * fa
    across = (
        w00 * texture[i0, j0, 0]
        + w01 * texture[i0, j1, 0]
        + w10 * texture[i1, j0, 0]
        + w11 * texture[i1, j1, 0]
    )
    along = (
        w00 * texture[i0, j0, 1]
        + w01 * texture[i0, j1, 1]
        + w10 * texture[i1, j0, 1]
        + w11 * texture[i1, j1, 1]
    )
    return across, along
