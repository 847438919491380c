"""What a traced curve can be asked further: its hysteresis, and how certain it is."""

import dataclasses
import math
import os
from typing import Any

from ibcollapse.analysis.inputs import Prepared
from ibcollapse.analysis.results import Analysis, AnalysisInterrupted
from ibcollapse.bottleneck import (
    Channel,
    Hysteresis,
    PhaseTransition,
    bootstrap_curve,
    trace_hysteresis,
)
from ibcollapse.bottleneck.deadline import INTERNAL_ERROR, seconds_left
from ibcollapse.errors import IBCollapseError, InputError
from ibcollapse.internal_errors import log_caught
from ibcollapse.progress import Progress

# A branch that stays locally stable this far beyond the transition (share of beta − 1) is drawn.
_APART = 1e-6


@dataclasses.dataclass(frozen=True)
class Questions:
    """The options of `curve` that cost more solutions; none by default."""

    hysteresis: bool = False
    bootstrap: int = 0
    n_samples: int | None = None
    workers: int = 1
    resamples: str | os.PathLike[str] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Those that the result depends on, for its provenance."""
        asked: dict[str, Any] = {"hysteresis": True} if self.hysteresis else {}
        if self.bootstrap:
            asked |= {"bootstrap": self.bootstrap, "n_samples": self.n_samples}
        return asked

    def check(self, prepared: Prepared) -> None:
        """Raise `InputError` on options that cannot be answered, before the curve is traced."""
        if self.bootstrap < 0 or self.bootstrap == 1:
            raise InputError(f"bootstrap is {self.bootstrap}, expected 0 or at least 2 resamples")
        if self.workers < 1:
            raise InputError(f"workers is {self.workers}, expected at least 1")
        if self.bootstrap and self.n_samples is None and not prepared.counts_samples:
            raise InputError(
                f"{prepared.source} does not say how many observations it was made from; give "
                "n_samples (on the command line --samples) to resample it"
            )


def examine(
    found: Analysis,
    channel: Channel,
    reduced: Channel,
    asked: Questions,
    options: dict[str, Any],
    progress: Progress,
    until: float = math.inf,
) -> Analysis:
    """`found` with what was asked about it, of the `reduced` channel or the resampled one.

    After the moment `until` notes say what was not answered. An error that nobody foresaw becomes a
    note that begins with `INTERNAL_ERROR`, the curve stays.

    Raises
    ------
    AnalysisInterrupted
        On Ctrl-C; carries what was finished.
    """
    try:
        if asked.hysteresis:
            found = _anneal(found, reduced, options, progress, until)
        if asked.bootstrap:
            resampled = bootstrap_curve(
                channel,
                n_resamples=asked.bootstrap,
                n_samples=asked.n_samples,
                workers=asked.workers,
                resume=asked.resamples,
                progress=progress,
                time_limit=seconds_left(until),
                **options,
            )
            found = dataclasses.replace(found, bootstrap=resampled)
            if not resampled.converged:
                note = f"the resampled curves: {resampled.status}"
                found = dataclasses.replace(found, notes=(*found.notes, note))
    except KeyboardInterrupt:
        raise AnalysisInterrupted(found) from None
    except IBCollapseError:
        raise
    except Exception as error:
        text = f"{INTERNAL_ERROR} what was asked about the curve: {type(error).__name__}: {error}"
        log_caught(text)
        return dataclasses.replace(found, notes=(*found.notes, text))
    return found


def _anneal(
    found: Analysis,
    channel: Channel,
    options: dict[str, Any],
    progress: Progress,
    until: float,
) -> Analysis:
    chosen = [transition for transition in found.transitions if tells_ways_apart(transition)]
    if not chosen:
        note = "no transition leaves two branches locally optimal: there is no hysteresis to trace"
        return dataclasses.replace(found, notes=(*found.notes, note))
    loops: list[Hysteresis] = []
    progress.start("annealing up and down", total=len(chosen))
    try:
        for transition in chosen:
            loop = trace_hysteresis(
                channel,
                transition,
                tol=options["tol"],
                seed=options["seed"],
                time_limit=seconds_left(until),
            )
            if not loop.converged:
                note = f"hysteresis of {len(loops)} of {len(chosen)} transitions: {loop.status}"
                found = dataclasses.replace(found, notes=(*found.notes, note))
                break
            loops.append(loop)
            progress.advance()
    except InputError as error:
        # A deterministic label: its one transition has no branches.
        note = f"no hysteresis: {error}"
        return dataclasses.replace(found, notes=(*found.notes, note))
    progress.finish()
    return dataclasses.replace(found, hysteresis=tuple(loops))


def tells_ways_apart(transition: PhaseTransition) -> bool:
    """Whether annealing up meets `transition` later than annealing down.

    It does at a jump, and where the solution below stays locally stable beyond the transition.
    """
    later = transition.beta_local - transition.beta > _APART * (transition.beta - 1)
    return transition.order == 1 or (math.isfinite(transition.beta_local) and later)
