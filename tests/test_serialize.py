import dataclasses
import importlib
import json
import math
import pkgutil

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ibcollapse
from ibcollapse import serialize
from ibcollapse.bottleneck import (
    Channel,
    GaussianIB,
    IBSolution,
    henze_zirkler,
    solve,
    solve_deterministic,
    solve_renyi,
    trace_curve,
)
from ibcollapse.errors import FeatureFileNotFoundError, InputError, OutputError, ResultFileError
from ibcollapse.provenance import Provenance, provenance_of
from ibcollapse.serialize import from_dict, load_result, save, to_dict

SUFFIXES = (".json", ".h5", ".hdf5")


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


def channel():
    joint = np.random.default_rng(0).dirichlet(np.full(20, 0.5)).reshape(5, 4)
    return Channel.from_joint(joint, class_names=["á", "b/c", "", "d e"])


def solution(**changes):
    return dataclasses.replace(solve(channel(), 3.0), **changes)


def results():
    rng = np.random.default_rng(1)
    features, labels = rng.standard_normal((60, 3)), np.repeat([0, 1, 2], 20)
    features[:, 0] += labels
    gaussian = GaussianIB.from_correlations([0.9, 0.6, 0.3])
    fitted = ibcollapse.cross_fit(ibcollapse.open_features((features, labels)), folds=2)
    return {
        "channel": channel(),
        "reduced": channel().reduce(max_rows=2),
        "solution": solution(),
        "not computed": solution(gap=math.nan, residual=math.inf, lagrangian=-0.0),
        "curve": trace_curve(channel(), n_points=4, fraction=0.5),
        "deterministic": trace_curve(Channel.from_joint(np.diag([0.25, 0.75]))),
        "hard": solve_deterministic(channel(), 2.0),
        "gaussian": gaussian,
        "gaussian curve": gaussian.curve(),
        "renyi": solve_renyi(gaussian, 3.0, order=2.0),
        "normality": henze_zirkler(features),
        "fit": fitted.fit,
        "posterior": fitted.posterior,
        "geometry": ibcollapse.collapse_geometry((features, labels)),
        "analysis": ibcollapse.curve(channel(), n_points=4, fraction=0.5),
        "provenance": provenance_of("test", "", {"a": None, "b": [1, 2.5], "c": {"d": True}}),
    }


@pytest.fixture(scope="module")
def stored():
    return results()


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


@pytest.mark.parametrize("wrong", [None, [1.0, 2.0], "text", 3.0])
def test_a_field_of_the_wrong_kind_is_refused(wrong):
    with pytest.raises(ResultFileError, match="do not fit"):
        from_dict({**to_dict(solution()), "p_t": wrong})


def test_missing_fields_are_refused_and_unknown_ones_ignored():
    tree = to_dict(solution())
    assert from_dict({**tree, "added_later": 1}).beta == 3.0
    del tree["beta"]
    with pytest.raises(ResultFileError, match="beta"):
        from_dict(tree)


def test_what_is_not_registered_is_not_stored(tmp_path):
    with pytest.raises(InputError, match="not a result"):
        save(object(), tmp_path / "a.json")
    with pytest.raises(InputError, match="object cannot be stored"):
        save(Provenance("s", "", {"x": object()}, {}), tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_other_suffixes_missing_files_and_missing_folders_are_named(tmp_path):
    with pytest.raises(InputError, match=r"\.h5, \.hdf5 or \.json"):
        save(solution(), tmp_path / "a.pkl")
    with pytest.raises(FeatureFileNotFoundError, match="no such result file"):
        load_result(tmp_path / "absent.json")
    with pytest.raises(OutputError, match="choose another folder"):
        save(solution(), tmp_path / "absent" / "a.json")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = save(solution(), tmp_path / "a.h5")
    before = path.read_bytes()

    def disk_full(tree, target):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(serialize, "write_hdf5", disk_full)
    with pytest.raises(OutputError, match="No space left on device"):
        save(solution(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_mutated_text_loads_or_is_refused_but_never_crashes(tmp_path):
    path = save(trace_curve(channel(), n_points=3, fraction=0.4), tmp_path / "a.json")
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(300):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), rng.integers(1, 5)):
            damaged[at] = rng.integers(32, 127)
        path.write_bytes(damaged)
        try:
            load_result(path)
        except ResultFileError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.98])
def test_a_file_cut_short_is_refused(suffix, share, tmp_path):
    path = save(solution(), tmp_path / f"a{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ResultFileError, match="not a re"):
        load_result(path)


def test_a_link_to_another_file_is_refused(tmp_path):
    secret = save(solution(), tmp_path / "secret.h5")
    path = save(solution(), tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        del file["result/p_t"]
        file["result/p_t"] = h5py.ExternalLink(str(secret), "result/p_t")
    with pytest.raises(ResultFileError, match="link"):
        load_result(path)
    with h5py.File(path, "r+") as file:
        del file["result/p_t"]
        file["result/p_t"] = h5py.SoftLink("/result/p_y_given_t")
    with pytest.raises(ResultFileError, match="link"):
        load_result(path)


def test_values_kept_in_another_file_are_refused(tmp_path):
    raw = tmp_path / "raw.bin"
    raw.write_bytes(np.ones(2).tobytes())
    path = save(solution(), tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        del file["result/p_t"]
        file["result"].create_dataset(
            "p_t", (2,), np.float64, external=[(str(raw), 0, h5py.h5f.UNLIMITED)]
        )
    with pytest.raises(ResultFileError, match="another file"):
        load_result(path)


def test_files_of_other_kinds_are_refused(tmp_path):
    plain = tmp_path / "plain.h5"
    with h5py.File(plain, "w") as file:
        file["x"] = 1
    with pytest.raises(ResultFileError, match="no result of ibcollapse"):
        load_result(plain)
    for name, text in (("list.json", "[1]"), ("text.json", "hello"), ("empty.json", "")):
        (tmp_path / name).write_text(text)
        with pytest.raises(ResultFileError):
            load_result(tmp_path / name)
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(ResultFileError):
        load_result(tmp_path / "text.h5")


def test_numbers_too_large_for_their_type_are_refused(tmp_path):
    tree = {"schema": "provenance/Provenance", "version": 1}
    array = {"array": "int8", "shape": [1], "values": [300]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**tree, "source": array}))
    with pytest.raises(ResultFileError, match="not a result file"):
        load_result(path)


def test_registering_takes_a_dataclass_of_a_known_room():
    with pytest.raises(TypeError, match="of a dataclass"):
        serialize.register("bottleneck/Plain")(object)
    with pytest.raises(TypeError, match="<room>"):
        serialize.register("cellar/Solution")(IBSolution)


def test_every_registered_class_is_frozen_and_found_from_its_schema_alone():
    for room in serialize.ROOMS:
        module = importlib.import_module(f"ibcollapse.{room}")
        for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{module.__name__}."):
            importlib.import_module(found.name)
    # Other tests register classes of their own.
    ours = [s for s, e in serialize._by_schema.items() if e.cls.__module__.startswith("ibcollapse")]
    assert len(ours) > 40
    for schema in ours:
        entry = serialize._by_schema[schema]
        assert entry.cls.__dataclass_params__.frozen, schema
        room = importlib.import_module(f"ibcollapse.{schema.partition('/')[0]}")
        assert entry.cls.__module__.startswith(room.__name__), schema
        assert schema.endswith("/" + entry.cls.__name__), schema
