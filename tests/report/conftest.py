"""Curves in closed form, as a solver would hand them over, and one small pair of networks."""

import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.matrix_information import effective_ranks, matrix_information
from ibcollapse.report import report_of

HOSTILE_NAMES = ("<script>alert(1)</script>", "a|b*c`$x^2$\x1b[31m\n", "very_long_class_name_" * 8)
FEW = ib.CoincidenceOptions(n_bootstrap=5, n_resamples=2, n_points=5, max_rows=30, max_clusters=3)


def solution(beta, i_xt, i_ty, p_t, p_y_given_t, status=CONVERGED):
    return IBSolution(
        beta=float(beta),
        i_xt=float(i_xt),
        i_ty=float(i_ty),
        lagrangian=float(i_xt - beta * i_ty),
        gap=0.0,
        gap_search="exhaustive",
        p_t=np.array(p_t, dtype=float),
        p_y_given_t=np.array(p_y_given_t, dtype=float),
        status=status,
        n_iterations=1,
        residual=0.0,
    )


def entropy(q):
    q = np.clip(q, 1e-300, 1.0)
    return -q * np.log(q) - (1 - q) * np.log1p(-np.minimum(q, 1 - 1e-16))


def transition(beta, beta_local, order, jump, clusters, separates, certified=True):
    return PhaseTransition(
        beta=float(beta),
        beta_local=float(beta_local),
        order=order,
        mechanism="jump" if order == 1 else "split",
        jump_i_xt=float(jump[0]),
        jump_i_ty=float(jump[1]),
        clusters_before=clusters[0],
        clusters_after=clusters[1],
        multiplicity=1,
        separates=separates,
        certified=certified,
    )


def binary_symmetric_curve(delta=0.1, n_points=40):
    """Mrs Gerber: I_X = log 2 − h(q), I_Y = log 2 − h(q∗δ), parametrised by q (theory §2)."""
    solutions = [solution(0.5 / (1 - 2 * delta) ** 2, 0, 0, [1.0], [[0.5, 0.5]])]
    for q in np.linspace(0.5 - 1e-4, 1e-4, n_points):
        mixed = q * (1 - delta) + (1 - q) * delta
        beta = np.log((1 - q) / q) / ((1 - 2 * delta) * np.log((1 - mixed) / mixed))
        decoders = [[mixed, 1 - mixed], [1 - mixed, mixed]]
        i_xt, i_ty = np.log(2) - entropy(q), np.log(2) - entropy(mixed)
        solutions.append(solution(beta, i_xt, i_ty, [0.5, 0.5], decoders))
    onset = (1 - 2 * delta) ** -2
    opening = transition(onset, onset, 2, (0, 0), (1, 2), (("0",), ("1",)))
    i_xy = np.log(2) - entropy(delta)
    return IBCurve(tuple(solutions), (opening,), i_xy, np.log(2), ("0", "1"), "converged")


def symmetric_curve(n_classes=10, error=0.1, n_points=40):
    """Concave envelope of (A(z), B(z)) of W = a I + (1 − a)/K, one first-order jump (theory §2)."""
    k = n_classes
    a = 1 - error * k / (k - 1)
    z = np.linspace(1e-3, 1 - 1e-9, 20_001)
    s = (1 + (k - 1) * z) / k
    t = a * s + (1 - a) / k
    i_xt = np.log(k) - entropy(s) - (1 - s) * np.log(k - 1)
    i_ty = np.log(k) - entropy(t) - (1 - t) * np.log(k - 1)
    # dI/dz = (K − 1)/K · log[(K − 1) s/(1 − s)], and the same in t with the factor a.
    beta = np.log((k - 1) * s / (1 - s)) / (a * np.log((k - 1) * t / (1 - t)))
    end = int(np.argmin(i_xt / i_ty))
    onset, local = i_xt[end] / i_ty[end], a**-2.0
    trivial = ([1.0], np.full((1, k), 1 / k))
    solutions = [solution(b, 0, 0, *trivial) for b in (1 + (onset - 1) / 2, onset)]
    for i in np.linspace(end, len(z) - 1, n_points).astype(int):
        decoders = np.full((k, k), (1 - t[i]) / (k - 1)) + np.eye(k) * (t[i] - (1 - t[i]) / (k - 1))
        at = onset if i == end else beta[i]
        solutions.append(solution(at, i_xt[i], i_ty[i], np.full(k, 1 / k), decoders))
    names = tuple(f"class {i}" for i in range(k))
    jump = transition(onset, local, 1, (i_xt[end], i_ty[end]), (1, k), tuple((n,) for n in names))
    i_xy = np.log(k) - entropy(1 - error) - error * np.log(k - 1)
    return IBCurve(tuple(solutions), (jump,), i_xy, np.log(k), names, "converged")


