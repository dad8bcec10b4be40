"""All that is wrong with a raw data set, collected first and told at once."""

from __future__ import annotations

SHOWN = 5  # names per kind of problem; the rest is counted


class PreparationError(ValueError):
    """A raw data set that is not what its owners hand out, or a request that cannot be done; the text says why."""


class Report:
    """Problems stop the preparation, notes are only printed. Both are grouped by kind, with names.

    A kind is a noun phrase ("zero-byte images"), a name mostly a path relative to the raw folder.
    """

    def __init__(self) -> None:
        self._problems: dict[str, list[str]] = {}
        self._notes: dict[str, list[str]] = {}

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self._problems

    def problem(self, kind: str, *names: str) -> None:
        """Record something that must not be, with the names it concerns."""
        self._problems.setdefault(kind, []).extend(names)

    def note(self, kind: str, *names: str) -> None:
        """Record something worth knowing that stops nothing."""
        self._notes.setdefault(kind, []).extend(names)

    def expect(self, what: str, count: int, published: int, *, sure: bool = True, kind: str = "") -> bool:
        """Compare a count with the published one; returns whether they agree.

        Parameters
        ----------
        what : str
            What is counted.
        count, published : int
            The two counts.
        sure : bool
            False: sources contradict each other, so a difference is a note, not a problem.
        kind : str
            Told once for all that share it; without it the count is a line of its own.
        """
        if count == published:
            return True
        gap = f"{published - count:,} missing" if count < published else f"{count - published:,} too many"
        text = f"{what}: expected {published:,}, found {count:,} ({gap})"
        (self.problem if sure else self.note)(*([kind] if kind else []), text)
        return False

    def notes(self) -> list[str]:
        """One line per kind of note."""
        return _lines(self._notes)

    def stop_if_wrong(self, where: object) -> None:
        """Raise ``PreparationError`` with all problems, if there is one, and the notes: they may be what explains it."""
        if self._problems:
            told = [f"  - {line}" for line in _lines(self._problems)]
            lines = "\n".join(told + [f"  note: {line}" for line in self.notes()])
            raise PreparationError(f"{where} is not the published data set; nothing was written.\n{lines}")


def _lines(groups: dict[str, list[str]]) -> list[str]:
    """One line per kind: how many, and the first few names."""
    lines = []
    for kind, names in groups.items():
        more = f", … and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        lines.append(f"{kind} ({len(names):,}): {', '.join(names[:SHOWN])}{more}" if names else kind)
    return lines
