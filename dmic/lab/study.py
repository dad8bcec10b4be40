"""Compare training recipes over several seeds: ``python -m dmic.lab.study --data DIR --out DIR``.

Every (arm, seed) is one run folder, so an interrupted study goes on where it stopped. The table that it prints and writes
(``study.json``) holds means, standard deviations over seeds and, for Rank-1, the standard error over test people;
``--results`` also writes every run's numbers with their provenance (``dmic.lab.results_file``).

Taught in: notebooks/08_ablations.ipynb
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmic import diagnostics, dnc, encoding, evaluation, mie, training
from dmic.compute.devices import check_device
from dmic.config import PRESETS, Config, ConfigError, preset, to_json, with_overrides
from dmic.images import STREAMS, DatasetError, ImageTable, in_stream, open_dataset
from dmic.lab import results_file
from dmic.lab.arms import ARMS, PHASE2_ONLY
from dmic.lab.processes import run_all
from dmic.lab.results_file import summarise
from dmic.neighbors import nearest
from dmic.storage.files import to_jsonable, write_json
from dmic.storage.locking import InUseError, hold
from dmic.storage.project import default_data_folder, ensure_data
from dmic.storage.provenance import code_hash, data_fingerprint, differences, environment
from dmic.storage.run_folder import RunError, adopt, clear

__all__ = ["ARMS", "CODE", "at_outlier_share", "main", "summarise"]

CODE = code_hash("lab/arms.py", "lab/study.py")
"""The code of this process, with what measures the runs."""


def at_outlier_share(
    features: NDArray[np.float32],
    table: ImageTable,
    config: Config,
    stream: str,
    *,
    share: float,
    device: str = "cpu",
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
    device
        Torch device of the neighbour search.

    Returns
    -------
    dict
        ``diagnostics.cluster_metrics`` of the labels, and ``eps``.

    Notes
    -----
    MIE enlarges distances, so recipes are compared where they leave out equally many images, not at one eps.
    """
    c, epochs = config.clustering, config.training.epochs
    inside = in_stream(table.modalities, stream)
    part, x = table.select(inside), features[inside]
    last = dnc.Schedule.from_config(c, phase=2, epochs=epochs).at(epochs - 1)
    k1, k2, _, how = dnc.stream_parameters(c, last, stream)
    k1, k2 = min(k1, len(x) - 1), min(k2, len(x) - 1)
    lists = nearest(x, k1, backend=c.knn_backend, device=device)
    encoded = encoding.distance_encoding(lists, x, k1=k1)
    expanded = mie.expand(encoded, lists, k2=k2, cameras=part.cameras, modalities=part.modalities, how=how)
    distance = encoding.jaccard_distance(expanded)
    low, high = 0.0, 1.0
    while high - low > 1e-3:
        eps = (low + high) / 2
        outliers = (dnc.dbscan(distance, eps=eps, min_samples=c.min_samples) < 0).mean()
        low, high = (low, eps) if outliers <= share else (eps, high)
    labels = dnc.dbscan(distance, eps=high, min_samples=c.min_samples)
    described = diagnostics.cluster_metrics(
        labels, identities=part.identities, cameras=part.cameras, modalities=part.modalities
    )
    return {**described, "eps": high}


