import numpy as np
import pytest
import scipy.linalg

from ibcollapse.errors import InputError
from ibcollapse.features import FeatureWriter
from ibcollapse.geometry import simplex_vertices
from ibcollapse.matrix_information import effective_ranks, matrix_information
from ibcollapse.serialize import from_dict, to_dict


def collapsed(path, weight=None, per_class=4):
    """Ten points of a simplex shifted off the origin, float64."""
    simplex = np.pad(simplex_vertices(10), ((0, 0), (0, 3)))
    y = np.repeat(np.arange(10), per_class)
    with FeatureWriter(path) as writer:
        writer.append({"encoder": simplex[y] + 2.0}, y, epoch=3, split="train")
        if weight is not None:
            writer.classifier(weight, layer="encoder", epoch=3)
    return path


def test_collapsed_features_with_their_self_dual_classifier(tmp_path):
    # Song et al. 2024: 0.9523507825 at K = 10, HDR 0, centred.
    path = collapsed(tmp_path / "a.h5", np.pad(5 * simplex_vertices(10), ((0, 0), (0, 3))))
    found = matrix_information(path, centred=True, n_permutations=2)
    assert found.against == "classifier rows"
    assert found.mir == pytest.approx(0.9523507825, abs=1e-9)
    assert found.hdr == pytest.approx(0.0, abs=1e-9)
    assert found.null_mean < found.mir


def test_class_means_stand_in_for_a_classifier(tmp_path):
    path = collapsed(tmp_path / "a.h5")
    found = matrix_information(path, centred=True, n_permutations=0)
    assert found.against == "class means"
    assert found.mir == pytest.approx(0.9523507825, abs=1e-9)
    with pytest.raises(InputError, match="no classifier is stored"):
        matrix_information(path, against="classifier")


def test_two_files_and_two_arrays_agree(tmp_path):
    rng = np.random.default_rng(0)
    y, arrays = np.arange(30) % 3, [rng.normal(size=(30, d)) for d in (4, 6)]
    for name, x in zip("ab", arrays, strict=True):
        with FeatureWriter(tmp_path / f"{name}.h5") as writer:
            writer.append({"head": x}, y, epoch=0, split="test")
    stored = matrix_information(tmp_path / "a.h5", tmp_path / "b.h5", seed=3)
    assert stored == matrix_information(*arrays, seed=3)
    assert from_dict(to_dict(stored)) == stored
    assert stored.against == "second representation"


def test_whole_is_exact_through_the_small_side():
    # 20 000 samples, whose Grams would take 3 GB each, are 200 samples repeated 100 times each.
    rng = np.random.default_rng(1)
    y = rng.integers(4, size=20_000)
    x = 2 * rng.normal(size=(4, 6))[y] + rng.normal(size=(20_000, 6))
    few = np.concatenate([np.flatnonzero(y == c)[:50] for c in range(4)])
    x[:], y[:] = np.tile(x[few], (100, 1)), np.tile(y[few], 100)
    whole = matrix_information((x, y), n_permutations=0)
    distinct = matrix_information((x[:200], y[:200]), n_permutations=0)
    assert whole.mir == pytest.approx(distinct.mir, rel=1e-9)
    assert whole.n_samples == 20_000


def test_what_cannot_be_compared_is_refused():
    x, y = np.random.default_rng(2).normal(size=(8, 2)), np.arange(8) % 2
    with pytest.raises(InputError, match="without labels"):
        matrix_information(x)
    with pytest.raises(InputError, match="both be arrays"):
        matrix_information(x, (x, y))
    with pytest.raises(InputError, match="either b or against"):
        matrix_information((x, y), (x, y), against="classifier")
    with pytest.raises(InputError, match="against 'rows'"):
        matrix_information((x, y), against="rows")


def test_effective_ranks_agree_with_the_features_singular_values():
    rng = np.random.default_rng(3)
    y = np.arange(90) % 3
    x = 3 * rng.normal(size=(3, 5))[y] + rng.normal(size=(90, 5)) @ np.diag([3, 1, 1, 0.1, 0]) + 1
    found = effective_ranks((x, y))
    sigma = np.linalg.svd(x, compute_uv=False)
    weights = sigma / sigma.sum()
    assert found.rankme == pytest.approx(np.exp(-weights @ np.log(weights)), rel=1e-10)
    spectrum = np.linalg.eigvalsh(np.cov(x.T))
    expected = spectrum.sum() ** 2 / np.sum(spectrum**2)
    assert found.participation_ratio == pytest.approx(expected, rel=1e-10)
    assert found.rankme_squared < found.rankme
    assert 1 < found.lidar <= 2
    assert (found.n_samples, found.n_features, found.n_classes) == (90, 5, 3)


def test_lidar_weighs_the_classes_alike_in_both_covariances():
    # Thilak et al. 2023: expectations over surrogate classes, then inside them.
    rng = np.random.default_rng(6)
    y = np.repeat(np.arange(4), [60, 30, 8, 5])
    noise = np.array([0.2, 1.0, 3.0, 0.5])[y, None] * rng.normal(size=(len(y), 6))
    x = 2 * rng.normal(size=(4, 6))[y] + noise * np.linspace(0.3, 2, 6)
    means = np.stack([x[y == c].mean(axis=0) for c in range(4)])
    within = np.mean([np.cov(x[y == c].T, bias=True) for c in range(4)], axis=0) + 1e-4 * np.eye(6)
    between = np.cov(means.T, bias=True)
    root = scipy.linalg.fractional_matrix_power(within, -0.5)
    weights = np.sort(np.linalg.eigvalsh(root @ between @ root))[-3:]
    weights /= weights.sum()
    expected = np.exp(-weights @ np.log(weights))
    assert effective_ranks((x, y)).lidar == pytest.approx(expected, rel=1e-9)


def test_effective_ranks_of_rank_deficient_features_ignore_rounding():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 40))
    assert effective_ranks((x, np.arange(60) % 2)).rankme <= 2.0
