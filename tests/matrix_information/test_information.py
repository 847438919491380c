import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.matrix_information.information import information_of_rows
from ibcollapse.matrix_information.rows import unit_rows


def information(x, y, **options):
    options.setdefault("n_permutations", 0)
    return information_of_rows(unit_rows(x), unit_rows(y), **options)


def equiangular(n_classes, cosine):
    gram = (1 - cosine) * np.eye(n_classes) + cosine
    return np.linalg.cholesky(gram)


# Song et al. 2024: 1/(K-1) + (K-2) log(K-2) / ((K-1) log(K-1)).
@pytest.mark.parametrize(("n_classes", "mir"), [(3, 0.5), (10, 0.9523507825)])
def test_collapse_with_the_self_dual_classifier(n_classes, mir):
    simplex = np.eye(n_classes) - 1 / n_classes
    found = information(simplex, simplex)
    assert found.mir == pytest.approx(mir, abs=1e-9)
    assert found.hdr == pytest.approx(0.0, abs=1e-12)
    repeated = information(np.repeat(simplex, 7, axis=0), np.repeat(simplex, 7, axis=0))
    assert repeated.mir == pytest.approx(mir, abs=1e-9)


# theory, collapse_and_identifiability section 6; cosine 0 is exact: joint = either.
@pytest.mark.parametrize(("cosine", "mir"), [(0.0, 1.0), (0.5, 0.7395072), (0.9, 0.3345720)])
def test_equiangular_rows(cosine, mir):
    rows = equiangular(10, cosine)
    assert information(rows, rows).mir == pytest.approx(mir, abs=1e-6)


def test_grams_are_multiplied_and_not_features():
    # Products of feature matrices, seen in published code, leave the interval [0, 1].
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.normal(size=(12, 6)), rng.normal(size=(12, 6))
        assert 0 <= information(x, y).mir <= 1 + 1e-12


def test_independent_features_have_a_large_mir_and_the_null_says_so():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(64, 128)), rng.normal(size=(64, 128))
    found = information(x, y, n_permutations=19)
    assert found.mir > 0.9
    assert found.p_value > 0.05
    assert abs(found.z) < 3.5
    assert found.null_mean == pytest.approx(found.mir, abs=0.01)


def test_aligned_features_stand_out_of_the_null():
    rng = np.random.default_rng(2)
    codes = np.repeat(np.arange(4), 16)
    means = rng.normal(size=(4, 3))
    x = means[codes] + 0.05 * rng.normal(size=(64, 3))
    y = means[codes] @ rng.normal(size=(3, 3)) + 0.05 * rng.normal(size=(64, 3))
    found = information(x, y, n_permutations=19)
    assert found.p_value == 1 / 20
    assert abs(found.z) > 5


def test_entropies_obey_the_hadamard_inequalities():
    rng = np.random.default_rng(3)
    found = information(rng.normal(size=(20, 4)), rng.normal(size=(20, 6)), alpha=2.0)
    assert max(found.entropy_a, found.entropy_b) <= found.entropy_joint + 1e-12
    assert found.entropy_joint <= found.entropy_a + found.entropy_b + 1e-12
    assert found.mutual_information == pytest.approx(
        found.entropy_a + found.entropy_b - found.entropy_joint
    )


def test_batches_average_and_drop_the_short_one():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(50, 5)), rng.normal(size=(50, 5))
    found = information(x, y, batch_size=16)
    assert (found.n_batches, found.n_samples) == (3, 48)
    assert found.entropy_a < np.log(16)
    assert found == information(x, y, batch_size=16)


def test_one_direction_has_no_ratio():
    found = information(np.ones((5, 2)), np.ones((5, 2)))
    assert np.isnan(found.mir)
    assert np.isnan(found.hdr)
    assert found.mutual_information == 0.0


def test_bad_sizes_are_refused():
    x = np.eye(4)
    with pytest.raises(InputError, match="4 samples against 3"):
        information(x, x[:3])
    with pytest.raises(InputError, match="batch_size = 5"):
        information(x, x, batch_size=5)
    with pytest.raises(InputError, match="n_permutations = 1"):
        information(x, x, n_permutations=1)
