"""What clustering and scoring cost on this machine, beside what they would cost otherwise, in one run.

``python -m dmic.lab.benchmark clustering --images 34167 --dim 2048 --features mid --backends bf16 faiss`` and
``python -m dmic.lab.benchmark ranking``; ``--help`` lists the options, ``--json FILE`` keeps the figures. Every figure is measured
here and now; the one that is scaled up, the floor, says so.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from tqdm import tqdm

from dmic.evaluation.ranking import RULES, rank_metrics
from dmic.lab import costs, reference, synthetic_embeddings
from dmic.lab.results_file import made
from dmic.neighbors import Backend

__all__ = ["main", "ranking"]

Report = dict[str, Any]


def ranking(options: Report) -> Report:
    """Time ``rank_metrics`` and the loop over queries on one random matrix; options: queries, gallery, people, seed.

    Returns
    -------
    dict
        By rule: seconds of both (best of three), their ratio, and the largest difference of a score in percent.
    """
    rng, queries, gallery = np.random.default_rng(options["seed"]), options["queries"], options["gallery"]
    distance = rng.random((queries, gallery)).astype(np.float32)
    sides: dict[str, Any] = {
        "query_ids": rng.integers(0, options["people"], queries),
        "gallery_ids": rng.integers(0, options["people"], gallery),
        "query_cameras": rng.choice([3, 6], queries),
        "gallery_cameras": rng.choice([1, 2, 4, 5], gallery),
    }
    report: Report = {"options": options, "machine": costs.machine("cpu"), "rules": {}}
    for rule in tqdm(RULES, unit="rule"):
        seconds: dict[str, float] = {}
        scores: dict[str, Any] = {}
        for name, score in (("loop", reference.loop_over_queries), ("rank_metrics", rank_metrics)):
            times = []
            for _ in range(3):
                start = time.perf_counter()
                scores[name] = score(distance, rule=rule, **sides)
                times.append(time.perf_counter() - start)
            seconds[name] = min(times)
        ours = scores["rank_metrics"].to_dict()
        report["rules"][rule] = {
            "seconds": seconds,
            "times_as_fast": seconds["loop"] / seconds["rank_metrics"],
            "largest_difference": max(abs(ours[key] - value) for key, value in scores["loop"].items()),
        }
    return report


def _print_engine(entry: Report, bf16_units: bool) -> None:
    stages = entry["stages"]
    after = sum(stage["seconds"] for name, stage in stages.items() if name != "kNN")
    rows = ", ".join(f"{name} {count:.0f}" for name, count in entry["entries_per_row"].items())
    note = ""
    if entry["backend"] == "bf16" and not bf16_units:
        note = " (this processor has no bfloat16 matrix units: backend torch instead)"
    print(f"\nbackend {entry['backend']}, {entry['threads']} threads{note}")
    print(f"  {'stage':<12}{'seconds':>9}{'processor s':>13}{'peak GiB so far':>17}")
    for name, stage in stages.items():
        print(
            f"  {name:<12}{stage['seconds']:>9.2f}{stage['processor_seconds']:>13.2f}{stage['peak_gib']:>17.2f}"
        )
    print(f"  after kNN   {after:>9.2f}      total {after + stages['kNN']['seconds']:.2f}")
    print(f"  entries a row: {rows}; {entry['clusters']} clusters, {entry['outliers']:.1%} outliers")
    print("  " + ", ".join(f"{name} {digest}" for name, digest in entry["digests"].items()))
    if "rows_listed_as_by_faiss_flat" in entry:
        same, flat = entry["rows_listed_as_by_faiss_flat"], entry["times_faiss_flat"]
        print(f"  kNN takes {flat:.2f} x faiss flat; {same:.4%} of the lists hold the same images as its")


def _print_clustering(report: Report) -> None:
    for entry in report["engine"]:
        _print_engine(entry, report["machine"]["bf16_units"])
    digests = [entry["digests"] for entry in report["engine"]]
    if len(digests) > 1:
        print("\nall runs gave the same bytes:", "yes" if digests.count(digests[0]) == len(digests) else "NO")
    if "gemm_floor" in report:
        floor = report["gemm_floor"]
        shown = ", ".join(f"{name} {s:.1f} s" for name, s in floor["seconds_scaled_to_all_rows"].items())
        print(
            f"\nfloat32 product alone (floor; {floor['rows_measured']} rows measured, scaled to all): {shown}"
        )
    if "faiss_flat" in report:
        print(f"faiss flat index alone: {report['faiss_flat']['stages']['kNN']['seconds']:.1f} s")
    if "dense" in report:
        dense = report["dense"]
        stopped = " (no more fit the free memory)" if dense["stopped_by_memory"] else ""
        stages = ", ".join(f"{name} {s:.1f}" for name, s in dense["seconds"].items())
        print(
            f"\ndense matrices and loops, after kNN, {dense['images']} images{stopped}: {dense['seconds_total']:.1f} s ({stages}), "
            f"{dense['peak_gib']:.2f} GiB; the package on the same images {dense['seconds_of_the_package']:.2f} s; same "
            f"labels: {dense['same_labels']}\n  for {report['options']['images']} images the three dense matrices alone are "
            f"{dense['matrices_gib_at_all_images']:.1f} GiB"
        )


def _print_ranking(report: Report) -> None:
    print(f"{'rule':<8}{'loop s':>9}{'rank_metrics s':>16}{'times as fast':>15}{'largest difference':>20}")
    for rule, found in report["rules"].items():
        loop, ours = found["seconds"]["loop"], found["seconds"]["rank_metrics"]
        print(
            f"{rule:<8}{loop:>9.3f}{ours:>16.4f}{found['times_as_fast']:>15.1f}{found['largest_difference']:>20.1e}"
        )


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.ArgumentDefaultsHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m dmic.lab.benchmark", description=(__doc__ or "").split("\n")[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    cluster = commands.add_parser(
        "clustering", help="from embeddings to pseudo labels", formatter_class=formatter
    )
    cluster.add_argument("--images", type=int, default=34_167)
    cluster.add_argument("--dim", type=int, default=2048)
    cluster.add_argument(
        "--features", choices=get_args(synthetic_embeddings.Stage), default="mid", help="stage of training"
    )
    cluster.add_argument(
        "--backends", nargs="+", choices=get_args(Backend), default=["auto"], help="of the kNN"
    )
    cluster.add_argument(
        "--threads", nargs="+", type=int, default=[os.cpu_count() or 1], help="one run for each"
    )
    cluster.add_argument("--k1", type=int, default=40)
    cluster.add_argument("--k2", type=int, default=32)
    cluster.add_argument("--eps", type=float, default=0.6)
    cluster.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu", help="of the kNN"
    )
    cluster.add_argument("--dense-images", type=int, default=3000, help="for the dense loops; 0: without")
    cluster.add_argument(
        "--references",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure GEMM floor and faiss",
    )
    rank = commands.add_parser("ranking", help="Rank-k, mAP and mINP", formatter_class=formatter)
    rank.add_argument("--queries", type=int, default=3803)
    rank.add_argument("--gallery", type=int, default=301)
    rank.add_argument("--people", type=int, default=96)
    for command in (cluster, rank):
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--json", type=Path, help="file for the figures")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; see the module's docstring."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    command, file = options.pop("command"), options.pop("json")
    counts = [options[name] for name in ("images", "dim", "queries", "gallery", "people") if name in options]
    if min(*counts, *options.get("threads", [1])) < 1 or options.get("images", 100) <= options.get("k1", 0):
        parser.error("counts must be at least 1, and there must be more images than k1")
    logging.basicConfig(level=logging.WARNING)
    report = costs.clustering(options) if command == "clustering" else ranking(options)
    (_print_clustering if command == "clustering" else _print_ranking)(report)
    if file:
        file.write_text(json.dumps({"made": made([options["seed"]]), **report}, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted") from None
