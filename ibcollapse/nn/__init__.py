"""Training side, extra `torch`: losses and the recorder that writes feature files."""

from ibcollapse.errors import MissingExtraError

try:
    import torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("torch", "ibcollapse.nn") from error

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
from ibcollapse.nn.recorder import FeatureRecorder

__all__ = [
    "FeatureRecorder",
    "hdr",
    "info_nce_loss",
    "matrix_entropy",
    "matrix_information_loss",
    "mir",
    "spectral_contrastive_loss",
    "supcon_loss",
    "vicreg_loss",
]
