"""The command ``dmic``, also ``python -m dmic`` and ``torchrun … -m -- dmic``: one module of ``dmic.commands`` a subcommand."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from dmic import __version__

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "render": "make a data set of rendered people: dmic render toy",
    "train": "train both phases on a data set: dmic train --preset toy",
    "report": "make the HTML page of a finished run: dmic report runs/toy",
}
"""Subcommand -> what it does. Each is a module of ``dmic.commands`` with ``main(arguments) -> exit status``."""


def usage() -> str:
    """Return what ``dmic --help`` prints."""
    lines = [f"  {name:<8} {what}" for name, what in COMMANDS.items()]
    head = "usage: dmic COMMAND [options]      (dmic COMMAND --help tells a command's options)"
    names = "study, .evidence, .floor, .benchmark, .precision, .torture"
    measuring = f"Measuring: python -m dmic.lab.{names}, each with --help."
    return "\n".join([head, "", "commands:", *lines, "", measuring])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        Exit status: 0 done, 2 it cannot be done (one line on stderr says why and what to try), 130 interrupted. Errors that are not
        ours are raised, with their traceback.
    """
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    if name in ("-h", "--help", "--version"):
        print(f"dmic {__version__}" if name == "--version" else usage())
        return 0
    if name not in COMMANDS:
        from dmic.storage.checking import near_names

        print(f"dmic: {near_names(name, COMMANDS, what='command')}", file=sys.stderr)
        return 2
    try:
        command = importlib.import_module(f"dmic.commands.{name}")
        return command.main([word for word in rest if word != "--traceback"])
    except (ValueError, RuntimeError) as error:
        ours = type(error).__module__.startswith("dmic.")  # its text says what to try; others are shown whole
        if "--traceback" in rest or not ours:
            raise
        print(f"dmic {name}: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
