"""The course's pages for reading beside the notebooks: what they name exists, and what they say of the paper is so."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import json
import re
from pathlib import Path

import pytest
from notebook_runs import ROOT

from data_scripts.synthvi import knobs as renderer_knobs
from data_scripts.synthvi import world
from dmic import config

COURSE = ROOT / "notebooks"
GLOSSARY = (COURSE / "glossary.md").read_text(encoding="utf-8")
INSTRUCTOR = (COURSE / "instructor.md").read_text(encoding="utf-8")
REFERENCES = (COURSE / "references.bib").read_text(encoding="utf-8")
WORDS, SYMBOLS = GLOSSARY.split("## Symbols")
MODULES = {  # last name -> full name: the pages leave the drawers out; of two, the one nearer to the top
    (path.parent if path.stem == "__init__" else path).stem: ".".join(
        path.relative_to(ROOT).with_suffix("").parts
    ).removesuffix(".__init__")
    for path in sorted((ROOT / "dmic").rglob("*.py"), key=lambda path: -len(path.parts))
}
SECTIONS = {field.name for field in dataclasses.fields(config.Config)} - {"name"}
PAPER = ("sysu-mm01", "regdb")  # the order of the symbol table's values


@functools.cache
def sources(path: Path) -> str:
    """All that a reader sees of a notebook, with one space between words."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return " ".join("\n".join("".join(cell["source"]) for cell in cells).split())


def entries() -> dict[str, str]:
    """The glossary's words, in order, with their lines."""
    lines = re.findall(r"^- \*\*(.+?)\*\*(.*)$", WORDS, flags=re.MULTILINE)
    assert len(lines) == WORDS.count("\n- "), "an entry without a bold word"
    found = dict(lines)
    assert len(found) == len(lines), "a word stands twice"
    return found


def linked(text: str) -> list[str]:
    return re.findall(r"\]\((\d\d_\w+\.ipynb)\)", text)


def symbol_rows() -> list[list[str]]:
    """The symbol table: symbol, meaning, code, values, notebook."""
    lines = re.findall(r"^\| (.*) \|$", SYMBOLS, flags=re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")] for line in lines[1:] if "---" not in line]
    assert all(len(row) == 5 for row in rows), [row for row in rows if len(row) != 5]
    return rows


def field_of(settings: config.Config, dotted: str):
    """Return (True, value) where section.field is in the configuration, else (False, None)."""
    section, _, name = dotted.partition(".")
    if section not in SECTIONS or not hasattr(getattr(settings, section), name):
        return False, None
    return True, getattr(getattr(settings, section), name)


def exists(name: str) -> bool:
    """Whether a field of the configuration, or something of dmic with that argument or attribute, is there."""
    dotted, _, argument = name.rstrip(")").partition("(")
    if not argument and field_of(config.Config(), dotted)[0]:
        return True
    module, *attributes = dotted.split(".")
    if module not in MODULES:
        return False
    here = importlib.import_module(MODULES[module])
    for attribute in attributes:
        if hasattr(here, attribute):
            here = getattr(here, attribute)
            continue
        classes = inspect.getmro(here) if inspect.isclass(here) else ()
        code = "".join(inspect.getsource(c) for c in classes if c.__module__.startswith("dmic."))
        return not argument and f"self.{attribute} = " in code  # set by a constructor
    return bool(attributes) and (not argument or argument in inspect.signature(here).parameters)


def test_the_check_of_names_can_fail():
    for good in ("clustering.k1", "training.embed", "mie.expand(how)", "hmcl.InstanceMemory.entries"):
        assert exists(good), good
    for bad in ("clustering.k3", "nothing.embed", "mie.expand(when)", "hmcl.InstanceMemory.rows", "mie"):
        assert not exists(bad), bad


def test_every_name_in_the_symbol_table_exists():
    for symbol, _, code, _, _ in symbol_rows():
        names = re.findall(r"`([^`]+)`", code)
        assert names, f"{symbol} has no name in the code"
        for name in names:
            assert exists(name), f"{symbol}: {name}"


def test_the_symbol_table_has_the_papers_symbols():
    there = {row[0] for row in symbol_rows()}
    wanted = "k1 k2 ε₁ ε₂ ε₃ π₁ π₂ σ_n σ_b σ_k τ φ₁ φ₂ φ_C φ_I M(i,j) D D̄ D̃ J R(i,k1) P K T t ŷ".split()
    assert not set(wanted) - there
    assert len(there) == len(symbol_rows()), "a symbol stands twice"


def test_the_symbol_tables_values_are_the_presets():
    checked = 0
    presets = [config.preset(name) for name in PAPER]
    ratios = {
        "σ_n": [c.clustering.eps_small / c.clustering.eps_large for c in presets],
        "σ_b": [c.clustering.eps_large / c.clustering.eps_small for c in presets],
        "σ_k": [c.clustering.k2_end / c.clustering.k2_start for c in presets],
    }
    for symbol, _, code, values, _ in symbol_rows():
        if not values:
            continue
        name = re.findall(r"`([^`]+)`", code)[0]
        true = ratios.get(symbol) or [field_of(settings, name)[1] for settings in presets]
        assert [float(value) for value in values.split(", ")] == pytest.approx(true, abs=5e-4), symbol
        checked += 1
    assert checked >= 15


def test_glossary_links_lead_to_notebooks_that_use_the_word():
    for word, text in entries().items():
        notebooks = linked(text)
        assert notebooks, f"{word} names no notebook"
        for name in notebooks:
            assert (COURSE / name).is_file(), f"{word}: {name}"
        form = word.lower().replace("_", " ")
        assert form in sources(COURSE / notebooks[0]).lower().replace("_", " "), (
            f"{notebooks[0]} does not say {form!r}"
        )
    for row in symbol_rows():
        assert linked(row[4]) and all((COURSE / name).is_file() for name in linked(row[4])), row[0]


def test_link_texts_are_the_notebooks_numbers():
    for page in (GLOSSARY, INSTRUCTOR):
        for text, number in re.findall(r"\[(\d\d)\]\((\d\d)_", page):
            assert text == number


def test_glossary_is_in_order():
    words = [re.sub(r"[^a-z]", "", word.lower()) for word in entries()]
    assert words == sorted(words)


def references() -> dict[str, dict[str, str]]:
    """Key -> the fields of an entry, and its kind."""
    heads = re.findall(r"^@(\w+)\{([^,\s]+),$", REFERENCES, flags=re.MULTILINE)
    blocks = re.split(r"^@\w+\{", REFERENCES, flags=re.MULTILINE)[1:]
    assert len(heads) == len(blocks) == REFERENCES.count("@"), (
        "an entry, or a stray @, that BibTeX reads otherwise"
    )
    assert len({key for _, key in heads}) == len(heads), "a key stands twice"
    found = {}
    for (kind, key), block in zip(heads, blocks, strict=True):
        body, end, _ = block.partition("\n}\n")
        assert end and body.count("{") == body.count("}"), f"{key}: braces"
        fields = re.findall(r"^  (\w+) *= (?:\{(.*)\}|(\w+)),?$", body, flags=re.MULTILINE)
        assert len(fields) == len(body.splitlines()) - 1, f"{key}: a line that is no field"
        found[key] = {"kind": kind, **{name: braced or bare for name, braced, bare in fields}}
    return found


def test_references_have_what_a_reader_needs():
    venue = {"inproceedings": "booktitle", "article": "journal", "book": "publisher"}
    assert len(references()) > 30
    for key, entry in references().items():
        assert {"author", "title", "year"} <= set(entry), f"{key} has {sorted(entry)}"
        assert re.fullmatch(r"(19|20)\d\d", entry["year"]), key
        assert re.search(r"[A-Za-z]{2}", entry["author"]) and len(entry["title"]) > 10, key
        assert entry["kind"] == "misc" or venue[entry["kind"]] in entry, f"{key} says not where"


def test_works_named_in_the_notebooks_are_in_the_references():
    known = {(entry["author"].split(",")[0], entry["year"]) for entry in references().values()}
    known = {(name.replace("{\\'c}", "ć"), year) for name, year in known}
    pattern = r"\b([A-Z]\w+) (?:et al\.|and [A-Z]\w+), [A-Z][A-Za-z ]* (\d{4})"
    named = {work for path in COURSE.glob("*.ipynb") for work in re.findall(pattern, sources(path))}
    assert len(named) >= 7, named
    assert named <= known, named - known


def sessions() -> list[str]:
    return re.split(r"^## ", INSTRUCTOR, flags=re.MULTILINE)[1:]


def test_the_plan_has_six_sessions_of_ninety_minutes_and_every_notebook():
    plan = [text for text in sessions() if text.startswith("Session")]
    assert len(plan) == 6
    taught = set()
    for text in plan:
        minutes = [int(m) for m in re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)]
        assert sum(minutes) == 90, f"{text.splitlines()[0]}: {sum(minutes)} minutes"
        assert "After it, students can" in text and "Homework" in text and "Show live" in text
        taught |= set(re.findall(r"^\|.*\| (?:\[)?(\d\d)[\] ]", text, flags=re.MULTILINE))
    assert taught == {f"{number:02d}" for number in range(10)}


