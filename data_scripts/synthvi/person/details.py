"""What tells people apart whatever the light: prints, cut of the clothes, faces, shoes. Every detail is drawn by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..seeds import Draws
from ..world import World
from .colors import contrasting, worn
from .cuts import Cut
from .materials import Material
from .motifs import MOTIFS
from .shoes import ShoeForm

if TYPE_CHECKING:
    from .wardrobe import Style

CALM = 8  # number of colours that people who look alike wear
BUSY = (1, 2, 3)  # patterns on which nothing is printed: RINGS, STRIPES, CHECKS
# Places of prints on tops: share, sides (1 front, 2 back, 3 both), middle (x, y), least and largest half width; metres
PLACES = (
    (0.22, 1, 0.0, 0.34, 0.07, 0.12),
    (0.14, 2, 0.0, 0.33, 0.09, 0.14),
    (0.20, 3, 0.0, 0.34, 0.08, 0.13),
    (0.12, 1, 0.085, 0.40, 0.025, 0.042),  # badge
    (0.08, 1, -0.08, 0.16, 0.035, 0.055),
    (0.24, 1, 0.0, 0.28, 0.13, 0.16),  # nearly all of the front
)
TOP_CUTS = (
    Cut.YOKE, Cut.RAGLAN, Cut.HALF, Cut.DIAGONAL, Cut.PANELS, Cut.SLEEVE_STRIPE, Cut.SLEEVE_STRIPES, Cut.BANDS, Cut.DOUBLE_BAND,
    Cut.CHEST_POCKET, Cut.KANGAROO,
)  # fmt: skip
COAT_CUTS = (
    Cut.YOKE, Cut.RAGLAN, Cut.DIAGONAL, Cut.PANELS, Cut.SLEEVE_STRIPE, Cut.SLEEVE_STRIPES, Cut.BANDS, Cut.POCKETS, Cut.POCKETS,
)  # fmt: skip
BOTTOM_CUTS = (Cut.LEG_STRIPES, Cut.PANELS, Cut.CARGO, Cut.CARGO, Cut.KNEES, Cut.SHANKS, Cut.LEG, Cut.BANDS)


def draw_details(draws: Draws, world: World, style: Style) -> Style:
    """Add to a style of old what newer versions know; the knob ``pattern_share`` scales prints and cuts."""
    much = world.pattern_share
    drawn = {**_draw_prints(draws, much, style), **_draw_cuts(draws, much, style), **_draw_face(draws)}
    return style._replace(**drawn, shoe_form=_draw_shoes(draws, style))


def _draw_prints(draws: Draws, much: float, style: Style) -> dict:
    """Prints on top, coat, trousers and bag. Who had a logo has a print there; with them 0.75 · ``much`` of tops have one (up to 0.87)."""
    rng = draws("print on the top")
    _, sides, x, y, least, most = PLACES[rng.choice(len(PLACES), p=[place[0] for place in PLACES])]
    rest = 0.534 * much / (1.0 - 0.616 * much)  # 0.216 · much have logos, 0.4 · much busy patterns
    printed = rng.uniform() < rest and style.top_pattern not in BUSY
    if style.logo:
        (sides, x, y, least, most), printed = (style.logo, *PLACES[2][2:]), True
    width = rng.uniform(least, most)
    coat, bottom, bag = draws("print on the coat"), draws("print on the trousers"), draws("print on the bag")
    coated = coat.uniform() < 0.5 * much and not style.coat_pattern
    bottomed = bottom.uniform() < 0.25 * much and not style.bottom_pattern
    return {
        "top_print": int(sides) if printed else 0,
        "top_motif": int(rng.integers(len(MOTIFS))),
        "print_x": x,
        "print_y": y + rng.uniform(-0.015, 0.015),
        "print_width": width,
        "print_height": width * rng.uniform(0.85, 1.2),
        "coat_print": int(coat.choice([1, 2], p=[0.6, 0.4])) if coated else 0,
        "coat_motif": int(coat.integers(len(MOTIFS))),
        "coat_print_size": coat.uniform(0.07, 0.14),
        "bottom_print": int(bottom.choice([-1, 1])) if bottomed else 0,
        "bottom_motif": int(bottom.integers(len(MOTIFS))),
        "bag_print": int(bag.uniform() < 0.75 * much),
        "bag_motif": int(bag.integers(len(MOTIFS))),
    }


def _draw_cuts(draws: Draws, much: float, style: Style) -> dict:
    """Cuts of plain tops, coats and trousers."""
    made = {}
    for name, cuts, share in (
        ("top", TOP_CUTS, 0.75),
        ("coat", COAT_CUTS, 0.9),
        ("bottom", BOTTOM_CUTS, 0.65),
    ):
        rng = draws(f"cut of the {name}")
        cut, chosen = rng.choice(cuts), rng.uniform() < share * much
        plain = not getattr(style, f"{name}_pattern")
        made[f"{name}_cut"] = int(cut) if chosen and plain else 0
    if style.skirt and made["bottom_cut"] not in (0, Cut.SHANKS):  # the others are for legs
        made["bottom_cut"] = int(Cut.BANDS)
    rng = draws("lines of the cuts")
    return {**made, "cut_level": rng.uniform(), "cut_side": int(rng.choice([-1, 1]))}


def _draw_face(draws: Draws) -> dict:
    """Glasses, eyebrows, form of the beard."""
    rng = draws("glasses")
    kind, wears = rng.choice([1, 2, 3], p=[0.4, 0.35, 0.25]), rng.uniform() < 0.3
    return {
        "glasses": int(kind) if wears else 0,
        "brows": draws("eyebrows").uniform(0.5, 1.7),
        "beard_form": int(draws("form of the beard").choice(3, p=[0.5, 0.25, 0.25])),
    }


def _draw_shoes(draws: Draws, style: Style) -> int:
    """Form of shoes that are no boots; high-tops are hidden by wide trousers."""
    forms = [
        ShoeForm.PLAIN,
        ShoeForm.SNEAKER,
        ShoeForm.HIGH_TOP,
        ShoeForm.LOAFER,
        ShoeForm.WEDGE,
        ShoeForm.SANDAL,
    ]
    form = draws("form of the shoes").choice(forms, p=[0.24, 0.30, 0.14, 0.14, 0.10, 0.08])
    return int(form) if style.shoe_top < -0.70 else 0


def make_alike(
    draws: Draws, style: Style, table: np.ndarray, colors: np.ndarray, share: float
) -> tuple[Style, np.ndarray]:
    """Dress a ``share`` 0..1 of people alike: plain, and in few calm colours; half of these keep prints and cuts.

    Parameters
    ----------
    draws : Draws
        Of the person.
    style : Style
        What they would wear.
    table : (materials, 3)
        Display colours of it; not changed.
    colors : (k, 3)
        The world's cloth colours, of which the calmest are worn.
    share : float
        Of all people.

    Returns
    -------
    Style, (materials, 3) float array
        The same where a person is not one of them.
    """
    rng = draws("who look alike")
    alike, bare = rng.uniform() < share, rng.uniform() < 0.5
    calm = colors[np.argsort(np.ptp(colors, axis=1), kind="stable")[:CALM]]
    made = np.array(table, dtype=float)
    for first, second, ink in (
        (Material.TOP, Material.TOP_SECOND, Material.LOGO),
        (Material.BOTTOM, Material.BOTTOM_SECOND, None),
        (Material.COAT, Material.COAT_SECOND, None),
    ):
        made[first] = worn(rng, calm, calm=0.0)
        made[second] = contrasting(rng, colors, made[first])
        if ink is not None:
            made[ink] = contrasting(rng, colors, made[first], least=0.4)
    if not alike:
        return style, np.array(table, dtype=float)
    style = style._replace(top_pattern=0, coat_pattern=0, bottom_pattern=0)
    if bare:
        style = style._replace(
            top_print=0, coat_print=0, bottom_print=0, bag_print=0, top_cut=0, coat_cut=0, bottom_cut=0
        )
    return style, made
