"""Scores against the field's loop over queries and numbers worked out by hand; protocols against their counts."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest

from dmic import evaluation
from dmic.evaluation import (
    PROTOCOLS,
    Protocol,
    RankMetrics,
    draw_gallery,
    evaluate,
    mean_of_splits,
    rank_metrics,
    ranked_gallery,
    ranking,
)
from dmic.images import ImageTable, LazyImages

RULES = ("sysu", "synthvi", "regdb", "llcm")
SIX = ["rank1", "rank5", "rank10", "rank20", "mAP", "mINP"]


@dataclass
class Table:
    """What the evaluators read of an image table, and no more."""

    identities: np.ndarray
    cameras: np.ndarray
    modalities: np.ndarray
    splits: np.ndarray
    indices: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.identities)

    def _view(self, split: str) -> Table:
        rows = np.flatnonzero(self.splits == split)
        columns = (self.identities, self.cameras, self.modalities, self.splits)
        return Table(*(column[rows] for column in columns), indices=rows)

    @property
    def query(self) -> Table:
        return self._view("query")

    @property
    def gallery(self) -> Table:
        return self._view("gallery")


def table_of(identities, cameras, infrared=(3, 6), splits=None) -> Table:
    identities, cameras = np.asarray(identities), np.asarray(cameras)
    modalities = np.isin(cameras, infrared).astype(np.int64)
    splits = np.where(modalities == 1, "query", "gallery") if splits is None else np.asarray(splits)
    return Table(identities, cameras, modalities, splits)


def small_world(people=12, images=3, cameras=(1, 2, 3, 4, 5, 6), shuffle=0) -> Table:
    """Every person by every camera, in an order that is not sorted by anything."""
    grid = np.array([(i, c) for i in range(people) for c in cameras for _ in range(images)])
    grid = grid[np.random.default_rng(shuffle).permutation(len(grid))]
    return table_of(grid[:, 0], grid[:, 1])


def one_hot(view: Table, people: int = 200) -> np.ndarray:
    return np.eye(people, dtype=np.float32)[view.identities]


def random_features(view: Table, seed: int = 0, strength: float = 0.0) -> np.ndarray:
    """Noise, plus a direction per person of the given strength."""
    generator = np.random.default_rng(seed + len(view))
    people = np.random.default_rng(99).normal(size=(200, 24))
    return (generator.normal(size=(len(view), 24)) + strength * people[view.identities]).astype(np.float32)


# --- one matrix ---------------------------------------------------------------------------------------------------


def field_loop(distance, query_ids, gallery_ids, query_cameras, gallery_cameras, rule):
    """The field's way, from the definitions: one query at a time, lists instead of arrays."""
    hits, precisions, penalties, ranks = [], [], [], []
    for row, person, camera in zip(distance, query_ids, query_cameras, strict=True):
        listed = []
        for column in sorted(range(len(row)), key=lambda j: row[j]):
            same_place = rule in ("sysu", "synthvi") and camera == 3 and gallery_cameras[column] == 2
            same_shot = rule == "llcm" and gallery_ids[column] == person and gallery_cameras[column] == camera
            if not (same_place or same_shot):
                listed.append(int(gallery_ids[column]))
        if person not in listed:
            ranks.append(0)
            continue
        counted = (
            listed if rule == "regdb" else list(dict.fromkeys(listed))
        )  # people in order of first appearance
        ranks.append(counted.index(person) + 1)
        hits.append(ranks[-1])
        places = [place for place, listed_person in enumerate(listed, 1) if listed_person == person]
        precisions.append(np.mean([count / place for count, place in enumerate(places, 1)]))
        penalties.append(len(places) / places[-1])
    curve = [100 * np.mean([hit <= k for hit in hits]) for k in range(1, 21)]
    return curve, 100 * np.mean(precisions), 100 * np.mean(penalties), ranks


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(12))
def test_equals_the_loop_over_queries(rule, seed):
    generator = np.random.default_rng(seed)
    queries, gallery, people = int(generator.integers(1, 40)), int(generator.integers(25, 90)), 24
    sides = {
        "query_ids": generator.integers(0, people + 3, queries) * 7
        - 5,  # gaps, negatives, people without images
        "gallery_ids": generator.integers(0, people, gallery) * 7 - 5,
        "query_cameras": generator.integers(1, 7, queries),
        "gallery_cameras": generator.integers(1, 7, gallery),
    }
    sides["query_ids"][0] = sides["gallery_ids"][0]
    sides["query_cameras"][0], sides["gallery_cameras"][0] = 6, 1  # at least one query counts by every rule
    distance = generator.permutation(queries * gallery).reshape(queries, gallery) / 3.0  # no ties
    curve, precision, penalty, ranks = field_loop(distance, rule=rule, **sides)
    found = rank_metrics(distance, rule=rule, **sides)
    expected = [curve[0], curve[4], curve[9], curve[19], precision, penalty]
    np.testing.assert_allclose([getattr(found, name) for name in SIX], expected, rtol=1e-12)
    reach = min(20, len(found.cmc))
    np.testing.assert_allclose(found.cmc[:reach], curve[:reach], rtol=1e-12)
    np.testing.assert_array_equal(found.ranks, ranks)
    assert found.queries == np.count_nonzero(ranks)
    assert found.cmc[-1] == pytest.approx(100.0)


