"""What a report says, beside the numbers that the library computed."""

import html
import re

import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse.errors import InputError
from ibcollapse.report import (
    SECTIONS,
    Missing,
    Report,
    Section,
    Table,
    render_markdown,
    render_report,
    report_of,
    write_markdown,
)
from ibcollapse.report.citations import bibtex
from ibcollapse.report.sections.geometry import predict_grams
from ibcollapse.report.wording import write_names, write_number

HOSTILE = "<script>alert(1)</script>"


def section_of(report, title):
    (found,) = [section for section in report.sections if title in section.title]
    return found


def cells(section):
    return {row[0]: row[1:] for table in section.tables for row in table.rows}


def words(report):
    return render_markdown(report, lambda picture: "x.svg")


def test_every_section_is_there_and_in_order(report):
    titles = [section.title for section in report.sections]
    expected = [
        "bottleneck curve",
        "Channel",
        "Gaussian",
        "geometry",
        "Alignment",
        "Matrix",
        "Dynamics",
    ]
    assert len(titles) == len(SECTIONS)
    assert all(word in title for word, title in zip(expected, titles, strict=True))


def test_predictions_are_those_of_the_landscape(measured):
    geometry = measured["geometry"]
    predictions, refused = predict_grams(geometry, 0.5)
    assert refused == ()
    # The classes of the file stand in the order of their names, not of these counts.
    counted = [60, 40, 20]
    assert sorted(geometry.counts.tolist(), reverse=True) == counted
    place = [counted.index(n) for n in geometry.counts.tolist()]
    supcon = ib.landscape.supcon_geometry(counted, 0.5).gram
    seli = ib.landscape.seli_geometry(counted).feature_gram
    # Certified to a gap of 1e-9 of the excess, which leaves the Gram about its square root.
    np.testing.assert_allclose(predictions[0].gram, supcon[np.ix_(place, place)], atol=1e-5)
    np.testing.assert_allclose(predictions[1].gram, seli[np.ix_(place, place)], atol=1e-12)
    lengths = np.sqrt(np.diag(geometry.origin_gram))
    cosines = geometry.origin_gram / np.outer(lengths, lengths)
    unit = [g / np.linalg.norm(g) for g in (cosines, predictions[0].gram)]
    assert predictions[0].distance == pytest.approx(np.linalg.norm(unit[0] - unit[1]), rel=1e-12)


def test_the_geometry_table_and_the_missing_classifier(report, measured):
    section = section_of(report, "geometry")
    shown = cells(section)
    assert shown["Gram distance to the simplex ETF"][1] == write_number(
        measured["geometry"].etf_distance
    )
    assert shown["NC3, classifier against class means"][1] == "–"
    assert any("No classifier is stored" in text for text in section.text)
    assert len(section.pictures) == 2


def test_the_alignment_tables_hold_value_held_out_and_null(report, measured):
    section, found = section_of(report, "Alignment"), measured["alignment"]
    index = found.whole.cka
    whole = {row[0]: row[1:4] for row in section.tables[0].rows}
    expected = tuple(write_number(v) for v in (index.value, index.held_out, index.null_mean))
    assert whole["linear CKA"] == expected
    assert any("no sample ids" in text for text in section.warnings)
    assert write_number(found.identified.r2_a_to_b.held_out) in report.headline[-1]


def test_modes_below_the_null_floor_get_a_warning():
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    a, b = ((rng.normal(size=(80, 5)), y) for _ in range(2))
    found = ib.align(a, b, n_permutations=2, n_bootstrap=0)
    below = len(found.whole.rho) - found.whole.n_above_floor
    (section,) = report_of(alignment=found, sections=["alignment"]).sections
    assert below > 0
    assert any(f"{below} of 5 modes" in text for text in section.warnings)


def test_three_networks_have_a_consensus_section(two_networks):
    first, second = two_networks
    found = ib.align_many([first, second, first])
    (section,) = report_of(alignment=found, names=("a", "b", "c"), sections=["alignment"]).sections
    rows = cells(section)
    assert set(rows) == {"a", "b", "c", "consensus"}
    assert write_number(float(found.pairwise["cka_debiased"][0, 1])) in section.tables[-1].rows[0]


