"""The section about alignment: a pair of networks with held-out values and nulls."""

import math
from collections.abc import Sequence

from ibcollapse.alignment import Alignment, Consensus
from ibcollapse.alignment.similarity import Index
from ibcollapse.report.document import Section, Table
from ibcollapse.report.drawing import picture_of
from ibcollapse.report.figures import plot_canonical_spectrum
from ibcollapse.report.figures.beta_axis import format_beta
from ibcollapse.report.findings import Missing, missing_section
from ibcollapse.report.sections.consensus import consensus_section, consensus_sentence
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
