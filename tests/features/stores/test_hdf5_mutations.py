"""Files with a few bytes changed: read, or refused in one line; never a crash or a hang."""

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import open_features

X = np.random.default_rng(6).normal(size=(12, 3))
Y = np.arange(12) % 3


@pytest.fixture(scope="module")
def good_bytes(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "f.h5"
    with h5py.File(path, "w", libver="v110") as file:
        file.create_dataset(
            "train/features", data=X.astype("f4"), chunks=(5, 3), compression="gzip"
        )
        file["train/labels"] = np.array(["a", "b", "c"], dtype=object)[Y]
    return path.read_bytes()


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_bytes_end_in_a_clear_error_or_are_read(tmp_path, good_bytes, data):
    damaged = bytearray(good_bytes)
    positions = st.integers(0, len(damaged) - 1)
    for position in data.draw(st.lists(positions, min_size=1, max_size=8)):
        damaged[position] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.h5"
    path.write_bytes(damaged[: data.draw(st.integers(len(damaged) // 2, len(damaged)))])
    try:
        blocks = list(open_features(path).chunks())
        message = ""
    except FeatureFileError as error:
        blocks, message = [], str(error)
    assert "\n" not in message
    assert all(np.isfinite(x).all() for x, _ in blocks)
