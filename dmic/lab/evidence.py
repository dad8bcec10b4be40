"""How hard is a data set? ``python -m dmic.lab.evidence --data DIR --out DIR`` measures it, camera by camera.

Two embeddings of the test people are compared: the ImageNet start, which knows nobody, and a network trained with the
*true identities* of the training people (same backbone, same budget as the unsupervised runs): the upper bound.
Queries from every camera search the gallery of every camera, so that what is lost within a camera, between cameras and
between modalities is seen apart.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmic import evaluation, training
from dmic.config import preset, with_overrides
from dmic.evaluation.ranking import rank_metrics
from dmic.images import ImageTable, Modality, open_dataset
from dmic.lab.results_file import made
from dmic.lab.study import ARMS, summarise
from dmic.storage.files import write_json

__all__ = ["KINDS", "CameraMatrix", "camera_matrix", "main", "measure"]

KINDS = (
    "within a visible camera",
    "within an infrared camera",
    "between visible cameras",
    "between infrared cameras",
    "infrared → visible",
    "visible → infrared",
)
"""Kinds of camera pairs, in the order of the table."""


class CameraMatrix(NamedTuple):
    """Retrieval from every camera (rows) in every camera (columns), single-shot, in percent."""

    cameras: NDArray[np.int64]  # (c,), sorted
    modalities: NDArray[np.int64]  # (c,), the modality of most images of each camera
    rank1: NDArray[np.float64]  # (c, c), NaN where nobody is in both
    mAP: NDArray[np.float64]  # (c, c)

    def by_kind(self) -> dict[str, dict[str, float]]:
        """Return the mean ``rank1`` and ``mAP`` over the camera pairs of each kind of `KINDS` that occurs."""
        same_camera = np.eye(len(self.cameras), dtype=bool)
        infrared = self.modalities == Modality.INFRARED
        both_visible, both_infrared = ~infrared[:, None] & ~infrared, infrared[:, None] & infrared
        masks = (
            both_visible & same_camera,
            both_infrared & same_camera,
            both_visible & ~same_camera,
            both_infrared & ~same_camera,
            infrared[:, None] & ~infrared,
            ~infrared[:, None] & infrared,
        )
        means = {}
        for kind, mask in zip(KINDS, masks, strict=True):
            mask = mask & np.isfinite(self.rank1)
            if mask.any():
                means[kind] = {
                    "rank1": float(self.rank1[mask].mean()),
                    "mAP": float(self.mAP[mask].mean()),
                    "pairs": int(mask.sum()),
                }
        return means


def camera_matrix(
    features: ArrayLike,
    *,
    identities: ArrayLike,
    cameras: ArrayLike,
    modalities: ArrayLike,
    trials: int = 10,
    generator: np.random.Generator,
) -> CameraMatrix:
    """Score retrieval from every camera in every camera.

    For a pair of cameras (query, gallery), the gallery is one random image per person of the gallery camera; every other image
    of the query camera whose person is there is a query. So a query's own image is never in the gallery, every query has
    exactly one true match, and within one camera the gallery is as large as between two.

    Parameters
    ----------
    features : (n, d) float
        Unit rows.
    identities, cameras, modalities : (n,) int
    trials
        Galleries drawn for each pair; the scores are means over them.
    generator
        The only source of chance.

    Returns
    -------
    CameraMatrix

    Notes
    -----
    A camera with one image per person has no gallery for its own queries: NaN.
    """
    x, people = np.asarray(features, np.float32), np.asarray(identities)
    seen_by, kinds = np.asarray(cameras), np.asarray(modalities)
    numbers = np.unique(seen_by)
    scores = np.full((2, len(numbers), len(numbers)), np.nan)
    for column, gallery_camera in enumerate(numbers):
        there = np.flatnonzero(seen_by == gallery_camera)
        draws = [
            there[evaluation.draw_gallery(people[there], seen_by[there], shots=1, generator=generator)]
            for _ in range(trials)
        ]
        for row, query_camera in enumerate(numbers):
            of_draws = []
            for gallery in draws:
                queries = np.setdiff1d(np.flatnonzero(seen_by == query_camera), gallery)
                queries = queries[np.isin(people[queries], people[gallery])]
                if len(queries):
                    ranked = rank_metrics(
                        1.0 - x[queries] @ x[gallery].T,
                        query_ids=people[queries],
                        gallery_ids=people[gallery],
                        query_cameras=seen_by[queries],
                        gallery_cameras=seen_by[gallery],
                        rule="regdb",  # drops nothing: what does not count was left out above
                    )
                    of_draws.append((ranked.rank1, ranked.mAP))
            if of_draws:
                scores[:, row, column] = np.mean(of_draws, axis=0)
    modes = np.array([np.bincount(kinds[seen_by == number]).argmax() for number in numbers])
    return CameraMatrix(numbers, modes, scores[0], scores[1])


def measure(features: Mapping[str, ArrayLike], table: ImageTable, *, trials: int = 10) -> CameraMatrix:
    """Return the camera matrix of all test people, from the features of the query and gallery images.

    Parameters
    ----------
    features
        ``{"query": (n, d), "gallery": (m, d)}`` float, unit rows: one stage of `training.FitResult.features`.
    table
        The data set that they are of.
    trials
        As in `camera_matrix`; the draws depend on nothing else.
    """
    views = (table.query, table.gallery)
    return camera_matrix(
        np.concatenate([features["query"], features["gallery"]]),
        identities=np.concatenate([view.identities for view in views]),
        cameras=np.concatenate([view.cameras for view in views]),
        modalities=np.concatenate([view.modalities for view in views]),
        trials=trials,
        generator=np.random.default_rng(0),
    )


def _row(name: str, numbers: dict[str, Any]) -> str:
    """One line of the printed (Markdown) table."""
    entries = [numbers[stage][score] for stage in ("start", "final") for score in ("rank1", "mAP")]
    cells = [f"{e['mean']:.1f}" + (f" ± {e['std']:.1f}" if e["std"] else "") for e in entries]
    return f"| {name} | {' | '.join(cells)} |"


def _draw(matrices: Mapping[str, CameraMatrix], path: Path) -> None:
    """Draw one panel per embedding."""
    import matplotlib.pyplot as plt

    from dmic import plots

    plots.set_style()
    axes = plt.subplots(1, len(matrices), figsize=(5.2 * len(matrices), 4.0))[1]
    for ax, (title, matrix) in zip(np.atleast_1d(axes), matrices.items(), strict=True):
        plots.plot_camera_matrix(matrix.rank1, matrix.cameras, matrix.modalities, ax, title=title)
    plt.savefig(path, dpi=85, bbox_inches="tight", pil_kwargs={"optimize": True})
    plt.close()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m dmic.lab.evidence",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="prepared data set folder")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder for runs (shared with dmic.lab.study), numbers and figure",
    )
    parser.add_argument("--preset", default="toy", help="(default: toy)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="(default: 0 1 2)")
    parser.add_argument("--overrides", type=json.loads, default={}, help="JSON object, for every run")
    chosen = parser.parse_args(arguments)
    table, runs = open_dataset(chosen.data), []
    for seed in chosen.seeds:
        overrides = {**chosen.overrides, **ARMS["supervised"], "training.seed": seed}
        config = with_overrides(preset(chosen.preset), overrides)
        result = training.fit(config, table, run_dir=chosen.out / f"supervised-seed{seed}")
        protocol = evaluation.protocol_by_name(config.data.protocol)
        matrices = {stage: measure(result.features[stage], table) for stage in ("start", "final")}
        run: dict[str, Any] = {}
        for stage, matrix in matrices.items():
            scores = evaluation.evaluate(result.features[stage], table, protocol)
            whole = {**scores.mean, "standard_error_rank1": scores.standard_error_rank1}
            run[stage] = {"protocol": whole, **matrix.by_kind()}
        runs.append(run)
    summary = summarise(runs)
    print(f"\n{table.info['name']}: {len(np.unique(table.train.identities))} training people, ", end="")
    people = len(np.unique(np.concatenate([table.query.identities, table.gallery.identities])))
    print(f"{people} test people; mean ± sd over {len(runs)} seeds, last epoch\n")
    print("| query → gallery | ImageNet start: Rank-1 % | mAP % | true identities: Rank-1 % | mAP % |")
    print("|---|---|---|---|---|")
    for kind in ("protocol", *(kind for kind in KINDS if kind in summary["final"])):
        print(_row(kind, {stage: summary[stage][kind] for stage in ("start", "final")}))
    error = summary["final"]["protocol"]["standard_error_rank1"]["mean"]
    print(f"\nprotocol: {protocol.name}; its Rank-1 has a standard error of {error:.1f} over test people")
    report = {"data": table.info, "preset": chosen.preset, "overrides": chosen.overrides}
    stored = {**report, "made": made(chosen.seeds), "seeds": chosen.seeds, "found": summary}
    write_json(chosen.out / "evidence.json", stored, indent=1)
    shown = {"ImageNet start": matrices["start"], f"true identities, seed {seed}": matrices["final"]}
    _draw(shown, chosen.out / "camera_matrix.png")
    print(f"numbers: {chosen.out / 'evidence.json'}; every camera pair: {chosen.out / 'camera_matrix.png'}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted") from None
