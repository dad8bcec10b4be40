"""The floor: untrained features against loops and numbers by hand, scores whose answers are known, and the command line."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from dmic import evaluation
from dmic.images import DatasetWriter, ImageTable, LazyImages, LazyMasks, open_dataset
from dmic.lab import floor, report, searches, untrained

SIZE = (36, 20)
CAMERAS = (1, 2, 3, 6)
rng = np.random.default_rng(0)


def grays(values, shape=SIZE):
    """One image (h, w, 3) uint8 of equal channels."""
    return np.repeat(np.broadcast_to(values, shape)[..., None], 3, axis=2).astype(np.uint8)


def pictures(images, masks=None):
    color = np.asarray(images, np.float32) / 255
    gray = color @ np.array([0.299, 0.587, 0.114], np.float32)
    return untrained.Pictures(color, gray, None if masks is None else np.asarray(masks, np.float32))


def people(images, masks=None, *, count=5, shots=2):
    """Test people, each in `CAMERAS` so often; images and masks in the order person, camera, shot."""
    rows = [(p, c) for p in range(1, count + 1) for c in CAMERAS for _ in range(shots)]
    identities, cameras = np.array(rows).T
    infrared, everything = np.isin(cameras, (3, 6)), np.arange(len(rows))
    splits = np.where(infrared, "query", "gallery")
    packed = None if masks is None else LazyMasks(np.packbits(masks, axis=-1), masks.shape[2], everything)
    labels = (infrared.astype(np.int64), cameras, identities, splits, everything)
    return ImageTable(LazyImages(images, everything), *labels, info={}, name="synthvi-x", masks=packed)


def noise(count):
    return rng.integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)


def blobs(count):
    """Masks of one rectangle each."""
    masks = np.zeros((count, *SIZE), bool)
    for mask, top, left in zip(masks, rng.integers(0, 9, count), rng.integers(0, 7, count), strict=True):
        mask[top : top + 20, left : left + 9] = True
    return masks


# --- features -----------------------------------------------------------------------------------------------------


def test_strips_are_the_grays_of_the_centre_and_of_nothing_else():
    levels = np.arange(16) * 15
    image = grays(np.repeat(levels, 2)[:, None], (32, 50))
    image[:, :18], image[:, 32:] = 255, 255  # the centre is 28 % of 50 columns
    assert untrained.strips(pictures([image])) * 255 == pytest.approx(levels[None], abs=1e-3)


def test_gray_weighs_the_colours_as_eyes_do():
    table = people(np.full((40, *SIZE, 3), (255, 0, 51), np.uint8))
    assert untrained.measure_features(table)["strips"] == pytest.approx(0.299 + 0.2 * 0.114)


@pytest.mark.parametrize(("name", "grid"), [("strips", (16, 1)), ("whole", (32, 16))])
def test_parts_of_a_pixel_count_as_parts(name, grid):
    images = noise(3)  # 36 rows in 16 strips: 2 1/4 each
    shown = pictures(images)
    columns = slice(7, 13) if name == "strips" else slice(None)  # 28 % of 20
    gray = shown.gray[:, :, columns]
    fine = gray.repeat(grid[0], axis=1).repeat(grid[1], axis=2)  # each pixel as many small ones
    cells = fine.reshape(3, grid[0], gray.shape[1], grid[1], gray.shape[2]).mean(axis=(2, 4))
    assert untrained.UNTRAINED[name].of(shown) == pytest.approx(cells.reshape(3, -1), abs=1e-5)


def test_rows_of_the_person_are_means_under_the_mask():
    images, masks = noise(4), rng.random((4, *SIZE)) < 0.6
    masks[:, :5] = masks[:, 30:] = False
    masks[0, 12:20] = False  # an obstacle
    shown = pictures(images, masks)
    found = untrained.rows(shown)
    for gray, mask, row in zip(shown.gray, masks, found, strict=True):
        inside = np.flatnonzero(mask.any(axis=1))
        box = slice(inside[0], inside[-1] + 1)
        parts = zip(*(np.split(x[box].repeat(16, axis=0), 16) for x in (gray, mask)), strict=True)
        wanted = [band[where].mean() if where.any() else np.nan for band, where in parts]
        assert row == pytest.approx(wanted, abs=1e-4, nan_ok=True)
    assert np.isnan(found[0]).any() and np.isfinite(found[1:]).all()


def test_outline_by_hand():
    mask = np.zeros((2, *SIZE), bool)
    mask[0, 2:18, 5:9] = mask[0, 18:34, 5:13] = True  # 4 wide above, 8 wide below; nobody in the other
    shown = pictures(np.zeros((2, *SIZE, 3)), mask)
    assert untrained.box(shown)[0] == pytest.approx([32, 8, 0.75, 18, 9])
    assert untrained.widths(shown)[0] == pytest.approx(np.repeat([4 / 32, 8 / 32], 16))
    assert untrained.silhouette(shown)[0].sum() * SIZE[0] * SIZE[1] / 512 == pytest.approx(16 * 12)
    assert untrained.box(shown)[1] == pytest.approx([*SIZE, 0, 18, 10])
    assert np.isnan(untrained.rows(shown)[1]).all() and not untrained.widths(shown)[1].any()


def test_background_and_border_do_not_see_the_person():
    images, masks = noise(6), blobs(6)
    masks[:, :, :3] = masks[:, :, -3:] = False
    other = np.where(masks[..., None], 255 - images, images)
    for name in ("background", "border"):
        of = untrained.UNTRAINED[name].of
        np.testing.assert_array_equal(of(pictures(images, masks)), of(pictures(other, masks)))
        assert not np.array_equal(of(pictures(images, masks)), of(pictures(255 - images, masks)))
    plain = untrained.background(pictures(np.full_like(images, 51), masks))
    assert np.isnan(plain).any() and plain[np.isfinite(plain)] == pytest.approx(0.2)


def test_mean_colours():
    image = np.full((*SIZE, 3), 51, np.uint8)
    image[:, 7:13] = (255, 0, 102)  # the centre's 6 of 20 columns
    shown = pictures([image])
    assert untrained.mean_color_centre(shown)[0] == pytest.approx([1, 0, 0.4])
    assert untrained.mean_color(shown)[0] == pytest.approx([0.44, 0.14, 0.26])


def test_features_do_not_depend_on_how_many_images_are_read_at_once(monkeypatch):
    table = people(noise(40), blobs(40))
    whole = untrained.measure_features(table)
    monkeypatch.setattr(untrained, "BLOCK_PIXELS", 7 * SIZE[0] * SIZE[1])
    for name, features in untrained.measure_features(table).items():
        np.testing.assert_allclose(features, whole[name], rtol=1e-6, err_msg=name)


def test_standardized_by_hand():
    features = np.array([[1, 5, 7], [3, np.nan, 7], [10, 1, np.nan], [30, 3, np.nan]], np.float32)
    found = untrained.standardized(features, np.array([4, 4, 9, 9]))
    assert found.tolist() == [[-1, 0, 0], [1, 0, 0], [-1, -1, 0], [1, 1, 0]]


# --- scores -------------------------------------------------------------------------------------------------------


def drawn(table, name="synthvi"):
    return searches.searches(table, evaluation.protocol_by_name(name))


def test_identity_written_into_a_feature_is_found_everywhere():
    table = people(noise(40))
    found = searches.score(np.eye(6, dtype=np.float32)[table.identities], table, drawn(table))
    assert found == dict.fromkeys(searches.COLUMNS, pytest.approx({"rank1": 100, "mAP": 100}))


def test_a_constant_feature_finds_who_stands_first():
    table = people(noise(40))
    found = searches.score(np.ones((40, 2), np.float32), table, drawn(table))
    assert [scores["rank1"] for scores in found.values()] == pytest.approx([100 / 5] * 3)  # of 5 people


def test_brightness_of_another_camera_is_no_hindrance():
    """Everybody as bright as their number, each camera with an exposure of its own."""
    table = people(noise(40))
    light = (table.identities * table.cameras + 50 * table.cameras)[:, None].astype(np.float32)
    raw, evened = light, untrained.standardized(light, table.cameras)
    assert searches.score(evened, table, drawn(table))["across"]["rank1"] == 100
    assert searches.score(raw, table, drawn(table))["across"]["rank1"] < 50


@pytest.mark.parametrize("name", ["synthvi", "synthvi-flipped", "sysu-all-single", "llcm", "regdb"])
def test_across_is_the_protocol(name):
    """On unit rows the Euclidean order is that of cosines, which `evaluate` takes."""
    table = people(noise(40))
    x = rng.normal(size=(40, 4)).astype(np.float32) + 2 * np.eye(6, 4, dtype=np.float32)[table.identities]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    wanted = evaluation.evaluate(lambda view: x[view.indices], table, name).mean
    assert searches.score(x, table, drawn(table, name))["across"] == pytest.approx(
        {key: wanted[key] for key in ("rank1", "mAP")}, abs=1e-6
    )


def test_within_a_modality_other_cameras_are_searched():
    table = people(noise(60), shots=3)
    x = rng.normal(size=(60, 3)).astype(np.float32)
    found, pairs = searches.score(x, table, drawn(table)), drawn(table)
    for code, column in enumerate(searches.COLUMNS[1:]):
        hits = []
        for search in pairs[column]:
            assert set(table.modalities[search.queries]) == set(table.modalities[search.gallery]) == {code}
            assert not {*table.cameras[search.queries]} & {*table.cameras[search.gallery]}
            assert len(search.gallery) == 5 and len(search.queries) == 15
            for query in search.queries:
                nearest = min(search.gallery, key=lambda row: np.linalg.norm(x[row] - x[query]))
                hits.append(table.identities[nearest] == table.identities[query])
        assert found[column]["rank1"] == pytest.approx(100 * np.mean(hits))


def test_who_is_nowhere_else_does_not_search():
    table = people(noise(40))
    kept = (table.identities != 4) | (table.cameras != 2)
    pairs = drawn(table.select(kept))["visible"]
    part = table.select(kept)
    assert all(4 not in part.identities[search.queries] for search in pairs)


def test_a_single_camera_has_no_column_of_its_own():
    table = people(noise(40))
    assert list(drawn(table.select(np.isin(table.cameras, (1, 3, 6))))) == ["across", "infrared"]


def test_chance_is_the_mean_over_all_orders():
    table = people(noise(20), shots=1)
    search = searches.Search(np.array([2]), np.array([0, 1, 4, 5, 8]), "llcm")  # person 1 in 0 and 1
    found = searches.chance(table, {"across": [search]})["across"]
    orders = list(itertools.combinations(range(1, 6), 2))  # ranks of the two true matches
    assert found["rank1"] == pytest.approx(100 * np.mean([first == 1 for first, _ in orders]))
    assert found["mAP"] == pytest.approx(100 * np.mean([(1 / a + 2 / b) / 2 for a, b in orders]))


def test_chance_leaves_out_what_the_rule_drops():
    table = people(noise(20), shots=1)  # persons' images in cameras 1, 2, 3, 6
    search = searches.Search(np.array([2]), np.array([0, 1, 4, 5]), "synthvi")  # camera 3 does not search 2
    assert searches.chance(table, {"across": [search]})["across"] == pytest.approx({"rank1": 50, "mAP": 75})


# --- data sets ----------------------------------------------------------------------------------------------------


def test_the_floor_of_a_table_with_and_without_masks():
    table = people(noise(40), blobs(40))
    found = floor.measure(table)
    assert list(found) == [row for row in floor.LABELS if row != "imagenet"]
    bare = floor.measure(replace(table, masks=None), "synthvi")
    gone = [name for name, feature in untrained.UNTRAINED.items() if feature.needs_mask]
    assert gone == ["background", "box", "silhouette", "widths", "rows"]
    assert bare == {row: scores for row, scores in found.items() if row not in gone}


def test_people_who_differ_in_clothes_alone_are_found_by_their_rows():
    masks = np.zeros((40, *SIZE), bool)
    masks[:, 3:33, 6:14] = True
    clothes = rng.integers(0, 256, (6, 30, 1, 1))
    table = people(noise(40), masks)
    images = np.asarray(table.images)
    images[:, 3:33, 6:14] = clothes[table.identities]
    found = floor.measure(people(images, masks))
    assert found["rows"]["across"]["rank1"] == found["strips"]["across"]["rank1"] == 100
    assert found["background"]["across"]["rank1"] < 60 and found["box"]["across"]["rank1"] == 20


def test_the_imagenet_start_needs_no_run():
    found = floor.imagenet_start(people(noise(8), count=1))
    assert found.shape == (8, 1280) and np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("synthvi-toy", "synthvi"), ("sysu-mm01", "sysu-all-single"), ("regdb-split01", "regdb")],
)
def test_the_protocol_follows_the_data_set(name, wanted):
    assert floor.default_protocol(replace(people(noise(8), count=1), name=name)).name == wanted


def test_a_data_set_of_another_name_needs_a_protocol():
    with pytest.raises(
        evaluation.protocols.ProtocolError, match="like the data set 'mine'; .* --protocol: synthvi, "
    ):
        floor.default_protocol(replace(people(noise(8), count=1), name="mine"))


def written(path, seed, *, masks=True):
    """A data set folder of 4 test people and a training one."""
    images, masked = noise(20), blobs(20)
    options = {"name": "synthvi-x", "version": "1", "licence": "CC0", "made": {"seed": seed}}
    with DatasetWriter(path, count=20, size=SIZE, **options) as writer:
        for row, (image, mask) in enumerate(zip(images, masked, strict=True)):
            person, camera = divmod(row, 4)
            infrared = camera > 1
            split = "train" if person == 0 else "query" if infrared else "gallery"
            labels = {"split": split, "modality": "infrared" if infrared else "visible", "source": str(row)}
            writer.append(image, mask if masks else None, camera=CAMERAS[camera], identity=person, **labels)
    return path


def test_several_worlds_give_the_mean_and_each(tmp_path, capsys):
    folders = [written(tmp_path / str(seed), seed) for seed in (0, 1000)]
    each = [floor.measure(open_dataset(folder)) for folder in folders]
    file = tmp_path / "results" / "floor.json"
    floor.main([*map(str, folders), "--no-network", "--out", str(file)])
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2 + len(each[0]) and printed[0].startswith(
        "| no training | infrared → visible: Rank-1 % |"
    )
    first, second = (world["strips"]["across"]["rank1"] for world in each)
    cell = f"| {(first + second) / 2:.1f} ({first:.1f} / {second:.1f}) |"
    assert any(line.startswith(f"| gray of 16 strips of the centre {cell}") for line in printed)

    made = json.loads(file.read_text())["measured"]["floor"]
    assert (
        made["seeds"] == [0, 1000]
        and [world["name"] for world in made["numbers"]["worlds"]] == ["synthvi-x"] * 2
    )
    (file.parent / "machines.json").write_text("{}")
    found = report.load(file.parent)
    filled = report.fill("<!-- fill: floor.floor --><!-- end -->", found).splitlines()
    assert filled[1:-1] == printed and "seeds 0, 1000" in found["floor"].made
    shown = report.fill("x <!-- fill: {floor.strips.across.rank1.mean:.1f} --><!-- end -->", found)
    assert f"-->{(first + second) / 2:.1f}<!--" in shown


def test_one_world_without_masks_says_what_is_left_out(tmp_path, capsys):
    folders = [written(tmp_path / "a", 0), written(tmp_path / "b", 1, masks=False)]
    floor.main([*map(str, folders), "--no-network"])
    said, *table = capsys.readouterr().out.splitlines()
    assert said.startswith(f"{folders[1]} has no masks.npy; left out: background only, 8×4 (mask), box only")
    assert len(table) == 2 + 6 and "mask" not in "".join(table)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nowhere"], "no data set folder nowhere"), (["--protocol", "sysu"], "unknown protocol 'sysu'")],
)
def test_what_is_not_there_is_said_in_one_line(tmp_path, capsys, arguments, said):
    folder = written(tmp_path / "a", 0)
    with pytest.raises(SystemExit):
        floor.main([*arguments, "--no-network", *([str(folder)] if "--protocol" in arguments else [])])
    assert said in capsys.readouterr().err
