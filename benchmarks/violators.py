"""A search for violators that shares no code with the solver: only NumPy, dense, from many starts.

For a state with weights w_t and decoders r_t at beta (theory §1),

    Z(x) = Σ_t w_t exp(−beta KL(W_x ‖ r_t)),   Φ(r) = Σ_x p(x) exp(−beta KL(W_x ‖ r)) / Z(x),

any r with log Φ(r) > 0 shows by how much the state's certificate must be off, wherever r came from.
Starts lie inside the simplex: on a face the ascent r ← Σ_x w_x W_x never leaves it, whatever Φ does
beside it. Rows and atoms are lifted by `LIFTS` towards p(y), and there are midpoints and random
points. The ascent is extrapolated in log r (SQUAREM), many starts at a time.
"""

import dataclasses

import numpy as np

LIFTS = (1e-6, 1e-3, 1e-2, 1e-1)
MOST_PAIRS = 60
MOST_RANDOM = 30
# Entries of all starts' scores in one pass: a limit of memory and time, not of accuracy.
MOST_SCORES = 400_000
# Cycles of two maps and an extrapolation: of all starts, of the best third, of the best few.
CYCLES = (4, 25, 150)
FEW = 12
RESTING = 1e-14
_TINY = 1e-300
_LONGEST = 64.0


def safe_log(values: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(values, _TINY))


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """A joint table at one beta: p (n,), rows W (n, K), their Σ W log W (n,), I(X;Y) in nats."""

    p: np.ndarray
    rows: np.ndarray
    negentropy: np.ndarray
    p_y: np.ndarray
    i_xy: float
    beta: float

    @classmethod
    def of(cls, joint: np.ndarray, beta: float) -> "Problem":
        joint = np.asarray(joint, dtype=np.float64)
        joint = joint[joint.sum(axis=1) > 0] / joint.sum()
        p = joint.sum(axis=1)
        rows = joint / p[:, None]
        p_y = p @ rows
        negentropy = (rows * safe_log(rows)).sum(axis=1)
        divergences = (rows * (safe_log(rows) - safe_log(p_y))).sum(axis=1)
        return cls(p, rows, negentropy, p_y, float(p @ divergences), float(beta))

    def scores(self, decoders: np.ndarray) -> np.ndarray:
        """−beta KL(W_x ‖ r), (n, m); −inf where r lacks a class that the row has."""
        inside = self.rows @ safe_log(decoders).T - self.negentropy[:, None]
        lost = self.rows @ (decoders <= _TINY).T
        # Less than this of a row is its rounding, and costs nothing at any beta in use.
        return np.where(lost > 1e-14, -np.inf, self.beta * np.minimum(inside, 0.0))

    def log_z(self, weights: np.ndarray, decoders: np.ndarray) -> np.ndarray:
        """log Z(x), (n,)."""
        return log_sum(self.scores(decoders) + np.log(weights), axis=1)

    def free_energy(self, log_z: np.ndarray) -> float:
        """−Σ p log Z − beta I(X;Y), nats: no less than the Lagrangian of one map's encoder."""
        return float(-self.p @ log_z - self.beta * self.i_xy)

    def informations(self, weights: np.ndarray, decoders: np.ndarray) -> tuple[float, float]:
        """I(X;T) and I(T;Y), nats, of the encoder p(t|x) ∝ w_t exp(−beta KL(W_x ‖ r_t))."""
        log_w = self.scores(decoders) + np.log(weights)
        encoder = np.exp(log_w - log_sum(log_w, axis=1)[:, None])
        joint = self.p[:, None] * encoder
        p_t = joint.sum(axis=0)
        kept = p_t > _TINY
        joint, p_t, encoder = joint[:, kept], p_t[kept], encoder[:, kept]
        p_y_given_t = (joint.T @ self.rows) / p_t[:, None]
        i_xt = float((joint * (safe_log(encoder) - np.log(p_t))).sum())
        i_ty = float((p_t[:, None] * p_y_given_t * _log_ratio(p_y_given_t, self.p_y)).sum())
        return i_xt, i_ty


def _log_ratio(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.where(p > 0, safe_log(p) - safe_log(q), 0.0)


def log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    top = values.max(axis=axis, keepdims=True)
    # A row that no atom reaches keeps −inf.
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(values - top).sum(axis=axis)) + top.squeeze(axis)


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """log Φ of the best decoders, decreasing (m,), and the decoders (m, K)."""

    log_phi: np.ndarray
    decoders: np.ndarray


