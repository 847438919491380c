import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ibcollapse.errors import InputError  # noqa: E402
from ibcollapse.nn import info_nce_loss, spectral_contrastive_loss, vicreg_loss  # noqa: E402

pytestmark = pytest.mark.torch

LOSSES = [
    info_nce_loss,
    lambda a, b: info_nce_loss(a, b, similarity="squared-distance"),
    spectral_contrastive_loss,
    vicreg_loss,
]


def random_views(seed, n=9, d=4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    anchors = torch.randn(n, d, generator=generator, dtype=torch.float64)
    positives = anchors + 0.3 * torch.randn(n, d, generator=generator, dtype=torch.float64)
    return anchors.to(dtype).requires_grad_(), positives.to(dtype).requires_grad_()


def naive_info_nce(a, b, temperature, similarity):
    total = 0.0
    for i in range(len(a)):
        if similarity == "dot":
            scores = torch.stack([a[i] @ b[j] / temperature for j in range(len(b))])
        else:
            scores = torch.stack(
                [-((a[i] - b[j]) ** 2).sum() / (2 * temperature) for j in range(len(b))]
            )
        total = total - torch.log(torch.exp(scores[i]) / torch.exp(scores).sum())
    return total / len(a)


def naive_spectral(a, b):
    n = len(a)
    repulsion = sum((a[i] @ b[j]) ** 2 for i in range(n) for j in range(n) if i != j)
    attraction = sum(a[i] @ b[i] for i in range(n))
    return repulsion / (n * (n - 1)) - 2 * attraction / n


def naive_vicreg(a, b):
    n, d = a.shape
    total = 25.0 * sum((a[i, k] - b[i, k]) ** 2 for i in range(n) for k in range(d)) / (n * d)
    for z in (a, b):
        mean = sum(z[i] for i in range(n)) / n
        covariance = sum(torch.outer(z[i] - mean, z[i] - mean) for i in range(n)) / (n - 1)
        for k in range(d):
            hinge = 1 - torch.sqrt(covariance[k, k] + 1e-4)
            total = total + 25.0 / 2 / d * torch.relu(hinge)
            total = total + sum(covariance[k, m] ** 2 for m in range(d) if m != k) / d
    return total


def assert_same_value_and_gradient(found, expected, inputs):
    gradients = torch.autograd.grad(found, inputs)
    expected_gradients = torch.autograd.grad(expected, inputs)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradients, expected_gradients, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("similarity", ["dot", "squared-distance"])
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_info_nce_matches_naive_loops(similarity, temperature):
    views = random_views(0)
    assert_same_value_and_gradient(
        info_nce_loss(*views, temperature=temperature, similarity=similarity),
        naive_info_nce(*views, temperature, similarity),
        views,
    )


def test_spectral_matches_naive_loops():
    views = random_views(1)
    assert_same_value_and_gradient(spectral_contrastive_loss(*views), naive_spectral(*views), views)


def test_vicreg_matches_naive_loops():
    views = random_views(2)
    assert_same_value_and_gradient(vicreg_loss(*views), naive_vicreg(*views), views)


def test_orthonormal_views_have_closed_forms():
    frame = torch.eye(6, dtype=torch.float64)
    dot = info_nce_loss(frame, frame, temperature=0.5)
    assert dot.item() == pytest.approx(math.log(math.e**2 + 5) - 2, rel=1e-12)
    # ‖e_i − e_j‖² = 2.
    distance = info_nce_loss(frame, frame, temperature=0.5, similarity="squared-distance")
    assert distance.item() == pytest.approx(math.log(1 + 5 * math.exp(-2)), rel=1e-12)
    assert spectral_contrastive_loss(frame, frame).item() == pytest.approx(-2.0, rel=1e-12)


def test_vicreg_at_full_collapse_is_the_variance_floor():
    constant = torch.ones(8, 3, dtype=torch.float64)
    # Both hinges are 1 − √1e-4.
    assert vicreg_loss(constant, constant).item() == pytest.approx(25 * 0.99, rel=1e-12)


def test_large_samples_approach_the_population_landscape():
    # Linear self-supervised theory: z Gaussian with covariance diag(a + c) in two views that share
    # the part a. Spectral: −2 tr A + tr G²; dot InfoNCE: −tr A/t + tr G²/(2t²); squared distance:
    # tr C − ½ log det(I + G) − ½ tr G(I + G)⁻¹; the softmax over n adds log n.
    a, c, n, t = np.array([0.2, 0.1]), np.array([0.05, 0.1]), 2000, 2.0
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(n, 2)) * np.sqrt(a)
    views = [
        torch.from_numpy(shared + generator.normal(size=(n, 2)) * np.sqrt(c)) for _ in range(2)
    ]
    g = a + c
    spectral = -2 * a.sum() + (g**2).sum()
    dot = -a.sum() / t + (g**2).sum() / (2 * t**2)
    distance = c.sum() - 0.5 * np.log1p(g).sum() - 0.5 * (g / (1 + g)).sum()
    # The spread of a mean of 2000 products of size 0.3 is 0.3/√2000 = 0.007; 3 of them.
    found = spectral_contrastive_loss(*views).item()
    assert found == pytest.approx(spectral, abs=0.02)
    found = info_nce_loss(*views, temperature=t).item() - math.log(n)
    assert found == pytest.approx(dot, abs=0.02)
    found = info_nce_loss(*views, temperature=1.0, similarity="squared-distance").item()
    assert found - math.log(n) == pytest.approx(distance, abs=0.02)


