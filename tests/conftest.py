"""What every test needs before it is imported."""

import contextlib
import sys
from pathlib import Path

# pandas looks for an accelerator called bottleneck and would take the tests' folder of that name
# for one: it is imported while the tests are out of sight.
_tests = Path(__file__).parent
_path = sys.path.copy()
sys.path[:] = [entry for entry in _path if Path(entry) != _tests]
with contextlib.suppress(ImportError):
    import pandas  # noqa: F401
sys.path[:] = _path
