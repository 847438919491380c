import numpy as np
import pytest

import ibcollapse as ib
from benchmarks.experiments.imbalance_geometry import (
    MEASURES,
    classifier_grams,
    compare,
    directions_of,
    reference_grams,
    views,
)

COUNTS = (40, 40, 40, 4, 4, 4)
TEMPERATURE = 0.5
RIDGE = 1e-3


def features_with(gram, counts, offset=0.0):
    """Collapsed features whose class means have the Gram matrix, rotated and shifted."""
    values, vectors = np.linalg.eigh(gram)
    means = vectors * np.sqrt(np.maximum(values, 0.0))
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 9)))[0]
    means = np.pad(means, ((0, 0), (0, 9 - len(gram)))) @ rotation + offset
    labels = np.repeat(np.arange(len(counts)), counts)
    return means[labels], labels


@pytest.mark.parametrize("name", ["SC", "SELI", "ridge", "ETF", "orthogonal"])
def test_features_made_to_a_reference_are_nearest_to_it(name):
    references = reference_grams(COUNTS, TEMPERATURE, RIDGE)
    report = ib.collapse_geometry(features_with(references[name], COUNTS))
    found = compare(7, report, references, 1.0)
    assert found.epoch == 7
    assert found.nearest("cosines") == name
    # Rounding of the eigenvectors, squared feature units of order one.
    assert found.distance["cosines"][name] < 1e-7
    # About their mean, orthonormal means are the simplex.
    expected = "ETF" if name == "orthogonal" else name
    assert {found.nearest(measure) for measure in MEASURES[1:]} == {expected}
    assert "classifier" not in found.distance


@pytest.mark.parametrize("name", ["SELI", "ridge", "ETF"])
def test_a_classifier_made_to_a_reference_is_nearest_to_it(name):
    report = ib.collapse_geometry(features_with(np.eye(6), COUNTS))
    expected = classifier_grams(COUNTS, RIDGE)
    rows = features_with(expected[name], (1,) * 6, offset=2.0)[0]
    found = compare(
        0,
        report,
        reference_grams(COUNTS, TEMPERATURE, RIDGE),
        1.0,
        weight=rows,
        classifiers=expected,
    )
    assert found.nearest("classifier") == name
    assert found.distance["classifier"][name] < 1e-7
    assert sorted(found.distance["classifier"].values())[1] > 0.03


def test_a_common_offset_changes_cosines_but_not_the_centred_gram_with_lengths():
    references = reference_grams(COUNTS, TEMPERATURE)
    report = ib.collapse_geometry(features_with(references["SELI"], COUNTS, offset=3.0))
    found = compare(1, report, references, 1.0)
    assert found.distance["lengths"]["SELI"] < 1e-7
    assert found.distance["cosines"]["SELI"] > 0.5


def test_references_agree_when_classes_are_balanced():
    references = reference_grams((20,) * 5, TEMPERATURE)
    for measure in MEASURES:
        shapes = [views(references[name])[measure] for name in ("SC", "SELI", "ETF")]
        for shape in shapes[:2]:
            np.testing.assert_allclose(
                shape / np.linalg.norm(shape), shapes[2] / np.linalg.norm(shapes[2]), atol=1e-8
            )


def test_views_are_gram_matrices_of_the_moved_means():
    means = np.random.default_rng(2).normal(size=(5, 7))
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    seen = views(means @ means.T)
    np.testing.assert_allclose(seen["cosines"], unit @ unit.T, atol=1e-12)
    centred = unit - unit.mean(axis=0)
    np.testing.assert_allclose(seen["centred"], centred @ centred.T, atol=1e-12)
    about = means - means.mean(axis=0)
    np.testing.assert_allclose(seen["lengths"], about @ about.T, atol=1e-12)


@pytest.mark.parametrize("counts", [(100,) * 5 + (2,) * 5, (100, 65, 42, 27, 18, 11, 7, 5, 3, 2)])
def test_every_reference_spreads_over_all_directions(counts):
    for gram in reference_grams(counts, 0.2, 1e-4).values():
        assert directions_of(gram) == 9


def test_directions_that_class_means_leave_out_are_not_counted():
    means = np.random.default_rng(3).normal(size=(10, 4)) + 7.0
    means = np.hstack([means, 1e-3 * np.random.default_rng(4).normal(size=(10, 6))])
    assert directions_of(means @ means.T) == 4
