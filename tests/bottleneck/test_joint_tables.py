"""Joint tables on disk: what is read is what was written, and bad files are named."""

import numpy as np
import pytest
from bottleneck.ground_truths import random_joint

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.joint_tables import read_joint
from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError

JOINT = random_joint(5, 3, 0)


@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t"), (".txt", " ")])
def test_text_tables_with_and_without_names(tmp_path, suffix, delimiter):
    expected = Channel.from_joint(JOINT)
    for header in ("", delimiter.join(["cat", "dog", "fox"])):
        path = tmp_path / f"joint{suffix}"
        np.savetxt(path, JOINT, fmt="%.17g", delimiter=delimiter, header=header, comments="")
        channel = read_joint(path)
        np.testing.assert_allclose(channel.p_x, expected.p_x, rtol=1e-15)
        np.testing.assert_allclose(channel.p_y_given_x, expected.p_y_given_x, rtol=1e-14)
        if header:
            assert channel.class_names == ("cat", "dog", "fox")


def test_counts_and_their_shares_are_the_same_table(tmp_path):
    counts = np.array([[3, 1], [2, 4]])
    np.save(tmp_path / "counts.npy", counts)
    np.save(tmp_path / "shares.npy", counts / counts.sum())
    (tmp_path / "counts.csv").write_text("3,1\n2,4\n")
    tables = [read_joint(tmp_path / name) for name in ("counts.npy", "shares.npy", "counts.csv")]
    for table in tables[1:]:
        assert table.i_xy == pytest.approx(tables[0].i_xy, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", "", "empty"),
        ("ragged.csv", "0.5,0.1\n0.4\n", "line 2 holds 1 cells"),
        ("semicolons.csv", "4;1\n2;3\n", "between commas.*'2;3'"),
        ("words.csv", "a,b\n0.5,x\n", "line 2"),
        ("nan.csv", "0.5,nan\n0.2,0.3\n", "nan.csv"),
        ("negative.csv", "0.5,-0.1\n0.3,0.3\n", "negative.csv"),
        ("broken.npy", "not an array", "not a readable"),
    ],
)
def test_what_is_no_joint_table_is_refused_with_its_place(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(FeatureFileError, match=message):
        read_joint(tmp_path / name)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FeatureFileNotFoundError, match="no such file"):
        read_joint(tmp_path / "absent.csv")
