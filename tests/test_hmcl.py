"""Losses on 2-D vectors given as angles: cos(a - b) is the product of two of them, so every value is a line of math."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from torch.nn import functional

from dmic.config import LossConfig
from dmic.hmcl import ClusterMemory, HybridLoss, InstanceMemory


def at(*degrees, dtype=torch.float32):
    """Unit vectors at the given angles: (b, 2)."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1).to(dtype)


def ints(*values):
    return torch.tensor(values, dtype=torch.int64)


def angle(vectors):
    return torch.atan2(vectors[:, 1], vectors[:, 0]).rad2deg().tolist()


def e(degrees, tau):
    """exp(q . phi / tau) of two vectors that many degrees apart."""
    return math.exp(math.cos(math.radians(degrees)) / tau)


# Losses -----------------------------------------------------------------------------------------------------------


def test_cluster_entries_are_normalised_means():
    # Cluster 0 = {0, 60 degrees}: mean at 30. Cluster 1 = {120}. The outlier at 200 counts nowhere.
    memory = ClusterMemory(at(0, 120, 200, 60), ints(0, 1, -1, 0))
    assert angle(memory.entries) == pytest.approx([30, 120], abs=1e-4)
    torch.testing.assert_close(memory.entries.norm(dim=1), torch.ones(2))


def test_cluster_entries_weigh_members_not_angles():
    # Mean of (1, 0), (1, 0), (0, 1) is (2/3, 1/3).
    memory = ClusterMemory(at(0, 0, 90), ints(0, 0, 0))
    assert angle(memory.entries) == pytest.approx([math.degrees(math.atan2(1, 2))], abs=1e-4)


@pytest.mark.parametrize("tau", [0.05, 0.5, 1.0])
def test_cluster_loss_by_hand(tau):
    memory = ClusterMemory(at(0, 90, 180), ints(0, 1, 2), tau=tau)
    # Query at 30 of cluster 0: 30, 60, 150 degrees from the entries. Query at 100 of cluster 2: 100, 10, 80.
    first = -math.log(e(30, tau) / (e(30, tau) + e(60, tau) + e(150, tau)))
    second = -math.log(e(80, tau) / (e(100, tau) + e(10, tau) + e(80, tau)))
    loss = memory.loss(at(30, 100, 77), ints(0, 2, -1))  # the un-clustered query has no part
    assert loss.item() == pytest.approx((first + second) / 2, rel=1e-5)


@pytest.mark.parametrize("tau", [0.05, 0.5, 1.0])
def test_instance_loss_by_hand(tau):
    # Images at 0 and 20 (cluster 0), 90 (cluster 1), 180 (not clustered: a negative of everyone).
    memory = InstanceMemory(at(0, 20, 90, 180), ints(0, 0, 1, -1), tau=tau)
    # Query at 10 of cluster 0: 10, 10, 80, 170 degrees. Positives are summed inside the logarithm.
    first = -math.log((e(10, tau) + e(10, tau)) / (e(10, tau) + e(10, tau) + e(80, tau) + e(170, tau)))
    # Query at 150 of cluster 1: 150, 130, 60, 30 degrees.
    second = -math.log(e(60, tau) / (e(150, tau) + e(130, tau) + e(60, tau) + e(30, tau)))
    loss = memory.loss(at(10, 150, 180), ints(0, 1, -1))
    assert loss.item() == pytest.approx((first + second) / 2, rel=1e-5)


@pytest.mark.parametrize("memory_class", [ClusterMemory, InstanceMemory])
def test_a_batch_without_a_clustered_query_has_no_loss(memory_class):
    query = at(10, 20).requires_grad_()
    loss = memory_class(at(0, 90), ints(0, 1)).loss(query, ints(-1, -1))
    loss.backward()
    assert loss.item() == 0 and query.grad.abs().max() == 0


@pytest.mark.parametrize("memory_class", [ClusterMemory, InstanceMemory])
def test_gradients_are_those_of_finite_differences(memory_class, generator):
    features = functional.normalize(torch.randn(12, 3, generator=generator, dtype=torch.float64))
    labels = ints(0, 0, 0, 1, 1, 2, 2, 2, 2, -1, -1, 3)
    memory = memory_class(features, labels, tau=0.5)
    query = features[[0, 4, 6, 9]].clone().requires_grad_()

    assert torch.autograd.gradcheck(lambda q: memory.loss(q, labels[[0, 4, 6, 9]]), query)


