import numpy as np
import pytest

from ibcollapse.features.stores.store import StoredArray, one_line, row_bytes, rows_per_block


@pytest.mark.parametrize(
    ("size", "alignment", "rows"),
    [
        (1024, 1, 1024),
        (1024, 300, 900),
        (1024, 2000, 1024),
        (3 << 20, 1, 1),
        (0, 1, 1 << 20),
    ],
)
def test_blocks_fill_the_budget_in_whole_chunks(size, alignment, rows):
    assert rows_per_block(size, alignment, budget=1 << 20) == rows


def test_bytes_of_a_row_follow_the_orientation():
    array = StoredArray("x", (10, 6), np.dtype("f4"))
    assert row_bytes(array, transposed=False) == 24
    assert row_bytes(array, transposed=True) == 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("a\nb\x1b", r"a\nb\x1b"), ("Größe", "Größe"), ("x" * 9, "xxxxx...")],
)
def test_foreign_names_are_shown_on_one_line(text, expected):
    assert one_line(text, limit=8) == expected
