"""Training side, extra `torch`: losses, the recorder and the trainer that write feature files."""

from ibcollapse.errors import MissingExtraError

try:
    import torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("torch", "ibcollapse.nn") from error

from ibcollapse.nn.augmentation import Augmentation
from ibcollapse.nn.losses import (
    hdr,
    info_nce_loss,
    matrix_entropy,
    matrix_information_loss,
    mir,
    spectral_contrastive_loss,
    supcon_loss,
    vicreg_loss,
)
from ibcollapse.nn.plan import TrainingPlan
from ibcollapse.nn.record import TrainingRecord
from ibcollapse.nn.recorder import FeatureRecorder
from ibcollapse.nn.trainer import train
from ibcollapse.nn.views import write_views

__all__ = [
    "Augmentation",
    "FeatureRecorder",
    "TrainingPlan",
    "TrainingRecord",
    "hdr",
    "info_nce_loss",
    "matrix_entropy",
    "matrix_information_loss",
    "mir",
    "spectral_contrastive_loss",
    "supcon_loss",
    "train",
    "vicreg_loss",
    "write_views",
]
