import h5py
import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.features import open_features
from ibcollapse.landscape import (
    cross_entropy_distance,
    network_bounds,
    supcon_distance,
)
from ibcollapse.serialize import load_result, save


@pytest.fixture
def collapsed():
    """Three classes of 20 samples, each at its corner of a simplex of unit radius."""
    corners = np.eye(3) - 1 / 3
    y = np.repeat(np.arange(3), 20)
    return (corners / np.linalg.norm(corners[0]))[y], y


def test_collapsed_simplex_features_are_at_the_bound_on_average(collapsed):
    # Equality iff simplex collapse holds for every batch against its own part of the bound.
    found = network_bounds(collapsed, temperature=1.0, batch_size=8, n_batches=400).supcon
    assert abs(found.excess) < 1e-12
    assert found.standard_error < 1e-12
    noisy = collapsed[0] + 0.5 * np.random.default_rng(0).normal(size=(60, 3))
    other = network_bounds(
        (noisy, collapsed[1]), temperature=1.0, batch_size=8, n_batches=400
    ).supcon
    assert other.excess > 5 * other.standard_error
    assert other.bound == found.bound


@pytest.mark.parametrize("counts", [(20, 20, 20), (40, 15, 5)])
@pytest.mark.parametrize("seed", range(6))
def test_a_loss_never_lies_below_its_bound_whatever_batches_are_drawn(counts, seed):
    # Two drawn batches of nearly collapsed features: beside the bound of all batches, the mean of
    # their own losses is as often below as above.
    y = np.repeat(np.arange(3), counts)
    corners = np.eye(3) - 1 / 3
    for noise in (0.0, 0.01, 0.3):
        x = corners[y] + noise * np.random.default_rng(seed).normal(size=(60, 3))
        found = network_bounds((x, y), temperature=1.0, batch_size=8, n_batches=2, seed=seed).supcon
        assert found.excess >= -1e-12


def test_a_sample_at_the_origin_that_no_batch_holds_is_no_harm():
    y = np.arange(3000) % 3
    x = np.eye(3)[y] + 0.1 * np.random.default_rng(0).normal(size=(3000, 3))
    x[7] = 0.0
    found = network_bounds((x, y), batch_size=4, n_batches=2)
    assert found.supcon.excess > 0


def test_it_is_the_distance_of_the_whole_array(collapsed):
    rng = np.random.default_rng(1)
    x = collapsed[0] + 0.3 * rng.normal(size=(60, 3))
    options = {"temperature": 0.5, "batch_size": 6, "n_batches": 50, "seed": 3}
    streamed = network_bounds((x, collapsed[1]), **options)
    whole = supcon_distance(
        x, collapsed[1], 6, temperature=0.5, max_batches=50, rng=np.random.default_rng(3)
    )
    assert streamed.supcon.loss == pytest.approx(whole.loss, rel=1e-12)
    assert streamed.supcon.bound == whole.bound


def test_the_stored_classifier_is_read_in_blocks(tmp_path):
    from ibcollapse.features import FeatureWriter

    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = (2.0 * np.eye(3, 4)[y] + rng.normal(size=(90, 4))).astype(np.float32)
    weight, bias = rng.normal(size=(3, 4)), rng.normal(size=3)
    with FeatureWriter(tmp_path / "a.h5", class_names=["a", "b", "c"]) as writer:
        writer.append({"last": x}, y, epoch=0)
        writer.classifier(weight, bias, layer="last", epoch=0)
    source = open_features(tmp_path / "a.h5")
    found = network_bounds(source, batch_size=10, n_batches=20)
    stored = source.classifier
    whole = cross_entropy_distance(x.astype(float), y, stored.weight, bias=stored.bias)
    assert found.cross_entropy.loss == pytest.approx(whole.loss, rel=1e-10)
    assert found.cross_entropy.bound == pytest.approx(whole.bound, rel=1e-10)
    assert found.cross_entropy.excess > 0
    loaded = load_result(save(found, tmp_path / "bounds.h5"))
    assert loaded.cross_entropy == found.cross_entropy


def test_without_a_classifier_a_note_says_so(collapsed):
    found = network_bounds(collapsed, batch_size=500, n_batches=2)
    assert found.cross_entropy is None
    assert "no classifier" in found.note
    assert found.batch_size == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature"),
        ({"batch_size": 1}, "at least 2"),
        ({"n_batches": 1}, "at least 2"),
    ],
)
def test_bad_options_are_refused(collapsed, options, message):
    with pytest.raises(InputError, match=message):
        network_bounds(collapsed, **options)


def test_a_feature_without_direction_is_refused(tmp_path):
    x, y = np.ones((8, 2)), np.arange(8) % 2
    x[3] = 0.0
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"], file["labels"] = x, y
    with pytest.raises(InputError, match="no direction"):
        network_bounds(tmp_path / "a.h5", n_batches=50)