def test_the_random_inputs_do_exercise_the_rules():
    """Guard of the test above: on one of its inputs the three rules must give three different answers."""
    generator = np.random.default_rng(1)
    sides = {
        "query_ids": generator.integers(0, 8, 40),
        "gallery_ids": generator.integers(0, 8, 60),
        "query_cameras": generator.integers(1, 7, 40),
        "gallery_cameras": generator.integers(1, 7, 60),
    }
    distance = generator.random((40, 60))
    scores = {rule: rank_metrics(distance, rule=rule, **sides) for rule in RULES}
    assert scores["sysu"] == scores["synthvi"]
    assert len({scores[rule].mAP for rule in ("sysu", "regdb", "llcm")}) == 3
    assert scores["regdb"].rank5 != scores["sysu"].rank5


# Three queries, six gallery images.          image      a    b    c    d    e    f
HAND_GALLERY = {"gallery_ids": [1, 2, 2, 1, 3, 1], "gallery_cameras": [1, 1, 2, 2, 4, 5]}
HAND_QUERIES = {"query_ids": [1, 2, 3], "query_cameras": [6, 3, 3]}
HAND_DISTANCE = [
    [0.3, 0.1, 0.2, 0.5, 0.4, 0.6],  # person 1, camera 6: b2 c2 a1 e3 d1 f1
    [0.5, 0.4, 0.1, 0.2, 0.3, 0.6],  # person 2, camera 3: c2 d1 e3 b2 a1 f1
    [0.1, 0.2, 0.3, 0.4, 0.6, 0.5],  # person 3, camera 3: a1 b2 c2 d1 f1 e3
]


def test_by_hand_sysu():
    # Query 1: nothing dropped. People 2 1 3: rank 2. Right at 3, 5, 6: AP (1/3 + 2/5 + 3/6)/3 = 37/90; INP 3/6.
    # Query 2: c, d dropped. e3 b2 a1 f1. People 3 2 1: rank 2. Right at 2: AP 1/2; INP 1/2.
    # Query 3: c, d dropped. a1 b2 f1 e3. People 1 2 3: rank 3. Right at 4: AP 1/4; INP 1/4.
    found = rank_metrics(HAND_DISTANCE, rule="sysu", **HAND_QUERIES, **HAND_GALLERY)
    assert found.ranks.tolist() == [2, 2, 3]
    np.testing.assert_allclose(found.cmc, [0, 200 / 3, 100])
    assert found.mAP == pytest.approx(100 * (37 / 90 + 1 / 2 + 1 / 4) / 3)
    assert found.mINP == pytest.approx(100 * (1 / 2 + 1 / 2 + 1 / 4) / 3)
    assert (found.rank1, found.rank5, found.rank20, found.queries) == (0.0, 100.0, 100.0, 3)


