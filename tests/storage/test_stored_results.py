import importlib
import json
import pkgutil

import h5py
import numpy as np
import pytest
from stored_material import SUFFIXES, channel, solution

from ibcollapse.bottleneck import IBSolution, trace_curve
from ibcollapse.errors import FeatureFileNotFoundError, InputError, OutputError, ResultFileError
from ibcollapse.provenance import Provenance
from ibcollapse.storage import serialize
from ibcollapse.storage.serialize import from_dict, load_result, save, to_dict


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
