import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

from ibcollapse.errors import InputError
from ibcollapse.geometry.simplex_fit import fit_simplex, simplex_vertices


def test_vertices_have_the_simplex_gram():
    vertices = simplex_vertices(6)
    assert vertices.shape == (6, 5)
    np.testing.assert_allclose(vertices @ vertices.T, 1.2 * np.eye(6) - 0.2, atol=1e-14)


@pytest.mark.parametrize("n_features", [4, 5, 20])
def test_a_rotated_shifted_scaled_simplex_is_found(n_features):
    rotation = ortho_group.rvs(n_features, random_state=0)[:4]
    fit = fit_simplex(3.0 * simplex_vertices(5) @ rotation + 100.0)
    assert fit.radius == pytest.approx(3.0, rel=1e-12)
    # Offsets of 100 leave rounding of about 1e-14 relative to the radius.
    assert fit.residual < 1e-12
    np.testing.assert_allclose(fit.class_deviation, 0.0, atol=1e-12)


def test_the_moved_class_stands_out():
    means = simplex_vertices(5)
    means[2] *= 1.5
    fit = fit_simplex(means)
    assert np.argmax(fit.class_deviation) == 2


def test_residual_agrees_with_scipys_procrustes():
    rng = np.random.default_rng(1)
    means = rng.normal(size=(6, 5))
    centred = means - means.mean(axis=0)
    vertices = simplex_vertices(6)
    rotation, nuclear = orthogonal_procrustes(vertices, centred)
    fit = fit_simplex(means)
    assert fit.radius == pytest.approx(nuclear / 6, rel=1e-12)
    misfit = centred - fit.radius * vertices @ rotation
    expected = np.linalg.norm(misfit) / np.linalg.norm(centred)
    assert fit.residual == pytest.approx(expected, rel=1e-12)


def test_fewer_dimensions_than_the_simplex_needs():
    # Four vertices need three dimensions. With V'M = U S W', S = (s, s, 0), s = 4/sqrt(3):
    # |M|^2 = 8, r = 2s/4, and |M - rVQ|^2 = 8 - 4 r^2 = 8 - 16/3.
    square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    fit, padded = fit_simplex(square), fit_simplex(np.pad(square, ((0, 0), (0, 3))))
    assert fit.residual == pytest.approx(padded.residual, rel=1e-12)
    assert fit.residual == pytest.approx(np.sqrt(1 / 3), rel=1e-12)


def test_coincident_means_are_refused():
    with pytest.raises(InputError, match="coincide"):
        fit_simplex(np.ones((3, 2)))
