"""Every measure along the checkpoints of a training run, and the statement they add up to."""

from ibcollapse.trajectory.checkpoint import Checkpoint
from ibcollapse.trajectory.hits import Hits
from ibcollapse.trajectory.plateau import Plateau, accuracy_plateau, plateau_epoch, sustained_from
from ibcollapse.trajectory.run import dynamics
from ibcollapse.trajectory.statement import BOTTLENECKS, Statement, included, state
from ibcollapse.trajectory.trajectory import Trajectory

__all__ = [
    "BOTTLENECKS",
    "Checkpoint",
    "Hits",
    "Plateau",
    "Statement",
    "Trajectory",
    "accuracy_plateau",
    "dynamics",
    "included",
    "plateau_epoch",
    "state",
    "sustained_from",
]
