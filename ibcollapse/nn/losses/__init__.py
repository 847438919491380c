"""Losses to train with; all differentiable, all computed outside of half precision."""

from ibcollapse.nn.losses.matrix_information import (
    hdr,
    matrix_entropy,
    matrix_information_loss,
    mir,
)
from ibcollapse.nn.losses.pairs import info_nce_loss, spectral_contrastive_loss, vicreg_loss
from ibcollapse.nn.losses.supcon import supcon_loss

__all__ = [
    "hdr",
    "info_nce_loss",
    "matrix_entropy",
    "matrix_information_loss",
    "mir",
    "spectral_contrastive_loss",
    "supcon_loss",
    "vicreg_loss",
]
