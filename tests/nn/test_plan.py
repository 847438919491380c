import dataclasses
import math

import pytest

pytest.importorskip("torch")

from ibcollapse.errors import InputError
from ibcollapse.nn import TrainingPlan

pytestmark = pytest.mark.torch


def test_default_checkpoints_run_geometrically_from_initialisation_to_the_end():
    assert TrainingPlan(epochs=64).checkpoints == (0, 1, 2, 4, 8, 16, 32, 64)
    assert TrainingPlan(epochs=1).checkpoints == (0, 1)


def test_checkpoints_are_sorted_and_unique():
    assert TrainingPlan(epochs=9, checkpoints=(9, 0, 3, 9)).checkpoints == (0, 3, 9)


def test_learning_rate_falls_after_a_half_and_three_quarters():
    plan = TrainingPlan(epochs=8, learning_rate=1.0)
    rates = [plan.learning_rate_at(epoch) for epoch in range(1, 9)]
    assert rates == [1.0] * 4 + [0.1] * 2 + [0.01] * 2


def test_provenance_is_flat_and_complete():
    plan = TrainingPlan(epochs=4, checkpoints=(0, 4), seed=3)
    provenance = plan.provenance()
    assert set(provenance) == {field.name for field in dataclasses.fields(plan)}
    assert all(isinstance(value, (str, int, float)) for value in provenance.values())
    assert provenance["checkpoints"] == "0 4"
    assert provenance["seed"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "loss is 'hinge'; choose one of supcon, cross-entropy"),
        ({"network": "vit"}, "network is 'vit'"),
        ({"imbalance": "power"}, "imbalance is 'power'"),
        ({"dtype": "int8"}, "dtype is 'int8'"),
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"learning_rate": -0.1}, "learning_rate is -0.1"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"momentum": 1.0}, "momentum is 1.0; it must be below 1"),
        ({"label_noise": 1.0}, "label_noise is 1.0"),
        ({"imbalance_ratio": 0.5}, "imbalance_ratio is 0.5"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"epochs": 5, "checkpoints": (6,)}, "must lie in 0 to epochs = 5"),
        ({"epochs": 5, "checkpoints": (-1,)}, "must lie in 0 to epochs = 5"),
        ({"loss": "supcon", "mir_weight": 0.1}, "use loss='cross-entropy'"),
        ({"loss": "supcon", "feature_decay": 0.1}, "feature_decay, .* use loss='cross-entropy'"),
        ({"loss": "supcon", "decayed": "classifier"}, "use loss='cross-entropy'"),
        ({"loss": "supcon", "classifier_bias": False}, "use loss='cross-entropy'"),
        ({"feature_decay": -1.0}, "feature_decay is -1.0"),
        ({"decayed": "encoder"}, "decayed is 'encoder'; choose one of all, head, classifier"),
        ({"normalisation": "group"}, "normalisation is 'group'; choose one of none, batch, layer"),
        ({"normalisation": "batch"}, "option of network 'mlp'; leave it out for 'conv'"),
    ],
)
def test_values_outside_their_range_are_named(options, message):
    with pytest.raises(InputError, match=message):
        TrainingPlan(**options)
