"""The methods paragraph that a paper can use, and the BibTeX of what it cites."""

import math
from collections.abc import Mapping
from typing import Any

from ibcollapse.alignment import Alignment, Consensus
from ibcollapse.analysis import Analysis
from ibcollapse.report.citations import bibtex
from ibcollapse.report.wording import write_count, write_number


def curve_method(analysis: Analysis) -> tuple[str, tuple[str, ...]]:
    """How the curve was made, and the keys of what that cites."""
    said, cited = [], ["tishby1999", "harremoes2007"]
    options, summary = analysis.provenance.options, analysis.channel
    if analysis.fit is not None:
        sentences, keys = _fit_method(analysis)
        said.append(sentences)
        cited += keys
    said.append(
        f"The channel of {write_count(summary.n, 'point')} was merged to {summary.n_reduced} at a "
        f"loss of {write_number(summary.information_lost, digits=2)} nats of I(X;Y). The "
        "information bottleneck (Tishby, Pereira and Bialek 1999) was solved in its form as a "
        "rate-distortion problem over the class simplex (Harremoës and Tishby 2007); every point "
        f"carries an optimality gap, with a tolerance of {options['tol']:g} nats. The curve was "
        f"followed up to {_ends(options)}."
    )
    if analysis.bootstrap is not None:
        found = analysis.bootstrap
        said.append(
            f"Intervals are {100 * found.level:.3g} % percentile intervals (Efron 1979) of "
            f"{len(found.i_xy)} resamples of {found.n_samples} points."
        )
        cited.append("efron1979")
    if analysis.gaussian is not None:
        said.append(
            "The Gaussian bottleneck of the same fit about one-hot classes follows Chechik et al. "
            "(2005)."
        )
        cited.append("chechik2005")
    return " ".join(said), tuple(cited)


def _fit_method(analysis: Analysis) -> tuple[str, list[str]]:
    fit, options = analysis.fit, analysis.provenance.options
    assert fit is not None
    cited = ["guo2017"]
    shrunk = "given shrinkage" if fit.shrinkage == "given" else f"{fit.shrinkage} shrinkage"
    if fit.shrinkage == "ledoit-wolf":
        shrunk, cited = "Ledoit–Wolf shrinkage (2004)", ["ledoit2004", *cited]
    said = (
        f"p(y|x) was estimated by class-conditional Gaussians ({options['covariance']} covariance, "
        f"{shrunk}, {options['priors']} priors) on {int(fit.counts.sum())} samples of "
        f"{len(fit.counts)} classes. Each sample's posterior comes from a fit to the other folds "
        f"of {fit.n_folds}, with one temperature ({write_number(fit.temperature)}) chosen on "
        "held-out log-loss (Guo et al. 2017)."
    )
    return said, cited


def _ends(options: Mapping[str, Any]) -> str:
    ends = f"{options['fraction']:.0%} of I(X;Y)"
    if math.isfinite(options["beta_max"]):
        ends += f" or β = {options['beta_max']:g}"
    return ends


def geometry_method(loss_temperature: float, *, with_bounds: bool) -> tuple[str, tuple[str, ...]]:
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


def alignment_method(found: Alignment | Consensus) -> tuple[str, tuple[str, ...]]:
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


def information_method() -> tuple[str, tuple[str, ...]]:
    """How matrix information was measured, and the keys of what that cites."""
    return (
        "Matrix mutual information and entropy difference ratios follow Song et al. (2024), "
        "RankMe follows Garrido et al. (2023) and LiDAR Thilak et al. (2023).",
        ("song2024", "garrido2023", "thilak2023"),
    )


def write_methods(parts: list[tuple[str, tuple[str, ...]]]) -> tuple[str, str]:
    """The paragraph of all parts, and the BibTeX of everything that they cite, each once."""
    keys = list(dict.fromkeys(key for _, cited in parts for key in cited))
    return " ".join(text for text, _ in parts), bibtex(keys)
