"""What was measured for a report so far, and why the rest was not."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ibcollapse.analysis import Analysis
from ibcollapse.bottleneck.deadline import INTERNAL_ERROR
from ibcollapse.errors import IBCollapseError
from ibcollapse.features import FeatureSource
from ibcollapse.progress import Progress
from ibcollapse.report.findings import Missing

_Result = TypeVar("_Result")


@dataclasses.dataclass
class Measurements:
    """What was measured of feature files so far.

    Attributes
    ----------
    files : tuple of Path
        The networks' feature files; the first may be a joint table.
    results : dict
        Result, or `Missing`, by the argument of `report_of` that takes it; for some a dict of them
        by the name of the network. What was not asked for is absent.
    failures : list of IBCollapseError
        Reasons of what was asked for and could not be measured.
    internal_errors : list of Exception
        Those that nobody foresaw.
    """

    files: tuple[Path, ...]
    results: dict[str, Any] = dataclasses.field(default_factory=dict)
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
    def analysis(self) -> Analysis | None:
        """The analysis of the first file; None where there is none."""
        found = self.results.get("analysis")
        return found if isinstance(found, Analysis) else None

    @property
    def complete(self) -> bool:
        """Whether all that was asked for was measured, every point to its tolerance."""
        if self.failures or self.internal_errors:
            return False
        return self.analysis is None or _is_whole(self.analysis)

    @property
    def empty(self) -> bool:
        """Whether nothing at all was measured."""
        return not any(_is_result(part) for part in self.results.values())

    def attempt(self, compute: Callable[[], _Result]) -> _Result | Missing:
        """What `compute` returns, or the reason that it gave, foreseen or not."""
        try:
            return compute()
        except IBCollapseError as error:
            if not any(str(error) == str(other) for other in self.failures):
                self.failures.append(error)
            return Missing(str(error))
        except Exception as error:
            self.internal_errors.append(error)
            return Missing(f"an internal error: {type(error).__name__}: {error}")


@dataclasses.dataclass(frozen=True)
class FeatureRun:
    """The feature files as a section measures them.

    Attributes
    ----------
    sources : tuple of FeatureSource
        One for each of `Measurements.files`.
    epoch : int or None
        The checkpoint that was chosen; None for the last one.
    loss_temperature : float
        Temperature of the contrastive loss that features are compared with.
    seed : int
        Of everything that is drawn.
    progress : Progress
        Told of the stages of every section.
    """

    sources: tuple[FeatureSource, ...]
    epoch: int | None
    loss_temperature: float
    seed: int
    progress: Progress


def _is_whole(analysis: Analysis) -> bool:
    """Whether nothing ended the curve, or what was asked about it, early, and all points converged.

    An end that the options ask for, such as `beta_max`, is none of these.
    """
    said = (analysis.curve.status, *analysis.notes)
    stopped = analysis.curve.is_out_of_time or any(s.startswith(INTERNAL_ERROR) for s in said)
    return not stopped and all(solution.converged for solution in analysis.curve.solutions)


def _is_result(part: object) -> bool:
    if isinstance(part, Mapping):
        return any(_is_result(inner) for inner in part.values())
    return part is not None and not isinstance(part, Missing)
