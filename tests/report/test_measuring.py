"""What a report shows, measured from feature files."""

import dataclasses
import math

import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse.bottleneck.deadline import INTERNAL_ERROR, OUT_OF_TIME
from ibcollapse.errors import InputError
from ibcollapse.report import Missing
from ibcollapse.report.measurements import Measurements
from ibcollapse.report.measuring import mark_interrupted, measure
from ibcollapse.report.sections import geometry

QUICK = {"max_loss": 0.2, "n_points": 4, "fraction": 0.3}


def measured(path, *sections, **options):
    found = Measurements((path,))
    measure(found, selection={}, settings=QUICK, sections=sections, loss_temperature=0.1, **options)
    return found


def test_geometry_is_that_of_the_library(checkpoints):
    found = measured(checkpoints[0], "geometry")
    name = checkpoints[0].name
    assert found.names == (name,)
    expected = ib.collapse_geometry(checkpoints[0])
    assert found.results["geometry"][name].etf_distance == expected.etf_distance
    assert set(found.results) == {"geometry", "bounds"}
    assert found.complete


def test_three_sections_are_one_analysis(checkpoints):
    told = []
    found = measured(checkpoints[0], "curve", "channel", "gaussian", on_analysis=told.append)
    assert set(found.results) == {"analysis"}
    assert told == [found.analysis]


def test_a_joint_table_has_no_features_to_measure(tmp_path):
    path = tmp_path / "joint.npy"
    np.save(path, np.array([[0.45, 0.05], [0.05, 0.45]]))
    found = measured(path, "curve", "geometry", "alignment")
    assert found.analysis is not None
    reason = found.results["alignment"]
    assert isinstance(reason, Missing)
    assert "a joint table holds no features" in reason.reason
    assert found.results["geometry"] == {"joint.npy": reason}
    # As asked, but for what a table cannot have: that is no failure.
    assert found.complete


def test_what_fails_says_why_and_the_rest_is_measured(checkpoints, monkeypatch):
    def refuse(*_arguments, **_options):
        raise InputError("no classes here")

    monkeypatch.setattr(geometry, "collapse_geometry", refuse)
    found = measured(checkpoints[0], "geometry")
    assert found.results["geometry"] == {checkpoints[0].name: Missing("no classes here")}
    assert not isinstance(found.results["bounds"][checkpoints[0].name], Missing)
    assert [str(failure) for failure in found.failures] == ["no classes here"]
    assert not found.complete
    assert not found.empty


def test_nothing_measured_is_the_first_reason(checkpoints, monkeypatch):
    def refuse(*_arguments, **_options):
        raise InputError("no classes here")

    for name in ("collapse_geometry", "network_bounds"):
        monkeypatch.setattr(geometry, name, refuse)
    with pytest.raises(InputError, match="no classes here"):
        measured(checkpoints[0], "geometry")


def test_an_interrupted_run_keeps_what_it_has_and_names_the_rest(checkpoints):
    found = measured(checkpoints[0], "geometry")
    kept = dict(found.results)
    mark_interrupted(found)
    assert {name: found.results[name] for name in kept} == kept
    reason = Missing("the run was interrupted before this was measured")
    assert found.results["analysis"] == found.results["dynamics"] == reason
    assert found.results["ranks"] == {checkpoints[0].name: reason}


@pytest.mark.parametrize("status", [f"{OUT_OF_TIME} 3", f"{INTERNAL_ERROR} the curve"])
def test_a_curve_that_was_cut_short_is_not_complete(checkpoints, status):
    found = measured(checkpoints[0], "curve", curve_time=math.inf)
    assert found.complete
    traced = dataclasses.replace(found.analysis.curve, status=status)
    found.results["analysis"] = dataclasses.replace(found.analysis, curve=traced)
    assert not found.complete
