import numpy as np
import pytest
from landscape.selfsupervised_material import naive_loss, random_covariance
from scipy.optimize import minimize

from ibcollapse.landscape import selfsupervised


def descend(objective, shape, rng, starts=4):
    """Lowest of several quasi-Newton descents with numerical gradients."""
    ends = [
        minimize(
            lambda w: objective(w.reshape(shape)),
            rng.normal(size=shape).ravel() / 2,
            method="BFGS",
            options={"gtol": 1e-7},
        )
        for _ in range(starts)
    ]
    best = min(ends, key=lambda end: end.fun)
    return best.x.reshape(shape), best.fun


@pytest.mark.parametrize("alignment", [1.0, 2.0, 4.0])
def test_vicreg_minimum_is_what_descent_finds(alignment):
    # Theory §7's check: p = 4, d* = 3, non-commuting A0 and C.
    rng = np.random.default_rng(7)
    a0, c = random_covariance(4, rng), random_covariance(4, rng)
    found = selfsupervised(a0, c, n_outputs=3, loss="vicreg", alignment=alignment)
    weight, value = descend(
        lambda w: naive_loss(w, a0, c, "vicreg", alignment=alignment), (3, 4), rng
    )
    assert found.value == pytest.approx(value, abs=1e-6)
    # Optima are unique up to rotation of the outputs, so compare WᵀW; BFGS leaves 1e-5 of it.
    assert found.encoder.T @ found.encoder == pytest.approx(weight.T @ weight, abs=1e-4)
    values = np.linalg.eigvalsh(weight @ (a0 + c) @ weight.T)
    assert found.n_active == np.sum(values > 1e-6)


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        ("spectral", {}),
        ("spectral", {"weight_decay": 0.4}),
        ("infonce-dot", {"temperature": 0.5}),
        ("infonce-dot", {"temperature": 2.0, "weight_decay": 0.1}),
        ("infonce-distance", {}),
        ("infonce-distance", {"temperature": 0.3}),
        ("infonce-distance", {"temperature": 2.0, "weight_decay": 0.1}),
        ("vicreg", {"alignment": 2.0, "weight_decay": 0.5}),
    ],
)
@pytest.mark.parametrize("n_outputs", [2, 4])
def test_descent_finds_the_predicted_minimum(loss, options, n_outputs):
    rng = np.random.default_rng(11)
    a0, c = random_covariance(3, rng), random_covariance(3, rng)
    found = selfsupervised(a0, c, n_outputs=n_outputs, loss=loss, **options)
    weight, value = descend(
        lambda w: naive_loss(w, a0, c, loss, **options), (n_outputs, 3), rng, starts=3
    )
    assert found.value == pytest.approx(
        naive_loss(found.encoder, a0, c, loss, **options), abs=1e-12
    )
    assert found.value == pytest.approx(value, abs=1e-6)
    assert found.value <= value + 1e-9
    gram = np.sort(np.linalg.eigvalsh(weight @ (a0 + c) @ weight.T))[::-1][: min(n_outputs, 3)]
    predicted = found.feature_variances[: len(gram)]
    # A flat landscape near collapse makes the descent's variances the weaker side.
    assert predicted == pytest.approx(gram, abs=2e-4)


@pytest.mark.parametrize(("loss", "scale"), [("spectral", 1.0), ("infonce-dot", 0.7)])
def test_quadratic_losses_shrink_the_whitened_data_eigenvalues(loss, scale):
    # Theory §7 table: g = λ (spectral) and g = tλ (dot product), λ of Σ^{-1/2} A0 Σ^{-1/2}.
    rng = np.random.default_rng(3)
    a0, c = random_covariance(4, rng), random_covariance(4, rng)
    data_share = np.sort(np.linalg.eigvals(np.linalg.solve(a0 + c, a0)).real)[::-1]
    options = {"temperature": scale} if loss == "infonce-dot" else {}
    found = selfsupervised(a0, c, n_outputs=4, loss=loss, **options)
    assert found.feature_variances == pytest.approx(scale * data_share, rel=1e-9)


