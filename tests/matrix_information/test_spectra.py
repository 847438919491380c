import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.errors import InputError
from ibcollapse.matrix_information import spectra
from ibcollapse.matrix_information.rows import RowSet, unit_rows
from ibcollapse.matrix_information.spectra import gram_spectrum, joint_spectrum


def naive_spectrum(gram: np.ndarray) -> np.ndarray:
    values = np.linalg.eigvalsh(gram / np.trace(gram))[::-1]
    return values[values > 1e-12]


def cosine_gram(x: np.ndarray) -> np.ndarray:
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (5, 5)])
def test_gram_spectrum_equals_the_full_grams(shape):
    x = np.random.default_rng(0).normal(size=shape)
    expected = naive_spectrum(cosine_gram(x))
    # Rounding of a 7 x 7 eigenproblem.
    np.testing.assert_allclose(gram_spectrum(unit_rows(x)), expected, rtol=1e-11, atol=1e-13)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 30),
    d_a=st.integers(1, 4),
    d_b=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_joint_spectrum_equals_the_hadamard_product_from_either_side(n, d_a, d_b, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d_a)), rng.normal(size=(n, d_b))
    got = joint_spectrum(unit_rows(x), unit_rows(y))
    expected = np.linalg.eigvalsh(cosine_gram(x) * cosine_gram(y) / n)[::-1]
    np.testing.assert_allclose(got, expected[: len(got)], atol=1e-12)
    np.testing.assert_allclose(expected[len(got) :], 0.0, atol=1e-12)


def test_repeated_rows_give_the_spectrum_of_the_expanded_rows():
    rng = np.random.default_rng(3)
    x, rows = rng.normal(size=(60, 4)), rng.normal(size=(3, 5))
    codes = rng.integers(0, 3, size=60)
    coded = unit_rows(rows, centred=True, codes=codes)
    expanded = unit_rows(rows[codes], centred=True)
    np.testing.assert_allclose(gram_spectrum(coded), gram_spectrum(expanded), rtol=1e-10)
    np.testing.assert_allclose(
        joint_spectrum(unit_rows(x), coded), joint_spectrum(unit_rows(x), expanded), rtol=1e-10
    )


def test_joint_is_symmetric_in_its_arguments():
    rng = np.random.default_rng(4)
    x = unit_rows(rng.normal(size=(40, 3)))
    y = unit_rows(rng.normal(size=(2, 4)), codes=rng.integers(0, 2, size=40))
    np.testing.assert_allclose(joint_spectrum(x, y), joint_spectrum(y, x), rtol=1e-11)


def test_a_class_without_samples_changes_nothing():
    rng = np.random.default_rng(5)
    x, rows = unit_rows(rng.normal(size=(50, 3))), rng.normal(size=(4, 3))
    codes = rng.integers(0, 3, size=50)
    np.testing.assert_allclose(
        joint_spectrum(x, unit_rows(rows, codes=codes)),
        joint_spectrum(x, unit_rows(rows[:3], codes=codes)),
        rtol=1e-10,
    )


def test_too_large_an_eigenproblem_names_the_way_on(monkeypatch):
    monkeypatch.setattr(spectra, "MAX_SIDE", 16)
    rng = np.random.default_rng(6)
    x, y = unit_rows(rng.normal(size=(40, 5))), unit_rows(rng.normal(size=(40, 5)))
    with pytest.raises(InputError, match=r"side 25, the limit is 16; pass batch_size"):
        joint_spectrum(x, y)
    with pytest.raises(InputError, match="side 20"):
        gram_spectrum(unit_rows(rng.normal(size=(40, 20))))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 2)), "3 of 3 rows have length zero"),
        (np.array([[1.0, np.nan]]), "NaN"),
        (np.ones(4), r"shape \(4,\)"),
        (np.empty((0, 3)), "non-empty"),
    ],
)
def test_rows_without_a_direction_are_refused(x, message):
    with pytest.raises(InputError, match=message):
        unit_rows(x)


def test_constant_features_have_no_direction_after_centring():
    with pytest.raises(InputError, match="5 of 5 rows have length zero after centring"):
        unit_rows(np.full((5, 3), 0.1), centred=True)


def test_rows_are_not_changed_in_place():
    x = np.array([[3.0, 4.0]])
    assert isinstance(unit_rows(x), RowSet)
    np.testing.assert_array_equal(x, [[3.0, 4.0]])
