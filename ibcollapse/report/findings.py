"""What a report is given: measurements a network, some of them missing for a stated reason."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from ibcollapse.report.document import Section
from ibcollapse.report.wording import Units, write_sentence

_Result = TypeVar("_Result")


@dataclasses.dataclass(frozen=True)
class Missing:
    """A measurement that was not made.

    Attributes
    ----------
    reason : str
        Why, in words for the reader of the report.
    """

    reason: str


# One result, one for each network by its name, or nothing at all.
Networks: TypeAlias = _Result | Missing | Mapping[str, _Result | Missing] | None


@dataclasses.dataclass(frozen=True)
class Findings:
    """Everything that a report is given, as its sections ask for it.

    Attributes
    ----------
    results : mapping
        Result, `Missing`, mapping of networks to either, or None, by the argument of `report_of`.
    names : tuple of str
        What the networks are called; the first is the one that the analysis is about.
    units : {"nats", "bits"}
        Unit of information.
    loss_temperature : float
        Temperature of the contrastive loss whose geometry the class means are compared with.
    """

    results: Mapping[str, Any]
    names: tuple[str, ...]
    units: Units
    loss_temperature: float

    def shared(self, argument: str) -> Any:
        """The result that there is one of for all networks, or a `Missing` that says why not."""
        return given(self.results.get(argument), argument)

    def by_network(self, argument: str) -> dict[str, Any]:
        """The results, each or its `Missing`, by the name of the network."""
        return by_network(self.results.get(argument), self.names, argument)

    def has(self, argument: str) -> bool:
        """Whether anything was given as `argument`, be it a reason."""
        return self.results.get(argument) is not None


def by_network(
    part: Networks[_Result], names: Sequence[str], argument: str
) -> dict[str, _Result | Missing]:
    """`part` by the name of its network; a single result belongs to the first of `names`.

    Without a `part` the reason names the `argument` of `report_of` that was not given.
    """
    if isinstance(part, Mapping):
        return dict(part)
    return {names[0]: given(part, argument)}


def given(part: _Result | Missing | None, argument: str) -> _Result | Missing:
    """`part`, or why there is none."""
    return Missing(f"not asked for; hand it over as {argument}") if part is None else part


def missing_section(title: str, missing: Missing) -> Section:
    """The section that stands in for a measurement that was not made."""
    return Section(title, text=(f"Not measured. {write_sentence(missing.reason)}",))


def measured(parts: Mapping[str, _Result | Missing]) -> dict[str, _Result]:
    """The parts that were measured, by name."""
    return {name: part for name, part in parts.items() if not isinstance(part, Missing)}


def reasons(parts: Mapping[str, _Result | Missing]) -> tuple[str, ...]:
    """A sentence for each part that was not measured."""
    return tuple(
        f"{name}: not measured. {write_sentence(part.reason)}"
        for name, part in parts.items()
        if isinstance(part, Missing)
    )