@pytest.mark.parametrize("loss", LOSSES)
def test_invariant_under_sample_permutation(loss):
    a, b = random_views(3)
    order = torch.from_numpy(np.random.default_rng(3).permutation(len(a)))
    torch.testing.assert_close(loss(a[order], b[order]), loss(a, b), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES[:3])
def test_invariant_under_rotation(loss):
    a, b = random_views(4)
    rotation = torch.from_numpy(np.linalg.qr(np.random.default_rng(4).normal(size=(4, 4)))[0])
    torch.testing.assert_close(loss(a @ rotation, b @ rotation), loss(a, b), rtol=1e-11, atol=1e-12)


def test_squared_distance_survives_a_common_offset_in_float32():
    a, b = random_views(5, dtype=torch.float32)
    shifted = info_nce_loss(a + 1000.0, b + 1000.0, similarity="squared-distance", temperature=1.0)
    plain = info_nce_loss(a, b, similarity="squared-distance", temperature=1.0)
    # Adding 1000 rounds each coordinate to 6e-5, which is all that may be lost.
    assert shifted.item() == pytest.approx(plain.item(), abs=5e-4)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(loss, dtype):
    a, b = random_views(6, dtype=dtype)
    value = loss(a, b)
    gradients = torch.autograd.grad(value, (a, b))
    exact = loss(a.detach().double(), b.detach().double())
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(exact.item(), rel=1e-5)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("loss", LOSSES)
def test_autocast_does_not_lower_the_precision(loss):
    a, b = random_views(7, dtype=torch.float32)
    expected = loss(a, b)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss(a, b), expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_unpaired_shapes_are_refused(loss):
    with pytest.raises(InputError, match=r"\(4, 2\) and positives \(5, 2\)"):
        loss(torch.ones(4, 2), torch.ones(5, 2))
    with pytest.raises(InputError, match="n >= 2"):
        loss(torch.ones(1, 2), torch.ones(1, 2))


def test_info_nce_options_are_checked():
    with pytest.raises(InputError, match="temperature is -1"):
        info_nce_loss(torch.ones(4, 2), torch.ones(4, 2), temperature=-1)
    with pytest.raises(InputError, match="'cosine'"):
        info_nce_loss(torch.ones(4, 2), torch.ones(4, 2), similarity="cosine")
