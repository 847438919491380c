"""What the engine is measured against: Blahut–Arimoto in plain NumPy, and the package embo.

Both are asked for the same thing, the Lagrangian I(X;T) − beta I(T;Y) in nats at a true beta, so
that a time never stands without the value that it bought.
"""

import dataclasses
import math
import time

import numpy as np
from scipy.special import rel_entr, xlogy

TINY = np.finfo(np.float64).tiny


@dataclasses.dataclass(frozen=True)
class RivalResult:
    """End of a rival's run: informations in nats and the Lagrangian at the beta asked for.

    `n_iterations` is None where the rival does not tell.
    """

    i_xt: float
    i_ty: float
    lagrangian: float
    n_iterations: int | None


def negentropy_of(p_y_given_x: np.ndarray) -> np.ndarray:
    """sum_y p(y|x) log p(y|x) of each row, nats: the same in every sweep."""
    return xlogy(p_y_given_x, p_y_given_x).sum(axis=1)


def numpy_encoder(
    p_y_given_x: np.ndarray,
    negentropy: np.ndarray,
    log_p_y_given_t: np.ndarray,
    log_p_t: np.ndarray,
    beta: float,
) -> np.ndarray:
    """p(t|x), (n_x, n_t)."""
    kl = negentropy[:, None] - p_y_given_x @ log_p_y_given_t.T
    exponents = log_p_t - beta * kl
    exponents -= exponents.max(axis=1, keepdims=True)
    p_t_given_x = np.exp(exponents)
    p_t_given_x /= p_t_given_x.sum(axis=1, keepdims=True)
    return p_t_given_x


def numpy_sweep(
    p_x: np.ndarray,
    p_y_given_x: np.ndarray,
    negentropy: np.ndarray,
    log_p_y_given_t: np.ndarray,
    log_p_t: np.ndarray,
    beta: float,
) -> np.ndarray:
    """Joint p(t, y) after one map, as a straightforward NumPy program computes it."""
    p_t_given_x = numpy_encoder(p_y_given_x, negentropy, log_p_y_given_t, log_p_t, beta)
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
    target: float | None = None,
    max_seconds: float = math.inf,
) -> RivalResult:
    """The self-consistent equations iterated from a random encoder, all clusters kept.

    The iteration of Tishby, Pereira and Bialek (1999, arXiv physics/0004057), which is the
    alternating minimisation of Blahut (1972, doi 10.1109/TIT.1972.1054855). Stops when no entry
    of the joint p(t, y) moves by more than `tol`, when the Lagrangian is at most `target` (looked
    at after every tenth more maps, so that looking costs little), or after `max_seconds` of CPU.
    """
    looked, start = 0, time.process_time()
    negentropy = negentropy_of(p_y_given_x)
    encoder = rng.dirichlet(np.ones(n_t), len(p_x))
    joint, moved, n_iterations = (p_x[:, None] * encoder).T @ p_y_given_x, np.inf, 0
    while moved > tol and n_iterations < max_iterations:
        following = numpy_sweep(p_x, p_y_given_x, negentropy, *log_decoders_of(joint), beta)
        moved, joint, n_iterations = np.abs(following - joint).max(), following, n_iterations + 1
        if n_iterations > 1.1 * looked:
            looked = n_iterations
            encoder = numpy_encoder(p_y_given_x, negentropy, *log_decoders_of(joint), beta)
            reached = achieved(p_x, p_y_given_x, encoder, beta, n_iterations)
            if target is not None and reached.lagrangian <= target:
                return reached
            if time.process_time() - start > max_seconds:
                return reached
    encoder = numpy_encoder(p_y_given_x, negentropy, *log_decoders_of(joint), beta)
    return achieved(p_x, p_y_given_x, encoder, beta, n_iterations)


def log_decoders_of(joint: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log p(y|t) and log p(t), zeros replaced so that 0 · log 0 stays 0 in the products."""
    p_t = np.maximum(joint.sum(axis=1), TINY)
    return np.log(np.maximum(joint / p_t[:, None], TINY)), np.log(p_t)


def embo_blahut_arimoto(
    p_x: np.ndarray,
    p_y_given_x: np.ndarray,
    beta: float,
    n_t: int,
    *,
    seed: int = 0,
    restarts: int = 3,
    tol: float = 1e-12,
    max_iterations: int = 100_000,
) -> RivalResult:
    """Embo 1.1.0 (E. Piasini, A. Filipowicz, J. Levine) at a true beta, the best of its restarts.

    Embo raises e, not 2, to −b times a divergence in bits, so its b is beta · ln 2. Its own loop
    for one beta is called, without the pool of processes that its class starts around it. Its
    `tol` is relative, on the change of −sum_x p(x) log Z(x) in one step.
    """
    from embo import InformationBottleneck

    np.random.seed(seed)  # noqa: NPY002  (embo draws from NumPy's global generator)
    bits_x, bits_y, _, _ = InformationBottleneck.beta_iter(
        1,
        beta * np.log(2.0),
        p_x,
        p_x @ p_y_given_x,
        p_y_given_x.T,
        n_t,
        restarts,
        max_iterations,
        rtol=tol,
    )
    i_xt, i_ty = float(bits_x * np.log(2.0)), float(bits_y * np.log(2.0))
    return RivalResult(i_xt, i_ty, i_xt - beta * i_ty, None)


def achieved(
    p_x: np.ndarray, p_y_given_x: np.ndarray, p_t_given_x: np.ndarray, beta: float, iterations: int
) -> RivalResult:
    """What an encoder achieves, whoever made it."""
    p_xt = p_x[:, None] * p_t_given_x
    i_xt = mutual_information(p_xt)
    i_ty = mutual_information(p_xt.T @ p_y_given_x)
    return RivalResult(i_xt, i_ty, i_xt - beta * i_ty, iterations)


def mutual_information(joint: np.ndarray) -> float:
    """I of a joint table, nats."""
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return float(rel_entr(joint, independent).sum())
