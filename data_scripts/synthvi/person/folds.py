"""Folds of cloth and strands of hair: a periodic relief, laid along and across the limbs, whose slopes bend the normals.

Cloth is thrown into folds where a limb bends and where there is too much of it: across the inside of elbows and knees, in rings
above cuffs and shoes, in rays from crotch and armpits, plumb where coats and skirts hang. Between, it is smooth.
The slopes are those of a height over the body, in the axes of the person: light from one side shows the same folds from all sides.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..compiled import compiled, constants, inlined
from .cuts import (
    ACROSS_X,
    ACROSS_Y,
    ACROSS_Z,
    OUT_X,
    OUT_Y,
    OUT_Z,
    SHOULDER_X,
    SHOULDER_Y,
    SHOULDER_Z,
    arm_share,
)
from .garments import CHAMBER
from .materials import Material
from .pieces import FOLD, MATERIAL, Fold

FOLDS, COAT = constants(Fold), int(Material.COAT)
ELBOW, ELBOW_OUT, ELBOW_BACK = 0.43, 0.028, 0.078  # share of the arm; metres from the line shoulder to wrist
KNEE, CROTCH, ARMPIT = -0.37, -0.06, 0.42  # rest heights
SMOOTH = 0.004  # slope that nobody sees
FINE = 0.012  # metres: larger samples see the mean of some folds
QUILT = 0.35  # slope of cloth beside the seams of quilting
SIZE = 128  # samples along an edge of the relief, a power of 2
LAST = SIZE - 1
TILE = 0.9  # metres along an edge


@inlined
def clear(period, fine):
    """Share of a pattern's contrast that samples of ``fine`` metres can show: none below 2.5 samples a period, all from 5 on.

    A pixel has two samples along an edge, and needs a period of two pixels.
    """
    share = min(1.0, max(0.0, period / (2.5 * fine) - 1.0))
    return share * share * (3.0 - 2.0 * share)


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


@compiled
def fold_state(style, bends):
    """What the folds of a whole picture depend on.

    Parameters
    ----------
    style : Style
        All fields float. ``fold_phase``, the person's own and the walk's in one number, says where folds lie, the volumes how deep
        they are.
    bends : (4,) float32
        How far left and right elbow, left and right knee are bent, radians.

    Returns
    -------
    (13,) float64
        Two shifts of the relief, metres; how much the four joints fold, 0..1; cosine and sine of the left and of the right elbow;
        how loose trousers, top and coat are, 0.5..1.5.
    """
    state = np.empty(13)
    phase = style.fold_phase
    state[0], state[1] = 2.3 * phase, 17.9 * phase  # many tiles apart: one says nothing about the other
    for joint in range(4):
        share = min(1.0, bends[joint] / 1.1)
        state[2 + joint] = share * (2.0 - share)
    for side in range(2):
        state[6 + 2 * side], state[7 + 2 * side] = math.cos(bends[side]), math.sin(bends[side])
    state[10] = 0.5 + min(1.0, style.bottom_volume / 0.02)
    state[11] = 0.5 + min(1.0, style.top_volume / 0.025)
    state[12] = 0.5 + min(1.0, style.coat_volume / 0.025)
    return state


@inlined
def bell(distance):
    """About exp(−distance²), without an exponential, and 0 from a distance of 2 on: most samples are far from most joints."""
    inside = max(0.0, 1.0 - 0.25 * distance * distance)
    return (inside * inside) * (inside * inside)


@inlined
def crumple(kind, side, front, share, x, y, style, state):
    """Slopes of folds across and along a limb at a place of a surface.

    Parameters
    ----------
    kind : int
        `Surface`.
    side : int
        0 the person's left, 1 right.
    front, share : float
        Metres before the limb's axis (where arms bend to; negative behind it, where knees bend to); place along the arm.
    x, y : float
        Rest position, metres.
    style : Style
        Hems and sleeves.
    state : (13,) float64
        From `fold_state`.
    """
    fold, coat = FOLD[kind], MATERIAL[kind] == COAT
    if fold == FOLDS.LEG:
        loose = state[10]
        inside = min(1.0, max(0.2, 0.5 - 12.0 * front))
        knee = state[4 + side] * inside * bell(12.0 * (y - KNEE))
        shoe = bell(14.0 * (y - style.bottom_hem - 0.06)) if style.bottom_hem < -0.68 else 0.0
        return loose * (0.50 * knee + 0.20 * bell(11.0 * (y - CROTCH)) + 0.28 * shoe), 0.026 * loose
    loose = state[12] if coat else state[11]
    if fold == FOLDS.SLEEVE:
        end = 0.97 if coat else min(1.0, style.sleeve)
        inside = min(1.0, max(0.2, 0.5 + 16.0 * front))
        elbow = state[2 + side] * inside * bell(6.0 * (share - ELBOW))
        cuff = bell(9.0 * (share - end + 0.10)) if end > 0.8 else 0.0
        return loose * (0.50 * elbow + 0.20 * cuff + 0.12 * bell(7.0 * share)), 0.026 * loose
    if fold == FOLDS.TRUNK:
        hanging = min(1.0, max(0.0, 4.0 * (0.20 - y)))
        armpit = bell(12.0 * (y - ARMPIT + 0.03)) * bell(16.0 * (abs(x) - 0.15))
        across = (0.05 if coat else 0.11) * bell(14.0 * (y - 0.12)) + 0.20 * armpit
        return loose * across, loose * (0.022 + (0.11 if coat else 0.07) * hanging)
    if fold == FOLDS.SKIRT:
        return 0.0, 0.04 + 0.18 * min(1.0, max(0.0, 3.0 * (0.12 - y)))
    return 0.14, 0.28  # a scarf


@inlined
def fold_slopes(kind, x, y, z, style, state, texture, fine):
    """How steep folds (strands of hair, quilting) are at a sample.

    Parameters
    ----------
    kind : int
        `Surface`.
    x, y, z : float
        Rest position, metres.
    style, state : Style, (13,) float64
        All fields float; from `fold_state`.
    texture : (SIZE, SIZE, 2) float32
        From `relief`.
    fine : float
        Size of a sample, metres.

    Returns
    -------
    left, up, forward : float
        Gradient of the height of folds, in the axes of the person as they stand: an arm hangs, and its elbow is bent.
    share : float
        Of the light, that is left in the seams of quilting.
    """
    fold = FOLD[kind]
    if fold == FOLDS.NONE:
        return 0.0, 0.0, 0.0, 1.0
    side, mirror = (0, 1.0) if x > 0.0 else (1, -1.0)
    move, glide = state[0] + 0.31 * kind + 0.47 * side, state[1] + 0.53 * kind + 0.29 * side
    if fold == FOLDS.HAIR:
        a, b = slope_at(texture, 3.5 * (x + 0.6 * z) + state[0], 0.4 * y + state[1])
        return -0.20 * a, -0.06 * b, -0.12 * a, 1.0
    out, front, length, slant, share = _on_limb(fold, x, y, z)
    limb = fold == FOLDS.LEG or fold == FOLDS.SLEEVE
    if not limb:  # one piece of cloth on both sides
        move, glide = move - 0.47 * side, glide - 0.29 * side
    across, along = crumple(kind, side, front, share, x, y, style, state)
    if fine > FINE:
        across, along = across * (FINE / fine), along * (FINE / fine)
    taut = along - across  # cloth that is thrown into folds one way is taut the other way
    if across > SMOOTH:
        across *= slope_at(texture, 0.4 * (out + 0.7 * front) + move, length + glide)[1]
    along = 0.0
    if taut > SMOOTH:
        inverse = 1.0 / (abs(out) + abs(front) + 1e-6)
        around = out * inverse  # once round is four, and a whole number of tiles
        around = (0.25 if limb else 0.5) * TILE * (around if front > 0.0 else 2.0 - around)
        along = taut * inverse * slope_at(texture, around + glide, 0.2 * length + move)[0]
    left = 1.0
    if style.quilt > 0.0 and MATERIAL[kind] == COAT:
        chamber = (0.43 * share if fold == FOLDS.SLEEVE else y) / CHAMBER
        place, shown = 2.0 * (chamber - math.floor(chamber)) - 1.0, clear(CHAMBER, fine)
        across -= shown * QUILT * place  # -1 … 1 between two seams
        left -= 0.4 * shown * place**6
    aside = mirror * slant * across + (mirror if limb else 1.0) * front * along
    if fold != FOLDS.SLEEVE:
        return aside, across, -out * along, left
    # down a hanging arm; the forearm points forward by as much as the elbow is bent
    down, ahead = (state[6 + 2 * side], state[7 + 2 * side]) if share > ELBOW else (1.0, 0.0)
    return aside, -down * across - ahead * out * along, ahead * across - down * out * along, left


@inlined
def _on_limb(fold, x, y, z):
    """Place on a limb: metres outwards and forwards from its axis, place along the folds across it, their slant, share of the arm."""
    if fold == FOLDS.LEG:
        out, front = abs(x) - 0.115 + 0.14 * y, z - 0.02
        if y > -0.22:  # rays from the crotch
            slant = (CROTCH - y) / (abs(x) + 0.06)
            return out, front, -0.24 * slant, max(-1.0, min(1.0, slant)), 0.0
        slant = 0.45 if out > 0.0 else -0.45  # a zigzag about the middle of the leg
        return out, front, 1.5 * (y + slant * out), slant, 0.0
    if fold == FOLDS.SLEEVE:
        share = arm_share(x, y, z)
        bow = share * (1.0 / ELBOW) if share < ELBOW else (1.0 - share) * (1.0 / (1.0 - ELBOW))
        dx, dy, dz = abs(x) - SHOULDER_X, y - SHOULDER_Y, z - SHOULDER_Z
        out = dx * OUT_X + dy * OUT_Y + dz * OUT_Z - ELBOW_OUT * bow
        front = dx * ACROSS_X + dy * ACROSS_Y + dz * ACROSS_Z + ELBOW_BACK * bow
        return out, front, 0.65 * share, 0.0, share
    if fold == FOLDS.TRUNK and y > 0.25:  # rays from the armpits
        slant = (y - ARMPIT) / max(0.05, 0.26 - abs(x))
        return x, z - 0.02, 0.24 * slant, max(-1.0, min(1.0, slant)), 0.0
    return x, z - 0.02, 1.4 * y, 0.0, 0.0
