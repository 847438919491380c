"""Everything that a report shows, measured one after the other; what fails says why."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ibcollapse.errors import IBCollapseError
from ibcollapse.progress import Progress
from ibcollapse_cli.analysing import check_internal_errors
from ibcollapse_cli.delivery import Postponed
from ibcollapse_cli.section_measures import (
    measure_alignment,
    measure_dynamics,
    measure_geometry,
    measure_information,
)
from ibcollapse_cli.section_progress import SectionProgress
from ibcollapse_cli.threads import threads_for

if TYPE_CHECKING:
    from ibcollapse.alignment import Alignment, Consensus
    from ibcollapse.analysis import Analysis
    from ibcollapse.features import FeatureSource
    from ibcollapse.geometry import GeometryReport
    from ibcollapse.landscape import NetworkBounds
    from ibcollapse.matrix_information import EffectiveRanks, MatrixInformation
    from ibcollapse.report import Missing
    from ibcollapse.trajectory import Trajectory

_Result = TypeVar("_Result")

# As in `ibcollapse.report`, which a `--help` must not load; a test keeps them equal.
SECTIONS = ("curve", "channel", "gaussian", "geometry", "alignment", "information", "dynamics")


@dataclasses.dataclass
class Measurements:
    """What was measured of `files` so far; None where it was not asked for.

    `failures` are the reasons of what was asked for and could not be measured, `internal_errors`
    those that nobody foresaw.
    """

    files: tuple[Path, ...]
    analysis: "Analysis | Missing | None" = None
    geometry: "dict[str, GeometryReport | Missing] | None" = None
    information: "dict[str, MatrixInformation | Missing] | None" = None
    ranks: "dict[str, EffectiveRanks | Missing] | None" = None
    bounds: "dict[str, NetworkBounds | Missing] | None" = None
    alignment: "Alignment | Consensus | Missing | None" = None
    dynamics: "Trajectory | Missing | None" = None
    failures: list[IBCollapseError] = dataclasses.field(default_factory=list)
    internal_errors: list[Exception] = dataclasses.field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """The files' names, with as many of their folders as it takes to tell them apart."""
        for depth in range(1, max(len(file.parts) for file in self.files) + 1):
            names = tuple("/".join(file.parts[-depth:]) for file in self.files)
            if len(set(names)) == len(names):
                return names
        return tuple(f"{i}: {file.name}" for i, file in enumerate(self.files, start=1))

    @property
    def complete(self) -> bool:
        """Whether all that was asked for was measured, every point to its tolerance."""
        from ibcollapse.analysis import Analysis

        traced = self.analysis.curve.solutions if isinstance(self.analysis, Analysis) else ()
        unmeasured = self.failures or self.internal_errors
        return not unmeasured and all(solution.converged for solution in traced)

    def mark_interrupted(self) -> None:
        """Say of everything that was not reached that it was not."""
        from ibcollapse.report import Missing

        unreached = Missing("the run was interrupted before this was measured")
        self.analysis = self.analysis or unreached
        self.geometry = self.geometry or {self.names[0]: unreached}
        self.information = self.information or {self.names[0]: unreached}
        self.ranks = self.ranks or {self.names[0]: unreached}
        self.alignment = self.alignment or unreached
        self.dynamics = self.dynamics or unreached

    @property
    def empty(self) -> bool:
        """Whether nothing at all was measured."""
        return not any(_is_result(part) for part in self._parts())

    def _parts(self) -> list[object]:
        parts: list[object] = [self.analysis, self.alignment, self.dynamics]
        for group in (self.geometry, self.information, self.ranks):
            parts += (group or {}).values()
        return parts

    def attempt(self, compute: Callable[[], _Result]) -> "_Result | Missing":
        """What `compute` returns, or the reason that it gave, foreseen or not."""
        from ibcollapse.report import Missing

        try:
            return compute()
        except IBCollapseError as error:
            if not any(str(error) == str(other) for other in self.failures):
                self.failures.append(error)
            return Missing(str(error))
        except Exception as error:
            self.internal_errors.append(error)
            return Missing(f"an internal error: {type(error).__name__}: {error}")


