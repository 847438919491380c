import numpy as np
import pytest
from scipy.optimize import approx_fprime

from ibcollapse.landscape.free_loss import FreeSupCon, lowest_curvature, riemannian

LABELS = np.repeat(np.arange(3), [4, 3, 2])


def unit_rows(rng, *shape):
    rows = rng.normal(size=shape)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def naive_loss(features, labels, temperature):
    """The definition (theory §3), one pair at a time."""
    total = 0.0
    for i, h in enumerate(features):
        others = [j for j in range(len(labels)) if j != i]
        log_sum = np.log(sum(np.exp(h @ features[j] / temperature) for j in others))
        positives = [j for j in others if labels[j] == labels[i]]
        total += np.mean([log_sum - h @ features[j] / temperature for j in positives])
    return total / len(labels)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_values_and_slopes_match_the_definition(temperature):
    rng = np.random.default_rng(0)
    features = unit_rows(rng, 2, 9, 4)
    loss = FreeSupCon(LABELS, temperature)
    values, slopes, _ = loss.value_and_slope(features)
    for h, value, slope in zip(features, values, slopes, strict=True):
        assert value == pytest.approx(naive_loss(h, LABELS, temperature), rel=1e-12)
        numeric = approx_fprime(
            h.ravel(), lambda x: naive_loss(x.reshape(9, 4), LABELS, temperature), 1e-7
        )
        # Forward differences: second derivative · step ≈ 1e-5 at τ = 0.1.
        assert slope.ravel() == pytest.approx(numeric, abs=2e-5)


def test_hessian_products_are_differences_of_slopes():
    rng = np.random.default_rng(1)
    h, loss = unit_rows(rng, 9, 4), FreeSupCon(LABELS, 0.5)
    directions = rng.normal(size=(3, 9, 4))
    _, _, share = loss.value_and_slope(h)
    step = 1e-5
    for u, product in zip(directions, loss.hessian_products(h, share, directions), strict=True):
        ahead, behind = (loss.value_and_slope(h + s * step * u)[1] for s in (1, -1))
        assert product == pytest.approx((ahead - behind) / (2 * step), abs=1e-8)


def test_curvature_is_the_second_derivative_along_geodesics():
    # Two classes of two in the plane, at the collapsed optimum: only relative angles are left.
    labels = np.array([0, 0, 1, 1])
    h = np.array([[1.0, 0], [1, 0], [-1, 0], [-1, 0]])
    loss = FreeSupCon(labels, 1.0)

    def along(angles):
        rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return loss.value_and_slope(rows)[0]

    start, step = np.array([0, 0, np.pi, np.pi]), 1e-4
    axes = np.eye(4)
    hessian = np.array(
        [
            [
                sum(i * j * along(start + step * (i * u + j * v)) for i in (1, -1) for j in (1, -1))
                / (4 * step**2)
                for v in axes
            ]
            for u in axes
        ]
    )
    eigenvalues = np.linalg.eigvalsh(hessian)
    # The smallest is zero, the common rotation; differences leave 1e-7.
    assert eigenvalues[0] == pytest.approx(0, abs=1e-6)
    assert lowest_curvature(loss, h, relu=False) == pytest.approx(eigenvalues[1], abs=1e-6)


def test_riemannian_gradients_are_tangent():
    rng = np.random.default_rng(2)
    h = unit_rows(rng, 5, 9, 4)
    gradient = riemannian(h, rng.normal(size=h.shape))
    assert np.abs(np.sum(gradient * h, axis=-1)).max() < 1e-15
