import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.features import FeatureWriter, open_features
from ibcollapse.features.pairing import pair_sources


def stored(path, x, labels, ids=None):
    with FeatureWriter(path) as writer:
        writer.append({"encoder": x}, labels, epoch=0, split="test", ids=ids)
    return open_features(path)


def test_blocks_are_the_same_samples_in_the_first_sources_order(tmp_path):
    rng = np.random.default_rng(0)
    x, labels, ids = rng.normal(size=(11, 3)), np.arange(11) % 2, np.arange(11) * 7
    order = rng.permutation(11)
    a = stored(tmp_path / "a.h5", x, labels, ids)
    b = stored(tmp_path / "b.h5", 2 * x[order], labels[order], ids[order])
    paired = pair_sources([a, b])
    assert paired.matched_by == "ids"
    blocks = [(left.copy(), right.copy()) for left, right in paired.blocks(4)]
    assert [len(block[0]) for block in blocks] == [4, 4, 3]
    first, second = (np.concatenate(part) for part in zip(*blocks, strict=True))
    np.testing.assert_array_equal(first, x)
    np.testing.assert_array_equal(second, 2 * x)


def test_without_ids_the_order_pairs(tmp_path):
    x, labels = np.random.default_rng(1).normal(size=(6, 2)), np.arange(6) % 2
    a, b = stored(tmp_path / "a.h5", x, labels, np.arange(6)), open_features((x, labels))
    paired = pair_sources([a, b])
    assert (paired.matched_by, paired.n_samples) == ("order", 6)
    for left, right in paired.blocks(4):
        np.testing.assert_array_equal(left, right)


def foreign(path, x, labels, **others):
    np.savez(path, train_features=x, train_labels=labels, **others)
    return open_features(path, split="train")


@pytest.mark.parametrize("name", ["ids", "train_ids", "sample_ids", "train_sample_id"])
def test_files_of_any_layout_are_paired_by_a_vector_of_ids(tmp_path, name):
    rng = np.random.default_rng(3)
    x, labels, ids = rng.normal(size=(8, 2)), np.arange(8) % 2, np.array([*"abcdefgh"])
    order = rng.permutation(8)
    a = foreign(tmp_path / "a.npz", x, labels, **{name: ids})
    b = foreign(tmp_path / "b.npz", x[order], labels[order], **{name: ids[order]})
    assert f"sample ids from {name}" in a.description
    paired = pair_sources([a, b])
    assert paired.matched_by == "ids"
    for left, right in paired.blocks(8):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "others",
    [
        {"ids": np.arange(7)},  # Not one a sample.
        {"test_ids": np.arange(8)},  # Of other samples.
        {"ids": np.arange(8), "sample_ids": np.arange(8)},  # Either could be meant.
        {"ids": np.zeros((8, 2))},
    ],
)
def test_what_may_be_no_ids_is_not_taken(tmp_path, others):
    x, labels = np.random.default_rng(4).normal(size=(8, 2)), np.arange(8) % 2
    found = foreign(tmp_path / "a.npz", x, labels, **others)
    assert found.ids is None
    assert "ids" not in found.description


class ShortBlocks:
    """A source that ends its blocks before what was asked, in one reused buffer."""

    def __init__(self, source):
        self._source = source
        self._buffer = np.empty((3, source.n_features))

    def __getattr__(self, name):
        return getattr(self._source, name)

    def chunks(self, rows=None):
        for x, y in self._source.chunks(3):
            self._buffer[: len(x)] = x
            yield self._buffer[: len(x)], y


def test_blocks_survive_a_source_that_divides_otherwise():
    x, labels = np.random.default_rng(2).normal(size=(17, 2)), np.arange(17) % 2
    paired = pair_sources([open_features((x, labels)), ShortBlocks(open_features((x, labels)))])
    for left, right in paired.blocks(7):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("ids_a", "ids_b", "message"),
    [
        (range(6), range(1, 7), "6 samples in the first source, 6 in source 2, 5 ids in both"),
        ([0, 1, 2, 3, 4, 4], range(6), "repeat"),
        (range(6), list("abcdef"), "same kind"),
    ],
)
def test_ids_that_do_not_match_are_refused(ids_a, ids_b, message):
    x, labels = np.zeros((6, 2)), np.arange(6) % 2

    class WithIds(ShortBlocks):
        def __init__(self, ids):
            super().__init__(open_features((x, labels)))
            self.ids = np.array(list(ids))

    with pytest.raises(InputError, match=message):
        pair_sources([WithIds(ids_a), WithIds(ids_b)])


def test_other_numbers_or_labels_are_refused():
    x, labels = np.eye(6), np.arange(6) % 2
    a = open_features((x, labels))
    with pytest.raises(InputError, match="6 samples in the first source and 4 in source 2"):
        pair_sources([a, open_features((x[:4], labels[:4]))])
    with pytest.raises(InputError, match=r"labels differ in 6 of 6 samples \(sample 0: '0'"):
        pair_sources([a, open_features((x, 1 - labels))])
