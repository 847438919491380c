"""What data/README.md says about the files in data/; needs no torch."""

from pathlib import Path

import numpy as np
import pytest

from ibcollapse.features import open_features

DATA = Path(__file__).parents[2] / "data"
DIGITS = ("digits_supcon_a", "digits_supcon_b", "digits_ce_a", "digits_ce_b")


def features(name, **choice):
    source = open_features(DATA / f"{name}.h5", **choice)
    blocks = list(source.chunks())
    x = np.concatenate([block for block, _ in blocks]).astype(np.float64)
    return source, x, np.concatenate([y for _, y in blocks])


def nc1(x, y):
    """tr(Σ_W Σ_B⁺)/K with classes weighted equally."""
    means = np.array([x[y == c].mean(axis=0) for c in range(10)])
    within = sum(np.cov(x[y == c].T, bias=True) for c in range(10)) / 10
    centred = means - means.mean(axis=0)
    return np.trace(within @ np.linalg.pinv(centred.T @ centred / 10, rcond=1e-8)) / 10, centred


@pytest.mark.parametrize("name", DIGITS)
def test_defaults_are_the_encoder_on_unseen_samples_at_the_end(name):
    source, x, y = features(name)
    _, chosen, _ = features(name, layer="encoder", split="test", epoch=300)
    np.testing.assert_array_equal(x, chosen)
    assert x.shape == (500, 64)
    assert source.class_names == tuple("0123456789")
    assert np.bincount(y).min() >= 48


@pytest.mark.parametrize("split", ["train", "test"])
def test_all_files_hold_the_same_samples_in_the_same_order(split):
    first, _, labels = features(DIGITS[0], split=split)
    for name in DIGITS[1:]:
        other, _, y = features(name, split=split)
        np.testing.assert_array_equal(other.ids, first.ids)
        np.testing.assert_array_equal(y, labels)


@pytest.mark.parametrize("name", DIGITS)
def test_head_collapses_towards_the_simplex_on_the_training_split(name):
    before, _ = nc1(*features(name, layer="head", split="train", epoch=0)[1:])
    after, means = nc1(*features(name, layer="head", split="train")[1:])
    # 7e-5 and 2e-3 with the contrastive loss and cross-entropy, from 2.6 and more.
    assert before > 1.0
    assert after < 5e-3
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[~np.eye(10, dtype=bool)]
    np.testing.assert_allclose(cosines, -1 / 9, atol=0.15)


@pytest.mark.parametrize("name", DIGITS[2:])
def test_classifier_makes_the_stored_logits(name):
    source, x, y = features(name, layer="head")
    logits = x @ source.classifier.weight.T + source.classifier.bias
    # Features and logits are float16: relative 2^-11 of terms up to 10, 32 of them.
    np.testing.assert_allclose(source.logits, logits, atol=0.05)
    assert np.mean(logits.argmax(axis=1) == y) > 0.98


def test_joint_table_is_the_one_of_wu_and_fischer():
    joint = np.loadtxt(DATA / "wu_fischer_joint.csv", delimiter=",")
    conditional = np.array([[0.7, 0.15, 0.15], [0.3, 0.5, 0.2], [0.075, 0.025, 0.9]])
    np.testing.assert_allclose(joint, conditional / 3, rtol=1e-15)
