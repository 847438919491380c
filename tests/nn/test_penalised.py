"""Cross-entropy with both of its penalties is the problem whose minimum `seli_geometry` gives."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import ibcollapse as ib  # noqa: E402
from ibcollapse.geometry import gram_distance  # noqa: E402
from ibcollapse.landscape import seli_geometry  # noqa: E402
from ibcollapse.nn import TrainingPlan, train  # noqa: E402
from ibcollapse.nn.datasets import load_dataset  # noqa: E402
from ibcollapse.nn.run import Run  # noqa: E402

pytestmark = pytest.mark.torch

PLAN = TrainingPlan(
    loss="cross-entropy",
    network="mlp",
    normalisation="batch",
    feature_dim=16,
    head_dim=8,
    classifier_bias=False,
    imbalance="step",
    imbalance_ratio=5.0,
    batch_size=1000,
    decayed="classifier",
    weight_decay=4e-3,
    feature_decay=1e-2,
    schedule="constant",
    epochs=1200,
    checkpoints=(0, 1200),
)


def test_training_ends_at_the_predicted_loss_and_geometry(mixture, tmp_path):
    run = train(dataclasses.replace(PLAN, data=str(mixture)), tmp_path / "run.h5")
    source = ib.open_features(run.path, layer="head", split="train", epoch=1200)
    report = ib.collapse_geometry(source)
    n = report.counts.sum()
    predicted = seli_geometry(report.counts, ridge=np.sqrt(4e-3 * 1e-2 / n))
    weight = source.classifier.weight
    assert source.classifier.bias is None
    # `loss` is that of the last step, before its update; the weights' own penalty is not in it.
    # The ridge is the geometric mean of both weights: a common scale between W and the features
    # changes neither the loss nor the shapes.
    found = run.loss[-1] + 4e-3 / 2 * np.sum(weight**2)
    # Float32 and a within-class scatter that is not quite zero: above the minimum by a little.
    assert predicted.loss - 1e-5 < found < predicted.loss * 1.02
    reached = gram_distance(report.origin_gram, predicted.feature_gram)
    assert gram_distance(weight @ weight.T, predicted.classifier_gram) < 0.02
    # Vanishing penalties have another geometry, which is farther away.
    limit = seli_geometry(report.counts)
    assert reached < 0.03 < 0.06 < gram_distance(report.origin_gram, limit.feature_gram)


@pytest.mark.parametrize(
    ("decayed", "shrinking"),
    [
        ("classifier", ["classifier"]),
        ("head", ["classifier", "head"]),
        ("all", ["classifier", "head", "encoder"]),
    ],
)
def test_weight_decay_acts_on_the_part_that_is_named(decayed, shrinking, mixture):
    plan = dataclasses.replace(
        PLAN, data=str(mixture), decayed=decayed, feature_decay=0.0, momentum=0.0
    )
    data = load_dataset(plan.data)
    ends = {}
    for decay in (0.0, 0.5):
        run = Run(dataclasses.replace(plan, weight_decay=decay), data)
        before = {name: value.detach().clone() for name, value in run.network.named_parameters()}
        run.train_epoch()
        ends[decay] = dict(run.network.named_parameters())
    assert {name.split(".")[0] for name in before} == {"encoder", "head", "classifier"}
    for name, value in before.items():
        decays = name.split(".")[0] in shrinking
        shrunk = plan.learning_rate * 0.5 * value if decays else 0.0
        # One step of one batch: the gradient is the same.
        torch.testing.assert_close(ends[0.5][name], ends[0.0][name] - shrunk)
