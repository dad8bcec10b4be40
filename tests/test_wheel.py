"""The package as others install it: a wheel built from the tracked files, installed away from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from notebook_runs import ROOT

PROBE = """
import importlib, json, pkgutil
import dmic
names = [module.name for module in pkgutil.walk_packages(dmic.__path__, "dmic.")]
modules = [importlib.import_module(name) for name in names]
from dmic import backbone, config, images
weights = sum(p.numel() for p in backbone.build(config.preset("toy").backbone).parameters())
try:
    images.open_dataset("nowhere")
except images.DatasetError as error:
    said = str(error)
files = [module.__file__ for module in [dmic, *modules]]
print(json.dumps({"files": files, "version": dmic.__version__, "weights": weights, "said": said}))
"""


def python(*arguments, **options) -> str:
    """What a fresh Python prints."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Files that a clone would hold once everything is committed."""
    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def site(tracked, tmp_path_factory):
    """Where the wheel is installed; built from a copy, so that the checkout stays as it is, and without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked:
        (folder / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / "copy" / name)
    offline = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    python("-m", "pip", "wheel", *offline, "--no-build-isolation", "-w", folder, folder / "copy")
    (wheel,) = folder.glob("*.whl")
    python("-m", "pip", "install", *offline, "--target", folder / "site", wheel)
    return folder / "site"


@pytest.fixture(scope="module")
def installed(site):
    """Environment and folder in which this installation is what ``import dmic`` finds, and no checkout is near."""
    elsewhere = site.parent / "elsewhere"
    elsewhere.mkdir()
    return {"cwd": elsewhere, "env": {**os.environ, "PYTHONPATH": str(site)}}


def test_the_wheel_holds_every_tracked_file_of_the_package_and_nothing_else(site, tracked):
    held = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    held = {name for name in held if "__pycache__" not in name and ".dist-info/" not in name}
    assert held - {"bin/dmic"} == {name for name in tracked if name.startswith("dmic/")}
    assert "bin/dmic" in held or os.name == "nt"


def test_an_installation_works_without_the_checkout(site, installed):
    found = json.loads(python("-c", PROBE, **installed).splitlines()[-1])
    outside = [file for file in found["files"] if not file.startswith(str(site))]
    assert not outside and len(found["files"]) >= 45
    assert found["weights"] > 1e6
    assert "dmic render" in found["said"] and "python data_scripts" not in found["said"], found["said"]
    assert python("-m", "dmic", "--version", **installed).split() == ["dmic", found["version"]]