def _fit(config: Config, table: ImageTable, run_dir: Path) -> training.FitResult:
    """Train one run; a phase 1 that another run of this study has trained the same way is copied from it."""
    first = {"config": to_json(with_overrides(config, PHASE2_ONLY)), "data": data_fingerprint(table)}
    key = hashlib.sha256(json.dumps(first, sort_keys=True).encode()).hexdigest()[:12]
    phase1 = run_dir.parent / f"phase1-{key}"
    if phase1.is_dir() and not run_dir.exists():
        draft = run_dir.with_name(f".{run_dir.name}.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(phase1, draft)
        adopt(draft, config, json.loads((draft / "environment.json").read_text(encoding="utf-8")))
        draft.rename(run_dir)

    def keep(line: dict[str, Any]) -> None:
        """Copy the run as it is after phase 1."""
        if line["global_epoch"] == config.training.epochs - 1 and not phase1.exists():
            draft = phase1.with_name(f".{phase1.name}.{os.getpid()}")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(run_dir, draft)
            with suppress(OSError):  # another process has just put the same there
                draft.rename(phase1)

    return training.fit(config, table, run_dir=run_dir, callback=keep)


def _one(config: Config, table: ImageTable, run_dir: Path, share: float) -> dict[str, Any]:
    """Run (or read) one arm with one seed and return the numbers that the table shows."""
    done = run_dir / "study.json"
    wanted = {"share": share, "data": data_fingerprint(table), "config": json.loads(to_json(config))}
    stored = json.loads(done.read_text(encoding="utf-8")) if done.is_file() else {}
    if stored.get("of") == to_jsonable(wanted):
        parts = json.loads((run_dir / "environment.json").read_text(encoding="utf-8"))["parts"]
        here = environment(first_epoch=0, precision=parts[-1]["precision"]) | {"device": parts[-1]["device"]}
        other = [differences(parts, here)] if differences(parts, here) else []
        other += [f"measuring code {stored['code']} → {CODE}"] if stored["code"] != CODE else []
        made = f"; made by other {', '.join(other)}" if other else ""
        print(f"{run_dir}: read, not trained{made}; --fresh (make: FRESH=1) starts anew", flush=True)
        return stored
    result = _fit(config, table, run_dir)
    features = training.embed(result.model, table.train, batch=config.training.embed_batch)
    device = str(next(result.model.parameters()).device)
    protocol = evaluation.protocol_by_name(config.data.protocol)
    stages = {s: evaluation.evaluate(f, table, protocol) for s, f in result.features.items()}
    numbers = {
        "test": {s: {**e.mean, "standard_error_rank1": e.standard_error_rank1} for s, e in stages.items()},
        "last_epoch": result.history[-1]["labels"],
        "equal_outliers": {
            stream: at_outlier_share(features, table.train, config, stream, share=share, device=device)
            for stream in STREAMS
        },
        "seconds": result.summary["seconds"],
        "of": wanted,
        "code": CODE,
    }
    write_json(done, numbers, indent=1)
    return to_jsonable(numbers)


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
                f"{key} {_show(numbers[key], 2)}"
                for key in results_file.SHOWN
                if key in numbers and np.isfinite(numbers[key]["mean"])
            )
            print(f"  {when:<14} {stream:<8} clusters {_show(numbers['clusters'])} of {identities}  {shown}")


def _run(data: Path, run_dir: Path, config: Config, share: float) -> dict[str, Any]:
    """``_one``, from the data set's folder: what a process of ``--jobs`` is given."""
    return _one(config, open_dataset(data), run_dir, share)


def _clear(out: Path, tasks: dict[tuple[str, int], Config]) -> None:
    """Remove what the tasks' runs left, and every phase 1 that runs share; a run in use is not touched: ``InUseError``."""
    for folder in filter(Path.is_dir, (out / f"{arm}-seed{seed}" for arm, seed in tasks)):
        with hold(folder):
            clear(folder)
            (folder / "config.json").unlink(missing_ok=True)
            for empty in (*filter(Path.is_dir, folder.iterdir()), folder):
                with suppress(OSError):  # what is not the run's stays
                    empty.rmdir()
    for folder in out.glob("phase1-*"):
        shutil.rmtree(folder)