def test_squared_distance_golden_ratio():
    found = selfsupervised(np.eye(1), np.eye(1), n_outputs=1, loss="infonce-distance")
    # a = c: u = (√5 − 1)/2, g = 1/u − 1 = 0.6180340 (theory §7).
    assert found.feature_variances[0] == pytest.approx((np.sqrt(5) - 1) / 2, abs=1e-14)


def test_vicreg_collapses_where_alignment_outweighs_variance():
    a, c = np.diag([3.0, 1.0, 0.25]), np.eye(3)
    found = selfsupervised(a, c, n_outputs=3, loss="vicreg", alignment=2.0)
    # g = 1 − αc/(a + c), zero iff αc ≥ a + c (theory §7): the second direction is at the edge.
    assert found.feature_variances == pytest.approx([0.5, 0, 0], abs=1e-12)
    assert found.dimensional_collapse
    assert not found.complete_collapse
    assert selfsupervised(a, c, n_outputs=3, loss="vicreg", alignment=4.0).complete_collapse


def test_water_filling_of_normalised_features():
    # Theory §7: λ = (.8, .5, 1/3, 1/11), β = ½, s = .5 → (.4, .1, 0, 0). With Σ = I the dot-product
    # loss at t = 1 has β = ½ and these λ.
    a0 = np.diag([0.8, 0.5, 1 / 3, 1 / 11])
    found = selfsupervised(a0, np.eye(4) - a0, n_outputs=4, loss="infonce-dot", normalised=0.5)
    assert found.feature_variances == pytest.approx([0.4, 0.1, 0, 0], abs=1e-12)
    assert found.level == pytest.approx(0.4, abs=1e-12)
    assert found.dimensional_collapse
    assert np.all(found.eigenvalues > 0)


@pytest.mark.parametrize("loss", ["spectral", "infonce-dot", "infonce-distance", "vicreg"])
def test_normalised_minimum_is_what_descent_finds(loss):
    rng = np.random.default_rng(5)
    a0, c = random_covariance(3, rng), random_covariance(3, rng)
    total = 0.6

    def normalised(weight):
        scale = np.sqrt(total / np.trace(weight @ (a0 + c) @ weight.T))
        return naive_loss(scale * weight, a0, c, loss)

    found = selfsupervised(a0, c, n_outputs=2, loss=loss, normalised=total)
    _, value = descend(normalised, (2, 3), rng)
    assert found.feature_variances.sum() == pytest.approx(total, rel=1e-12)
    assert found.value == pytest.approx(value, abs=1e-7)


def test_normalisation_forbids_complete_collapse():
    a0, c = np.eye(3) * 0.1, np.diag([3.0, 2.0, 1.0])
    assert selfsupervised(a0, c, n_outputs=3, loss="vicreg", alignment=9.0).complete_collapse
    kept = selfsupervised(a0, c, n_outputs=3, loss="vicreg", alignment=9.0, normalised=1.0)
    assert kept.n_active >= 1


def test_bias_takes_one_output_of_the_spectral_loss():
    rng = np.random.default_rng(2)
    a0, c = random_covariance(3, rng), random_covariance(3, rng)
    found = selfsupervised(a0, c, n_outputs=3, loss="spectral", bias=True)
    share = np.sort(np.linalg.eigvals(np.linalg.solve(a0 + c, a0)).real)[::-1]
    assert found.value == pytest.approx(-1 - np.sum(share[:2] ** 2), abs=1e-12)

    def with_bias(packed):
        weight, b = packed[:, :3], packed[:, 3]
        second_moment = weight @ (a0 + c) @ weight.T + np.outer(b, b)
        return -2 * (np.trace(weight @ a0 @ weight.T) + b @ b) + np.sum(second_moment**2)

    _, value = descend(with_bias, (3, 4), rng)
    assert found.value == pytest.approx(value, abs=1e-7)
    assert found.n_active == 2


@pytest.mark.parametrize("loss", ["infonce-dot", "infonce-distance", "vicreg"])
def test_bias_changes_no_other_loss(loss):
    a0, c = np.diag([2.0, 1.0]), np.eye(2)
    plain = selfsupervised(a0, c, n_outputs=2, loss=loss)
    biased = selfsupervised(a0, c, n_outputs=2, loss=loss, bias=True)
    assert biased.value == plain.value
