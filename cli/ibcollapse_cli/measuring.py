"""Everything that a report shows, measured one after the other; what fails says why."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ibcollapse.errors import IBCollapseError
from ibcollapse.progress import Progress

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

# A page is to take minutes: `ibcollapse dynamics` follows all checkpoints, with more points each.
_MOST_CHECKPOINTS = 10
_POINTS_A_CHECKPOINT = 96

# As in `ibcollapse.report`, which a `--help` must not load; a test keeps them equal.
SECTIONS = ("curve", "channel", "gaussian", "geometry", "alignment", "information", "dynamics")


@dataclasses.dataclass
class Measurements:
    """What was measured of `files` so far; None where it was not asked for.

    `failures` are the reasons of what was asked for and could not be measured.
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

    @property
    def names(self) -> tuple[str, ...]:
        """The files' names, with as many of their folders as it takes to tell them apart."""
        for depth in range(1, max(len(file.parts) for file in self.files)):
            names = tuple("/".join(file.parts[-depth:]) for file in self.files)
            if len(set(names)) == len(names):
                return names
        return tuple(f"{i}: {file.name}" for i, file in enumerate(self.files, start=1))

    @property
    def complete(self) -> bool:
        """Whether all that was asked for was measured, every point to its tolerance."""
        from ibcollapse.analysis import Analysis

        traced = self.analysis.curve.solutions if isinstance(self.analysis, Analysis) else ()
        return not self.failures and all(solution.converged for solution in traced)

    def mark_interrupted(self) -> None:
        """Say of everything that comes after the curve that it was not reached."""
        from ibcollapse.report import Missing

        unreached = Missing("the run was interrupted before this was measured")
        self.geometry, self.information = {self.names[0]: unreached}, {self.names[0]: unreached}
        self.ranks, self.alignment = {self.names[0]: unreached}, unreached
        self.dynamics = unreached

    def attempt(self, compute: Callable[[], _Result]) -> "_Result | Missing":
        """What `compute` returns, or the reason that it gave; a defect passes through."""
        from ibcollapse.report import Missing

        try:
            return compute()
        except IBCollapseError as error:
            if not any(str(error) == str(other) for other in self.failures):
                self.failures.append(error)
            return Missing(str(error))


def measure(
    found: Measurements,
    selection: dict[str, Any],
    settings: dict[str, Any],
    sections: tuple[str, ...],
    loss_temperature: float,
    seed: int,
    progress: Progress,
) -> None:
    """Fill `found` with what `sections` need.

    Raises
    ------
    IBCollapseError
        The first reason, when nothing at all could be measured.
    AnalysisInterrupted
        On Ctrl-C while the curve was traced; `found` holds the part that was finished.
    """
    from ibcollapse.features import open_features

    wanted = set(sections)
    table = False
    if wanted & {"curve", "channel", "gaussian"}:
        table = _trace(found, selection, settings, seed, progress)
    if wanted - {"curve", "channel", "gaussian"}:
        if table:
            _refuse_table(found)
        else:
            sources = [open_features(file, **selection) for file in found.files]
            _measure_sources(found, sources, wanted, seed, progress)
            if "geometry" in wanted:
                _bound(found, sources, loss_temperature, seed, progress)
            if "dynamics" in wanted:
                _follow(found, sources, selection, seed, progress)
    parts: list[object] = [found.analysis, found.alignment, found.dynamics]
    for group in (found.geometry, found.information, found.ranks):
        parts += (group or {}).values()
    if found.failures and not any(_is_result(part) for part in parts):
        raise found.failures[0]


def _is_result(part: object) -> bool:
    from ibcollapse.report import Missing

    return part is not None and not isinstance(part, Missing)


def _trace(
    found: Measurements,
    selection: dict[str, Any],
    settings: dict[str, Any],
    seed: int,
    progress: Progress,
) -> bool:
    """Trace the first file's curve; whether that file is a joint table."""
    from ibcollapse.analysis import Analysis, AnalysisInterrupted, curve

    def trace() -> Analysis:
        return curve(found.files[0], **selection, **settings, seed=seed, progress=progress)

    try:
        found.analysis = found.attempt(trace)
    except AnalysisInterrupted as stop:
        found.analysis = stop.analysis
        found.mark_interrupted()
        raise
    return isinstance(found.analysis, Analysis) and found.analysis.fit is None


