import pytest

from ibcollapse.bottleneck.kernels.partition import over_slabs


@pytest.mark.parametrize(("n_slabs", "n_threads"), [(1, 1), (1, 8), (7, 2), (7, 3), (100, 4)])
def test_parts_cover_the_slabs_once_and_in_order(n_slabs, n_threads):
    parts = over_slabs(lambda first, stop: (first, stop), n_slabs, n_threads, work=10**12)
    assert len(parts) == min(n_slabs, n_threads)
    assert [slab for part in parts for slab in range(*part)] == list(range(n_slabs))


def test_small_work_stays_on_the_calling_thread():
    assert over_slabs(lambda *part: part, 100, 4, work=1000) == [(0, 100)]


def test_an_error_in_a_thread_reaches_the_caller():
    def fail_in_the_second_part(first, stop):
        if first > 0:
            raise ZeroDivisionError("in a thread")

    with pytest.raises(ZeroDivisionError, match="in a thread"):
        over_slabs(fail_in_the_second_part, 10, 2, work=10**12)
