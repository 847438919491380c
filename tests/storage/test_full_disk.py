import subprocess
import sys

import pytest

# In a process of its own: the limit holds for every file, also for one that the tests print to.
PROGRAM = """
import resource, sys
import numpy as np
from ibcollapse.bottleneck import Channel
from ibcollapse.errors import OutputError
from ibcollapse.storage.serialize import save

rows = np.random.default_rng(0).dirichlet(np.ones(8), 500)
channel = Channel(np.full(500, 1 / 500), np.log(rows))
# No file grows beyond 8 KiB, as on a disk that fills up in mid-write.
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
try:
    save(channel, sys.argv[1])
except OutputError as error:
    print(error)
"""


def save_on_a_full_disk(target):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(target)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("suffix", [".h5", ".json"])
def test_a_write_that_fails_midway_is_one_error_and_leaves_nothing(tmp_path, suffix):
    ended = save_on_a_full_disk(tmp_path / f"channel{suffix}")
    assert ended.returncode == 0, ended.stderr
    assert "nothing was left behind" in ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_survives_a_failed_write(tmp_path):
    target = tmp_path / "channel.json"
    target.write_text("older result")
    assert "nothing was left behind" in save_on_a_full_disk(target).stdout
    assert target.read_text() == "older result"
