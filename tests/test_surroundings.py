"""Where the package runs: it works where its user may only read it, as on a shared JupyterHub, and says what is missing."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from notebook_runs import ROOT

from dmic import config, dnc
from dmic.compute import devices, jit

CLUSTER = """
import numpy, sys
from dmic import dnc
given = numpy.load(sys.argv[1])
print(dnc.pseudo_labels(given["features"], given["cameras"], given["modalities"], k1=8, k2=3, eps=0.7).tolist())
"""
LOOP = """
from data_scripts.synthvi.place import textures
print(textures.scatter(1, 2, 3))
"""


def powerless() -> None:
    """In a child of root: give up the right to write where permissions forbid it (Linux: CAP_DAC_OVERRIDE)."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, for the program that is started next


class Place:
    """A copy of the package, a home and a folder for temporary files; all may only be read, until somebody opens one."""

    def __init__(self, folder):
        self.package, self.home, self.temporary = (folder / name for name in ("package", "home", "temporary"))
        for name in ("dmic", "data_scripts"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, self.package / name, ignore=ignored)
        self.home.mkdir()
        self.temporary.mkdir()
        self.set_mode(0o555, folder)

    def set_mode(self, mode, folder):
        """Of a folder, and of all in it."""
        for at, _, _ in os.walk(folder):
            os.chmod(at, mode)

    def start(self, code, *arguments, **variables):
        """Run Python code there as somebody without special rights."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_CACHE", "XDG_", "PYTHON"))}
        there = {"HOME": self.home, "TMPDIR": self.temporary, "PYTHONPATH": self.package}
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=clean | {name: str(value) for name, value in (there | variables).items()},
            cwd=self.package,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=powerless if os.geteuid() == 0 else None,
        )

    def run(self, code, *arguments, **variables):
        """What it prints on stdout and on stderr."""
        process = self.start(code, *arguments, **variables)
        said, complained = process.communicate(timeout=300)
        assert process.returncode == 0, complained[-3000:]
        return said, complained


@pytest.fixture
def place(tmp_path):
    if os.geteuid() == 0 and not sys.platform.startswith("linux"):
        pytest.skip("root writes everywhere here")
    made = Place(tmp_path / "place")
    if made.start("open('written', 'w')").wait() == 0:
        pytest.skip("permissions do not hold here")
    yield made
    made.set_mode(0o755, tmp_path / "place")


def saved_and_loaded(said):
    """What numba says of compiled code: written to disk, read from there."""
    return said.count("data saved"), said.count("data loaded")


def test_a_read_only_installation_clusters_and_compiles_once(place, tmp_path, rng):
    place.set_mode(0o755, place.temporary)
    centres = rng.normal(size=(6, 16))[np.arange(60) % 6]
    features = (centres + 0.2 * rng.normal(size=(60, 16))).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    given = {
        "features": features,
        "cameras": np.arange(60) // 6 % 4,
        "modalities": np.arange(60) // 6 % 4 // 2,
    }
    np.savez(tmp_path / "given.npz", **given)
    labels = dnc.pseudo_labels(**given, k1=8, k2=3, eps=0.7).tolist()
    assert max(labels) >= 3
    first, line = place.run(CLUSTER, tmp_path / "given.npz")
    assert first == f"{labels}\n"
    assert line.count("\n") == 1 and "NUMBA_CACHE_DIR" in line and str(place.temporary) in line
    again, _ = place.run(CLUSTER, tmp_path / "given.npz", NUMBA_DEBUG_CACHE="1")
    assert again.endswith(first)
    saved, loaded = saved_and_loaded(again)
    assert saved == 0 and loaded >= 6


def test_without_any_place_loops_work_and_the_advice_that_is_given_helps(place, tmp_path):
    # /tmp would be tried, too
    alone = f"import tempfile; tempfile.tempdir = {str(place.temporary)!r}\nimport dmic.compute.kernels{LOOP}"
    said, line = place.run(alone, NUMBA_DEBUG_CACHE="1")
    assert saved_and_loaded(said) == (0, 0)
    assert line.count("\n") == 1 and "Set NUMBA_CACHE_DIR" in line
    better, silence = place.run(alone, NUMBA_DEBUG_CACHE="1", NUMBA_CACHE_DIR=tmp_path / "mine")
    assert silence == "" and saved_and_loaded(better)[0] >= 1
    assert better.endswith(said) and len(list((tmp_path / "mine").rglob("textures.scatter*.nbc"))) == 1


def test_processes_that_begin_together_share_the_temporary_folder(place):
    place.set_mode(0o755, place.temporary)
    results = [process.communicate(timeout=300) for process in [place.start(LOOP) for _ in range(2)]]
    assert len({said for said, _ in results}) == 1 and results[0][0]
    (folder,) = place.temporary.iterdir()
    assert folder.name == f"dmic-{os.geteuid()}" and list(folder.rglob("textures.scatter*.nbc"))


@pytest.mark.parametrize("kind", ["open to all", "link"])
def test_a_temporary_folder_that_others_may_have_filled_is_not_used(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"dmic-{os.getuid()}"
    assert jit._own_temporary_folder() == folder
    folder.rmdir()
    if kind == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.raises(PermissionError, match="others can write"):
        jit._own_temporary_folder()


def test_a_gpu_that_is_not_there_is_refused_with_what_to_look_at(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ("auto", "cpu", "cuda"):
        wanted = config.with_overrides(config.preset("toy"), {"training.device": device}).training
        expected = pytest.raises(config.ConfigError, match="torch .* sees no GPU.*nvidia-smi")
        with expected if device == "cuda" else nullcontext():
            devices.accelerator(wanted)
