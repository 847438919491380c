"""Which networks the experiment on unbalanced classes trains."""

import dataclasses

from ibcollapse.nn import TrainingPlan

PER_CLASS = 100
SEEDS = (0, 1)
# (kind, largest over smallest class); at 50 the smallest class keeps two samples, the fewest that a
# contrastive loss can use.
IMBALANCES = (("step", 10.0), ("step", 50.0), ("long-tail", 10.0), ("long-tail", 50.0))
# Stands for the part of it that imbalance_data.py cuts out.
FASHION = "fashion-mnist"
# The largest number of samples: a step takes all of them.
WHOLE = 550
# The learning rate stays: where it fell, the class means stopped turning before they arrived.
_COMMON = TrainingPlan(
    data=FASHION,
    network="mlp",
    epochs=600,
    checkpoints=(0, 10, 30, 100, 200, 300, 400, 500, 600),
    weight_decay=1e-4,
    schedule="constant",
    dtype="float32",
)
_SUPCON = dataclasses.replace(
    _COMMON, loss="supcon", temperature=0.2, batch_size=128, learning_rate=0.05
)
_CE = dataclasses.replace(_COMMON, loss="cross-entropy", batch_size=64, learning_rate=0.1)
# The problem that theory solves, with a network in place of free features: both penalties are in
# the loss, and no other weight decays.
_CE_PENALISED = dataclasses.replace(
    _CE,
    normalisation="batch",
    classifier_bias=False,
    decayed="classifier",
    weight_decay=1e-3,
    feature_decay=1e-3,
    batch_size=WHOLE,
    epochs=6000,
    checkpoints=(30, 100, 300, 1000, 2000, 3000, 6000),
)
# Weight decay in place of the feature penalty. Weights below a normalisation have no scale that the
# network would notice and are left alone.
_CE_DECAYED = dataclasses.replace(
    _CE_PENALISED,
    decayed="head",
    weight_decay=2e-3,
    feature_decay=0.0,
    epochs=12000,
    checkpoints=(100, 300, 1000, 3000, 6000, 9000, 12000),
)
PLANS = {
    "supcon": _SUPCON,
    # The two samples of a small class always meet.
    "supcon-whole": dataclasses.replace(
        _SUPCON,
        batch_size=512,
        learning_rate=0.1,
        epochs=3000,
        checkpoints=(300, 600, 1000, 1500, 2000, 2500, 3000),
    ),
    "ce": _CE,
    "ce-slow": dataclasses.replace(
        _CE, learning_rate=0.03, epochs=2000, checkpoints=(300, 600, 1000, 1500, 2000)
    ),
    "ce-penalised": _CE_PENALISED,
    "ce-penalised-digits": dataclasses.replace(_CE_PENALISED, data="digits", batch_size=1024),
    "ce-decayed": _CE_DECAYED,
}
ASKED = {
    "supcon": IMBALANCES,
    "supcon-whole": (("step", 50.0), ("long-tail", 50.0)),
    "ce": IMBALANCES,
    "ce-slow": IMBALANCES,
    "ce-penalised": IMBALANCES,
    "ce-penalised-digits": (("step", 10.0), ("step", 50.0)),
    "ce-decayed": (("step", 10.0),),
}