def crowded_curve(n_bits=12, n_points=160):
    """Independent binary symmetric channels side by side: at each beta their curves add up.

    Twelve continuous transitions. The decoders are left out (one column of ones): 2^12 classes.
    """
    betas = np.linspace(1.15, 3.2, n_bits)
    deltas = 0.5 * (1 - betas**-0.5)
    q = 0.5 - np.geomspace(1e-5, 0.5 - 1e-9, 4000)
    solutions, i_xy = [], sum(np.log(2) - entropy(d) for d in deltas)
    for beta in np.unique(np.concatenate([betas, np.geomspace(1.05, 12.0, n_points)])):
        totals = np.zeros(2)
        for delta in deltas:
            mixed = q * (1 - delta) + (1 - q) * delta
            i_xt, i_ty = np.log(2) - entropy(q), np.log(2) - entropy(mixed)
            best = np.argmin(i_xt - beta * i_ty)
            totals += max((0.0, 0.0), (i_xt[best], i_ty[best])) if beta > betas[0] else 0.0
        active = 2 ** int((betas < beta).sum())
        solutions.append(solution(beta, *totals, np.full(active, 1 / active), np.ones((active, 1))))
    transitions = tuple(
        transition(b, b, 2, (0, 0), (2**i, 2 ** (i + 1)), ((f"bit {i} = 0",), (f"bit {i} = 1",)))
        for i, b in enumerate(betas)
    )
    return IBCurve(tuple(solutions), transitions, i_xy, n_bits * np.log(2), ("-",), "converged")


@pytest.fixture(scope="session")
def binary_symmetric():
    return binary_symmetric_curve()


@pytest.fixture(scope="session")
def symmetric():
    return symmetric_curve()


@pytest.fixture(scope="session")
def collapsed():
    return symmetric_curve(error=1e-3)


@pytest.fixture(scope="session")
def crowded():
    return crowded_curve()


@pytest.fixture(scope="session")
def two_networks():
    """Three overlapping classes of 60, 40 and 20 samples in four dimensions, and a rotation."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), (60, 40, 20))
    x = 2.0 * np.eye(3, 4)[y] + rng.normal(size=(120, 4))
    names = np.array(HOSTILE_NAMES)[y]
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    return (x, names), (x @ turn + 0.1 * rng.normal(size=x.shape), names)


@pytest.fixture(scope="session")
def checkpoints(two_networks, tmp_path_factory):
    """Files of the two networks at two epochs, the classes twice as far apart at the second."""
    folder = tmp_path_factory.mktemp("checkpoints")
    paths = []
    for number, (x, names) in enumerate(two_networks):
        paths.append(folder / f"{number}.h5")
        with ib.FeatureWriter(paths[-1]) as writer:
            for epoch, scale in ((0, 0.5), (1, 1.0)):
                noise = np.random.default_rng(epoch).normal(size=x.shape)
                writer.append({"last": scale * x + noise}, names, epoch=epoch)
    return paths


@pytest.fixture(scope="session")
def measured(two_networks, checkpoints):
    first, second = two_networks
    return {
        "analysis": ib.curve(
            first, max_loss=0.05, n_points=10, fraction=0.7, hysteresis=True, bootstrap=3
        ),
        "geometry": ib.collapse_geometry(first),
        "information": matrix_information(first),
        "ranks": effective_ranks(first),
        "bounds": ib.landscape.network_bounds(first, batch_size=16, n_batches=20),
        "alignment": ib.align(first, second, n_bootstrap=10),
        "dynamics": ib.dynamics(*checkpoints, options=FEW),
    }


@pytest.fixture(scope="session")
def report(measured):
    """Every section, one of the two files with a name that would be markup."""
    return report_of(**measured, names=("a.h5", HOSTILE_NAMES[0]))
