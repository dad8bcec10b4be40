"""Checks of what comes from outside: fields against their annotations, arrays of one entry per image, near names for wrong ones."""

from __future__ import annotations

import difflib
import math
import typing
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Range", "checked", "near_names", "per_image"]


class Range(NamedTuple):
    """Smallest and largest value of a field, inclusive: ``pad: Annotated[int, Range(0)]``."""

    low: float
    high: float = math.inf


def near_names(name: str, known: Iterable[str], *, what: str) -> str:
    """Return the text of an error: there is no such name; which it may have been; which there are.

    Examples
    --------
    >>> near_names("regbd", ["toy", "regdb"], what="preset")
    "unknown preset 'regbd'; did you mean regdb? There are: toy, regdb"
    """
    names = {entry.lower(): entry for entry in known}
    near = [names[entry] for entry in difflib.get_close_matches(name.lower(), names, n=3)]
    near = near or [entry for lower, entry in names.items() if name and name.lower() in lower][:3]
    meant = f"; did you mean {' or '.join(near)}? There are" if near else "; there are"
    return f"unknown {what} {name!r}{meant}: {', '.join(names.values())}"


def checked(name: str, value: Any, annotation: Any) -> Any:
    """Return a value as its annotation says; ints pass for floats, nothing else is converted.

    Parameters
    ----------
    name
        Of the field, for the message.
    value
        As read.
    annotation
        A type, ``Literal``, ``Annotated`` type with a `Range`, or one of these ``| None``; forward references resolved.

    Raises
    ------
    ValueError
        Another type, not among the literals, or out of range; NaN is in no range.
    """
    if typing.get_origin(annotation) is Literal:
        if value not in (allowed := typing.get_args(annotation)):
            raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, allowed))}")
        return value
    alternatives = typing.get_origin(annotation) not in (None, Annotated)
    kinds, ranges = [], []
    for part in typing.get_args(annotation) if alternatives else [annotation]:
        kinds.append(typing.get_args(part)[0] if typing.get_origin(part) is Annotated else part)
        ranges += [entry for entry in getattr(part, "__metadata__", ()) if isinstance(entry, Range)]
    if float in kinds and type(value) is int:
        value = float(value)
    if type(value) not in kinds:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{name} is {value!r} ({type(value).__name__}); expected {wanted}")
    for low, high in ranges if value is not None else ():
        if not low <= value <= high:
            raise ValueError(
                f"{name} is {value}; expected {low:g} {'or more' if high == math.inf else f'to {high:g}'}"
            )
    return value


def per_image(values: Any, images: int, *, name: str) -> NDArray[np.integer]:
    """Return cameras or modalities as an array, or raise ``ValueError`` where it is not (images,) integers."""
    import numpy as np  # here: a command that only looks up a name need not wait for it

    array = np.asarray(values)
    if array.shape != (images,) or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{name} has shape {array.shape}, dtype {array.dtype}; expected ({images},) integers, one per image: the rows of features"
        )
    return array
