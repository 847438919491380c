"""Solvers run on one thread of linear algebra and leave the setting as they found it."""

import pytest
from known_channels import wu_fischer
from threadpoolctl import threadpool_info, threadpool_limits

from ibcollapse.bottleneck import certify, solve, trace_curve
from ibcollapse.bottleneck.blas_threads import on_one_blas_thread


def threads() -> set[int]:
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


def test_one_thread_inside_and_as_many_as_before_outside():
    with threadpool_limits(2, user_api="blas"):
        assert on_one_blas_thread(threads)() == {1}
        assert threads() == {2}


def test_the_setting_comes_back_after_an_error():
    @on_one_blas_thread
    def fail():
        raise ValueError("on purpose")

    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ValueError, match="on purpose"):
            fail()
        assert threads() == {2}


def test_the_solvers_are_limited_and_keep_their_names():
    for function in (solve, certify, trace_curve):
        assert function.__wrapped__.__name__ == function.__name__
    with threadpool_limits(2, user_api="blas"):
        solve(wu_fischer(), 2.0)
        assert threads() == {2}
