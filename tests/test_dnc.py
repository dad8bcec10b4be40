import re
import warnings
from dataclasses import dataclass, replace

import numpy as np
import plain
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.cluster import DBSCAN

from dmic import dnc, encoding, mie
from dmic.config import ClusteringConfig, preset, with_overrides
from dmic.dnc import NoClustersError, Schedule, pseudo_labels
from dmic.images import in_stream
from dmic.neighbors import nearest


def stored_below_one(dense):
    """CSR of the entries < 1, zeros on the diagonal stored, as ``jaccard_distance`` returns it."""
    rows, columns = np.nonzero(dense < 1)
    return sparse.csr_matrix((dense[rows, columns].astype(np.float32), (rows, columns)), shape=dense.shape)


def sklearn_labels(dense, eps, min_samples=4):
    return (
        DBSCAN(eps=eps, min_samples=min_samples, metric="precomputed").fit(dense.astype(np.float64)).labels_
    )


def schedule(name="sysu-mm01", phase=1, epochs=50, **changes):
    config = with_overrides(preset(name), {f"clustering.{k}": v for k, v in changes.items()}).clustering
    return Schedule.from_config(config, phase=phase, epochs=epochs)


# DBSCAN ---------------------------------------------------------------------------------------------------------


@st.composite
def sparse_distances(draw):
    """Symmetric, mostly 1, the rest in steps of 1/16 (exact in float32, so eps is often met exactly)."""
    n = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    near = draw(st.sampled_from([0.02, 0.05, 0.1, 0.3])) > rng.random((n, n))
    dense = np.triu(np.where(near, rng.integers(0, 16, (n, n)) / 16, 1.0), 1)
    return dense + dense.T


@given(sparse_distances(), st.integers(1, 15), st.integers(1, 6))
def test_labels_and_numbers_are_those_of_scikit_learn(dense, sixteenths, min_samples):
    found = dnc.dbscan(stored_below_one(dense), eps=sixteenths / 16, min_samples=min_samples)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, sklearn_labels(dense, sixteenths / 16, min_samples))
    np.testing.assert_array_equal(found, plain.dbscan(dense, sixteenths / 16, min_samples))


def test_border_points_of_two_clusters_are_shared_out_as_in_scikit_learn(rng):
    """Two groups of four that all know each other, and point 0 that knows one core of each: in any order."""
    dense = np.ones((9, 9))
    dense[1:5, 1:5] = dense[5:, 5:] = 0.2
    for core in (2, 6):
        dense[0, core] = dense[core, 0] = 0.25
    np.fill_diagonal(dense, 0)
    assert dnc.dbscan(stored_below_one(dense), eps=0.3).tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert dnc.dbscan(stored_below_one(dense), eps=0.22).tolist() == [-1, 0, 0, 0, 0, 1, 1, 1, 1]
    for _ in range(50):
        order = rng.permutation(9)
        mixed = dense[np.ix_(order, order)]
        np.testing.assert_array_equal(
            dnc.dbscan(stored_below_one(mixed), eps=0.3), sklearn_labels(mixed, 0.3)
        )


def test_random_graphs_have_claimed_border_points_and_agree(rng):
    claimed = 0
    for _ in range(150):
        dense = np.triu(np.where(rng.random((50, 50)) < 0.07, rng.random((50, 50)), 1), 1)
        dense = (dense + dense.T).astype(np.float32)
        labels = dnc.dbscan(stored_below_one(dense), eps=0.8)
        np.testing.assert_array_equal(labels, sklearn_labels(dense, 0.8))
        near = dense <= 0.8
        core = near.sum(1) >= 4
        claimed += sum(len(set(labels[near[i] & core])) > 1 for i in np.flatnonzero(~core))
    assert claimed > 20  # else this test would not test what it says


def test_a_pair_at_exactly_eps_is_near():
    dense = np.full((4, 4), 0.5) - 0.5 * np.eye(4)
    assert dnc.dbscan(stored_below_one(dense), eps=0.5).tolist() == [0, 0, 0, 0]
    assert dnc.dbscan(stored_below_one(dense), eps=0.499).tolist() == [-1, -1, -1, -1]


