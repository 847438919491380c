import errno
import os
import subprocess
import sys

import pytest

from ibcollapse.errors import OutputError
from ibcollapse.storage.output_lock import output_lock

HOLD = """
import sys
from ibcollapse.storage.output_lock import output_lock
with output_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of tmp_path / "out"."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_refused_with_the_number_of_the_first(holder, tmp_path):
    with (
        pytest.raises(OutputError, match=rf"another run is writing it \(process {holder.pid}\)"),
        output_lock(tmp_path / "out"),
    ):
        pass


def test_a_killed_run_gives_its_output_free(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / ".out.lock").exists()
    with output_lock(tmp_path / "out"):
        assert (tmp_path / ".out.lock").read_text() == f"{os.getpid()}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_run_that_fails_leaves_no_lock(tmp_path, error):
    with pytest.raises(error), output_lock(tmp_path / "out"):
        raise error
    assert list(tmp_path.iterdir()) == []


def test_other_outputs_are_free(holder, tmp_path):
    with output_lock(tmp_path / "other"):
        pass


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    with output_lock(tmp_path / ("x" * 255)):
        assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder_is_named(tmp_path):
    with (
        pytest.raises(OutputError, match=r"absent.*choose another output"),
        output_lock(tmp_path / "absent" / "out"),
    ):
        pass


def test_a_full_disk_is_one_error_and_leaves_no_lock(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputError, match="No space left"), output_lock(tmp_path / "a.h5"):
        pass
    assert list(tmp_path.iterdir()) == []
