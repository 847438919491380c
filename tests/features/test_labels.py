import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.labels import decode_labels

CODES = np.array([2, 0, 1, 2, 0])


def decoded(raw, n=None, **options):
    raw = np.asarray(raw)
    return decode_labels(raw, n=len(raw) if n is None else n, where="f.h5: labels", **options)


@pytest.mark.parametrize(
    "raw",
    [
        CODES,
        CODES.astype(np.uint8),
        CODES.astype(">i4"),
        CODES.astype(np.float16),
        CODES[:, None],
        CODES[None, :],
        np.eye(3)[CODES],
        np.eye(3, dtype=bool)[CODES],
        np.eye(3)[CODES].T,
    ],
)
def test_every_numeric_form_gives_the_same_classes(raw):
    found = decoded(raw, n=5)
    assert found.codes.dtype == np.int64
    np.testing.assert_array_equal(found.codes, CODES)
    assert found.names == ("0", "1", "2")


@pytest.mark.parametrize("kind", ["U", "S"])
def test_strings_and_bytes_are_sorted_by_name(kind):
    found = decoded(np.array(["dog", "cat", "dog"], dtype=kind))
    assert found.names == ("cat", "dog")
    np.testing.assert_array_equal(found.codes, [1, 0, 1])
    assert found.values is None


def test_integers_are_sorted_by_value_not_by_spelling():
    found = decoded([10, 2, 10])
    assert found.names == ("2", "10")
    np.testing.assert_array_equal(found.codes, [1, 0, 1])
    np.testing.assert_array_equal(found.values, [2, 10])


def test_minus_one_is_unlabelled_and_no_class():
    found = decoded([-1, 4, 7, -1])
    np.testing.assert_array_equal(found.codes, [-1, 0, 1, -1])
    assert found.names == ("4", "7")


def test_declared_names_keep_their_order_and_their_absent_classes():
    found = decoded([0, 2, -1], class_names=("zebra", "ant", "mole"))
    np.testing.assert_array_equal(found.codes, [0, 2, -1])
    assert found.names == ("zebra", "ant", "mole")
    found = decoded(np.array(["mole", "zebra"]), class_names=("zebra", "ant", "mole"))
    np.testing.assert_array_equal(found.codes, [2, 0])


def test_booleans_are_two_classes():
    assert decoded([True, False]).names == ("0", "1")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([0.5, 1.0], "0.5 in row 0"),
        ([0.0, np.nan], "nan in row 1"),
        ([0, -2], "from -2 to 0"),
        ([[0.2, 0.8], [1.0, 0.0], [1.0, 0.0]], "row 0 is no single 1"),
        ([[1, 1], [1, 0], [0, 1]], "row 0 is no single 1"),
        ([[0, 0], [1, 0], [0, 1]], "row 0 is no single 1"),
        (np.array([b"\xff\xfe", b"ab"]), "no UTF-8"),
    ],
)
def test_what_is_no_label_is_named(raw, words):
    with pytest.raises(FeatureFileError, match=words):
        decoded(raw)


def test_labels_outside_the_declared_classes_are_named():
    with pytest.raises(FeatureFileError, match="label 3 for 2 class_names"):
        decoded([0, 3], class_names=("a", "b"))
    with pytest.raises(FeatureFileError, match=r"\['c'\] are none of the 2 class_names"):
        decoded(np.array(["a", "c"]), class_names=("a", "b"))


def test_another_number_of_labels_is_refused():
    with pytest.raises(FeatureFileError, match=r"shape \(3,\) for 5 samples"):
        decoded([0, 1, 2], n=5)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50))
def test_codes_and_values_give_the_labels_back(labels):
    found = decoded(labels)
    np.testing.assert_array_equal(found.values[found.codes], labels)
    assert list(found.values) == sorted(set(labels))