def test_by_hand_regdb():
    # Nothing dropped, ranks of images. Query 1: 3 (AP 37/90, INP 1/2). Query 2: c2 first, right at 1, 4:
    # rank 1, AP (1 + 2/4)/2 = 3/4, INP 2/4. Query 3: right at 6: rank 6, AP = INP = 1/6.
    found = rank_metrics(HAND_DISTANCE, rule="regdb", **HAND_QUERIES, **HAND_GALLERY)
    assert found.ranks.tolist() == [3, 1, 6]
    np.testing.assert_allclose(found.cmc, np.array([1, 1, 2, 2, 2, 3]) * 100 / 3)
    assert found.mAP == pytest.approx(100 * (37 / 90 + 3 / 4 + 1 / 6) / 3)
    assert found.mINP == pytest.approx(100 * (1 / 2 + 1 / 2 + 1 / 6) / 3)
    assert found.rank5 == pytest.approx(200 / 3)


def test_by_hand_llcm():
    # Cameras 5, 2, 4: the query's own person in its own camera goes. Query 1 loses f: b2 c2 a1 e3 d1:
    # rank 2, AP (1/3 + 2/5)/2 = 11/30, INP 2/5. Query 2 loses c: d1 e3 b2 a1 f1: rank 3, AP = INP = 1/3; d, of
    # another person in camera 2, stays. Query 3 loses e, its only right image: left out.
    cameras = {"query_ids": [1, 2, 3], "query_cameras": [5, 2, 4]}
    found = rank_metrics(HAND_DISTANCE, rule="llcm", **cameras, **HAND_GALLERY)
    assert found.ranks.tolist() == [2, 3, 0]
    assert found.queries == 2
    np.testing.assert_allclose(found.cmc, [0, 50, 100])
    assert found.mAP == pytest.approx(100 * (11 / 30 + 1 / 3) / 2)
    assert found.mINP == pytest.approx(100 * (2 / 5 + 1 / 3) / 2)


def test_blocks_of_queries_do_not_change_the_scores(monkeypatch):
    generator = np.random.default_rng(5)
    sides = {"query_ids": generator.integers(0, 9, 50), "gallery_ids": generator.integers(0, 9, 30)}
    sides |= {"query_cameras": generator.choice([3, 6], 50), "gallery_cameras": generator.choice([1, 2], 30)}
    distance = generator.random((50, 30))
    whole = rank_metrics(distance, rule="sysu", **sides)
    monkeypatch.setattr(ranking, "BLOCK_ENTRIES", 70)  # two queries a block
    parts = rank_metrics(distance, rule="sysu", **sides)
    assert whole == parts
    np.testing.assert_array_equal(whole.ranks, parts.ranks)


def test_ties_keep_gallery_order():
    """Long enough a list that an unstable sort would mix the ties."""
    sides = {"query_ids": [1000], "query_cameras": [6], "gallery_cameras": [1] * 400}
    people = np.arange(400)
    people[301] = 1000  # among the 200 ties at distance 0, the images with odd numbers, it is number 151
    distance = 1.0 - np.arange(400) % 2
    assert rank_metrics([distance], rule="sysu", gallery_ids=people, **sides).ranks.tolist() == [151]


def test_to_dict_is_the_six_numbers():
    found = rank_metrics(HAND_DISTANCE, rule="sysu", **HAND_QUERIES, **HAND_GALLERY)
    assert list(found.to_dict()) == SIX
    assert found.to_dict()["mAP"] == found.mAP
    assert all(type(value) is float for value in found.to_dict().values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": "market"}, "unknown rule 'market'.*regdb"),
        ({"query_ids": [1, 2]}, r"query_ids has shape \(2,\).*expected \(3,\).*transposed"),
        ({"gallery_cameras": [1] * 5}, r"gallery_cameras has shape \(5,\).*expected \(6,\)"),
        ({"distance": np.transpose(HAND_DISTANCE)}, "transposed"),
        ({"distance": [[np.nan] + [0.0] * 5] * 3}, "3 of 18 distances are NaN"),
        (
            {"distance": [[np.inf, -np.inf] + [0.0] * 4] * 3},
            "6 of 18 distances are NaN or infinite.*the rule",
        ),
        ({"distance": [0.1, 0.2]}, r"shape \(2,\)"),
        ({"distance": np.empty((0, 6)), "query_ids": [], "query_cameras": []}, "at least 1"),
        ({"query_ids": [7, 8, 9]}, "none of the 3 queries"),
    ],
)
def test_errors_say_what_is_wrong(changes, message):
    arguments = {"distance": HAND_DISTANCE, "rule": "sysu", **HAND_QUERIES, **HAND_GALLERY} | changes
    with pytest.raises(ValueError, match=message):
        rank_metrics(arguments.pop("distance"), **arguments)


