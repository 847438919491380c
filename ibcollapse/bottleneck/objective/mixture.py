"""The state of a solution, atoms with weights, and its free energy with two derivatives.

With d(x, r) = KL(p(y|x) ‖ r), the information bottleneck at beta minimises over mixing measures
Σ_t p(t) δ_{r_t} on the class simplex the convex functional

    F = −Σ_x p(x) log Z(x),    Z(x) = Σ_t p(t) exp(−beta [d(x, r_t) − d(x, p_y)]),

and F is at least the Lagrangian I(X;T) − beta I(T;Y) of the encoder p(t|x) ∝ p(t) exp(−beta
d(x, r_t)), with equality at self-consistency (Harremoës and Tishby 2007, doi
10.1109/ISIT.2007.4557285). Distortions are counted from that of the trivial representation:
F is then the Lagrangian itself, zero for the trivial state, and near an onset its digits are not
lost in beta I(X;Y).
"""

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.decoders import floored_log, log_of_image
from ibcollapse.bottleneck.kernels.side_by_side import PARTS, side_by_side, stretches

Array = NDArray[np.float64]

# Multiply-adds from which on rows are evaluated in parts.
_WORTH_A_THREAD = 1_000_000

# Sums of exponentials between this and its inverse lose nothing to the ends of the range; finding
# the largest exponent of each row first takes a third of a sweep.
_LEAST_SUM = 1e-100

# Optima with hardly more atoms than classes are made of classes, others of groups of like rows.
_MORE_ATOMS = 1.2

UNIT = 2.3e-16
"""Rounding of the sum of a decoder: F and log Φ, nats, are known to beta times this at best."""


@dataclasses.dataclass(frozen=True, eq=False)
class Mixture:
    """Atoms of a mixing measure: log decoders (n_t, n_classes) and log weights (n_t,)."""

    log_r: Array
    log_q: Array

    @classmethod
    def from_probabilities(cls, p_t: Array, p_y_given_t: Array) -> "Mixture":
        """Mixture of plain probabilities; zeros become `LOG_ZERO`."""
        with np.errstate(divide="ignore"):
            return cls(floored_log(p_y_given_t), np.log(p_t))

    @classmethod
    def from_joint(cls, p_ty: Array) -> "Mixture":
        """Mixture of p(t, y) of an encoder, no cluster without weight, sum one or nearly so."""
        p_t = p_ty.sum(axis=1)
        return cls(log_of_image(p_ty / p_t[:, None]), np.log(p_t / p_t.sum()))

    @property
    def n_t(self) -> int:
        """Number of atoms."""
        return len(self.log_q)

    @functools.cached_property
    def r(self) -> Array:
        """Decoders, (n_t, n_classes)."""
        return np.exp(self.log_r)

    @functools.cached_property
    def q(self) -> Array:
        """Weights, (n_t,)."""
        return np.exp(self.log_q)

    @property
    def joint(self) -> Array:
        """p(t, y), (n_t, n_classes)."""
        masses: Array = self.q[:, None] * self.r
        return masses

    def take(self, keep: NDArray[np.intp] | NDArray[np.bool_]) -> "Mixture":
        """The chosen atoms, weights renormalised."""
        log_q = self.log_q[keep]
        return Mixture(self.log_r[keep], log_q - np.log(np.exp(log_q).sum()))


def trivial_mixture(channel: Channel) -> Mixture:
    """The representation that forgets everything: one atom at p(y)."""
    return Mixture.from_probabilities(np.ones(1), channel.p_y[None, :])


def exponents(channel: Channel, log_r: Array, beta: float) -> Array:
    """beta [KL(p(y|x) ‖ p_y) − KL(p(y|x) ‖ r_t)], shape (n_x, n_t)."""
    products: Array = channel.p_y_given_x @ (log_r - log_p_y(channel)).T
    products *= beta
    return products


def is_crowded(channel: Channel, n_t: int) -> bool:
    """Whether `n_t` atoms are more than classes can explain: rows, which are many, have their own.

    Then each row knows its atom, and hills are narrow and many.
    """
    return n_t > _MORE_ATOMS * channel.n_classes


def potential_offset(channel: Channel, log_v: Array, beta: float) -> Array:
    """The part of the scores of Φ that no decoder changes, (n_x,): log v − beta Σ_y w log p_y."""
    offset: Array = log_v - beta * (channel.p_y_given_x @ log_p_y(channel))
    return offset


