import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.alignment import moments as module
from ibcollapse.alignment.moments import stream_moments
from ibcollapse.features import open_features
from ibcollapse.features.pairing import pair_sources
from ibcollapse.progress import SILENT


def streamed(arrays, labels, held_out=None, kept=None):
    n = len(labels)
    paired = pair_sources([open_features((x, labels)) for x in arrays])
    held_out = np.zeros(n, bool) if held_out is None else held_out
    kept = np.zeros(n, bool) if kept is None else kept
    return stream_moments(paired, held_out, kept, SILENT)


def assert_moments(found, a, b, rtol=1e-10):
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    n, scale = len(a), np.sqrt(np.mean(a**2) * np.mean(b**2))
    np.testing.assert_allclose(found.s_aa, a.T @ a / n, rtol=rtol, atol=rtol * np.mean(a**2))
    np.testing.assert_allclose(found.s_bb, b.T @ b / n, rtol=rtol, atol=rtol * np.mean(b**2))
    np.testing.assert_allclose(found.s_ab, a.T @ b / n, rtol=rtol, atol=rtol * scale)
    k, l = np.sum(a**2, axis=1), np.sum(b**2, axis=1)  # noqa: E741
    expected = [[np.mean(k * k), np.mean(k * l)], [np.mean(l * k), np.mean(l * l)]]
    np.testing.assert_allclose(found.fourth, expected, rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), offset=st.sampled_from([0.0, 1e4]))
def test_parts_equal_the_moments_of_their_rows(seed, offset):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 40))
    a, b = rng.normal(size=(n, 3)) + offset, rng.normal(size=(n, 2)) - offset
    held_out = np.zeros(n, bool)
    held_out[rng.permutation(n)[: n // 3]] = True
    found = streamed([a, b], np.arange(n) % 2, held_out)
    assert_moments(found.train.pair(0, 1), a[~held_out], b[~held_out], rtol=1e-9)
    assert_moments(found.test.pair(0, 1), a[held_out], b[held_out], rtol=1e-9)
    assert_moments(found.total.pair(0, 1), a, b, rtol=1e-9)
    np.testing.assert_allclose(found.total.pair(0, 1).mean_a, a.mean(axis=0), rtol=1e-12)


def test_many_blocks_and_three_networks(monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_NUMBERS", 0)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(1000, d)) for d in (2, 3, 4)]
    labels, kept = np.arange(1000) % 4, np.arange(1000) % 100 == 7
    found = streamed(arrays, labels, rng.random(1000) < 0.2, kept)
    assert_moments(found.total.pair(0, 2), arrays[0], arrays[2])
    assert_moments(found.total.pair(2, 1), arrays[2], arrays[1])
    for x, rows, means in zip(arrays, found.rows, found.class_means, strict=True):
        np.testing.assert_array_equal(rows, x[kept])
        expected = [x[labels == c].mean(axis=0) for c in range(4)]
        np.testing.assert_allclose(means, expected, rtol=1e-12, atol=1e-14)


def test_a_float32_offset_of_1e4_costs_nothing():
    rng = np.random.default_rng(1)
    a = (rng.normal(size=(500, 3)) + 1e4).astype(np.float32)
    found = streamed([a, a], np.arange(500) % 2).total.pair(0, 1)
    assert_moments(found, a.astype(np.float64), a.astype(np.float64))


def test_constant_features_have_variance_zero_exactly():
    x = np.random.default_rng(2).normal(size=(60, 3))
    x[:, 1] = 0.1
    found = streamed([x, x], np.arange(60) % 2).total.pair(0, 1)
    assert found.s_aa[1, 1] == 0.0
    assert not found.s_ab[1].any()


def test_about_moves_the_centre():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
    held_out = np.arange(30) < 10
    found = streamed([a, b], np.arange(30) % 2, held_out)
    moved = found.test.pair(0, 1).about(found.train.pair(0, 1))
    centred = a[:10] - a[10:].mean(axis=0), b[:10] - b[10:].mean(axis=0)
    np.testing.assert_allclose(moved.s_ab, centred[0].T @ centred[1] / 10, atol=1e-13)
    assert moved.n_samples == 10


def test_class_means_leave_absent_classes_out():
    found = streamed([np.eye(4), np.eye(4)], np.array([0, 0, 5, 5]))
    assert found.class_means[0].shape == (2, 4)
    assert found.test is None


@pytest.mark.parametrize("n_features", [1, 5])
def test_projection_commutes_with_the_moments(n_features):
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(40, n_features)), rng.normal(size=(40, 3))
    axes_a = np.linalg.qr(rng.normal(size=(n_features, 1)))[0]
    axes_b = np.linalg.qr(rng.normal(size=(3, 2)))[0]
    labels = np.arange(40) % 2
    projected = streamed([a, b], labels).total.pair(0, 1).project(axes_a, axes_b)
    direct = streamed([a @ axes_a, b @ axes_b], labels).total.pair(0, 1)
    np.testing.assert_allclose(projected.s_ab, direct.s_ab, atol=1e-13)
    np.testing.assert_allclose(projected.s_bb, direct.s_bb, atol=1e-13)
    assert np.isnan(projected.fourth).all()
