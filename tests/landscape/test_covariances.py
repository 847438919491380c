import h5py
import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError, InputError
from ibcollapse.landscape import covariances_from_pairs, load_pairs, rare_group_covariance


def test_population_covariances_are_recovered():
    rng = np.random.default_rng(0)
    n = 40_000
    signal = rng.normal(size=(n, 3)) * [2.0, 1.0, 0.5]
    views = [signal + rng.normal(size=(n, 3)) * [0.5, 1.0, 0.2] + 100.0 for _ in range(2)]
    found = covariances_from_pairs(*views)
    # Standard errors are about variance·√(2/n) ≈ 0.7 %; five of them.
    assert np.diag(found.a0) == pytest.approx([4.0, 1.0, 0.25], rel=0.06)
    assert np.diag(found.c) == pytest.approx([0.25, 1.0, 0.04], rel=0.06)
    assert found.clipped == 0


def test_both_parts_add_up_to_the_covariance_of_a_view():
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(500, 4))
    a, b = (signal + 0.3 * rng.normal(size=(500, 4)) for _ in range(2))
    found = covariances_from_pairs(a, b)
    expected = (np.cov(a.T) + np.cov(b.T)) / 2
    assert found.a0 + found.c == pytest.approx(expected, abs=1e-12)


def test_noise_that_makes_the_data_part_indefinite_is_clipped_and_said():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 20, 5))
    found = covariances_from_pairs(a, b)
    assert found.clipped > 0
    assert np.linalg.eigvalsh(found.a0)[0] > -1e-12
    assert np.linalg.eigvalsh(found.c)[0] > 0


def test_a_rare_group_adds_its_between_group_variance():
    shift, fraction = np.array([3.0, -1.0]), 0.1
    x = np.zeros((100_000, 2))
    x[: int(fraction * len(x))] = shift
    # a = p(1 − p)|δ|² (theory §7); the sample has the fraction exactly.
    expected = np.cov(x.T, bias=True)
    assert rare_group_covariance(fraction, shift) == pytest.approx(expected, abs=1e-12)
    assert np.trace(expected) == pytest.approx(0.09 * 10)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_pairs_come_back_from_a_file(tmp_path, suffix):
    a, b = np.random.default_rng(4).normal(size=(2, 6, 3)).astype(np.float32)
    path = tmp_path / f"pairs{suffix}"
    if suffix == ".npz":
        np.savez(path, view_a=a, view_b=b)
    else:
        with h5py.File(path, "w") as file:
            file["view_a"], file["view_b"] = a, b
    loaded = load_pairs(path)
    assert loaded[0].dtype == np.float64
    assert np.array_equal(loaded[0], a)
    assert np.array_equal(loaded[1], b)


def test_files_without_pairs_are_refused(tmp_path):
    with pytest.raises(FeatureFileNotFoundError, match="no such feature file"):
        load_pairs(tmp_path / "absent.npz")
    np.savez(tmp_path / "one.npz", view_a=np.eye(2))
    with pytest.raises(FeatureFileError, match="view_b"):
        load_pairs(tmp_path / "one.npz")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(FeatureFileError, match="not an HDF5 file"):
        load_pairs(tmp_path / "text.h5")


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones((3, 2)), np.ones((4, 2)), "same shape"),
        (np.ones(3), np.ones(3), "shapes"),
        (np.ones((1, 2)), np.ones((1, 2)), "two rows"),
        (np.full((3, 2), np.nan), np.ones((3, 2)), "6 values"),
    ],
)
def test_bad_views_are_refused(a, b, message):
    with pytest.raises(InputError, match=message):
        covariances_from_pairs(a, b)


@pytest.mark.parametrize(("fraction", "shift"), [(0.0, [1.0]), (1.0, [1.0]), (0.5, [[1.0]])])
def test_bad_groups_are_refused(fraction, shift):
    with pytest.raises(InputError):
        rare_group_covariance(fraction, np.array(shift))
