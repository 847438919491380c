"""What the numbers of a `GeometryReport` are called, for everything that shows them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Measure:
    """One number of a `GeometryReport`.

    Attributes
    ----------
    field : str
        Its attribute.
    name : str
        What it is, for a table.
    at_collapse : str
        Its value when the features have collapsed; "–" where collapse does not fix it.
    """

    field: str
    name: str
    at_collapse: str


# In the order in which they are shown.
MEASURES = (
    Measure("etf_distance", "Gram distance to the simplex ETF", "0"),
    Measure("orthogonal_distance", "Gram distance to an orthogonal frame", "–"),
    Measure("nc1", "NC1, tr(Σ_W Σ_B⁺)/K", "0"),
    Measure("nc1_trace_ratio", "tr Σ_W / tr Σ_B", "0"),
    Measure("cdnv", "class-distance normalised variance", "0"),
    Measure("equinorm_cv", "NC2, variation of the means' lengths", "0"),
    Measure("equiangular_deviation", "NC2, mean |cos + 1/(K − 1)|", "0"),
    Measure("nc3", "NC3, classifier against class means", "0"),
    Measure("nc4_disagreement", "NC4, nearest mean against output", "0"),
    Measure("nearest_mean_accuracy", "accuracy of the nearest class mean", "1"),
    Measure("classifier_accuracy", "accuracy of the output", "1"),
    Measure("mean_similarity", "angular similarity of the means", "–"),
    Measure("own_mean_similarity", "angular similarity to the own mean", "1"),
    Measure("uniformity", "log inverse distance of unit means", "–"),
)