# --- protocols ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sysu_table() -> Table:
    """Test side of SYSU-MM01 in its exact shape: 96 people; images and people of each camera as published."""
    people = {1: 56, 2: 56, 3: 93, 4: 94, 5: 95, 6: 96}
    images = {1: 1374, 2: 1565, 3: 1883, 4: 1918, 5: 1918, 6: 1920}
    # Camera 5 misses person 0, the others the last ones: every query has a right image in the all-search gallery.
    identities = np.concatenate([(c == 5) + np.arange(images[c]) % people[c] for c in people])
    return table_of(identities, np.repeat(list(images), list(images.values())))


@pytest.mark.parametrize(
    ("name", "gallery"),
    [
        ("sysu-all-single", 301),
        ("sysu-indoor-single", 112),
        ("sysu-all-multi", 3010),
        ("sysu-indoor-multi", 1120),
    ],
)
def test_sysu_counts(sysu_table, name, gallery, monkeypatch):
    shapes = []
    score = rank_metrics

    def spy(distance, **arguments):
        shapes.append(distance.shape)
        assert set(arguments["query_cameras"]) == {3, 6}
        assert set(arguments["gallery_cameras"]) == ({1, 2} if "indoor" in name else {1, 2, 4, 5})
        assert arguments["rule"] == "sysu"
        return score(distance, **arguments)

    monkeypatch.setattr(evaluation, "rank_metrics", spy)
    features = {"query": random_features(sysu_table.query), "gallery": random_features(sysu_table.gallery)}
    protocol = PROTOCOLS[name]
    assert protocol.trials == 10
    result = evaluate(features, sysu_table, Protocol(**(vars(protocol) | {"trials": 2})))
    assert shapes == [(3803, gallery)] * 2
    assert len(result.trials) == 2
    # Queries without a right image fall out: of camera 3 those whose person no camera but 2 (dropped) has seen.
    if name == "sysu-all-single":
        assert result.queries == 3803
    if name == "sysu-indoor-single":  # people 0-55 only; camera 1 has seen them all
        assert result.queries == int((sysu_table.query.identities < 56).sum())


def test_random_ranking_is_near_chance(sysu_table):
    features = {"query": random_features(sysu_table.query), "gallery": random_features(sysu_table.gallery)}
    result = evaluate(features, sysu_table, PROTOCOLS["sysu-all-single"])
    # Chance by simulation from the definitions: random order of the same gallery, one list per query.
    generator = np.random.default_rng(0)
    gallery = np.concatenate([np.arange(56), np.arange(56), np.arange(94), np.arange(1, 96)])
    precision, first = [], []
    for person in generator.integers(0, 93, 1500):
        listed = generator.permutation(gallery)
        places = np.flatnonzero(listed == person) + 1
        precision.append(np.mean(np.arange(1, len(places) + 1) / places))
        first.append(list(dict.fromkeys(listed.tolist())).index(person) < 20)
    assert result.mean["mAP"] == pytest.approx(100 * np.mean(precision), abs=0.5)
    assert result.mean["rank20"] == pytest.approx(100 * np.mean(first), abs=4)
    assert result.mean["rank1"] == pytest.approx(100 / 96 * 1.1, abs=0.8)
    assert result.mean["mINP"] < result.mean["mAP"] < 5


@pytest.mark.parametrize("name", ["synthvi", "sysu-all-single", "sysu-indoor-multi", "llcm", "regdb"])
@pytest.mark.parametrize("flip", [False, True])
def test_perfect_features_give_100(name, flip):
    protocol = PROTOCOLS[name].flipped() if flip else PROTOCOLS[name]
    result = evaluate(one_hot, small_world(), protocol)
    assert result.mean == pytest.approx(dict.fromkeys(SIX, 100.0))
    assert result.std == pytest.approx(dict.fromkeys(SIX, 0.0))
    assert result.standard_error_rank1 == pytest.approx(0.0)
    assert len(result.trials) == protocol.trials == (1 if name == "regdb" else 10)


