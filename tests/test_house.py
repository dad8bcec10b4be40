"""The house is in order: commands, links, versions, dependencies and the size of things are what the texts say."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from notebook_runs import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setuptools import find_packages

import dmic
from dmic import config
from dmic.__main__ import COMMANDS
from dmic.commands import train
from dmic.lab import study

MODULES = sorted((ROOT / "dmic").rglob("*.py"))
SCRIPTS = sorted((ROOT / "data_scripts").rglob("*.py"))
SKIPPED = {
    ".git",
    "data",
    "runs",
    "__pycache__",
    ".pytest_cache",
    ".ruff_cache",
    ".mypy_cache",
    ".hypothesis",
}
TEXTS = {".py", ".md", ".toml", ".yml", ".yaml", ".ipynb", ".cff", ".txt", ".cfg", ".json", ".sh", ""}


def place_of(path: Path) -> str:
    """Path from the root: two drawers may hold files of one name."""
    return path.relative_to(ROOT).as_posix()


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def text_files() -> list[Path]:
    """Return what a clone holds, as far as it is text; without git, what stands in the folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    files = (
        [ROOT / line for line in listed.stdout.splitlines()]
        if listed.returncode == 0
        else list(ROOT.rglob("*"))
    )
    kept = [f for f in files if f.is_file() and not SKIPPED & {*f.relative_to(ROOT).parts}]
    kept = [f for f in kept if not f.relative_to(ROOT).parts[0].startswith(".venv")]
    return [f for f in kept if f.suffix in TEXTS and not f.name.endswith(".egg-info")]


