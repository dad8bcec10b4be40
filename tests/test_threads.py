"""One number of threads for all libraries, seen from a fresh process."""

import json
import os
import subprocess
import sys

import pytest

from dmic.compute import threads

PROBE = """
import hashlib, json, sys
from dmic import encoding, neighbors
import numba, numpy, torch
x = numpy.random.default_rng(0).normal(size=(400, 32)).astype("float32") + 0.5
x /= numpy.linalg.norm(x, axis=1, keepdims=True)
before = torch.get_num_threads()
codes = encoding.distance_encoding(neighbors.nearest(x, 9), x, k1=9)  # runs numba's parallel loops
distance = encoding.jaccard_distance(codes)
found = [part.tobytes() for codes in (codes, distance) for part in (codes.indptr, codes.indices, codes.data)]
threads = [before, torch.get_num_threads(), numba.get_num_threads()]
print(json.dumps([*threads, hashlib.sha256(b"".join(found)).hexdigest()]))
"""


def probe(**variables) -> list:
    """Threads of torch before and after a clustering, of numba, and a hash of its distances, in a new process."""
    clean = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env=clean | variables, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_clustering_leaves_torch_the_threads_it_was_given_and_computes_the_same():
    *one, alone = probe(OMP_NUM_THREADS="1")
    *two, together = probe(OMP_NUM_THREADS="2")
    assert (one, two) == ([1, 1, 1], [2, 2, 2])
    assert alone == together


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
    threads.configure_threads()
    assert os.environ["NUMBA_NUM_THREADS"] == (wanted or str(threads.available_cpus()))
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_available_cpus_is_positive():
    assert 1 <= threads.available_cpus() <= (os.cpu_count() or 1)
