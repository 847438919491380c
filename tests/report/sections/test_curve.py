"""What a report says of the curve, its channel and its Gaussian bottleneck."""

import dataclasses

import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse.report import report_of
from ibcollapse.report.wording import write_number


def section_of(report, title):
    (found,) = [section for section in report.sections if title in section.title]
    return found


def cells(section):
    return {row[0]: row[1:] for table in section.tables for row in table.rows}


def test_a_table_row_for_every_transition(report, measured):
    [table] = [t for t in section_of(report, "curve").tables if "Phase" in t.caption]
    transitions = measured["analysis"].transitions
    assert len(table.rows) == len(transitions)
    for row, transition in zip(table.rows, transitions, strict=True):
        assert float(row[0]) == pytest.approx(transition.beta, rel=1e-5)
        assert row[2] == str(transition.order)
        assert row[5] == f"{transition.clusters_before} → {transition.clusters_after}"


def test_a_side_of_very_many_classes_is_named_by_its_first(measured):
    whole = measured["analysis"]
    sides = (tuple(f"name {i}" for i in range(99)), ("lone",))
    early = dataclasses.replace(whole.transitions[0], separates=sides)
    curve = dataclasses.replace(whole.curve, transitions=(early,))
    found = report_of(dataclasses.replace(whole, curve=curve), sections=["curve"])
    [table] = [t for t in found.sections[0].tables if "Phase" in t.caption]
    assert table.rows[0][-1] == "name 0, name 1, name 2, name 3 and 95 more | lone"


def test_nucleation_is_not_called_first_order(measured):
    whole = measured["analysis"]
    early = dataclasses.replace(
        whole.transitions[0], order=2, mechanism="nucleation", beta=1.5, beta_local=1.6
    )
    curve = dataclasses.replace(whole.curve, transitions=(early,))
    found = report_of(dataclasses.replace(whole, curve=curve), sections=["curve"])
    assert "continuous (nucleation)" in found.headline[0]
    assert "none of them first-order" in found.headline[1]
    assert any("no sign of a first-order" in text for text in found.sections[0].warnings)


def test_a_jump_is_called_first_order_with_its_size(symmetric, measured):
    whole = dataclasses.replace(measured["analysis"], curve=symmetric)
    found = report_of(whole, sections=["curve"], units="bits")
    # Theory: K = 10, error 10 %, the jump of I(X;T) is 0.522573 nats.
    assert f"jumps by {0.522573 / np.log(2):.4g}\N{NO-BREAK SPACE}bits" in found.headline[0]
    assert "1 of them first-order" in found.headline[1]
    assert not any("nucleation" in text for text in found.sections[0].warnings)


def test_what_is_not_certified_gets_a_warning(measured):
    whole = measured["analysis"]
    loose = dataclasses.replace(whole.curve.solutions[-1], status="raise tol", gap=0.01)
    local = dataclasses.replace(whole.transitions[0], certified=False)
    curve = dataclasses.replace(
        whole.curve, solutions=(*whole.curve.solutions[:-1], loose), transitions=(local,)
    )
    warnings = report_of(dataclasses.replace(whole, curve=curve), sections=["curve"]).sections[0]
    said = " ".join(warnings.warnings)
    assert f"1 of {len(curve.solutions)} points are not certified" in said
    assert "0.01 nats" in said
    assert "1 transition (hollow markers)" in said


def test_the_channel_table_is_the_fit(report, measured):
    fit = measured["analysis"].fit
    shown = cells(section_of(report, "Channel"))
    assert shown["I(X;Y) held out, H(Y) − log-loss [nats]"] == (write_number(fit.i_xy_held_out),)
    assert shown["I(X;Y) plug-in, over-confident [nats]"] == (write_number(fit.i_xy_plug_in),)
    assert shown["temperature of the likelihoods"] == (write_number(fit.temperature),)


def test_features_worse_than_the_priors_get_a_warning(measured):
    whole = measured["analysis"]
    fit = dataclasses.replace(whole.fit, i_xy_held_out=-0.1)
    (section,) = report_of(dataclasses.replace(whole, fit=fit), sections=["channel"]).sections
    assert any("worse than the class priors" in text for text in section.warnings)


def test_an_unbounded_gaussian_information_gets_a_warning_in_its_section(measured):
    rng = np.random.default_rng(1)
    y = np.arange(60) % 2
    x = 40.0 * np.eye(2)[y] + rng.normal(size=(60, 2))
    found = report_of(ib.curve((x, y), n_points=4), sections=["gaussian", "channel"])
    gaussian, channel = found.sections[1], found.sections[0]
    assert any("without bound" in text for text in gaussian.warnings)
    assert not any("without bound" in text for text in channel.warnings)


def test_a_lossy_reduction_gets_a_warning_at_the_curve(measured):
    whole = measured["analysis"]
    channel = dataclasses.replace(whole.channel, n=100, n_reduced=3, information_lost=0.25)
    (section,) = report_of(dataclasses.replace(whole, channel=channel), sections=["curve"]).sections
    assert any("100 points to 3 lost 0.25" in text for text in section.warnings)


def test_the_headline_gives_the_first_transition_and_the_share_of_the_curve(report, measured):
    curve = measured["analysis"].curve
    first = curve.transitions[0]
    assert f"β = {first.beta:.3f}"[:-1] in report.headline[0]
    assert first.mechanism in report.headline[0]
    assert f"{100 * curve.i_ty[-1] / curve.i_xy:.1f}\N{NO-BREAK SPACE}%" in report.headline[1]


def test_a_curve_of_its_trivial_end_alone_is_no_finding(measured):
    whole = measured["analysis"]
    stopped = dataclasses.replace(
        whole.curve,
        solutions=whole.curve.solutions[:1],
        transitions=(),
        status="interrupted at beta = 1",
    )
    found = report_of(dataclasses.replace(whole, curve=stopped), sections=["curve"])
    assert found.headline == (
        "The curve was ended before its first transition: nothing is known of it.",
    )
    assert "Not measured" in found.sections[0].text[0]
    assert not found.sections[0].pictures