def measure(
    found: Measurements,
    selection: dict[str, Any],
    settings: dict[str, Any],
    sections: tuple[str, ...],
    loss_temperature: float,
    curve_time: float,
    seed: int,
    progress: Progress,
) -> None:
    """Fill `found` with what `sections` need, with at most `curve_time` seconds for the curve.

    Raises
    ------
    IBCollapseError
        The first reason, when nothing at all could be measured.
    KeyboardInterrupt
        On Ctrl-C; `found` holds what was finished, also of the curve.
    """
    from ibcollapse.features import open_features

    wanted = set(sections)
    if wanted - {"curve", "channel", "gaussian"}:
        # Before the curve, which takes longest; whether the first is a table shows there.
        for file in found.files[1:]:
            open_features(file, **selection)
    table = False
    if wanted & {"curve", "channel", "gaussian"}:
        table = _trace(found, selection, settings, curve_time, seed, progress)
    if wanted - {"curve", "channel", "gaussian"}:
        if table:
            _refuse_table(found)
        else:
            sources = _open(found, selection)
            with threads_for(sources):
                if "geometry" in wanted:
                    within = SectionProgress(progress, "collapse geometry")
                    measure_geometry(found, sources, loss_temperature, seed, within)
                if "alignment" in wanted:
                    measure_alignment(found, sources, seed, SectionProgress(progress, "alignment"))
                if "information" in wanted:
                    within = SectionProgress(progress, "matrix information")
                    measure_information(found, sources, seed, within)
                if "dynamics" in wanted:
                    within = SectionProgress(progress, "dynamics")
                    measure_dynamics(found, sources, selection, seed, within)
            progress.finish()
    if found.empty and (found.internal_errors or found.failures):
        raise [*found.internal_errors, *found.failures][0]


def _open(found: Measurements, selection: dict[str, Any]) -> "list[FeatureSource]":
    from ibcollapse.features import open_features

    sources: list[FeatureSource] = []
    for file in found.files:
        try:
            sources.append(open_features(file, **selection))
        except IBCollapseError:
            if found.failures and not sources:
                # The curve has said what is wrong with this file, which may be a joint table.
                raise found.failures[0] from None
            raise
    return sources


def _is_result(part: object) -> bool:
    from ibcollapse.report import Missing

    return part is not None and not isinstance(part, Missing)


def _trace(
    found: Measurements,
    selection: dict[str, Any],
    settings: dict[str, Any],
    curve_time: float,
    seed: int,
    progress: Progress,
) -> bool:
    """Trace the first file's curve; whether that file is a joint table."""
    from ibcollapse.analysis import Analysis, AnalysisInterrupted, curve

    options = {**selection, **settings, "time_limit": curve_time or math.inf}

    def trace() -> Analysis:
        return curve(found.files[0], **options, seed=seed, progress=progress)

    try:
        found.analysis = found.attempt(trace)
    except AnalysisInterrupted as stop:
        found.analysis = stop.analysis
        raise
    if not isinstance(found.analysis, Analysis):
        return False
    with Postponed() as noticed:
        check_internal_errors(found.analysis)
    if noticed.error is not None:
        found.internal_errors.append(noticed.error)
    if found.analysis.curve.is_out_of_time:
        found.failures.append(_out_of_time(curve_time, found.analysis))
    return found.analysis.fit is None


def _out_of_time(curve_time: float, analysis: "Analysis") -> IBCollapseError:
    reached = analysis.curve.i_ty[-1] / analysis.curve.i_xy
    return IBCollapseError(
        f"the curve was ended after {curve_time:g} s at {reached:.1%} of I(X;Y); give it longer "
        "with --curve-time, or fewer points to solve with --max-rows"
    )


def _refuse_table(found: Measurements) -> None:
    from ibcollapse.report import Missing

    reason = Missing("a joint table holds no features, only p(x, y)")
    found.geometry = {found.names[0]: reason}
    found.information, found.ranks = {found.names[0]: reason}, {found.names[0]: reason}
    found.alignment = found.dynamics = reason