def _run_all(chosen: argparse.Namespace, tasks: dict[tuple[str, int], Config]) -> dict[tuple[str, int], Any]:
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.fresh:
        _clear(chosen.out, tasks)
    folders = [chosen.out / f"{arm}-seed{seed}" for arm, seed in tasks]
    work = [(chosen.data, folder, c, chosen.share) for folder, c in zip(folders, tasks.values(), strict=True)]
    return dict(zip(tasks, run_all(_run, work, jobs=chosen.jobs), strict=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dmic.lab.study",
        description=(__doc__ or "").split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add, three = parser.add_argument, ["dmic", "vanilla", "supervised"]
    add("--data", type=Path, help="prepared data set folder; without it the preset's, rendered if missing")
    add("--out", type=Path, required=True, help="folder for the run folders and study.json")
    add("--preset", default="toy", help=f"one of {', '.join(PRESETS)}")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="one run each")
    add("--arms", nargs="+", choices=["all", *ARMS], default=three, help="see dmic/lab/arms.py")
    add("--share", type=float, default=0.05, help="share of outliers at which clusterings are compared")
    add("--overrides", type=json.loads, default={}, help="JSON object, for every arm")
    add("--fresh", action="store_true", help="delete these runs, and what they share, and train them anew")
    jobs = "runs at a time; more than 1: one thread each"
    add("--jobs", type=int, default=1, metavar="N", help=jobs)
    kept = "file for every run's numbers, with their provenance; without a name results/study_<preset>_<data set>.json"
    add("--results", type=Path, nargs="?", const=Path(), help=kept)
    return parser


def _open(parser: argparse.ArgumentParser, chosen: argparse.Namespace, base: Config) -> ImageTable:
    """Open the data, rendered if missing; what is wrong with them, or with the device, ends the command with a line."""
    try:
        check_device(base.training)
        chosen.data = ensure_data(chosen.data or default_data_folder(chosen.preset), preset=chosen.preset)
        return open_dataset(chosen.data)
    except (ConfigError, DatasetError) as error:
        parser.error(str(error))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; see the module's docstring."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    chosen.arms = list(ARMS) if "all" in chosen.arms else chosen.arms
    if chosen.jobs < 1:
        parser.error(f"--jobs is {chosen.jobs}; expected 1 or more")
    for arm in chosen.arms:
        if both := set(ARMS[arm]) & set(chosen.overrides):
            parser.error(
                f"arm {arm} sets {', '.join(sorted(both))} itself; leave it out of --overrides, or the arm out"
            )
    try:
        base = with_overrides(preset(chosen.preset), chosen.overrides)
    except ConfigError as error:
        parser.error(str(error))
    table = _open(parser, chosen, base)
    identities = len(np.unique(table.train.identities))
    keys = itertools.product(chosen.arms, chosen.seeds)
    tasks = {(arm, seed): with_overrides(base, {**ARMS[arm], "training.seed": seed}) for arm, seed in keys}
    about = {key: getattr(chosen, key) for key in ("preset", "overrides", "share")}
    about |= {"data": {**table.info, "manifest_sha256": table.manifest_sha256}, "identities": identities}
    if chosen.results == Path():
        chosen.results = results_file.results_path(chosen.preset, str(table.info["name"]))
    if chosen.results:
        try:
            results_file.held_runs(chosen.results, about)  # refuses another study now, not after hours
        except results_file.ResultsError as error:
            parser.error(str(error))
    origin = results_file.made(chosen.seeds)
    try:
        done = _run_all(chosen, tasks)
    except (RunError, InUseError) as error:
        parser.error(f"{error} (here: --out, --fresh; make: STUDY=, FRESH=1)")
    by_arm = {}
    for arm in chosen.arms:
        runs = [
            {k: v for k, v in done[arm, seed].items() if k not in ("of", "code")} for seed in chosen.seeds
        ]
        by_arm[arm] = summarise(runs)
        _print(arm, by_arm[arm], identities)
    write_json(chosen.out / "study.json", {**about, "seeds": chosen.seeds, "arms": by_arm}, indent=1)
    if chosen.results:
        lines = [
            results_file.run_line(*key, chosen.out / f"{key[0]}-seed{key[1]}", n) for key, n in done.items()
        ]
        results_file.write_study(chosen.results, about, lines, origin)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        kept = (
            "of each run the last whole epoch is kept, and the same command without --fresh (FRESH=1) goes on"
        )
        print(f"\ninterrupted; {kept}", file=sys.stderr)
        raise SystemExit(130) from None
