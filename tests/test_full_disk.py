import resource

import numpy as np
import pytest

from ibcollapse.bottleneck import Channel
from ibcollapse.errors import OutputError
from ibcollapse.serialize import save


@pytest.fixture
def small_files():
    """Let no file grow beyond 8 KiB, as a disk does that fills up in mid-write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", [".h5", ".json"])
def test_a_write_that_fails_midway_is_one_error_and_leaves_nothing(tmp_path, small_files, suffix):
    rows = np.random.default_rng(0).dirichlet(np.ones(8), 500)
    channel = Channel(np.full(500, 1 / 500), np.log(rows))
    with pytest.raises(OutputError, match="nothing was left behind"):
        save(channel, tmp_path / f"channel{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_survives_a_failed_write(tmp_path, small_files):
    target = tmp_path / "channel.json"
    target.write_text("older result")
    rows = np.random.default_rng(0).dirichlet(np.ones(8), 500)
    with pytest.raises(OutputError):
        save(Channel(np.full(500, 1 / 500), np.log(rows)), target)
    assert target.read_text() == "older result"
