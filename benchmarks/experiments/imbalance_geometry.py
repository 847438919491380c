"""Which predicted geometry the class means of a network are nearest to."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.geometry import (
    GeometryReport,
    gram_distance,
    orthogonal_frame,
    simplex_etf,
)
from ibcollapse.landscape import seli_geometry, supcon_geometry

Array = NDArray[np.float64]

# How two Grams are compared; each is `gram_distance`, scale left out, of
#   cosines: unit class means about the origin;
#   centred: unit class means about their own mean, every class with the same weight;
#   lengths: class means with their lengths, about their mean.
# Where there is a classifier, its rows about their mean are a fourth, "classifier".
MEASURES = ("cosines", "centred", "lengths")
SHARE = 0.005
# "ridge" is SELI at the penalties of the run, where theory has a place for them.
REFERENCES = ("SC", "SELI", "ridge", "ETF", "orthogonal")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One checkpoint beside the references: `distance[measure][reference]`, in [0, 2].

    `directions` counts those in which the class means differ, see `directions_of`.
    """

    epoch: int
    nc1: float
    accuracy: float
    directions: int
    distance: Mapping[str, Mapping[str, float]]

    def nearest(self, measure: str) -> str:
        """Reference at the smallest distance."""
        found = self.distance[measure]
        return min(found, key=found.__getitem__)


def reference_grams(
    counts: Sequence[int], temperature: float, ridge: float | None = None
) -> dict[str, Array]:
    """Gram of class means about the origin that each theory predicts, (K, K)."""
    n_classes = len(counts)
    grams = {
        "SC": supcon_geometry(counts, temperature).gram,
        "SELI": seli_geometry(counts).feature_gram,
        "ETF": simplex_etf(n_classes),
        "orthogonal": orthogonal_frame(n_classes),
    }
    if ridge is not None:
        grams["ridge"] = seli_geometry(counts, ridge=ridge).feature_gram
    return grams


def classifier_grams(counts: Sequence[int], ridge: float | None = None) -> dict[str, Array]:
    """Gram of the classifier's rows that each theory of cross-entropy predicts, (K, K)."""
    grams = {"SELI": seli_geometry(counts).classifier_gram, "ETF": simplex_etf(len(counts))}
    if ridge is not None:
        grams["ridge"] = seli_geometry(counts, ridge=ridge).classifier_gram
    return grams


def views(origin_gram: Array) -> dict[str, Array]:
    """A Gram of class means about the origin as each of `MEASURES` sees it."""
    lengths = np.sqrt(np.diag(origin_gram))
    cosines = origin_gram / np.outer(lengths, lengths)
    return {
        "cosines": cosines,
        "centred": _about_mean(cosines),
        "lengths": _about_mean(origin_gram),
    }


def compare(
    epoch: int,
    report: GeometryReport,
    references: Mapping[str, Array],
    accuracy: float,
    *,
    weight: Array | None = None,
    classifiers: Mapping[str, Array] | None = None,
) -> Comparison:
    """`Comparison` of the class means of a report with the references.

    With `weight`, the classifier's rows (K, d), also of these with `classifiers`.
    """
    seen = views(report.origin_gram)
    expected = {name: views(gram) for name, gram in references.items()}
    distance = {
        measure: {
            name: gram_distance(seen[measure], grams[measure]) for name, grams in expected.items()
        }
        for measure in MEASURES
    }
    # About its mean an orthogonal frame is the simplex: only cosines tell the two apart.
    for measure in ("centred", "lengths"):
        distance[measure].pop("orthogonal", None)
    if weight is not None and classifiers is not None:
        rows = _about_mean(weight @ weight.T)
        distance["classifier"] = {
            name: gram_distance(rows, _about_mean(gram)) for name, gram in classifiers.items()
        }
    return Comparison(epoch, report.nc1, accuracy, directions_of(report.origin_gram), distance)


def directions_of(origin_gram: Array) -> int:
    """Eigenvalues of the class means' Gram about their mean above `SHARE` of their sum.

    At most K − 1, which every reference has: SELI's smallest share is 0.030 at a step of 50.
    """
    values = np.linalg.eigvalsh(_about_mean(origin_gram))
    return int(np.sum(values > SHARE * values.sum()))


def _about_mean(gram: Array) -> Array:
    """Gram of the same vectors about their mean: C G C with C = I − 11ᵀ/K."""
    centre = np.eye(len(gram)) - 1.0 / len(gram)
    return centre @ gram @ centre
