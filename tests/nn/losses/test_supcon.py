import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from ibcollapse.errors import InputError  # noqa: E402
from ibcollapse.nn import supcon_loss  # noqa: E402
from ibcollapse.nn.losses import supcon  # noqa: E402

pytestmark = pytest.mark.torch


def naive_supcon(features, labels, temperature, form):
    """The published sums, row by row."""
    z = features / features.norm(dim=1, keepdim=True)
    losses = []
    for i in range(len(z)):
        positives = [p for p in range(len(z)) if p != i and labels[p] == labels[i]]
        if not positives:
            continue
        partition = sum(torch.exp(z[i] @ z[j] / temperature) for j in range(len(z)) if j != i)
        shares = [torch.exp(z[i] @ z[p] / temperature) / partition for p in positives]
        if form == "out":
            losses.append(-sum(torch.log(share) for share in shares) / len(positives))
        else:
            losses.append(-torch.log(sum(shares) / len(positives)))
    return sum(losses) / len(losses)


def random_batch(seed, n=12, d=5, n_classes=4):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n, d, generator=generator, dtype=torch.float64)
    labels = torch.randint(n_classes, (n,), generator=generator)
    labels[:2] = 0
    return features.requires_grad_(), labels


def value_and_gradient(loss, features):
    return loss.detach(), torch.autograd.grad(loss, features)[0]


@pytest.mark.parametrize("form", ["out", "in"])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("block_rows", [1024, 5])
def test_value_and_gradient_match_naive_loops(form, temperature, block_rows, monkeypatch):
    monkeypatch.setattr(supcon, "BLOCK_ROWS", block_rows)
    features, labels = random_batch(0)
    found = value_and_gradient(
        supcon_loss(features, labels, temperature=temperature, form=form), features
    )
    expected = value_and_gradient(naive_supcon(features, labels, temperature, form), features)
    # float64 sums of 12 terms whose exponents reach 10: 1e-12 leaves room for their rounding.
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", ["out", "in"])
def test_equal_features_give_log_of_the_other_rows(form):
    # 8 samples in 2 views: every similarity is equal, so each positive has share 1/15.
    loss = supcon_loss(torch.full((8, 2, 3), 0.7), torch.arange(8), form=form)
    assert loss.item() == pytest.approx(math.log(15), rel=1e-6)


@pytest.mark.parametrize(
    ("n_classes", "n_c", "temperature"), [(4, 5, 1.0), (10, 3, 0.1), (2, 2, 0.5)]
)
def test_simplex_features_reach_the_closed_form(n_classes, n_c, temperature):
    means = torch.eye(n_classes, dtype=torch.float64) - 1.0 / n_classes
    labels = torch.arange(n_classes).repeat_interleave(n_c)
    cosine_gap = n_classes / ((n_classes - 1) * temperature)
    closed = math.log(n_c - 1 + (n_classes - 1) * n_c * math.exp(-cosine_gap))
    loss = supcon_loss(means[labels], labels, temperature=temperature)
    assert loss.item() == pytest.approx(closed, rel=1e-12)


def test_simplex_of_four_classes_of_five_at_temperature_one():
    # Collapse theory, section 3: the minimum of the unconstrained-features model.
    labels = torch.arange(4).repeat_interleave(5)
    means = torch.eye(4, dtype=torch.float64) - 0.25
    assert supcon_loss(means[labels], labels, temperature=1.0).item() == pytest.approx(
        2.0736695497, abs=1e-10
    )


@pytest.mark.parametrize("n_c", [2, 5, 9])
def test_the_minimum_at_low_temperature_is_the_log_of_the_other_positives(n_c):
    # Not zero: log(n_c − 1 + (K − 1) n_c exp(−K/((K − 1) τ))), whose last term is 1e-8 at τ = 0.07.
    labels = torch.arange(4).repeat_interleave(n_c)
    features = (torch.eye(4, dtype=torch.float64) - 0.25)[labels].requires_grad_()
    value, gradient = value_and_gradient(supcon_loss(features, labels, temperature=0.07), features)
    assert value.item() == pytest.approx(math.log(n_c - 1), abs=1e-6)
    assert gradient.abs().max() < 1e-12


@pytest.mark.parametrize("form", ["out", "in"])
def test_singletons_are_negatives_only(form):
    features, _ = random_batch(1, n=4)
    labels = torch.tensor([0, 1, 1, 3])
    loss = supcon_loss(features, labels, temperature=0.5, form=form)
    z = torch.nn.functional.normalize(features, dim=1)
    s = z @ z.T / 0.5
    anchors = [
        torch.logsumexp(s[1, [0, 2, 3]], 0) - s[1, 2],
        torch.logsumexp(s[2, [0, 1, 3]], 0) - s[2, 1],
    ]
    assert loss.item() == pytest.approx((sum(anchors) / 2).item(), rel=1e-12)


