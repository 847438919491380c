"""The information-bottleneck curve: solutions along beta and the transitions between them."""

import dataclasses
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck.deadline import OUT_OF_TIME
from ibcollapse.bottleneck.results.hull import CurvePoint, Hull
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.errors import InputError
from ibcollapse.frames import make_dataset, make_frame
from ibcollapse.storage.serialize import register, save

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@register("bottleneck/IBCurve")
@dataclasses.dataclass(frozen=True)
class IBCurve:
    """Certified points of the information curve I(T;Y) against I(X;T), in nats.

    Attributes
    ----------
    solutions : tuple of IBSolution
        By increasing beta. A first-order transition appears as two solutions at the same beta,
        the ends of the straight segment.
    transitions : tuple of PhaseTransition
        By increasing beta.
    i_xy, h_y : float
        I(X;Y) of the channel and entropy of the labels, nats.
    class_names : tuple of str
        Names of the columns of the decoders.
    status : str
        "converged", or a sentence that says where and why the curve ends early.
    """

    solutions: tuple[IBSolution, ...]
    transitions: tuple[PhaseTransition, ...]
    i_xy: float
    h_y: float
    class_names: tuple[str, ...]
    status: str

    @property
    def is_out_of_time(self) -> bool:
        """Whether `time_limit` ended it: with `resume`, a later call goes on."""
        return self.status.startswith(OUT_OF_TIME)

    @property
    def beta(self) -> NDArray[np.float64]:
        """Trade-offs, shape (n_solutions,), increasing."""
        return self._column("beta")

    @property
    def i_xt(self) -> NDArray[np.float64]:
        """I(X;T) in nats, shape (n_solutions,)."""
        return self._column("i_xt")

    @property
    def i_ty(self) -> NDArray[np.float64]:
        """I(T;Y) in nats, shape (n_solutions,)."""
        return self._column("i_ty")

    @property
    def gap(self) -> NDArray[np.float64]:
        """Optimality gaps in nats, shape (n_solutions,)."""
        return self._column("gap")

    @property
    def n_clusters(self) -> NDArray[np.int64]:
        """Distinct clusters, shape (n_solutions,)."""
        return np.array([s.n_clusters for s in self.solutions], dtype=np.int64)

    def _column(self, name: str) -> NDArray[np.float64]:
        return np.array([getattr(s, name) for s in self.solutions], dtype=np.float64)

    @functools.cached_property
    def _hull(self) -> Hull:
        return Hull(self.solutions)

    def hull(self) -> NDArray[np.float64]:
        """Vertices (I(X;T), I(T;Y)) in nats of the concave hull, shape (n, 2), from the origin."""
        return np.array([(knot.i_xt, knot.i_ty) for knot in self._hull.knots])

    def at_rate(self, i_xt: float) -> CurvePoint:
        """The point of the curve at this I(X;T), nats.

        Between two solutions the curve is interpolated by the concave parabola that has their
        slopes 1/beta (error O(h⁴) in their distance h); on the straight segment of a first-order
        transition it is exact. `CurvePoint.i_ty_low` and `i_ty_high` enclose the true curve.

        Raises
        ------
        InputError
            When `i_xt` is negative, NaN, or beyond the last solution.

        Examples
        --------
        >>> from math import log
        >>> from ibcollapse import Channel, trace_curve
        >>> curve = trace_curve(Channel.from_joint([[0.45, 0.05], [0.05, 0.45]]))
        >>> point = curve.at_rate(0.69643273 * log(2))
        >>> round(point.beta, 5), round(point.i_ty / log(2), 6)
        (2.0, 0.407234)
        """
        return self._hull.at_rate(float(i_xt))

    def at_relevance(self, i_ty: float) -> CurvePoint:
        """The point of the curve at this I(T;Y), nats; interpolated and raising as `at_rate`."""
        return self._hull.at_relevance(float(i_ty))

    def at_beta(self, beta: float) -> CurvePoint:
        """The optimum at this trade-off, interpolated as in `at_rate`.

        At the beta of a first-order transition, where a whole segment is optimal, its lower end.

        Raises
        ------
        InputError
            When `beta` is negative, NaN, or beyond the last solution (unless that solution keeps
            all of I(X;Y) and so is optimal at every larger beta).
        """
        if not beta >= 0:
            raise InputError(f"beta is {beta}, expected at least 0")
        last = self._hull.knots[-1]
        if beta > last.beta_high and last.i_ty < self.i_xy * (1 - 1e-12):
            raise InputError(
                f"beta = {beta:.9g} is beyond the last solution, at beta = {last.beta_high:.9g}; "
                "trace the curve with a larger fraction or beta_max"
            )
        return self._hull.at_beta(float(beta))

    def resample(self, i_xt: ArrayLike) -> NDArray[np.float64]:
        """I(T;Y) in nats at the rates `i_xt`, same shape; NaN beyond the last solution.

        Raises
        ------
        InputError
            When a rate is negative or NaN.
        """
        rates = np.asarray(i_xt, dtype=np.float64)
        if not (rates >= 0).all():
            raise InputError("i_xt holds negative rates or NaN; expected nats of at least 0")
        end = self._hull.knots[-1].i_xt
        values = [self.at_rate(float(r)).i_ty if r <= end else np.nan for r in rates.ravel()]
        return np.array(values, dtype=np.float64).reshape(rates.shape)

    def to_pandas(self) -> "pd.DataFrame":
        """One row a solution: beta, i_xt, i_ty (nats), gap, clusters, converged."""
        columns: dict[str, Any] = {
            name: self._column(name) for name in ("beta", "i_xt", "i_ty", "lagrangian", "gap")
        }
        columns |= {"clusters": self.n_clusters, "converged": [s.converged for s in self.solutions]}
        return make_frame(columns)

    def transitions_to_pandas(self) -> "pd.DataFrame":
        """One row a transition, a column for each field of `PhaseTransition`."""
        names = [field.name for field in dataclasses.fields(PhaseTransition)]
        return make_frame({name: [getattr(t, name) for t in self.transitions] for name in names})

    def to_xarray(self) -> "xr.Dataset":
        """Dataset along `point` with coordinate `beta`, decoders over `cluster` and `class_name`.

        Beyond the clusters of a point, weights are 0 and decoders NaN. Nats.
        """
        n_most = max((len(s.p_t) for s in self.solutions), default=0)
        weights = np.zeros((len(self.solutions), n_most))
        decoders = np.full((*weights.shape, len(self.class_names)), np.nan)
        for i, s in enumerate(self.solutions):
            weights[i, : len(s.p_t)], decoders[i, : len(s.p_t)] = s.p_t, s.p_y_given_t
        columns = {name: self._column(name) for name in ("i_xt", "i_ty", "lagrangian", "gap")}
        return make_dataset(
            {
                **{name: (["point"], column) for name, column in columns.items()},
                "n_clusters": (["point"], self.n_clusters),
                "p_t": (["point", "cluster"], weights),
                "p_y_given_t": (["point", "cluster", "class_name"], decoders),
                "transition_beta": (["transition"], [t.beta for t in self.transitions]),
                "transition_order": (["transition"], [t.order for t in self.transitions]),
            },
            {
                "beta": (["point"], self.beta),
                "class_name": (["class_name"], list(self.class_names)),
            },
            {"units": "nats", "i_xy": self.i_xy, "h_y": self.h_y, "status": self.status},
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)
