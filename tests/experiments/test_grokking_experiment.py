import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks.experiments import grokking  # noqa: E402
from benchmarks.experiments.grokking_network import (  # noqa: E402
    Grokking,
    addition,
    train_adder,
)

pytestmark = pytest.mark.torch

TINY = Grokking(p=5, share=0.6, width=16, embedding=8, n_steps=100)


def history(accuracy, mir, fitted=2):
    n = len(accuracy)
    train = [0.1] * fitted + [1.0] * (n - fitted)
    flat = [0.5] * n
    return {
        "step": [10.0 * k for k in range(n)],
        "train_accuracy": train,
        "test_accuracy": accuracy,
        "train_mir": mir,
        "test_mir": mir,
        "train_hdr": flat,
        "test_hdr": flat,
    }


def test_every_pair_is_trained_on_or_tested_once():
    x_train, y_train, x_test, y_test = addition(TINY)
    assert len(x_train) == 15
    pairs = torch.cat([x_train, x_test])
    assert len(torch.unique(pairs, dim=0)) == 25
    assert torch.equal(torch.cat([y_train, y_test]), pairs.sum(dim=1) % 5)


def test_shuffled_sums_are_a_permutation_without_the_rule():
    pairs, sums = (torch.cat(parts) for parts in _halves(addition(Grokking(shuffled=True))))
    assert torch.bincount(sums).tolist() == [23] * 23
    hits = (pairs.sum(dim=1) % 23 == sums).double().mean().item()
    # Chance 1/23 = 0.043, deviation 0.009.
    assert hits < 0.1


def _halves(parts):
    return parts[0::2], parts[1::2]


def test_a_change_counts_from_where_it_stays():
    steps = np.arange(6) * 10.0
    values = np.array([9.0, 0.0, 6.0, 4.0, 8.0, 10.0])
    # From record 1 (0.0) to 10: half is passed at 20, lost at 30, and passed for good at 40.
    assert grokking.change_step(steps, values, start=1, share=0.5) == 40.0
    assert grokking.change_step(steps, values, start=1, share=0.1) == 20.0
    # Falling values go the same way.
    assert grokking.change_step(steps, -values, start=1, share=0.5) == 40.0
    assert np.isnan(grokking.change_step(steps, np.ones(6), start=1, share=0.5))


def test_fitting_counts_from_where_it_stays():
    found = history([0.0] * 6, [1.0] * 6)
    found["train_accuracy"] = [0.1, 1.0, 0.9, 0.99, 1.0, 1.0]
    assert grokking.fitted_at(found) == 3
    assert grokking.fitted_at(found | {"train_accuracy": [1.0] * 6}) == 0


def test_a_turn_is_the_largest_value_after_fitting():
    steps = np.arange(6) * 10.0
    values = np.array([9.0, 1.0, 2.0, 3.0, 2.0, 1.0])
    assert grokking.turning_step(steps, values, start=1) == 30.0
    # Values that grow to the end have no turn.
    assert np.isnan(grokking.turning_step(steps, steps, start=1))


def test_leads_are_positive_where_the_measure_moves_first():
    accuracy = [0.0, 0.0, 0.0, 0.0, 0.2, 1.0, 1.0]
    mir = [0.1, 0.2, 0.3, 0.4, 0.3, 0.2, 0.1]
    hdr = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    run = history(accuracy, mir) | {"train_hdr": hdr}
    rows = {row["measure"]: row for row in grokking.leads({"a": run, "b": run})}
    # MIR turns at step 30; accuracy passes a tenth at 40 and half at 50; HDR half at 60.
    turn, late = rows["train mir turns"], rows["train hdr, half of the way"]
    assert turn["steps to test accuracy, 0.1 of the way"] == "+10 [+10, +10]"
    assert turn["steps to test accuracy, 0.5 of the way"] == "+20 [+20, +20]"
    assert turn["first in"] == "2 of 2"
    assert late["steps to test accuracy, 0.5 of the way"] == "-10 [-10, -10]"
    # The test split's HDR stays where it is: there is nothing to lead with.
    assert rows["test hdr, half of the way"]["first in"] == "0 of 2"
    assert grokking.leads({}) == []
    assert grokking.generalises(run)
    assert not grokking.generalises(run | {"test_accuracy": accuracy[::-1]})


def test_limits_span_all_runs():
    run = history([0.0, 1.0, 0.5], [0.2, 0.3, 0.4])
    assert grokking.limits({"a": run}, "mir") == pytest.approx((0.192, 0.408))


def test_training_records_both_splits_and_repeats_itself():
    first = train_adder(TINY)
    assert first["step"] == [0.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0]
    assert {len(values) for values in first.values()} == {len(first["step"])}
    assert first["train_accuracy"][-1] > first["train_accuracy"][0]
    assert all(0.0 <= value <= 1.0 for value in first["test_mir"] + first["test_hdr"])
    assert train_adder(TINY) == first
