"""Retrieval camera by camera: hand-made features whose answers are known, and the command line."""

import numpy as np
import pytest

from dmic.lab import evidence


def people(noise, cameras=(1, 2, 3, 6), shots=2, count=5):
    """Unit features: person on one axis, plus `noise[camera]` of a direction that is another person's axis."""
    rows = [(p, c) for p in range(count) for c in cameras for _ in range(shots)]
    identities, seen_by = np.array(rows).T
    features = (
        np.eye(count)[identities]
        + np.array([noise.get(c, 0.0) for c in seen_by])[:, None] * np.eye(count)[(identities + 1) % count]
    )
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features, {
        "identities": identities,
        "cameras": seen_by,
        "modalities": np.isin(seen_by, (3, 6)).astype(int),
    }


def matrix(noise, **more):
    features, columns = people(noise, **more)
    return evidence.camera_matrix(features, **columns, trials=3, generator=np.random.default_rng(0))


def test_perfect_features_are_found_everywhere():
    found = matrix({})
    assert found.cameras.tolist() == [1, 2, 3, 6] and found.modalities.tolist() == [0, 0, 1, 1]
    assert (found.rank1 == 100).all() and (found.mAP == 100).all()


def test_a_camera_that_shows_everybody_as_the_next_person_finds_only_itself():
    found = matrix({6: 50.0})
    others, bad = [0, 1, 2], 3
    assert (found.rank1[np.ix_(others, others)] == 100).all() and found.rank1[bad, bad] == 100
    assert (found.rank1[bad, others] == 0).all() and (found.rank1[others, bad] == 0).all()
    kinds = found.by_kind()
    assert kinds["within an infrared camera"]["rank1"] == 100
    assert kinds["between infrared cameras"] == {
        "rank1": 0,
        "mAP": pytest.approx(found.mAP[2, 3] / 2 + found.mAP[3, 2] / 2),
        "pairs": 2,
    }
    assert kinds["infrared → visible"]["rank1"] == kinds["visible → infrared"]["rank1"] == 50
    assert [kinds[kind]["pairs"] for kind in evidence.KINDS] == [2, 2, 2, 2, 4, 4]


def test_one_image_per_person_cannot_be_searched_from_its_own_camera():
    found = matrix({}, shots=1)
    assert np.isnan(np.diag(found.rank1)).all()
    assert np.isfinite(found.rank1).sum() == 12
    assert "within a visible camera" not in found.by_kind()


def test_people_who_are_not_there_are_not_asked_for():
    features, columns = people({}, count=4)
    gone = (columns["identities"] == 0) & (columns["cameras"] == 2)
    kept = {name: values[~gone] for name, values in columns.items()}
    found = evidence.camera_matrix(features[~gone], **kept, generator=np.random.default_rng(0))
    assert (found.rank1 == 100).all()


def test_average_precision_with_one_right_image_is_one_over_its_rank():
    # camera 3's images of person p lie nearest to person p + 1 of camera 1, then to p: rank 2
    found = matrix({3: 1.1}, cameras=(1, 3))
    assert found.rank1[1, 0] == 0 and found.mAP[1, 0] == pytest.approx(50)
