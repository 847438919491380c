"""Everything that is an array to somebody becomes one of NumPy, in one place."""

import json
import subprocess
import sys
import types

import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse import array_backend
from ibcollapse.array_backend import as_array, as_floats, is_array, register_arrays
from ibcollapse.errors import InputError


class Foreign:
    """An array of a library that NumPy does not know."""

    def __init__(self, values):
        self.values = values


@pytest.fixture
def foreign(monkeypatch):
    """`Foreign` as a class of the package `elsewhere`, whose arrays are registered."""
    monkeypatch.setattr(Foreign, "__module__", "elsewhere.arrays")
    monkeypatch.setattr(array_backend, "_converters", dict(array_backend._converters))
    register_arrays("elsewhere", lambda given: given.values)
    return Foreign


def test_an_array_is_taken_without_a_copy():
    x = np.arange(6.0).reshape(2, 3)
    assert as_array(x) is x
    assert as_floats(x) is x


def test_arrays_of_a_registered_library_are_converted(foreign):
    assert as_array(foreign([[1, 2], [3, 4]])).tolist() == [[1, 2], [3, 4]]
    assert is_array(foreign([1]))


def test_so_are_those_of_classes_derived_from_its_own(foreign):
    derived = type("Derived", (foreign,), {"__module__": "mine"})
    assert as_floats(derived([1, 2])).tolist() == [1.0, 2.0]


def test_a_list_is_no_array_until_it_is_converted():
    assert not is_array([1.0, 2.0])
    assert is_array(np.zeros(2))


def test_a_library_is_loaded_when_its_first_array_comes(monkeypatch):
    monkeypatch.setattr(Foreign, "__module__", "later.arrays")
    monkeypatch.setattr(array_backend, "_converters", {})
    monkeypatch.setattr(array_backend, "_PROVIDERS", {"later": "ibcollapse_test_provider"})
    loaded = []

    def load(name):
        loaded.append(name)
        register_arrays("later", lambda given: given.values)

    monkeypatch.setattr(array_backend, "importlib", types.SimpleNamespace(import_module=load))
    as_array(np.zeros(2))
    assert loaded == []
    assert as_array(Foreign([5])).tolist() == [5]
    assert as_array(Foreign([6])).tolist() == [6]
    assert loaded == ["ibcollapse_test_provider"]


@pytest.mark.parametrize("values", [[[1, 2], [3]], object()], ids=["ragged", "object"])
def test_what_is_no_array_is_told(values):
    with pytest.raises(InputError):
        as_floats(values)


@pytest.mark.parametrize(
    "values", [["a", "b"], [1j, 2.0], np.array(["2020-01-01"], dtype="datetime64[D]")], ids=str
)
def test_what_are_no_real_numbers_is_told(values):
    with pytest.raises(InputError, match="expected real numbers"):
        as_floats(values)


def test_numbers_in_an_array_of_objects_are_numbers():
    assert as_floats(np.array([1, 2.5], dtype=object)).tolist() == [1.0, 2.5]


@pytest.mark.torch
def test_a_tensor_with_gradients_is_taken_without_a_copy():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6.0, requires_grad=True).reshape(2, 3)
    assert as_array(tensor).ctypes.data == tensor.data_ptr()
    assert as_array(torch.nn.Parameter(torch.ones(2))).tolist() == [1.0, 1.0]


@pytest.mark.torch
def test_bfloat16_becomes_float32():
    torch = pytest.importorskip("torch")
    array = as_array(torch.tensor([1.5, -2.0]).bfloat16())
    assert array.dtype == np.float32
    assert array.tolist() == [1.5, -2.0]


@pytest.mark.torch
def test_a_tensor_without_numpy_form_is_told():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match="Tensor is no array"):
        as_array(torch.eye(3).to_sparse())


@pytest.mark.torch
def test_numerics_take_tensors_with_gradients():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(20, 3)), requires_grad=True)
    gram = torch.tensor(np.eye(3), requires_grad=True)
    moments = ib.ClassMoments(2, 3)
    moments.update(x, torch.arange(20) % 2)
    expected = ib.ClassMoments(2, 3)
    expected.update(x.detach().numpy(), np.arange(20) % 2)
    np.testing.assert_array_equal(moments.means, expected.means)
    array = x.detach().numpy()
    assert ib.matrix_information(x, x).mir == ib.matrix_information(array, array).mir
    assert ib.landscape.seli_geometry(torch.tensor([3, 2])).gap <= 1e-9
    from ibcollapse.geometry import gram_distance

    assert gram_distance(gram, gram) == 0.0


def test_arrays_load_no_tensor_library():
    code = """
import json, sys
import numpy as np
import ibcollapse as ib
ib.open_features((np.eye(4), ["a", "b", "a", "b"]))
ib.Channel.from_joint([[0.4, 0.1], [0.1, 0.4]])
print(json.dumps([name for name in ("torch", "ibcollapse.nn") if name in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(done.stdout) == []
