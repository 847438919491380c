import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landscape.selfsupervised_material import naive_loss, random_covariance
from numpy.polynomial.hermite_e import hermegauss

from ibcollapse.errors import InputError
from ibcollapse.landscape import selfsupervised, stationary_point
from ibcollapse.serialize import load_result, save


@pytest.mark.parametrize("loss", ["infonce-dot", "infonce-distance"])
@pytest.mark.parametrize("bias", [0.0, 0.8])
def test_infonce_rows_are_gaussian_integrals(loss, bias):
    # One input, one output: −E s(f, f⁺) + E log E exp s(f, f') by quadrature over x, x', with
    # s = f f⁺/t or −(f − f⁺)²/(2t), f = w x + b. The bias may only add b² w² Σ/(2t²) to the first.
    a, c, w, t = 1.3, 0.6, 0.55, 0.8
    nodes, weights = hermegauss(80)
    weights = weights / weights.sum()
    f = w * np.sqrt(a + c) * nodes + bias
    product = loss == "infonce-dot"
    score = f[:, None] * f if product else -((f[:, None] - f) ** 2) / 2
    partition = weights @ np.log(np.exp(score / t) @ weights)
    attraction = (w * w * a + bias**2) / t if product else -w * w * c / t
    expected = naive_loss(np.array([[w]]), np.eye(1) * a, np.eye(1) * c, loss, temperature=t)
    if product:
        expected += bias**2 * w * w * (a + c) / (2 * t**2)
    assert partition - attraction == pytest.approx(expected, rel=1e-9)


def test_spectral_row_is_exact_on_samples():
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 3))
    a, b = (signal + rng.normal(size=signal.shape) for _ in range(2))
    first, second = np.vstack([a, b]), np.vstack([b, a])
    weight = rng.normal(size=(2, 3))
    f, f_plus = first @ weight.T, second @ weight.T
    on_samples = -2 * np.mean(np.sum(f * f_plus, axis=1)) + np.mean((f @ f.T) ** 2)
    a0, sigma = first.T @ second / len(first), first.T @ first / len(first)
    assert naive_loss(weight, a0, sigma - a0, "spectral") == pytest.approx(on_samples, rel=1e-12)


def test_weight_decay_threshold_is_sharp():
    rng = np.random.default_rng(4)
    a0, c = random_covariance(3, rng), random_covariance(3, rng)
    critical = selfsupervised(a0, c, n_outputs=3, loss="infonce-distance").critical_weight_decay
    for k, gamma in enumerate(critical):
        for side, learned in ((0.999, k + 1), (1.001, k)):
            found = selfsupervised(
                a0, c, n_outputs=3, loss="infonce-distance", weight_decay=side * gamma
            )
            assert found.n_active == learned


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    loss=st.sampled_from(["spectral", "infonce-dot", "infonce-distance", "vicreg"]),
    n_outputs=st.integers(1, 4),
)
def test_collapse_is_complete_iff_attraction_is_negative(seed, loss, n_outputs):
    rng = np.random.default_rng(seed)
    a0, c = random_covariance(3, rng), random_covariance(3, rng)
    gamma = float(rng.uniform(0, 3))
    found = selfsupervised(a0, c, n_outputs=n_outputs, loss=loss, weight_decay=gamma)
    attraction = a0 if loss.startswith("infonce") else 2 * a0
    top = np.linalg.eigvalsh(attraction - gamma * np.eye(3))[-1]
    assert found.complete_collapse == (top <= 0)
    collapsed = found.directions[:, ~found.active]
    assert found.encoder @ collapsed == pytest.approx(np.zeros((n_outputs, collapsed.shape[1])))
    # No random encoder does better.
    for _ in range(5):
        weight = rng.normal(size=(n_outputs, 3)) * rng.uniform(0.1, 1)
        assert naive_loss(weight, a0, c, loss, weight_decay=gamma) >= found.value - 1e-12


