import hashlib

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features import FeatureWriter, open_features


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f2", ">f4", ">f8", "u1", "i2", "i4", "i8"])
@pytest.mark.parametrize(
    "storage", [{}, {"chunks": (5, 2)}, {"chunks": (5, 3), "compression": "gzip", "shuffle": True}]
)
def test_every_type_and_storage_is_read_exactly(hdf5, samples, whole, dtype, storage):
    x = (samples[0] * 50).astype(dtype) if "f" in dtype else np.abs(samples[0] * 50).astype(dtype)
    source = open_features(hdf5({"features": x, "labels": samples[1]}, **storage))
    found, labels = whole(source, 5)
    assert found.dtype == (np.float64 if dtype in ("f8", ">f8", "i4", "i8") else np.float32)
    np.testing.assert_array_equal(found, x.astype(np.float64))
    np.testing.assert_array_equal(labels, samples[1])


@given(rows=st.integers(1, 40), n=st.integers(6, 40), cut=st.integers(0, 5))
def test_blocks_keep_the_order_and_their_bound(rows, n, cut):
    x = np.arange(2.0 * n).reshape(n, 2)
    y = np.arange(n) % 2
    y[2 : 2 + min(cut, n - 6)] = -1
    source = open_features((x, y))
    blocks = [(block.copy(), labels) for block, labels in source.chunks(rows)]
    assert all(0 < len(block) <= rows for block, _ in blocks)
    np.testing.assert_array_equal(np.concatenate([b for b, _ in blocks]), x[y >= 0])
    np.testing.assert_array_equal(np.concatenate([c for _, c in blocks]), source.labels)


def test_blocks_are_read_only_contiguous_and_leave_the_arrays_alone(samples):
    x, y = samples
    for block, labels in open_features((np.asfortranarray(x), y)).chunks(5):
        assert block.flags.c_contiguous
        assert not block.flags.writeable
        assert not labels.flags.writeable
    assert x.flags.writeable
    next(open_features((x, y)).chunks())
    assert x.flags.writeable


def test_one_buffer_serves_all_blocks_of_a_file(hdf5, samples):
    source = open_features(hdf5({"features": samples[0], "labels": samples[1]}))
    addresses = {block.ctypes.data for block, _ in source.chunks(4)}
    assert len(addresses) == 1


def test_two_readings_of_one_source_do_not_disturb_each_other(hdf5, samples):
    source = open_features(hdf5({"features": samples[0], "labels": samples[1]}))
    for (a, _), (b, _) in zip(source.chunks(4), source.chunks(4), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.shares_memory(a, b)


def test_rows_below_one_are_refused(samples):
    with pytest.raises(InputError, match="rows 0"):
        next(open_features(samples).chunks(0))


def test_unlabelled_samples_are_left_out_and_counted(samples):
    x, y = samples
    source = open_features((x, np.where(np.arange(12) < 2, -1, y)))
    assert source.n_samples == 10
    assert source.n_stored == 12
    assert "left out 2 of 12 as unlabelled" in source.description


@pytest.fixture
def damaged(samples):
    x = samples[0].copy()
    x[3, 1], x[7, 0], x[8, 2] = np.nan, np.inf, -np.inf
    return x


def test_nonfinite_features_are_refused_when_met_and_counted_over_the_file(hdf5, damaged, samples):
    source = open_features(hdf5({"features": damaged, "labels": samples[1]}))
    with pytest.raises(
        FeatureFileError, match=r"in 3 of 12 samples .rows 3, 7, 8.*--drop-nonfinite"
    ):
        list(source.chunks(2))


def test_nonfinite_samples_are_dropped_on_request_and_counted(hdf5, damaged, samples, whole):
    path = hdf5({"features": damaged, "labels": samples[1]})
    source = open_features(path, drop_nonfinite=True)
    keep = np.isfinite(damaged).all(axis=1)
    found, labels = whole(source, 4)
    np.testing.assert_array_equal(found, damaged[keep])
    np.testing.assert_array_equal(labels, samples[1][keep])
    assert "dropped 3 of 12 for NaN or inf (rows 3, 7, 8)" in source.description


def test_an_unlabelled_nonfinite_sample_harms_nobody(damaged, samples, whole):
    labels = np.where(np.isfinite(damaged).all(axis=1), samples[1], -1)
    assert len(whole(open_features((damaged, labels)))[0]) == 9


def test_ids_and_logits_follow_the_samples_that_are_kept(tmp_path, damaged, samples):
    path = tmp_path / "f.h5"
    names = [f"img{i}" for i in range(12)]
    with FeatureWriter(path) as writer:
        writer.append({"h": damaged}, samples[1], epoch=0, ids=names, logits=np.eye(12)[:, :4])
    source = open_features(path, drop_nonfinite=True)
    assert list(source.ids) == [names[i] for i in (0, 1, 2, 4, 5, 6, 9, 10, 11)]
    np.testing.assert_array_equal(source.logits, np.eye(12)[[0, 1, 2, 4, 5, 6, 9, 10, 11], :4])


def test_classifier_rows_follow_the_label_values(tmp_path, samples):
    path = tmp_path / "f.h5"
    with FeatureWriter(path) as writer:
        writer.append({"h": samples[0]}, 2 * samples[1], epoch=0)
        writer.classifier(np.arange(6.0)[:, None] * np.ones(3), np.arange(6.0), layer="h", epoch=0)
    found = open_features(path).classifier
    np.testing.assert_array_equal(found.weight[:, 0], [0.0, 2.0, 4.0])
    np.testing.assert_array_equal(found.bias, [0.0, 2.0, 4.0])


def test_a_classifier_of_another_width_is_named(tmp_path, samples):
    path = tmp_path / "f.h5"
    with FeatureWriter(path) as writer:
        writer.append({"h": samples[0]}, samples[1], epoch=0)
        writer.classifier(np.ones((3, 4)), layer="h", epoch=0)
    with pytest.raises(FeatureFileError, match=r"shape \(3, 4\), expected \(3, 3\)"):
        _ = open_features(path).classifier


def test_pooling_happens_while_reading(hdf5, whole):
    tokens = np.random.default_rng(4).normal(size=(8, 5, 3))
    path = hdf5({"features": tokens, "labels": np.arange(8) % 2})
    source = open_features(path, pool="mean")
    assert source.n_features == 3
    np.testing.assert_allclose(whole(source, 3)[0], tokens.mean(axis=1), rtol=1e-15)


def test_the_fingerprint_of_a_file_is_that_of_its_bytes(hdf5, samples):
    path = hdf5({"features": samples[0], "labels": samples[1]})
    assert open_features(path).fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_fingerprint_of_arrays_tells_values_types_and_labels_apart(samples):
    x, y = samples
    pairs = [(x, y), (x + 1, y), (x.astype(float), y), (x, 2 - y), (x, (2 - y).astype(str))]
    prints = [open_features(pair).fingerprint for pair in pairs]
    assert len(set(prints)) == 5
    assert open_features((x.copy(), y)).fingerprint == prints[0]


def test_a_file_far_larger_than_the_block_is_read_in_bounded_blocks(tmp_path):
    path = tmp_path / "wide.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("features", (40_000, 512), "f4", chunks=(300, 512), fillvalue=1.0)
        file["features"][:] = 1.0
        file["labels"] = np.arange(40_000) % 2
    sizes = [x.nbytes for x, _ in open_features(path).chunks()]
    assert sum(sizes) == 40_000 * 512 * 4
    assert max(sizes) <= 32 << 20
    assert (sizes[0] // 2048) % 300 == 0