def test_gradient_of_the_cluster_loss_by_hand():
    # dL/dq = (sum_k p_k phi_k - phi_y) / tau with p = softmax(q . phi / tau).
    tau, query = 0.5, at(30).requires_grad_()
    ClusterMemory(at(0, 90), ints(0, 1), tau=tau).loss(query, ints(0)).backward()
    p = e(30, tau) / (e(30, tau) + e(60, tau))
    torch.testing.assert_close(query.grad, torch.tensor([[(p - 1) / tau, (1 - p) / tau]]))


def test_memories_hold_no_gradient():
    features = at(0, 90).requires_grad_()
    for memory in (ClusterMemory(features, ints(0, 1)), InstanceMemory(features, ints(0, 1))):
        memory.update(features, ints(0, 1))
        assert not memory.entries.requires_grad


def test_half_precision_queries_are_scored_in_single_precision():
    assert ClusterMemory(at(0, 90).bfloat16(), ints(0, 1)).entries.dtype == torch.float32
    memory = ClusterMemory(at(0, 90), ints(0, 1))
    assert memory.loss(at(30).bfloat16(), ints(0)).dtype == torch.float32


# Updates ----------------------------------------------------------------------------------------------------------


def test_random_update_replaces_an_entry_by_one_sample_and_leaves_the_others():
    memory = ClusterMemory(at(0, 90, 180), ints(0, 1, 2), generator=torch.Generator().manual_seed(1))
    memory.update(at(10, 20, 170, 5), ints(0, 0, 2, -1))
    first, second, third = angle(memory.entries)
    assert any(first == pytest.approx(a, abs=1e-4) for a in (10, 20))  # one of them, not their mean
    assert second == pytest.approx(90, abs=1e-4)  # not in the batch
    assert third == pytest.approx(170, abs=1e-4)
    memory.update(at(40), ints(1))
    assert angle(memory.entries)[1] == pytest.approx(40, abs=1e-4)


def test_a_written_sample_is_normalised():
    for update in ("random", "momentum"):
        memory = ClusterMemory(at(0), ints(0), update=update)
        memory.update(5 * at(60), ints(0))
        torch.testing.assert_close(memory.entries.norm(dim=1), torch.ones(1))


def test_the_random_choice_is_uniform_and_separate_for_each_entry(generator):
    memory = ClusterMemory(at(0, 90), ints(0, 1), generator=generator)
    counts = Counter()
    for _ in range(3000):
        memory.update(at(10, 100, 20, 110, 30), ints(0, 1, 0, 1, 0))
        counts[tuple(round(a) for a in angle(memory.entries))] += 1
    assert set(counts) == {(a, b) for a in (10, 20, 30) for b in (100, 110)}
    # Expected 500 each; chi-square with 5 degrees of freedom is below 20.5 in 99.9 % of seeds.
    assert sum((n - 500) ** 2 / 500 for n in counts.values()) < 20.5


def test_the_same_generator_makes_the_same_choices():
    entries = []
    for _ in range(2):
        memory = ClusterMemory(at(0), ints(0), generator=torch.Generator().manual_seed(5))
        seen = []
        for _ in range(20):
            memory.update(at(10, 20, 30), ints(0, 0, 0))
            seen += angle(memory.entries)
        entries.append(seen)
    assert entries[0] == entries[1] and len(set(entries[0])) == 3


def test_momentum_update_step_by_step():
    memory = ClusterMemory(at(0, 180), ints(0, 1), update="momentum", momentum=0.25)
    memory.update(at(90, 270, 45), ints(0, 1, 0))
    # Entry 0: 0.25 (1, 0) + 0.75 (0, 1), normalised; then 0.25 of that and 0.75 (cos 45, sin 45), normalised.
    x, y = 0.25, 0.75
    length = math.hypot(x, y)
    x, y = 0.25 * x / length + 0.75 * math.sqrt(0.5), 0.25 * y / length + 0.75 * math.sqrt(0.5)
    # Entry 1: 0.25 (-1, 0) + 0.75 (0, -1).
    expected = [math.degrees(math.atan2(y, x)), math.degrees(math.atan2(-0.75, -0.25))]
    assert angle(memory.entries) == pytest.approx(expected, abs=1e-4)
    torch.testing.assert_close(memory.entries.norm(dim=1), torch.ones(2))


def test_momentum_of_zero_takes_the_last_sample():
    memory = ClusterMemory(at(0), ints(0), update="momentum", momentum=0.0)
    memory.update(at(10, 20, 30), ints(0, 0, 0))
    assert angle(memory.entries) == pytest.approx([30], abs=1e-4)


@pytest.mark.parametrize("update", ["random", "momentum"])
def test_a_batch_of_outliers_changes_nothing(update):
    memory = ClusterMemory(at(0, 90), ints(0, 1), update=update)
    memory.update(at(45, 45), ints(-1, -1))
    assert angle(memory.entries) == pytest.approx([0, 90], abs=1e-4)


