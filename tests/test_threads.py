"""One number of threads for all libraries, seen from a fresh process."""

import json
import os
import subprocess
import sys

import pytest

from dmic.compute import threads

PROBE = """
import json, sys
from dmic import encoding, neighbors
import numba, numpy, torch
x = numpy.eye(400, dtype=numpy.float32) + 0.1
x /= numpy.linalg.norm(x, axis=1, keepdims=True)
before = torch.get_num_threads()
encoding.distance_encoding(neighbors.nearest(x, 9), x, k1=9)  # runs numba's parallel loops
print(json.dumps([before, torch.get_num_threads(), numba.get_num_threads()]))
"""


def probe(**variables) -> list[int]:
    """Threads of torch before and after a clustering, and of numba, in a process with these variables."""
    clean = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env=clean | variables, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("count", [1, 2])
def test_clustering_leaves_torch_the_threads_it_was_given(count):
    assert probe(OMP_NUM_THREADS=str(count)) == [count, count, count]


def test_numbas_own_variable_is_kept():
    assert probe(OMP_NUM_THREADS="2", NUMBA_NUM_THREADS="1")[2] == 1


@pytest.mark.parametrize(
    ("given", "wanted"), [("3", "3"), ("2,4", "2"), ("", None), ("many", None), ("0", None)]
)
def test_settle_follows_openmp(given, wanted, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    for name in ("NUMBA_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "x")  # so that monkeypatch puts back what was there
        monkeypatch.delenv(name)
    threads.settle()
    assert os.environ["NUMBA_NUM_THREADS"] == (wanted or str(threads.available_cpus()))
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_available_cpus_is_positive():
    assert 1 <= threads.available_cpus() <= (os.cpu_count() or 1)
