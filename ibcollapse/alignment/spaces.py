"""The identified spaces of two networks, their complements, and the moments in each."""

import dataclasses
from typing import Literal

import numpy as np

from ibcollapse.alignment.fits import FloatArray
from ibcollapse.alignment.moments import PairMoments, StreamedMoments
from ibcollapse.errors import InputError
from ibcollapse.features.pairing import PairedSources
from ibcollapse.linear_algebra import singular_parts

Span = Literal["class means", "classifier"]

# Relative singular value below which an axis of the class means is rounding of float32 features.
_AXIS_TOLERANCE = 1e-6
# Share of the total variance below which a complement holds the rounding of the projection.
_NO_VARIANCE = 1e-12


@dataclasses.dataclass(frozen=True)
class SpaceMoments:
    """Moments of all, of the training and of the held-out samples, and the rows of the null."""

    total: PairMoments
    train: PairMoments
    test: PairMoments | None
    rows: tuple[FloatArray, FloatArray]

    def project(self, axes_a: FloatArray, axes_b: FloatArray) -> "SpaceMoments":
        """The same in coordinates along orthonormal axes."""
        return SpaceMoments(
            self.total.project(axes_a, axes_b),
            self.train.project(axes_a, axes_b),
            None if self.test is None else self.test.project(axes_a, axes_b),
            (self.rows[0] @ axes_a, self.rows[1] @ axes_b),
        )


@dataclasses.dataclass(frozen=True)
class Spaces:
    """Moments in the whole space, in the identified spaces and, if anything varies, outside them.

    `ranks`: dimensions of the identified spaces of a and of b.
    """

    whole: SpaceMoments
    identified: SpaceMoments
    complement: SpaceMoments | None
    ranks: tuple[int, int]


def split_spaces(streamed: StreamedMoments, paired: PairedSources, span: Span) -> Spaces:
    """`Spaces` of the first two networks.

    Raises
    ------
    InputError
        When the class means (or the classifier's rows) of a network coincide, or a classifier is
        asked for and not stored.
    """
    total, train, test = streamed.total, streamed.train, streamed.test
    whole = SpaceMoments(
        total.pair(0, 1),
        train.pair(0, 1),
        None if test is None else test.pair(0, 1),
        (streamed.rows[0], streamed.rows[1]),
    )
    rows = streamed.class_means if span == "class means" else _classifier_rows(paired)
    inside = [centred_axes(r) for r in rows]
    outside = [np.linalg.qr(axes, mode="complete")[0][:, axes.shape[1] :] for axes in inside]
    complement: SpaceMoments | None = whole.project(outside[0], outside[1])
    if complement is not None and not _varies(complement.total, whole.total):
        complement = None
    ranks = inside[0].shape[1], inside[1].shape[1]
    return Spaces(whole, whole.project(inside[0], inside[1]), complement, ranks)


def centred_axes(rows: FloatArray) -> FloatArray:
    """Orthonormal axes of the span of the rows less their mean, float64 (d, rank).

    Raises
    ------
    InputError
        When all rows coincide.
    """
    _, sigma, axes = singular_parts(rows - rows.mean(axis=0))
    rounding = np.finfo(np.float32).eps * np.abs(rows).max() / 8
    keep = sigma > max(_AXIS_TOLERANCE * sigma[0], rounding)
    if not keep.any():
        raise InputError(
            "the class means of a network coincide (or the rows of its classifier do); "
            "there is no identified space to compare"
        )
    return np.asarray(axes[keep].T, dtype=np.float64)


def _classifier_rows(paired: PairedSources) -> tuple[FloatArray, ...]:
    rows = []
    for number, source in enumerate(paired.sources, start=1):
        if source.classifier is None:
            raise InputError(
                f"no classifier is stored with network {number} ({source.description}); "
                "take the span of the class means"
            )
        if source.classifier.weight.shape[1] != source.n_features:
            raise InputError(
                f"the classifier of network {number} reads {source.classifier.weight.shape[1]} "
                f"features and there are {source.n_features}; take the layer that it reads"
            )
        rows.append(source.classifier.weight)
    return tuple(rows)


def _varies(part: PairMoments, whole: PairMoments) -> bool:
    """Whether both networks have variance in `part` beyond the rounding of the projection."""
    shares = (
        np.trace(part.s_aa) / np.trace(whole.s_aa),
        np.trace(part.s_bb) / np.trace(whole.s_bb),
    )
    return bool(min(shares) > _NO_VARIANCE)
