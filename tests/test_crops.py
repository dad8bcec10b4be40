"""What crops are like: against pictures made by hand."""

import numpy as np
import pytest

from dmic.images import DatasetWriter, open_dataset
from dmic.lab import crops


def write(path, *, masks=True, annotated=True):
    """Twenty images of 8×4 pixels in each modality: people of value 200 (every fourth pixel of them white) before 50."""
    image, mask = np.full((8, 4, 3), 50, np.uint8), np.zeros((8, 4), bool)
    mask[2:6] = True
    image[2:6] = 200
    image[2] = 255  # 4 of 32 pixels
    with DatasetWriter(
        path, count=40, size=(8, 4), name="hand", version="1", licence="none", made={"seed": 7}
    ) as writer:
        for index in range(40):
            more = {"native_height": 40 + index // 2, "hidden": 0.25} if annotated else {}
            infrared = index % 2
            writer.append(
                image if infrared else image // 2, mask if masks else None, split="train", camera=1 + 2 * infrared,
                modality=("visible", "infrared")[infrared], identity=1, source=str(index), **more,
            )  # fmt: skip
    return path


def test_numbers_of_pictures_made_by_hand(tmp_path):
    found = crops.measure(open_dataset(write(tmp_path / "set")))
    infrared = {name: values["infrared"] for name, values in found.items()}
    person = (4 * 255 + 12 * 200) / 16 / 255
    assert infrared["person"]["middle"] == pytest.approx(person, abs=1e-3)
    assert infrared["contrast"]["low"] == pytest.approx(person - 50 / 255, abs=1e-3)
    assert infrared["brightness"]["high"] == pytest.approx((person + 50 / 255) / 2, abs=1e-3)
    assert infrared["clipped"]["middle"] == pytest.approx(12.5) and found["clipped"]["visible"]["high"] == 0
    assert infrared["filled"]["middle"] == 50 and infrared["hidden"]["middle"] == 25
    heights = 40 + np.arange(1, 40, 2) // 2
    assert list(infrared["native_height"].values()) == pytest.approx(
        np.quantile(heights, [0.05, 0.5, 0.95]).tolist()
    )
    assert "box_overlap" not in found


def test_what_a_folder_does_not_know_is_unknown(tmp_path, capsys):
    known, bare = write(tmp_path / "known"), write(tmp_path / "bare", masks=False, annotated=False)
    crops.main([str(known), str(bare), "--out", str(tmp_path / "crops.json")])
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in capsys.readouterr().out.splitlines()
    ]
    assert rows[0][1:] == ["known, visible", "known, infrared", "bare, visible", "bare, infrared"]
    person = {row[0]: row[1:] for row in rows}["brightness of the person, 0 to 1"]
    assert person == ["0.42 · 0.42 · 0.42", "0.84 · 0.84 · 0.84", "unknown", "unknown"]
    assert (tmp_path / "crops.json").exists()
    with pytest.raises(SystemExit):
        crops.main([str(tmp_path / "nothing")])
