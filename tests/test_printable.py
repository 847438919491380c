import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibcollapse.printable import printable
from ibcollapse_cli.formats import format_cell
from ibcollapse_cli.outcome import failure_of


@given(st.text())
def test_nothing_that_moves_the_cursor_is_left(text):
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)


@pytest.mark.parametrize("text", ["Zürich 你好", "a b\N{NO-BREAK SPACE}c", "[bold]|*", "β = 1.5"])
def test_words_of_any_language_stay(text):
    assert printable(text) == text


def test_a_right_to_left_override_is_shown():
    assert printable("a\u202eb") == "a\\u202eb"


def test_names_of_classes_and_files_pass_through_it():
    assert format_cell("\x1b[31mred") == "\\x1b[31mred"
    assert failure_of(FileNotFoundError(2, "No such file", "a\nb")).message.count("\n") == 0