@pytest.mark.parametrize(("eps", "min_samples"), [(0.0, 4), (1.1, 4), (float("nan"), 4), (0.5, 0)])
def test_dbscan_refuses_values_out_of_range(eps, min_samples):
    with pytest.raises(ValueError, match="expected 0 < eps <= 1 and min_samples >= 1"):
        dnc.dbscan(sparse.identity(3, np.float32, format="csr"), eps=eps, min_samples=min_samples)


# Schedules: the table of the paper, T = 50 -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "phase", "epoch", "eps"),
    [
        ("sysu-mm01", 1, 0, 0.6),
        ("sysu-mm01", 1, 25, 0.6 * 0.5**0.5),
        ("sysu-mm01", 1, 49, 0.6 * 0.5**0.98),  # 0.3042: eps reaches 0.3 at t = T
        ("sysu-mm01", 2, 0, 0.6),
        ("sysu-mm01", 2, 5, 0.6 * 0.5**0.5),
        ("sysu-mm01", 2, 10, 0.3),  # T/5
        ("sysu-mm01", 2, 30, 0.3 * 2**0.5),  # half of the way back
        ("sysu-mm01", 2, 49, 0.3 * 2 ** (39 / 40)),
        ("regdb", 1, 0, 0.3),
        ("regdb", 1, 25, 0.3 * (2 / 3) ** 0.5),
        ("regdb", 2, 0, 0.3),
        ("regdb", 2, 10, 0.2),
        ("regdb", 2, 20, 0.2 * 1.5**0.25),
    ],
)
def test_eps_follows_the_table(name, phase, epoch, eps):
    step = schedule(name, phase).at(epoch)
    assert step.eps == pytest.approx(eps, abs=1e-12)
    assert step.eps_joint == step.eps


@pytest.mark.parametrize("phase", [1, 2])
@pytest.mark.parametrize(
    ("name", "joint", "expected"),
    [
        # round(6 * 3^(t/49)) and round(6 * 2^(t/49))
        ("sysu-mm01", 32, {0: 6, 3: 6, 4: 7, 24: 10, 25: 11, 48: 18, 49: 18}),
        ("regdb", 18, {0: 6, 5: 6, 6: 7, 24: 8, 25: 9, 49: 12}),
    ],
)
def test_k2_follows_the_table(phase, name, joint, expected):
    steps = {t: schedule(name, phase).at(t) for t in range(50)}
    assert {t: steps[t].k2_intra for t in expected} == expected
    assert {step.k2_joint for step in steps.values()} == {joint}


@pytest.mark.parametrize("name", ["sysu-mm01", "regdb", "toy"])
@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("offset", [0, 1, 2])
def test_schedules_stay_in_range_and_turn_once(name, epochs, offset):
    """eps falls in phase 1; falls, then rises in phase 2; k2 never falls."""
    for phase in (1, 2):
        plan = schedule(name, phase, epochs, eps_span_offset=offset)
        steps = [plan.at(t) for t in range(epochs)]
        eps = np.array([step.eps for step in steps])
        assert eps[0] == plan.config.eps_large
        assert (eps >= plan.config.eps_small - 1e-12).all() and (eps <= plan.config.eps_large + 1e-12).all()
        change = np.sign(np.diff(eps).round(12))
        turn = epochs if phase == 1 else int(max(epochs - offset, 1) / 5)
        assert (change[:turn] <= 0).all() and (change[turn + 1 :] >= 0).all()
        k2 = [step.k2_intra for step in steps]
        assert k2 == sorted(k2) and k2[0] == plan.config.k2_start
        assert epochs == 1 or k2[-1] == plan.config.k2_end


@pytest.mark.parametrize("offset", [1, 2])
def test_the_other_spans_of_the_public_code_end_exactly(offset):
    """eps over T-1 or T-2 epochs reaches the end point inside the phase and stays there."""
    one, two = (schedule(phase=phase, eps_span_offset=offset) for phase in (1, 2))
    assert [one.at(t).eps for t in range(50 - offset, 50)] == pytest.approx([0.3] * offset)
    assert [two.at(t).eps for t in range(50 - offset, 50)] == pytest.approx([0.6] * offset)
    assert one.at(49 - offset).eps > 0.3


