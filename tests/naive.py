"""Slow, obvious references for the fast algorithms: one loop or one NumPy line a formula."""

import numpy as np
from scipy.special import logsumexp, rel_entr


def naive_kl(p_y_given_x, p_y_given_t):
    """KL(p(y|x) ‖ p(y|t)) in nats, (n_x, n_t), row by row."""
    rows = [[rel_entr(w, r).sum() for r in p_y_given_t] for w in p_y_given_x]
    return np.array(rows)


def naive_log_terms(p_y_given_x, p_y_given_t, log_p_t, beta):
    """log p(t) - beta KL, (n_x, n_t); a distortion counts nothing at beta = 0."""
    kl = naive_kl(p_y_given_x, p_y_given_t)
    return log_p_t - (beta * kl if beta > 0 else 0.0 * np.isfinite(kl))


def naive_sweep(p_x, p_y_given_x, p_y_given_t, log_p_t, beta):
    """Joint p(t, y), log Z(x) and encoder p(t|x) of one Blahut–Arimoto map."""
    terms = naive_log_terms(p_y_given_x, p_y_given_t, log_p_t, beta)
    log_z = logsumexp(terms, axis=1)
    p_t_given_x = np.exp(terms - log_z[:, None])
    joint = np.einsum("x,xt,xy->ty", p_x, p_t_given_x, p_y_given_x)
    return joint, log_z, p_t_given_x


def naive_potential(log_weights, p_y_given_x, candidates, beta):
    """log Phi of each candidate and the weighted mean of p(y|x) it ascends to."""
    terms = log_weights[:, None] + naive_log_terms(
        p_y_given_x, candidates, np.zeros(len(candidates)), beta
    )
    log_phi = logsumexp(terms, axis=0)
    shares = np.exp(terms - log_phi)
    return log_phi, shares.T @ p_y_given_x


def naive_second_moments(p_x, p_y_given_x, p_t_given_x):
    """Sum over rows of p(x) q qᵀ with q = p(t|x) p(y|x) flattened, row by row."""
    size = p_t_given_x.shape[1] * p_y_given_x.shape[1]
    total = np.zeros((size, size))
    for weight, encoder, posterior in zip(p_x, p_t_given_x, p_y_given_x, strict=True):
        q = np.outer(encoder, posterior).ravel()
        total += weight * np.outer(q, q)
    return total