def test_every_exercise_has_a_marking_hint():
    hints = dict(
        re.findall(r"^### (\d\d)\n(.*?)(?=^##)", INSTRUCTOR + "\n##", flags=re.MULTILINE | re.DOTALL)
    )
    assert set(hints) == {f"{number:02d}" for number in range(10)}
    for path in sorted(COURSE.glob("0*.ipynb")):
        number = path.name[:2]
        titles = re.findall(r"\*\*\d\. ([^*]+?)\.?\*\* \(", sources(path))
        assert titles, f"{path.name} has no exercises"
        for title in titles:
            assert f"**{title}.**" in hints[number] or f"**{title}**" in hints[number], f"{number}: {title}"


def test_commands_and_knobs_of_the_teachers_page_exist():
    targets = set(
        re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    asked = set(re.findall(r"(?:^|`)make ([a-z]+)", INSTRUCTOR, flags=re.MULTILINE))
    assert {"train", "lab"} <= asked <= targets, asked - targets
    for script in re.findall(r"python (data_scripts/\w+\.py)", INSTRUCTOR):
        assert (ROOT / script).is_file(), script
    for module in re.findall(r"python -m (dmic[\w.]*)", INSTRUCTOR):
        assert hasattr(importlib.import_module(module), "main"), module
    (projects,) = (text for text in sessions() if text.startswith("Projects"))
    knobs = {field.name for kind in (world.World, world.Preset) for field in dataclasses.fields(kind)}
    rows = [line.split(" | ") for line in projects.splitlines() if line.startswith("| ")][1:]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row[1])]
    assert len(named) > 15
    assert set(named) - set(world.WORLDS) <= knobs, set(named) - set(world.WORLDS) - knobs
    settings = re.findall(r"--set (\S+=\S+)", INSTRUCTOR)
    assert settings
    renderer_knobs.apply_overrides(
        world.World(), world.PRESETS["toy"], settings
    )  # raises where one is unknown
