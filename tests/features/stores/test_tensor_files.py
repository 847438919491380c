import sys
import zipfile

import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError, MissingExtraError
from ibcollapse.features import open_features

X = np.random.default_rng(8).normal(size=(12, 3)).astype(np.float32)
Y = np.arange(12) % 3


class Payload:
    def __reduce__(self):
        return (pytest.fail, ("a feature file ran code",))


@pytest.mark.torch
def test_torch_dicts_and_pairs_are_read(tmp_path, whole):
    torch = pytest.importorskip("torch")
    x, y = torch.tensor(X), torch.tensor(Y)
    torch.save({"train": {"feats": x, "targets": y}, "epoch": 3}, tmp_path / "dict.pt")
    np.testing.assert_array_equal(whole(open_features(tmp_path / "dict.pt"), 5)[0], X)
    torch.save((x, y), tmp_path / "pair.pt")
    source = open_features(tmp_path / "pair.pt", labels_key="1")
    np.testing.assert_array_equal(source.labels, Y)
    torch.save({"feats": x.bfloat16(), "labels": ["a", "b", "c"] * 4}, tmp_path / "half.pth")
    source = open_features(tmp_path / "half.pth")
    assert source.class_names == ("a", "b", "c")
    np.testing.assert_allclose(whole(source)[0], X, rtol=2**-8)


@pytest.mark.torch
def test_torch_files_never_run_code(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"features": torch.tensor(X), "labels": Payload()}, tmp_path / "f.pt")
    with pytest.raises(FeatureFileError, match="as a dict of tensors") as error:
        open_features(tmp_path / "f.pt")
    assert "\n" not in str(error.value)


@pytest.mark.torch
@pytest.mark.parametrize("content", [b"", b"no tensor at all", b"PK\x03\x04broken"])
def test_damaged_torch_files_are_refused(tmp_path, content):
    pytest.importorskip("torch")
    (tmp_path / "f.pt").write_bytes(content)
    with pytest.raises(FeatureFileError, match=r"f\.pt: cannot open it"):
        open_features(tmp_path / "f.pt")


def test_safetensors_are_read(tmp_path, whole):
    numpy_tensors = pytest.importorskip("safetensors.numpy")
    numpy_tensors.save_file({"features": X, "labels": Y}, tmp_path / "f.safetensors")
    np.testing.assert_array_equal(whole(open_features(tmp_path / "f.safetensors"), 5)[0], X)


@pytest.mark.torch
def test_bfloat16_safetensors_say_what_to_do(tmp_path):
    torch = pytest.importorskip("torch")
    tensors = pytest.importorskip("safetensors.torch")
    content = {"features": torch.tensor(X).bfloat16(), "labels": torch.tensor(Y)}
    tensors.save_file(content, tmp_path / "f.safetensors")
    with pytest.raises(FeatureFileError, match=r"features: of type BF16; save it as float32"):
        open_features(tmp_path / "f.safetensors")


def test_damaged_safetensors_are_refused(tmp_path):
    pytest.importorskip("safetensors")
    (tmp_path / "f.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(FeatureFileError, match=r"cannot open it as \.safetensors"):
        open_features(tmp_path / "f.safetensors")


@pytest.mark.parametrize(
    ("module", "suffix", "extra"),
    [("torch", ".pt", "torch"), ("safetensors", ".safetensors", "safetensors")],
)
def test_a_missing_extra_is_named(tmp_path, monkeypatch, module, suffix, extra):
    path = tmp_path / f"f{suffix}"
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=f"pip install {extra}"):
        open_features(path)


@pytest.mark.torch
def test_instructions_that_take_from_an_empty_stack_are_refused(tmp_path):
    # The unpickler of torch raises IndexError here; found by the fuzzer, file 13738 of seed 1.
    torch = pytest.importorskip("torch")
    good, bad = tmp_path / "good.pt", tmp_path / "bad.pt"
    torch.save({"features": torch.eye(4)}, good)
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            # PROTO 2, SETITEM of nothing, STOP.
            new.writestr(name, b"\x80\x02s." if name.endswith("data.pkl") else content)
    with pytest.raises(FeatureFileError, match=r"bad\.pt: cannot open it"):
        open_features(bad)
