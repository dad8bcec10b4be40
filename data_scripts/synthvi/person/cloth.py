"""What cloth, leather, skin and hair reflect at 850 nm, by what they are made of and how they were coloured.

Dyes absorb where the eye sees and are nearly transparent at 850 nm, so most dyed cloth is bright there whatever its colour:
black trousers turn near white. What stays dark is black with carbon: soot absorbs at every wavelength, and traces of it in a
print are enough (S. Mallakpour et al., printed cotton/nylon fabrics, Color Research and Application). Pigment prints and white
ink (titanium dioxide) keep their contrast, patterns of dyed yarn lose it. CARD.md lists the sources and what is an estimate.

All reflectances are linear, 0..1, unlike the display colours of `materials`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..display import GAMMA
from ..seeds import Draws
from ..world import World
from .materials import Material, luminance

NEAR_BLACK = 0.25  # display luminance below which cloth counts as black
CARBON = (0.035, 0.10)  # reflectance of what is black with carbon, lowest and highest
WHITE_INK = (0.72, 0.86)  # of titanium dioxide


@dataclass(frozen=True)
class Cloth:
    """A material that was dyed: its reflectance at 850 nm is ``base + slope · visible ± spread``, visible being linear luminance."""

    base: float
    slope: float
    spread: float  # standard deviation from garment to garment
    carbon: float  # how often carbon makes it black, times the knob ``carbon_black``


DYED = Cloth(0.46, 0.16, 0.11, 1.0)  # cotton and synthetics
DENIM = Cloth(0.48, 0.14, 0.08, 0.5)  # indigo lets everything beyond 700 nm through
WOOL = Cloth(0.46, 0.15, 0.09, 0.6)
LEATHER = Cloth(0.38, 0.22, 0.10, 1.3)  # and its substitutes, which are pigmented more often

# what garments are made of: (cloth, share) pairs
MADE_OF = {
    Material.TOP: ((DYED, 0.85), (WOOL, 0.15)),
    Material.BOTTOM: ((DYED, 0.6), (DENIM, 0.4)),
    Material.COAT: ((DYED, 0.65), (WOOL, 0.25), (LEATHER, 0.10)),
    Material.SHOE: ((LEATHER, 0.6), (DYED, 0.4)),
    Material.HAT: ((DYED, 0.5), (WOOL, 0.5)),
    Material.BAG: ((DYED, 0.6), (LEATHER, 0.4)),
    Material.STRAP: ((DYED, 0.7), (LEATHER, 0.3)),
    Material.SCARF: ((WOOL, 0.6), (DYED, 0.4)),
    Material.BELT: ((LEATHER, 1.0),),
    Material.SOCK: ((DYED, 1.0),),
}
# second colours: what they lie on, and how often their contrast stays (times the knob ``pattern_contrast``)
ON = {
    Material.TOP_SECOND: (Material.TOP, 0.5),
    Material.BOTTOM_SECOND: (Material.BOTTOM, 0.4),
    Material.COAT_SECOND: (Material.COAT, 0.5),
    Material.BAG_SECOND: (Material.BAG, 0.6),
    Material.SCARF_SECOND: (Material.SCARF, 0.4),
    Material.LOGO: (Material.TOP, 0.8),  # ink: soot or titanium dioxide
    Material.PRINT_SECOND: (Material.LOGO, 0.5),
}


def near_infrared(draws: Draws, visible: np.ndarray, world: World) -> np.ndarray:
    """Linear reflectances (materials,) at 850 nm of one person.

    Parameters
    ----------
    draws : Draws
        The person's generators; each material has its own.
    visible : (materials, 3) float
        Display colours.
    world : World
        Its knobs ``carbon_black``, ``pattern_contrast``, ``nir_spread``, and ``nir_gray_copy``: the share of the visible
        picture's own brightness that is mixed in (in display values).
    """
    seen = luminance(visible) ** GAMMA
    made = np.zeros(len(Material))
    for material, choices in MADE_OF.items():
        made[material] = _dyed(draws(f"850 nm of {material.name}"), choices, seen[material], world)
    for material, (below, keeps) in ON.items():
        rng = draws(f"850 nm of {material.name}")
        made[material] = _on_top(rng, made[below], seen[material] - seen[below], keeps, world)
    _write_the_rest(draws, seen, made, world)
    share = world.nir_gray_copy
    display = (1.0 - share) * np.clip(made, 0.03, 0.92) ** (1 / GAMMA) + share * luminance(visible)
    return display**GAMMA


def _dyed(
    rng: np.random.Generator, choices: tuple[tuple[Cloth, float], ...], seen: float, world: World
) -> float:
    """One garment: the cloth is drawn, then whether carbon makes it black, then its dye."""
    kind = rng.uniform()
    carbon, amount, scatter = rng.uniform(), rng.uniform(*CARBON), rng.normal()
    cloth = choices[int(np.searchsorted(np.cumsum([share for _, share in choices[:-1]]), kind))][0]
    dark = seen < NEAR_BLACK**GAMMA
    if carbon < min(1.0, cloth.carbon * world.carbon_black) * (1.0 if dark else 0.2):
        return amount
    return cloth.base + cloth.slope * seen + world.nir_spread * cloth.spread * scatter


def _on_top(rng: np.random.Generator, below: float, lighter: float, keeps: float, world: World) -> float:
    """A second colour that is ``lighter`` than what it lies on by this much visible light: a pigment, or a dye that vanishes."""
    pigment, dark, white, scatter = rng.uniform(), rng.uniform(*CARBON), rng.uniform(*WHITE_INK), rng.normal()
    if pigment < min(1.0, keeps * world.pattern_contrast):
        return max(white, below + 0.05) if lighter > 0 else dark
    return below + 0.02 * world.nir_spread * scatter


def _write_the_rest(draws: Draws, seen: np.ndarray, made: np.ndarray, world: World) -> None:
    """Skin, hair, soles, frames of glasses.

    Melanin absorbs little at 850 nm: skin of all colours reflects about a half (Jacquez et al., J. Applied Physiology 8,
    1956: differences between people appear below 1 µm only), black hair stays dark.
    """
    skin, hair = (world.nir_spread * draws(f"850 nm of {name}").normal() for name in ("SKIN", "HAIR"))
    made[Material.SKIN] = 0.47 + 0.14 * seen[Material.SKIN] + 0.045 * skin
    made[Material.HAIR] = 0.09 + 1.0 * seen[Material.HAIR] + 0.03 * hair
    made[Material.LIPS] = 0.92 * made[Material.SKIN]
    made[Material.FACE_DARK] = 0.10
    made[Material.SOLE] = 0.05 + 0.9 * seen[Material.SOLE]  # rubber: soot or titanium dioxide
    made[Material.GLASSES] = 0.05 + 0.4 * seen[Material.GLASSES]
