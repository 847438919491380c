"""The section about alignment: a pair of networks with held-out values and nulls."""

import math
from collections.abc import Sequence

from ibcollapse.alignment import Alignment, Consensus, align, align_many
from ibcollapse.alignment.similarity import Index
from ibcollapse.report.citations import Method
from ibcollapse.report.document import Section, Table
from ibcollapse.report.drawing import picture_of
from ibcollapse.report.figures import plot_canonical_spectrum
from ibcollapse.report.figures.beta_axis import format_beta
from ibcollapse.report.findings import Findings, Missing, missing_section
from ibcollapse.report.measurements import FeatureRun, Measurements
from ibcollapse.report.section_progress import SectionProgress
from ibcollapse.report.sections.consensus import consensus_section, consensus_sentence
from ibcollapse.report.sections.registry import SectionKind
from ibcollapse.report.wording import write_name, write_number, write_sentence

TITLE = "Alignment of the networks"
_MOST_MODES = 20
_FIGURES = (
    ("r2_a_to_b", "R² of the linear map, first to second"),
    ("r2_b_to_a", "R² of the linear map, second to first"),
    ("cca_mean_rho", "mean canonical correlation"),
    ("cca_mean_rho_squared", "mean squared canonical correlation"),
    ("pwcca_a", "projection-weighted CCA, first"),
    ("pwcca_b", "projection-weighted CCA, second"),
    ("procrustes_cosine", "Procrustes cosine"),
    ("procrustes_r2", "R² after rotation and scale"),
    ("procrustes_r2_unscaled", "R² after rotation"),
    ("shape_angle", "shape distance, radians (0 is alike)"),
    ("cka", "linear CKA"),
    ("cka_debiased", "linear CKA, debiased"),
)


def alignment_headline(found: Alignment | Consensus) -> str:
    """How well one network's identified features predict the other's, beside the null."""
    if isinstance(found, Consensus):
        return consensus_sentence(found)
    forward, backward = found.identified.r2_a_to_b, found.identified.r2_b_to_a
    return (
        "In the space that classes identify, a linear map explains "
        f"{write_number(_shown(forward))} of the second network's variance from the first and "
        f"{write_number(_shown(backward))} the other way{_seen(found)}; with permuted samples it "
        f"would be {write_number(forward.null_mean)} and {write_number(backward.null_mean)}."
    )


def alignment_section(found: Alignment | Consensus | Missing, names: Sequence[str]) -> Section:
    """Similarity of the networks in each space, with nulls, and their Gaussian bottleneck."""
    if isinstance(found, Missing):
        return missing_section(TITLE, found)
    if isinstance(found, Consensus):
        return consensus_section(TITLE, found, names)
    pair = " and ".join(write_name(name) for name in names[:2])
    spaces = [_space_table("Whole space", found, "whole")]
    spaces.append(_space_table(f"Identified space ({found.options.span})", found, "identified"))
    text = [
        f"{pair}: {found.n_samples} samples matched by {found.matched_by}, {found.n_held_out} of "
        "them held out for the held-out column. The null permutes the samples of the second "
        f"network {found.options.n_permutations} times and fits anew each time."
    ]
    if found.complement is None:
        text.append("The complement of the identified space is empty or constant.")
    else:
        spaces.append(_space_table("Complement of the identified space", found, "complement"))
    spectrum = plot_canonical_spectrum(found.whole.rho, null_floor=found.whole.null_floor)
    return Section(
        TITLE,
        text=tuple(text),
        warnings=_warnings(found),
        pictures=(
            picture_of(
                spectrum,
                "Squared canonical correlations between the networks, all features; hollow modes "
                "are no more than independent features of this size would show.",
            ),
        ),
        tables=(*spaces, _beta_table(found)),
    )


def _shown(index: Index) -> float:
    """The held-out value where there is one."""
    return index.value if math.isnan(index.held_out) else index.held_out


def _seen(found: Alignment) -> str:
    return " on held-out samples" if found.n_held_out else " (in sample)"


