"""Hair styles as forms: how long hair hangs, where it is thick, where it ends. Part of the identity."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..seeds import Draws

if TYPE_CHECKING:
    from .wardrobe import Style


class Hair(IntEnum):
    """Hair style."""

    BALD = 0
    SHORT = 1
    LONG = 2
    BUN = 3
    TAIL = 4
    RECEDING = 5  # bald on top, hair around
    BOB = 6
    SHOULDER = 7  # down to the shoulders
    WAVY = 8  # long and wide
    CURLY = 9  # short curls that stand off
    HIGH_TAIL = 10
    LOW_TAIL = 11
    HIGH_BUN = 12
    LOW_BUN = 13
    BRAIDS = 14  # two, over the chest
    PIGTAILS = 15  # two, beside the head
    TOP = 16  # shaved sides, volume on top


class Form(NamedTuple):
    """One style. Thicknesses are metres, or shares of `Style.hair_body`."""

    # rest heights of the tips, longest and shortest; None: a hairline
    bottom: tuple[float, float] | None = None
    tied: bool = False  # lies close to the skull
    top: float = 1.0  # share of the body on top
    side: float = 0.6  # at the temples
    low: float = 0.3  # below the ears
    sides: float = 1.0  # factor on all hair below the crown
    wave: float = 0.0  # metres
    ragged: float = 1.0  # factor on how uneven tips are


FORMS = {
    Hair.BALD: Form(),
    Hair.SHORT: Form(),
    Hair.LONG: Form(bottom=(0.36, 0.60), low=0.5),
    Hair.RECEDING: Form(),
    Hair.BOB: Form(bottom=(0.615, 0.675), side=0.9, low=1.6, ragged=0.2),
    Hair.SHOULDER: Form(bottom=(0.52, 0.60), side=0.7, low=1.3, ragged=0.4),
    Hair.WAVY: Form(bottom=(0.38, 0.54), side=0.9, low=1.3, wave=0.009),
    Hair.CURLY: Form(side=1.0, low=0.75, wave=0.004),
    Hair.TOP: Form(side=0.0, low=0.0, sides=0.2),
}
TIED = Form(tied=True)
# Style of old -> what it becomes, with shares of women and of men
BECOMES = {
    Hair.SHORT: {
        Hair.SHORT: (0.30, 0.55),
        Hair.BOB: (0.35, 0.0),
        Hair.CURLY: (0.20, 0.18),
        Hair.TOP: (0.15, 0.27),
    },
    Hair.LONG: {
        Hair.LONG: (0.28, 0.30),
        Hair.BOB: (0.22, 0.10),
        Hair.SHOULDER: (0.20, 0.30),
        Hair.WAVY: (0.22, 0.20),
        Hair.CURLY: (0.08, 0.10),
    },
    Hair.BUN: {Hair.BUN: (0.25, 0.25), Hair.HIGH_BUN: (0.40, 0.50), Hair.LOW_BUN: (0.35, 0.25)},
    Hair.TAIL: {
        Hair.TAIL: (0.20, 0.30),
        Hair.HIGH_TAIL: (0.28, 0.20),
        Hair.LOW_TAIL: (0.22, 0.50),
        Hair.BRAIDS: (0.18, 0.0),
        Hair.PIGTAILS: (0.12, 0.0),
    },
}
# Metres that hair stands off in addition, least and most; others 0 to 0.012
BODY = {
    Hair.SHORT: (0.005, 0.024),
    Hair.LONG: (0.0, 0.020),
    Hair.BOB: (0.004, 0.028),
    Hair.SHOULDER: (0.004, 0.026),
    Hair.WAVY: (0.014, 0.038),
    Hair.CURLY: (0.030, 0.085),
    Hair.TOP: (0.018, 0.042),
}
UNDER_HATS = {
    Hair.HIGH_TAIL: Hair.LOW_TAIL,
    Hair.HIGH_BUN: Hair.LOW_BUN,
    Hair.PIGTAILS: Hair.BRAIDS,
    Hair.TOP: Hair.SHORT,
}

# Hairlines: rest height at angles from the front (degrees), above which there is hair.
ANGLES = (0, 25, 45, 58, 68, 80, 98, 112, 125, 150, 180)
SHORT = (0.796, 0.794, 0.780, 0.752, 0.722, 0.752, 0.752, 0.735, 0.685, 0.655, 0.648)
LONG = (0.797, 0.794, 0.780, 0.750, 0.700, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def draw_hairstyle(draws: Draws, style: Style, woman: bool, share: float) -> Style:
    """Give a person a hair style of today in place of that of old, with chance ``share``."""
    chance, which = draws("haircut").uniform(size=2)
    fringed, fringe = draws("fringe").uniform(size=2)
    body, ragged = draws("hair body").uniform(size=2)
    parting = draws("parting").uniform(-1.0, 1.0)
    old = Hair(int(style.hair))
    if chance >= share or old in (Hair.BALD, Hair.RECEDING):
        return style
    shares = np.cumsum([of[0 if woman else 1] for of in BECOMES[old].values()])
    new = list(BECOMES[old])[int(np.searchsorted(shares, which * shares[-1]))]
    least, most = BODY.get(new, (0.0, 0.012))
    changed: dict[str, Any] = {
        "haircut": int(new),
        "fringe": 0.012 + 0.036 * fringe if fringed < 0.42 and new != Hair.TOP else 0.0,
        "hair_body": least + (most - least) * body,
        "hair_ragged": 0.003 + 0.012 * ragged,
        "parting": parting,
    }
    return style._replace(**changed)


def haircut(style: Style) -> Hair:
    """The style that is worn: today's if the person has one, and flat where a hat needs it."""
    worn = Hair(int(style.haircut or style.hair))
    return UNDER_HATS.get(worn, worn) if style.hat else worn


