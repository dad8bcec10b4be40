"""The training step against what it must do: a network that records what it is given, twelve images that can be told apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from dmic import config
from dmic.compute.devices import accelerator
from dmic.epoch import EpochTrainer, learning_rate
from dmic.hmcl import HybridLoss
from dmic.images import ImageTable, LazyImages

SIZE = 32
SETTINGS = {
    "data.height": SIZE,
    "data.width": SIZE,
    "data.pad": 0,
    "data.flip_probability": 0.0,
    "data.erasing_probability": 0.0,
    "data.gray_probability": 0.0,
    "training.iterations": 3,
    "training.identities_per_batch": 2,
    "training.images_per_identity": 2,
    "training.learning_rate": 0.1,
    "training.decay_every": 1,
    "training.device": "cpu",
}
LABELS = {
    "visible": np.array([0, 0, 0, 1, 1, 1] + [-1] * 6),
    "infrared": np.array([-1] * 6 + [0, 0, 0, 1, 1, 1]),
}
JOINT = {
    "visible": np.array([0, 0, 0, 1, 1, -1] + [-1] * 6),
    "infrared": LABELS["infrared"],
    "joint": np.array([0, 0, -1, 1, 1, 2, 1, 1, 0, 2, 2, -1]),
}
"""Labels of phase 2, with outliers, and joint clusters that are no unions of the intra ones."""


def twelve_images() -> ImageTable:
    """Flat images: image i has red 10 i, green 100, blue 200 if visible (0-5); gray 10 i if infrared (6-11)."""
    images = np.zeros((12, SIZE, SIZE, 3), np.uint8)
    images += 10 * np.arange(12, dtype=np.uint8)[:, None, None, None]
    images[:6, ..., 1:] = (100, 200)
    everything = np.arange(12)
    return ImageTable(
        images=LazyImages(images, everything),
        modalities=(everything >= 6).astype(np.int64),
        cameras=np.array([1, 2, 1, 2, 1, 2, 3, 6, 3, 6, 3, 6]),
        identities=everything // 3,
        splits=np.array(["train"] * 12),
        indices=everything,
        info={},
        name="twelve",
    )


def gray_images() -> ImageTable:
    """Gray images of a camera each: batches of two clusters of three hold them all, and exchanged copies equal them."""
    images = np.zeros((12, SIZE, SIZE, 3), np.uint8)
    images += 20 * np.arange(12, dtype=np.uint8)[:, None, None, None]
    everything = np.arange(12)
    return dataclasses.replace(twelve_images(), images=LazyImages(images, everything), cameras=everything)


class Recorder(nn.Module):
    """Dropout and one linear layer on each image's mean colour; keeps what it was given and what it answered."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, dropout=0.0):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("std", torch.ones(3))
        self.layer = nn.Linear(3, 4)
        self.dropout = nn.Dropout(dropout)
        self.seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        self.modes: list[bool] = []

    def forward(self, images, modality):
        colors = images.mean((2, 3))
        query = nn.functional.normalize(self.layer(self.dropout(colors)), dim=1)
        self.seen.append((colors.detach(), modality.clone(), query.detach()))
        self.modes.append(self.training)
        return query