def test_features_and_callable_agree_and_train_images_stay_out():
    world = small_world()
    embed = lambda view: random_features(view, strength=0.4)  # noqa: E731
    features = {"query": embed(world.query), "gallery": embed(world.gallery)}
    by_callable = evaluate(embed, world, PROTOCOLS["synthvi"], seed=3)
    by_features = evaluate({k: 5.0 * v for k, v in features.items()}, world, PROTOCOLS["synthvi"], seed=3)
    assert by_callable == by_features  # also: the length of a feature does not matter
    columns = ("identities", "cameras", "modalities")
    longer = Table(
        *(np.concatenate([getattr(world, c), getattr(world, c)]) for c in columns),
        np.concatenate([np.full(len(world), "train"), world.splits]),
    )
    assert evaluate(features, longer, PROTOCOLS["synthvi"], seed=3) == by_callable


def test_reads_a_real_image_table():
    world = small_world(people=5)
    rows = np.arange(len(world))
    pixels = LazyImages(np.zeros((len(world), 2, 1, 3), dtype=np.uint8), rows)
    columns = (world.modalities, world.cameras, world.identities, world.splits)
    real = ImageTable(pixels, *columns, indices=rows, info={}, name="test")
    assert evaluate(random_features, real, PROTOCOLS["synthvi"]) == evaluate(
        random_features, world, PROTOCOLS["synthvi"]
    )


def test_evaluate_averages_rank_metrics_over_seeded_galleries():
    world, protocol = small_world(), PROTOCOLS["synthvi"]
    features = {
        "query": random_features(world.query, strength=0.4),
        "gallery": random_features(world.gallery, 1, 0.4),
    }
    result = evaluate(features, world, protocol, seed=11)
    assert evaluate(features, world, "synthvi", seed=11).mean == result.mean
    unit = {k: v / np.linalg.norm(v, axis=1, keepdims=True) for k, v in features.items()}
    trials: list[RankMetrics] = []
    for trial in range(10):
        drawn = draw_gallery(
            world.gallery.identities,
            world.gallery.cameras,
            shots=1,
            generator=np.random.default_rng([11, trial]),
        )
        assert len(drawn) == 12 * 4
        trials.append(
            rank_metrics(
                1 - unit["query"] @ unit["gallery"][drawn].T,
                query_ids=world.query.identities,
                query_cameras=world.query.cameras,
                gallery_ids=world.gallery.identities[drawn],
                gallery_cameras=world.gallery.cameras[drawn],
                rule="synthvi",
            )
        )
    assert len({t.mAP for t in trials}) > 5  # the draws do differ
    for name in SIX:
        values = [getattr(t, name) for t in trials]
        assert result.mean[name] == pytest.approx(np.mean(values), abs=1e-3)
        assert result.std[name] == pytest.approx(np.std(values, ddof=1), abs=1e-3)
    np.testing.assert_allclose(result.cmc, np.mean([t.cmc for t in trials], axis=0), atol=1e-3)
    assert result.cmc[0] == pytest.approx(result.mean["rank1"])
    assert result.protocol == "synthvi"
    assert evaluate(features, world, protocol, seed=11) == result
    assert evaluate(features, world, protocol, seed=12).mean != result.mean


def test_standard_error_is_over_people():
    """Two of five people always found, by 4 queries each: sd of (1, 1, 0, 0, 0) / sqrt(5), however many queries."""
    identities = np.concatenate([np.repeat(np.arange(5), 4), np.arange(5)])
    world = table_of(identities, [6] * 20 + [1] * 5)
    points = np.eye(5, dtype=np.float32)
    seen = points[[0, 1, 3, 4, 2]]  # persons 2, 3, 4 look like each other's neighbours
    result = evaluate({"query": np.repeat(seen, 4, axis=0), "gallery": points}, world, PROTOCOLS["synthvi"])
    assert result.mean["rank1"] == pytest.approx(40.0)
    assert result.standard_error_rank1 == pytest.approx(100 * np.std([1, 1, 0, 0, 0], ddof=1) / np.sqrt(5))
    # Unequal queries, by hand: person 0 has 3 hits of 3, person 1 no hit of 1. Mean 3/4; residuals 3 - 9/4 = 3/4 and
    # 0 - 3/4; sqrt(2/1 * 2 * (3/4)^2) / 4 = 1.5 / 4.
    world = table_of([0, 0, 0, 1, 0, 1], [6] * 4 + [1] * 2)
    features = {"query": points[[0, 0, 0, 0]], "gallery": points[[0, 1]]}
    assert evaluate(features, world, PROTOCOLS["synthvi"]).standard_error_rank1 == pytest.approx(
        100 * 1.5 / 4
    )


