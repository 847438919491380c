import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.errors import InputError
from ibcollapse.features import FeatureWriter
from ibcollapse.matrix_information import batches, matrix_information, passes, spectra
from ibcollapse.matrix_information.batches import entropies_of_batches
from ibcollapse.matrix_information.passes import entropies_by_passes
from ibcollapse.matrix_information.rows import RowSet, RowStream, stream_rows, unit_rows
from ibcollapse.progress import SILENT


def stream(x, *, block=7, centred=False, order=None):
    def read():
        for start in range(0, len(x), block):
            yield x[start : start + block]

    x = np.asarray(x)
    scale = float(np.abs(x).max())
    mean = x.mean(axis=0, dtype=np.float64)
    return stream_rows(read, mean, scale=scale, n_samples=len(x), centred=centred, order=order)


def both_ways(a, b, a_held, b_held, n_permutations=3, alpha=1.0):
    """Entropies by passes, and of the same rows held in memory, with the same permutations."""
    options = {"alpha": alpha, "n_permutations": n_permutations, "progress": SILENT}
    passed = entropies_by_passes(a, b, rng=np.random.default_rng(8), **options)
    all_of_them = [np.arange(a.n_samples)]
    held = entropies_of_batches(
        a_held, b_held, all_of_them, rng=np.random.default_rng(8), **options
    )
    return passed, held


def assert_same(passed, held):
    for got, expected in zip(passed, held, strict=True):
        assert got.shape == expected.shape
        # Sums in another order, then an eigenproblem of side at most 20.
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(2, 40),
    d=st.integers(1, 5),
    d_b=st.integers(1, 4),
    held=st.sampled_from([1, 30, 2**25]),
    centred=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_passes_agree_with_rows_in_memory(n, d, d_b, held, centred, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)) + 3, rng.normal(size=(n, d_b)) - 2
    order = rng.permutation(n)
    rows = stream(x, centred=centred), stream(y, centred=centred, order=order)
    in_memory = unit_rows(x, centred=centred), unit_rows(y[order], centred=centred)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes, "_HELD_VALUES", held)
        assert_same(*both_ways(*rows, *in_memory))


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(2, 40),
    n_rows=st.integers(1, 4),
    held=st.sampled_from([1, 100, 2**25]),
    seed=st.integers(0, 2**32 - 1),
)
def test_passes_against_repeated_rows_agree_with_rows_in_memory(n, n_rows, held, seed):
    rng = np.random.default_rng(seed)
    x, codes = rng.normal(size=(n, 3)), rng.integers(n_rows, size=n)
    b = unit_rows(rng.normal(size=(n_rows, 5)), codes=codes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes, "_HELD_VALUES", held)
        assert_same(*both_ways(stream(x), b, unit_rows(x), b, alpha=2.0))


def test_taking_from_a_stream_reads_the_samples_in_the_order_asked_for():
    rng = np.random.default_rng(0)
    x, order = rng.normal(size=(30, 4)), rng.permutation(30)
    index = np.array([29, 0, 3, 3, 15])
    rows = stream(x, centred=True, order=order)
    expected = unit_rows(x[order], centred=True).rows[index]
    np.testing.assert_allclose(rows.take(index).rows, expected, rtol=1e-14)
    assert isinstance(rows, RowStream)


def test_features_without_a_direction_are_counted_over_all_blocks():
    x = np.ones((20, 2))
    x[[3, 17]] = 0.0
    with pytest.raises(InputError, match="2 of 20 rows have length zero and no"):
        stream(x)
    with pytest.raises(InputError, match="20 of 20 rows have length zero after centring"):
        stream(np.full((20, 3), 0.1), centred=True)


def test_too_wide_features_name_the_way_on(monkeypatch):
    monkeypatch.setattr(spectra, "MAX_SIDE", 16)
    rng = np.random.default_rng(6)
    x = stream(rng.normal(size=(40, 5)))
    with pytest.raises(InputError, match=r"rank 5 times rank 5.* side 25.*pass batch_size"):
        both_ways(x, x, x, x)
    wide = stream(rng.normal(size=(40, 20)))
    with pytest.raises(InputError, match=r"40 rows of 20 features.* side 20"):
        both_ways(wide, wide, wide, wide)


@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("against", ["files", "class means"])
def test_a_file_gives_the_same_by_passes_as_at_once(tmp_path, monkeypatch, batch_size, against):
    rng = np.random.default_rng(1)
    y, ids = np.arange(60) % 3, np.arange(60)
    for name, order in (("a", ids), ("b", rng.permutation(60))):
        x = rng.normal(size=(3, 4))[y] + rng.normal(size=(60, 4))
        with FeatureWriter(tmp_path / f"{name}.h5") as writer:
            writer.append({"head": x[order]}, y[order], epoch=0, split="test", ids=ids[order])
    files = [tmp_path / "a.h5", tmp_path / "b.h5"][: 2 if against == "files" else 1]
    options = {"batch_size": batch_size, "n_permutations": 4, "seed": 2, "centred": True}
    expected = matrix_information(*files, **options)
    monkeypatch.setattr(spectra, "MAX_SIDE", 20)
    monkeypatch.setattr(passes, "_HELD_VALUES", 100)
    monkeypatch.setattr(batches, "_HELD_VALUES", 300)
    found = matrix_information(*files, **options)
    for name in ("mir", "hdr", "entropy_joint", "null_mean", "null_std"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-10), name


def test_rows_in_memory_and_streams_lie_in_blocks_alike():
    rng = np.random.default_rng(3)
    rows, codes = rng.normal(size=(4, 3)), rng.integers(4, size=5000)
    coded = unit_rows(rows, codes=codes)
    assert isinstance(coded, RowSet)
    np.testing.assert_array_equal(np.concatenate(list(coded.blocks())), coded.expand())
