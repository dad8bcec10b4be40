"""Compare training recipes over several seeds: ``python -m dmic.study --data DIR --out DIR``.

Every (arm, seed) is one run folder, so an interrupted study goes on where it stopped. The table that it prints and writes
(``study.json``) holds means, standard deviations over seeds and, for Rank-1, the standard error over test people.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmic import diagnostics, dnc, encoding, evaluation, mie, training
from dmic.config import Config, preset, to_json, with_overrides
from dmic.images import ImageTable, open_dataset
from dmic.neighbors import nearest
from dmic.runs import clean

__all__ = ["ARMS", "at_outlier_share", "main", "summarise"]

_VANILLA = {"clustering.expansion_intra": "vanilla", "clustering.expansion_joint": "vanilla"}
_STATIC = {
    "clustering.dynamic": False,
    "clustering.k2_start": 6,
}  # one eps, one k2, as Cluster Contrast and its heirs
ARMS: dict[str, dict[str, Any]] = {
    "dmic": {},
    "vanilla": {**_VANILLA, **_STATIC, "clustering.k2_joint": 6},
    "dnc": _VANILLA,
    "mie": _STATIC,
    "continued": {"loss.joint_weight": 0.0},
    "supervised": {"clustering.labels": "identities"},
}
"""Arm -> its overrides of the preset.

