import itertools

import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.landscape import cross_entropy_distance, supcon_bound, supcon_distance
from ibcollapse.landscape.bound_distance import unit_rows
from ibcollapse.landscape.bounds import supcon_terms
from ibcollapse.serialize import load_result, save


def simplex_rows(n_classes):
    rows = np.eye(n_classes) - 1 / n_classes
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_simplex_features_are_at_the_bound():
    labels = np.repeat(np.arange(3), 2)
    found = supcon_distance(
        5.0 * simplex_rows(3)[labels], labels, 4, temperature=1.0, rng=np.random.default_rng(0)
    )
    assert found.exhaustive
    assert found.n_batches == 126
    assert found.excess == pytest.approx(0, abs=1e-12)
    assert found.loss * 126 == pytest.approx(247.3772723, abs=5e-8)  # theory §5


def test_one_batch_may_go_below_what_the_sum_cannot():
    # Graf et al. bound the sum over all batches, not each. Classes 0 and 1 opposite each other do
    # better in the batch (0, 0, 1, 1) than the simplex, by which every batch is counted.
    labels = np.repeat(np.arange(3), 2)
    features = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])[labels]
    pair = 4 * np.log(1 + 2 * np.exp(-2.0))
    assert pair < 4 * np.log(1 + 2 * np.exp(-1.5))
    only = supcon_distance(
        features[:4], labels[:4], 4, temperature=1.0, rng=np.random.default_rng(0)
    )
    assert only.excess == pytest.approx(0, abs=1e-12)  # opposite is the simplex of two classes
    every = supcon_distance(features, labels, 4, temperature=1.0, rng=np.random.default_rng(0))
    assert every.exhaustive
    assert every.excess > 0.1


def test_drawn_batches_agree_with_all_of_them():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), [3, 2, 2])
    features = rng.normal(size=(7, 5))
    options = {"temperature": 0.5, "rng": rng}
    exact = supcon_distance(features, labels, 4, max_batches=210, **options)
    drawn = supcon_distance(features, labels, 4, max_batches=209, **options)
    many = supcon_distance(features, labels, 4, max_batches=209, **options)
    assert exact.exhaustive
    assert not drawn.exhaustive
    assert drawn.loss != many.loss
    # 209 draws: within four standard errors.
    assert abs(drawn.loss - exact.loss) < 4 * drawn.standard_error
    assert 0 < drawn.standard_error < 0.2
    assert exact.excess > 0


@pytest.mark.parametrize("sizes", [[3, 2, 2], [2, 2, 2]])
def test_control_variate_has_the_mean_that_is_used_for_it(sizes):
    labels = np.repeat(np.arange(3), sizes)
    unit = unit_rows(np.random.default_rng(4).normal(size=(len(labels), 5)))
    terms = supcon_terms(sizes, 4, temperature=0.5)
    means = np.stack([unit[labels == c].mean(axis=0) for c in range(3)])
    found = []
    for chosen in itertools.combinations_with_replacement(range(len(labels)), 4):
        batch, codes = unit[list(chosen)], labels[list(chosen)]
        value = tilt = 0.0
        for c in np.unique(codes):
            inside = codes == c
            l = int(inside.sum())  # noqa: E741
            rest = batch[~inside]
            value += terms.value[l]
            if len(rest):
                tilt += terms.slope[l] * (np.mean(batch[inside] @ rest.T) + terms.spread[l])
        found.append((value, tilt))
    value, tilt = np.mean(found, axis=0)
    assert value == pytest.approx(terms.bound.mean, rel=1e-12)
    assert tilt == pytest.approx(terms.expected_tilt(means @ means.T), rel=1e-10)


def test_pairing_with_the_bound_reduces_the_error_of_a_collapsed_network():
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(3), 30)
    features = simplex_rows(3)[labels] + 0.02 * rng.normal(size=(90, 3))
    found = supcon_distance(features, labels, 12, temperature=0.5, max_batches=200, rng=rng)
    assert found.excess > 0
    # The losses themselves deviate by more than 1 from batch to batch.
    assert found.standard_error < 0.01


def test_a_lone_anchor_contributes_nothing():
    labels = np.array([0, 1])
    found = supcon_distance(np.eye(2), labels, 2, temperature=1.0, rng=np.random.default_rng(0))
    # Batches {0,0}, {0,1}, {1,1}: a pair of copies has log e^1 − 1 = 0, the mixed one no positive.
    assert found.loss == 0
    assert found.bound == supcon_bound([1, 1], 2).mean == 0


def test_simplex_classifier_is_at_the_cross_entropy_bound():
    labels = np.repeat(np.arange(4), 3)
    rows = simplex_rows(4)
    found = cross_entropy_distance(3.0 * rows[labels], labels, 0.5 * rows, bias=np.ones(4))
    assert found.excess == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("sizes", [[4, 4, 4], [9, 3, 1]])
def test_random_classifiers_with_biases_are_above_the_bound(sizes):
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(3), sizes)
    for _ in range(5):
        found = cross_entropy_distance(
            rng.normal(size=(len(labels), 4)),
            labels,
            rng.normal(size=(3, 4)),
            bias=rng.normal(size=3),
        )
        assert found.excess > 0


def test_a_bias_that_only_tells_the_priors_is_respected():
    # Tiny features: the best bias reaches the entropy of the priors, below log K.
    labels = np.repeat(np.arange(2), [99, 1])
    features = 1e-3 * np.random.default_rng(3).normal(size=(100, 2))
    bias = np.log([0.99, 0.01])
    found = cross_entropy_distance(features, labels, 1e-3 * np.eye(2), bias=bias)
    assert found.loss < np.log(2) / 5
    assert 0 <= found.bound < found.loss


def test_the_distance_survives_a_file(tmp_path):
    labels = np.array([0, 0, 1, 1])
    found = cross_entropy_distance(np.eye(2)[labels], labels, np.eye(2))
    assert load_result(save(found, tmp_path / "distance.json")) == found


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (np.ones(4), np.zeros(4, int), "shape"),
        (np.ones((4, 2)), np.zeros(3, int), "shape"),
        (np.ones((4, 2)), np.zeros(4), "integers"),
        (np.full((4, 2), np.inf), np.array([0, 0, 1, 1]), "8 values"),
        (np.ones((4, 2)), np.array([0, 0, 2, 2]), "class 1 is absent"),
        (np.ones((4, 2)), np.array([0, 0, -1, 1]), "unlabelled"),
        (np.zeros((4, 2)), np.array([0, 0, 1, 1]), "features of 4 samples are zero"),
    ],
)
def test_bad_features_are_refused(features, labels, message):
    with pytest.raises(InputError, match=message):
        supcon_distance(features, labels, 2, temperature=1.0, rng=np.random.default_rng(0))


def test_bad_classifiers_are_refused():
    labels = np.array([0, 0, 1, 1])
    with pytest.raises(InputError, match="weight has shape"):
        cross_entropy_distance(np.ones((4, 2)), labels, np.ones((3, 2)))
    with pytest.raises(InputError, match="norm of the weight"):
        cross_entropy_distance(np.ones((4, 2)), labels, np.zeros((2, 2)))
    with pytest.raises(InputError, match="max_batches"):
        supcon_distance(
            np.ones((4, 2)), labels, 2, temperature=1.0, max_batches=1, rng=np.random.default_rng(0)
        )
