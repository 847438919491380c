import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.landscape import descend_free_features, supcon_geometry
from ibcollapse.landscape.free_loss import FreeSupCon
from ibcollapse.serialize import load_result, save

COUNTS = [10, 10, 2, 2]


def descend(dimension, **options):
    options = {"n_starts": 20, "rng": np.random.default_rng(0)} | options
    return descend_free_features(COUNTS, 1.0, dimension=dimension, **options)


@pytest.mark.parametrize("dimension", [3, 4, 5, 6, 8])
def test_every_start_reaches_the_global_minimum_from_rank_on(dimension):
    ends = descend(dimension)
    assert ends.status == "converged"
    # Theory §3; the loss is quadratic in the gradient norm of 1e-8.
    assert ends.losses == pytest.approx(np.full(20, 2.3961759191), abs=5e-11)
    assert ends.optimal(atol=1e-10).all()
    assert ends.curvatures.min() > 1e-3


def test_the_ends_have_the_predicted_gram():
    ends = descend(5, n_starts=3)
    labels = np.repeat(np.arange(4), COUNTS)
    predicted = supcon_geometry(COUNTS, 1.0).gram[np.ix_(labels, labels)]
    for h in ends.features:
        assert h @ h.T == pytest.approx(predicted, abs=1e-5)


def test_too_few_dimensions_cannot_reach_it():
    ends = descend(2)
    assert not ends.optimal().any()
    # They are minima of their own: several losses, no way down.
    assert ends.curvatures.min() > 0
    assert np.ptp(ends.losses) > 1e-3


@pytest.mark.parametrize("dimension", [4, 5, 6])
def test_relu_features_reach_the_orthogonal_frame_or_stop_above_it(dimension):
    ends = descend(dimension, n_starts=40, relu=True)
    assert ends.predicted_loss == pytest.approx(2.5760377590, abs=5e-11)  # theory §3
    assert ends.features.min() >= 0
    assert ends.losses.min() == pytest.approx(ends.predicted_loss, abs=1e-10)
    optimal = ends.optimal()
    assert 20 <= optimal.sum() < 40
    # The spurious ends have two classes on one axis: far above, not slow.
    assert ends.losses[~optimal].min() > ends.predicted_loss + 0.02


def test_a_relu_minimum_is_spurious_in_more_than_enough_dimensions():
    # d = K + 1. The majority classes occupy two axes each, the minority classes share the fifth.
    a, b, m = np.zeros((3, 5))
    a[[0, 3]], b[[1, 4]], m[2] = (0.8, 0.6), (0.6, 0.8), 1.0
    h = np.repeat([a, b, m, m], COUNTS, axis=0)
    loss = FreeSupCon(np.repeat(np.arange(4), COUNTS), 1.0)
    value = float(loss.value_and_slope(h)[0])
    assert value > supcon_geometry(COUNTS, 1.0, relu=True).loss + 0.02
    rng = np.random.default_rng(0)
    for size in (1e-4, 1e-3, 1e-2):
        moved = np.maximum(h + size * rng.normal(size=(2000, 24, 5)), 0)
        # Whole classes parting into one axis is the move that comes closest to paying.
        parting = (
            h[None]
            + size * np.abs(rng.normal(size=(2000, 4, 5)))[:, np.repeat(np.arange(4), COUNTS)]
        )
        for trial in (moved, parting):
            trial = trial / np.linalg.norm(trial, axis=-1, keepdims=True)
            assert loss.value_and_slope(trial)[0].min() > value


def test_running_out_of_steps_is_a_status():
    ends = descend(3, max_steps=3, n_starts=4)
    assert "4 of 4 starts" in ends.status
    assert "max_steps" in ends.status


def test_the_same_generator_gives_the_same_ends():
    first, second = (descend(3, n_starts=2, rng=np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.features, second.features)


def test_the_ends_survive_a_file(tmp_path):
    ends = descend(3, n_starts=2)
    loaded = load_result(save(ends, tmp_path / "ends.h5"))
    assert np.array_equal(loaded.features, ends.features)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dimension": 1}, "dimension is 1"),
        ({"dimension": 3, "n_starts": 0}, "n_starts"),
        ({"dimension": 3, "max_steps": 0}, "max_steps"),
        ({"dimension": 3, "tol": 0.0}, "tol"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        descend(**options)
