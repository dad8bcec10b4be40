"""Checks of what comes from outside: fields against their annotations, arrays of one entry per image, near names for wrong ones."""

from __future__ import annotations

import difflib
import math
import sys
import types
import typing
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Range", "checked", "near_names", "per_image"]

_UNIONS = (typing.Union, types.UnionType)


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
    """Return a value as its annotation says.

    Converted are NumPy scalars to Python's, ints to floats, lists to sorted tuples without repeats; nothing else.

    Parameters
    ----------
    name
        Of the field, for the message.
    value
        As read.
    annotation
        A type, ``Literal`` of strings, ``tuple[type, ...]``, ``Annotated`` type with a `Range`, or several of these joined by ``|``;
        forward references resolved.

    Raises
    ------
    ValueError
        Another type, not among the literals, out of range, NaN or infinite.

    Examples
    --------
    >>> checked("keep", [30, 5, 30], Literal["all"] | tuple[int, ...])
    (5, 30)
    """
    if getattr(value, "ndim", None) == 0:  # a NumPy scalar
        value = value.item()
    expected = []
    for part in typing.get_args(annotation) if typing.get_origin(annotation) in _UNIONS else (annotation,):
        kind, *notes = typing.get_args(part) if typing.get_origin(part) is Annotated else (part,)
        if typing.get_origin(kind) is Literal:
            if type(value) is str and value in typing.get_args(kind):
                return value
            expected.append(f"one of {', '.join(map(repr, typing.get_args(kind)))}")
        elif typing.get_origin(kind) is tuple:
            entry = typing.get_args(kind)[0]
            if isinstance(value, (list, tuple)):
                return tuple(sorted({checked(f"an entry of {name}", each, entry) for each in value}))
            expected.append("a list")
        elif type(value) is kind or (kind is float and type(value) is int):
            return _in_range(name, value, kind, notes)
        else:
            expected.append(kind.__name__)
    raise ValueError(f"{name} is {value!r} ({type(value).__name__}); expected {' or '.join(expected)}")


def _in_range(name: str, value: Any, kind: type, ranges: list[Range]) -> Any:
    if kind is float:
        if not abs(value) <= sys.float_info.max:  # NaN, infinite, or an int that no float can hold
            raise ValueError(f"{name} is {value}; expected a finite number")
        value = float(value)
    for low, high in ranges:
        if not low <= value <= high:
            raise ValueError(
                f"{name} is {value}; expected {low:.10g} {'or more' if high == math.inf else f'to {high:.10g}'}"
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