def test_standard_error_agrees_with_a_bootstrap_over_people():
    world = small_world(people=40, images=2)
    embed = lambda view: random_features(view, strength=0.5)  # noqa: E731
    result = evaluate(embed, world, PROTOCOLS["synthvi"])
    hits = np.mean([t.ranks == 1 for t in result.trials], axis=0)
    per_person = np.array([hits[world.query.identities == i].mean() for i in range(40)])
    generator = np.random.default_rng(0)
    drawn = [per_person[generator.integers(0, 40, 40)].mean() for _ in range(3000)]
    assert result.standard_error_rank1 == pytest.approx(100 * np.std(drawn), rel=0.1)


def test_flipped_evaluation_asks_with_visible_images():
    world = small_world(people=5, images=2)
    result = evaluate(random_features, world, PROTOCOLS["synthvi"].flipped())
    assert result.queries == 5 * 4 * 2  # all visible test images ask
    assert result.protocol == "synthvi-flipped"
    found = ranked_gallery(random_features, world, "synthvi-flipped", [0, 7], top=4)
    assert set(world.modalities[found.queries]) == {0}
    assert set(world.modalities[found.gallery].ravel()) == {1}


def test_protocol_without_cameras_takes_the_whole_modality():
    grid = [
        (i, c) for i in range(6) for c in (1, 2) for _ in range(3)
    ]  # the same cameras in both spectra, as LLCM
    identities, cameras = (np.tile(column, 2) for column in np.array(grid).T)
    modalities = np.repeat([0, 1], len(grid))
    world = Table(identities, cameras, modalities, np.where(modalities == 1, "query", "gallery"))
    found = ranked_gallery(one_hot, world, PROTOCOLS["llcm"], np.arange(36), top=12)
    assert set(world.modalities[found.queries]) == {1}
    # Own camera dropped: of the two right images one is left, and 11 of 12 places are filled.
    assert found.correct.sum(axis=1).tolist() == [1] * 36
    assert (found.gallery[:, -1] == -1).all()
    assert (found.gallery[:, :-1] >= 0).all()
    assert evaluate(one_hot, world, PROTOCOLS["llcm"]).mean["rank1"] == 100


def test_mean_of_splits_is_that_of_their_scores():
    """RegDB: one model and one result per split."""
    results = []
    for split in range(3):
        world = small_world(people=8, shuffle=split)
        world.modalities = 1 - world.modalities  # visible asks
        results.append(evaluate(lambda view: random_features(view, strength=0.5), world, PROTOCOLS["regdb"]))
    mean = mean_of_splits(results)
    for name in SIX:
        values = [result.mean[name] for result in results]
        assert mean.mean[name] == pytest.approx(np.mean(values))
        assert mean.std[name] == pytest.approx(np.std(values, ddof=1))
    assert len({result.mean["mAP"] for result in results}) == 3
    assert len(mean.trials) == 3 and mean.protocol == "regdb"
    assert mean.standard_error_rank1 == pytest.approx(np.mean([r.standard_error_rank1 for r in results]))
    np.testing.assert_allclose(mean.cmc, np.mean([result.cmc for result in results], axis=0))
    with pytest.raises(ValueError, match="no protocol"):
        mean_of_splits([])
    other = evaluate(one_hot, small_world(), PROTOCOLS["synthvi"])
    with pytest.raises(ValueError, match="results of regdb, synthvi; expected results of one protocol"):
        mean_of_splits([*results, other])