@pytest.mark.parametrize("labels", [[0], [0, 1, 2]])
def test_batch_without_positives_is_zero_with_zero_gradient(labels):
    features = torch.randn(len(labels), 3, requires_grad=True)
    value, gradient = value_and_gradient(supcon_loss(features, torch.tensor(labels)), features)
    assert value == 0
    assert torch.equal(gradient, torch.zeros_like(gradient))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), form=st.sampled_from(["out", "in"]))
def test_invariant_under_permutation_rotation_scale_and_renaming(seed, form):
    features, labels = random_batch(seed)
    generator = np.random.default_rng(seed)
    order = torch.from_numpy(generator.permutation(len(labels)))
    rotation = torch.from_numpy(np.linalg.qr(generator.normal(size=(5, 5)))[0])
    lengths = torch.from_numpy(generator.uniform(0.1, 10.0, size=(len(labels), 1)))
    names = torch.from_numpy(generator.permutation(100)[:4] - 50)
    moved = supcon_loss((features * lengths)[order] @ rotation, names[labels][order], form=form)
    # τ = 0.1 multiplies the 1e-15 rounding of the cosines by 10.
    torch.testing.assert_close(
        moved, supcon_loss(features, labels, form=form), rtol=1e-11, atol=1e-12
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_inner_form_is_never_above_outer_form(seed):
    features, labels = random_batch(seed)
    inner = supcon_loss(features, labels, form="in")
    assert inner <= supcon_loss(features, labels, form="out") + 1e-12


@pytest.mark.parametrize("form", ["out", "in"])
def test_gradcheck_at_collapse(form):
    labels = torch.arange(3).repeat_interleave(2)
    features = torch.eye(3, 4, dtype=torch.float64)[labels].requires_grad_()
    assert torch.autograd.gradcheck(lambda f: supcon_loss(f, labels, form=form), (features,))


def test_low_temperature_stays_finite_and_exact():
    # exp(1/τ) = exp(2000) overflows; two tight, opposite pairs leave only the positive.
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1])
    value, gradient = value_and_gradient(supcon_loss(features, labels, temperature=5e-4), features)
    assert value == 0
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_features_lose_only_their_own_rounding(dtype):
    features, labels = random_batch(2, n=64, d=16)
    # Norms near 1000, whose square overflows float16.
    half = (features.detach() * 250).to(dtype).requires_grad_()
    value, gradient = value_and_gradient(supcon_loss(half, labels), half)
    exact = half.detach().double().requires_grad_()
    expected, expected_gradient = value_and_gradient(supcon_loss(exact, labels), exact)
    assert value.dtype == torch.float32
    assert gradient.dtype == dtype
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    # The gradient comes back in half precision: relative 2^-8 for bfloat16, and the subnormal
    # spacing of float16, 6e-8, where it is small.
    torch.testing.assert_close(gradient.double(), expected_gradient, rtol=2**-8, atol=1e-7)


def test_autocast_does_not_lower_the_precision():
    features, labels = random_batch(3, n=64, d=16)
    features = features.detach().float()
    expected = supcon_loss(features, labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(supcon_loss(features, labels), expected)


def test_zero_row_has_finite_gradient():
    features, labels = random_batch(4)
    features = features.detach()
    features[0] = 0.0
    features.requires_grad_()
    gradient = value_and_gradient(supcon_loss(features, labels), features)[1]
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() < 1e3


def test_views_are_rows_with_the_label_of_their_sample():
    features, labels = random_batch(5)
    views = torch.stack([features, features.flip(1)], dim=1)
    rows = torch.cat([features, features.flip(1)])
    torch.testing.assert_close(supcon_loss(views, labels), supcon_loss(rows, labels.repeat(2)))


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [0, 1, 1, 3, 4, 5], [0, 0, 0, 0, 0, 1]])
def test_agrees_with_pytorch_metric_learning(labels):
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    features, _ = random_batch(6, n=6)
    labels = torch.tensor(labels)
    theirs = losses.SupConLoss(temperature=0.2)(features, labels)
    # Its reducer averages over the anchors with positive loss; they all have one here.
    torch.testing.assert_close(
        supcon_loss(features, labels, temperature=0.2), theirs, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize(
    ("features", "labels", "options", "message"),
    [
        (torch.ones(4, 2), torch.zeros(4).long(), {"temperature": 0.0}, "temperature is 0"),
        (torch.ones(4, 2), torch.zeros(4).long(), {"temperature": math.nan}, "temperature is nan"),
        (torch.ones(4, 2), torch.zeros(4).long(), {"form": "sum"}, "'sum'"),
        (torch.ones(4, 2), torch.zeros(3).long(), {}, r"\(4, 2\) and labels \(3,\)"),
        (torch.ones(4), torch.zeros(4).long(), {}, r"\(4,\)"),
        (torch.ones(0, 2), torch.zeros(0).long(), {}, "n >= 1"),
        (torch.ones(4, 2), torch.zeros(4), {}, "float32; expected integers"),
    ],
)
def test_bad_arguments_are_named(features, labels, options, message):
    with pytest.raises(InputError, match=message):
        supcon_loss(features, labels, **options)
