import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from ibcollapse.errors import InputError  # noqa: E402
from ibcollapse.nn import hdr, matrix_entropy, matrix_information_loss, mir  # noqa: E402

pytestmark = pytest.mark.torch


def naive_entropies(first, second):
    """H(A), H(B), H(A∘B) through explicit n × n Grams and their eigenvalues."""
    grams = []
    for rows in (first, second):
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        grams.append(rows @ rows.T)
    grams.append(grams[0] * grams[1])
    eigenvalues = [np.linalg.eigvalsh(gram / np.trace(gram)) for gram in grams]
    return [-sum(x * math.log(x) for x in values if x > 1e-14) for values in eigenvalues]


def random_pair(seed, n=7):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, 4)), generator.normal(size=(n, 9))


def simplex(n_classes, repeats=1):
    rows = torch.eye(n_classes, dtype=torch.float64) - 1.0 / n_classes
    return rows.repeat_interleave(repeats, dim=0)


def test_values_match_the_definition():
    first, second = random_pair(0)
    h_a, h_b, h_ab = naive_entropies(first, second)
    a, b = torch.from_numpy(first), torch.from_numpy(second)
    assert matrix_entropy(a).item() == pytest.approx(h_a, rel=1e-11)
    assert mir(a, b).item() == pytest.approx((h_a + h_b - h_ab) / min(h_a, h_b), rel=1e-11)
    assert hdr(a, b).item() == pytest.approx(abs(h_a - h_b) / max(h_a, h_b), rel=1e-11)
    loss = matrix_information_loss(a, b, mir_weight=2.0, hdr_weight=3.0)
    assert loss.item() == pytest.approx(2 * (1 - mir(a, b)).item() + 3 * hdr(a, b).item())


@pytest.mark.parametrize("repeats", [1, 4])
@pytest.mark.parametrize(
    ("n_classes", "expected"),
    # 1/(K−1) + (K−2) log(K−2) / ((K−1) log(K−1)), Song et al. 2024.
    [(3, 0.5), (10, 0.9523507825)],
)
def test_self_dual_collapse(n_classes, expected, repeats):
    features = simplex(n_classes, repeats)
    assert mir(features, features).item() == pytest.approx(expected, abs=1e-9)
    assert hdr(features, features).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("cosine", "expected"), [(0.0, 1.0), (0.5, 0.7395072), (0.9, 0.3345720)])
def test_equiangular_frames(cosine, expected):
    gram = (1 - cosine) * np.eye(10) + cosine
    rows = torch.from_numpy(np.linalg.cholesky(gram))
    assert mir(rows, rows).item() == pytest.approx(expected, abs=1e-7)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_bounds_and_invariances(seed):
    first, second = (torch.from_numpy(x) for x in random_pair(seed))
    generator = np.random.default_rng(seed)
    order = torch.from_numpy(generator.permutation(len(first)))
    rotation = torch.from_numpy(np.linalg.qr(generator.normal(size=(4, 4)))[0])
    lengths = torch.from_numpy(generator.uniform(0.1, 9.0, size=(len(first), 1)))
    for measure in (mir, hdr):
        value = measure(first, second)
        assert -1e-12 <= value <= 1 + 1e-12
        moved = measure((first * lengths @ rotation)[order], second[order])
        torch.testing.assert_close(moved, value, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(measure(second, first), value, rtol=1e-12, atol=1e-12)


def test_gradcheck_at_distinct_eigenvalues():
    a, b = (torch.from_numpy(x).requires_grad_() for x in random_pair(1))
    assert torch.autograd.gradcheck(matrix_entropy, (a,))
    assert torch.autograd.gradcheck(mir, (a, b))
    assert torch.autograd.gradcheck(hdr, (a, b))


def test_gradcheck_at_collapse():
    # Nine equal eigenvalues and a null space; through eigenvectors this gradient is NaN.
    labels = torch.arange(10).repeat_interleave(2)
    features = simplex(10)[labels].requires_grad_()
    weight = torch.from_numpy(np.random.default_rng(2).normal(size=(10, 12))).requires_grad_()
    assert torch.autograd.gradcheck(matrix_entropy, (features,))
    assert torch.autograd.gradcheck(lambda f, w: mir(f, w[labels]), (features, weight))
    assert torch.autograd.gradcheck(lambda f, w: hdr(f, w[labels]), (features, weight))


def test_simplex_is_a_stationary_point_of_the_entropy():
    # It has the largest entropy, log(K − 1), among rows that sum to zero, and a pull towards the
    # constant direction, which is a null direction, has no first-order effect.
    features = simplex(6).requires_grad_()
    entropy = matrix_entropy(features)
    gradient = torch.autograd.grad(entropy, features)[0]
    assert entropy.item() == pytest.approx(math.log(5), rel=1e-12)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-12)


def test_equal_rows_share_nothing_and_have_finite_gradients():
    equal = torch.ones(5, 3, requires_grad=True)
    other = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = matrix_information_loss(equal, other, mir_weight=1.0, hdr_weight=1.0)
    gradients = torch.autograd.grad(loss, (equal, other))
    assert mir(equal, other).item() == 0.0
    assert hdr(equal, other).item() == pytest.approx(1.0, abs=1e-12)
    assert hdr(equal, equal).item() == 0.0
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_features_lose_only_their_own_rounding(dtype):
    a, b = (torch.from_numpy(x).to(dtype).requires_grad_() for x in random_pair(3, n=40))
    value = mir(a, b)
    gradients = torch.autograd.grad(value, (a, b))
    assert value.dtype == torch.float32
    # Computed in float64 and rounded once to float32.
    assert value.item() == pytest.approx(mir(a.detach().double(), b.detach().double()).item(), 1e-7)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_autocast_does_not_lower_the_precision():
    a, b = (torch.from_numpy(x).float() for x in random_pair(4))
    expected = mir(a, b)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mir(a, b), expected)


def test_descent_on_the_loss_raises_mir():
    labels = torch.arange(5).repeat_interleave(4)
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(20, 8, generator=generator, dtype=torch.float64).requires_grad_()
    weight = torch.randn(5, 8, generator=generator, dtype=torch.float64)
    before = mir(features, weight[labels]).item()
    for _ in range(50):
        loss = matrix_information_loss(features, weight[labels], mir_weight=1.0, hdr_weight=0.0)
        (gradient,) = torch.autograd.grad(loss, features)
        features = (features - 2.0 * gradient).detach().requires_grad_()
    assert mir(features, weight[labels]).item() > before + 0.01


def test_shapes_are_checked():
    with pytest.raises(InputError, match=r"\(4, 2\) and \(3, 2\).*weight\[labels\]"):
        mir(torch.ones(4, 2), torch.ones(3, 2))
    with pytest.raises(InputError, match=r"\(4,\)"):
        matrix_entropy(torch.ones(4))