@pytest.mark.parametrize("name", ["synthvi", "regdb"])  # a CMC of people and one of images
def test_mean_of_splits_of_unequal_size(name):
    """Folds of one's own data: the means of their scores; behind the end of a short gallery everybody is found."""
    worlds = [small_world(people=people, images=2, shuffle=people) for people in (6, 9)]
    results = [evaluate(lambda view: random_features(view, strength=0.4), w, name) for w in worlds]
    mean = mean_of_splits(results)
    for score in SIX:
        values = [getattr(trial, score) for result in results for trial in result.trials]
        assert mean.mean[score] == pytest.approx(np.mean(values))
    short, long = (len(result.cmc) for result in results)
    assert short < long == len(mean.cmc)
    np.testing.assert_allclose(mean.cmc[:short], (results[0].cmc + results[1].cmc[:short]) / 2)
    np.testing.assert_allclose(mean.cmc[short:], (100 + results[1].cmc[short:]) / 2)
    assert mean.queries == results[0].queries + results[1].queries


# --- what a protocol does not see ------------------------------------------------------------------------------------


def camera_world(visible, infrared, people=5, images=2) -> Table:
    """Every person by each camera of each modality; one number may be a camera of both, as in LLCM."""
    cameras = np.array([*visible, *infrared])
    modalities = np.repeat([0, 1], [len(visible), len(infrared)])
    grid = np.array([(i, c) for i in range(people) for c in range(len(cameras)) for _ in range(images)])
    of = modalities[grid[:, 1]]
    return Table(grid[:, 0], cameras[grid[:, 1]], of, np.where(of == 1, "query", "gallery"))


def test_images_of_cameras_that_the_protocol_does_not_know_are_counted_and_named():
    world = camera_world(visible=(1, 2, 7), infrared=(6, 8, 9))
    message = (
        "'sysu-all-single' leaves out 30 of 60 test images .10 visible of cameras 7; 20 infrared of cameras 8, 9.*"
        "fit the data.*llcm"
    )
    with pytest.warns(UserWarning, match=message) as caught:
        result = evaluate(random_features, world, "sysu-all-single")
    assert (result.queries, result.queries_skipped, result.unused) == (10, 0, 30)
    assert caught[0].filename == __file__  # points at the call


@pytest.mark.parametrize("name", ["sysu-indoor-single", "sysu-indoor-multi-flipped", "sysu-all-single"])
def test_cameras_that_are_left_out_on_purpose_are_counted_without_a_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate(random_features, small_world(people=5), name)
    assert result.unused == (5 * 2 * 3 if "indoor" in name else 0)  # cameras 4 and 5


def test_queries_without_a_true_match_are_counted():
    # Persons 0 to 3 in camera 6, but only 0 and 1 in the gallery, which has a stranger.
    world = table_of([0, 1, 2, 3, 3, 0, 1, 9], [6] * 5 + [1] * 3)
    result = evaluate(one_hot, world, "synthvi")
    assert (result.queries, result.queries_skipped, result.unused) == (2, 3, 0)


# --- collapsed embeddings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["synthvi", "sysu-all-multi", "regdb"])
def test_a_collapse_is_named_since_ties_in_a_sorted_gallery_score_above_chance(name):
    grid = np.array([(i, c) for i in range(30) for c in range(1, 7) for _ in range(3)])  # sorted by person
    world = table_of(grid[:, 0], grid[:, 1])
    with pytest.warns(
        UserWarning, match="of .* queries are equally far.*collapsed.*by chance is about 3.3 %"
    ):
        collapsed = evaluate(lambda view: np.ones((len(view), 7)), world, name)
    assert collapsed.mean["rank1"] == pytest.approx(100 / 30)
    assert collapsed.mean["mINP"] == pytest.approx(100 * np.mean(1 / np.arange(1, 31)))  # H(n) / n
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        noise = evaluate(random_features, world, name)
    assert collapsed.mean["mINP"] > 2 * noise.mean["mINP"]


def test_only_the_queries_that_tell_nothing_apart_are_counted():
    world = small_world(people=4, images=1)  # queries: 4 people in cameras 3 and 6
    features = {"query": one_hot(world.query, 5), "gallery": one_hot(world.gallery, 5)}
    features["query"][[2, 5, 6]] = np.eye(5)[4]  # like nobody in the gallery
    with pytest.warns(UserWarning, match="3 of 8 queries are equally far.*about 25.0 %"):
        evaluate(features, world, "synthvi")