class Epoch:
    """A trainer, its recorder, and the rate, gradient and weights of every step."""

    def __init__(self, labels=LABELS, *, phase=1, epoch=0, table=None, dropout=0.0, chance=0, **changes):
        self.settings = config.with_overrides(config.preset("toy"), {**SETTINGS, **changes})
        torch.manual_seed(0)
        self.network = Recorder(dropout).eval()
        self.labels, self.bias = labels, self.network.layer.bias.detach().clone()
        optimizer = torch.optim.SGD(self.network.parameters(), lr=7.0)  # the trainer sets the rate
        self.rates, self.moves, self.totals = [], [], []
        step = optimizer.step

        def recorded(*arguments, **options):
            before, gradient = (
                self.network.layer.weight.detach().clone(),
                self.network.layer.weight.grad.clone(),
            )
            step(*arguments, **options)
            self.rates.append(optimizer.param_groups[0]["lr"])
            self.moves.append((before, gradient, self.network.layer.weight.detach().clone()))

        optimizer.step = recorded
        trainer = EpochTrainer(
            self.settings,
            table or twelve_images(),
            self.network,
            self.network,
            optimizer,
            accelerator(self.settings.training),
            on_iteration=lambda *given: self.totals.append(float(given[-1])),
        )
        build = HybridLoss.__init__

        def watched(memory, *arguments, **options):
            build(memory, *arguments, **options)
            self.memory = memory

        features = np.eye(12, 4, dtype=np.float32) + 0.5
        features[:, 0] += np.arange(12) / 6
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        self.start = torch.from_numpy(features)
        torch.manual_seed(chance)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HybridLoss, "__init__", watched)
            self.losses = trainer.run(features, labels, phase=phase, epoch=epoch)

    def drawn(self) -> list[list[int]]:
        """Which images each step saw, from their red: the visible ones, their copies left out, and the infrared ones."""
        found = []
        for colors, modality, _ in self.network.seen:
            exchanged = len(colors) - 2 * int(modality.sum())  # as many visible images as infrared ones here
            assert exchanged == int(modality.sum())
            reds = torch.cat([colors[:exchanged, 0], colors[2 * exchanged :, 0]])
            found.append((reds * 25.5).round().int().tolist())
        return found

    def channels(self) -> list[list[int]]:
        """Which channel each step's exchanged copies show."""
        parts = [colors.split(len(colors) // 3)[:2] for colors, _, _ in self.network.seen]
        return [(visible - exchanged).abs().argmin(1).tolist() for visible, exchanged in parts]


@pytest.fixture(scope="module")
def epoch():
    return Epoch()


def test_each_view_takes_its_stem(epoch):
    """Visible images and their channel-exchanged copies go through stem 0, infrared ones through stem 1."""
    assert len(epoch.network.seen) == 3
    for colors, modality, _ in epoch.network.seen:
        assert modality.tolist() == [0] * 4 + [0] * 4 + [1] * 4
        visible, exchanged, infrared = colors.split(4)
        assert (visible[:, 1] - 100 / 255).abs().max() < 1e-6, "visible images keep their colours"
        assert (exchanged == exchanged[:, :1]).all(), "one channel in all three"
        which = (exchanged[:, :1] - visible).abs().min(1).values
        assert which.max() < 1e-6, "a channel of the same image"
        assert (infrared == infrared[:, :1]).all()
    for rows in epoch.drawn():
        assert max(rows[:4]) < 6 <= min(rows[4:])


def test_the_network_trains_in_training_mode_whatever_it_was_in(epoch):
    assert epoch.network.modes == [True] * 3


def test_images_of_a_cluster_come_from_different_cameras(epoch):
    cameras = twelve_images().cameras
    for rows in epoch.drawn():
        for first, second in zip(rows[::2], rows[1::2], strict=True):
            assert cameras[first] != cameras[second]


def losses_by_hand(found, query, rows):
    """Loss of each memory as it was at the start, query by query, and their weighted sum."""
    modalities, tau, weights = twelve_images().modalities, found.settings.loss.tau, found.settings.loss
    losses, total = {}, 0
    for stream, labels in found.labels.items():
        held = {"visible": modalities == 0, "infrared": modalities == 1}.get(stream, modalities >= 0)
        means = [found.start[labels == cluster].mean(0) for cluster in range(labels.max() + 1)]
        clusters = [mean / mean.norm() for mean in means]
        of_clusters, of_images = [], []
        for q, row in zip(query, rows, strict=True):
            if labels[row] >= 0:
                near = [torch.exp(q @ cluster / tau) for cluster in clusters]
                of_clusters.append(-torch.log(near[labels[row]] / sum(near)))
                near = {i: torch.exp(q @ found.start[i] / tau) for i in np.flatnonzero(held)}
                same = sum(value for i, value in near.items() if labels[i] == labels[row])
                of_images.append(-torch.log(same / sum(near.values())))
        losses[f"cluster_{stream}"] = sum(of_clusters) / len(of_clusters)
        losses[f"instance_{stream}"] = sum(of_images) / len(of_images)
        joint = stream == "joint"
        phi_1 = weights.instance_weight if joint else weights.instance_weight_intra
        part = weights.cluster_weight * losses[f"cluster_{stream}"] + phi_1 * losses[f"instance_{stream}"]
        total = total + (weights.joint_weight if joint else 1) * part
    return losses | {"total": total}


def test_the_first_step_follows_the_equations():
    """Losses on the start of all six memories, outliers among their negatives, and the gradient of the weighted sum."""
    weights = {
        "instance_weight": 0.3,
        "instance_weight_intra": 0.2,
        "cluster_weight": 2.0,
        "joint_weight": 0.5,
    }
    changes = {f"loss.{name}": value for name, value in weights.items()}
    found = Epoch(JOINT, phase=2, **changes, **{"training.iterations": 1, "loss.tau": 0.2})
    (rows,), (colors, _, query) = found.drawn(), found.network.seen[0]
    rows = rows[:4] + rows
    wanted = losses_by_hand(found, query, rows)
    assert found.losses == pytest.approx({name: float(value) for name, value in wanted.items()}, rel=1e-5)
    weight = found.moves[0][0].requires_grad_()
    again = nn.functional.normalize(colors @ weight.T + found.bias, dim=1)
    losses_by_hand(found, again, rows)["total"].backward()
    torch.testing.assert_close(found.moves[0][1], weight.grad, rtol=1e-4, atol=1e-6)


def test_an_empty_joint_clustering_leaves_the_intra_losses():
    nothing = {**LABELS, "joint": np.full(12, -1)}
    assert set(Epoch(nothing, phase=2).losses) == set(Epoch().losses)


def test_alternating_joint_batches_hold_joint_clusters_of_each_modality():
    found = Epoch(JOINT, phase=2, **{"loss.joint_update": "alternating"})
    intra, joint = found.drawn()[::2], found.drawn()[1::2]
    for batches, streams in ((intra, ("visible", "infrared")), (joint, ("joint", "joint"))):
        for rows in batches:
            for side, stream in zip((rows[:4], rows[4:]), streams, strict=True):
                clusters = JOINT[stream][side].reshape(2, 2)
                assert (clusters[:, 0] == clusters[:, 1]).all() and (clusters >= 0).all()
            assert max(rows[:4]) < 6 <= min(rows[4:])
    assert len(found.losses) == 7, "those of both steps, and their sum"


@pytest.mark.parametrize(("phase", "number"), [(1, 0), (1, 2), (2, 1)])
def test_every_step_has_the_rate_of_its_epoch(phase, number):
    found = Epoch(phase=phase, epoch=number, **{"training.warmup_iterations": 2})
    wanted = [learning_rate(found.settings, phase=phase, epoch=number, iteration=i) for i in range(3)]
    assert found.rates == pytest.approx(wanted)
    base = 0.1 if phase == 1 else 1e-3  # the preset's own rate of phase 2
    assert found.rates[-1] == pytest.approx(base * 0.1**number)


def test_a_step_is_minus_rate_times_its_own_gradient(epoch):
    for (before, gradient, after), rate in zip(epoch.moves, epoch.rates, strict=True):
        torch.testing.assert_close(after, before - rate * gradient)
        assert gradient.abs().max() > 1e-4


def test_no_gradient_is_left_over_from_the_step_before():
    """With weights and memories that hardly move and all images in every batch, every gradient is the first one again."""
    still = {"loss.memory_update": "momentum", "loss.momentum": 0.999999, "training.learning_rate": 1e-12}
    found = Epoch(table=gray_images(), **still, **{"training.images_per_identity": 3})
    first = found.moves[0][1]
    for _, gradient, _ in found.moves[1:]:  # left over, it would be twice and three times the first
        assert (gradient - first).norm() < 0.01 * first.norm()


def test_memories_hold_the_batches_queries(epoch):
    """Random update: entries of images that were drawn are embeddings of their views; the others are as they were."""
    rows = set(sum(epoch.drawn(), []))
    answers = {row: [] for row in rows}
    for (_, _, query), drawn in zip(epoch.network.seen, epoch.drawn(), strict=True):
        for place, row in enumerate(drawn):
            views = (place, place + 4) if row < 6 else (place + 4,)
            answers[row] += [query[view] for view in views]
    for stream, offset in (("visible", 0), ("infrared", 6)):
        for place, entry in enumerate(epoch.memory.instance[stream].entries):
            candidates = answers.get(place + offset, [epoch.start[place + offset]])
            assert min((entry - candidate).norm() for candidate in candidates) < 1e-5
    assert rows - set(range(12)) == set() and len(rows) > 6


def test_draws_differ_by_phase_and_epoch_and_not_by_call(epoch):
    again, later, other = Epoch(), Epoch(epoch=1), Epoch(phase=2)
    for draw in (Epoch.drawn, Epoch.channels):
        assert draw(again) == draw(epoch)
        assert draw(epoch) not in (draw(later), draw(other)) and draw(later) != draw(other)
    assert len(set(map(tuple, epoch.channels()))) > 1, "nor are views the same in every step"


def test_memories_choose_anew_in_every_epoch():
    """Which query of the only batch became the entry of a cluster, by its place in the batch."""
    chosen = set()
    for number in range(6):
        found = Epoch(epoch=number, **{"training.iterations": 1})
        query = found.network.seen[0][2]
        chosen.add(
            frozenset(int((query - e).norm(dim=1).argmin()) for e in found.memory.cluster["infrared"].entries)
        )
    assert len(chosen) > 1


def test_chance_outside_an_epoch_is_neither_heard_nor_touched():
    """Dropout draws from PyTorch's one generator: an epoch must not depend on what else has drawn from it."""
    one, other = Epoch(dropout=0.5, chance=1), Epoch(dropout=0.5, chance=2)
    assert one.losses == other.losses != Epoch().losses
    assert torch.equal(torch.get_rng_state(), torch.manual_seed(0).get_state())


def test_exchanging_the_names_of_the_modalities_exchanges_the_losses():
    """Of gray images, and in one batch that holds them all: there both streams are treated alike."""
    table, all_at_once = gray_images(), {"training.iterations": 1, "training.images_per_identity": 3}
    exchanged = dataclasses.replace(table, modalities=1 - table.modalities)
    labels = {"visible": LABELS["infrared"], "infrared": LABELS["visible"]}
    one = Epoch(table=table, **all_at_once).losses
    other = Epoch(labels, table=exchanged, **all_at_once).losses
    renamed = {"visible": "infrared", "infrared": "visible", "total": "total"}
    for name, loss in one.items():
        *kind, stream = name.split("_")
        assert loss == pytest.approx(other["_".join([*kind, renamed[stream]])], rel=1e-5)
    assert abs(one["cluster_visible"] - one["cluster_infrared"]) > 0.1, "else an exchange could not be seen"


def test_losses_are_means_over_the_iterations(epoch):
    assert set(epoch.losses) == {
        *("cluster_visible", "instance_visible", "cluster_infrared", "instance_infrared", "total")
    }
    assert epoch.losses["total"] == pytest.approx(epoch.totals[-1] / 3)
    weighted = sum(
        epoch.memory.terms[name].weight * value for name, value in epoch.losses.items() if name != "total"
    )
    assert epoch.losses["total"] == pytest.approx(weighted)