@pytest.mark.parametrize("loss", ["spectral", "infonce-distance", "vicreg"])
@pytest.mark.parametrize("subset", [(), (0,), (1,), (0, 1), (0, 2), (1, 2)])
def test_every_other_stationary_point_is_a_strict_saddle(loss, subset):
    rng = np.random.default_rng(9)
    a0, c = random_covariance(3, rng) + 0.2 * np.eye(3), random_covariance(3, rng)
    landscape = selfsupervised(a0, c, n_outputs=2, loss=loss)
    point = stationary_point(landscape, subset)
    assert point.is_minimum == (subset == (0, 1))

    # Hessian in whitened coordinates V = W Σ^{1/2}, by central differences.
    to_input = landscape.filters.T
    start = landscape.encoder_of(point.feature_variances) @ landscape.directions

    def whitened_loss(v):
        return naive_loss(v.reshape(2, 3) @ to_input, a0, c, loss)

    step, axes = 1e-3, np.eye(6)

    def second(u, v):
        x = start.ravel()
        corners = [
            whitened_loss(x + step * (i * u + j * v)) * i * j for i in (1, -1) for j in (1, -1)
        ]
        return sum(corners) / (4 * step**2)

    gradient = [
        (whitened_loss(start.ravel() + step * e) - whitened_loss(start.ravel() - step * e))
        / (2 * step)
        for e in axes
    ]
    # Central differences: third derivatives · step² ≈ 1e-5.
    assert np.abs(gradient).max() < 1e-4
    assert whitened_loss(start.ravel()) == pytest.approx(point.value, abs=1e-12)
    hessian = np.array([[second(u, v) for v in axes] for u in axes])
    lowest = np.linalg.eigvalsh(hessian)[0]
    if point.is_minimum:
        assert lowest > -1e-4  # zero along rotations of the outputs
    else:
        assert lowest == pytest.approx(point.escape_curvature, abs=1e-4)
        assert point.value > landscape.value


def test_master_value_of_a_subset():
    rng = np.random.default_rng(6)
    a0, c = random_covariance(4, rng), random_covariance(4, rng)
    landscape = selfsupervised(a0, c, n_outputs=3, loss="infonce-dot", temperature=0.5)
    beta, subset = 1 / (2 * 0.5**2), (0, 3)
    expected = -np.sum(landscape.eigenvalues[list(subset)] ** 2) / (4 * beta)
    assert stationary_point(landscape, subset).value == pytest.approx(expected, rel=1e-12)


def test_a_direction_without_any_variance_is_left_out():
    a0, c = np.diag([2.0, 1.0, 0.0]), np.diag([1.0, 1.0, 0.0])
    found = selfsupervised(a0, c, n_outputs=3)
    assert found.eigenvalues == pytest.approx([4 / 3, 1.0])
    assert found.encoder[:, 2] == pytest.approx([0, 0, 0])


def test_an_unbounded_loss_is_refused_until_decay_bounds_it():
    a0, c = np.diag([2.0, 1.0]), np.diag([0.0, 1.0])
    with pytest.raises(InputError, match="unbounded below"):
        selfsupervised(a0, c, n_outputs=2, loss="infonce-distance")
    found = selfsupervised(a0, c, n_outputs=2, loss="infonce-distance", weight_decay=0.1)
    assert np.all(np.isfinite(found.feature_variances))


def test_the_landscape_survives_a_file(tmp_path):
    landscape = selfsupervised(np.eye(2), np.eye(2), n_outputs=2, loss="vicreg")
    loaded = load_result(save(landscape, tmp_path / "landscape.json"))
    assert np.array_equal(loaded.encoder, landscape.encoder)
    assert loaded.value == landscape.value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a0": np.array([[1.0, 0.5], [0.0, 1.0]])}, "differs from its transpose"),
        ({"c": np.diag([1.0, -0.5])}, "c has the eigenvalue"),
        ({"c": np.eye(3)}, "must agree"),
        ({"a0": np.ones(2)}, "square"),
        ({"a0": np.full((2, 2), np.nan)}, "finite"),
        ({"a0": np.zeros((2, 2)), "c": np.zeros((2, 2))}, "both zero"),
        ({"loss": "simsiam"}, "expected one of"),
        ({"temperature": 0.5}, "has none"),
        ({"loss": "infonce-dot", "temperature": 0.0}, "temperature is"),
        ({"alignment": 2.0}, "only vicreg"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"n_outputs": 0}, "n_outputs"),
        ({"normalised": -1.0}, "normalised"),
        ({"normalised": 1.0, "bias": True}, "choose one"),
    ],
)
def test_bad_input_is_refused(change, message):
    arguments = {"a0": np.eye(2), "c": np.eye(2), "n_outputs": 2} | change
    with pytest.raises(InputError, match=message):
        selfsupervised(arguments.pop("a0"), arguments.pop("c"), **arguments)


@pytest.mark.parametrize(
    ("subset", "message"), [((0, 0), "different"), ((5,), "different"), ((0, 1), "outputs")]
)
def test_impossible_subsets_are_refused(subset, message):
    landscape = selfsupervised(np.eye(2), np.eye(2), n_outputs=1)
    with pytest.raises(InputError, match=message):
        stationary_point(landscape, subset)


def test_a_collapsed_direction_is_in_no_stationary_point():
    landscape = selfsupervised(np.diag([3.0, 0.1]), np.eye(2), n_outputs=2, weight_decay=1.0)
    with pytest.raises(InputError, match="not above the level"):
        stationary_point(landscape, [1])


def test_normalised_features_have_no_empty_stationary_point():
    landscape = selfsupervised(np.eye(2), np.eye(2), n_outputs=1, normalised=1.0)
    with pytest.raises(InputError, match="need a direction"):
        stationary_point(landscape, [])
