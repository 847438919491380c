"""Everything that a report shows, measured one after the other; what fails says why."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ibcollapse.analysis import Analysis, AnalysisInterrupted, curve
from ibcollapse.errors import IBCollapseError
from ibcollapse.features import FeatureSource, open_features
from ibcollapse.progress import SILENT, Progress
from ibcollapse.report.findings import Missing
from ibcollapse.report.measurements import FeatureRun, Measurements
from ibcollapse.report.sections import SECTIONS
from ibcollapse.report.sections.registry import SectionKind, section_kinds
from ibcollapse.threads import threads_for

# The only result that is measured once for several sections.
_ANALYSIS = "analysis"


def measure(
    found: Measurements,
    *,
    selection: Mapping[str, Any],
    settings: Mapping[str, Any],
    sections: Sequence[str] = SECTIONS,
    loss_temperature: float,
    curve_time: float = math.inf,
    seed: int = 0,
    progress: Progress = SILENT,
    on_analysis: Callable[[Analysis], None] | None = None,
) -> None:
    """Fill `found` with what `sections` need of its files.

    Parameters
    ----------
    found : Measurements
        Of the files to read; filled as results come, so that it holds them after an interruption.
    selection : mapping
        Arguments of `open_features`: layer, epoch, split and the like, for every file.
    settings : mapping
        Arguments of `ibcollapse.curve` for the first file.
    sections : sequence of str
        Of `ibcollapse.report.SECTIONS`.
    loss_temperature : float
        Of the contrastive loss whose geometry the class means are compared with.
    curve_time : float
        Seconds after which the curve is ended.
    seed : int
        Of everything that is drawn.
    progress : Progress
        Told of every section.
    on_analysis : callable, optional
        Called with the analysis of the first file once it is whole, before the other sections.

    Raises
    ------
    IBCollapseError
        The first reason, when nothing at all could be measured.
    KeyboardInterrupt
        On Ctrl-C; `found` holds what was finished, also of the curve.
    """
    kinds = section_kinds(sections)
    needs_curve = any(_ANALYSIS in kind.shared for kind in kinds)
    of_features = [kind for kind in kinds if kind.measure is not None]
    if of_features:
        # Before the curve, which takes longest; whether the first is a table shows there.
        for file in found.files[1:]:
            open_features(file, **selection)
    if needs_curve:
        options = {**selection, **settings, "time_limit": curve_time}
        _trace(found, options, seed, progress)
        if on_analysis is not None and found.analysis is not None:
            on_analysis(found.analysis)
    if of_features and _is_table(found):
        reason = Missing("a joint table holds no features, only p(x, y)")
        _fill(found, of_features, reason)
    elif of_features:
        run = FeatureRun(
            _open(found, selection), selection.get("epoch"), loss_temperature, seed, progress
        )
        with threads_for(run.sources):
            for kind in of_features:
                assert kind.measure is not None
                kind.measure(found, run)
        progress.finish()
    if found.empty and (found.internal_errors or found.failures):
        raise [*found.internal_errors, *found.failures][0]


def mark_interrupted(found: Measurements) -> None:
    """Say of everything that was not reached that it was not."""
    _fill(found, section_kinds(), Missing("the run was interrupted before this was measured"))


def _fill(found: Measurements, kinds: Sequence[SectionKind], reason: Missing) -> None:
    """Put `reason` where the sections have no result."""
    for kind in kinds:
        for name in kind.shared:
            found.results[name] = found.results.get(name) or reason
        for name in kind.by_network:
            found.results[name] = found.results.get(name) or {found.names[0]: reason}


def _open(found: Measurements, selection: Mapping[str, Any]) -> tuple[FeatureSource, ...]:
    sources: list[FeatureSource] = []
    for file in found.files:
        try:
            sources.append(open_features(file, **selection))
        except IBCollapseError:
            if found.failures and not sources:
                # The curve has said what is wrong with this file, which may be a joint table.
                raise found.failures[0] from None
            raise
    return tuple(sources)


def _trace(found: Measurements, options: dict[str, Any], seed: int, progress: Progress) -> None:
    """Trace the first file's curve."""
    try:
        found.results[_ANALYSIS] = found.attempt(
            lambda: curve(found.files[0], **options, seed=seed, progress=progress)
        )
    except AnalysisInterrupted as stop:
        found.results[_ANALYSIS] = stop.analysis
        raise


def _is_table(found: Measurements) -> bool:
    """Whether the first file turned out to be a joint table."""
    return found.analysis is not None and found.analysis.fit is None