def test_without_dnc_nothing_moves():
    steps = {schedule(phase=phase, dynamic=False).at(t) for phase in (1, 2) for t in (0, 20, 49)}
    assert steps == {(0.6, 6, 32, 0.6)}


def test_the_joint_offset_is_added_and_stays_a_distance():
    assert schedule(phase=2, eps_joint_offset=0.1).at(10).eps_joint == pytest.approx(0.4)
    assert schedule(phase=2, eps_joint_offset=0.7).at(0).eps_joint == 1.0


@pytest.mark.parametrize("epoch", [-1, 50])
def test_epochs_outside_the_phase_are_refused(epoch):
    with pytest.raises(ValueError, match=rf"epoch is {epoch}; this phase has epochs 0..49"):
        schedule().at(epoch)


@pytest.mark.parametrize(("phase", "epochs"), [(0, 5), (3, 5), (1, 0)])
def test_there_are_two_phases_of_at_least_one_epoch(phase, epochs):
    with pytest.raises(ValueError, match="expected phase 1 or 2 and epochs >= 1"):
        Schedule.from_config(ClusteringConfig(), phase=phase, epochs=epochs)


# From embeddings to labels ----------------------------------------------------------------------------------------


def people(rng, spread=0.25, count=6, each=10, dim=8):
    centres = np.repeat(rng.normal(size=(count, dim)), each, axis=0)
    return plain.unit(centres + spread * rng.normal(size=centres.shape))


@pytest.mark.parametrize("how", plain.RULES)
def test_pseudo_labels_are_the_equations_followed_by_scikit_learn(rng, how):
    features = people(rng, spread=0.5)
    labels = {"cameras": rng.integers(0, 5, 60), "modalities": None}
    labels["modalities"] = (labels["cameras"] > 2).astype(np.int64)
    lists = nearest(features, 20).indices.tolist()
    expanded = plain.expand(plain.encode(features, lists, 14), lists, 9, how, labels)
    distance = plain.jaccard(expanded)
    sizes = set()
    for eps in (0.4, 0.55, 0.7):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = pseudo_labels(features, **labels, k1=14, k2=9, eps=eps, expansion=how)
        np.testing.assert_array_equal(found, sklearn_labels(distance.clip(0), eps))
        sizes.add((found.max() + 1, int((found < 0).sum())))
    assert len(sizes) > 1  # eps mattered


@st.composite
def clusterings(draw, min_size, max_size):
    """Images with cameras and modalities, one of these maybe absent, and all that pseudo_labels is told."""
    features = draw(plain.points(min_size, max_size))
    n = len(features)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cameras = rng.integers(1, draw(st.integers(1, 6)) + 1, n)
    labels = {"cameras": cameras, "modalities": np.isin(cameras, (3, 6)).astype(np.int64)}
    k1 = draw(st.integers(2, min(n - 1, 40)))
    options = {
        "k1": k1,
        "k2": draw(st.integers(1, k1)),
        "expansion": draw(st.sampled_from(list(plain.RULES))),
    }
    return features, labels, options, draw(st.integers(5, 95)) / 100


def check_against_the_equations(features, labels, options, eps):
    lists = nearest(features, options["k1"])
    encoded = plain.encode(features, lists.indices, options["k1"])
    expanded = plain.expand(encoded, lists.indices.tolist(), options["k2"], options["expansion"], labels)
    expected = plain.jaccard(expanded).clip(0)
    ours = encoding.distance_encoding(lists, features, k1=options["k1"])
    ours = mie.expand(ours, lists, k2=options["k2"], how=options["expansion"], **labels)
    stored = encoding.jaccard_distance(ours).tocoo()
    dense = np.ones_like(expected)
    dense[stored.row, stored.col] = stored.data
    assert np.abs(dense - expected).max() <= 1e-5
    assume((np.abs(expected - eps) > 1e-5).all())  # a pair at eps may fall on either side
    wanted = sklearn_labels(expected, eps)
    if (wanted < 0).all():
        with pytest.raises(NoClustersError):
            pseudo_labels(features, **labels, **options, eps=eps)
    else:
        np.testing.assert_array_equal(pseudo_labels(features, **labels, **options, eps=eps), wanted)


