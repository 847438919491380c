"""How the curve was made, in words that a paper can use."""

import math
from collections.abc import Mapping
from typing import Any

from ibcollapse.analysis import Analysis
from ibcollapse.report.citations import Method
from ibcollapse.report.findings import Findings, Missing
from ibcollapse.report.wording import write_count, write_number


def method_of_analysis(given: Findings) -> Method | None:
    """`curve_method` where there is an analysis: all sections that show one give the same."""
    whole = given.shared("analysis")
    return None if isinstance(whole, Missing) else curve_method(whole)


def curve_method(analysis: Analysis) -> Method:
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
