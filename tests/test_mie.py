import numpy as np
import plain
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmic import encoding, mie
from dmic.compute import kernels
from dmic.encoding import DenseGraphWarning, distance_encoding
from dmic.mie import expand, expansion_weights
from dmic.neighbors import Neighbors, nearest


def one_list(length):
    """Every point has the same members 0..length-1, itself first."""
    rows = [[i, *(j for j in range(length) if j != i)] for i in range(length)]
    return Neighbors(np.array(rows), np.zeros((length, length), np.float32))


@st.composite
def samples(draw):
    """Points with a camera each, names are arbitrary integers; cameras belong to one modality, or serve both (LLCM's may)."""
    features = draw(plain.points(min_size=4, max_size=40))
    names = draw(st.lists(st.integers(-5, 900), min_size=1, max_size=6, unique=True))
    modality_of = {name: draw(st.integers(0, 1)) for name in names}
    cameras = np.array(draw(st.lists(st.sampled_from(names), min_size=len(features), max_size=len(features))))
    modalities = np.array([modality_of[c] for c in cameras.tolist()])
    if draw(st.booleans()):
        modalities = np.array(draw(st.lists(st.integers(0, 1), min_size=len(cameras), max_size=len(cameras))))
    return features, cameras, modalities, draw(st.integers(1, len(features) - 1))


def test_a_camera_that_serves_both_modalities_counts_in_each():
    """Visible: two members of camera 1, one of camera 2; infrared: one of camera 1. Half a vote each, then by camera, then by member."""
    cameras, modalities = np.array([1, 1, 2, 1]), np.array([0, 0, 0, 1])
    weights = expansion_weights(
        one_list(4), k2=4, cameras=cameras, modalities=modalities, how="modality_camera"
    )
    np.testing.assert_allclose(weights.toarray()[0], [1 / 8, 1 / 8, 1 / 4, 1 / 2])


@pytest.mark.parametrize("how", plain.RULES)
@given(sample=samples())
def test_each_rule_is_its_mean_of_means(how, sample):
    features, cameras, modalities, k2 = sample
    neighbors = nearest(features, len(features) - 1)
    encoded = distance_encoding(neighbors, features, k1=len(features) // 2 + 1)
    found = expand(encoded, neighbors, k2=k2, cameras=cameras, modalities=modalities, how=how)
    labels = {"cameras": cameras, "modalities": modalities}
    expected = plain.expand(encoded.toarray().astype(np.float64), neighbors.indices.tolist(), k2, how, labels)
    np.testing.assert_allclose(found.toarray(), expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        # Members 0, 1 from visible camera 1, member 2 from visible camera 2, member 3 from infrared camera 3.
        ("vanilla", [1 / 4, 1 / 4, 1 / 4, 1 / 4]),
        ("camera", [1 / 6, 1 / 6, 1 / 3, 1 / 3]),  # three cameras, 1/3 each: visible weighs 2/3, infrared 1/3
        ("modality", [1 / 6, 1 / 6, 1 / 6, 1 / 2]),  # 1/2 each; three visible images share theirs
        ("modality_camera", [1 / 8, 1 / 8, 1 / 4, 1 / 2]),  # 1/2 each; two visible cameras have 1/4 each
    ],
)
def test_weights_by_hand_with_unequal_numbers_of_cameras(how, expected):
    cameras, modalities = np.array([1, 1, 2, 3]), np.array([0, 0, 0, 1])
    weights = expansion_weights(one_list(4), k2=4, cameras=cameras, modalities=modalities, how=how)
    np.testing.assert_allclose(weights.toarray(), np.tile(expected, (4, 1)), atol=1e-7)


def test_cameras_absent_from_the_list_do_not_count():
    # k2 = 2 of four: the list of 0 holds 0 and 1, both of camera 1; cameras 2 and 3 exist elsewhere.
    labels = {"cameras": np.array([1, 1, 2, 3]), "modalities": np.array([0, 0, 0, 1])}
    for how in plain.RULES:
        weights = expansion_weights(one_list(4), k2=2, **labels, how=how).toarray()
        np.testing.assert_allclose(weights[0], [0.5, 0.5, 0, 0], atol=1e-7)
        np.testing.assert_allclose(weights[3], [0.5, 0, 0, 0.5], atol=1e-7)


@pytest.mark.parametrize("present", [0, 1])
def test_one_modality_alone_takes_all_the_weight(present):
    labels = {"cameras": np.array([1, 1, 2]), "modalities": np.full(3, present)}
    weights = expansion_weights(one_list(3), k2=3, **labels, how="modality_camera")
    np.testing.assert_allclose(weights.toarray(), np.tile([1 / 4, 1 / 4, 1 / 2], (3, 1)), atol=1e-7)


