"""The import rules of the package: who may know whom, no circles, and a table that names every command."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_runs import ROOT

import dmic
from dmic.__main__ import COMMANDS

MAY_IMPORT = {  # drawer -> drawers; "top" is the method: dmic/*.py
    "top": {"top", "evaluation", "storage", "compute"},
    "evaluation": {"top", "evaluation", "storage"},
    "storage": {"top", "storage"},
    "compute": {"top", "compute"},
    "plots": {"top", "evaluation", "plots"},
    "lab": {"top", "evaluation", "storage", "compute", "plots", "course", "lab"},
    "course": {"top", "evaluation", "storage", "compute", "plots", "course"},
    "commands": {"top", "evaluation", "storage", "compute", "plots", "course", "lab", "commands"},
}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "dmic").rglob("*.py")
}


def drawer_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (ROOT / "dmic" / parts[1]).is_dir() else "top"


def imported(node: ast.AST, module: str, path: Path) -> list[str]:
    """Modules of dmic that one import statement names."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
        home = node.module or "" if not node.level else f"{base}.{node.module}" if node.module else base
        names = [f"{home}.{alias.name}" for alias in node.names]
        names = [name if name in MODULES else home for name in names]
    else:
        return []
    return [name for name in names if name in MODULES]


def wrong_arrows(module: str, path: Path, tree: ast.AST) -> list[str]:
    """Imports anywhere in a module, also within functions, that its drawer may not make."""
    allowed = MAY_IMPORT[drawer_of(module)]
    found = [name for node in ast.walk(tree) for name in imported(node, module, path)]
    return [f"{module} imports {name}" for name in found if drawer_of(name) not in allowed]


def at_import(tree: ast.Module) -> list[ast.stmt]:
    """Statements that run when the module is imported: not those under TYPE_CHECKING, not those within functions."""
    return [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]


def test_every_drawer_has_a_rule():
    drawers = {drawer_of(module) for module in MODULES}
    assert drawers == set(MAY_IMPORT) and len(MODULES) > 45


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_follow_the_rules(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    assert not wrong_arrows(module, MODULES[module], tree)


@pytest.mark.parametrize(
    "line",
    [
        "from dmic import plots",
        "from dmic.lab.arms import ARMS",
        "import dmic.course",
        "def f():\n    from dmic.commands import train",
        "from ..lab import study",
    ],
)
def test_a_wrong_arrow_is_seen(line):
    path = ROOT / "dmic" / "storage" / "files.py"
    assert wrong_arrows("dmic.storage.files", path, ast.parse(line))


def test_no_circle():
    graph = {}
    for module, path in MODULES.items():
        statements = at_import(ast.parse(path.read_text(encoding="utf-8")))
        graph[module] = {name for node in statements for name in imported(node, module, path)} - {module}
    done: set[str] = set()

    def walk(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module not in done:
            for name in sorted(graph[module]):
                walk(name, (*above, module))
            done.add(module)

    for module in sorted(graph):
        walk(module, ())
    assert done == set(MODULES)


def test_the_top_is_short():
    """What a newcomer sees first: the method in reading order, and seven drawers."""
    entries = [path for path in (ROOT / "dmic").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 23, sorted(path.name for path in entries)


def test_every_command_is_a_module():
    found = {module.name for module in pkgutil.iter_modules([str(ROOT / "dmic" / "commands")])}
    assert found == set(COMMANDS)


def test_import_and_help_load_no_library():
    """`dmic --help` answers at once: it may not wait for torch, numba or even NumPy."""
    code = "import sys, dmic.__main__ as m; m.main(['--help']); print({'numpy', 'torch', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n") and "dmic train" in done.stdout


def test_the_first_calls_are_at_the_top():
    assert dmic.preset is importlib.import_module("dmic.config").preset
    for name in dmic.__all__:
        assert callable(getattr(dmic, name))
    with pytest.raises(AttributeError, match="no attribute 'presets_'; it has evaluate, fit"):
        dmic.presets_  # noqa: B018
