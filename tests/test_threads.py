import types

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from ibcollapse.threads import limited_threads, threads_for


def blas_threads():
    # An operation first: what is not loaded has no threads.
    assert np.eye(3) @ np.ones(3) is not None
    return {library.num_threads for library in ThreadpoolController().lib_controllers}


def source(n_samples, n_features):
    return types.SimpleNamespace(n_samples=n_samples, n_features=n_features)


def test_small_features_get_one_thread():
    with threads_for([source(500, 64), source(500, 128)]):
        assert blas_threads() == {1}


@pytest.mark.parametrize("large", [source(50_000, 64), source(500, 4096)])
def test_one_large_source_leaves_the_threads_alone(large):
    before = blas_threads()
    with threads_for([source(500, 64), large]):
        assert blas_threads() == before


def test_the_limit_ends_with_its_block():
    before = blas_threads()
    with limited_threads(1):
        assert blas_threads() == {1}
    assert blas_threads() == before
