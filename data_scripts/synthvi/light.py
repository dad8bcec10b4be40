"""Light that falls on people and places, by the same formulas: grey cloth before a wall of the same grey is as bright as it.

Visible light comes from a sun (outdoors the sun, indoors lamps at the ceiling and windows) and from all around, the sky. Near-infrared
comes from the camera's own lamp beside its lens and from nowhere else. All is linear; 1 lights a white surface as bright as white.
"""

from __future__ import annotations

from typing import NamedTuple

from .compiled import inlined

REFERENCE = 5.5  # metres from the camera at which a lamp of strength 1 gives light 1
TURNED = 0.25  # share of a lamp's light that a surface loses which is seen edge-on: rough cloth, after Oren and Nayar (1994)


class Light(NamedTuple):
    """What lights one place for one camera: sun and sky for a visible camera, a lamp for an infrared one."""

    toward: tuple[float, float, float]  # unit direction to the sun, in the place's coordinates (y up)
    sun: float  # on a surface that faces it
    sky: float  # on a level surface
    lamp: float  # at REFERENCE metres, on a surface that faces the camera
    beside: tuple[float, float]  # metres from the lens to the lamp: right, up


@inlined
def sky_light(sky, up):
    """Light from all around on a surface whose normal points ``up`` (-1 … 1): a dark floor gives some of it back."""
    return sky * (0.72 + 0.28 * up)


@inlined
def lamp_light(lamp, distance, facing):
    """Light of the lamp at ``distance`` metres on a surface whose normal makes an angle of cosine ``facing`` with the ray."""
    ratio = REFERENCE / distance
    return lamp * ratio * ratio * (1.0 - TURNED * (1.0 - facing))
