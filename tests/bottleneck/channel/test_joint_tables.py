"""Joint tables on disk: what is read is what was written, and bad files are named."""

import numpy as np
import pandas as pd
import pytest
from bottleneck.ground_truths import random_joint

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.channel.joint_tables import read_joint, read_joint_table
from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError

JOINT = random_joint(5, 3, 0)
COUNTS = np.array([[30, 5, 1], [4, 25, 6], [2, 3, 40], [10, 10, 10]])
NAMES = ["cat", "dog", "owl"]


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
        ("semicolons.csv", "4;1\n2;3\n", "'2;3' with semicolons.*between commas"),
        ("tabs.csv", "4\t1\n2\t3\n", r"with tabs.*between commas"),
        ("commas.txt", "0.4,0.1\n0.2,0.3\n", "with commas.*between blanks"),
        ("decimal_commas.tsv", "a\tb\n0,4\t0,1\n0,2\t0,3\n", "'0,1'; expected a decimal point"),
        ("decimal_comma_labels.txt", "0,4 1\n0,6 0\n", "'0,6'; expected a decimal point"),
        ("underscores.csv", "0.5,1_0\n0.5,0.5\n", "line 1, column 2 holds '1_0'"),
        ("first_cell.csv", "nan,0\n0.5,0.1\n0.2,0.2\n", "line 1, column 1 holds 'nan'"),
        ("missing_cell.csv", "0.5,\n0.2,0.3\n", "line 1, column 2 is empty"),
        ("missing_name.csv", "a,,c\n1,2,3\n3,4,5\n", "line 1, column 2 is empty"),
        ("one_row.csv", "a,b\n0.5,0.5\n", "1 x 2 numbers.*two or more"),
        ("one_column.csv", "0.5\n0.5\n", "2 x 1 numbers.*two or more"),
        ("labels.csv", "5,2,cat\n3,1,dog\n", "column 3 holds 'dog'.*as .npz or .h5"),
        ("labels_first.csv", "cat,5,2\ncat,3,1\n", "'cat' like a line before it.*.npz"),
        ("quote.csv", '"a,b\n0.5,0.5\n', "line 1: unexpected end"),
        ("zeros.csv", "0.5\0,0.5\n", "not a text file"),
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


def as_text(table, head=(), *, end="\n", after=""):
    lines = [",".join(head), *(",".join(map(repr, row)) for row in table.tolist())]
    return "".join(line + after + end for line in lines if line)


def assert_is(channel, table, names):
    expected = Channel.from_joint(table)
    np.testing.assert_allclose(channel.p_x, expected.p_x, rtol=1e-14)
    np.testing.assert_allclose(channel.p_y_given_x, expected.p_y_given_x, rtol=1e-13)
    assert channel.class_names == tuple(names)


