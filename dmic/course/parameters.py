"""A notebook's parameters: which there are, what they may be, and the configuration that they ask for.

Taught in: notebooks/00_start_here.ipynb
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from dmic import config
from dmic.storage.checking import near_names

__all__ = ["PARAMETERS", "ParameterError", "read_parameters"]

PARAMETERS: dict[str, tuple[Any, ...]] = {
    "preset": tuple(config.PRESETS),
    "data_root": (str,),
    "run_dir": (str,),
    "record_dir": (str,),
    "results_file": (str,),
    "seed": (int,),
    "people": (int,),
    "test_people": (int,),
    "device": ("auto", "cpu", "cuda"),
    "resume": (bool,),
    "overrides": (str, dict),
}
"""Every parameter that a notebook may have -> its types, or the values that are allowed."""

_INJECTED = "# Parameters\n"  # the first line of the cell that papermill puts after the parameters cell


class ParameterError(ValueError):
    """A notebook parameter is unknown or has the wrong type or value; the message names it."""

    def _render_traceback_(self) -> list[str]:
        """Show the message alone in a notebook, where a page of traceback would hide it (IPython asks for this method)."""
        return [f"{type(self).__name__}: {self}"]


def read_parameters(names: Sequence[str], values: Mapping[str, Any]) -> config.Config:
    """Check a notebook's parameters, so that a typo stops the run at once, and return what they make of the preset.

    Parameters
    ----------
    names
        The notebook's parameters, `preset` among them; all stand in ``PARAMETERS``.
    values
        The notebook's ``globals()``. IPython's history in it, ``In``, shows what the parameters cell assigned, and what the cells
        right after it did that assign literals only, as the one that papermill injects: any name there that is not among
        `names` is unknown. Where there is no history, as in a script, unknown parameters are not looked for.

    Returns
    -------
    Config
        The preset with `seed`, `device` and `overrides`, as far as the notebook has them. A notebook without `run_dir` (00, 01)
        trains nothing and takes the presets ``toy`` and ``small`` only.

    Raises
    ------
    ParameterError
        Names the first parameter that is unknown, missing, or ill-typed, and what is allowed.
    ConfigError
        If `seed` or `overrides` ask for something that the configuration does not have.

    Notes
    -----
    papermill only warns about parameters that a notebook does not declare.
    Taught in: notebooks/00_start_here.ipynb

    Examples
    --------
    >>> read_parameters(["preset", "seed"], {"preset": "toy", "seed": "zero"})
    Traceback (most recent call last):
        ...
    dmic.course.parameters.ParameterError: parameter seed is 'zero' (str); expected int
    """
    for name in names:
        if name not in PARAMETERS:
            raise ParameterError(near_names(name, PARAMETERS, what="name in course.start"))
    for name in _assigned_in_history(names, values.get("In")):
        if name not in names:
            raise ParameterError(f"unknown parameter {name!r}; the parameters are {', '.join(names)}")
    for name in names:
        if name not in values:
            raise ParameterError(f"parameter {name} is missing; the parameters are {', '.join(names)}")
        without_run = name == "preset" and "run_dir" not in names
        _check_value(name, values[name], ("toy", "small") if without_run else PARAMETERS[name])
    changes = {f"training.{name}": values[name] for name in ("seed", "device") if name in names}
    if "overrides" in names:
        changes |= _read_overrides(values["overrides"])
    return config.with_overrides(config.preset(values["preset"]), changes)


def _assigned_in_history(names: Sequence[str], history: Any) -> list[str]:
    """Return what was assigned by the last cell that set most of the names, and by what was injected right after it."""
    cells = history[:-1] if isinstance(history, list) else []  # the last cell is the one that is running
    for place in reversed(range(len(cells))):
        assigned = _assigned(cells[place])
        if 2 * len({*names} & {*assigned}) > len(names) and not cells[place].startswith(_INJECTED):
            injected = takewhile(_may_be_injected, cells[place + 1 :])
            return assigned + [name for cell in injected for name in _assigned(cell)]
    return []


def _may_be_injected(cell: str) -> bool:
    """Whether a cell comes from papermill, or assigns literals and does nothing else, as one that somebody put there by hand."""
    try:
        for statement in ast.parse(cell).body:
            if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
                return cell.startswith(_INJECTED)
            ast.literal_eval(statement.value)
    except (SyntaxError, ValueError):
        return cell.startswith(_INJECTED)  # which may hold float('nan')
    return True


def _assigned(cell: str) -> list[str]:
    """Return the names that a cell assigns outside of blocks; none where it is not Python."""
    try:
        statements = ast.parse(cell).body
    except (SyntaxError, ValueError):
        return []
    targets: list[ast.expr] = []
    for statement in statements:
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets.append(statement.target)
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _check_value(name: str, value: Any, expected: tuple[Any, ...]) -> None:
    """Compare by exact type (True is not an int here) or by membership."""
    types = [entry for entry in expected if isinstance(entry, type)]
    if types:
        if type(value) not in types:
            wanted = " or ".join(entry.__name__ for entry in types)
            raise ParameterError(f"parameter {name} is {value!r} ({type(value).__name__}); expected {wanted}")
    elif value not in expected:
        raise ParameterError(
            f"parameter {name} is {value!r}; expected one of {', '.join(map(repr, expected))}"
        )


def _read_overrides(overrides: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return configuration overrides given as a dictionary or as JSON text, ``'{"training.epochs": 3}'``."""
    if isinstance(overrides, str):
        try:
            overrides = json.loads(overrides or "{}")
        except json.JSONDecodeError as error:
            raise ParameterError(
                f"parameter overrides is not JSON ({error}): {overrides!r}; write e.g. "
                '{"training.epochs": 3}'
            ) from None
    if not isinstance(overrides, Mapping):
        raise ParameterError(
            f"parameter overrides is {overrides!r}; expected an object of section.field: value"
        )
    return dict(overrides)
