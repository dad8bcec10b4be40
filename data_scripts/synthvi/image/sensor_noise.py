"""Sensor noise: numpy's own normal numbers, drawn from the same bits in less than half the time.

The knobs ``visible_sensor_noise`` and ``infrared_sensor_noise`` set its strength, one per camera: `cameras.Camera.noise`.

``Generator.standard_normal`` asks its bit generator once for every number, and took a tenth of the renderer's time. Here the bits
come in one piece, and the ziggurat that numpy uses (Marsaglia & Tsang, *The Ziggurat Method for Generating Random Variables*,
2000: layers of equal area under exp(−x²/2), the lowest with the tail) runs over them, signs without a branch.
"""

from __future__ import annotations

import math

import numpy as np

from ..compiled import compiled, inlined

TAIL = 3.6541528853610088  # where the tail begins, numpy's value
LAYERS, STEPS = 256, 2**23  # bits 0 to 7 choose the layer, bit 8 the sign, the others the place in the layer


def _layers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per layer: the place from which on a number may lie outside, uint32; length of a step and height at its end, float32."""
    area = TAIL * math.exp(-0.5 * TAIL**2) + math.sqrt(math.pi / 2) * math.erfc(TAIL / math.sqrt(2))
    ends = np.zeros(LAYERS)
    ends[-1] = TAIL
    for layer in range(LAYERS - 2, 0, -1):
        above = area / ends[layer + 1] + math.exp(-0.5 * ends[layer + 1] ** 2)
        ends[layer] = math.sqrt(-2.0 * math.log(above))
    widths = ends.copy()
    widths[0] = area / math.exp(-0.5 * TAIL**2)  # the lowest layer, as wide as if it had no tail
    inside = np.append(TAIL, ends[:-1]) / widths * STEPS
    return np.rint(inside).astype(np.uint32), np.float32(widths / STEPS), np.float32(np.exp(-0.5 * ends**2))


INSIDE, STEP, HEIGHT = _layers()


def standard_normal(rng: np.random.Generator, shape: tuple[int, ...], std: float) -> np.ndarray:
    """Normal numbers (shape) float32 of mean 0 and standard deviation ``std``, in its units (`sensor.develop`: display units).

    Bit by bit ``rng.standard_normal(shape, dtype=np.float32) * np.float32(std)`` of a PCG64 that has drawn whole words so far
    (as for float64); only ``rng`` itself is further on afterwards.

    Raises
    ------
    RuntimeError
        Too many of the generator's words were rejected. Those of a sound generator are not.
    """
    out = np.empty(shape, np.float32)
    words = out.size // 2 + out.size // 50 + 64  # of two halves; a number takes 1.022 of them
    halves = rng.bit_generator.random_raw(words).astype("<u8", copy=False).view("<u4")  # low half first
    if not _ziggurat(halves, INSIDE, STEP, HEIGHT, np.float32(std), out.reshape(-1)):
        raise RuntimeError(
            f"{words} random words gave fewer than {out.size} normal numbers. Use a generator from seeds.generator, not {rng}."
        )
    return out


@compiled
def _ziggurat(halves, inside, step, height, std, out):
    """Write ``std`` times a normal number everywhere into ``out`` (n,); whether ``halves`` (m,) uint32 sufficed."""
    one, two, used = np.float32(1.0), np.float32(2.0), 0
    for i in range(len(out)):
        while used < len(halves) - 1:
            half = halves[used]
            used += 1
            layer, place = half & 0xFF, np.uint32(half >> 9)
            sign = one - two * np.float32((half >> 8) & 1)
            x = sign * (np.float32(place) * step[layer])
            if place < inside[layer]:
                break
            if layer == 0:
                sign = one - two * np.float32((place >> 8) & 1)
                x, used = _beyond(halves, used)
                x *= sign
                break
            share = _unit(halves[used])
            used += 1
            if share * (height[layer - 1] - height[layer]) + height[layer] < math.exp(-0.5 * x * x):
                break
        else:
            return False
        out[i] = std * x
    return used <= len(halves)


@inlined
def _beyond(halves, used):
    """A number from the tail, and how many halves are used then."""
    while used < len(halves) - 1:
        x = np.float32(-1.0 / TAIL) * np.log1p(-_unit(halves[used]))
        y = -np.log1p(-_unit(halves[used + 1]))
        used += 2
        if y + y > x * x:
            return np.float32(TAIL) + x, used
    return np.float32(TAIL), len(halves) + 1  # too few


@inlined
def _unit(half):
    """32 bits to float32 in 0..1."""
    return np.float32(half >> 8) * np.float32(1.0 / 2**24)
