import numpy as np
import pytest

from ibcollapse.coincidence import overlap, principal_angles


def test_angle_of_a_line_and_a_plane():
    line = np.array([[0.0], [np.cos(0.3)], [np.sin(0.3)]])
    assert principal_angles(np.eye(3)[:, :2], line) == pytest.approx([0.3], abs=1e-14)


def test_angles_do_not_depend_on_the_lengths_or_the_basis_of_the_columns():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
    # Lengths 13 decades apart: an unscaled rank decision would drop the shortest columns.
    scaled = a * np.array([1e-9, 1.0, 1e4])
    mixed = b @ rng.normal(size=(3, 3))
    expected = principal_angles(a, b)
    assert principal_angles(scaled, mixed) == pytest.approx(expected, abs=1e-9)
    assert (np.diff(expected) >= 0).all()


def test_zero_columns_span_nothing():
    assert principal_angles(np.zeros((4, 2)), np.eye(4)).size == 0
    assert np.isnan(overlap(np.zeros(0)))


def test_random_spans_overlap_by_their_share_of_the_dimensions():
    rng = np.random.default_rng(1)
    found = [
        overlap(principal_angles(rng.normal(size=(20, 5)), rng.normal(size=(20, 5))))
        for _ in range(400)
    ]
    # Mean 5/20; the standard error over 400 draws is below 0.004.
    assert np.mean(found) == pytest.approx(0.25, abs=0.015)
