"""What bfloat16 embeddings change: ``python -m dmic.lab.precision --data DIR RUN [RUN ...]``, RUN the folder of a finished run.

Two questions. Of one trained network, embedded in float32 and in bfloat16: how many pseudo labels and scores differ? Of runs that
differ in the precision of their embeddings only, paired by seed: what was learned, and how long did it take?
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sklearn.metrics import adjusted_rand_score

from dmic import backbone, dnc, evaluation, training
from dmic.config import Config, from_json, with_overrides
from dmic.images import STREAMS, ImageTable, in_stream, open_dataset
from dmic.lab.results_file import made
from dmic.storage.checkpoints import Checkpoint, Checkpoints
from dmic.storage.files import write_json

__all__ = ["compare_embeddings", "main", "paired", "same_network"]


def compare_embeddings(config: Config, checkpoint: Checkpoint, table: ImageTable) -> dict[str, Any]:
    """Embed with one network in both precisions, cluster as the last epoch would, and score.

    Parameters
    ----------
    config : Config
        Of the run.
    checkpoint : Checkpoint
        Its network.
    table : ImageTable
        Its data.

    Returns
    -------
    dict
        By stream: adjusted Rand index of the two labelings over images that both cluster, share of images that are an outlier in
        one of them only, both numbers of clusters; by precision: CPU seconds of embedding the training images, Rank-1 and mAP.
    """
    model = backbone.build(with_overrides(config, {"backbone.weights": "random"}).backbone)
    model.load_state_dict(checkpoint.weights)
    model.to(memory_format=torch.channels_last)
    model.size = (config.data.height, config.data.width)
    epochs = config.training.epochs
    last = dnc.Schedule.from_config(config.clustering, phase=2, epochs=epochs).at(epochs - 1)
    labels, found = {}, {}
    for name, bf16 in (("fp32", False), ("bf16", True)):
        started = time.process_time()
        features = training.embed(model, table.train, bf16=bf16)
        seconds = time.process_time() - started
        labels[name] = dnc.assign_labels(features, table.train, config.clustering, last, phase=2)
        test = {
            split: training.embed(model, getattr(table, split), bf16=bf16) for split in ("query", "gallery")
        }
        scores = evaluation.evaluate(test, table, config.data.protocol).mean
        found[name] = {"embed_cpu_s": seconds, "rank1": scores["rank1"], "mAP": scores["mAP"]}
    streams = {}
    for stream in STREAMS:
        fine, coarse = (labels[name][stream][in_stream(table.train.modalities, stream)] for name in found)
        both = (fine >= 0) & (coarse >= 0)
        streams[stream] = {
            "ari": adjusted_rand_score(fine[both], coarse[both]),
            "outliers": float(((fine < 0) != (coarse < 0)).mean()),
            "clusters": [int(fine.max()) + 1, int(coarse.max()) + 1],
        }
    return {"epochs": checkpoint.epochs, "streams": streams, "precision": found}


def paired(runs: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Pair runs by seed: bfloat16 minus float32 of ``rank1`` and ``mAP``, and how many times as long float32 took (``times``).

    Parameters
    ----------
    runs
        Each with ``seed``, ``embedding`` ("fp32" or "bf16"), ``rank1``, ``mAP`` (percent) and ``seconds``.
    """
    by = {(run["seed"], run["embedding"]): run for run in runs}
    seeds = sorted(seed for seed, kind in by if kind == "bf16" and (seed, "fp32") in by)
    pairs = [(by[seed, "bf16"], by[seed, "fp32"]) for seed in seeds]
    found = {key: [coarse[key] - fine[key] for coarse, fine in pairs] for key in ("rank1", "mAP")}
    return {**found, "times": [fine["seconds"] / coarse["seconds"] for coarse, fine in pairs]}


def same_network(compared: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Collect ``compare_embeddings`` of several networks: lists of what bfloat16 changed, one entry a network."""
    labels = {
        stream: {
            key: [network["streams"][stream][key] for network in compared] for key in ("ari", "outliers")
        }
        for stream in STREAMS
    }
    both = [(network["precision"]["bf16"], network["precision"]["fp32"]) for network in compared]
    found = {key: [coarse[key] - fine[key] for coarse, fine in both] for key in ("rank1", "mAP")}
    times = [fine["embed_cpu_s"] / coarse["embed_cpu_s"] for coarse, fine in both]
    percent = [100 * share for stream in STREAMS for share in labels[stream]["outliers"]]
    return {"labels": labels, "outlier_percent": percent, **found, "times": times}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m dmic.lab.precision", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folder of a finished run")
    parser.add_argument("--data", type=Path, required=True, help="the data set folder of all runs")
    parser.add_argument("--results", type=Path, help="file for the numbers, with their provenance")
    chosen = parser.parse_args(arguments)
    table = open_dataset(chosen.data)
    compared, runs = [], []
    for folder in chosen.runs:
        config = from_json((folder / "config.json").read_text(encoding="utf-8"))
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        scores = {
            "rank1": summary["final"]["rank1"],
            "mAP": summary["final"]["mAP"],
            "seconds": summary["seconds"],
        }
        runs.append({"seed": config.training.seed, "embedding": summary["precision"]["embedding"], **scores})
        newest = Checkpoints(folder / "checkpoints").newest(within=2 * config.training.epochs)
        if newest is None:
            parser.error(f"{folder} holds no checkpoint; expected the folder of a finished run")
        compared.append({**runs[-1], **compare_embeddings(config, newest, table)})
        print(json.dumps(compared[-1]), flush=True)
    report = {"runs": paired(runs), "same_network": same_network(compared)}
    print(json.dumps(report, indent=1))
    if chosen.results:
        measured = {**made({run["seed"] for run in runs}), "numbers": report}
        write_json(chosen.results, {"measured": {"precision": measured}}, indent=1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted") from None
