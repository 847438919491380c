"""What `pytest -m fast` leaves out exists, and leaves tests of every sub-package in."""

from pathlib import Path, PurePosixPath

import pytest
from fast_files import NOT_FAST, is_fast

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "ibcollapse"
FILES = [PurePosixPath(p.relative_to(TESTS).as_posix()) for p in TESTS.rglob("test_*.py")]
FOLDERS = sorted(p.parent.relative_to(PACKAGE) for p in PACKAGE.glob("*/**/__init__.py"))


@pytest.mark.parametrize("pattern", NOT_FAST)
def test_a_pattern_stands_for_files_that_exist(pattern):
    assert any(path.match(pattern) for path in FILES)


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_every_sub_package_has_fast_tests(folder):
    assert any(path.is_relative_to(folder.as_posix()) and is_fast(path) for path in FILES)


def test_the_marker_is_given_by_the_rule_and_not_to_slow_tests(request):
    items = request.session.items
    fast = {item for item in items if item.get_closest_marker("fast")}
    assert request.node in fast
    for item in items:
        path = PurePosixPath(item.path.relative_to(TESTS).as_posix())
        left_out = item.get_closest_marker("slow") or item.get_closest_marker("torch")
        assert (item in fast) == (is_fast(path) and not left_out)