def _refuse_table(found: Measurements) -> None:
    from ibcollapse.report import Missing

    reason = Missing("a joint table holds no features, only p(x, y)")
    found.geometry = {found.names[0]: reason}
    found.information, found.ranks = {found.names[0]: reason}, {found.names[0]: reason}
    found.alignment = found.dynamics = reason


def _measure_sources(
    found: Measurements,
    sources: "list[FeatureSource]",
    wanted: set[str],
    seed: int,
    progress: Progress,
) -> None:
    if "geometry" in wanted:
        from ibcollapse.geometry import collapse_geometry

        found.geometry = {
            name: found.attempt(functools.partial(collapse_geometry, source, progress=progress))
            for name, source in zip(found.names, sources, strict=True)
        }
    if "alignment" in wanted:
        found.alignment = _align(found, sources, seed, progress)
    if "information" in wanted:
        _inform(found, sources, seed, progress)


def _align(
    found: Measurements, sources: "list[FeatureSource]", seed: int, progress: Progress
) -> "Alignment | Consensus | Missing":
    from ibcollapse.alignment import align, align_many
    from ibcollapse.report import Missing

    if len(sources) == 1:
        return Missing(
            "one file was given; name another network's features of the same samples to align them"
        )
    if len(sources) == 2:
        return found.attempt(lambda: align(*sources, seed=seed, progress=progress))
    return found.attempt(lambda: align_many(sources, progress=progress))


def _bound(
    found: Measurements,
    sources: "list[FeatureSource]",
    temperature: float,
    seed: int,
    progress: Progress,
) -> None:
    from ibcollapse.landscape import network_bounds

    found.bounds = {}
    for name, source in zip(found.names, sources, strict=True):
        measure_one = functools.partial(
            network_bounds, source, temperature=temperature, seed=seed, progress=progress
        )
        found.bounds[name] = found.attempt(measure_one)


def _follow(
    found: Measurements,
    sources: "list[FeatureSource]",
    selection: dict[str, Any],
    seed: int,
    progress: Progress,
) -> None:
    """The trajectory of the first network, or of the two that there are."""
    from ibcollapse.coincidence import CoincidenceOptions
    from ibcollapse.report import Missing
    from ibcollapse.trajectory import dynamics

    networks = sources if len(sources) == 2 else sources[:1]
    epochs = sorted(set.intersection(*(set(s.contents.epochs) for s in networks)))
    if selection["epoch"] is not None or len(epochs) < 2:
        found.dynamics = Missing(
            "one checkpoint was chosen with --epoch"
            if selection["epoch"] is not None
            else "fewer than two checkpoints are stored (in common), so there is no path to follow"
        )
        return
    step = -(-len(epochs) // _MOST_CHECKPOINTS)
    # From the last one backwards: the path must not end before it does.
    chosen = sorted(epochs[::-1][::step])
    # The intervals of the exact bottleneck would cost ten times what everything else does.
    options = CoincidenceOptions(max_rows=_POINTS_A_CHECKPOINT, n_resamples=0, seed=seed)
    found.dynamics = found.attempt(
        lambda: dynamics(*networks, epochs=chosen, options=options, progress=progress)
    )


def _inform(
    found: Measurements, sources: "list[FeatureSource]", seed: int, progress: Progress
) -> None:
    from ibcollapse.matrix_information import effective_ranks, matrix_information

    found.information, found.ranks = {}, {}
    for name, source in zip(found.names, sources, strict=True):
        found.information[name] = found.attempt(
            functools.partial(matrix_information, source, seed=seed, progress=progress)
        )
        found.ranks[name] = found.attempt(
            functools.partial(effective_ranks, source, progress=progress)
        )
    if len(sources) == 2:
        found.information["both"] = found.attempt(
            lambda: matrix_information(*sources, seed=seed, progress=progress)
        )
