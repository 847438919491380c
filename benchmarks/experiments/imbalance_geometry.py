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
MEASURES = ("cosines", "centred", "lengths")
REFERENCES = ("SC", "SELI", "ETF", "orthogonal")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One checkpoint beside the references: `distance[measure][reference]`, in [0, 2]."""

    epoch: int
    nc1: float
    accuracy: float
    distance: Mapping[str, Mapping[str, float]]

    def nearest(self, measure: str) -> str:
        """Reference at the smallest distance."""
        found = self.distance[measure]
        return min(found, key=found.__getitem__)


def reference_grams(counts: Sequence[int], temperature: float) -> dict[str, Array]:
    """Gram of class means about the origin that each theory predicts, (K, K)."""
    n_classes = len(counts)
    return {
        "SC": supcon_geometry(counts, temperature).gram,
        "SELI": seli_geometry(counts).feature_gram,
        "ETF": simplex_etf(n_classes),
        "orthogonal": orthogonal_frame(n_classes),
    }


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
    epoch: int, report: GeometryReport, references: Mapping[str, Array], accuracy: float
) -> Comparison:
    """`Comparison` of the class means of a report with the references."""
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
    return Comparison(epoch, report.nc1, accuracy, distance)


def _about_mean(gram: Array) -> Array:
    """Gram of the same vectors about their mean: C G C with C = I − 11ᵀ/K."""
    centre = np.eye(len(gram)) - 1.0 / len(gram)
    return centre @ gram @ centre
