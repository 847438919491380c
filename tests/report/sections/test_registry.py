"""What sections declare of themselves, and what it takes to add one."""

import sys
import types

import pytest

from ibcollapse.errors import InputError
from ibcollapse.report import SECTIONS, Missing, Section, contents, report_of
from ibcollapse.report.measurements import Measurements
from ibcollapse.report.measuring import measure
from ibcollapse.report.sections import registry
from ibcollapse.report.sections.registry import SectionKind, section_kinds


@pytest.fixture
def added(monkeypatch):
    """A section "sizes" of a module that only the list of sections knows."""

    def measure_sizes(found, run):
        found.results["sizes"] = found.attempt(lambda: [s.n_samples for s in run.sources])

    module = types.ModuleType("ibcollapse.report.sections.sizes")
    module.SECTION = SectionKind(
        title="Sizes",
        shared=("sizes",),
        write=lambda given: Section("Sizes", text=(f"{given.shared('sizes')} samples",)),
        headline=lambda given: [f"{sum(given.shared('sizes'))} samples in all."],
        method=lambda given: ("Samples were counted.", ("guo2017",)),
        measure=measure_sizes,
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for user in (registry, contents):
        monkeypatch.setattr(user, "SECTIONS", (*SECTIONS, "sizes"))
    return module


def test_every_section_declares_its_own_title_and_what_it_shows():
    kinds = section_kinds()
    assert len(kinds) == len(SECTIONS) == len({kind.title for kind in kinds})
    assert all(kind.shared or kind.by_network for kind in kinds)


def test_only_sections_that_show_the_analysis_measure_nothing():
    for kind in section_kinds():
        assert (kind.measure is None) == (kind.shared == ("analysis",)), kind.title


def test_declarations_come_in_the_order_of_the_page():
    titles = [kind.title for kind in section_kinds(["dynamics", "curve"])]
    assert titles == ["Information-bottleneck curve", "Dynamics along training"]


def test_one_module_adds_a_section_with_headline_method_and_measurement(added, checkpoints):
    found = Measurements(tuple(checkpoints))
    measure(found, selection={}, settings={}, sections=["sizes"], loss_temperature=0.1)
    report = report_of(results=found.results, names=found.names, sections=["sizes"])
    (section,) = report.sections
    assert section.text == ("[120, 120] samples",)
    assert report.headline == ("240 samples in all.",)
    assert report.methods == "Samples were counted."
    assert "guo2017" in report.bibtex


def test_a_module_without_a_declaration_is_told_by_name(added):
    added.SECTION = "Sizes"
    with pytest.raises(TypeError, match=r"report/sections/sizes\.py is a str"):
        section_kinds(["sizes"])


def test_a_result_that_no_section_shows_is_refused():
    with pytest.raises(InputError, match="result called 'geometri'; choose from analysis, geom"):
        report_of(results={"geometri": Missing("-")})


def test_the_sections_that_share_an_analysis_give_its_method_once(measured):
    report = report_of(measured["analysis"], sections=["curve", "channel", "gaussian"])
    assert report.methods.count("rate-distortion problem over the class simplex") == 1
