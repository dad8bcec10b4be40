"""How a person carries body, arms and feet in every pose: part of the identity, and the same in both spectra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..seeds import Draws


@dataclass(frozen=True)
class Carriage:
    """What a person adds to every pose; zeros add nothing. Angles in radians."""

    stoop: float = 0.0  # forward bend of the upper back
    head_forward: float = 0.0  # forward bend of the neck under a level head
    shoulders: float = 0.0  # how far they are pulled up
    spread: float = 0.0  # how far the arms stand off, sideways per downwards
    elbow: float = 0.0  # bend of the elbows
    toes_out: float = 0.0  # turn of the feet outwards
    step_width: float = 0.0  # how far the legs stand apart, sideways per downwards
    swing: float = 0.0  # how much more the arms swing: share of the swing


PLAIN = Carriage()

# attribute -> mean, standard deviation, least and largest value among adults, by eye
SPREADS = {
    "stoop": (0.05, 0.10, -0.08, 0.32),
    "head_forward": (0.06, 0.13, -0.10, 0.40),
    "shoulders": (0.0, 0.09, -0.14, 0.20),
    "spread": (0.03, 0.06, -0.01, 0.20),
    "elbow": (0.05, 0.22, -0.10, 0.70),
    "toes_out": (0.04, 0.14, -0.28, 0.40),
    "step_width": (0.01, 0.025, -0.035, 0.07),
    "swing": (0.0, 0.40, -0.75, 1.0),
}


def draw_carriage(draws: Draws, spread: float) -> Carriage:
    """Draw one person's carriage; ``spread`` scales how much people differ, 0 = nobody adds anything."""
    values = {}
    for name, (mean, std, least, most) in SPREADS.items():
        value = spread * (mean + std * draws(f"carriage {name}").normal())
        values[name] = float(np.clip(value, least, most))
    return Carriage(**values)
