"""Put measured numbers into texts: ``python -m dmic.lab.report`` fills RESULTS.md, README.md and their like from ``results/``.

A text holds no measured number of its own. It holds marks, which Markdown does not show::

    Rank-1 <!-- fill: {toy.dmic.final.rank1:.1f} -->59.6 ± 5.9<!-- end -->
    <!-- fill: toy.scores --> … a table … <!-- end -->
    <!-- fill: toy made --> … command, commit, machine, date, seeds … <!-- end -->

and what stands between a mark and its end is written by this module from ``results/toy.json``. ``--check`` writes nothing and
says which texts differ; ``make test`` asks the same. How a results file looks: ``load``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from dmic.lab.formats import Interval, Number, PerSeed, named
from dmic.lab.results_file import summarise
from dmic.plots.ablations import interval
from dmic.storage.files import write_text
from dmic.storage.project import project_path

__all__ = ["TEXTS", "ReportError", "Results", "fill", "load", "main"]

TEXTS = (
    "README.md",
    "RESULTS.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "notebooks/README.md",
    "notebooks/instructor.md",
    "notebooks/09_full_training.ipynb",
    "data_scripts/README.md",
    "data_scripts/synthvi/CARD.md",
)
"""Files whose marks are filled, from the project's root."""

MADE = ("command", "commit", "date", "machine", "seeds")
"""What every measurement says of itself; null where nobody wrote it down, and then RESULTS.md says so."""

_MARK = re.compile(r"(<!-- fill: (?P<what>[^<>]+?) -->)(?P<text>.*?)(<!-- end -->)", re.DOTALL)


class ReportError(ValueError):
    """A results file or a mark cannot be read; the message names it."""


class Results(SimpleNamespace):
    """One results file: its numbers as attributes, ``tables`` as Markdown, ``made`` as one Markdown list."""


def load(folder: str | Path = "results") -> dict[str, Results]:
    """Read all results files of a folder, by name without ``.json``.

    Parameters
    ----------
    folder
        From the project's root. Each file is one of two kinds. *Measurements*::

            {"measured": {label: {command, commit, date, machine, seeds, note, numbers}}, "tables": {name: {"head", "rows"}}}

        ``machine`` is a key of ``machines.json`` or a description with spaces. ``numbers`` may be nested: ``dmic.lab.formats``
        says what they become; ``{"minus": [path, path]}`` at their top is the difference of two lists. Cells of tables are text
        with ``{path:format}`` into the file's numbers. A *study* is what ``dmic.lab.study --results`` writes: its numbers are
        ``<arm>.<key of a run>``, its paired differences ``paired.<arm>.<other>.<key>``, its tables ``arms`` and ``paired``.

    Raises
    ------
    ReportError
        If a file lacks provenance, names an unknown machine, or two measurements of it share a number's name.
    """
    files = sorted(path for path in project_path(folder).glob("*.json") if path.stem != "machines")
    machines = json.loads((project_path(folder) / "machines.json").read_text(encoding="utf-8"))
    results = {}
    for path in files:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            results[path.stem] = (_study if "runs" in content else _measurements)(content, machines)
        except (LookupError, AttributeError, ValueError, TypeError) as error:
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            raise ReportError(f"{path.name}: {kind}{error}") from error
    return results


def _measurements(content: dict[str, Any], machines: dict[str, str]) -> Results:
    numbers: dict[str, Any] = {}
    for label, measured in content["measured"].items():
        if missing := [key for key in (*MADE, "numbers") if key not in measured]:
            raise ValueError(f"{label} lacks {', '.join(missing)} (null where it is not known)")
        if twice := set(numbers) & set(measured["numbers"]):
            raise ValueError(f"{label}: {', '.join(sorted(twice))} is measured twice")
        numbers |= vars(named(measured["numbers"], len(measured["seeds"] or [])))
    names = _differences(numbers)
    tables = {
        name: _table(table["head"], [[cell.format(**names) for cell in row] for row in table["rows"]])
        for name, table in content.get("tables", {}).items()
    }
    made = [_made(label, measured, machines) for label, measured in content["measured"].items()]
    return Results(**names, tables=tables, made="\n".join(made))


def _differences(numbers: dict[str, Any]) -> dict[str, Any]:
    """Fill in differences of two lists: ``{"minus": ["dmic.by_seed", "vanilla.by_seed"]}``, seeds in the same order."""
    for name, value in numbers.items():
        if isinstance(value, SimpleNamespace) and hasattr(value, "minus"):
            first, second = (attrgetter(path)(SimpleNamespace(**numbers)) for path in value.minus)
            numbers[name] = PerSeed(Number(a - b) for a, b in zip(first, second, strict=True))
    return numbers