def form_of(style: Style) -> Form:
    """Form of the style that is worn."""
    return FORMS.get(haircut(style), TIED)


def hair_bottom(style: Style) -> float:
    """Rest height of the tips of hanging hair: longest and shortest forms at the ends of what `hair_bottom` is drawn from."""
    bottom = form_of(style).bottom
    if bottom is None:
        return 0.0
    return float(bottom[0] + (bottom[1] - bottom[0]) * (style.hair_bottom - 0.36) / 0.24)


def hair_edge(angle: np.ndarray, style: Style) -> np.ndarray:
    """Rest height (n,) of the hair's lower edge at angles (n,) in radians from the front."""
    signed = np.rad2deg((angle + np.pi) % (2 * np.pi) - np.pi)
    degrees = np.abs(signed)
    hanging = form_of(style).bottom is not None
    edge = np.maximum(np.interp(degrees, ANGLES, LONG if hanging else SHORT), hair_bottom(style))
    front = 1.0 - np.clip((degrees - 40) / 22, 0.0, 1.0)
    fringe = style.fringe * front * (1.0 + 0.55 * style.parting * np.clip(signed / 40, -1, 1))
    return edge + style.hairline * np.clip((degrees - 70) / -40, 0.0, 1.0) - fringe


def ragged(angle: np.ndarray, style: Style) -> np.ndarray:
    """Metres (n,) by which single strands end above the edge."""
    phase = style.fold_phase
    waves = np.sin(5 * angle + phase) + np.sin(8 * angle + 2.3 * phase) + np.sin(12 * angle + 0.7 * phase)
    return style.hair_ragged * np.clip(0.5 + 0.3 * waves, 0.0, 1.0)


def thickness(level: np.ndarray, angle: np.ndarray, style: Style) -> np.ndarray:
    """Metres (n,) between skull and the hair's outline, without the body, at rest heights and angles (n,)."""
    form = form_of(style)
    thick = style.hair_volume * (1.0 + 0.35 * np.sin(3 * angle + style.fold_phase))
    if form.bottom is not None:
        return 0.8 * thick + 0.003
    thick = thick * (0.55 + 0.45 * np.clip((level - 0.66) / 0.10, 0.0, 1.0))
    thick *= np.interp(level, (0.775, 0.805), (form.sides, 1.0))
    if form.tied:
        return 0.6 * thick
    return 0.4 * thick if haircut(style) == Hair.RECEDING else thick


def volume(level: np.ndarray, angle: np.ndarray, style: Style) -> np.ndarray:
    """Metres (n,) that the hair's body adds along the skull's normal: more on top, at the sides or below, in bumps and waves."""
    form, phase = form_of(style), style.fold_phase
    share = np.interp(
        level, (0.62, 0.68, 0.755, 0.80), (form.low, 0.5 * (form.low + form.side), form.side, form.top)
    )
    bumps = np.sin(5 * angle + phase) * np.sin(75 * level + phase) + 0.6 * np.sin(
        9 * angle - 2 * phase + 40 * level
    )
    bumps *= np.clip((0.853 - level) / 0.03, 0.0, 1.0)  # the crown is one point
    swept = 1.0 + 0.25 * style.parting * np.sin(angle)
    waves = form.wave * np.sin(85 * level + 2 * angle + phase) if style.hair_body > 0 else 0.0
    return np.maximum(style.hair_body * share * swept * (1.0 + 0.13 * bumps) + waves, 0.0)
