"""Other information-bottleneck packages beside ours on small tables, at matched beta.

    python -m benchmarks.compare_packages

prints the Lagrangian I(X;T) − beta I(T;Y) in nats that each reaches and the milliseconds of the
fastest of three runs, so that compilation does not count. Packages that are not installed are named
and left out.
"""

import argparse
import functools
import importlib.util
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import ibcollapse as ib
from benchmarks.rivals import RivalResult, embo_blahut_arimoto, numpy_blahut_arimoto

WU_FISCHER = Path(__file__).parent.parent / "data" / "wu_fischer_joint.csv"


def problems() -> Iterator[tuple[str, ib.Channel, float]]:
    """Name, channel and beta: a nucleation just passed, and a table with poor local optima."""
    yield "Wu-Fischer 3 x 3, beta 2", ib.read_joint(WU_FISCHER), 2.0
    joint = np.random.default_rng(1).dirichlet(np.full(40, 0.5)).reshape(8, 5)
    yield "random 8 x 5, beta 3", ib.Channel.from_joint(joint), 3.0
    a, n_classes = 0.5, 3
    rows = a * np.eye(n_classes) + (1 - a) / n_classes
    yield "3-ary symmetric, beta 3.949367", ib.Channel.from_joint(rows / n_classes), 3.949367


def dit_blahut_arimoto(p_x: np.ndarray, p_y_given_x: np.ndarray, beta: float) -> RivalResult:
    """Dit 2.3's `IBCurve` with method "ba" at one beta; its information is in bits."""
    import dit
    from dit.rate_distortion import IBCurve

    joint = p_x[:, None] * p_y_given_x
    outcomes = [f"{x}{y}" for x, y in np.ndindex(joint.shape)]  # one digit a variable
    distribution = dit.Distribution(outcomes, joint.ravel())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = IBCurve(
            distribution, [[0], [1]], beta_min=beta, beta_max=beta, beta_num=1, method="ba"
        )
    i_xt, i_ty = curve.complexities[0] * np.log(2), curve.relevances[0] * np.log(2)
    return RivalResult(float(i_xt), float(i_ty), float(i_xt - beta * i_ty), None)


def timed(run: Callable[[], RivalResult], repeats: int = 3) -> tuple[float, RivalResult]:
    """Seconds of the fastest run, and the last result."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - began)
    return min(seconds), result


def plain_from(
    p_x: np.ndarray, p_y_given_x: np.ndarray, beta: float, n_t: int, seed: int
) -> RivalResult:
    """Plain Blahut–Arimoto from the random start of this seed, whoever calls how often."""
    rng = np.random.default_rng(seed)
    return numpy_blahut_arimoto(p_x, p_y_given_x, beta, n_t, rng=rng)


def rows_of(channel: ib.Channel, beta: float) -> Iterator[tuple[str, float, float]]:
    """Package, seconds, Lagrangian."""
    p_x, p_y_given_x = channel.p_x, np.exp(channel.log_p_y_given_x)
    n_t = channel.n_x
    seconds, ours = timed(lambda: ib.solve(channel, beta))  # type: ignore[arg-type, return-value]
    yield f"ibcollapse (gap {ours.gap:.1e})", seconds, ours.lagrangian  # type: ignore[attr-defined]
    for seed in range(3):
        seconds, plain = timed(functools.partial(plain_from, p_x, p_y_given_x, beta, n_t, seed))
        yield f"plain NumPy, random start {seed}", seconds, plain.lagrangian
    if importlib.util.find_spec("embo"):
        seconds, embo = timed(lambda: embo_blahut_arimoto(p_x, p_y_given_x, beta, n_t))
        yield "embo 1.1.0, 3 restarts, tol 1e-12", seconds, embo.lagrangian
    # Its 250 restarts of interpreted loops take minutes on anything larger than 3 x 3.
    if importlib.util.find_spec("dit") and p_y_given_x.size <= 9:
        seconds, dit = timed(lambda: dit_blahut_arimoto(p_x, p_y_given_x, beta), repeats=1)
        yield "dit 2.3, method ba", seconds, dit.lagrangian


def main() -> None:
    """Print one table a problem."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for package in ("embo", "dit"):
        if not importlib.util.find_spec(package):
            print(f"{package} is not installed: left out")
    for name, channel, beta in problems():
        print(f"\n{name}")
        for package, seconds, lagrangian in rows_of(channel, beta):
            print(f"  {package:36s} {lagrangian:14.9f} nats {1e3 * seconds:10.2f} ms")


if __name__ == "__main__":
    main()
