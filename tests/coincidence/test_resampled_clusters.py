import numpy as np
import pytest

from ibcollapse.bottleneck import Channel, find_transitions
from ibcollapse.bottleneck.solver.column_generation import solve_state
from ibcollapse.coincidence import resampled_clusters
from ibcollapse.coincidence.resampled_clusters import resampled_interval
from ibcollapse.progress import SILENT

# Wu & Fischer's table: the third cluster comes at 5.60927 (theory, information_bottleneck 2).
WU_FISCHER = Channel(
    np.full(3, 1 / 3),
    np.log(np.array([[0.7, 0.15, 0.15], [0.3, 0.5, 0.2], [0.075, 0.025, 0.9]])),
)


N_DRAWS = 8


def interval(channel, beta_all, n_samples, n_draws, confidence=1.0):
    return resampled_interval(
        channel,
        beta_all,
        confidence=confidence,
        n_samples=n_samples,
        n_draws=n_draws,
        rng=np.random.default_rng(0),
        progress=SILENT,
    )


@pytest.fixture(scope="module")
def traced():
    """The transition to three clusters of each resample, from its whole traced curve."""
    rng, found = np.random.default_rng(0), []
    for _ in range(N_DRAWS):
        weights = rng.multinomial(400, WU_FISCHER.p_x) / 400
        transitions = find_transitions(Channel(weights, WU_FISCHER.log_p_y_given_x), fraction=1.0)
        found.append(next(t.beta for t in transitions if t.clusters_after >= 3))
    return np.array(found)


@pytest.mark.parametrize("confidence", [1.0, 0.7, 0.3])
def test_the_ends_are_quantiles_of_traced_resamples(confidence, traced):
    edges = 0.5 - confidence / 2, 0.5 + confidence / 2
    expected = np.quantile(traced, edges, method="inverted_cdf")
    found = np.array(interval(WU_FISCHER, 5.60927, 400, N_DRAWS, confidence))
    # Brackets close at 2 % of beta − 1 and their middle is taken.
    np.testing.assert_allclose(np.log(found - 1), np.log(expected - 1), atol=0.011)


def test_most_resamples_are_solved_at_the_ends_only(monkeypatch):
    solved = []
    monkeypatch.setattr(
        resampled_clusters,
        "solve_state",
        lambda *arguments: solved.append(1) or solve_state(*arguments),
    )
    interval(WU_FISCHER, 5.60927, 400, 40, 0.95)
    # 6 or 7 a resample to bracket each of them.
    assert len(solved) < 3.5 * 40


def test_many_samples_leave_the_transition_where_it_is():
    found = np.array(interval(WU_FISCHER, 5.60927, 10**8, 3))
    np.testing.assert_allclose(np.log(found - 1), np.log(4.60927), atol=0.012)


def test_a_resample_without_a_class_is_never_told_apart():
    # Two of three points carry the third class almost alone and are seldom drawn.
    w = np.array([[0.9, 0.09, 0.01], [0.09, 0.9, 0.01], [0.01, 0.01, 0.98]])
    channel = Channel(np.array([0.4999, 0.4999, 0.0002]), np.log(w))
    assert np.isinf(interval(channel, 3.0, 20, 2)).all()
