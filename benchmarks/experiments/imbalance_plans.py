"""Which networks the experiment on unbalanced classes trains."""

import dataclasses

from ibcollapse.nn import TrainingPlan

PER_CLASS = 100
SEEDS = (0, 1)
# (kind, largest over smallest class); at 50 the smallest class keeps two samples, the fewest that a
# contrastive loss can use.
IMBALANCES = (("step", 10.0), ("step", 50.0), ("long-tail", 10.0), ("long-tail", 50.0))
# The learning rate stays: where it fell, the class means stopped turning before they arrived.
COMMON = TrainingPlan(
    network="mlp",
    epochs=600,
    checkpoints=(0, 10, 30, 100, 200, 300, 400, 500, 600),
    weight_decay=1e-4,
    schedule="constant",
    dtype="float32",
)
PLANS = {
    # At a temperature of 0.5 and a rate of 0.2 this network merged small classes: its training
    # accuracy at step 10 was 0.73 after 2400 steps.
    "supcon": dataclasses.replace(
        COMMON,
        loss="supcon",
        temperature=0.2,
        batch_size=128,
        learning_rate=0.05,
    ),
    # Every sample in every step, so that the two samples of a small class always meet.
    "supcon-whole": dataclasses.replace(
        COMMON,
        loss="supcon",
        temperature=0.2,
        batch_size=512,
        learning_rate=0.1,
        epochs=3000,
        checkpoints=(300, 600, 1000, 1500, 2000, 2500, 3000),
    ),
    "ce": dataclasses.replace(
        COMMON,
        loss="cross-entropy",
        batch_size=64,
        learning_rate=0.1,
    ),
    # At a rate of 0.05 and a weight decay of 1e-3 all class means were one point by epoch 100.
    "ce-slow": dataclasses.replace(
        COMMON,
        loss="cross-entropy",
        batch_size=64,
        learning_rate=0.03,
        epochs=2000,
        checkpoints=(300, 600, 1000, 1500, 2000),
    ),
}
ASKED = {
    "supcon": IMBALANCES,
    "supcon-whole": (("step", 50.0), ("long-tail", 50.0)),
    "ce": IMBALANCES,
    "ce-slow": IMBALANCES,
}
