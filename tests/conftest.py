"""What every test needs before it is imported."""

import contextlib
import sys
from pathlib import Path

import pytest

# pandas and xarray look for an accelerator called bottleneck and would take the tests' folder of
# that name for one: they are imported while the tests are out of sight.
_tests = Path(__file__).parent
_path = sys.path.copy()
sys.path[:] = [entry for entry in _path if Path(entry) != _tests]
with contextlib.suppress(ImportError):
    import pandas  # noqa: F401
    import xarray  # noqa: F401
sys.path[:] = _path


@pytest.fixture(scope="module")
def stored():
    """A result of every kind that is quick to make, by name."""
    from stored_material import results

    return results()
