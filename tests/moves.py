"""Move modules into drawers: ``python tests/moves.py`` does it once, then this file goes.

One table says what moves. Files go by ``git mv``; imports, dotted names, paths and notebooks are rewritten; no shim is left behind.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DRAWERS = {
    "dmic": {
        "evaluation": "ranking protocols evaluation=__init__",
        "storage": "dataset_folder dataset_writer runs=run_folder",
        "compute": "devices threads kernels layers progress",
        "plots": "plots=curves "
        + " ".join(
            f"plots_{name}={name}"
            for name in "ablations backbone clusters knobs loop memory neighbors people retrieval scores".split()
        ),
        "lab": "arms study evidence benchmark costs baselines=reference synthetic",
        "course": "course=__init__ checks=environment",
    },
    "data_scripts.synthvi": {
        "": "factors=annotations shots=captures sightings=appearances",
        "person": "bags body colors drape dressing face figure=mannequin folds garments hair limbs materials outfit pieces pose "
        "rotations season shoes wardrobe",
        "place": "cameras foreground scenes textures things=props tracing",
        "image": "raster shading shadow sensor grain=sensor_noise stage=buffers",
    },
}
TABLE: dict[str, str] = {}  # old dotted module -> new dotted module
for package, drawers in DRAWERS.items():
    for drawer, names in drawers.items():
        for entry in names.split():
            old, _, new = entry.partition("=")
            place = f"{package}.{drawer}" if drawer else package
            TABLE[f"{package}.{old}"] = place if new == "__init__" else f"{place}.{new or old}"
# `from dmic import plots` reached the curves, and reaches every figure now
REEXPORTED = {old: "dmic.plots" for old in TABLE if old.startswith("dmic.plots")}
FIGURES = r"\bplots_(?:ablations|backbone|clusters|knobs|loop|memory|neighbors|people|retrieval|scores)\b"


def file_of(module: str) -> Path:
    """The file of a dotted name that is a module, not a package, before the move."""
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def move_files() -> None:
    """``git mv`` every file of the table; drawers get an ``__init__``."""
    for old, new in TABLE.items():
        is_package = old == new or new in ("dmic.evaluation", "dmic.course")
        target = ROOT.joinpath(*new.split("."), "__init__.py") if is_package else file_of(new)
        target.parent.mkdir(exist_ok=True)
        subprocess.run(["git", "mv", file_of(old), target], check=True)
    for package, drawers in DRAWERS.items():
        for drawer in filter(None, drawers):
            init = ROOT.joinpath(*package.split("."), drawer, "__init__.py")
            if not init.exists():
                init.write_text("")


def absolute(line: str, package: str) -> str:
    """A relative import as an absolute one, as seen before the move."""
    found = re.match(r"(\s*)from (\.+)([\w.]*) import (.*)", line, re.S)
    if not found:
        return line
    indent, dots, rest, names = found.groups()
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - len(dots) + 1])
    return f"{indent}from {base}{'.' + rest if rest else ''} import {names}"


def relative(line: str, package: str) -> str:
    """An absolute import within data_scripts as a relative one, as the renderer writes them."""
    found = re.match(r"(\s*)from ([\w.]+) import (.*)", line, re.S)
    if not found or not package.startswith("data_scripts."):
        return line
    indent, source, names = found.groups()
    if source.split(".")[0] != "data_scripts":
        return line
    ours, theirs = package.split("."), source.split(".")
    common = len(os.path.commonprefix([ours, theirs]))
    return f"{indent}from {'.' * (len(ours) - common + 1)}{'.'.join(theirs[common:])} import {names}"


def rewrite_import(line: str, used: dict[str, str], *, figures_by_package: bool) -> str:
    """Rewrite one absolute import statement (its names perhaps in brackets); notes modules whose name changes."""
    found = re.match(r"(\s*)from ([\w.]+) import (.*?)(\s*#.*)?$", line.strip("\n"), re.S)
    if not found:
        return line
    indent, source, names, comment = found.group(1), found.group(2), found.group(3), found.group(4) or ""
    if source in TABLE:
        return f"{indent}from {TABLE[source]} import {names}{comment}\n"
    if source not in DRAWERS:
        return line
    by_source: dict[str, list[str]] = {}
    for name in (part.strip() for part in names.strip("()\n ").rstrip(",").split(",")):
        module, _, alias = name.partition(" as ")
        full = f"{source}.{module}"
        new = TABLE.get(full, full)
        if figures_by_package and full in REEXPORTED:
            new = "dmic.plots"
        home, _, last = new.rpartition(".")
        if last != module and not alias:
            used[module] = last
        by_source.setdefault(home, []).append(last + (f" as {alias}" if alias else ""))
    lines = [
        f"{indent}from {home} import {', '.join(dict.fromkeys(names))}{comment}"
        for home, names in by_source.items()
    ]
    return "\n".join(lines) + "\n"


def statements(text: str):
    """Split a source into lines, keeping bracketed imports together."""
    return re.findall(r"[ \t]*from [\w.]+ import \([^)]*\)[^\n]*\n?|[^\n]*\n|[^\n]+$", text)


def rewrite_code(text: str, package: str | None, new_package: str | None, *, figures: bool) -> str:
    """Imports, then names of modules that changed."""
    used: dict[str, str] = {}
    out = []
    for part in statements(text):
        if re.match(r"\s*from [\w.]+ import ", part):
            part = absolute(part, package) if package else part
            part = rewrite_import(part, used, figures_by_package=figures)
            part = (
                "".join(
                    relative(line, new_package) + ("" if line.endswith("\n") else "\n")
                    for line in statements(part)
                )
                if new_package
                else part
            )
        out.append(part)
    text = "".join(out)
    for old, new in used.items():
        text = re.sub(rf"(?<![\w.]){old}\.(?=\w)", f"{new}.", text)
    return text


def rewrite_names(text: str) -> str:
    """Dotted names and paths, in code, texts and commands."""
    for old, new in sorted(TABLE.items(), key=lambda pair: -len(pair[0])):
        short_old, short_new = old.replace("data_scripts.", ""), new.replace("data_scripts.", "")
        if old not in ("dmic.plots", "dmic.evaluation", "dmic.course"):
            text = re.sub(rf"(?<![\w./]){re.escape(old)}\b(?!/)", new, text)
        path = short_new.replace(".", "/") + (
            "/__init__" if new in ("dmic.evaluation", "dmic.course") else ""
        )
        text = re.sub(rf"\b{re.escape(short_old.replace('.', '/'))}\.py\b", f"{path}.py", text)
    return text


def main() -> None:
    """Do it all."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    before = {}
    for name in filter(None, tracked):
        path = ROOT / name
        if path.suffix in (".py", ".md", ".ipynb", ".toml", ".yml", "") and path.name != "moves.py":
            before[name] = path.read_text(encoding="utf-8")
    move_files()
    places = {file_of(old).relative_to(ROOT).as_posix(): new for old, new in TABLE.items()}
    for name, text in before.items():
        module = name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        target = ROOT / name
        package = new_package = None
        if name in places:
            new = places[name]
            is_package = new in ("dmic.evaluation", "dmic.course")
            target = ROOT.joinpath(*new.split("."), "__init__.py") if is_package else file_of(new)
            package, new_package = module.rpartition(".")[0], new if is_package else new.rpartition(".")[0]
        elif name.startswith("data_scripts/") and name.endswith(".py"):
            package = new_package = module if name.endswith("__init__.py") else module.rpartition(".")[0]
        elif name.startswith("dmic/"):
            package = new_package = "dmic"
        figures = name.startswith(("tests/", "notebooks/")) or name in ("dmic/evidence.py", "dmic/course.py")
        if name.endswith(".py"):
            text = rewrite_code(text, package, new_package, figures=figures)
        elif name.endswith(".ipynb"):
            text = rewrite_notebook(text)
        if figures and not name.endswith(".md"):
            text = re.sub(FIGURES + r"(?=\.\w)", "plots", text)
        text = rewrite_names(text)
        target.write_text(text, encoding="utf-8")


def rewrite_notebook(text: str) -> str:
    """Code cells by way of JSON; the file's own layout stays."""
    import json

    cells = json.loads(text)
    for cell in cells["cells"]:
        if cell["cell_type"] == "code":
            joined = isinstance(cell["source"], list)
            source = "".join(cell["source"]) if joined else cell["source"]
            changed = rewrite_code(source, None, None, figures=True)
            if changed != source:
                changed = changed.rstrip("\n")
                cell["source"] = changed.splitlines(keepends=True) if joined else changed
    return json.dumps(cells, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
