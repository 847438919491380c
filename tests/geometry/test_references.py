import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.geometry.references import gram_distance, orthogonal_frame, simplex_etf


@pytest.mark.parametrize("n_classes", [2, 3, 10, 100])
def test_simplex_etf_is_the_centring_projection_scaled_to_unit_norms(n_classes):
    # I - 11'/K with its diagonal scaled to one; off the diagonal -1/(K-1), not -1/K.
    projection = np.eye(n_classes) - 1 / n_classes
    expected = projection * n_classes / (n_classes - 1)
    np.testing.assert_allclose(simplex_etf(n_classes), expected, atol=1e-15)


def test_distance_between_frame_and_simplex():
    # <I, ETF> = K, norms sqrt(K) and K/sqrt(K-1): distance^2 = 2 - 2 sqrt((K-1)/K).
    expected = np.sqrt(2 - 2 * np.sqrt(9 / 10))
    found = gram_distance(7.0 * orthogonal_frame(10), simplex_etf(10))
    assert found == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("function", [simplex_etf, orthogonal_frame])
def test_one_class_has_no_geometry(function):
    with pytest.raises(InputError, match="1 class"):
        function(1)


def test_grams_that_cannot_be_compared_are_refused():
    with pytest.raises(InputError, match="shapes"):
        gram_distance(np.eye(2), np.eye(3))
    with pytest.raises(InputError, match="zero"):
        gram_distance(np.zeros((2, 2)), np.eye(2))
