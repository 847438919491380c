import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from ibcollapse.errors import InputError  # noqa: E402
from ibcollapse.features import FeatureWriter, open_features  # noqa: E402
from ibcollapse.nn import FeatureRecorder  # noqa: E402

pytestmark = pytest.mark.torch


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.pooling = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(4, 3)

    def forward(self, x):
        return self.classifier(self.dropout(self.pooling(self.encoder(x)).flatten(1)))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return SmallNet()


@pytest.fixture
def batches():
    generator = torch.Generator().manual_seed(1)
    sizes = (5, 2)
    ids = torch.arange(7).split(sizes)
    return [
        (torch.randn(n, 1, 6, 6, generator=generator), torch.arange(n) % 3, i)
        for n, i in zip(sizes, ids, strict=True)
    ]


def test_file_holds_what_the_model_computes(model, batches, tmp_path):
    path = tmp_path / "run.h5"
    with FeatureWriter(path) as writer:
        recorder = FeatureRecorder(
            writer, model, layers={"pooled": "pooling"}, classifier="classifier"
        )
        for split in ("train", "test"):
            recorder.record(batches, epoch=3, split=split)
        with torch.no_grad():
            model.classifier.weight.mul_(2.0)
        recorder.record(batches, epoch=4, split="test")
    model.eval()
    images = torch.cat([x for x, _, _ in batches])
    with torch.no_grad():
        pooled = model.pooling(model.encoder(images)).flatten(1).numpy()
        logits = model(images).numpy()
    with h5py.File(path) as file:
        assert file.attrs["default_layer"] == "pooled"
        last = file["epochs/000004/test"]
        # The file was computed in batches of 5 and 2: equal to float32 rounding.
        np.testing.assert_allclose(last["features/pooled"][...], pooled, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(last["features/penultimate"][...], pooled, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(last["logits"][...], logits, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(last["labels"][...], [0, 1, 2, 0, 1, 0, 1])
        np.testing.assert_array_equal(last["ids"][...], np.arange(7))
        classifier = file["epochs/000004/classifier"]
        assert classifier.attrs["layer"] == "penultimate"
        np.testing.assert_array_equal(
            classifier["weight"][...], model.classifier.weight.detach().numpy()
        )
        np.testing.assert_array_equal(
            2.0 * file["epochs/000003/classifier/weight"][...], classifier["weight"][...]
        )
        np.testing.assert_array_equal(
            classifier["bias"][...], model.classifier.bias.detach().numpy()
        )
        assert set(file["epochs/000003"]) == {"train", "test", "classifier"}


def test_modes_state_and_hooks_are_left_as_they_were(model, batches, tmp_path):
    model.train()
    model.encoder[1].eval()  # A frozen batch norm, as in fine-tuning.
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with FeatureWriter(tmp_path / "run.h5") as writer:
        FeatureRecorder(writer, model, layers=["pooling"]).record(batches, epoch=0)
    assert model.training
    assert model.dropout.training
    assert not model.encoder[1].training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_output_is_caught_before_an_in_place_activation(batches, tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(inplace=True))
    with FeatureWriter(tmp_path / "run.h5") as writer:
        FeatureRecorder(writer, model, layers=["1"]).record(batches, epoch=0)
    with h5py.File(tmp_path / "run.h5") as file:
        assert (file["epochs/000000/train/features/1"][...] < 0).any()


def test_pool_makes_rows_of_feature_maps(model, batches, tmp_path):
    images = batches[0][0]
    with FeatureWriter(tmp_path / "run.h5") as writer:
        recorder = FeatureRecorder(
            writer, model, layers=["encoder"], pool=lambda x: x.amax(dim=(2, 3))
        )
        recorder.record(batches[:1], epoch=0)
    with h5py.File(tmp_path / "run.h5") as file:
        found = file["epochs/000000/train/features/encoder"][...]
    model.eval()
    expected = model.encoder(images).detach().amax(dim=(2, 3)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_bfloat16_outputs_are_stored_without_loss(tmp_path):
    model = nn.Linear(3, 2).bfloat16()
    inputs = torch.randn(4, 3).bfloat16()
    with FeatureWriter(tmp_path / "run.h5") as writer:
        recorder = FeatureRecorder(writer, model, layers={"out": ""})
        with recorder.capture([0, 1, 0, 1], epoch=0):
            output = model(inputs)
    with h5py.File(tmp_path / "run.h5") as file:
        found = file["epochs/000000/train/features/out"][...]
    np.testing.assert_array_equal(found, output.detach().float().numpy())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to record"),
        ({"layers": ["head"]}, "no module 'head'; it has encoder, encoder.0"),
        ({"classifier": "pooling"}, "AdaptiveAvgPool2d; expected nn.Linear"),
        (
            {"layers": ["encoder"], "classifier": "classifier", "classifier_input": "encoder"},
            "choose another with classifier_input=",
        ),
    ],
)
def test_impossible_recorders_are_refused(model, options, message):
    with pytest.raises(InputError, match=message):
        FeatureRecorder(FeatureWriter("never_written.h5"), model, **options)


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(3, 3)
        self.unused = nn.Linear(3, 3)
        self.recurrent = nn.LSTM(3, 2, batch_first=True)
        self.classifier = nn.Linear(3, 2)

    def forward(self, x):
        self.recurrent(x[:, None])
        return self.classifier(input=self.shared(self.shared(x)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": ["shared"]}, "'shared' ran twice"),
        ({"layers": ["unused"]}, r"\['unused'\] did not run"),
        ({"layers": ["recurrent"]}, "gives a tuple"),
        ({"classifier": "classifier"}, "called by keyword"),
    ],
)
def test_layers_that_give_no_rows_are_named(options, message, tmp_path):
    model = Branching()
    with (
        pytest.raises(InputError, match=message),
        FeatureWriter(tmp_path / "run.h5") as writer,
    ):
        FeatureRecorder(writer, model, **options).record(
            [(torch.randn(4, 3), torch.tensor([0, 1, 0, 1]))], epoch=0
        )
    assert list(tmp_path.iterdir()) == []
    assert not any(module._forward_hooks for module in model.modules())


def test_feature_maps_without_pool_say_how_to_pool(model, batches, tmp_path):
    with (
        pytest.raises(InputError, match=r"\(5, 4, 4, 4\); pass pool="),
        FeatureWriter(tmp_path / "run.h5") as writer,
    ):
        FeatureRecorder(writer, model, layers=["encoder"]).record(batches, epoch=0)


COMPILE = {
    "the model": lambda model: torch.compile(model, backend="eager"),
    "in place": lambda model: model.compile(backend="eager") or model,
    "its modules": lambda model: nn.Sequential(
        *(torch.compile(module, backend="eager") for module in model)
    ),
}


# The tracer looks at gradients of what one compiled module hands to the next.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
@pytest.mark.parametrize("how", COMPILE)
@pytest.mark.parametrize("ran_before", [False, True])
@pytest.mark.parametrize("prefix", ["", "_orig_mod."])
def test_a_compiled_model_is_recorded_as_it_was_before(how, ran_before, prefix, tmp_path):
    torch._dynamo.reset()
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    x, y = torch.randn(8, 3), torch.arange(8) % 2
    expected = [layer.detach().numpy() for layer in (plain[1](plain[0](x)), plain(x))]
    model = COMPILE[how](plain)
    if ran_before:
        model(x)
        with torch.no_grad():
            model.eval()(x)
        model.train()
    path = tmp_path / "run.h5"
    with FeatureWriter(path) as writer:
        layers, classifier = [f"{prefix}1"], f"{prefix}2"
        recorder = FeatureRecorder(writer, model, layers=layers, classifier=classifier)
        recorder.record([(x, y)], epoch=0)
        recorder.record([(x + 1, y)], epoch=1)
        recorder.record([(x, y)], epoch=2)
    for epoch in (0, 2):
        for layer in ("1", "penultimate"):
            source = open_features(path, layer=layer, epoch=epoch)
            np.testing.assert_array_equal(next(source.chunks())[0], expected[0])
        np.testing.assert_array_equal(source.logits, expected[1].astype(np.float64))
    assert source.contents.layers == ("1", "penultimate")
    assert model.training
    # Compiled code goes on as it was, without what the recorder had hooked in.
    np.testing.assert_allclose(model(x).detach().numpy(), expected[1], rtol=1e-6)


def test_modules_of_a_compiled_model_are_listed_by_their_plain_names(tmp_path):
    model = torch.compile(nn.Sequential(nn.Linear(3, 2)), backend="eager")
    with (
        pytest.raises(InputError, match=r"no module 'encoder'; it has 0$"),
        FeatureWriter(tmp_path / "run.h5") as writer,
    ):
        FeatureRecorder(writer, model, layers=["encoder"])
