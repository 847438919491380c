"""What a section declares of itself, and the declarations of all that there are."""

import dataclasses
import importlib
from collections.abc import Callable, Sequence

from ibcollapse.report.citations import Method
from ibcollapse.report.document import Section
from ibcollapse.report.findings import Findings
from ibcollapse.report.measurements import FeatureRun, Measurements
from ibcollapse.report.sections import SECTIONS


def _says_nothing(_given: Findings) -> tuple[str, ...]:
    return ()


def _has_no_method(_given: Findings) -> None:
    return None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SectionKind:
    """The `SECTION` of a module of this folder.

    It is written whenever it is asked for; a result that is missing gives its reason in its place.

    Attributes
    ----------
    title : str
        Heading on the page.
    shared : tuple of str
        Results that there is one of for all networks, by the argument of `report_of`.
    by_network : tuple of str
        Results that there is one of for each network.
    write : callable
        The section, from what the report is given.
    headline : callable
        Sentences of it for the top of the page; none where its results are missing.
    method : callable
        Its sentence for the methods paragraph, with what that cites; None where there is none.
    measure : callable or None
        Measures its results from feature files; None for what shows the analysis of the curve.
    """

    title: str
    shared: tuple[str, ...] = ()
    by_network: tuple[str, ...] = ()
    write: Callable[[Findings], Section]
    headline: Callable[[Findings], Sequence[str]] = _says_nothing
    method: Callable[[Findings], Method | None] = _has_no_method
    measure: Callable[[Measurements, FeatureRun], None] | None = None


def section_kinds(names: Sequence[str] | None = None) -> tuple[SectionKind, ...]:
    """The declarations of the sections called `names`, or of all, in the order of the page."""
    return tuple(_declared(name) for name in SECTIONS if names is None or name in names)


def _declared(name: str) -> SectionKind:
    kind = importlib.import_module(f"ibcollapse.report.sections.{name}").SECTION
    if not isinstance(kind, SectionKind):
        raise TypeError(f"SECTION of report/sections/{name}.py is a {type(kind).__name__}")
    return kind
