"""Measure one clustering, stage by stage, and what it is to be compared with (for ``python -m dmic.lab.benchmark clustering``).

Each part runs in a fresh process, so that its peak memory is its own.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from dmic import dnc, encoding, mie
from dmic.compute.devices import bf16_is_fast, peak_memory_gib
from dmic.lab import reference, synthetic_embeddings
from dmic.neighbors import has_faiss, nearest

__all__ = ["clustering", "machine"]

Report = dict[str, Any]
_FLOOR_ROWS = 4096  # rows of the product that the GEMM floor is measured on


class _Clock:
    """Wall and processor seconds, and the process's peak memory so far, of each stage in turn."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}
        self._restart()

    def _restart(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def done(self, stage: str) -> None:
        """Book what passed since the last stage under this one."""
        self.stages[stage] = {
            "seconds": time.perf_counter() - self.wall,
            "processor_seconds": time.process_time() - self.processor,
            "peak_gib": peak_memory_gib(),
        }
        self._restart()


def _use_threads(threads: int) -> None:
    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    if has_faiss():
        import faiss

        faiss.omp_set_num_threads(threads)


def _digest(array: NDArray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()[:12]


def _cluster(data: synthetic_embeddings.Embeddings, options: Report, backend: str, clock: _Clock) -> Report:
    """Run the package's clustering stage by stage."""
    k1, k2, eps = options["k1"], options["k2"], options["eps"]
    lists = nearest(data.features, k1, backend=backend, device=options["device"])  # type: ignore[arg-type]
    clock.done("kNN")
    encoded = encoding.distance_encoding(lists, data.features, k1=k1)
    clock.done("encoding")
    expanded = mie.expand(encoded, lists, k2=k2, cameras=data.cameras, modalities=data.modalities)
    clock.done("expansion")
    distance = encoding.jaccard_distance(expanded, max_distance=eps)
    clock.done("Jaccard")
    labels = dnc.dbscan(distance, eps=eps)
    clock.done("DBSCAN")
    entries = {"encoding": encoded.nnz, "expanded": expanded.nnz, "distance": distance.nnz}
    return {
        "entries_per_row": {name: count / len(labels) for name, count in entries.items()},
        "clusters": int(labels.max()) + 1,
        "outliers": float((labels < 0).mean()),
        "digests": {
            "lists": _digest(lists.indices),
            "distance": _digest(distance.data),
            "labels": _digest(labels),
        },
        "lists": lists.indices,
    }


def _engine(options: Report, backend: str, threads: int) -> Report:
    _use_threads(threads)
    small = synthetic_embeddings.embeddings(2500, 64, options["features"])
    _cluster(small, options, backend, _Clock())  # compile and warm up: not timed
    data = synthetic_embeddings.embeddings(
        options["images"], options["dim"], options["features"], seed=options["seed"]
    )
    clock = _Clock()
    before = peak_memory_gib()
    measured = _cluster(data, options, backend, clock)
    return {"stages": clock.stages, "peak_gib_before": before, **measured}


def _gemm_floor(options: Report, threads: int) -> Report:
    """Time float32 products of some rows with all rows, by numpy and by torch; nothing else of the search."""
    _use_threads(threads)
    data = synthetic_embeddings.embeddings(
        options["images"], options["dim"], options["features"], seed=options["seed"]
    )
    every, rows = torch.from_numpy(data.features), min(_FLOOR_ROWS, options["images"])
    seconds = {}
    for name, product in {
        "numpy": lambda part: data.features[part] @ data.features.T,
        "torch": lambda part: every[part] @ every.T,
    }.items():
        product(slice(0, 512))
        start = time.perf_counter()
        for at in range(0, rows, 512):
            product(slice(at, min(at + 512, rows)))
        seconds[name] = (time.perf_counter() - start) * options["images"] / rows
    return {"rows_measured": rows, "seconds_scaled_to_all_rows": seconds}


def _faiss_flat(options: Report, threads: int) -> Report:
    """Time the search of faiss alone, as the relatives call it."""
    _use_threads(threads)
    import faiss

    data = synthetic_embeddings.embeddings(
        options["images"], options["dim"], options["features"], seed=options["seed"]
    )
    index = faiss.IndexFlatIP(options["dim"])
    index.add(data.features)
    index.search(data.features[:64], options["k1"])
    clock = _Clock()
    _, indices = index.search(data.features, options["k1"])
    clock.done("kNN")
    return {"stages": clock.stages, "lists": indices}


def _dense(options: Report, threads: int) -> Report:
    """Time the dense loops and the package on the same, fewer images."""
    _use_threads(threads)
    wanted = min(options["dense_images"], options["images"])
    images = min(wanted, _dense_images_that_fit())
    data = synthetic_embeddings.embeddings(images, options["dim"], options["features"], seed=options["seed"])
    clock = _Clock()
    sparse = _cluster(data, options, "auto", clock)
    dense = reference.dense_clustering(
        *(sparse["lists"], data.features, data.cameras, data.modalities),
        **{name: options[name] for name in ("k1", "k2", "eps")},
    )
    ours = sum(stage["seconds"] for name, stage in clock.stages.items() if name != "kNN")
    return {
        "images": images,
        "stopped_by_memory": images < wanted,
        "seconds": dense.seconds,
        "seconds_total": sum(dense.seconds.values()),
        "seconds_of_the_package": ours,
        "peak_gib": peak_memory_gib(),
        "same_labels": _digest(dense.labels) == sparse["digests"]["labels"],
        "matrices_gib_at_all_images": reference.dense_gib(options["images"]),
    }


def _dense_images_that_fit() -> int:
    """Return how many images the dense loops may have: their matrices in half of the free memory, where it is known."""
    if "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return 10_000
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return int((free / 2 / reference.dense_gib(1)) ** 0.5)


def clustering(options: Report) -> Report:
    """Run the clustering benchmark; each part in a fresh process, so that its peak memory is its own.

    Parameters
    ----------
    options : dict
        The command line's options: images, dim, features, backends, threads, k1, k2, eps, device, seed, dense_images (0:
        leave it out), references (False: leave out the GEMM floor and faiss).

    Returns
    -------
    dict
        What was measured, ready for JSON: ``engine`` (a list, one entry per backend and number of threads), ``gemm_floor``,
        ``faiss_flat`` (where installed) and ``dense``.

    Raises
    ------
    MemoryError
        If the system killed a part.
    """
    most = max(options["threads"])
    jobs: list[tuple[str, Any, tuple]] = [
        (f"{backend}, {threads} threads", _engine, (options, backend, threads))
        for backend in options["backends"]
        for threads in options["threads"]
    ]
    if options["references"]:
        jobs.append(("gemm_floor", _gemm_floor, (options, most)))
    if options["references"] and has_faiss():
        jobs.append(("faiss_flat", _faiss_flat, (options, most)))
    if options["dense_images"]:
        jobs.append(("dense", _dense, (options, most)))
    report: Report = {"options": options, "machine": machine(options["device"]), "engine": []}
    lists: dict[str, NDArray] = {}
    context = multiprocessing.get_context("spawn")
    for name, job, arguments in (bar := tqdm(jobs, unit="part")):
        bar.set_postfix_str(name)
        try:
            with ProcessPoolExecutor(1, mp_context=context) as process:
                measured = process.submit(job, *arguments).result()
        except BrokenProcessPool as error:
            raise MemoryError(
                f"the part {name!r} was killed by the system, most likely for want of memory; try fewer --images or "
                "--dense-images"
            ) from error
        if "lists" in measured:
            lists[name] = measured.pop("lists")
        if job is _engine:
            report["engine"].append({"backend": arguments[1], "threads": arguments[2], **measured})
        else:
            report[name] = measured
    if "faiss_flat" in lists:
        flat = np.sort(lists.pop("faiss_flat"), axis=1)
        for entry, ours in zip(report["engine"], lists.values(), strict=True):
            entry["rows_listed_as_by_faiss_flat"] = float((np.sort(ours, axis=1) == flat).all(axis=1).mean())
            reference = report["faiss_flat"]["stages"]["kNN"]["seconds"]
            entry["times_faiss_flat"] = entry["stages"]["kNN"]["seconds"] / reference
    return report


def machine(device: str) -> Report:
    """Return what the figures depend on: cores, bfloat16 units, GPU, versions."""
    facts: Report = {
        "cores": os.cpu_count(),
        "bf16_units": bf16_is_fast(device),
        "torch": str(torch.__version__),
    }
    if torch.device(device).type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(device)
    return facts