@pytest.mark.parametrize("update", ["random", "momentum"])
def test_instance_memory_is_indexed_by_global_image_numbers(update):
    # This memory holds images 2, 5 and 9 of a table; 0, 3 and 12 are of another modality.
    memory = InstanceMemory(
        at(0, 90, 180), ints(0, -1, 0), indices=ints(2, 5, 9), update=update, momentum=0.0
    )
    memory.update(at(100, 45, 10, 20, 30), ints(5, 3, 0, 12, 2))
    assert angle(memory.entries) == pytest.approx([30, 100, 180], abs=1e-4)  # outliers are updated too


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ((0, 2), {}, "labels name 2 clusters of 3; expected 0..C-1, no gaps"),
        ((-1, -1), {}, "labels name 0 clusters"),
        ((0, 1), {"update": "mean"}, "update is 'mean'; expected 'random'"),
        ((0, 1), {"momentum": 1.0}, "momentum is 1.0"),
        ((0, 1), {"tau": 0.0}, "tau 0.0"),
        ((0, 1), {"tau": math.inf}, "tau inf; expected.*0 < tau < inf"),
        ((0, 1), {"tau": math.nan}, "tau nan"),
    ],
)
def test_a_cluster_memory_explains_what_it_cannot_use(labels, options, message):
    with pytest.raises(ValueError, match=message):
        ClusterMemory(at(0, 90), ints(*labels), **options)


def test_an_instance_memory_explains_what_it_cannot_use():
    with pytest.raises(ValueError, match="indices must increase strictly"):
        InstanceMemory(at(0, 90), ints(0, 1), indices=ints(4, 4))
    with pytest.raises(ValueError, match=r"indices have shape \(3,\), torch.int64; expected \(2,\)"):
        InstanceMemory(at(0, 90), ints(0, 1), indices=ints(4, 5, 6))


@pytest.mark.parametrize("memory_class", [ClusterMemory, InstanceMemory])
@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (at(0, 90), ints(0, 1, 1), r"labels have shape \(3,\), torch.int64; expected \(2,\), torch.int64"),
        (at(0, 90), ints(0), r"labels have shape \(1,\)"),
        (at(0, 90), ints(0, 1)[:, None], r"labels have shape \(2, 1\)"),
        (
            at(0, 90),
            torch.tensor([0.0, 1.0]),
            r"\(2,\), torch.float32; expected \(2,\), torch.int64: one per row",
        ),
        (at(0, 90), torch.tensor([True, False]), "torch.bool"),
        (at(0, 90)[0], ints(0, 1), r"features have shape \(2,\); expected \(n, d\)"),
        (
            at(0, math.nan, math.inf),
            ints(0, 0, 0),
            r"2 of 3 rows of features are not finite \(first: row 1\)",
        ),
    ],
)
def test_memories_refuse_what_does_not_fit_or_is_not_finite(memory_class, features, labels, message):
    with pytest.raises(ValueError, match=message):
        memory_class(features, labels)


# All memories together -----------------------------------------------------------------------------------------------

# The last image is visible and not clustered.
FEATURES = at(0, 200, 40, 90, 300, 120, 260)
MODALITIES = ints(0, 1, 0, 1, 0, 1, 0)
LABELS = {
    "visible": ints(0, -1, 0, -1, 1, -1, -1),
    "infrared": ints(-1, 0, -1, 1, -1, 1, -1),
    "joint": ints(0, -1, 0, 1, 2, 1, -1),
}


def hybrid(**changes):
    return HybridLoss(FEATURES, LABELS, MODALITIES, LossConfig(**{"tau": 0.5, **changes}))


def test_each_stream_holds_its_own_images():
    loss = hybrid()
    assert {s: m.indices.tolist() for s, m in loss.instance.items()} == {
        "visible": [0, 2, 4, 6],
        "infrared": [1, 3, 5],
        "joint": [0, 1, 2, 3, 4, 5, 6],
    }
    assert {s: len(m.entries) for s, m in loss.cluster.items()} == {"visible": 2, "infrared": 2, "joint": 3}
    assert angle(loss.cluster["visible"].entries) == pytest.approx([20, -60], abs=1e-4)
    assert angle(loss.cluster["infrared"].entries) == pytest.approx([-160, 105], abs=1e-4)


