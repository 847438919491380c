"""Work that is begun, and parts of work, by other threads."""

import threading

import pytest

from ibcollapse.bottleneck.kernels import side_by_side as module


@pytest.mark.parametrize("threads", [1, 2])
def test_begun_work_gives_its_result_or_its_error(threads, monkeypatch):
    monkeypatch.setattr(module, "THREADS", threads)
    assert module.begun(lambda: 42)() == 42

    def fails():
        raise ValueError("told to")

    with pytest.raises(ValueError, match="told to"):
        module.begun(fails)()


def test_begun_work_goes_on_meanwhile(monkeypatch):
    monkeypatch.setattr(module, "THREADS", 2)
    ready = threading.Event()
    result = module.begun(lambda: ready.wait(10))
    ready.set()
    assert result() is True


def test_begun_work_may_have_parts_of_its_own(monkeypatch):
    monkeypatch.setattr(module, "THREADS", 2)
    done = []
    module.begun(lambda: module.side_by_side(done.append, range(5)))()
    assert sorted(done) == [0, 1, 2, 3, 4]
