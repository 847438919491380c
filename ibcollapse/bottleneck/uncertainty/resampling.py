"""Single resamples of a channel's points, made in any process and kept in a file."""

import concurrent.futures
import dataclasses
import hashlib
import json
import math
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.deadline import INTERNAL_ERROR, OutOfTimeError, kept, seconds_left
from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.tracing.trace import trace_curve
from ibcollapse.bottleneck.uncertainty.matching import match_betas
from ibcollapse.errors import IBCollapseError, InputError
from ibcollapse.internal_errors import log_caught
from ibcollapse.storage.serialize import load_result, register, save

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Recipe:
    """How every resample is made: the points, their number, the reduction, the trace.

    None is made after the moment `until`.
    """

    channel: Channel
    n_samples: int
    seed: int
    reduction: dict[str, Any]
    tracing: dict[str, Any]
    until: float = math.inf

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that a resample depends on."""
        digest = hashlib.sha256()
        for array in (self.channel.p_x, self.channel.log_p_y_given_x):
            digest.update(np.ascontiguousarray(array).tobytes())
        rest = [self.n_samples, self.seed, self.reduction, self.tracing]
        digest.update(json.dumps(rest, sort_keys=True).encode())
        return digest.hexdigest()

    @on_one_blas_thread
    def trace(self, channel: Channel) -> IBCurve:
        """The curve of the channel, reduced; one thread, so that it is the same everywhere."""
        with kept(self.until):
            reduced = channel.reduce(**self.reduction)
        return trace_curve(reduced, **self.tracing, time_limit=seconds_left(self.until))


@dataclasses.dataclass(frozen=True)
class Failure:
    """A resample that an error of this library stopped, and which."""

    index: int
    reason: str


class FailedError(Exception):
    """Raised in place of a resample whose curve an internal error stopped."""


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """What a resample is compared with: transitions to match, rates to be read at (nats)."""

    transitions: tuple[PhaseTransition, ...]
    i_xt: Array


@register("bottleneck/Resamples")
@dataclasses.dataclass(frozen=True, eq=False)
class Resamples:
    """Finished resamples, as they are kept on disk; one row each.

    Attributes
    ----------
    fingerprint : str
        Of the recipe that they belong to.
    index : int64 (n,)
        Their numbers.
    i_ty : float64 (n, n_rates)
        Nats; NaN beyond the end of a curve.
    critical_betas : float64 (n, n_transitions)
        Betas matched to the reference transitions; NaN without a match.
    i_xy : float64 (n,)
        I(X;Y), nats.
    converged : bool (n,)
        Whether the curve ended where it was asked to.
    """

    fingerprint: str
    index: NDArray[np.int64]
    i_ty: Array
    critical_betas: Array
    i_xy: Array
    converged: NDArray[np.bool_]

    @classmethod
    def none(cls, recipe: Recipe, reference: Reference) -> "Resamples":
        """Room for the resamples of `recipe`, none made yet."""
        return cls(
            recipe.fingerprint,
            np.zeros(0, dtype=np.int64),
            np.zeros((0, len(reference.i_xt))),
            np.zeros((0, len(reference.transitions))),
            np.zeros(0),
            np.zeros(0, dtype=bool),
        )

    def __add__(self, more: "Resamples") -> "Resamples":
        """Both, by increasing number."""
        order = np.argsort(np.concatenate([self.index, more.index]), kind="stable")
        joined = {
            name: np.concatenate([getattr(self, name), getattr(more, name)])[order]
            for name in ("index", "i_ty", "critical_betas", "i_xy", "converged")
        }
        return Resamples(self.fingerprint, **joined)

    def first(self, n: int) -> "Resamples":
        """Those with numbers below `n`."""
        keep = self.index < n
        return Resamples(
            self.fingerprint,
            self.index[keep],
            self.i_ty[keep],
            self.critical_betas[keep],
            self.i_xy[keep],
            self.converged[keep],
        )


def load_resamples(path: Path, empty: Resamples) -> Resamples:
    """What `save_resamples` left at `path`; `empty` when there is no such file.

    Raises
    ------
    InputError
        When the file belongs to another channel or to other options.
    """
    if not path.exists():
        return empty
    kept = load_result(path)
    if not isinstance(kept, Resamples) or kept.fingerprint != empty.fingerprint:
        raise InputError(
            f"{path} holds something else than resamples of this channel with these options; "
            "choose another file to resume from, or delete it"
        )
    return kept


def save_resamples(resamples: Resamples, path: Path) -> None:
    """Replace the file at `path`, whole or not at all."""
    save(resamples, path)


def make_resample(recipe: Recipe, reference: Reference, index: int) -> Resamples:
    """Resample number `index`: as many points drawn with their weights, reduced and traced.

    Raises
    ------
    OutOfTimeError
        When it is not finished at the moment `recipe.until`.
    FailedError
        When an internal error stopped its curve.
    """
    rng = np.random.default_rng(np.random.SeedSequence(recipe.seed, spawn_key=(index,)))
    channel = recipe.channel
    counts = rng.multinomial(recipe.n_samples, channel.p_x)
    drawn = counts > 0
    sample = Channel(
        counts[drawn] / recipe.n_samples, channel.log_p_y_given_x[drawn], channel.class_names
    )
    curve = recipe.trace(sample)
    if curve.is_out_of_time:
        raise OutOfTimeError
    if curve.status.startswith(INTERNAL_ERROR):
        raise FailedError(curve.status)
    return Resamples(
        recipe.fingerprint,
        np.array([index]),
        curve.resample(reference.i_xt)[None],
        match_betas(reference.transitions, curve.transitions)[None],
        np.array([curve.i_xy]),
        np.array([curve.status.startswith("converged")]),
    )


def make_resamples(
    recipe: Recipe, reference: Reference, indices: Sequence[int], workers: int
) -> Iterator[Resamples | Failure]:
    """The resamples `indices`, each as soon as it is finished, from `workers` processes.

    One that fails is a `Failure`, with its traceback in the log "ibcollapse"; those that are not
    finished at the moment `recipe.until` are left out.

    Raises
    ------
    IBCollapseError
        When a process dies.
    """
    if workers == 1:
        for index in indices:
            made = _outcome(index, partial(make_resample, recipe, reference, index))
            if made is None:
                return
            yield made
        return
    # Forking a process that has threads (BLAS, OpenMP) may deadlock; spawned ones start clean.
    pool = concurrent.futures.ProcessPoolExecutor(
        max_workers=min(workers, max(len(indices), 1)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_enter_process,
        initargs=(recipe, reference, time.time() + seconds_left(recipe.until)),
    )
    try:
        jobs = {pool.submit(_job, i): i for i in indices}
        for future in concurrent.futures.as_completed(jobs):
            made = _outcome(jobs[future], future.result)
            if made is not None:
                yield made
    except BrokenProcessPool as error:
        raise IBCollapseError(
            "a worker process ended early; start scripts under `if __name__ == '__main__':`, and "
            "use fewer workers if memory ran out"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(index: int, make: Callable[[], Resamples]) -> Resamples | Failure | None:
    """What comes of a resample; None where the time was up."""
    try:
        return make()
    except OutOfTimeError:
        return None
    except FailedError as error:
        return Failure(index, str(error))
    except BrokenProcessPool:
        raise
    except Exception as error:
        log_caught(f"resample {index} of a curve failed")
        return Failure(index, " ".join(f"{type(error).__name__}: {error}".split()))


_here: tuple[Recipe, Reference] | None = None


def _enter_process(recipe: Recipe, reference: Reference, until: float) -> None:
    global _here
    # Ctrl-C is for the parent, which then lets every process finish the resample at hand.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The moment by this process's own monotonic clock.
    left = until - time.time()
    _here = (dataclasses.replace(recipe, until=time.monotonic() + left), reference)


def _job(index: int) -> Resamples:
    assert _here is not None
    return make_resample(*_here, index)