@given(clusterings(5, 40))
def test_small_sets_are_clustered_as_the_equations_say(sample):
    check_against_the_equations(*sample)


@settings(max_examples=3)
@given(clusterings(200, 300))
def test_sets_of_up_to_300_likewise(sample):
    check_against_the_equations(*sample)


def test_one_matrix_serves_every_smaller_eps(rng):
    features = people(rng, spread=0.5)
    lists = nearest(features, 20)
    encoded = encoding.distance_encoding(lists, features, k1=20)
    large = encoding.jaccard_distance(encoded, max_distance=0.8)
    sizes = set()
    for eps in (0.2, 0.45, 0.6, 0.8):
        alone = encoding.jaccard_distance(encoded, max_distance=eps)
        found = dnc.dbscan(large, eps=eps)
        np.testing.assert_array_equal(found, dnc.dbscan(alone, eps=eps))
        sizes.add(int((found < 0).sum()))
    assert len(sizes) > 2


def test_order_of_images_and_names_of_cameras_do_not_matter(rng):
    features = people(rng, spread=0.5, count=12, each=12)
    cameras = rng.integers(0, 5, 144)
    modalities = (cameras > 2).astype(np.int64)
    options = {"k1": 14, "k2": 9, "eps": 0.55}
    found = pseudo_labels(features, cameras, modalities, **options)
    assert found.max() > 5 and (found < 0).any()
    renamed = np.array([70, -3, 12, 0, 5])[cameras]
    np.testing.assert_array_equal(pseudo_labels(features, renamed, 1 - modalities, **options), found)
    order = rng.permutation(144)
    mixed = pseudo_labels(features[order], cameras[order], modalities[order], **options)
    together = found[order][:, None] == found[order]
    np.testing.assert_array_equal(mixed[:, None] == mixed, together)  # the same sets, other numbers
    np.testing.assert_array_equal(mixed < 0, found[order] < 0)


def test_a_list_longer_than_a_small_set_holds_all_the_others(rng):
    features, nothing = people(rng, count=2, each=6), np.zeros(12, np.int64)
    np.testing.assert_array_equal(
        pseudo_labels(features, nothing, nothing, k1=40, k2=30, eps=0.9),
        pseudo_labels(features, nothing, nothing, k1=11, k2=11, eps=0.9),
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cameras": np.zeros(11, np.int64)}, r"cameras has shape \(11,\).*expected \(12,\) integers"),
        ({"cameras": np.zeros(12)}, "cameras has shape.*dtype float64"),
        ({"modalities": np.zeros((12, 1), np.int64)}, r"modalities has shape \(12, 1\)"),
        ({"modalities": np.array(["v"] * 12)}, "modalities has shape.*dtype <U1"),
        ({"k2": 9}, "k2 is 9, k1 is 8; expected.* 1 <= k2 <= k1.*Lower k2 or raise k1"),
        ({"k2": 0}, "k2 is 0"),
        ({"k1": 1, "k2": 1}, "k1 is 1; expected"),
        ({"eps": 0.0}, "eps is 0.0, min_samples 4; expected 0 < eps <= 1"),
        ({"eps": 1.2}, "eps is 1.2"),
        ({"eps": float("nan")}, "eps is nan"),
        ({"min_samples": 0}, "min_samples 0"),
        ({"expansion": "flat"}, "how is 'flat'"),
        ({"backend": "annoy"}, "backend is 'annoy'"),
    ],
)
@pytest.mark.parametrize("expansion", ["vanilla", "modality_camera"])
def test_unusable_arguments_are_named(rng, changes, message, expansion):
    good = {"cameras": np.zeros(12, np.int64), "modalities": np.zeros(12, np.int64), "k1": 8, "k2": 4}
    with pytest.raises(ValueError, match=message):
        pseudo_labels(people(rng, count=2, each=6), **{**good, "eps": 0.5, "expansion": expansion, **changes})


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_images_have_no_clusters(count):
    labels = np.zeros(count, np.int64)
    with pytest.raises(NoClustersError, match=f"features has {count} rows; expected at least 3 images"):
        pseudo_labels(np.eye(3, dtype=np.float32)[:count], labels, labels, k1=8, k2=4, eps=0.5)


