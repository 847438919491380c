import errno
from pathlib import Path

import pytest

from ibcollapse.storage.deferred_errors import DeferredErrorFile


def test_all_is_written_while_there_is_room(tmp_path):
    with DeferredErrorFile(tmp_path / "f", "w+") as file:
        assert file.write(memoryview(b"abcdef")) == 6
        assert file.truncate(3) == 3
        file.raise_error()
    assert (tmp_path / "f").read_bytes() == b"abc"


def test_a_truncation_that_fails_is_kept(tmp_path):
    with DeferredErrorFile(tmp_path / "f", "w+") as file:
        assert file.truncate(-1) == -1
        with pytest.raises(OSError, match="Invalid argument"):
            file.raise_error()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk without room")
def test_the_first_failed_write_is_kept_and_hdf5_never_hears_of_it():
    with DeferredErrorFile("/dev/full", "w") as file:
        assert file.write(b"abc") == 3
        assert file.write(b"defg") == 4
        assert file.error is not None
        assert file.error.errno == errno.ENOSPC
