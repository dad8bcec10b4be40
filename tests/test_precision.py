"""What bfloat16 changes: numbers by hand, and a network that is compared with itself."""

import numpy as np
import pytest
from test_training import TINY, colour_people

from dmic import backbone, config, training
from dmic.lab import precision
from dmic.storage.checkpoints import Checkpoint


def test_runs_are_paired_by_seed():
    runs = [
        {"seed": 1, "embedding": "fp32", "rank1": 50.0, "mAP": 40.0, "seconds": 30.0},
        {"seed": 1, "embedding": "bf16", "rank1": 52.0, "mAP": 39.0, "seconds": 20.0},
        {"seed": 0, "embedding": "bf16", "rank1": 41.0, "mAP": 40.0, "seconds": 10.0},
        {"seed": 0, "embedding": "fp32", "rank1": 40.0, "mAP": 40.0, "seconds": 20.0},
        {"seed": 2, "embedding": "fp32", "rank1": 99.0, "mAP": 99.0, "seconds": 99.0},  # has no partner
    ]
    assert precision.paired(runs) == {"rank1": [1.0, 2.0], "mAP": [0.0, -1.0], "times": [2.0, 1.5]}


def test_labels_of_a_network_in_both_precisions(monkeypatch):
    """Where bfloat16 is taken away, nothing differs; where it shifts one image far away, one outlier state does."""
    settings = config.with_overrides(config.preset("toy"), TINY)
    table = colour_people()
    network = Checkpoint(4, backbone.build(settings.backbone).state_dict(), {})
    embed = training.embed
    monkeypatch.setattr(training, "embed", lambda model, images, bf16: embed(model, images, bf16=False))
    same = precision.compare_embeddings(settings, network, table)
    for found in same["streams"].values():
        assert found["ari"] == 1 and found["outliers"] == 0 and found["clusters"][0] == found["clusters"][1]
    scores = [{key: found[key] for key in ("rank1", "mAP")} for found in same["precision"].values()]
    assert scores[0] == scores[1]
    few = precision.same_network([same, same])
    assert few["labels"]["joint"]["outliers"] == [0, 0] and few["rank1"] == [0, 0] and len(few["times"]) == 2
    assert few["outlier_percent"] == [0] * 6

    def reversed_rows(model, images, bf16):
        """Hand out the embeddings of the infrared images in another order: every label lands elsewhere, no count changes."""
        features, infrared = embed(model, images, bf16=False), images.modalities == 1
        if bf16 and len(images) == len(table.train):
            features[infrared] = np.roll(features[infrared], 1, axis=0)
        return features

    monkeypatch.setattr(training, "embed", reversed_rows)
    other = precision.compare_embeddings(settings, network, table)["streams"]
    assert other["infrared"]["ari"] < 1 and other["visible"]["ari"] == 1
    assert other["infrared"]["clusters"][0] == pytest.approx(other["infrared"]["clusters"][1], abs=3)
