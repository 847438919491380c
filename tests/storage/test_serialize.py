import dataclasses
import importlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored_material import SUFFIXES, solution

from ibcollapse.bottleneck import IBSolution
from ibcollapse.errors import ResultFileError
from ibcollapse.provenance import Provenance
from ibcollapse.storage import serialize
from ibcollapse.storage.serialize import from_dict, load_result, save, to_dict


def same(one, other):
    """Whether two stored trees agree bit for bit, NaN included."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and set(one) == set(other)
            and all(same(one[key], other[key]) for key in one)
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        if not isinstance(other, np.ndarray) or one.shape != other.shape:
            return False
        if one.dtype.kind in "UO":
            return one.tolist() == other.tolist()
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if isinstance(one, float):
        return isinstance(other, float) and np.float64(one).tobytes() == np.float64(other).tobytes()
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_result_comes_back_bit_for_bit(stored, suffix, tmp_path):
    for name, result in stored.items():
        path = save(result, tmp_path / f"{name}{suffix}")
        loaded = load_result(path)
        assert type(loaded) is type(result), name
        assert same(to_dict(result), to_dict(loaded)), name


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_writing_what_was_read_gives_the_same_tree_again(stored, suffix, tmp_path):
    once = load_result(save(stored["analysis"], tmp_path / f"once{suffix}"))
    twice = load_result(save(once, tmp_path / f"twice{suffix}"))
    assert same(to_dict(once), to_dict(twice))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_arrays_come_back_read_only(suffix, tmp_path):
    loaded = load_result(save(solution(), tmp_path / f"a{suffix}"))
    with pytest.raises(ValueError, match="read-only"):
        loaded.p_t[0] = 1.0


_PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(exclude_characters="\x00"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "layer", "é", "x y"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(options=st.dictionaries(st.sampled_from(["a", "epoch", "b c"]), _PLAIN, max_size=3))
def test_any_plain_options_come_back_in_both_formats(options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    result = Provenance("source", "", options, {"python": "3"})
    for suffix in (".json", ".h5"):
        loaded = load_result(save(result, folder / f"p{suffix}"))
        assert same(to_dict(result), to_dict(loaded))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "array",
    [
        np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7e308]),
        np.zeros((0, 3)),
        np.array(3.5),
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array([True, False]),
        np.array([2**63 - 1, -(2**63)]),
        np.array(["é", "", "long name"]),
        np.linspace(0, 1, 5000),
    ],
    ids=["specials", "empty", "scalar", "float32", "bool", "int64", "text", "compressed"],
)
def test_arrays_of_every_kind_come_back(array, suffix, tmp_path):
    result = Provenance("s", "", {"array": array}, {})
    loaded = load_result(save(result, tmp_path / f"a{suffix}"))
    assert same(to_dict(result), to_dict(loaded))


def test_ten_thousand_class_names_fit_into_hdf5(tmp_path):
    result = Provenance("s", "", {"names": [f"class {i}" for i in range(10_000)]}, {})
    loaded = load_result(save(result, tmp_path / "many.h5"))
    assert len(loaded.options["names"]) == 10_000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_unknown_schemas_and_newer_versions_are_refused(suffix, tmp_path, monkeypatch):
    path = save(solution(), tmp_path / f"a{suffix}")
    entry = serialize._by_class[IBSolution]
    newer = dataclasses.replace(entry, version=99)
    monkeypatch.setitem(serialize._by_class, IBSolution, newer)
    late = save(solution(), tmp_path / f"late{suffix}")
    with pytest.raises(ResultFileError, match="version 99, this library reads up to 1; upgrade"):
        load_result(late)
    unknown = dataclasses.replace(entry, schema="bottleneck/Nothing")
    monkeypatch.setitem(serialize._by_class, IBSolution, unknown)
    with pytest.raises(ResultFileError, match="'bottleneck/Nothing' is no result"):
        load_result(save(solution(), tmp_path / f"unknown{suffix}"))
    assert load_result(path).beta == 3.0


@pytest.mark.parametrize("schema", [None, 3, "", "os/system", "bottleneck", "../x", ["a"]])
def test_schemas_that_name_no_result_are_refused(schema):
    with pytest.raises(ResultFileError, match="is no result"):
        from_dict({"schema": schema, "version": 1})


@pytest.mark.parametrize("version", [None, 0, -1, 1.0, True, "1"])
def test_versions_that_are_no_positive_integers_are_refused(version):
    with pytest.raises(ResultFileError, match="not a positive integer"):
        from_dict({**to_dict(solution()), "version": version})


def test_an_older_version_is_migrated(monkeypatch):
    def migrate(fields, stored_version):
        assert stored_version == 1
        return {**fields, "beta": fields.pop("trade_off")}

    entry = serialize._by_class[IBSolution]
    newer = dataclasses.replace(entry, version=2, migrate=migrate)
    monkeypatch.setitem(serialize._by_schema, entry.schema, newer)
    old = to_dict(solution())
    old["trade_off"] = old.pop("beta")
    assert from_dict(old).beta == 3.0


def test_the_documented_path_is_the_same_registry():
    door = importlib.import_module("ibcollapse.serialize")
    assert {name: getattr(door, name) for name in door.__all__} == {
        name: getattr(serialize, name) for name in door.__all__
    }
