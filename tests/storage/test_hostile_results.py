"""Result files from strangers: loading runs nothing, and damage ends in one clear error."""

import builtins
import contextlib
import importlib
import json
import os
import pickle
import struct
import subprocess

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ibcollapse as ib
from ibcollapse.errors import ResultFileError
from ibcollapse.storage.serialize import ROOMS, load_result, save

CHANNEL = ib.Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])
ROOM_NAMES = {f"ibcollapse.{room}" for room in ROOMS}
import_module = importlib.import_module
MUTATED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module", params=[".h5", ".json"])
def good_file(request, tmp_path_factory):
    """A small curve: nested results, arrays of numbers, strings and infinities."""
    curve = ib.trace_curve(CHANNEL, beta_max=2.5, n_points=4)
    return save(curve, tmp_path_factory.mktemp("good") / f"curve{request.param}")


@pytest.fixture(scope="module", autouse=True)
def _started_guard(tmp_path_factory):
    """The process that opens HDF5 files first is running: the tests forbid starting any."""
    load_result(save(CHANNEL, tmp_path_factory.mktemp("guard") / "channel.h5"))


def refuse(*args, **_kwargs):
    raise AssertionError(f"loading called something it must not: {args[:1]}")


def import_room(name):
    return import_module(name) if name in ROOM_NAMES else refuse(name)


@contextlib.contextmanager
def nothing_may_run():
    """Everything through which a file could run code fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in (
            (builtins, "eval"),
            (os, "system"),
            (subprocess, "Popen"),
            (pickle, "load"),
            (pickle, "loads"),
            (pickle, "Unpickler"),
        ):
            patch.setattr(owner, name, refuse)
        patch.setattr(importlib, "import_module", import_room)
        yield


def load(path):
    """The result, or None and the one line of the error that said why not."""
    with nothing_may_run():
        try:
            return load_result(path), ""
        except ResultFileError as error:
            message = str(error)
    assert str(path) in message
    return None, message


@MUTATED
@given(data=st.data())
def test_changed_bytes_load_or_end_in_one_clear_error(tmp_path, good_file, data):
    damaged = bytearray(good_file.read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=8)):
        damaged[position] = data.draw(st.integers(0, 255))
    path = tmp_path / f"damaged{good_file.suffix}"
    path.write_bytes(damaged[: data.draw(st.integers(len(damaged) // 2, len(damaged)))])
    load(path)


@pytest.mark.parametrize(
    "schema",
    [
        "os/system",
        "ibcollapse.nn/train",
        "../evil/Class",
        "builtins/eval",
        "nn/TrainingPlan",
        "",
        7,
    ],
)
def test_a_schema_of_no_room_is_refused(tmp_path, schema):
    path = tmp_path / "f.json"
    path.write_text(json.dumps({"schema": schema, "version": 1, "command": "true"}))
    result, message = load(path)
    assert result is None
    assert "is no result of ibcollapse" in message


@pytest.mark.parametrize(
    "values",
    [
        {"array": "object", "shape": [1], "values": [{"schema": "os/system"}]},
        {"array": "V8", "shape": [-1], "values": [1]},
        {"array": "float64", "shape": [1 << 62], "values": [1.0]},
        {"array": ["f8", "f8"], "shape": [1], "values": [1.0]},
        {"array": "float64", "shape": 3, "values": 5},
        {"float": "many"},
        {"float": []},
    ],
)
def test_an_absurd_array_in_json_is_refused(tmp_path, values):
    solution = save(ib.solve(CHANNEL, 2.0), tmp_path / "good.json")
    tree = json.loads(solution.read_text())
    tree["p_t"] = values
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(tree))
    result, _ = load(path)
    assert result is None


def test_json_nested_without_end_is_refused(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000 + "]" * 200_000)
    assert load(path)[0] is None


@pytest.mark.parametrize("link", ["external", "soft", "group loop"])
def test_links_in_hdf5_are_refused(tmp_path, link):
    path = save(ib.solve(CHANNEL, 2.0), tmp_path / "f.h5")
    with h5py.File(path, "r+") as file:
        if link == "external":
            file["result/extra"] = h5py.ExternalLink("/etc/passwd", "/")
        elif link == "soft":
            file["result/extra"] = h5py.SoftLink("/result/p_t")
        else:
            file["result/extra"] = file["result"]
    assert load(path)[0] is None


def test_a_declared_size_that_is_not_stored_is_refused(tmp_path):
    path = save(ib.solve(CHANNEL, 2.0), tmp_path / "f.h5")
    with h5py.File(path, "r+") as file:
        del file["result/p_t"]
        # A terabyte of zeros that takes no bytes in the file.
        file["result"].create_dataset("p_t", shape=(1 << 37,), dtype="f8", chunks=(1 << 10,))
    assert load(path)[0] is None


def test_a_named_type_in_place_of_an_array_is_refused(tmp_path):
    # Found by the fuzzer: one changed byte turns a dataset's header into that of a type.
    path = save(ib.solve(CHANNEL, 2.0), tmp_path / "f.h5")
    with h5py.File(path, "r+") as file:
        del file["result/p_t"]
        file["result/p_t"] = np.dtype("f8")
    result, message = load(path)
    assert result is None
    assert "neither a group nor an array" in message


def test_a_heap_that_hdf5_would_never_leave_is_refused(tmp_path):
    path = save(ib.solve(CHANNEL, 2.0), tmp_path / "f.h5")
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    struct.pack_into("<HH4xQ", content, heap + 16, 0, 0, 0)
    path.write_bytes(content)
    result, message = load(path)
    assert result is None
    assert f"global heap at byte {heap}" in message


def test_pickled_bytes_are_not_unpickled(tmp_path):
    for name in ("f.h5", "f.json"):
        path = tmp_path / name
        path.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
        assert load(path)[0] is None


def test_the_undamaged_file_loads(good_file):
    result, message = load(good_file)
    assert message == ""
    assert all(np.isfinite(solution.gap) for solution in result.solutions)
