import numpy as np
import pytest
from scipy import stats

from benchmarks.experiments.paired import mean_and_interval, paired_difference, print_table


def test_interval_is_the_one_of_students_t_test():
    values = np.random.default_rng(0).normal(0.3, 1.0, size=9)
    found = mean_and_interval(values)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.excludes_zero == (expected.low > 0 or expected.high < 0)


def test_differences_are_taken_seed_by_seed():
    seeds = 10.0 * np.random.default_rng(1).normal(size=6)
    found = paired_difference(seeds, seeds + 0.5 + np.array([0.1, -0.1] * 3))
    # The spread over the seeds, 20 times that of the difference, drops out.
    assert found.mean == pytest.approx(0.5, abs=1e-12)
    assert found.high - found.low < 0.3
    assert found.excludes_zero


def test_missing_values_are_left_out_and_one_value_has_no_interval():
    assert mean_and_interval(np.array([1.0, np.nan, 3.0])).n == 2
    single = mean_and_interval(np.array([np.nan, 2.0]))
    assert single.mean == 2.0
    assert np.isnan(single.low)
    assert not single.excludes_zero
    assert mean_and_interval(np.array([np.nan])).n == 0


def test_table_has_a_line_a_row(capsys):
    print_table([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    assert capsys.readouterr().out == "\n| a | b |\n|---|---|\n| 1 | x |\n| 2 | y |\n"
    print_table([])
    assert capsys.readouterr().out == ""
