"""Observed frequency against stated confidence of held-out posteriors, in bins."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.gaussian import PosteriorTable
from ibcollapse.gaussian.calibration import N_CONFIDENCE_BINS
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]


@register("analysis/Reliability")
@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """What a calibration plot shows of a table of posteriors that is too large to keep.

    Attributes
    ----------
    confidence, accuracy : float64 (n_bins,)
        Mean posterior of the predicted class, and share of right predictions, in equal bins of
        the former; NaN in empty bins. Σ weight · |accuracy − confidence| is the expected
        calibration error.
    weight : float64 (n_bins,)
        Share of the rows, summing to one.
    n : int
        Rows.
    """

    confidence: Array
    accuracy: Array
    weight: Array
    n: int

    def __post_init__(self) -> None:
        for array in (self.confidence, self.accuracy, self.weight):
            array.setflags(write=False)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error, a share in [0, 1]."""
        return float(np.nansum(self.weight * np.abs(self.accuracy - self.confidence)))


def measure_reliability(posterior: PosteriorTable) -> Reliability:
    """`Reliability` of held-out posteriors, each row with its weight in the channel."""
    top = posterior.log_p_y_given_x.argmax(axis=1)
    stated = np.exp(posterior.log_p_y_given_x[np.arange(len(top)), top])
    bins = np.minimum((stated * N_CONFIDENCE_BINS).astype(np.int64), N_CONFIDENCE_BINS - 1)
    sums = [
        np.bincount(bins, posterior.p_x * values, minlength=N_CONFIDENCE_BINS)
        for values in (stated, top == posterior.labels, np.ones(len(top)))
    ]
    weight = np.asarray(sums[2], dtype=np.float64)
    empty = np.full(N_CONFIDENCE_BINS, np.nan)
    confidence = np.divide(sums[0], weight, where=weight > 0, out=empty.copy())
    accuracy = np.divide(sums[1], weight, where=weight > 0, out=empty)
    return Reliability(confidence, accuracy, weight, len(top))