def test_with_one_camera_per_modality_flat_and_hierarchical_agree(rng):
    """RegDB: both are modality balancing."""
    features = plain.unit(rng.normal(size=(30, 4)))
    modalities = rng.integers(0, 2, 30)
    neighbors = nearest(features, 10)
    flat, hierarchical, balanced = (
        expansion_weights(neighbors, k2=10, cameras=modalities + 7, modalities=modalities, how=how).toarray()
        for how in ("camera", "modality_camera", "modality")
    )
    np.testing.assert_allclose(flat, hierarchical, atol=1e-7)
    np.testing.assert_allclose(flat, balanced, atol=1e-7)
    assert np.abs(flat - expansion_weights(neighbors, k2=10, how="vanilla")).max() > 0.01


def test_within_one_modality_hierarchical_is_flat(rng):
    """Intra-modality clusterings: Eq. 6 and the lab's code are the same thing."""
    neighbors = nearest(plain.unit(rng.normal(size=(30, 4))), 12)
    labels = {"cameras": rng.integers(0, 4, 30), "modalities": np.zeros(30, np.int64)}
    flat, hierarchical = (
        expansion_weights(neighbors, k2=12, **labels, how=how).toarray()
        for how in ("camera", "modality_camera")
    )
    np.testing.assert_allclose(flat, hierarchical, atol=1e-7)


@pytest.mark.parametrize("how", ["camera", "modality_camera"])
def test_names_of_cameras_do_not_matter(rng, how):
    neighbors = nearest(plain.unit(rng.normal(size=(40, 4))), 15)
    cameras = rng.integers(0, 5, 40)
    modalities = (cameras >= 3).astype(np.int64)
    renamed = np.array([1000, -3, 7, 0, 12])[cameras]
    one, other = (
        expansion_weights(neighbors, k2=15, cameras=c, modalities=m, how=how).toarray()
        for c, m in ((cameras, modalities), (renamed, 1 - modalities))
    )
    np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.parametrize("how", plain.RULES)
def test_k2_of_one_leaves_the_encoding_as_it_is(rng, how):
    features = plain.unit(rng.normal(size=(20, 4)))
    neighbors = nearest(features, 8)
    encoded = distance_encoding(neighbors, features, k1=8)
    labels = {"cameras": rng.integers(0, 3, 20), "modalities": rng.integers(0, 2, 20)}
    np.testing.assert_allclose(
        expand(encoded, neighbors, k2=1, **labels, how=how).toarray(), encoded.toarray()
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"how": "flat"}, "how is 'flat'; expected one of 'vanilla', 'camera'"),
        ({"k2": 0}, "k2 is 0; the neighbour lists have 4 entries"),
        ({"k2": 5}, "k2 is 5; the neighbour lists have 4 entries"),
        ({"cameras": None}, "needs the cameras of all images; pass cameras="),
        ({"modalities": None}, "needs the modalities of all images; pass modalities="),
        ({"cameras": np.arange(3)}, r"cameras has shape \(3,\).*expected \(4,\) integers"),
        ({"modalities": np.zeros(4)}, "modalities has.*dtype float64"),
    ],
)
def test_unusable_arguments_are_explained(changes, message):
    good = {"k2": 4, "cameras": np.arange(4), "modalities": np.zeros(4, np.int64), "how": "modality_camera"}
    with pytest.raises(ValueError, match=message):
        expansion_weights(one_list(4), **{**good, **changes})


def test_an_encoding_of_other_images_is_refused(rng):
    features = plain.unit(rng.normal(size=(20, 4)))
    encoded = distance_encoding(nearest(features, 8), features, k1=8)
    with pytest.raises(ValueError, match=r"encoding has shape \(20, 20\) but there are 4 neighbour lists"):
        expand(encoded, one_list(4), k2=2, how="vanilla")


@pytest.mark.parametrize("threads", [2, 5])
def test_neither_threads_nor_blocks_change_a_byte(rng, monkeypatch, threads):
    features = plain.unit(rng.normal(size=(200, 6)))
    lists = nearest(features, 15)
    encoded = distance_encoding(lists, features, k1=15)
    labels = {"cameras": rng.integers(0, 5, 200), "modalities": rng.integers(0, 2, 200)}
    one = expand(encoded, lists, k2=12, **labels)
    monkeypatch.setattr(kernels.numba, "get_num_threads", lambda: threads)
    monkeypatch.setattr(mie, "_COMPARISONS", 1000)
    other = expand(encoded, lists, k2=12, **labels)
    for name in ("indptr", "indices", "data"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_a_dense_expansion_is_announced(rng, monkeypatch):
    features = plain.unit(rng.normal(size=(60, 30)))
    lists = nearest(features, 30)
    encoded = distance_encoding(lists, features, k1=30)
    monkeypatch.setattr(encoding, "_WARN_GIB", 1e-6)
    with pytest.warns(DenseGraphWarning, match="expanded encodings of 60 images: about"):
        found = expand(encoded, lists, k2=20, how="vanilla")
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
