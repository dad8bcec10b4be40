"""Numbers about pseudo labels against loops over all pairs and by hand; failure signatures at their thresholds."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmic import config, diagnostics
from dmic.diagnostics import cluster_metrics, failure_signatures

KEYS = [
    "images",
    "clusters",
    "identities",
    "outlier_share",
    "ari",
    "nmi",
    "purity",
    "pair_precision",
    "pair_recall",
    "cross_camera_recall",
    "cross_modality_recall",
    "camera_splitting",
    "modality_splitting",
    "mixed_cluster_share",
    "clusters_per_identity",
]


# --- cluster_metrics -----------------------------------------------------------------------------------------------------


def share(part, whole):
    return part / whole if whole else math.nan


def entropy(values):
    return -sum((p := values.count(v) / len(values)) * math.log(p) for v in set(values))


def by_loops(labels, identities, cameras, modalities):
    """Every number from its definition, pair by pair."""
    rows = list(zip(labels, identities, cameras, modalities, strict=True))
    inside = [row for row in rows if row[0] >= 0]
    count = dict.fromkeys(("cluster", "person", "both"), 0)
    cross = {
        kind: [0, 0, 0] for kind in ("camera", "modality")
    }  # pairs, pairs clustered, pairs in one cluster
    a = b = c = d = (
        0  # pairs of clustered images: together in both, in clusters only, in people only, in neither
    )
    for one, two in itertools.combinations(rows, 2):
        clustered = one[0] >= 0 and two[0] >= 0
        together, same = clustered and one[0] == two[0], one[1] == two[1]
        count["cluster"] += together
        count["person"] += same
        count["both"] += together and same
        if clustered:
            a, b = a + (together and same), b + (together and not same)
            c, d = c + (same and not together), d + (not same and not together)
        kind = "modality" if one[3] != two[3] else "camera" if one[2] != two[2] else None
        if same and kind:
            for slot, hit in enumerate((True, clustered, together)):
                cross[kind][slot] += hit
    clusters = {row[0] for row in inside}
    members = {k: [row for row in inside if row[0] == k] for k in clusters}
    people = {row[1] for row in inside}
    major = sum(max([m[1] for m in group].count(p) for p in people) for group in members.values())
    expected = {
        "images": len(rows),
        "clusters": len(clusters),
        "identities": len(set(identities)),
        "outlier_share": 1 - len(inside) / len(rows),
        "purity": share(major, len(inside)),
        "pair_precision": share(count["both"], count["cluster"]),
        "pair_recall": share(count["both"], count["person"]),
        "cross_camera_recall": share(cross["camera"][2], cross["camera"][0]),
        "cross_modality_recall": share(cross["modality"][2], cross["modality"][0]),
        "camera_splitting": share(cross["camera"][1] - cross["camera"][2], cross["camera"][1]),
        "modality_splitting": share(cross["modality"][1] - cross["modality"][2], cross["modality"][1]),
        "mixed_cluster_share": share(
            sum(len({m[3] for m in g}) == 2 for g in members.values()), len(clusters)
        ),
        "clusters_per_identity": share(
            sum(len({r[0] for r in inside if r[1] == p}) for p in people), len(people)
        ),
    }
    if inside:  # adjusted Rand index from the four pair counts; mutual information from entropies
        denominator = (a + b) * (b + d) + (a + c) * (c + d)
        expected["ari"] = 2 * (a * d - b * c) / denominator if denominator else 1.0
        h_cluster, h_person = entropy([r[0] for r in inside]), entropy([r[1] for r in inside])
        shared = h_cluster + h_person - entropy([r[:2] for r in inside])
        expected["nmi"] = 2 * shared / (h_cluster + h_person) if h_cluster + h_person > 0 else 1.0
    else:
        expected["ari"] = expected["nmi"] = math.nan
    return expected


ROW = st.tuples(st.integers(-1, 4), st.integers(0, 3), st.integers(1, 3), st.integers(0, 1))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(ROW, min_size=1, max_size=30))
def test_equals_loops_over_pairs(rows):
    labels, identities, cameras, modalities = (list(column) for column in zip(*rows, strict=True))
    found = cluster_metrics(labels, identities=identities, cameras=cameras, modalities=modalities)
    expected = by_loops(labels, identities, cameras, modalities)
    assert list(found) == KEYS
    for key in KEYS:
        assert found[key] == pytest.approx(expected[key], nan_ok=True, abs=1e-9), key


# image            0  1  2  3  4  5  6  7
HAND_LABELS = [0, 0, 1, -1, 0, 2, 2, 2]
HAND = {
    "identities": [7, 7, 7, 7, 7, 9, 9, 7],
    "cameras": [1, 1, 2, 2, 3, 1, 3, 6],
    "modalities": [0, 0, 0, 0, 1, 0, 1, 1],
}


def test_by_hand():
    found = cluster_metrics(HAND_LABELS, **HAND)
    assert (found["images"], found["clusters"], found["identities"]) == (8, 3, 2)
    assert found["outlier_share"] == pytest.approx(1 / 8)
    # Clusters {0 1 4}: person 7 only; {2}: 7; {5 6 7}: 9 twice, 7 once. Purity (3 + 1 + 2)/7.
    assert found["purity"] == pytest.approx(6 / 7)
    # Pairs in one cluster: 01 04 14 | 56 57 67, right 01 04 14 56. Pairs of one person: C(6,2) + 1 = 16.
    assert found["pair_precision"] == pytest.approx(4 / 6)
    assert found["pair_recall"] == pytest.approx(4 / 16)
    # One modality, two cameras: visible 02 03 12 13, infrared 47 -> 5 pairs, none together; clustered: 02 12 47.
    assert found["cross_camera_recall"] == 0
    assert found["camera_splitting"] == 1
    # Visible-infrared: 4 and 7 with 0 1 2 3 (8 pairs), 56: 9 pairs; together 04 14 56. Clustered: without image 3, 7.
    assert found["cross_modality_recall"] == pytest.approx(3 / 9)
    assert found["modality_splitting"] == pytest.approx(4 / 7)
    assert found["mixed_cluster_share"] == pytest.approx(2 / 3)
    assert found["clusters_per_identity"] == pytest.approx((3 + 1) / 2)  # person 7 in all three, 9 in one


def test_splitting_looks_at_clustered_pairs_only_and_recall_at_all():
    world = {"identities": [1, 1, 1], "cameras": [1, 2, 4], "modalities": [0, 0, 0]}
    found = cluster_metrics([5, 5, -1], **world)
    assert found["cross_camera_recall"] == pytest.approx(1 / 3)
    assert found["camera_splitting"] == 0.0
    assert math.isnan(found["cross_modality_recall"])
    assert math.isnan(found["modality_splitting"])


def test_perfect_labels():
    identities = np.repeat(np.arange(5), 6)
    world = {"cameras": np.tile([1, 1, 2, 3, 3, 6], 5), "modalities": np.tile([0, 0, 0, 1, 1, 1], 5)}
    found = cluster_metrics(identities + 100, identities=identities, **world)
    ones = set(KEYS[4:11]) | {"mixed_cluster_share", "clusters_per_identity"}
    assert {key: found[key] for key in ones} == pytest.approx(dict.fromkeys(ones, 1.0))
    assert found["outlier_share"] == found["camera_splitting"] == found["modality_splitting"] == 0.0


def test_all_outliers_is_nan_not_an_error():
    found = cluster_metrics([-1, -1], identities=[1, 1], cameras=[1, 3], modalities=[0, 1])
    assert found["outlier_share"] == 1.0
    assert found["clusters"] == 0
    assert found["pair_recall"] == found["cross_modality_recall"] == 0.0
    undefined = {key for key, value in found.items() if math.isnan(value)}
    assert undefined == {
        "ari",
        "nmi",
        "purity",
        "pair_precision",
        "cross_camera_recall",
        "camera_splitting",
        "modality_splitting",
        "mixed_cluster_share",
        "clusters_per_identity",
    }


def test_full_size_in_seconds():
    generator = np.random.default_rng(0)
    n = 34_167  # SYSU-MM01's training images
    identities, cameras = generator.integers(0, 395, n), generator.integers(1, 7, n)
    labels = np.where(generator.random(n) < 0.1, -1, 2 * identities + (cameras > 3))
    start = time.process_time()  # not the clock: other tests run at the same time
    found = cluster_metrics(
        labels, identities=identities, cameras=cameras, modalities=np.isin(cameras, (3, 6)).astype(int)
    )
    assert time.process_time() - start < 5
    assert found["pair_precision"] == found["purity"] == 1.0
    assert found["clusters_per_identity"] == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cameras": [1] * 7}, r"'cameras': \(7,\).*expected \(n,\)"),
        ({"labels": [[0] * 8]}, r"expected \(n,\)"),
        ({"labels": np.zeros(8)}, r"labels has dtype float64.*astype"),
        ({"labels": [0, 1, 2, 3, 4, 5, 6, -2]}, "labels go down to -2"),
        ({"modalities": [0, 0, 0, 0, 1, 1, 1, 2]}, r"modalities holds \[2\]"),
        (dict.fromkeys(("labels", *HAND), np.empty(0, dtype=np.int64)), "found 0 images"),
    ],
)
def test_bad_input_is_explained(change, message):
    arguments = {"labels": HAND_LABELS, **HAND} | change
    with pytest.raises(ValueError, match=message):
        cluster_metrics(arguments.pop("labels"), **arguments)


# --- failure signatures -------------------------------------------------------------------------------------------

GOOD = {"images": 900, "clusters": 95, "identities": 90, "outlier_share": 0.15, "mixed_cluster_share": None}


def healthy(epochs=4):
    """A run with nothing to complain about: both phases, with a joint clustering in the second."""
    history = []
    for phase, epoch in itertools.product((1, 2), range(epochs)):
        labels = {"visible": dict(GOOD), "infrared": dict(GOOD)}
        if phase == 2:
            labels["joint"] = GOOD | {"clusters": 130, "mixed_cluster_share": 0.4}
        history.append({"phase": phase, "epoch": epoch, "eps": 0.5, "loss": 5.0 - epoch, "labels": labels})
    return history


def spoiled(changes):
    """Healthy history with {(phase, epoch, clustering or None): numbers} put in."""
    history = healthy()
    for (phase, epoch, kind), numbers in changes.items():
        entry = next(e for e in history if (e["phase"], e["epoch"]) == (phase, epoch))
        (entry["labels"][kind] if kind else entry).update(numbers)
    return history


def test_a_healthy_or_empty_run_has_no_signature():
    assert failure_signatures(healthy()) == []
    assert failure_signatures([]) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        # collapse: 23 of 90 people is above a quarter, 22 below; 4 epochs, so that nothing swings or switches
        ({(1, e, "visible"): {"clusters": 23} for e in range(4)}, []),
        # (exactly a quarter is enough, a single cluster never is)
        ({(1, e, "visible"): {"clusters": 22, "identities": 88} for e in range(4)}, []),
        (
            {(1, e, "visible"): {"clusters": 1, "identities": 4} for e in range(4)},
            ["Phase 1, visible, epochs 0, 1, 2, 3: collapse"],
        ),
        (
            {(1, e, "visible"): {"clusters": 22} for e in range(4)},
            ["Phase 1, visible, epochs 0, 1, 2, 3: collapse"],
        ),
        (
            {(2, e, "joint"): {"clusters": 9} for e in range(4)},
            ["Phase 2, joint, epochs 0, 1, 2, 3: collapse"],
        ),
        # outliers
        ({(2, 1, "infrared"): {"outlier_share": 0.5}}, []),
        (
            {(2, 1, "infrared"): {"outlier_share": 0.51}},
            ["Phase 2, infrared, epoch 1: most images are outliers"],
        ),
        # swings, from 95: 128 is +34.7 %, 129 +35.8 %; down to 62 is -34.7 %, to 61 -35.8 % and back +55.7 %
        ({(1, 3, "visible"): {"clusters": 128}}, []),
        (
            {(1, 3, "visible"): {"clusters": 129}},
            ["Phase 1, visible, epoch 3: the cluster number swings by up to 36%"],
        ),
        ({(2, 3, "visible"): {"clusters": 62}}, []),
        ({(2, 3, "visible"): {"clusters": 61}}, ["Phase 2, visible, epoch 3: the cluster number swings"]),
        (
            {(1, 2, "infrared"): {"clusters": 61}},
            ["Phase 1, infrared, epochs 2, 3: the cluster number swings"],
        ),
        # single-modality joint clusters; the same number elsewhere means nothing
        ({(2, 0, "joint"): {"mixed_cluster_share": 0.05}}, []),
        (
            {(2, 0, "joint"): {"mixed_cluster_share": 0.049}},
            ["Phase 2, joint, epoch 0: nearly all joint clusters"],
        ),
        ({(2, 0, "visible"): {"mixed_cluster_share": 0.0}}, []),
        # loss, from 5.0: less than 2 % lower is not falling
        ({(1, 3, None): {"loss": 4.89}}, []),
        ({(1, 3, None): {"loss": 4.91}}, ["Phase 1: the loss is not falling (5.00"]),
        ({(2, 2, None): {"loss": float("nan")}}, ["Phase 2, epoch 2: the loss is not a finite number"]),
        ({(2, 2, None): {"loss": None}}, ["Phase 2, epoch 2: the loss is not a finite number"]),
        # switch: 48 of 95 is more than half, 47 less; outliers 0.15 -> 0.44 and 0.46
        ({(2, e, "visible"): {"clusters": 48} for e in range(4)}, []),
        (
            {(2, e, "visible"): {"clusters": 47} for e in range(4)},
            ["Phase switch, visible: collapse from 95"],
        ),
        ({(2, 0, "infrared"): {"outlier_share": 0.44}}, []),
        ({(2, 0, "infrared"): {"outlier_share": 0.46}}, ["Phase switch, infrared: collapse"]),
        ({(1, 0, "infrared"): {"outlier_share": 0.01}, (2, 0, "infrared"): {"outlier_share": 0.44}}, []),
    ],
)
def test_signatures_at_their_thresholds(changes, found):
    warnings = failure_signatures(spoiled(changes))
    assert len(warnings) == len(found), warnings
    for warning, start in zip(warnings, found, strict=True):
        assert warning.startswith(start), warning


def test_messages_show_the_worst_epoch_and_its_eps():
    changes = {
        (1, 1, "visible"): {"outlier_share": 0.6},
        (1, 2, "visible"): {"outlier_share": 0.8},
        (1, 2, None): {"eps": 0.31},
    }
    (warning,) = failure_signatures(spoiled(changes))
    assert "epochs 1, 2" in warning
    assert "up to 80% (eps 0.31)" in warning


def test_joint_alarms_name_the_joint_eps():
    (warning,) = failure_signatures(
        spoiled({(2, 2, "joint"): {"outlier_share": 0.8}, (2, 2, None): {"eps": 0.31, "eps_joint": 0.22}})
    )
    assert "Phase 2, joint" in warning and "(eps 0.22)" in warning


def test_every_piece_of_advice_names_fields_of_the_configuration():
    fields = {
        f.name
        for part in vars(config).values()
        if dataclasses.is_dataclass(part)
        for f in dataclasses.fields(part)
    }
    everything = {
        (1, 0, "visible"): {"clusters": 3, "outlier_share": 0.9},
        (2, 0, "joint"): {"mixed_cluster_share": 0.0},
        (2, 0, "infrared"): {"clusters": 20},
        (2, 1, "visible"): {"outlier_share": 0.9},
        (1, 3, None): {"loss": 9.0},
        (2, 3, None): {"loss": None},
    }
    warnings = failure_signatures(spoiled(everything))
    for part in (
        "few clusters",
        "outliers",
        "swings",
        "one modality",
        "not falling",
        "not a finite",
        "Phase switch",
    ):
        assert any(part in warning for warning in warnings), part
    for warning in warnings:
        assert "ry: " in warning
        named = set(re.findall(r"`(\w+)`", warning.split("ry: ")[1]))
        assert named, warning
        assert named <= fields, named - fields
    assert "smaller `eps_large`" in next(w for w in warnings if w.startswith("Phase switch"))
    many_outliers = failure_signatures(spoiled({(2, 0, "infrared"): {"outlier_share": 0.49}}))
    assert "larger `eps_large`" in many_outliers[0]


def test_short_and_partial_histories():
    rising = [{"phase": 1, "epoch": e, "loss": 5.0 + e} for e in range(3)]
    assert failure_signatures(rising[:2]) == []  # two epochs say nothing about a trend
    assert len(failure_signatures(rising)) == 1
    assert failure_signatures([{"phase": 1, "epoch": 0}]) == []
    unknown = {
        "phase": 2,
        "epoch": 0,
        "eps": None,
        "labels": {"joint": {"clusters": None, "mixed_cluster_share": None}},
    }
    assert failure_signatures([unknown]) == []
    with pytest.raises(ValueError, match=r"history\[1\].*'phase' and 'epoch'"):
        failure_signatures([rising[0], {"epoch": 1}])


def test_long_lists_of_epochs_are_cut():
    labels = {"visible": GOOD | {"outlier_share": 0.7}}
    (warning,) = failure_signatures([{"phase": 1, "epoch": e, "labels": labels} for e in range(9)])
    assert "epochs 0, 1, 2, 3, 4 and 4 more:" in warning


def test_thresholds_are_the_modules_constants(monkeypatch):
    monkeypatch.setattr(diagnostics, "OUTLIER_LIMIT", 0.1)
    assert len(failure_signatures(healthy())) == 5  # visible and infrared in two phases, joint in one
