"""The section about collapse geometry: figures, heat maps of the Grams and their references."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.geometry import (
    MEASURES,
    GeometryReport,
    collapse_geometry,
    gram_distance,
    simplex_etf,
)
from ibcollapse.landscape import NetworkBounds, network_bounds, seli_geometry, supcon_geometry
from ibcollapse.report.citations import Method
from ibcollapse.report.document import Picture, Section, Table
from ibcollapse.report.figures import gram_figure, render_svg
from ibcollapse.report.findings import Findings, Missing, measured, reasons
from ibcollapse.report.measurements import FeatureRun, Measurements
from ibcollapse.report.section_progress import SectionProgress
from ibcollapse.report.sections.bounds import bounds_tables
from ibcollapse.report.sections.registry import SectionKind
from ibcollapse.report.wording import (
    write_name,
    write_names,
    write_number,
    write_sentence,
    write_share,
)

TITLE = "Collapse geometry"
_MOST_CLASSES = 20


@dataclasses.dataclass(frozen=True)
class Prediction:
    """A geometry that a loss leads to at the file's class counts.

    Attributes
    ----------
    name : str
        The loss, for a table.
    gram : float64 (n_classes, n_classes)
        Inner products of the class means about the origin, on the scale of `measured`.
    measured : float64 (n_classes, n_classes)
        What to compare it with.
    distance : float
        `gram_distance` of the two.
    status : str
        "converged", or what the solver did not reach.
    """

    name: str
    gram: NDArray[np.float64]
    measured: NDArray[np.float64]
    distance: float
    status: str


def geometry_headline(parts: Mapping[str, GeometryReport | Missing]) -> tuple[str, ...]:
    """How far the class means are from the simplex, a sentence for each network."""
    return tuple(
        f"{write_name(name)}: the class means are at Gram distance "
        f"{write_number(report.etf_distance)} from the simplex ETF (0 at collapse, at most 2), "
        f"with NC1 = {write_number(report.nc1)} and nearest-mean accuracy "
        f"{write_share(report.nearest_mean_accuracy)}."
        for name, report in measured(parts).items()
    )


def geometry_section(
    parts: Mapping[str, GeometryReport | Missing],
    loss_temperature: float,
    bounds: Mapping[str, NetworkBounds | Missing],
) -> Section:
    """Neural-collapse figures of every network, its Grams and the Grams that theory predicts."""
    found = measured(parts)
    text, warnings = list(reasons(parts)), []
    pictures: list[Picture] = []
    tables = [_figures_table(found)] if found else []
    for name, report in found.items():
        predictions, refused = predict_grams(report, loss_temperature)
        text += _paragraphs(name, report)
        warnings += [f"{write_name(name)}: {reason}" for reason in refused]
        pictures += _pictures(name, report, predictions)
        tables += [_reference_table(name, report, predictions), _class_table(name, report)]
    if found:
        text.append(
            "The predicted Grams assume that training saw the classes in the proportions of this "
            "file. They are inner products about the origin, the simplex ETF about the global mean."
        )
    tables += bounds_tables(measured(bounds))
    return Section(TITLE, tuple(text), tuple(warnings), tuple(pictures), tuple(tables))


def predict_grams(
    report: GeometryReport, loss_temperature: float
) -> tuple[tuple[Prediction, ...], tuple[str, ...]]:
    """Geometries that theory predicts at the counts of `report`, and why others are missing.

    Supervised contrastive loss (cosines) and cross-entropy at vanishing weight decay (SELI).
    """
    counts, origin = report.counts, report.origin_gram
    lengths = np.sqrt(np.diag(origin))
    predictions, refused = [], []
    try:
        supcon = supcon_geometry(counts, loss_temperature)
        with np.errstate(invalid="ignore", divide="ignore"):
            cosines = origin / np.outer(lengths, lengths)
        predictions.append(
            _compare(
                f"supervised contrastive loss, τ = {loss_temperature:g}",
                supcon.gram,
                cosines,
                supcon.status,
            )
        )
    except InputError as error:
        refused.append(f"no comparison with the contrastive geometry. {write_sentence(str(error))}")
    try:
        seli = seli_geometry(counts)
        predictions.append(_compare("cross-entropy (SELI)", seli.feature_gram, origin, seli.status))
    except InputError as error:
        refused.append(f"no comparison with the SELI geometry. {write_sentence(str(error))}")
    refused += [f"{p.name}: {p.status}" for p in predictions if p.status != "converged"]
    return tuple(predictions), tuple(refused)


def _compare(
    name: str, gram: NDArray[np.float64], against: NDArray[np.float64], status: str
) -> Prediction:
    return Prediction(name, gram, against, gram_distance(against, gram), status)


def _scaled(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """`gram` with a mean diagonal of one."""
    return gram / np.mean(np.diag(gram))


def _pictures(
    name: str, report: GeometryReport, predictions: tuple[Prediction, ...]
) -> list[Picture]:
    n_classes = len(report.counts)
    centred = {"measured": _scaled(report.gram), "simplex ETF": simplex_etf(n_classes)}
    pictures = [
        Picture(
            render_svg(gram_figure(centred, class_names=report.class_names)),
            f"{write_name(name)}: inner products of the class means about their global mean, "
            "scaled to a mean squared length of one, beside the simplex ETF.",
            wide=True,
        )
    ]
    if predictions:
        origin = {"measured": _scaled(report.origin_gram)}
        origin |= {_short(p.name): _scaled(p.gram) for p in predictions}
        pictures.append(
            Picture(
                render_svg(gram_figure(origin, class_names=report.class_names)),
                f"{write_name(name)}: inner products about the origin, scaled likewise, beside "
                "what the losses lead to at these class counts.",
                wide=True,
            )
        )
    return pictures


_WEIGHTINGS = {
    "class": "every class weighs the same",
    "sample": "every sample weighs the same",
    "mixed": "every sample weighs the same in Σ_W and the global mean, every class in Σ_B",
}


def _short(name: str) -> str:
    return name.replace("supervised contrastive loss", "contrastive")


def _paragraphs(name: str, report: GeometryReport) -> list[str]:
    shown = write_name(name)
    said = [
        f"{shown}: {report.n_samples} samples in {report.n_features} dimensions, "
        f"{len(report.counts)} classes of {_sizes(report.counts)}, "
        f"Σ_B of rank {report.rank_between}; {_WEIGHTINGS[report.weighting]}."
    ]
    if report.absent_classes:
        said.append(f"{shown}: classes without a sample: {write_names(report.absent_classes)}.")
    if np.isnan(report.nc3):
        said[0] += (
            " No classifier is stored with these features, so NC3, NC4 and the classifier's "
            "accuracy are not defined (–)."
        )
    return said


def _sizes(counts: NDArray[np.int64]) -> str:
    least, most = int(counts.min()), int(counts.max())
    return f"{least} samples each" if least == most else f"{least} to {most} samples"


def _figures_table(found: Mapping[str, GeometryReport]) -> Table:
    rows = [
        (
            measure.name,
            measure.at_collapse,
            *(write_number(getattr(report, measure.field)) for report in found.values()),
        )
        for measure in MEASURES
    ]
    fits = [write_number(report.simplex_fit.residual) for report in found.values()]
    rows.append(("misfit of the best-fit simplex", "0", *fits))
    columns = ("figure", "at collapse", *(write_name(name) for name in found))
    return Table(columns, tuple(rows), "Neural-collapse figures.")


def _reference_table(
    name: str, report: GeometryReport, predictions: tuple[Prediction, ...]
) -> Table:
    rows = [
        ("simplex ETF", "global mean", write_number(report.etf_distance)),
        ("orthogonal frame", "origin", write_number(report.orthogonal_distance)),
    ]
    rows += [(p.name, "origin", write_number(p.distance)) for p in predictions]
    caption = f"{write_name(name)}: Gram distance of the class means to each reference, 0 to 2."
    return Table(("reference", "means about", "distance"), tuple(rows), caption)


def _class_table(name: str, report: GeometryReport) -> Table:
    deviation = report.simplex_fit.class_deviation
    order = np.argsort(-np.nan_to_num(deviation, nan=-1.0), kind="stable")
    rows = tuple(
        (
            write_name(report.class_names[c]),
            str(report.counts[c]),
            write_number(float(report.class_variance[c])),
            write_number(float(deviation[c])),
        )
        for c in order[:_MOST_CLASSES]
    )
    caption = f"{write_name(name)}: classes by their distance from the best-fit simplex, in radii."
    if len(order) > _MOST_CLASSES:
        caption += f" The {_MOST_CLASSES} farthest of {len(order)}."
    return Table(("class", "samples", "variance", "off the simplex"), rows, caption)


def geometry_method(loss_temperature: float, *, with_bounds: bool) -> Method:
    """How the geometry was measured, and the keys of what that cites."""
    said = (
        "Collapse of the class means was measured as in Papyan, Han and Donoho (2020), the "
        "variability also by the class-distance normalised variance (Galanti, György and Hutter "
        "2022). Gram matrices were compared with the simplex equiangular tight frame and with the "
        f"optimal geometries of the supervised contrastive loss at temperature "
        f"{loss_temperature:g} (Behnia and Thrampoulidis 2024) and of cross-entropy "
        "(Thrampoulidis et al. 2022) at the class counts of the file, by the Frobenius distance of "
        "the matrices scaled to norm one."
    )
    cited = ("papyan2020", "galanti2022", "behnia2024", "thrampoulidis2022")
    if not with_bounds:
        return said, cited
    return f"{said} Lower bounds of the losses are those of Graf et al. (2021).", (
        *cited,
        "graf2021",
    )


def measure_geometry(found: Measurements, run: FeatureRun) -> None:
    """Neural collapse of every network, and its losses beside their lower bounds."""
    progress = SectionProgress(run.progress, "collapse geometry")
    found.results["geometry"], found.results["bounds"] = {}, {}
    for name, source in zip(found.names, run.sources, strict=True):
        found.results["geometry"][name] = found.attempt(
            functools.partial(collapse_geometry, source, progress=progress)
        )
        bound = functools.partial(
            network_bounds,
            source,
            temperature=run.loss_temperature,
            seed=run.seed,
            progress=progress,
        )
        found.results["bounds"][name] = found.attempt(bound)


def _write(given: Findings) -> Section:
    bounds = given.by_network("bounds") if given.has("bounds") else {}
    return geometry_section(given.by_network("geometry"), given.loss_temperature, bounds)


def _method(given: Findings) -> Method | None:
    if not measured(given.by_network("geometry")):
        return None
    return geometry_method(given.loss_temperature, with_bounds=given.has("bounds"))


SECTION = SectionKind(
    title=TITLE,
    by_network=("geometry", "bounds"),
    write=_write,
    headline=lambda given: geometry_headline(given.by_network("geometry")),
    method=_method,
    measure=measure_geometry,
)