@pytest.mark.parametrize("seed", [0, 1, 3, 4, 5])
def test_no_clusters_names_an_eps_that_helps(seed):
    features = people(np.random.default_rng(seed), spread=1.0)
    labels = {"cameras": np.arange(60) % 4, "modalities": np.arange(60) % 2}
    with pytest.raises(
        NoClustersError, match=r"0 clusters among 60 images \(eps 0\.01, min_samples 4"
    ) as caught:
        pseudo_labels(features, **labels, k1=12, k2=4, eps=0.01)
    advised = float(re.search(r"Try eps >= (\d\.\d+)", str(caught.value))[1])
    assert 0.01 < advised <= 1
    assert pseudo_labels(features, **labels, k1=12, k2=4, eps=advised).max() >= 0
    first = float(re.search(r"appears at eps (\d\.\d+)", str(caught.value))[1])
    with pytest.raises(NoClustersError):
        pseudo_labels(features, **labels, k1=12, k2=4, eps=first - 0.01)


def test_no_clusters_at_any_eps_asks_for_other_values():
    nothing = np.zeros(6, np.int64)
    with pytest.raises(
        NoClustersError, match="no image has 4 neighbours at any distance. Lower min_samples or raise k1"
    ):
        pseudo_labels(np.eye(6, dtype=np.float32), nothing, nothing, k1=2, k2=1, eps=0.9)


# All streams of an epoch --------------------------------------------------------------------------------------------


@dataclass
class Table:
    """The three columns of an image table that clustering may read."""

    cameras: np.ndarray
    modalities: np.ndarray
    identities: np.ndarray

    def __len__(self):
        return len(self.cameras)


@pytest.fixture
def epoch(rng):
    """Features, table, configuration and hyperparameters of a small epoch: identities 3, 4, 5 and cameras in both spectra."""
    identities = np.repeat([3, 4, 5], 20)
    features = plain.unit(rng.normal(size=(6, 8))[identities] + 0.6 * rng.normal(size=(60, 8)))
    cameras, modalities = rng.integers(1, 5, 60), rng.integers(0, 2, 60)
    config = ClusteringConfig(
        k1=20, k1_visible=12, k1_infrared=9, k2_infrared_scale=0.5, min_samples=3, expansion_intra="vanilla"
    )
    table = Table(cameras, modalities, identities)
    return features, table, config, dnc.EpochParameters(eps=0.25, k2_intra=6, k2_joint=14, eps_joint=0.3)


def test_each_stream_is_clustered_with_its_own_values(epoch):
    features, table, config, parameters = epoch
    found = dnc.assign_labels(features, table, config, parameters, phase=2)
    assert set(found) == {"visible", "infrared", "joint"}
    streams = {
        "visible": (table.modalities == 0, 12, 6, 0.25, "vanilla"),
        "infrared": (table.modalities == 1, 9, 3, 0.25, "vanilla"),
        "joint": (np.ones(60, bool), 20, 14, 0.3, "modality_camera"),
    }
    for stream, (held, *values) in streams.items():
        arguments = dict(zip(("k1", "k2", "eps", "expansion"), values, strict=True))
        labels = {"cameras": table.cameras[held], "modalities": table.modalities[held]}
        expected = pseudo_labels(features[held], **labels, **arguments, min_samples=3)
        np.testing.assert_array_equal(found[stream][held], expected)
        assert (found[stream][~held] == -1).all() and found[stream].dtype == np.int64
        exchanged = {"cameras": labels["modalities"], "modalities": labels["cameras"]}
        intra, joint = [{"min_samples": 4}, {"expansion": "camera"}], [{"expansion": "vanilla"}, exchanged]
        for other in joint if stream == "joint" else intra:  # with another value, other labels
            changed = {**labels, **arguments, "min_samples": 3, **other}
            assert (pseudo_labels(features[held], **changed) != expected).any()