def test_what_was_not_measured_says_why():
    found = report_of(
        Missing("the classes are all alike"),
        geometry={"a": Missing("no classes"), "b": Missing("no features")},
        alignment=Missing("one file was given"),
    )
    assert len(found.sections) == len(SECTIONS)
    text = words(found)
    for reason in ("The classes are all alike.", "No classes.", "No features.", "One file was"):
        assert reason in text
    assert "hand it over as information" in text
    assert found.headline == ()


def test_chosen_sections_and_more_sections(measured):
    extra = Section("Dynamics")
    found = report_of(**measured, sections=["geometry", "curve"], more=[extra])
    assert [section.title for section in found.sections] == [
        "Information-bottleneck curve",
        "Collapse geometry",
        "Dynamics",
    ]
    assert "roeder2021" not in found.bibtex


@pytest.mark.parametrize(
    "wrong", [{"sections": ["curves"]}, {"units": "bit"}, {"names": ()}], ids=str
)
def test_bad_options_are_refused(wrong):
    with pytest.raises(InputError):
        report_of(**wrong)


def test_bits_are_nats_over_log_two(measured):
    in_bits = cells(section_of(report_of(**measured, units="bits"), "Channel"))
    held_out = measured["analysis"].fit.i_xy_held_out
    assert in_bits["I(X;Y) held out, H(Y) − log-loss [bits]"] == (
        write_number(held_out / np.log(2)),
    )


def test_class_names_and_file_names_never_become_markup(report):
    page = render_report(report)
    assert "<script" not in page
    assert html.escape(HOSTILE) in page
    text = words(report)
    assert "<script" not in re.sub(r"\\<", "", text)
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 7 for line in beta_rows(text))


def beta_rows(text):
    """Rows of the table of alignment in the whole space: six cells each."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| figure | value | held"))
    return lines[start : start + 14]


def test_markdown_writes_its_figures_beside_it(report, tmp_path):
    write_markdown(report, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(<(.+?)>\)", text)
    pictures = [picture for section in report.sections for picture in section.pictures]
    assert len(links) == len(pictures) > 4
    for link, picture in zip(links, pictures, strict=True):
        assert (tmp_path / link).read_text(encoding="utf-8") == picture.svg
    for section in report.sections:
        assert f"## {section.title}" in text.replace("\\", "")


def test_methods_cite_exactly_the_bibtex_entries(report):
    keys = re.findall(r"@\w+\{(\w+),", report.bibtex)
    assert len(keys) == len(set(keys)) > 8
    for key in keys:
        author, year = re.fullmatch(r"([a-z]+)(\d{4})", key).groups()
        assert author[:5] in report.methods.lower(), key
        assert year in report.methods, key
    assert report.bibtex.count("{") == report.bibtex.count("}")


def test_an_unknown_citation_is_a_defect():
    with pytest.raises(KeyError):
        bibtex(["nobody1900"])


def test_the_analysed_rows_hold_fingerprint_and_every_option(report, measured):
    rows = dict(report.analysed)
    origin = measured["analysis"].provenance
    assert rows["SHA-256 of a.h5"] == origin.fingerprint
    for name in origin.options:
        assert f"{name} = " in rows["options of the curve"]


def test_long_lists_of_names_are_cut():
    names = [str(i) for i in range(20)]
    assert write_names(names, most=4) == "0, 1, 2 and 17 more"
    assert write_names(names[:4], most=4) == "0, 1, 2, 3"


def test_gaps_in_a_column_follow_the_rest_of_it():
    rows = (("a", "–"), ("–", "1.5"), ("b | c", "1 + 2e-08"), ("d", "2"))
    page = render_report(Report("t", (), (Section("s", tables=(Table(("name", "value"), rows),)),)))
    assert page.count('class="number"') == 5
    assert "<td>–</td>" in page
    assert '<td class="number">–</td>' in page
