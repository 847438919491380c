"""What the engine is measured against: Blahut–Arimoto in plain NumPy, and the package embo.

Both are asked for the same thing, the Lagrangian I(X;T) − beta I(T;Y) in nats at a true beta, so
that a time never stands without the value that it bought.
"""

import dataclasses

import numpy as np
from scipy.special import logsumexp, xlogy


@dataclasses.dataclass(frozen=True)
class RivalResult:
    """End of a rival's run: informations in nats and the Lagrangian at the beta asked for."""

    i_xt: float
    i_ty: float
    lagrangian: float
    n_iterations: int


def numpy_sweep(
    p_x: np.ndarray,
    p_y_given_x: np.ndarray,
    log_p_y_given_t: np.ndarray,
    log_p_t: np.ndarray,
    beta: float,
) -> np.ndarray:
    """Joint p(t, y) after one map, as a straightforward NumPy program computes it."""
    negentropy = xlogy(p_y_given_x, p_y_given_x).sum(axis=1)
    kl = negentropy[:, None] - p_y_given_x @ log_p_y_given_t.T
    exponents = log_p_t - beta * kl
    exponents -= exponents.max(axis=1, keepdims=True)
    p_t_given_x = np.exp(exponents)
    p_t_given_x /= p_t_given_x.sum(axis=1, keepdims=True)
    return (p_x[:, None] * p_t_given_x).T @ p_y_given_x


def numpy_blahut_arimoto(
    p_x: np.ndarray,
    p_y_given_x: np.ndarray,
    beta: float,
    n_t: int,
    *,
    rng: np.random.Generator,
    tol: float = 1e-12,
    max_iterations: int = 1_000_000,
) -> RivalResult:
    """The self-consistent equations iterated from a random encoder, all decoders alive.

    The iteration of Tishby, Pereira and Bialek (1999, arXiv physics/0004057, section 3), which is
    the alternating minimisation of Blahut (1972, doi 10.1109/TIT.1972.1054855). Stops when no entry
    of p(t) and p(y|t) p(t) moves by more than `tol`.
    """
    p_t_given_x = rng.dirichlet(np.ones(n_t), len(p_x))
    joint = (p_x[:, None] * p_t_given_x).T @ p_y_given_x
    for iteration in range(1, max_iterations + 1):
        p_t = joint.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_p_t = np.log(p_t)
            log_decoders = np.where(joint > 0.0, np.log(joint), -745.0 + log_p_t[:, None])
            log_decoders = np.where(p_t[:, None] > 0.0, log_decoders - log_p_t[:, None], 0.0)
        following = numpy_sweep(p_x, p_y_given_x, log_decoders, log_p_t, beta)
        moved = np.abs(following - joint).max()
        joint = following
        if moved < tol:
            break
    p_t = joint.sum(axis=1)
    alive = p_t > 0.0
    log_decoders = np.log(np.maximum(joint[alive] / p_t[alive, None], 1e-323))
    negentropy = xlogy(p_y_given_x, p_y_given_x).sum(axis=1)
    exponents = np.log(p_t[alive]) - beta * (negentropy[:, None] - p_y_given_x @ log_decoders.T)
    encoder = np.exp(exponents - logsumexp(exponents, axis=1, keepdims=True))
    return informations(p_x, p_y_given_x, encoder, beta, iteration)


def informations(
    p_x: np.ndarray, p_y_given_x: np.ndarray, p_t_given_x: np.ndarray, beta: float, iterations: int
) -> RivalResult:
    """What an encoder achieves, whoever made it."""
    p_xt = p_x[:, None] * p_t_given_x
    i_xt = mutual_information(p_xt)
    i_ty = mutual_information(p_xt.T @ p_y_given_x)
    return RivalResult(i_xt, i_ty, i_xt - beta * i_ty, iterations)


def mutual_information(joint: np.ndarray) -> float:
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return float(
        xlogy(joint, joint).sum() - xlogy(joint, np.where(joint > 0, independent, 1.0)).sum()
    )
