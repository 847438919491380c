"""One-pass moments against the definitions, under offsets, splits and merges."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.errors import InputError
from ibcollapse.gaussian.moments import ClassMoments

KINDS = ("tied", "full", "diagonal")


def sample(seed=0, n=300, d=5, n_classes=3, offset=0.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    y = rng.integers(n_classes, size=n)
    x = (
        rng.standard_normal((n, d)) * (1 + np.arange(d))
        + 2 * rng.standard_normal((n_classes, d))[y]
    )
    return (x + offset).astype(dtype), y


def naive(x, y, n_classes, kind):
    """Textbook two-pass moments in float64, a class at a time."""
    x = x.astype(np.float64)
    means = np.array([x[y == c].mean(axis=0) for c in range(n_classes)])
    centred = [x[y == c] - means[c] for c in range(n_classes)]
    scatters = np.array([z.T @ z for z in centred])
    if kind == "tied":
        return means, scatters.sum(axis=0)
    return means, scatters if kind == "full" else np.einsum("cii->ci", scatters)


def moments_of(x, y, n_classes=3, kind="tied", blocks=1, **options):
    moments = ClassMoments(n_classes, x.shape[1], scatter=kind, **options)
    for rows, codes in zip(np.array_split(x, blocks), np.array_split(y, blocks), strict=True):
        moments.update(rows, codes)
    return moments


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blocks", [1, 7])
def test_moments_match_two_pass_definition(kind, blocks):
    x, y = sample()
    moments = moments_of(x, y, kind=kind, blocks=blocks)
    means, scatter = naive(x, y, 3, kind)
    np.testing.assert_array_equal(moments.counts, np.bincount(y))
    np.testing.assert_allclose(moments.means, means, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(moments.scatter, scatter, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_offset_in_float32_costs_only_the_input_rounding(kind):
    # The offset rounds the stored float32 values; the moments of exactly those values must come
    # out as if computed in float64, to float64 rounding of differences of size 1 at level 1e4.
    x, y = sample(offset=1e4, dtype=np.float32)
    moments = moments_of(x, y, kind=kind, blocks=5)
    means, scatter = naive(x, y, 3, kind)
    np.testing.assert_allclose(moments.means, means, rtol=1e-14)
    np.testing.assert_allclose(moments.scatter, scatter, rtol=1e-10, atol=1e-8)


def test_variance_far_below_the_mean_is_recovered_from_float32():
    # Mean 100, standard deviation 0.01: the one-pass formula E[x²] − m² gives negative variances.
    rng = np.random.default_rng(0)
    x = (100 + 0.01 * rng.standard_normal((20_000, 2))).astype(np.float32)
    moments = moments_of(x, np.zeros(len(x), dtype=int), n_classes=1)
    variance = np.diag(moments.scatter) / len(x)
    # Sampling error of a variance is sqrt(2/n) = 1 %.
    np.testing.assert_allclose(variance, 1e-4, rtol=0.05)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 60), min_size=2, max_size=4),
    seed=st.integers(0, 100),
    left_first=st.booleans(),
)
def test_merge_in_any_grouping_equals_one_pass(kind, cuts, seed, left_first):
    x, y = sample(seed, n=60, d=3)
    parts = [
        moments_of(rows, codes, kind=kind)
        for rows, codes in zip(np.split(x, sorted(cuts)), np.split(y, sorted(cuts)), strict=True)
    ]
    if left_first:
        merged = functools.reduce(ClassMoments.merge, parts)
    else:
        merged = functools.reduce(lambda late, early: early.merge(late), parts[::-1])
    whole = moments_of(x, y, kind=kind)
    np.testing.assert_array_equal(merged.counts, whole.counts)
    np.testing.assert_allclose(merged.means, whole.means, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(merged.scatter, whole.scatter, rtol=1e-9, atol=1e-9)


def test_merge_leaves_both_arguments_and_accepts_more_rows():
    x, y = sample()
    first, second = moments_of(x[:100], y[:100]), moments_of(x[100:200], y[100:200])
    before = first.scatter
    merged = first.merge(second)
    np.testing.assert_array_equal(first.scatter, before)
    merged.update(x[200:], y[200:])
    np.testing.assert_allclose(merged.scatter, moments_of(x, y).scatter, rtol=1e-11, atol=1e-10)


def test_first_block_far_from_the_class_does_not_cost_the_scatter():
    # The reference is one outlier at distance 1e4: its correction removes 1e8 n from a scatter of
    # order n, so eight of sixteen digits remain.
    rng = np.random.default_rng(3)
    x = np.vstack([[1e4, 0.0], rng.standard_normal((500, 2))])
    y = np.zeros(501, dtype=int)
    moments = moments_of(x[:1], y[:1], n_classes=1)
    moments.update(x[1:], y[1:])
    np.testing.assert_allclose(moments.scatter, naive(x, y, 1, "tied")[1], rtol=1e-7, atol=1e-5)


def test_blocks_longer_than_one_inner_block_are_split():
    x, y = sample(n=5000, d=600, n_classes=2)
    moments = moments_of(x, y, n_classes=2)
    _, scatter = naive(x, y, 2, "tied")
    np.testing.assert_allclose(moments.scatter, scatter, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_absent_class_has_nan_mean_and_no_scatter(kind):
    x, y = sample()
    moments = moments_of(x, y, n_classes=4, kind=kind)
    assert np.isnan(moments.means[3]).all()
    assert np.isfinite(moments.means[:3]).all()
    assert moments.counts[3] == 0
    assert np.isfinite(moments.scatter).all()


def test_one_row_has_zero_scatter():
    moments = ClassMoments(1, 3)
    moments.update([[1.0, 2.0, 3.0]], [0])
    np.testing.assert_array_equal(moments.scatter, np.zeros((3, 3)))


def test_half_precision_and_integers_are_read_as_numbers():
    x, y = sample(dtype=np.float16)
    np.testing.assert_allclose(
        moments_of(x, y).scatter, naive(x, y, 3, "tied")[1], rtol=1e-11, atol=1e-9
    )
    counts = np.arange(12).reshape(6, 2)
    moments = moments_of(counts, np.zeros(6, dtype=int), n_classes=1)
    np.testing.assert_allclose(moments.scatter, np.full((2, 2), 70.0), rtol=1e-14)


def test_class_weights_scale_each_class_of_the_pooled_scatter():
    x, y = sample()
    weights = np.array([0.5, 0.0, 3.0])
    _, scatters = naive(x, y, 3, "full")
    weighted = np.tensordot(weights, scatters, axes=1)
    moments = moments_of(x, y, blocks=3, class_weights=weights)
    np.testing.assert_allclose(moments.scatter, weighted, rtol=1e-11, atol=1e-10)
    halves = moments_of(x[:90], y[:90], class_weights=weights).merge(
        moments_of(x[90:], y[90:], class_weights=weights)
    )
    np.testing.assert_allclose(halves.scatter, weighted, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_counted_and_refused(bad):
    x, y = sample()
    x[[4, 9], 1] = bad
    with pytest.raises(InputError, match="2 of 300 rows hold NaN or infinite"):
        moments_of(x, y)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 4)), [0, 0, 0], r"shape \(3, 4\); expected \(n, 2\)"),
        (np.zeros(3), [0, 0, 0], "expected"),
        (np.zeros((3, 2)), [0, 0], "expected 3 integers"),
        (np.zeros((2, 2)), [0.0, 1.0], "expected 2 integers"),
        (np.zeros((2, 2)), [0, 3], "codes from 0 to 3; expected 0 to 2"),
        (np.zeros((2, 2), dtype=complex), [0, 1], "complex128"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(x, y, message):
    with pytest.raises(InputError, match=message):
        ClassMoments(3, 2).update(x, y)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(InputError, match="at least one"):
        ClassMoments(0, 3)
    with pytest.raises(InputError, match="'spherical'"):
        ClassMoments(2, 3, scatter="spherical")
    with pytest.raises(InputError, match="keeps classes apart"):
        ClassMoments(2, 3, scatter="full", class_weights=[1, 1])
    with pytest.raises(InputError, match="expected 2 finite"):
        ClassMoments(2, 3, class_weights=[1, -1])
    with pytest.raises(InputError, match="cannot be merged"):
        ClassMoments(2, 3).merge(ClassMoments(2, 4))
