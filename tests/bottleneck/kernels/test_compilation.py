"""The garbage collector rests while kernels of this package compile, and only then."""

import gc
from types import SimpleNamespace

import numpy as np
import pytest
from numba.core import event

from ibcollapse.bottleneck.kernels.compilation import _CollectorPause, kernel


def compiling(module):
    dispatcher = SimpleNamespace(py_func=SimpleNamespace(__module__=module))
    return SimpleNamespace(data={"dispatcher": dispatcher})


@pytest.fixture
def collector():
    was_on = gc.isenabled()
    yield
    (gc.enable if was_on else gc.disable)()


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("was_on", [True, False])
def test_it_rests_until_the_outermost_kernel_is_done(was_on):
    (gc.enable if was_on else gc.disable)()
    pause, ours = _CollectorPause(), compiling("ibcollapse.bottleneck.kernels.sweep")
    pause.on_start(ours)
    pause.on_start(ours)
    pause.on_end(ours)
    assert not gc.isenabled()
    pause.on_end(ours)
    assert gc.isenabled() == was_on


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("module", ["numpy", "ibcollapse_of_another", None])
def test_it_goes_on_for_kernels_of_others(module):
    gc.enable()
    pause = _CollectorPause()
    pause.on_start(compiling(module))
    assert gc.isenabled()
    pause.on_end(compiling(module))
    assert gc.isenabled()


@pytest.mark.usefixtures("collector")
def test_a_kernel_that_does_not_compile_leaves_it_on():
    def broken(x):
        return x.no_such_attribute

    broken.__module__ = "ibcollapse.tests"
    gc.enable()
    states = []

    class Watch(event.Listener):
        def on_start(self, _):
            states.append(gc.isenabled())

        def on_end(self, _):
            pass

    with (
        event.install_listener("numba:compile", Watch()),
        pytest.raises(Exception, match="no_such"),
    ):
        kernel(broken)(np.ones(3))
    assert states[0] is False
    assert gc.isenabled()