def test_bad_inputs():
    world = small_world(people=3, images=1)
    features = {"query": random_features(world.query), "gallery": random_features(world.gallery)}
    with pytest.raises(ValueError, match=r"query features have shape \(12, 24\).*\(6, d\)"):
        evaluate({"query": features["gallery"], "gallery": features["query"]}, world, PROTOCOLS["synthvi"])
    for broken, length in ((0.0, "0"), (np.nan, "nan"), (np.inf, "inf|nan")):
        spoiled = features["gallery"].copy()
        spoiled[[3, 7]] *= broken
        message = (
            rf"2 of 12 gallery features are not finite.*first: row 3 of table.gallery, length ({length})\)"
        )
        with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
            evaluate({"query": features["query"], "gallery": spoiled}, world, PROTOCOLS["synthvi"])
    with pytest.raises(ValueError, match=r"query features have shape \(6,\); expected \(6, d\)"):
        evaluate({"query": np.ones(6), "gallery": features["gallery"]}, world, PROTOCOLS["synthvi"])
    with pytest.raises(ValueError, match="features have type ndarray; expected 'query' and 'gallery'"):
        evaluate(features["query"], world, PROTOCOLS["synthvi"])
    with pytest.raises(ValueError, match=r"\['final'\].*result.features\['final'\]"):
        evaluate({"final": features}, world, PROTOCOLS["synthvi"])
    with pytest.raises(ValueError, match=r"infrared test images of cameras \(8, 9\).*\[1, 2, 3, 4, 5, 6\]"):
        evaluate(features, world, Protocol("x", "sysu", query_cameras=(8, 9)))


# --- for figures --------------------------------------------------------------------------------------------------


def test_ranked_gallery_agrees_with_the_scores():
    world = small_world(people=10, images=2)
    features = {
        "query": random_features(world.query, strength=0.5),
        "gallery": random_features(world.gallery, 1, 0.5),
    }
    protocol, asked = PROTOCOLS["synthvi"], np.arange(len(world.query))
    found = ranked_gallery(features, world, protocol, asked, top=40, seed=2)
    scores = evaluate(features, world, protocol, seed=2).trials[0]
    np.testing.assert_array_equal(found.queries, world.query.indices)
    shown = found.gallery >= 0
    same = world.identities[found.gallery] == world.identities[found.queries][:, None]
    np.testing.assert_array_equal(found.correct, shown & same)
    assert set(world.splits[found.gallery[shown]]) == {"gallery"}
    # Camera 3 must not see camera 2: 10 people x 3 cameras are left of 40 places; camera 6 keeps all 40.
    asks_three = world.cameras[found.queries] == 3
    assert (shown.sum(axis=1) == np.where(asks_three, 30, 40)).all()
    assert not (world.cameras[found.gallery[asks_three]] == 2)[shown[asks_three]].any()
    np.testing.assert_array_equal(found.correct[:, 0], scores.ranks == 1)
    places = [np.flatnonzero(row) + 1 for row in found.correct]
    precision = np.mean([np.mean(np.arange(1, len(p) + 1) / p) for p in places])
    assert scores.mAP == pytest.approx(100 * precision)
    few = ranked_gallery(features, world, protocol, [7, 3], top=5, seed=2)
    np.testing.assert_array_equal(few.gallery, found.gallery[[7, 3], :5])


def test_one_person_has_no_standard_error():
    assert np.isnan(evaluation._standard_error(np.array([1.0, 0.0]), np.array([7, 7])))


def test_negative_float32_distances_are_ranked_as_float64(rng):
    distance = rng.normal(size=(6, 40)).astype(np.float32)
    sides = {"query_ids": np.arange(6), "gallery_ids": np.arange(40) % 8}
    sides |= {"query_cameras": np.full(6, 6), "gallery_cameras": np.ones(40, int)}
    found, wanted = (rank_metrics(d, rule="regdb", **sides) for d in (distance, distance.astype(np.float64)))
    assert (distance < 0).any() and found == wanted
