import pytest

torch = pytest.importorskip("torch")

from ibcollapse.errors import InputError  # noqa: E402
from ibcollapse.nn.networks import build_network  # noqa: E402

pytestmark = pytest.mark.torch


def build(name, **changes):
    options = {
        "input_shape": (1, 8, 8),
        "feature_dim": 12,
        "head_dim": 6,
        "n_classes": 3,
        "seed": 0,
    }
    return build_network(name, **(options | changes))


@pytest.mark.parametrize("name", ["conv", "resnet", "mlp"])
@pytest.mark.parametrize("head_dim", [6, 0])
def test_stages_have_the_widths_asked_for(name, head_dim):
    network = build(name, head_dim=head_dim)
    images = torch.randn(5, 1, 8, 8)
    features = network.encoder(images)
    assert features.shape == (5, 12)
    assert features.min() >= 0
    assert network.head(features).shape == (5, head_dim or 12)
    assert network(images).shape == (5, 3)


@pytest.mark.parametrize("head_dim", [6, 0])
def test_without_classifier_the_output_is_on_the_sphere(head_dim):
    output = build("conv", n_classes=None, head_dim=head_dim)(torch.randn(5, 1, 8, 8))
    torch.testing.assert_close(output.norm(dim=1), torch.ones(5))


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = build("resnet"), build("resnet"), build("resnet", seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    for (name, weight), same in zip(
        first.state_dict().items(), second.state_dict().values(), strict=True
    ):
        assert torch.equal(weight, same), name
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


def test_rows_are_refused_by_convolutions():
    with pytest.raises(InputError, match="use network='mlp'"):
        build("conv", input_shape=(7,))
    assert build("mlp", input_shape=(7,))(torch.randn(2, 7)).shape == (2, 3)


@pytest.mark.parametrize(("name", "axis"), [("batch", 0), ("layer", 1)])
def test_hidden_layers_of_the_perceptron_are_normalised(name, axis):
    encoder = build("mlp", normalisation=name).encoder
    kinds = [type(module).__name__ for module in encoder]
    normaliser = {"batch": "BatchNorm1d", "layer": "LayerNorm"}[name]
    assert kinds == ["Flatten", *["Linear", normaliser, "ReLU"] * 3]
    hidden = encoder[:3](5.0 + 100.0 * torch.randn(40, 1, 8, 8))
    # The variance of 5 · 10³ and more dwarfs the 1e-5 that both add to it.
    torch.testing.assert_close(
        hidden.mean(dim=axis), torch.zeros(hidden.shape[1 - axis]), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(hidden.square().mean(dim=axis), torch.ones(hidden.shape[1 - axis]))


def test_the_classifier_has_a_bias_unless_told_otherwise():
    assert build("mlp").classifier.bias is not None
    assert build("mlp", classifier_bias=False).classifier.bias is None
