"""The environment table tells the truth, also when something is missing; hints know the usual mistakes."""

from __future__ import annotations

import importlib.metadata

import numpy as np
import pytest

from dmic.course import environment


def test_everything_this_project_needs_is_there():
    table = environment.environment_table()
    assert (table["state"] == "[OK]").all(), table[table["state"] != "[OK]"]
    assert table.loc["numpy", "found"] == np.__version__
    assert table.loc["torch multiplies", "found"] == "sum 8"  # ones(2, 2) squared: four entries of 2
    assert table.loc["faiss searches", "found"] == "point 1"


def fake_packages(monkeypatch, wanted, installed):
    """Let the package ask for `wanted` lines, on a machine with `installed` versions."""

    def version(name):
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(importlib.metadata, "requires", lambda _: wanted)
    monkeypatch.setattr(importlib.metadata, "version", version)
    return environment.environment_table()


@pytest.mark.parametrize(
    ("line", "found", "state"),
    [
        ("x>=1.9", "1.10.0", "[OK]"),  # ten is more than nine
        ("x>=1.10", "1.9.3", "[FAIL]"),
        ("x>=2.4", "2.4.0+cpu", "[OK]"),
        ("x>=2", "1.99", "[FAIL]"),
        ("x==0.1.0", "0.1.0", "[OK]"),
        ("x==0.1.0", "0.1.1", "[FAIL]"),
    ],
)
def test_versions_are_compared_number_by_number(monkeypatch, line, found, state):
    assert fake_packages(monkeypatch, [line], {"x": found}).loc["x", "state"] == state


def test_a_missing_package_says_what_to_try_and_raises_nothing(monkeypatch):
    table = fake_packages(monkeypatch, ["x>=1", "y>=1; extra == 'test'"], {})
    assert table.loc["x", "state"] == "[FAIL]" and table.loc["x", "found"] == "not installed"
    assert "make lab" in table.loc["x", "try"]
    assert "y" not in table.index  # extras and other platforms are not needed here


def test_a_broken_library_becomes_a_row(monkeypatch):
    def broken():
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(environment, "_suppress", broken)
    row = environment.environment_table().loc["torchvision fits torch"]
    assert row["state"] == "[FAIL]" and "torchvision::nms" in row["found"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (8, "eight"),
        (8.0004, "eight"),
        (np.float64(2.5), "half"),
        (9, "other"),
        (None, "other"),
        ("x", "other"),
        (np.arange(3), "other"),
        (float("nan"), "other"),
    ],
)
def test_hint_for_names_the_mistake(answer, said):
    assert environment.hint_for(answer, {8: "eight", 2.5: "half"}, "other") == said