``vanilla`` uses one eps and one k2 for all clusterings, as the methods before DMIC do; ``dnc`` differs from ``dmic`` in
the expansion alone; ``continued`` is phase 1 going on; ``supervised`` trains on true identities (upper bound).
"""

_SHOWN = (
    "outlier_share",
    "ari",
    "mixed_clusters",
    "cross_modality_recall",
    "cross_camera_recall",
    "camera_splitting",
)


def at_outlier_share(
    features: NDArray[np.float32], table: ImageTable, config: Config, stream: str, *, share: float
) -> dict[str, float]:
    """Cluster as the last epoch of a recipe would, but with eps chosen for a given share of outliers.

    Parameters
    ----------
    features : (n, d) float32
        Unit rows of all images of ``table``.
    table : ImageTable
    config : Config
        Gives k1, the last k2, the expansion and min_samples.
    stream
        ``visible``, ``infrared`` or ``joint``.
    share : float
        Wanted share of un-clustered images: eps is the smallest one with at most that many (bisection to 1e-3).

    Returns
    -------
    dict
        ``diagnostics.describe`` of the labels, and ``eps``.

    Notes
    -----
    MIE enlarges distances, so recipes are compared where they leave out equally many images, not at one eps.
    """
    c, codes = config.clustering, {"visible": 0, "infrared": 1}
    held = table.modalities == codes[stream] if stream in codes else np.ones(len(table), bool)
    part, x = table.select(held), features[held]
    k1 = {"visible": c.k1_visible, "infrared": c.k1_infrared}.get(stream) or c.k1
    last = dnc.Schedule.from_config(c, phase=2, epochs=config.training.epochs).at(config.training.epochs - 1)
    intra = round(last.k2_intra * (c.k2_infrared_scale if stream == "infrared" else 1))
    k2 = last.k2_joint if stream == "joint" else max(1, intra)
    how = c.expansion_joint if stream == "joint" else c.expansion_intra
    k1, k2 = min(k1, len(x) - 1), min(k2, len(x) - 1)
    lists = nearest(x, max(k1, k2), backend=c.neighbors)
    encoded = encoding.distance_encoding(lists, x, k1=k1)
    expanded = mie.expand(encoded, lists, k2=k2, cameras=part.cameras, modalities=part.modalities, how=how)
    distance = encoding.jaccard_distance(expanded)
    low, high = 0.0, 1.0
    while high - low > 1e-3:
        eps = (low + high) / 2
        outliers = (dnc.dbscan(distance, eps=eps, min_samples=c.min_samples) < 0).mean()
        low, high = (low, eps) if outliers <= share else (eps, high)
    labels = dnc.dbscan(distance, eps=high, min_samples=c.min_samples)
    described = diagnostics.describe(
        labels, identities=part.identities, cameras=part.cameras, modalities=part.modalities
    )
    return {**described, "eps": high}


def summarise(runs: list[Any]) -> dict[str, Any]:
    """Return mean and standard deviation over runs of one arm, for every number in them (nested dicts alike)."""
    first = runs[0]
    if isinstance(first, dict):
        return {key: summarise([run[key] for run in runs]) for key in first}
    values = np.array([np.nan if run is None else run for run in runs], np.float64)
    return {"mean": float(values.mean()), "std": float(values.std(ddof=1)) if len(values) > 1 else None}


def _one(config: Config, table: ImageTable, run_dir: Path, share: float) -> dict[str, Any]:
    """Run (or read) one arm with one seed and return the numbers that the table shows."""
    done = run_dir / "study.json"
    wanted = {"share": share, "data": table.info, "config": json.loads(to_json(config))}
    stored = json.loads(done.read_text()) if done.is_file() else {}
    if stored.get("of") == clean(wanted):
        return stored
    result = training.fit(config, table, run_dir=run_dir)
    size = (config.data.height, config.data.width)
    features = training.embed(result.model, table.train, size=size, batch=config.training.embed_batch)
    protocol = evaluation.protocol_by_name(config.data.protocol)
    stages = {s: evaluation.evaluate(f, table, protocol) for s, f in result.features.items()}
    numbers = {
        "test": {s: {**e.mean, "standard_error_rank1": e.standard_error_rank1} for s, e in stages.items()},
        "last_epoch": result.history[-1]["labels"],
        "equal_outliers": {
            stream: at_outlier_share(features, table.train, config, stream, share=share)
            for stream in ("visible", "infrared", "joint")
        },
        "seconds": result.summary["seconds"],
        "of": wanted,
    }
    done.write_text(json.dumps(clean(numbers), indent=1) + "\n")
    return clean(numbers)


def _show(entry: dict[str, Any], digits: int = 1) -> str:
    spread = "" if entry["std"] is None else f" ± {entry['std']:.{digits}f}"
    return f"{entry['mean']:.{digits}f}{spread}"


def _print(arm: str, found: dict[str, Any], identities: int) -> None:
    print(f"\n{arm}")
    for stage, numbers in found["test"].items():
        error = numbers["standard_error_rank1"]["mean"]
        print(
            f"  {stage:<10} Rank-1 {_show(numbers['rank1'])} (s.e. {error:.1f})  mAP {_show(numbers['mAP'])}"
        )
    for when in ("last_epoch", "equal_outliers"):
        for stream, numbers in found[when].items():
            shown = "  ".join(
                f"{key} {_show(numbers[key], 2)}" for key in _SHOWN if np.isfinite(numbers[key]["mean"])
            )
            print(f"  {when:<14} {stream:<8} clusters {_show(numbers['clusters'])} of {identities}  {shown}")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="prepared data set folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the run folders and study.json")
    parser.add_argument("--preset", default="toy")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=["dmic", "vanilla", "supervised"])
    parser.add_argument(
        "--share", type=float, default=0.05, help="share of outliers at which clusterings are compared"
    )
    parser.add_argument("--overrides", type=json.loads, default={}, help="JSON object, for every arm")
    chosen = parser.parse_args(arguments)
    for arm in chosen.arms:
        if both := set(ARMS[arm]) & set(chosen.overrides):
            parser.error(
                f"arm {arm} sets {', '.join(sorted(both))} itself; leave it out of --overrides, or the arm out"
            )
    table = open_dataset(chosen.data)
    identities = len(np.unique(table.train.identities))
    found = {}
    for arm in chosen.arms:
        runs = []
        for seed in chosen.seeds:
            overrides = {**chosen.overrides, **ARMS[arm], "training.seed": seed}
            config = with_overrides(preset(chosen.preset), overrides)
            numbers = _one(config, table, chosen.out / f"{arm}-seed{seed}", chosen.share)
            runs.append({key: value for key, value in numbers.items() if key != "of"})
        found[arm] = summarise(runs)
        _print(arm, found[arm], identities)
    report = {key: getattr(chosen, key) for key in ("preset", "overrides", "seeds", "share")}
    report["data"] = table.info
    (chosen.out / "study.json").write_text(json.dumps(clean({**report, "arms": found}), indent=1) + "\n")


if __name__ == "__main__":
    main()
