import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import FeatureWriter, inspect_features

X = np.random.default_rng(9).normal(size=(60, 3))
Y = np.arange(60) % 3


def warned(found, words):
    return [text for text in found.warnings if words in text]


def test_a_sound_file_has_no_warnings(hdf5):
    found = inspect_features(hdf5({"features": X, "labels": Y}))
    assert found.warnings == ()
    assert found.refusal == ""
    assert (found.chosen.n_samples, found.chosen.n_features) == (60, 3)
    np.testing.assert_array_equal(found.chosen.class_counts, [20, 20, 20])
    assert [array.key for array in found.arrays] == ["features", "labels"]
    assert found.layout == "found by names and shapes"


def test_a_native_file_shows_its_provenance_and_contents(tmp_path):
    path = tmp_path / "run.h5"
    with FeatureWriter(path, provenance={"loss": "supcon", "seed": 2}) as writer:
        for epoch in (0, 9):
            writer.append({"h": X}, Y, epoch=epoch, ids=np.arange(60))
        writer.classifier(np.eye(3), layer="h", epoch=9)
    found = inspect_features(path)
    assert found.layout == "native version 1"
    assert found.provenance == {"loss": "supcon", "seed": "2"}
    assert found.contents.epochs == (0, 9)
    assert found.chosen.has_classifier
    assert found.chosen.has_ids
    assert not found.chosen.has_logits


def test_an_open_choice_is_reported_not_raised(hdf5):
    found = inspect_features(hdf5({"a/X": X, "b/X": X, "labels": Y}))
    assert found.chosen is None
    assert "--features-key a/X" in found.refusal
    assert len(found.arrays) == 3


def test_a_file_that_cannot_be_opened_is_raised(tmp_path):
    path = tmp_path / "f.h5"
    path.write_text("text")
    with pytest.raises(FeatureFileError, match="not an HDF5 file"):
        inspect_features(path)


def test_nonfinite_samples_are_counted_with_the_way_on(hdf5):
    x = X.copy()
    x[[4, 50], 1] = np.nan, np.inf
    path = hdf5({"features": x, "labels": Y})
    found = inspect_features(path)
    assert found.chosen.n_nonfinite == 2
    assert found.chosen.first_nonfinite.tolist() == [4, 50]
    assert warned(
        found, "NaN or infinite features in 2 of 60 samples (rows 4, 50): leave them out with"
    )
    dropped = inspect_features(path, drop_nonfinite=True)
    assert dropped.chosen.n_samples == 58
    assert warned(dropped, "(rows 4, 50): left out")


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (X[:33], np.r_[np.zeros(20), np.ones(10), np.full(3, 2)], "3 of 2, 20 of 0"),
        (X, np.r_[Y[:59], 7], "classes with fewer than two samples: 1 of 4 (7)"),
        (X, Y * 0, "classes: 1, at least two"),
        (X * [1, 0, 1] + [0, 5, 0], Y, "features that never change: 1 of 3"),
        (np.vstack([X[:50], np.zeros((10, 3))]), Y, "the last 10 rows are all zero"),
        (np.hstack([X] * 7), Y, "21 features for 20 of the smallest class"),
    ],
)
def test_what_looks_wrong_is_said(hdf5, x, y, words):
    assert warned(inspect_features(hdf5({"features": x, "labels": y})), words)


def test_zeros_inside_the_file_are_no_padding(hdf5):
    x = X.copy()
    x[10:20] = 0
    found = inspect_features(hdf5({"features": x, "labels": Y}))
    assert found.chosen.n_zero_at_end == 0


def test_repeated_samples_are_counted_on_request(hdf5):
    x = X.copy()
    x[[30, 40]] = x[2]
    path = hdf5({"features": x, "labels": Y})
    assert inspect_features(path).chosen.n_repeated is None
    found = inspect_features(path, count_repeated=True)
    assert found.chosen.n_repeated == 2
    assert warned(found, "repeat an earlier one: 2 of 60")


def test_figures_do_not_depend_on_the_blocks(hdf5, monkeypatch):
    x = np.vstack([X, np.zeros((4, 3))])
    x[7, 2] = np.nan
    path = hdf5({"features": x, "labels": np.arange(64) % 2})
    whole = inspect_features(path, count_repeated=True).chosen
    monkeypatch.setattr("ibcollapse.features.stored_source.rows_per_block", lambda *_: 3)
    blocks = inspect_features(path, count_repeated=True).chosen
    for name in ("n_nonfinite", "n_constant", "n_zero_at_end", "n_repeated"):
        assert getattr(blocks, name) == getattr(whole, name)
    assert (whole.n_zero_at_end, whole.n_repeated) == (4, 3)