def _warnings(found: Alignment) -> tuple[str, ...]:
    said = []
    betas = found.bottleneck
    below = len(found.whole.rho) - found.whole.n_above_floor
    if below:
        said.append(
            f"{below} of {len(found.whole.rho)} modes have ρ² at or below the null floor of "
            f"{write_number(found.whole.null_floor)}: their correlations, and the critical β made "
            "of them, are properties of the sample size and no evidence."
        )
    if found.matched_by == "order":
        said.append(
            "The files store no sample ids, so samples were matched by their order. Were the "
            "orders different, everything here would be noise."
        )
    if found.options.n_permutations == 0:
        said.append("No permutations were made: nothing here says what chance alone would give.")
    said.append(
        f"The {len(betas.rho)} critical β of the pair come from a Gaussian proxy: a collapsed "
        "mixture is not Gaussian, and the discrete bottleneck of the classes has its first "
        "transition elsewhere."
    )
    said.extend(write_sentence(note) for note in found.notes)
    return tuple(said)


def _space_table(title: str, found: Alignment, space: str) -> Table:
    similarity = getattr(found, space)
    rows = tuple(
        (
            what,
            write_number(index.value),
            write_number(index.held_out),
            write_number(index.null_mean),
            write_number(index.z, digits=3),
            write_number(index.p_value, digits=2),
        )
        for what, index in ((what, similarity.indices[name]) for name, what in _FIGURES)
    )
    least = 1 / (1 + found.options.n_permutations)
    caption = (
        f"{title}: {similarity.n_above_floor} of {len(similarity.rho)} modes above the null floor. "
        f"No p can be below {write_number(least, digits=2)}."
    )
    return Table(("figure", "value", "held out", "null mean", "z", "p"), rows, caption)


def _beta_table(found: Alignment) -> Table:
    betas = found.bottleneck
    rows = tuple(
        (
            format_beta(float(betas.critical_betas[i]), digits=5),
            _interval(float(betas.beta_low[i]), float(betas.beta_high[i])),
            write_number(float(betas.rho[i] ** 2)),
            "yes" if betas.resolved[i] else "no",
        )
        for i in range(min(len(betas.rho), _MOST_MODES))
    )
    caption = f"Gaussian bottleneck of the pair; null floor of ρ² {write_number(betas.null_floor)}."
    if len(betas.rho) > _MOST_MODES:
        caption += f" The first {_MOST_MODES} of {len(betas.rho)} modes."
    columns = ("critical β", f"{betas.confidence:.0%} interval", "ρ²", "above the floor")
    return Table(columns, rows, caption)


def _interval(low: float, high: float) -> str:
    return (
        "–" if math.isnan(low) else f"{format_beta(low, digits=5)} to {format_beta(high, digits=5)}"
    )


def alignment_method(found: Alignment | Consensus) -> Method:
    """How the networks were aligned, and the keys of what that cites."""
    if isinstance(found, Consensus):
        return (
            f"{len(found.sources)} networks were brought into one space by generalised Procrustes "
            "analysis (Gower 1975) in the span of their class means; pairs were compared by "
            "linear CKA (Kornblith et al. 2019) and canonical correlations.",
            ("gower1975", "kornblith2019"),
        )
    options = found.options
    return (
        "Linear identifiability (Roeder, Metz and Kingma 2021) was tested by linear maps, "
        "canonical correlations, Procrustes rotations and linear CKA (Kornblith et al. 2019) on "
        f"{found.n_samples} common samples, {found.n_held_out} of them held out, against "
        f"{options.n_permutations} permutations of the samples. Critical betas of the pair follow "
        f"Chechik et al. (2005), with {options.confidence:.0%} intervals from "
        f"{options.n_bootstrap} bootstrap samples.",
        ("roeder2021", "kornblith2019", "chechik2005"),
    )


def measure_alignment(found: Measurements, run: FeatureRun) -> None:
    """Alignment of two networks, consensus of more."""
    progress, sources = SectionProgress(run.progress, "alignment"), run.sources
    if len(sources) == 1:
        found.results["alignment"] = Missing(
            "one file was given; name another network's features of the same samples to align them"
        )
    elif len(sources) == 2:
        found.results["alignment"] = found.attempt(
            lambda: align(*sources, seed=run.seed, progress=progress)
        )
    else:
        found.results["alignment"] = found.attempt(lambda: align_many(sources, progress=progress))


def _headline(given: Findings) -> tuple[str, ...]:
    found = given.shared("alignment")
    return () if isinstance(found, Missing) else (alignment_headline(found),)


def _method(given: Findings) -> Method | None:
    found = given.shared("alignment")
    return None if isinstance(found, Missing) else alignment_method(found)


SECTION = SectionKind(
    title=TITLE,
    shared=("alignment",),
    write=lambda given: alignment_section(given.shared("alignment"), given.names),
    headline=_headline,
    method=_method,
    measure=measure_alignment,
)
