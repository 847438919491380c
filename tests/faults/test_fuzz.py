"""Damaged feature and result files are read or refused: no crash, hang or other exception."""

import pytest
from faults.checksums import checked_blocks, lookup3
from faults.fuzzing import count
from faults.good_files import make_good_files


def test_the_checksum_is_that_of_hdf5(tmp_path):
    paths = make_good_files(tmp_path)
    native = next(path for path in paths if path.name == "native.h5")
    assert len(checked_blocks(native.read_bytes())) > 50
    # From the documentation of the algorithm, with its initial value 0.
    assert lookup3(b"Four score and seven years ago") == 0x17770551


def assert_all_end_well(counts, files):
    assert counts.failures == []
    assert counts.outcomes.total() == files
    # Both ends are reached, or nothing would be shown.
    assert min(counts.outcomes["read"], counts.outcomes["refused"]) > files / 20
    # 20 000 files of seed 1 took 328.
    assert counts.largest_mib < 512


def test_damaged_files_are_read_or_refused():
    assert_all_end_well(count(seed=7, files=500, processes=1, keep=None), 500)


@pytest.mark.slow
def test_very_many_damaged_files_are_read_or_refused():
    assert_all_end_well(count(seed=0, files=20_000, processes=2, keep=None), 20_000)