def dry_run(*arguments: str) -> subprocess.CompletedProcess:
    """`make -n` as from a fresh shell, also where make itself runs these tests."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    ours = {"PRESET", "SEED", "RUN", "DATA", "FRESH"}
    bare = {name: value for name, value in bare.items() if name not in ours}
    return subprocess.run(["make", "-n", *arguments], cwd=ROOT, capture_output=True, text=True, env=bare)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", read("Makefile"), flags=re.MULTILINE))


def pyproject_list(name: str) -> list[str]:
    """Return a list of strings from pyproject.toml; tomllib came with Python 3.11, these lists are plain anyway."""
    body = re.search(rf"^{name} = \[\n(.*?)^\]", read("pyproject.toml"), flags=re.MULTILINE | re.DOTALL)
    assert body, f"pyproject.toml has no list {name}"
    return [ast.literal_eval(line.strip().rstrip(",")) for line in body[1].splitlines()]


DECLARED = [entry for name in ("dependencies", "course", "test") for entry in pyproject_list(name)]
PYTHONS = re.findall(r"3\.\d+", next(iter(re.findall(r"^PYTHONS .*", read("Makefile"), flags=re.MULTILINE))))


def test_the_rules_below_see_every_module():
    """A file that moves out of sight would pass all of them."""
    names = {path.name for path in MODULES}
    assert len(MODULES) >= 45 and {"encoding.py", "epoch.py", "study.py", "ranking.py"} <= names, names
    assert len(SCRIPTS) >= 50 and {"raster.py", "tracing.py", "wardrobe.py"} <= {
        path.name for path in SCRIPTS
    }


def test_a_wheel_holds_every_drawer():
    drawers = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for path in MODULES
        if path.name == "__init__.py"
    }
    assert set(find_packages(str(ROOT), include=["dmic*"])) == drawers
    assert {path.parent for path in MODULES} == {
        path.parent for path in MODULES if path.name == "__init__.py"
    }
    assert re.search(r'^include = \["dmic\*"\]$', read("pyproject.toml"), flags=re.MULTILINE)


def test_readme_is_read_in_two_minutes():
    shown = re.sub(r"<!--.*?-->", "", read("README.md"), flags=re.DOTALL)
    words = [word for word in shown.split() if re.search(r"\w", word)]  # not | and ---
    assert len(words) <= 700, len(words)
    cells = [cell.strip() for line in shown.splitlines() if line.startswith("|") for cell in line.split("|")]
    assert max(map(len, cells)) <= 120, max(cells, key=len)


def test_readme_commands_are_make_targets():
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", read("README.md"), flags=re.DOTALL))
    commands = re.findall(r"^make (\w+)", blocks, flags=re.MULTILINE)
    assert commands[:2] == ["train", "test"], "the README promises two commands"
    assert set(commands) <= make_targets()
    for script in re.findall(r"python (data_scripts/\w+\.py)", read("README.md")):
        assert (ROOT / script).is_file(), script
    assert set(re.findall(r"^dmic (\w+)", blocks, flags=re.MULTILINE)) == set(COMMANDS)
    mentioned = set(re.findall(r"`make (\w+)", read("README.md") + read("notebooks/README.md")))
    assert mentioned <= make_targets(), mentioned - make_targets()


@pytest.mark.parametrize(
    "target",
    ["train", "test", "check", "lab", "lint", "fix", "clean", "help", "figures", "ablations", "pythons"],
)
def test_make_knows_each_target_and_every_file_it_calls(target):
    plan = dry_run(target)
    assert plan.returncode == 0, plan.stderr
    for script in re.findall(r"\s((?:data_scripts|notebooks)/[\w/]+\.(?:py|ipynb))", plan.stdout):
        assert (ROOT / script).is_file(), script
    for module in re.findall(r"-m (dmic[\w.]*)", plan.stdout):
        importlib.import_module(module)


def test_make_installs_the_tested_releases_or_the_newest():
    pinned, newest = (dry_run("check", "VENV=none", *more).stdout for more in ((), ("LATEST=1",)))
    assert "--constraint constraints.txt" in pinned and "--upgrade" not in pinned
    assert "--constraint" not in newest and "--upgrade --upgrade-strategy eager" in newest
    assert ".venv-latest/bin/ruff" in dry_run("lint", "LATEST=1").stdout


def words_after(command: str, *arguments: str) -> list[str]:
    """The words that a shell hands to a command in what make would run."""
    plan = dry_run(*arguments)
    assert plan.returncode == 0, plan.stderr
    (line,) = (line for line in plan.stdout.replace("\\\n", " ").splitlines() if command in line)
    return shlex.split(line.partition(command)[2])


def test_make_train_passes_what_the_command_takes():
    changes = '{"training.epochs": 2, "backbone.weights": "it\'s, here"}'
    chosen = train.parser().parse_args(words_after("dmic train", "train", "SEED=3", f"OVERRIDES={changes}"))
    assert (chosen.preset, chosen.seed, chosen.data) == ("toy", 3, None)
    assert chosen.run == Path("runs/toy-seed3") and chosen.overrides == json.loads(changes)
    assert words_after("dmic report", "train", "SEED=3") == ["runs/toy-seed3"]


@pytest.mark.parametrize("folder", ["/mnt/my  data", "it's (1), & $$more"])
def test_make_hands_on_a_folder_whatever_its_name(folder):
    given, meant = (f"DATA={folder}", f"RUN={folder}", f"STUDY={folder}"), folder.replace("$$", "$")
    chosen = train.parser().parse_args(words_after("dmic train", "train", *given))
    assert chosen.data == chosen.run == Path(meant)
    assert words_after("dmic report", "train", *given) == [meant]
    results = f"RESULTS={folder}.json"
    chosen = study._parser().parse_args(words_after("dmic.lab.study", "ablations", *given, results))
    assert (chosen.data, chosen.out, chosen.results) == (Path(meant), Path(meant), Path(f"{meant}.json"))


def test_make_leaves_the_home_folder_to_the_shell():
    line = next(line for line in dry_run("train", "DATA=~/my data").stdout.splitlines() if "--data" in line)
    assert " --data ~/'my data' " in line


def test_make_names_a_studys_folder_after_preset_data_set_and_results():
    def folder(*arguments):
        words = words_after("dmic.lab.study", "ablations", *arguments)
        return study._parser().parse_args(words).out.as_posix()

    assert folder() == "runs/study"
    assert folder("PRESET=regdb", "DATA=data/split01/") == "runs/study-regdb-split01"
    assert folder("DATA=/my disk/my data/", "RESULTS=results/a b.c.json") == "runs/study-my_data-a_b.c"


def test_make_trains_anew_only_where_it_is_told_to():
    asked = {"train": ("dmic train", "--restart"), "ablations": ("dmic.lab.study", "--fresh")}
    for target, (command, option) in asked.items():
        assert option in words_after(command, target, "FRESH=1")
        assert not any(option in words_after(command, target, *no) for no in ((), ("FRESH=",), ("FRESH=0",)))


@pytest.mark.parametrize("name", ["VENV", "PYTHON"])
def test_make_says_what_must_not_hold_blanks(name):
    plan = dry_run("train", f"{name}=my place/python")
    assert plan.returncode and f'{name} is "my place/python", which must not hold blanks' in plan.stderr
    assert plan.stdout == ""


def test_contributing_names_what_is_there():
    """Every file, name and test of the table "to change X, edit Y and Z, run T"."""
    text = read("CONTRIBUTING.md").partition("## To change X")[2]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) >= 20
    homes = [
        ROOT,
        ROOT / "dmic",
        ROOT / "data_scripts/synthvi",
        ROOT / "data_scripts",
        ROOT / "dmic/plots",
        ROOT / "dmic/storage",
        ROOT / "data_scripts/synthvi/person",
    ]
    for row in rows:
        for place in re.findall(r"`([\w/.]+\.(?:py|md))(?:: ([\w., ]+))?`", " | ".join(row)):
            files = [home / place[0] for home in homes if (home / place[0]).is_file()]
            assert files, f"{place[0]} of {row[0]!r}"
            for name in filter(None, place[1].split(", ")):
                assert any(name.split(".")[-1] in file.read_text(encoding="utf-8") for file in files), place
        tests = re.sub(r" -k \w+|plots\*", "", row[-1].strip(" |")).split(", ")
        for name in filter(None, tests):
            assert (ROOT / "tests" / f"test_{name}.py").is_file(), f"{name} of {row[0]!r}"
    for file in re.findall(r"tests/\w+\.py|notebooks/\w+\.ipynb|\bprepare_\w+\.py", text):
        assert (ROOT / file).is_file() or (ROOT / "data_scripts" / file).is_file(), file


def test_relative_links_resolve():
    for document in (f for f in text_files() if f.suffix in (".md", ".ipynb")):
        text = document.read_text(encoding="utf-8")
        if document.suffix == ".ipynb":  # code has brackets of its own
            cells = json.loads(text)["cells"]
            text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
            text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
            if not re.match(r"[a-z]+:", link):
                assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_environment_yml_installs_what_pyproject_says():
    environment = yaml.safe_load(read("environment.yml"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert (pip[0], pip[-1]) == ("-c constraints.txt", "-e .")
    assert sorted(pip[1:-1]) == sorted(DECLARED)
    assert f"python>={PYTHONS[0]},<3.{int(PYTHONS[-1].split('.')[1]) + 1}" in environment["dependencies"]


def test_everything_says_the_same_pythons():
    assert re.findall(r"Python :: (3\.\d+)", read("pyproject.toml")) == PYTHONS
    assert f'requires-python = ">={PYTHONS[0]}"' in read("pyproject.toml")
    assert f"Python {PYTHONS[0]} to {PYTHONS[-1]}" in read(
        "Makefile"
    ) and f"Python {PYTHONS[0]} to {PYTHONS[-1]}" in read("README.md")
    jobs = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]
    matrices = [jobs[name]["strategy"]["matrix"] for name in ("test", "check")]
    assert sorted(version for matrix in matrices for version in matrix["python"]) == PYTHONS


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", ["Linux", "Darwin"])
def test_constraints_pin_every_requirement_once_for_every_python(python, system):
    machine = {"Linux": "x86_64", "Darwin": "arm64"}[system]
    where = {"python_version": python, "python_full_version": f"{python}.9", "platform_system": system}
    where |= {"sys_platform": system.lower(), "platform_machine": machine, "os_name": "posix", "extra": ""}
    pins: dict[str, str] = {}
    for line in read("constraints.txt").splitlines():
        pin = Requirement(line)  # a name, one version, a marker: no address, no hash
        assert pin.url is None and [spec.operator for spec in pin.specifier] == ["=="], line
        if pin.marker is None or pin.marker.evaluate(where):
            assert pin.name not in pins, f"{pin.name} twice"
            pins[pin.name] = next(iter(pin.specifier)).version
    for entry in map(Requirement, DECLARED):
        if entry.marker is None or entry.marker.evaluate(where):
            assert pins[canonicalize_name(entry.name)] in entry.specifier, entry.name


def test_every_import_is_declared():
    declared = {re.split(r"[<>=; ]", line)[0] for line in pyproject_list("dependencies")}
    names = {"scikit-learn": "sklearn", "pillow": "PIL", "faiss-gpu": "faiss", "faiss-cpu": "faiss"}
    core = {names.get(name, name.replace("-", "_")) for name in declared} | {"dmic", "data_scripts"}
    course = core | {re.split(r"[<>=; ]", line)[0].replace("-", "_") for line in pyproject_list("course")}
    for path in MODULES:  # what `pip install dmic` brings; notebooks and pages may use the extra
        known = course if path.parent.name in ("course", "commands") else core
        for node in ast.walk(ast.parse(path.read_text())):
            found = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            found += (
                [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            )
            for name in (entry.split(".")[0] for entry in found):
                assert name in known or name in sys.stdlib_module_names, f"{place_of(path)} imports {name}"


def test_every_configuration_field_is_read():
    read_names = {
        node.attr
        for path in MODULES
        if path != ROOT / "dmic" / "config.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    sections = [
        config.DataConfig,
        config.BackboneConfig,
        config.ClusteringConfig,
        config.LossConfig,
        config.TrainingConfig,
    ]
    unread = [
        f"{section.__name__}.{field.name}"
        for section in sections
        for field in dataclasses.fields(section)
        if field.name not in read_names
    ]
    assert not unread, f"options that nobody reads: {unread}"


def test_versions_agree():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == dmic.__version__
    newest = re.search(r"^## (\S+)", read("CHANGELOG.md"), flags=re.MULTILINE)
    assert newest and newest[1] == dmic.__version__
    assert 'version = { attr = "dmic.__version__" }' in read("pyproject.toml")


def test_no_text_names_a_machine_or_a_registry():
    places = ["work", "tmp", "root", "home/[a-z]+"]
    hosts = ["[p]ypi[.]org", "[p]ythonhosted", "[r]egistry[.]npmjs", "[d]eb[.]debian", "[a]naconda[.]org/"]
    pattern = re.compile("|".join([*(f"(?<![\\w.])/{place}/" for place in places), *hosts]))
    for path in text_files():
        if path.stat().st_size > 2_000_000:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = pattern.search(text)
        assert not found, f"{path.relative_to(ROOT)} names {found and found[0]}"


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=place_of)
def test_modules_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300, "a module that wants more than 300 lines is two ideas"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if ast.get_docstring(node) is None else node.body[min(1, len(node.body) - 1)]
            length = node.end_lineno - first.lineno + 1  # without the signature and docstring
            assert length <= 50, f"{node.name} has {length} lines of code"


@pytest.mark.parametrize("path", MODULES, ids=place_of)
def test_public_things_have_docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module says nothing about itself"
    for node in ast.walk(tree):
        if isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=place_of)
def test_notebooks_named_in_docstrings_are_on_the_map(path):
    course = read("notebooks/README.md")
    for number in re.findall(r"notebooks/(\d\d)_", path.read_text(encoding="utf-8")):
        assert re.search(rf"^\| \[?{number} ", course, flags=re.MULTILINE), (
            f"notebook {number} is not on the map"
        )
