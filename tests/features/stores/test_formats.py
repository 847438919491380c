import importlib.metadata
import types

import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import open_features
from ibcollapse.features.stores import formats


def read_csv(path):
    table = np.loadtxt(path, delimiter=",")
    return {"features": table[:, :-1], "labels": table[:, -1]}


@pytest.fixture
def installed(monkeypatch):
    """A package that registered a reader of .csv."""
    point = importlib.metadata.EntryPoint("csv", f"{__name__}:read_csv", formats.READERS_GROUP)
    monkeypatch.setattr(type(point), "load", lambda self: read_csv)

    def entry_points(*, group, name):
        return [point] if (group, name) == (formats.READERS_GROUP, "csv") else []

    monkeypatch.setattr(formats, "entry_points", entry_points)
    return types.SimpleNamespace(point=point)


@pytest.mark.usefixtures("installed")
def test_a_registered_reader_serves_its_suffix(tmp_path, whole):
    path = tmp_path / "f.CSV"
    path.write_text("1,2,0\n3,4,1\n5,6,0\n7,8,1\n")
    source = open_features(path)
    np.testing.assert_array_equal(whole(source)[0], [[1, 2], [3, 4], [5, 6], [7, 8]])
    assert source.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.usefixtures("installed")
def test_an_error_of_a_registered_reader_is_one_line(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("1,2,zebra\n")
    with pytest.raises(FeatureFileError, match=r"f\.csv: cannot read it with .*zebra"):
        open_features(path)


def test_an_unknown_suffix_is_tried_as_hdf5(tmp_path):
    path = tmp_path / "f.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(FeatureFileError, match="not an HDF5 file; feature files are"):
        open_features(path)