def test_hybrid_losses_by_hand():
    # Views: image 2 (visible) at 30 and its exchanged copy at 50; image 3 (infrared) at 100.
    found = hybrid().losses(at(30, 50, 100), ints(2, 2, 3), ["visible", "infrared", "joint"])

    def log_share(query, positive, everyone):
        return -math.log(sum(e(query - a, 0.5) for a in positive) / sum(e(query - a, 0.5) for a in everyone))

    visible, infrared, joint = [20, -60], [200, 105], [20, 105, 300]
    expected = {
        "cluster_visible": (log_share(30, [20], visible) + log_share(50, [20], visible)) / 2,
        "cluster_infrared": log_share(100, [105], infrared),
        "cluster_joint": (
            log_share(30, [20], joint) + log_share(50, [20], joint) + log_share(100, [105], joint)
        )
        / 3,
        "instance_visible": (
            log_share(30, [0, 40], [0, 40, 300, 260]) + log_share(50, [0, 40], [0, 40, 300, 260])
        )
        / 2,
        "instance_infrared": log_share(100, [90, 120], [200, 90, 120]),
        "instance_joint": (
            log_share(30, [0, 40], [0, 200, 40, 90, 300, 120, 260])
            + log_share(50, [0, 40], [0, 200, 40, 90, 300, 120, 260])
            + log_share(100, [90, 120], [0, 200, 40, 90, 300, 120, 260])
        )
        / 3,
    }
    assert {name: loss.item() for name, loss in found.items()} == pytest.approx(expected, rel=1e-5)


def test_phase_one_has_no_joint_terms():
    found = hybrid().losses(at(30, 100), ints(2, 3), ["visible", "infrared"])
    assert set(found) == {"cluster_visible", "instance_visible", "cluster_infrared", "instance_infrared"}


NAMES = [
    "cluster_visible",
    "cluster_infrared",
    "cluster_joint",
    "instance_visible",
    "instance_infrared",
    "instance_joint",
]


@pytest.mark.parametrize(
    ("changes", "weights"),
    [
        ({}, [1, 1, 1, 0.1, 0.1, 0.1]),  # Eq. 23
        ({"instance_weight_intra": 1.0}, [1, 1, 1, 1, 1, 0.1]),  # fork: the lab's code
        ({"instance_weight": 0.3, "cluster_weight": 2.0}, [2, 2, 2, 0.1, 0.1, 0.3]),
        ({"joint_weight": 0.0}, [1, 1, 0, 0.1, 0.1, 0]),  # control: phase 1 continued
        ({"joint_weight": 0.5}, [1, 1, 0.5, 0.1, 0.1, 0.05]),
    ],
)
def test_the_total_is_the_weighted_sum(changes, weights):
    losses = {name: torch.tensor(10.0**i) for i, name in enumerate(NAMES)}
    expected = sum(weight * 10.0**i for i, weight in enumerate(weights))
    assert hybrid(**changes).total(losses).item() == pytest.approx(expected, rel=1e-6)


def test_an_update_reaches_the_named_streams_only():
    loss = hybrid()
    loss.update(at(60, 150), ints(2, 1), ["visible", "joint"])
    assert angle(loss.cluster["visible"].entries) == pytest.approx([60, -60], abs=1e-4)
    assert angle(loss.instance["visible"].entries) == pytest.approx([0, 60, -60, -100], abs=1e-4)
    assert angle(loss.cluster["joint"].entries) == pytest.approx(
        [60, 105, -60], abs=1e-4
    )  # image 1: an outlier
    assert angle(loss.instance["joint"].entries) == pytest.approx([0, 150, 60, 90, -60, 120, -100], abs=1e-4)
    assert angle(loss.instance["infrared"].entries) == pytest.approx([-160, 90, 120], abs=1e-4)


def test_the_visible_memory_takes_a_random_one_of_both_views():
    seen = set()
    loss = HybridLoss(FEATURES, LABELS, MODALITIES, LossConfig(), generator=torch.Generator().manual_seed(0))
    for _ in range(40):
        loss.update(at(30, 50), ints(2, 2), ["visible"])  # image 2 and its exchanged copy
        seen.add(round(angle(loss.instance["visible"].entries)[1]))
    assert seen == {30, 50}


def test_the_configuration_reaches_every_memory():
    loss = hybrid(tau=0.2, memory_update="momentum", momentum=0.7)
    for memory in (*loss.cluster.values(), *loss.instance.values()):
        assert (memory.tau, memory.update_rule, memory.momentum) == (0.2, "momentum", 0.7)


def test_labels_may_be_all_different_and_the_loss_still_finite():
    query = at(*np.linspace(0, 350, 36).tolist())
    loss = InstanceMemory(query, torch.arange(36)).loss(query, torch.arange(36))
    assert math.isfinite(loss.item())
