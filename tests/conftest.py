"""What every test needs before it is imported."""

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path, PurePosixPath

import hypothesis
import pytest
from fast_files import is_fast

# Workers of pytest-xdist share the processors: one thread for each, before numpy asks how many
# there are. Tests of threads give their own processes other numbers.
if "PYTEST_XDIST_WORKER" in os.environ:
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(_name, "1")

# A shell's background job ignores Ctrl-C, and so would the commands that tests interrupt.
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long one example takes says something about the machine's other work, not about the library.
hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")

# pandas and xarray look for an accelerator called bottleneck and would take the tests' folder of
# that name for one: they are imported while the tests are out of sight.
_tests = Path(__file__).parent
_path = sys.path.copy()
sys.path[:] = [entry for entry in _path if Path(entry) != _tests]
with contextlib.suppress(ImportError):
    import pandas  # noqa: F401
    import xarray  # noqa: F401
sys.path[:] = _path


# Before -m chooses among them.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if not item.path.is_relative_to(_tests):
            continue
        path = PurePosixPath(item.path.relative_to(_tests).as_posix())
        is_left_out = item.get_closest_marker("slow") or item.get_closest_marker("torch")
        if is_fast(path) and not is_left_out:
            item.add_marker("fast")


def pytest_runtest_setup(item):
    if item.get_closest_marker("torch"):
        pytest.importorskip("torch")


@pytest.fixture(scope="module")
def stored():
    """A result of every kind that is quick to make, by name."""
    from stored_material import results

    return results()
