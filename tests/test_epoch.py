"""The training step against what it must do: a network that records what it is given, twelve images that can be told apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dmic import config
from dmic.compute.devices import accelerator
from dmic.epoch import EpochTrainer, learning_rate
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


class Recorder(nn.Module):
    """One linear layer on each image's mean colour; keeps what it was given and what it answered."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("std", torch.ones(3))
        self.layer = nn.Linear(3, 4)
        self.seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []

    def forward(self, images, modality):
        colors = images.mean((2, 3))
        query = nn.functional.normalize(self.layer(colors), dim=1)
        self.seen.append((colors.detach(), modality.clone(), query.detach()))
        return query


class Epoch:
    """A trainer, its recorder, and the rate, gradient and weights of every step."""

    def __init__(self, labels=LABELS, *, phase=1, epoch=0, **changes):
        self.settings = config.with_overrides(config.preset("toy"), {**SETTINGS, **changes})
        torch.manual_seed(0)
        self.network = Recorder()
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
            twelve_images(),
            self.network,
            self.network,
            optimizer,
            accelerator(self.settings.training),
            on_iteration=lambda *given: self.totals.append(float(given[-1])),
        )
        build = trainer._memory
        trainer._memory = lambda *given: setattr(self, "memory", build(*given)) or self.memory
        features = np.eye(12, 4, dtype=np.float32) + 0.5
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        self.start = torch.from_numpy(features)
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
    """With weights that hardly move and all images in every batch, every gradient is the first one again."""
    everything = {"training.images_per_identity": 3, "loss.memory_update": "momentum", "loss.momentum": 0.999}
    found = Epoch(**everything, **{"training.learning_rate": 1e-12})
    first = found.moves[0][1]
    for _, gradient, _ in found.moves[1:]:
        assert (
            gradient - first
        ).norm() < 0.5 * first.norm()  # left over, it would be twice and three times the first


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
    assert again.drawn() == epoch.drawn()
    assert epoch.drawn() not in (later.drawn(), other.drawn()) and later.drawn() != other.drawn()


def test_losses_are_means_over_the_iterations(epoch):
    assert set(epoch.losses) == {
        *("cluster_visible", "instance_visible", "cluster_infrared", "instance_infrared", "total")
    }
    assert epoch.losses["total"] == pytest.approx(epoch.totals[-1] / 3)
    weighted = sum(
        epoch.memory.terms[name].weight * value for name, value in epoch.losses.items() if name != "total"
    )
    assert epoch.losses["total"] == pytest.approx(weighted)
