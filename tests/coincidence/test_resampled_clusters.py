import numpy as np
import pytest

from ibcollapse.bottleneck import Channel, find_transitions
from ibcollapse.coincidence.resampled_clusters import resampled_beta_all
from ibcollapse.progress import SILENT

# Wu & Fischer's table: the third cluster comes at 5.60927 (theory, information_bottleneck 2).
WU_FISCHER = Channel(
    np.full(3, 1 / 3),
    np.log(np.array([[0.7, 0.15, 0.15], [0.3, 0.5, 0.2], [0.075, 0.025, 0.9]])),
)


def resampled(channel, beta_all, n_samples, n_draws):
    return resampled_beta_all(
        channel,
        beta_all,
        n_samples=n_samples,
        n_draws=n_draws,
        rng=np.random.default_rng(0),
        progress=SILENT,
    )


def test_each_draw_is_the_transition_of_a_traced_resample():
    found = resampled(WU_FISCHER, 5.60927, 400, 4)
    rng = np.random.default_rng(0)
    for beta in found:
        weights = rng.multinomial(400, WU_FISCHER.p_x) / 400
        traced = find_transitions(Channel(weights, WU_FISCHER.log_p_y_given_x), fraction=1.0)
        expected = next(t.beta for t in traced if t.clusters_after >= 3)
        # Brackets close at 2 % of beta − 1 and their middle is taken.
        assert np.log(beta - 1) == pytest.approx(np.log(expected - 1), abs=0.011)


def test_many_samples_leave_the_transition_where_it_is():
    found = resampled(WU_FISCHER, 5.60927, 10**8, 3)
    np.testing.assert_allclose(np.log(found - 1), np.log(4.60927), atol=0.012)


def test_a_resample_without_a_class_is_never_told_apart():
    # Two of three points carry the third class almost alone and are seldom drawn.
    w = np.array([[0.9, 0.09, 0.01], [0.09, 0.9, 0.01], [0.01, 0.01, 0.98]])
    channel = Channel(np.array([0.4999, 0.4999, 0.0002]), np.log(w))
    assert np.isinf(resampled(channel, 3.0, 20, 2)).all()
