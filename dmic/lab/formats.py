"""Numbers as texts show them: what ``{path:format}`` in a mark of ``dmic.lab.report`` may ask for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from scipy import stats

from dmic.plots.ablations import interval

__all__ = ["Interval", "Number", "PerSeed", "Spread", "named"]


class Number(float):
    """A float with a true minus sign and never −0, that also knows the format ``clock`` (5 min 29 s)."""

    def __format__(self, spec: str) -> str:
        if math.isnan(self):
            return "not defined"
        if spec == "clock":
            minutes, seconds = divmod(round(self), 60)
            return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        text = super().__format__(spec or "g")
        return (text if re.search("[1-9]", text) else text.lstrip("-")).replace("-", "−")


class Interval(SimpleNamespace):
    """A mean and its 95 % interval, ``5.5 (2.7 to 8.4)``; its parts are ``.mean``, ``.low`` and ``.high``."""

    def __format__(self, spec: str) -> str:
        if math.isnan(self.mean):
            return f"{self.mean}"
        return f"{self.mean:{spec}} ({self.low:{spec}} to {self.high:{spec}})"

    @classmethod
    def around(cls, mean: float, half: float) -> Interval:
        """Return the interval from its middle and half width."""
        return cls(mean=Number(mean), low=Number(mean - half), high=Number(mean + half))


class Spread(SimpleNamespace):
    """Mean and standard deviation over ``n`` seeds, ``59.6 ± 5.9``; its parts are ``.mean`` and ``.std``."""

    def __format__(self, spec: str) -> str:
        known = self.std is not None and not math.isnan(self.mean)
        return f"{self.mean:{spec}}" + (f" ± {self.std:{spec}}" if known else "")

    @property
    def interval(self) -> Interval:
        """Student's 95 % interval of the mean. Where the seeds' numbers are kept, ask those: these here are rounded."""
        if self.std is None or self.n < 2:
            raise ValueError(f"an interval needs the spread of two seeds or more; found {self.n}")
        return Interval.around(self.mean, stats.t.ppf(0.975, self.n - 1) * self.std / self.n**0.5)


class PerSeed(list):
    """One number a seed, ``59.1 / 65.7 / 54.0``; ``range`` before a format gives ``54.0 to 65.7``."""

    def __format__(self, spec: str) -> str:
        if spec.startswith("range "):
            return f"{min(self):{spec[6:]}} to {max(self):{spec[6:]}}"
        return " / ".join(f"{entry:{spec}}" for entry in self)

    @property
    def interval(self) -> Interval:
        """Student's 95 % interval of the mean, ``dmic.plots.interval``."""
        return Interval.around(*interval(self))


def named(value: Any, n: int = 0) -> Any:
    """Return nested numbers over ``n`` seeds as objects that ``str.format`` reaches by attribute.

    Parameters
    ----------
    value
        Dictionaries become namespaces, ``{"mean", "std"}`` a `Spread`, ``{"mean", "low", "high"}`` an `Interval`, lists `PerSeed`.
    n
        Number of seeds behind each mean.
    """
    if isinstance(value, Mapping):
        inner = {key: named(entry, n) for key, entry in value.items()}
        if set(inner) == {"mean", "std"}:
            return Spread(**inner, n=n)
        return Interval(**inner) if set(inner) == {"mean", "low", "high"} else SimpleNamespace(**inner)
    if isinstance(value, list):
        return PerSeed(named(entry, n) for entry in value)
    return Number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