def starts(problem: Problem, decoders: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Decoders in the interior: lifted rows and atoms, midpoints of pairs, random points."""
    k = problem.rows.shape[1]
    chosen = problem.rows
    most = max(8, MOST_SCORES // (len(problem.p) * (len(LIFTS) + 1)))
    if len(chosen) > most:
        chosen = chosen[rng.choice(len(chosen), most, replace=False)]
    atoms = decoders[:most]
    lifted = [
        (1 - lift) * source + lift * problem.p_y for lift in LIFTS for source in (chosen, atoms)
    ]
    midpoints = []
    for source in (chosen, atoms):
        pairs = rng.integers(len(source), size=(MOST_PAIRS, 2))
        middle = 0.5 * (source[pairs[:, 0]] + source[pairs[:, 1]])
        midpoints.append(0.99 * middle + 0.01 * problem.p_y)
    dense = [rng.dirichlet(np.full(k, a), MOST_RANDOM) for a in (0.3, 1.0)]
    # Classes that never occur stay empty: what a decoder gives them only costs.
    return _normal(np.concatenate([*lifted, *midpoints, *dense]) * (problem.p_y > 0))


def _normal(decoders: np.ndarray) -> np.ndarray:
    return decoders / decoders.sum(axis=1, keepdims=True)


def _map(problem: Problem, log_v: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log Φ of decoders r (m,) and their image under r ← Σ_x w_x W_x, w_x ∝ terms of Φ."""
    terms = problem.scores(r) + log_v[:, None]
    top = terms.max(axis=0)
    top = np.where(np.isfinite(top), top, 0.0)
    w = np.exp(terms - top)
    total = w.sum(axis=0)
    with np.errstate(divide="ignore"):
        log_phi = np.log(total) + top
    image = (w / np.where(total > 0, total, 1.0)).T @ problem.rows
    return log_phi, np.where((total > 0)[:, None], image, r)


def _ascend(problem: Problem, log_v: np.ndarray, r: np.ndarray, cycles: int) -> Found:
    log_phi = np.full(len(r), -np.inf)
    for _ in range(cycles):
        log_phi, first = _map(problem, log_v, r)
        _, second = _map(problem, log_v, first)
        step = safe_log(first) - safe_log(r)
        bend = safe_log(second) - safe_log(first) - step
        norms = [np.sqrt((first * d**2).sum(axis=1)) for d in (step, bend)]
        length = np.clip(norms[0] / np.maximum(norms[1], _TINY), 1.0, _LONGEST)[:, None]
        far = safe_log(r) + 2 * length * step + length**2 * bend
        far -= far.max(axis=1, keepdims=True)
        far = _normal(np.exp(far) * (problem.p_y > 0))
        at_far, at_second = _map(problem, log_v, far)[0], _map(problem, log_v, second)[0]
        better = at_far > at_second
        r = np.where(better[:, None], far, second)
        rise = np.where(better, at_far, at_second) - log_phi
        if not (rise > RESTING).any():
            break
    log_phi, _ = _map(problem, log_v, r)
    order = np.argsort(-log_phi)
    return Found(log_phi[order], r[order])


def search(
    problem: Problem,
    weights: np.ndarray,
    decoders: np.ndarray,
    rng: np.random.Generator,
    *,
    cycles: tuple[int, int, int] = CYCLES,
) -> Found:
    """The largest local maxima of Φ of a state that the starts lead to."""
    log_v = np.log(problem.p) - problem.log_z(weights, decoders)
    found = Found(np.empty(0), starts(problem, decoders, rng))
    for count, left in zip(cycles, (1.0, 1 / 3, 0.0), strict=True):
        kept = max(FEW, int(left * len(found.decoders)))
        found = _ascend(problem, log_v, found.decoders[:kept], count)
    return found


def improve(
    problem: Problem, weights: np.ndarray, decoders: np.ndarray, found: Found, maps: int = 1500
) -> float:
    """Lagrangian in nats that plain Blahut–Arimoto reaches with the violators as new atoms."""
    new = found.decoders[found.log_phi > 0][:FEW]
    share = 0.01 / max(len(new), 1)
    w = np.concatenate([weights * (1 - share * len(new)), np.full(len(new), share)])
    r = np.concatenate([decoders, new])
    for _ in range(maps):
        log_w = problem.scores(r) + np.log(w)
        encoder = np.exp(log_w - log_sum(log_w, axis=1)[:, None])
        joint = problem.p[:, None] * encoder
        w = joint.sum(axis=0)
        kept = w > 1e-14
        w, joint = w[kept], joint[:, kept]
        r = (joint.T @ problem.rows) / w[:, None]
        w = w / w.sum()
    i_xt, i_ty = problem.informations(w, r)
    return i_xt - problem.beta * i_ty