def log_p_y(channel: Channel) -> Array:
    """log p(y), (n_classes,), `LOG_ZERO` for absent classes."""
    return floored_log(channel.p_y)


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """What one sweep over X gives.

    `free_energy` is F in nats, an upper bound of the encoder's Lagrangian, `log_z` is log Z(x)
    (n_x,), `p_t_given_x` is (n_x, n_t) and `joint` = Σ_x p(x) p(t|x) p(y|x) is (n_t, n_classes):
    the next Blahut–Arimoto state.
    """

    free_energy: float
    log_z: Array
    p_t_given_x: Array
    joint: Array

    @property
    def p_t(self) -> Array:
        """Σ_x p(x) p(t|x), (n_t,)."""
        total: Array = self.joint.sum(axis=1)
        return total


def evaluate(channel: Channel, mixture: Mixture, beta: float) -> Evaluation:
    """One sweep: free energy, responsibilities and the joint p(t, y)."""
    slopes = beta * (mixture.log_r - log_p_y(channel)).T
    n_x, n_t = channel.n_x, mixture.n_t
    parts = stretches(n_x, PARTS if n_x * slopes.size > _WORTH_A_THREAD else 1)
    log_z, p_t_given_x = np.empty(n_x), np.empty((n_x, n_t))
    joints, ones = np.empty((len(parts), n_t, channel.n_classes)), np.ones(n_t)

    def fill(part: int) -> None:
        rows = parts[part]
        w, terms = channel.p_y_given_x[rows], p_t_given_x[rows]

        def score() -> None:
            np.matmul(w, slopes, out=terms)
            np.add(terms, mixture.log_q, out=terms)

        score()
        with np.errstate(over="ignore"):
            np.exp(terms, out=terms)
        # A product takes a seventh of the time of a sum over so short an axis.
        z = terms @ ones
        log_z[rows] = 0.0
        if not (z.min() > _LEAST_SUM and z.max() < 1.0 / _LEAST_SUM):
            score()
            log_z[rows] = terms.max(axis=1)
            terms -= log_z[rows, None]
            np.exp(terms, out=terms)
            z = terms @ ones
        terms /= z[:, None]
        log_z[rows] += np.log(z)
        joints[part] = terms.T @ (w * channel.p_x[rows, None])

    side_by_side(fill, range(len(parts)))
    free_energy = -float(channel.p_x @ log_z)
    return Evaluation(free_energy, log_z, p_t_given_x, joints.sum(axis=0))


def gain(
    channel: Channel, here: Mixture, posteriors: Array, there: Mixture, beta: float
) -> tuple[float, float]:
    """How much lower F is at another state with as many atoms, and the rounding of that, nats.

    `posteriors` are p(t|x) (n_x, n_t) at `here`. With the changes D of the logarithms of all terms
    of Z, log Z'/Z = log(1 + Σ_t p(t|x) (e^D − 1)): the digits that F loses next to beta = 1, where
    Z is one but for beta − 1, never enter. Weights and decoders sum to one in exact arithmetic
    only, so that what rounding leaves of it is taken out.
    """
    moved = there.log_r - here.log_r
    moved -= np.log1p(np.sum(here.r * np.expm1(moved), axis=1))[:, None]
    grown = there.log_q - here.log_q
    grown -= np.log1p(here.q @ np.expm1(grown))
    changes = beta * (channel.p_y_given_x @ moved.T) + grown
    gained = float(channel.p_x @ np.log1p(np.sum(posteriors * np.expm1(changes), axis=1)))
    largest = float(channel.p_x @ np.sum(posteriors * np.abs(changes), axis=1))
    return gained, UNIT * len(channel.p_y) * largest


def blahut_arimoto_step(evaluation: Evaluation) -> Mixture:
    """The Blahut–Arimoto image of the state that was evaluated; atoms of no weight vanish."""
    return Mixture.from_joint(evaluation.joint[evaluation.p_t > 0])


def information(channel: Channel, joint: Array, p_t_given_x: Array) -> tuple[float, float]:
    """I(X;T) and I(T;Y) of an encoder, nats."""
    p_t = joint.sum(axis=1)
    terms = np.zeros_like(p_t_given_x)
    positive = p_t_given_x > 0
    with np.errstate(divide="ignore"):
        log_p_t = np.log(p_t)
    np.log(p_t_given_x, out=terms, where=positive)
    np.subtract(terms, log_p_t, out=terms, where=positive)
    i_xt = float(channel.p_x @ np.einsum("xt,xt->x", p_t_given_x, terms))
    return max(0.0, i_xt), max(0.0, channel.h_y - conditional_entropy(joint))


def mutual_information(joint: Array) -> float:
    """I of a joint table, nats."""
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return max(0.0, float(rel_entr(joint, independent).sum()))


def conditional_entropy(joint: Array) -> float:
    """H(Y|T) of p(t, y), nats."""
    p_t = joint.sum(axis=1, keepdims=True)
    terms = np.zeros_like(joint)
    positive = joint > 0
    ratio = np.divide(joint, p_t, out=np.ones_like(joint), where=positive)
    np.log(ratio, out=terms, where=positive)
    return -float(np.sum(joint * terms))
