import numpy as np
import pytest
from array_source import ArraySource

from ibcollapse.features import FeatureWriter, open_features
from ibcollapse.features.source import Classifier
from ibcollapse.geometry import collapse_geometry


def samples(n=60, n_classes=3):
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    return np.eye(n_classes, 4)[y] + 0.4 * rng.normal(size=(n, 4)), y


def logit_source(x, y, logits, n_classes=3):
    source = ArraySource(x, y, n_classes=n_classes)
    source.logits = logits
    return source


def test_stored_logits_give_the_fourth_figure_of_a_layer_without_a_classifier(tmp_path):
    x, y = samples()
    weight, bias = np.random.default_rng(1).normal(size=(3, 4)), np.array([0.0, 0.3, -0.2])
    logits = x @ weight.T + bias
    with FeatureWriter(tmp_path / "a.h5") as writer:
        writer.append({"encoder": x, "head": x}, y, epoch=0, split="test", logits=logits)
        writer.classifier(weight, bias=bias, layer="head", epoch=0)
    by_logits, by_classifier = (
        collapse_geometry(open_features(tmp_path / "a.h5", layer=layer))
        for layer in ("encoder", "head")
    )
    assert (by_logits.output, by_classifier.output) == ("stored logits", "classifier")
    # One network: its logits are what its classifier says of the head.
    assert by_logits.nc4_disagreement == by_classifier.nc4_disagreement
    assert by_logits.classifier_accuracy == by_classifier.classifier_accuracy
    assert by_logits.classifier_accuracy == pytest.approx(np.mean(logits.argmax(axis=1) == y))
    assert np.isnan(by_logits.nc3)
    assert (by_logits.rank_classifier, by_classifier.rank_classifier) == (0, 2)


def test_stored_logits_follow_the_samples_over_blocks():
    x, y = samples()
    source = logit_source(x, y, np.eye(3)[(y + (np.arange(60) >= 50)) % 3])
    blocks = source.chunks
    source.chunks = lambda rows=None: blocks(7)
    report = collapse_geometry(source, weighting="sample")
    assert report.classifier_accuracy == pytest.approx(50 / 60)
    assert report.output == "stored logits"


@pytest.mark.parametrize(
    ("logits", "reason"),
    [(np.zeros((60, 5)), "60×5"), (np.full((60, 3), np.nan), "hold NaN")],
)
def test_logits_of_something_else_are_left_out_and_named(logits, reason):
    report = collapse_geometry(logit_source(*samples(), logits))
    assert reason in report.output
    assert np.isnan(report.nc4_disagreement)


def test_a_rank_deficient_classifier_is_measured_and_its_rank_told():
    x, y = samples()
    flat = Classifier(np.outer([1.0, 2.0, 4.0], [1.0, 0, 0, 0]), None)
    report = collapse_geometry((x, y), classifier=flat)
    assert (report.rank_classifier, report.rank_between) == (1, 2)
    # Rows of one direction choose the ends only: class 2 where x1 > 0 and class 0 below.
    expected = np.mean(np.where(x[:, 0] > 0, 2, 0) == y)
    assert report.classifier_accuracy == pytest.approx(expected)
    assert 0 < report.nc3 < 4
