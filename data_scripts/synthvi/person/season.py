"""Clothes for heat: what people take off where the knob ``summer`` says so."""

from __future__ import annotations

import dataclasses

import numpy as np

from .wardrobe import Person


def dress_for_heat(person: Person, rng: np.random.Generator) -> Person:
    """The same person without coat, scarf and woollen hat, in short sleeves, often with bare legs."""
    style = person.style
    sleeve = min(style.sleeve, float(rng.choice([0.02, 0.22, 0.32])))
    hem = style.bottom_hem if rng.uniform() < 0.4 else max(style.bottom_hem, float(rng.uniform(-0.45, -0.2)))
    hat = 0 if style.hat == 1 else style.hat
    return dataclasses.replace(
        person, style=style._replace(coat=0, scarf=0, hat=hat, sleeve=sleeve, bottom_hem=hem)
    )