@pytest.mark.parametrize("table", [JOINT, COUNTS], ids=["shares", "counts"])
@pytest.mark.parametrize("head", [(), NAMES], ids=["bare", "named"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_the_first_cell(tmp_path, table, head, encoding):
    path = tmp_path / "marked.csv"
    path.write_text(as_text(table, head), encoding=encoding)
    assert_is(read_joint(path), table, head or "012")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
def test_other_encodings_are_refused(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_text(as_text(JOINT, ["é", "dog", "owl"]), encoding=encoding)
    with pytest.raises(FeatureFileError, match="UTF-8"):
        read_joint(path)


@pytest.mark.parametrize("table", [JOINT, COUNTS], ids=["shares", "counts"])
@pytest.mark.parametrize(
    ("columns", "index", "writing"),
    [
        (None, None, {}),
        (NAMES, None, {}),
        (None, "letters", {}),
        (NAMES, "letters", {}),
        (NAMES, "letters", {"index_label": "x"}),
        ([10, 20, 30], "letters", {}),
        (None, None, {"index_label": "x"}),
        (NAMES, None, {"index": False, "quoting": 1}),
        (NAMES, None, {"index": False, "lineterminator": "\r\n"}),
        (None, "letters", {"header": False}),
    ],
)
def test_what_pandas_writes_is_read_without_its_index(tmp_path, table, columns, index, writing):
    rows = None if index is None else [f"r{i}" for i in range(len(table))]
    path = tmp_path / "t.csv"
    pd.DataFrame(table, columns=columns, index=rows).to_csv(path, **writing)
    names = "012" if columns is None or "header" in writing else map(str, columns)
    assert_is(read_joint(path), table, names)
    pd.DataFrame(table, columns=columns, index=rows).to_csv(
        path.with_suffix(".tsv"), sep="\t", **writing
    )
    assert read_joint(path.with_suffix(".tsv")).i_xy == read_joint(path).i_xy


@pytest.mark.parametrize("writing", [{"index": False}, {"header": False}, {"index_label": "x"}])
def test_numbers_of_rows_or_columns_are_no_counts(tmp_path, writing):
    """Shares that sum to one say what the numbers are; with counts there is no telling."""
    path = tmp_path / "t.csv"
    columns = NAMES if "index_label" in writing else None
    pd.DataFrame(JOINT, columns=columns).to_csv(path, **writing)
    assert_is(read_joint(path), JOINT, columns or "012")
    pd.DataFrame(COUNTS, columns=columns).to_csv(path, **writing)
    with pytest.raises(FeatureFileError, match=r"counts up from 0, as .* numbers do"):
        read_joint(path)


@pytest.mark.parametrize("corner", ["", '"",'])
def test_row_numbers_of_r_are_no_counts(tmp_path, corner):
    lines = [f'"{i}",{line}' for i, line in enumerate(as_text(COUNTS).splitlines(), start=1)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([corner + '"cat","dog","owl"', *lines]))
    assert_is(read_joint(path), COUNTS, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        as_text(COUNTS, NAMES, after=","),
        as_text(COUNTS, NAMES, end="\r"),
        as_text(COUNTS, NAMES, end="\r\r\n"),
        "\n\n" + as_text(COUNTS, NAMES) + "\n\n",
        "# " + as_text(COUNTS, NAMES),
        '# one 3" table,\n' + as_text(COUNTS, NAMES) + "# the end\n",
    ],
    ids=["trailing commas", "returns", "double ends", "empty lines", "# header", "comments"],
)
def test_what_is_no_cell_changes_nothing(tmp_path, text):
    (tmp_path / "t.csv").write_bytes(text.encode())
    assert_is(read_joint(tmp_path / "t.csv"), COUNTS, NAMES)


def test_comments_that_are_no_header_are_said_to_be_left_out(tmp_path):
    path = tmp_path / "t.txt"
    np.savetxt(path, COUNTS, fmt="%d", header="cat dog owl")
    table = read_joint_table(path)
    assert_is(table.channel, COUNTS, "012")
    assert "lines with # left out, the first '# cat dog owl'" in table.description


def test_a_sum_may_miss_one_by_the_rounding_of_the_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("0.333,0\n0,0.333\n0,0.333\n")
    found = read_joint_table(path)
    assert found.channel.i_xy == pytest.approx(np.log(3) - 2 / 3 * np.log(2), abs=1e-12)
    assert "sums to 0.999; divided by its sum" in found.description
    for text in ("0.333000,0\n0,0.333\n0,0.333\n0,0.01", "0.3,0.3\n0.3,0.3", "1,0\n0,1\n1,0.0"):
        path.write_text(text)
        with pytest.raises(FeatureFileError, match="a joint table p"):
            read_joint_table(path, may_be_counts=False)


@pytest.mark.parametrize("label", [range(3), NAMES], ids=["numbers", "words"])
@pytest.mark.parametrize("head", [(), ("a", "b", "label")], ids=["bare", "named"])
def test_features_with_labels_are_refused_unless_said_to_be_counts(tmp_path, label, head):
    rows = [f"{i + 5},{i % 7},{label[i % 3]}" for i in range(30)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([*([",".join(head)] if head else []), *rows]))
    with pytest.raises(FeatureFileError, match=r"features with labels .* \.npz or \.h5") as refused:
        read_joint_table(path, may_be_counts=False)
    assert "\n" not in str(refused.value)


def test_the_line_about_a_table_says_shape_names_and_sum(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("cat,dog\n0.5,0.25\n0,0\n0.25,0\n")
    assert read_joint_table(path).description == (
        "read as a joint table: 3 x 2, rows are x, columns y (cat, dog), sums to 1"
    )
