import dataclasses
import math

import pytest

pytest.importorskip("torch")

from benchmarks.experiments import imbalance
from benchmarks.experiments.imbalance_plans import ASKED, PLANS, WHOLE
from ibcollapse.nn.sampling import imbalanced_counts

pytestmark = pytest.mark.torch


def test_every_plan_is_asked_for():
    assert set(ASKED) == set(PLANS)


def test_a_whole_batch_holds_every_sample_of_the_part():
    largest = max(
        int(imbalanced_counts([imbalance.PER_CLASS] * 10, kind, ratio).sum())
        for kind, ratio in ASKED["ce-penalised"]
    )
    assert PLANS["ce-penalised"].batch_size == WHOLE == largest


def test_only_plans_with_a_feature_penalty_solve_the_penalised_problem(monkeypatch):
    assert imbalance.ridge_of("ce", 100) is None
    assert imbalance.ridge_of("ce-decayed", 100) is None
    plan = dataclasses.replace(PLANS["ce-penalised"], weight_decay=4e-3, feature_decay=9e-3)
    monkeypatch.setitem(PLANS, "ce-penalised", plan)
    assert imbalance.ridge_of("ce-penalised", 100) == pytest.approx(6e-3 / math.sqrt(100))
