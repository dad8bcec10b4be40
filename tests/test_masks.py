"""Masks beside the images: read as they were written, by every view, refused where they do not fit, and no part of a run's data."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from dmic.images import DatasetError, DatasetWriter, LazyMasks, open_dataset
from dmic.storage.provenance import data_fingerprint

SIZE = (6, 11)  # 11 columns: two bytes a row, five bits of them spare
SPLITS = ("train", "train", "query", "gallery", "gallery")
IMAGES = np.random.default_rng(0).integers(0, 256, (5, *SIZE, 3), dtype=np.uint8)
MASKS = np.random.default_rng(1).random((5, *SIZE)) < 0.4


def write(path, masks):
    """Write five images, each with its entry of ``masks``, None or a mask."""
    with DatasetWriter(path, count=5, size=SIZE, name="five", version="1", licence="CC0", made={}) as writer:
        for row, (image, mask, split) in enumerate(zip(IMAGES, masks, SPLITS, strict=True)):
            seen = {
                "modality": "infrared" if split == "query" else "visible",
                "camera": 1 + 2 * (split == "query"),
            }
            writer.append(image, mask, split=split, identity=int(split != "train"), source=str(row), **seen)
    return path


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "five", MASKS)


def test_what_was_written_is_read(folder):
    masks = open_dataset(folder, verify=True).masks
    assert masks.shape == MASKS.shape and len(masks) == 5
    assert masks[:].dtype == bool and np.array_equal(masks[:], MASKS)
    assert np.array_equal(masks[3], MASKS[3]) and np.array_equal(masks[np.array([4, 0])], MASKS[[4, 0]])
    assert np.array_equal(masks[np.array(SPLITS) == "gallery"], MASKS[3:])


def test_a_bit_a_pixel_is_stored_and_mapped(folder):
    stored = np.load(folder / "masks.npy")
    assert stored.dtype == np.uint8 and stored.shape == (5, 6, 2)
    assert np.array_equal(stored, np.packbits(MASKS, axis=-1))
    assert isinstance(open_dataset(folder).masks._packed, np.memmap)


def test_views_give_their_own(folder):
    table = open_dataset(folder)
    for view, rows in ((table.train, [0, 1]), (table.query, [2]), (table.gallery, [3, 4])):
        assert np.array_equal(view.masks[:], MASKS[rows])
    again = table.select([4, 2, 0]).select(np.array([True, False, True]))
    assert np.array_equal(again.masks[:], MASKS[[4, 0]])
    assert table.select([]).masks[:].shape == (0, *SIZE)


def test_a_folder_without_masks_has_none(tmp_path):
    path = write(tmp_path / "five", [None] * 5)
    table = open_dataset(path)
    assert table.masks is None and table.train.masks is None
    assert sorted(os.listdir(path)) == ["dataset.json", "images.npy", "manifest.csv"]


@pytest.mark.parametrize(
    ("masks", "said"),
    [
        (
            [*MASKS[:3], None, MASKS[4]],
            "Image 3 has no mask, those before it have one. Give all images a mask",
        ),
        ([None, None, MASKS[2], None, None], "Image 2 has a mask, those before it have none"),
        ([MASKS[0], MASKS[1, :, :8], *MASKS[2:]], r"Mask 1 is \(6, 8\) bool, expected \(6, 11\) bool"),
        ([MASKS[0].astype(np.uint8), *MASKS[1:]], r"Mask 0 is \(6, 11\) uint8, expected \(6, 11\) bool"),
    ],
)
def test_masks_that_do_not_fit_are_not_written(tmp_path, masks, said):
    with pytest.raises(DatasetError, match=said):
        write(tmp_path / "five", masks)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda file: file.write_text("hello"), "masks.npy cannot be read as a NumPy array"),
        (lambda file: os.truncate(file, 140), "masks.npy cannot be read as a NumPy array"),
        (
            lambda file: np.save(file, MASKS),
            r"holds \(5, 6, 11\) bool, expected \(5, 6, 2\) uint8: one bit a pixel",
        ),
        (
            lambda file: np.save(file, np.zeros((4, 6, 2), np.uint8)),
            r"holds \(4, 6, 2\) uint8, .* or remove this file",
        ),
    ],
)
def test_a_damaged_file_is_named(folder, damage, said):
    damage(folder / "masks.npy")
    with pytest.raises(DatasetError, match=said):
        open_dataset(folder)
    (folder / "masks.npy").unlink()
    assert open_dataset(folder).masks is None


def test_a_run_knows_its_data_without_masks(folder):
    table = open_dataset(folder)
    other = replace(table, masks=LazyMasks(np.packbits(~MASKS, axis=-1), SIZE[1], table.indices))
    assert data_fingerprint(table) == data_fingerprint(other) == data_fingerprint(replace(table, masks=None))
