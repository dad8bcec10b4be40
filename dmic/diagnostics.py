"""What pseudo labels are worth: numbers against the true identities, and the failures they give away.

Identities are read here to *look*, never to train. Every number comes from contingency counts, not from n x n pairs,
so that the 34,000 training images of SYSU-MM01 take a fraction of a second.
Taught in: notebooks/05_dnc.ipynb (the numbers), notebooks/07_two_phase_training.ipynb (the failures)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from dmic.images import INTRA_STREAMS

COLLAPSE_SHARE = 0.25  # fewer clusters than this share of the true identities: collapsed
OUTLIER_LIMIT = 0.5  # a larger share of images without a cluster: too many outliers
SWING_LIMIT = 0.35  # a larger relative change of the cluster number from one epoch to the next: unstable
MIXED_LIMIT = 0.05  # a smaller share of joint clusters with both modalities: nearly all of one modality
SWITCH_DROP = 0.5  # phase 2 begins with fewer clusters than this share of phase 1's last epoch: collapse
SWITCH_OUTLIERS = 0.3  # outlier share rises by more than this (absolute) at the phase switch: collapse
LOSS_FALL = 0.02  # a phase must lower the loss by this share of its first epoch ...
LOSS_EPOCHS = 3  # ... once it has at least so many epochs


def _pairs(*columns: NDArray[np.int64]) -> int:
    """Count the unordered pairs of rows that agree in every column."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, column_codes = np.unique(column, return_inverse=True)
        codes = np.unique(codes * (column_codes.max(initial=0) + 1) + column_codes, return_inverse=True)[1]
    counts = np.bincount(codes)
    return int((counts * (counts - 1) // 2).sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _checked(**arrays: ArrayLike) -> list[NDArray[np.int64]]:
    """Return int64 columns of one length, or say what is wrong with them."""
    columns = {name: np.asarray(values) for name, values in arrays.items()}
    shapes = {name: values.shape for name, values in columns.items()}
    if any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) != 1:
        raise ValueError(f"found shapes {shapes}; expected (n,) for all four: one entry per image.")
    if not len(columns["labels"]):
        raise ValueError("found 0 images; expected at least one. Was the selection of images empty?")
    for name, values in columns.items():
        if values.dtype.kind not in "iu":
            raise ValueError(f"{name} has dtype {values.dtype}; expected integers: {name}.astype(np.int64).")
    if (lowest := int(columns["labels"].min())) < -1:
        raise ValueError(f"labels go down to {lowest}; expected clusters from 0 and -1 for not clustered.")
    if strange := sorted(set(columns["modalities"].tolist()) - {0, 1}):
        raise ValueError(f"modalities holds {strange}; expected 0 (visible) and 1 (infrared) only.")
    return [values.astype(np.int64) for values in columns.values()]


def cluster_metrics(
    labels: ArrayLike, *, identities: ArrayLike, cameras: ArrayLike, modalities: ArrayLike
) -> dict[str, float]:
    """Measure pseudo labels against the true identities.

    Parameters
    ----------
    labels : (n,) int
        Cluster of each image that was clustered, -1 = outlier. Leave out the other modality: it would count as outliers.
    identities, cameras, modalities : (n,) int
        True person, camera, modality (0 visible, 1 infrared) of each image.

    Returns
    -------
    dict of str to float
        Shares are 0-1; NaN where there is nothing to take a share of (no such pair, no cluster).

        * ``images``, ``clusters``, ``identities``: how many; ``outlier_share``: share of images labelled -1.
        * ``ari``, ``nmi``, ``purity``: over clustered images. Adjusted Rand index and normalised mutual information
          (arithmetic mean) with the identities; share of images whose person is the most frequent of the cluster.
        * ``pair_precision``, ``pair_recall``: over pairs of all images, outliers being clusters of one. Of the pairs in one
          cluster, the share of one person; of the pairs of one person, the share in one cluster.
        * ``cross_camera_recall``: of the pairs of one person, one modality and two cameras, the share in one cluster;
          ``cross_modality_recall``: the same of one person's visible-infrared pairs. A pair with an outlier is missed.
        * ``camera_splitting``, ``modality_splitting``: of the same two kinds of pairs, *both images clustered*, the share in
          two different clusters: the identity splitting that MIE is made to mend (paper Sec. III.B).
        * ``mixed_cluster_share``: share of clusters that hold both modalities.
        * ``clusters_per_identity``: distinct clusters that hold a person's images, mean over people with at least one
          clustered image; 1 = not split.

    Raises
    ------
    ValueError
        Lengths that differ, no image, non-integers, labels below -1, modalities other than 0 and 1.

    Notes
    -----
    Pairs are counted, not listed: a group of c images has c(c - 1)/2; pairs over two cameras are those of the group less those
    within each camera. Cost: sorting n numbers a few times.
    Taught in: notebooks/05_dnc.ipynb
    """
    arrays = {"labels": labels, "identities": identities, "cameras": cameras, "modalities": modalities}
    label, person, camera, modality = _checked(**arrays)
    inside = label >= 0
    here, who, view, spectrum = label[inside], person[inside], camera[inside], modality[inside]
    names, here = np.unique(here, return_inverse=True)
    clusters = len(names)
    cells, sizes = np.unique(np.stack([here, who]), axis=1, return_counts=True)  # (2, cells): cluster, person
    largest = np.zeros(clusters, dtype=np.int64)
    np.maximum.at(largest, cells[0], sizes)
    # a mixed cluster has two pairs (cluster, spectrum), any other one
    mixed = len(np.unique(np.stack([here, spectrum]), axis=1).T) - clusters
    together = _pairs(here, who)
    camera_together = _pairs(here, who, spectrum) - _pairs(here, who, spectrum, view)
    camera_clustered = _pairs(who, spectrum) - _pairs(who, spectrum, view)
    camera_pairs = _pairs(person, modality) - _pairs(person, modality, camera)
    modality_together = together - _pairs(here, who, spectrum)
    modality_clustered = _pairs(who) - _pairs(who, spectrum)
    return {
        "images": len(label),
        "clusters": clusters,
        "identities": len(np.unique(person)),
        "outlier_share": float(1.0 - inside.mean()),
        "ari": float(adjusted_rand_score(who, here)) if clusters else float("nan"),
        "nmi": float(normalized_mutual_info_score(who, here)) if clusters else float("nan"),
        "purity": _ratio(int(largest.sum()), len(here)),
        "pair_precision": _ratio(together, _pairs(here)),
        "pair_recall": _ratio(together, _pairs(person)),
        "cross_camera_recall": _ratio(camera_together, camera_pairs),
        "cross_modality_recall": _ratio(modality_together, _pairs(person) - _pairs(person, modality)),
        "camera_splitting": _ratio(camera_clustered - camera_together, camera_clustered),
        "modality_splitting": _ratio(modality_clustered - modality_together, modality_clustered),
        "mixed_cluster_share": _ratio(mixed, clusters),
        "clusters_per_identity": _ratio(cells.shape[1], len(np.unique(who))),
    }


class _Record(NamedTuple):
    """One clustering of one epoch, as `metrics.jsonl` holds it; NaN stands for a number that was undefined."""

    phase: int
    epoch: int
    eps: str
    carried: bool
    clusters: float
    identities: float
    outliers: float
    mixed: float


def _number(numbers: Mapping[str, Any], key: str) -> float:
    return float("nan") if numbers.get(key) is None else float(numbers[key])


def _series(epochs: Sequence[Mapping[str, Any]]) -> dict[str, list[_Record]]:
    """Group the epochs of one phase by clustering: visible, infrared, joint."""
    keys = ("clusters", "identities", "outlier_share", "mixed_cluster_share")
    series: dict[str, list[_Record]] = {}
    for epoch in epochs:
        for stream, numbers in (epoch.get("labels") or {}).items():
            radius = epoch.get("eps_joint" if stream == "joint" else "eps")
            eps = "" if radius is None else f" (eps {radius:.2f})"
            known = (epoch["phase"], epoch["epoch"], eps, stream in epoch.get("carried", ()))
            record = _Record(*known, *(_number(numbers, key) for key in keys))
            series.setdefault(stream, []).append(record)
    return series


def _where(stream: str, records: Sequence[_Record]) -> str:
    """Name the clustering and its epochs, for example "Phase 1, visible, epochs 2, 3"."""
    epochs = [record.epoch for record in records]
    listed = ", ".join(map(str, epochs[:5])) + (f" and {len(epochs) - 5} more" if len(epochs) > 5 else "")
    return f"Phase {records[0].phase}, {stream}, epoch{'s' * (len(epochs) > 1)} {listed}"


def _collapse(stream: str, records: Sequence[_Record]) -> Iterable[str]:
    bad = [r for r in records if r.clusters < max(2.0, COLLAPSE_SHARE * r.identities)]
    if bad:
        worst = min(bad, key=lambda r: r.clusters)
        yield (
            f"{_where(stream, bad)}: collapse to few clusters, down to {worst.clusters:.0f} for "
            f"{worst.identities:.0f} people{worst.eps}. Different people are merged, or nearly all images are "
            f"outliers (here {worst.outliers:.0%}). Try: `eps_large` and `eps_small` smaller by 0.05-0.1 and smaller "
            "`k2_end`; where outliers prevail, larger `eps_large` and `eps_small`."
        )


def _outliers(stream: str, records: Sequence[_Record]) -> Iterable[str]:
    bad = [r for r in records if r.outliers > OUTLIER_LIMIT]
    if bad:
        worst = max(bad, key=lambda r: r.outliers)
        yield (
            f"{_where(stream, bad)}: most images are outliers, up to {worst.outliers:.0%}{worst.eps}; they are never "
            "sampled. Try: `eps_large` and `eps_small` larger by 0.05-0.1 (modality-camera expansion needs more than "
            "vanilla), smaller `min_samples` or `k1` where people have few images per camera."
        )


def _swings(stream: str, records: Sequence[_Record]) -> Iterable[str]:
    pairs = zip(records, records[1:], strict=False)
    steps = [(b, abs(b.clusters - a.clusters) / max(a.clusters, 1.0), a) for a, b in pairs]
    bad = [step for step in steps if step[1] > SWING_LIMIT]
    if bad:
        after, share, before = max(bad, key=lambda step: step[1])
        yield (
            f"{_where(stream, [step[0] for step in bad])}: the cluster number swings by up to {share:.0%} from one "
            f"epoch to the next ({before.clusters:.0f} to {after.clusters:.0f}). Try: `eps_large` and `eps_small` "
            "closer together, `k2_start` nearer `k2_end`, more `epochs` per phase (a gentler schedule), a smaller "
            "`learning_rate`."
        )


def _single_modality(stream: str, records: Sequence[_Record]) -> Iterable[str]:
    bad = [r for r in records if r.mixed < MIXED_LIMIT]
    if stream == "joint" and bad:
        worst = min(bad, key=lambda r: r.mixed)
        yield (
            f"{_where(stream, bad)}: nearly all joint clusters hold one modality only ({worst.mixed:.1%} hold both); the "
            "joint loss then pushes the modalities apart. Try: `expansion_joint` = modality_camera, larger `k2_joint`, "
            "larger `eps_joint_offset`, more `epochs`."
        )


def _carried(stream: str, records: Sequence[_Record]) -> Iterable[str]:
    if bad := [r for r in records if r.carried]:
        yield (
            f"{_where(stream, bad)}: DBSCAN found no cluster{bad[0].eps}; the labels of the epoch before were kept. Try: "
            "`eps_small` larger by 0.05-0.1, a smaller `learning_rate`."
        )


def _loss(phase: int, epochs: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    losses = [_number(epoch, "loss") for epoch in epochs]
    broken = [epoch["epoch"] for epoch, loss in zip(epochs, losses, strict=True) if not math.isfinite(loss)]
    if broken:
        yield (
            f"Phase {phase}, epoch {broken[0]}: the loss is not a finite number. Try: a smaller `learning_rate`, "
            "`warmup_iterations`, `precision` = fp32."
        )
    elif len(losses) >= LOSS_EPOCHS and losses[-1] > (1.0 - LOSS_FALL) * losses[0]:
        yield (
            f"Phase {phase}: the loss is not falling ({losses[0]:.2f} in the first epoch, {losses[-1]:.2f} in the "
            "last). Look at the cluster number first: where it grows, the loss may rise by itself (with its "
            "logarithm). Else try: `learning_rate` three times larger or smaller, more `iterations`."
        )


def _switch(stream: str, before: _Record, after: _Record) -> Iterable[str]:
    fewer = after.clusters < SWITCH_DROP * before.clusters
    if fewer or after.outliers - before.outliers > SWITCH_OUTLIERS:
        yield (
            f"Phase switch, {stream}: collapse from {before.clusters:.0f} clusters and {before.outliers:.0%} outliers to "
            f"{after.clusters:.0f} and {after.outliers:.0%}{after.eps}. Phase 2 starts again at `eps_large`. Try: "
            f"{'smaller' if fewer else 'larger'} `eps_large`, more `epochs`, a smaller `learning_rate_phase2`."
        )


def failure_signatures(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Tell in plain words what goes wrong in a run, and what to try.

    Looks for, in each clustering and phase: no cluster (labels carried over), collapse to few clusters, most images outliers,
    a swinging cluster number, joint clusters of one modality only; in each phase: a loss that is not falling; between the
    phases: collapse at the switch. One warning per failure, stream and phase; thresholds are this module's constants.

    Parameters
    ----------
    history : sequence of dict
        The lines of `metrics.jsonl`, one per epoch in order; each with "phase" and "epoch", and where known "loss",
        "eps", "eps_joint", "carried" and "labels" (stream to the numbers of `cluster_metrics`). None means undefined.

    Returns
    -------
    list of str
        Warnings with advice, in the order above; empty when nothing was found.

    Raises
    ------
    ValueError
        An entry without "phase" or "epoch".

    Taught in: notebooks/07_two_phase_training.ipynb
    """
    phases: dict[int, list[Mapping[str, Any]]] = {}
    for index, entry in enumerate(history):
        if not {"phase", "epoch"} <= set(entry):
            raise ValueError(f"history[{index}] has keys {sorted(entry)}; expected 'phase' and 'epoch'.")
        phases.setdefault(entry["phase"], []).append(entry)
    warnings: list[str] = []
    series = {phase: _series(epochs) for phase, epochs in sorted(phases.items())}
    for phase, clusterings in series.items():
        for stream, records in clusterings.items():
            for check in (_carried, _collapse, _outliers, _swings, _single_modality):
                warnings.extend(check(stream, records))
        warnings.extend(_loss(phase, [epoch for epoch in phases[phase] if "loss" in epoch]))
    for stream in INTRA_STREAMS:
        if stream in series.get(1, {}) and stream in series.get(2, {}):
            warnings.extend(_switch(stream, series[1][stream][-1], series[2][stream][0]))
    return warnings
