"""What all tests share: few, repeatable hypothesis examples and one seeded generator of each kind."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from notebook_runs import KNOBS, ROOT, SHORT, STUDY, quiet_kernel

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")
torch.set_num_threads(1)  # tiny tensors: more threads only wait for each other


def pytest_collection_modifyitems(config, items):
    """With `pytest -n`, tests of one file, or of one notebook of the course, share a process and what they made there."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            given = item.callspec.params if hasattr(item, "callspec") else {}
            own = item.path.name == "test_course.py" and "path" in given
            item.add_marker(pytest.mark.xdist_group(given["path"].name if own else item.path.name))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def small_world(tmp_path_factory) -> Path:
    """A data set folder with a handful of rendered people."""
    folder = tmp_path_factory.mktemp("data") / "people"
    command = [sys.executable, str(ROOT / "data_scripts" / "render_synthvi.py"), "--out", str(folder)]
    for knob in KNOBS:
        command += ["--set", knob]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def mini_run(small_world, tmp_path_factory) -> tuple[Path, Path]:
    """The small world, and a finished short run on it that the notebooks of the course read."""
    run_dir = tmp_path_factory.mktemp("runs") / "mini"
    script = (
        "import sys, json; from dmic import config, images, training\n"
        "data, run_dir, changes = sys.argv[1:]\n"
        "settings = config.with_overrides(config.preset('toy'), json.loads(changes))\n"
        "training.fit(settings, images.open_dataset(data), run_dir=run_dir)"
    )
    changes = json.dumps({"training.seed": 0, **SHORT})
    command = [sys.executable, "-c", script, str(small_world), str(run_dir), changes]
    with quiet_kernel():
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return small_world, run_dir


@pytest.fixture(scope="session")
def mini_study(small_world, tmp_path_factory) -> Path:
    """The results file of a study on the small world: the arms that notebook 08 compares, two seeds, one epoch a phase."""
    out = tmp_path_factory.mktemp("study")
    arms = "dmic vanilla dnc mie continued cluster_joint cluster_intra momentum slow_momentum modality"
    command = [
        sys.executable,
        "-m",
        "dmic.lab.study",
        "--data",
        str(small_world),
        "--out",
        str(out),
        "--jobs",
        "2",
    ]
    command += ["--arms", *arms.split(), "--seeds", "0", "1", "--results", str(out / "ablations.json")]
    subprocess.run([*command, "--overrides", json.dumps(STUDY)], check=True, capture_output=True, cwd=ROOT)
    return out / "ablations.json"
