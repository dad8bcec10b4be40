"""Small files that are never seen half-written, and values that JSON can hold."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["read_json", "to_jsonable", "write_json", "write_text"]


def to_jsonable(value: Any) -> Any:
    """Return a value as JSON can hold it: NumPy scalars and arrays as Python's, NaN and infinities None, paths as text."""
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_jsonable(entry) for entry in value]
    if hasattr(value, "tolist"):
        return to_jsonable(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float)) or value is None else str(value)


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all: under another name first, which no other process uses."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # else a power failure may leave the new name with nothing in it
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Read an object; an empty one where the file is missing or damaged."""
    with suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    return {}


def write_json(path: Path, content: Any, *, indent: int = 2, sort_keys: bool = False) -> None:
    """Write ``to_jsonable(content)`` with ``write_text``."""
    text = json.dumps(to_jsonable(content), indent=indent, sort_keys=sort_keys, allow_nan=False)
    write_text(path, text + "\n")
