"""Violators off the faces of the simplex, on which structural zeros keep every ascent."""

import numpy as np
import pytest
from bottleneck import zoo
from naive import naive_log_terms, naive_potential
from scipy.special import logsumexp
from sklearn.datasets import load_digits

from ibcollapse.bottleneck import Channel, certify, solve, trace_curve
from ibcollapse.bottleneck.kernels.decoders import floored_log
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.objective.potential import potential_weights
from ibcollapse.bottleneck.pricing.faces import off_faces

LIFTS = (1e-6, 1e-3, 1e-2, 1e-1)


def sparse_counts(seed, n_x, n_classes, total, alpha):
    """Counts like those of words by topics: products of two sparse factors, drawn once."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(4, 0.5), n_x) @ rng.dirichlet(np.full(n_classes, alpha), 4)
    p *= rng.dirichlet(np.ones(n_x))[:, None]
    counts = rng.multinomial(total, (p / p.sum()).ravel()).reshape(n_x, n_classes)
    return counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]


def digits_by_pixel():
    x, y = load_digits(return_X_y=True)
    counts = np.array([x[y == c].sum(axis=0) for c in range(10)]).astype(np.int64)
    return counts[:, counts.sum(axis=0) > 0]


def highest_potential(table, solution, n_maps=200):
    """max log Φ met by the plain map from rows and atoms lifted off their faces, and where."""
    p = table / table.sum()
    p_x, w = p.sum(axis=1), p / p.sum(axis=1, keepdims=True)
    p_y = p.sum(axis=0)
    log_terms = np.log(solution.p_t) - solution.beta * divergence(w, solution.p_y_given_t)
    peak = log_terms.max(axis=1)
    log_z = peak + np.log(np.exp(log_terms - peak[:, None]).sum(axis=1))
    points = np.concatenate([w, solution.p_y_given_t])
    r = np.concatenate([(1 - lift) * points + lift * p_y for lift in LIFTS])
    log_v = np.log(p_x) - log_z
    for _ in range(n_maps):
        scores = log_v[:, None] - solution.beta * divergence(w, r)
        peak = scores.max(axis=0)
        terms = np.exp(scores - peak)
        log_phi = peak + np.log(terms.sum(axis=0))
        r = (terms / terms.sum(axis=0)).T @ w
    best = log_phi.argmax()
    return log_phi[best], r[best]


def divergence(w, r):
    """KL(w ‖ r), (n_x, n), as good as infinite where r lacks a class of w."""
    own = np.where(w > 0, w * np.log(np.maximum(w, 1e-300)), 0.0).sum(axis=1)
    return own[:, None] - w @ np.where(r > 0, np.log(np.maximum(r, 1e-300)), -1e30).T


# Each had a violator of 6e-7 to 3.5e-2 nats beyond a gap of 1e-10, ended in NaN that counted as
# converged, or in an eigenvalue that did not converge.
CASES = {
    "digits by pixel": (digits_by_pixel, 12.9590943),
    "10 x 30": (lambda: sparse_counts(3, 10, 30, 3000, 0.3), 7.7589027),
    "100 x 20": (lambda: sparse_counts(4, 100, 20, 5000, 0.2), 6.3100641),
    "60 x 12": (lambda: sparse_counts(0, 60, 12, 1500, 0.3), 9.9742949),
    "an eigenvalue": (lambda: sparse_counts(0, 100, 20, 5000, 0.2), 11.9159017),
    "not a number": (lambda: sparse_counts(7, 100, 20, 5000, 0.2), 16.0224),
}


@pytest.mark.parametrize("name", CASES)
def test_no_lifted_start_finds_more_than_the_gap(name):
    make, beta = CASES[name]
    table = make()
    solution = solve(table, beta)
    assert solution.converged
    assert np.isfinite(solution.p_t).all()
    assert np.isfinite(solution.lagrangian)
    found, _ = highest_potential(table, solution)
    assert found <= solution.gap + 1e-9
    again = certify(table, solution.p_t, solution.p_y_given_t, beta)
    assert again.gap <= 1e-9


def test_certify_finds_the_violator_of_a_state_that_is_on_faces():
    table = sparse_counts(0, 60, 12, 1500, 0.3)
    whole = solve(table, 9.9742949)
    # Without its lightest clusters the state is stationary nowhere, and not optimal either.
    keep = whole.p_t > 0.01
    p_t = whole.p_t[keep] / whole.p_t[keep].sum()
    verdict = certify(table, p_t, whole.p_y_given_t[keep], whole.beta)
    assert verdict.gap > 1e-4
    assert verdict.lagrangian - whole.lagrangian <= verdict.gap + 1e-12


def two_rows(leak):
    """A row that has one class only and a row that has a share `leak` of the other."""
    w = np.array([[1.0, 0.0], [1.0 - leak, leak]])
    return Channel.from_joint(0.5 * w)


@pytest.mark.parametrize("beta", [1.5, 3.0, 8.0])
@pytest.mark.parametrize("leak", [1e-11, 1e-6, 0.01, 0.1])
def test_a_row_that_loses_less_than_a_beta_th_takes_the_decoder_off_its_face(leak, beta):
    """With Z = 1 at p(y), Φ at the face lacks the second row; its lift has infinite slope."""
    channel = two_rows(leak)
    trivial = Mixture.from_probabilities(np.ones(1), channel.p_y[None])
    log_v = potential_weights(channel, evaluate(channel, trivial, beta).log_z)
    corner = floored_log(np.array([[1.0, 0.0]]))
    found = off_faces(channel, log_v, corner, beta, 1e-13)
    if beta * leak >= 1:
        assert len(found) == 0
        return
    assert len(found) == 1
    # The map ends in the only maximum that there is below the onset: p(y).
    log_weights = np.log(channel.p_x)
    here, _ = naive_potential(log_weights, channel.p_y_given_x, np.exp(found), beta)
    face, _ = naive_potential(log_weights, channel.p_y_given_x, np.exp(corner), beta)
    assert here > face + 1e-13


def test_a_face_is_left_alone_where_every_row_loses_too_much():
    channel = two_rows(0.5)
    beta = 4.0
    trivial = Mixture.from_probabilities(np.ones(1), channel.p_y[None])
    log_v = potential_weights(channel, evaluate(channel, trivial, beta).log_z)
    corner = floored_log(np.array([[1.0, 0.0]]))
    assert len(off_faces(channel, log_v, corner, beta, 1e-13)) == 0


def test_decoders_inside_are_left_alone():
    channel = two_rows(0.3)
    log_v = np.log(channel.p_x)
    assert len(off_faces(channel, log_v, np.log(channel.p_y)[None], 2.0, 1e-13)) == 0


def test_an_entry_that_vanishes_where_beta_w_reaches_one_is_no_split():
    """Rows that hold 1/6 of a class lose it at beta = 6, where nothing happens to the optimum.

    A certified split of 5 clusters was reported there; `solve` has 5 until 6.09711.
    """
    joint = zoo.member("sparse_counts/20x8/1000").joint
    curve = trace_curve(joint, n_points=20, fraction=0.6)
    betas = np.array([t.beta for t in curve.transitions])
    near = betas[(betas > 5.5) & (betas < 6.5)]
    np.testing.assert_allclose(near, [6.0971124619], rtol=1e-9)
    assert solve(joint, 6.05).n_clusters == 5
    assert solve(joint, 6.11).n_clusters == 6


def test_a_cluster_that_grows_from_a_face_is_born_where_the_interior_fails():
    # 16 cells of the iris table; the third cluster is born next to a corner, 1.7e-5 away from it.
    counts = [
        [48, 2, 0], [12, 24, 6], [0, 16, 17], [0, 17, 26], [0, 23, 16], [6, 16, 12], [13, 6, 12],
        [19, 1, 7], [37, 0, 0], [5, 29, 0], [0, 21, 22], [0, 0, 32], [40, 0, 0], [10, 36, 0],
        [0, 16, 17], [0, 0, 36],
    ]  # fmt: skip
    joint = np.array(counts) / np.sum(counts)
    curve = trace_curve(joint, n_points=20, fraction=0.6)
    second = curve.transitions[1]
    assert (second.clusters_before, second.clusters_after, second.certified) == (2, 3, True)
    at_birth = [s for s in curve.solutions if s.beta == second.beta and s.n_clusters == 2]
    assert at_birth
    lifts = np.geomspace(1e-14, 1e-2, 60)
    beside = np.stack([0.0 * lifts, lifts, 1.0 - lifts], axis=1)
    p_x = joint.sum(axis=1)
    rows = joint / p_x[:, None]
    for s in curve.solutions:
        log_z = logsumexp(naive_log_terms(rows, s.p_y_given_t, np.log(s.p_t), s.beta), axis=1)
        log_phi, _ = naive_potential(np.log(p_x) - log_z, rows, beside, s.beta)
        assert log_phi.max() <= s.gap + 1e-9
