import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import minimize

from ibcollapse.errors import InputError
from ibcollapse.landscape import selfsupervised, stationary_point
from ibcollapse.serialize import load_result, save


def random_covariance(size, rng):
    root = rng.normal(size=(size, size))
    return root @ root.T / size


def naive_loss(weight, a0, c, loss, *, temperature=1.0, alignment=1.0, weight_decay=0.0):
    """The losses of theory §7 as they are written there."""
    gram = weight @ (a0 + c) @ weight.T
    data, noise = np.trace(weight @ a0 @ weight.T), np.trace(weight @ c @ weight.T)
    eye, t = np.eye(len(weight)), temperature
    decay = weight_decay * np.sum(weight**2)
    if loss == "spectral":
        return -2 * data + np.trace(gram @ gram) + decay
    if loss == "infonce-dot":
        return -data / t + np.trace(gram @ gram) / (2 * t**2) + decay
    if loss == "vicreg":
        return np.sum((gram - eye) ** 2) + 2 * alignment * noise + decay
    inside = gram / t
    entropy = np.linalg.slogdet(eye + inside)[1] + np.trace(np.linalg.solve(eye + inside, inside))
    return noise / t - entropy / 2 + decay


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
