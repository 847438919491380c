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


def naive_information(p_x, p_y_given_x, p_t_given_x):
    """I(X;T) and I(T;Y) in nats from the two joint tables themselves."""
    p_xt = p_x[:, None] * p_t_given_x
    p_ty = p_xt.T @ p_y_given_x
    informations = []
    for joint in (p_xt, p_ty):
        independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        informations.append(float(rel_entr(joint, independent).sum()))
    return tuple(informations)


def naive_lagrangian(p_x, p_y_given_x, p_y_given_t, p_t, beta):
    """−Σ p(x) log Z(x) − beta I(X;Y), nats: the free energy of a state, from its definition."""
    with np.errstate(divide="ignore"):
        log_z = naive_sweep(p_x, p_y_given_x, p_y_given_t, np.log(p_t), beta)[1]
    i_xy = float(p_x @ naive_kl(p_y_given_x, (p_x @ p_y_given_x)[None])[:, 0])
    return -float(p_x @ log_z) - beta * i_xy


def naive_blahut_arimoto(p_x, p_y_given_x, p_t_given_x, beta, n_maps):
    """Encoder p(t|x) after `n_maps` plain maps from a given one."""
    for _ in range(n_maps):
        joint = (p_x[:, None] * p_t_given_x).T @ p_y_given_x
        joint = joint[joint.sum(axis=1) > 1e-300]
        p_t = joint.sum(axis=1)
        # Σ_y p(y|x) log p(y|x) is the same for every cluster and cancels.
        p_t_given_x = p_t * np.exp(beta * p_y_given_x @ np.log(joint / p_t[:, None]).T)
        p_t_given_x /= p_t_given_x.sum(axis=1, keepdims=True)
    return p_t_given_x


def naive_simplex_grid(n_classes, n_steps):
    """Every point of the class simplex whose coordinates are multiples of 1/n_steps, (n, K)."""
    if n_classes == 1:
        return np.array([[n_steps]]) / n_steps
    points = [
        (*head, n_steps - sum(head))
        for head in np.ndindex(*(n_steps + 1,) * (n_classes - 1))
        if sum(head) <= n_steps
    ]
    return np.array(points) / n_steps


def naive_weights(p_x, p_y_given_x, p_y_given_t, beta, n_maps):
    """Weights of fixed decoders after many multiplicative (EM) steps of the convex problem."""
    e = np.exp(-beta * naive_kl(p_y_given_x, p_y_given_t))
    p_t = np.full(len(p_y_given_t), 1 / len(p_y_given_t))
    for _ in range(n_maps):
        p_t = p_t * ((p_x / (e @ p_t)) @ e)
    return p_t