def test_exchanging_the_names_of_the_modalities_exchanges_their_labels(epoch):
    features, table, config, parameters = epoch
    config = replace(config, k2_infrared_scale=1.0)
    one = dnc.assign_labels(features, table, config, parameters, phase=2)
    table.modalities = 1 - table.modalities
    config = replace(config, k1_visible=config.k1_infrared, k1_infrared=config.k1_visible)
    other = dnc.assign_labels(features, table, config, parameters, phase=2)
    for stream, renamed in (("visible", "infrared"), ("infrared", "visible"), ("joint", "joint")):
        np.testing.assert_array_equal(one[stream], other[renamed])


@pytest.mark.parametrize(("scale", "k2"), [(0.5, 3), (0.01, 1), (2.0, 12)])
def test_infrared_k2_is_scaled_and_at_least_one(epoch, scale, k2):
    parameters = epoch[3]
    config = ClusteringConfig(k2_infrared_scale=scale)
    assert dnc.stream_parameters(config, parameters, "infrared").k2 == k2
    assert dnc.stream_parameters(config, parameters, "visible").k2 == parameters.k2_intra


def test_an_unknown_stream_is_no_visible_one(epoch):
    with pytest.raises(ValueError, match="unknown stream 'infared'; did you mean infrared"):
        dnc.stream_parameters(ClusteringConfig(), epoch[3], "infared")
    with pytest.raises(ValueError, match="unknown stream 'infared'; did you mean infrared"):
        in_stream(epoch[1].modalities, "infared")


def test_phase_one_knows_no_joint_clustering_and_never_asks_for_identities(epoch):
    features, table, config, parameters = epoch
    table.identities = None
    assert set(dnc.assign_labels(features, table, config, parameters, phase=1)) == {"visible", "infrared"}


def test_the_upper_bound_labels_by_identity(epoch):
    features, table, _, parameters = epoch
    found = dnc.assign_labels(
        features, table, ClusteringConfig(label_source="identities"), parameters, phase=2
    )
    np.testing.assert_array_equal(found["joint"], table.identities - 3)
    for modality, stream in enumerate(("visible", "infrared")):
        expected = np.where(table.modalities == modality, table.identities - 3, -1)
        np.testing.assert_array_equal(found[stream], expected)


def test_a_stream_without_clusters_is_named_and_a_joint_one_is_survived(epoch, caplog):
    features, table, config, parameters = epoch
    with pytest.raises(NoClustersError, match="infrared images, phase 1: DBSCAN found 0 clusters"):
        pairs = replace(config, k1_infrared=2, k2_infrared_scale=0.1)  # too few for min_samples 3
        dnc.assign_labels(features, table, pairs, parameters, phase=1)
    found = dnc.assign_labels(features, table, config, parameters._replace(eps_joint=0.001), phase=2)
    assert (found["joint"] == -1).all() and found["visible"].max() >= 0
    assert "no joint cluster" in caplog.text and "Try eps" in caplog.text


def test_lists_are_arrays_and_neighbours_are_whole_numbers(rng):
    x, cameras, modalities = samples_of(rng)
    arguments = {"k1": 8, "k2": 2, "eps": 0.6}
    whole = dnc.pseudo_labels(x, cameras, modalities, **arguments)
    np.testing.assert_array_equal(
        dnc.pseudo_labels(x.tolist(), cameras.tolist(), modalities.tolist(), **arguments), whole
    )
    for name in ("k1", "k2"):
        with pytest.raises(ValueError, match=f"{name} is {arguments[name] + 0.5}.*expected integers"):
            dnc.pseudo_labels(x, cameras, modalities, **{**arguments, name: arguments[name] + 0.5})


def samples_of(rng):
    """Forty images in five tight groups, of two cameras."""
    x = np.repeat(np.eye(8)[:5], 8, axis=0) + 0.05 * rng.normal(size=(40, 8))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    return x, np.tile([1, 3], 20), np.tile([0, 1], 20)
