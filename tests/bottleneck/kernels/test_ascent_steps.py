import numpy as np
import pytest

from ibcollapse.bottleneck.kernels.ascent_steps import (
    damped_step,
    go_on,
    judge_trials,
    take_trials,
)


def symmetric(size, seed):
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    return matrix + matrix.T


def test_step_of_a_positive_definite_matrix_solves_it_undamped():
    matrix = symmetric(60, 0) + 40 * np.eye(60)
    gradient = np.random.default_rng(1).normal(size=60)
    step, damping = damped_step(np.tril(matrix), gradient, 0.0)
    assert damping == 0.0
    np.testing.assert_allclose(step, np.linalg.solve(matrix, gradient), rtol=1e-10)


@pytest.mark.parametrize("shift", [0.0, -1.0])
def test_step_of_an_indefinite_matrix_is_damped_until_it_ascends(shift):
    matrix = symmetric(60, 2) + shift * np.eye(60)
    gradient = np.random.default_rng(3).normal(size=60)
    step, damping = damped_step(np.tril(matrix), gradient, 0.0)
    damped = matrix + damping * np.eye(60)
    assert np.linalg.eigvalsh(damped)[0] > 0
    np.testing.assert_allclose(damped @ step, gradient, atol=1e-10)


def test_the_two_halves_are_the_whole():
    n, size, beta = 5, 12, 3.0
    rng = np.random.default_rng(4)
    log_r = np.log(rng.dirichlet(np.ones(size), n))
    w = rng.dirichlet(np.ones(size), (n, 40))
    mean, second = w.mean(axis=1), np.einsum("nxy,nxz->nyz", w, w) / 40
    met = np.arange(n, dtype=np.intp), rng.normal(size=n), mean, second

    def fresh():
        return (
            log_r.copy(),
            np.full(n, -np.inf),
            log_r.copy(),
            np.zeros((n, size)),
            np.zeros((n, size)),
            np.zeros((n, size, size)),
            np.zeros(n),
            np.zeros(n, dtype=np.int64),
            np.zeros(n, dtype=np.bool_),
        )

    whole, halves = fresh(), fresh()
    judge_trials(*met, beta, 1e-14, 80, *whole)
    take_trials(*met, beta, 80, *halves)
    log, _, ahead, gradient, inverse, matrix, damping, _, resting = halves
    moving = np.flatnonzero(~resting)
    steps = np.empty((len(moving), size))
    for k, i in enumerate(moving):
        steps[k], damping[i] = damped_step(matrix[i], gradient[i], damping[i])
    go_on(moving, steps, beta, 1e-14, log, ahead, gradient, inverse, resting)
    for one, other in zip(whole, halves, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
