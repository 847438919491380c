"""Files on which HDF5 crashes or never returns are refused by the process that survives them."""

import os
import signal
import struct

import h5py
import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError, ResultFileError
from ibcollapse.features import open_features
from ibcollapse.storage import hdf5_guard
from ibcollapse.storage.hdf5_guard import find_danger
from ibcollapse.storage.serialize import load_result


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "f.h5"
    with h5py.File(target, "w", libver="v110") as file:
        file["features"] = np.arange(16.0).reshape(8, 2)
        file["labels"] = np.array(["cat", "dog"] * 4, dtype=object)
    return target


def endless(path):
    """Let the free object of the global heap of the labels have no size."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<HH4xQ", content, content.index(b"GCOL") + 16, 0, 0, 0)
    path.write_bytes(content)


def test_a_sound_file_is_no_danger(path):
    assert find_danger(path) == ""


def test_a_damaged_file_that_hdf5_reports_itself_is_no_danger(path):
    path.write_bytes(path.read_bytes()[:700])
    assert find_danger(path) == ""


def test_a_file_that_hdf5_never_leaves_is_found(path):
    endless(path)
    assert find_danger(path) == "HDF5 would never return from reading it"


def test_a_crash_is_found_and_the_next_file_is_answered(path, tmp_path, monkeypatch):
    program = tmp_path / "crashing.py"
    text = hdf5_guard._PROGRAM.read_text()
    crash = 'if path.endswith(b"bad.h5"):\n        os.kill(os.getpid(), signal.SIGSEGV)\n    '
    program.write_text(text.replace("budget = _TOTAL", f"{crash}budget = _TOTAL"))
    monkeypatch.setattr(hdf5_guard, "_PROGRAM", program)
    monkeypatch.setattr(hdf5_guard, "_helper", None)
    bad = tmp_path / "bad.h5"
    bad.write_bytes(path.read_bytes())
    assert find_danger(bad) == f"HDF5 crashes on reading it (signal {int(signal.SIGSEGV)})"
    assert find_danger(path) == ""
    for read, error in ((open_features, FeatureFileError), (load_result, ResultFileError)):
        with pytest.raises(error, match=r"bad\.h5.*HDF5 crashes.*again"):
            read(bad)
    hdf5_guard._helper.end()


def test_a_file_is_looked_at_again_when_it_changed(path):
    assert find_danger(path) == ""
    endless(path)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert find_danger(path) != ""


def test_a_helper_that_was_killed_is_started_again(path):
    assert find_danger(path) == ""
    hdf5_guard._helper.end()
    os.utime(path)
    assert find_danger(path) == ""


def test_a_forked_process_takes_a_helper_of_its_own(path):
    find_danger(path)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.utime(path)
        os.write(write, find_danger(path).encode() or b"sound")
        hdf5_guard._helper.end()
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"sound"
    os.utime(path)
    assert find_danger(path) == ""