def _study(content: dict[str, Any], machines: dict[str, str]) -> Results:
    kept = ("test", "last_epoch", "equal_outliers", "seconds")
    runs: dict[str, dict[int, Any]] = {}
    for run in content["runs"]:
        runs.setdefault(run["arm"], {})[run["seed"]] = {key: run[key] for key in kept}
    pairs = {a: {b: _paired(runs[a], runs[b]) for b in runs if b != a} for a in runs}
    means = {arm: summarise(list(of.values())) for arm, of in runs.items()}
    head = ["arm", "Rank-1 %", "mAP %", "joint clusters", "visible–infrared pairs joined"]
    first = next(iter(runs))
    whole = {
        arm: arm if len(of) == len(content["seeds"]) else f"{arm} ({len(of)} seeds)"
        for arm, of in runs.items()
    }
    rows = [[whole[arm], *_shown(of)] for arm, of in means.items()]
    differences = [[f"{first} − {whole[arm]}", *_shown(of)] for arm, of in pairs[first].items() if of]
    names = {arm: named(of, len(runs[arm])) for arm, of in means.items()} | {"paired": named(pairs)}
    tables = {"arms": _table(head, rows), "paired": _table(["mean (95 % interval)", *head[1:]], differences)}
    return Results(**names, tables=tables, made=_made("", {**content, **content["made"]}, machines))


def _paired(runs: dict[int, Any], others: dict[int, Any]) -> Any:
    """Differences over the seeds that both arms have, as mean and interval, for every number of nested runs."""
    seeds = sorted(set(runs) & set(others))
    if len(seeds) < 2:
        return None
    if isinstance(runs[seeds[0]], Mapping):
        return {
            key: _paired(*({seed: of[seed][key] for seed in seeds} for of in (runs, others)))
            for key in runs[seeds[0]]
        }
    values = np.array([[of[seed] for seed in seeds] for of in (runs, others)], np.float64)  # null is NaN
    return vars(Interval.around(*interval(values[0] - values[1])))


def _shown(arm: dict[str, Any]) -> list[str]:
    """The columns of a study's tables."""
    final, joint = arm["test"]["final"], arm["last_epoch"]["joint"]
    shown = (
        (final["rank1"], ".1f"),
        (final["mAP"], ".1f"),
        (joint["clusters"], ".0f"),
        (joint["cross_modality_recall"], ".2f"),
    )
    return [f"{named(value):{spec}}" for value, spec in shown]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), ["---"] * len(list(head)), *rows]
    return "\n".join("|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in lines)


def _made(label: str, measured: dict[str, Any], machines: dict[str, str]) -> str:
    """Where a measurement comes from, as one item of a Markdown list."""
    if missing := [key for key in MADE if key not in measured]:
        raise ValueError(f"{label or 'made'} lacks {', '.join(missing)} (null where it is not known)")
    machine = measured["machine"]
    if machine is not None and machine not in machines and " " not in machine:
        raise ValueError(f"{label}: machine {machine!r} is not in machines.json ({', '.join(machines)})")
    seeds, commit, command = measured["seeds"], measured["commit"], measured["command"]
    parts = [
        f"`{command}`" if command else "**command not recorded**",
        f"commit `{commit[:7]}`" if commit else "**commit not recorded**",
        measured["date"] or "**date not recorded**",
        machines.get(machine, machine) if machine else "**machine not recorded**",
        *([f"seeds {', '.join(map(str, seeds))}"] if seeds else []),
        *([measured["note"]] if measured.get("note") else []),
    ]
    return f"* {label + ': ' if label else ''}" + "; ".join(parts)


def fill(text: str, results: Mapping[str, Results]) -> str:
    """Return a text with everything between marks written anew.

    Raises
    ------
    ReportError
        If a mark asks for what is not in ``results``, or has no end.
    """

    def written(mark: re.Match[str]) -> str:
        """Write what stands between one mark and its end."""
        what = mark["what"]
        try:
            if "{" in what:
                return mark[1] + what.format(**results) + mark[4]
            name, _, table = what.partition(".")
            file, made = what.removesuffix(" made"), what.endswith(" made")
            block = results[file].made if made else results[name].tables[table]
        except (LookupError, AttributeError, ValueError, TypeError) as error:
            raise ReportError(f"mark {what!r}: {type(error).__name__}: {error}") from error
        return f"{mark[1]}\n{block}\n{mark[4]}"

    marks = len(_MARK.findall(text))
    if (text.count("<!-- fill: "), text.count("<!-- end -->")) != (marks, marks):
        raise ReportError("a mark <!-- fill: … --> without its <!-- end -->, or the other way round")
    return _MARK.sub(written, text)


def main(arguments: list[str] | None = None) -> int:
    """Fill all ``TEXTS``, or say with ``--check`` which ones differ; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dmic.lab.report", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a text differs")
    chosen = parser.parse_args(arguments)
    differ, name = [], "results/"
    try:
        results = load()
        for name in TEXTS:
            path = project_path(name)
            before = path.read_text(encoding="utf-8")
            after = fill(before, results)
            if path.suffix == ".ipynb":
                json.loads(after)  # a table has lines, and a notebook holds none: numbers only
            if after != before:
                differ.append(name)
                if not chosen.check:
                    write_text(path, after)
    except ValueError as error:  # ReportError, and a notebook that would be none
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    verb = "differ from results/ (python -m dmic.lab.report fills them)" if chosen.check else "written anew"
    print(f"{', '.join(differ)}: {verb}" if differ else f"{len(TEXTS)} texts are as results/ says")
    return 1 if differ and chosen.check else 0


if __name__ == "__main__":
    sys.exit(main())
