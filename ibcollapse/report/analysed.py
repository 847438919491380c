"""What was analysed and with which options, as names and values."""

from collections.abc import Mapping, Sequence

from ibcollapse.alignment import Alignment, Consensus
from ibcollapse.analysis import Analysis
from ibcollapse.geometry import GeometryReport
from ibcollapse.report.findings import Missing, measured
from ibcollapse.report.wording import write_name


def analysed_rows(
    whole: Analysis | Missing,
    geometries: Mapping[str, GeometryReport | Missing],
    aligned: Alignment | Consensus | Missing,
    names: Sequence[str],
) -> tuple[tuple[str, str], ...]:
    """Sources, fingerprints, options and versions, as far as the results know them."""
    sources: dict[str, tuple[str, str]] = {}
    if not isinstance(aligned, Missing):
        described = zip(aligned.sources, aligned.fingerprints, strict=True)
        sources.update(zip(names, described, strict=False))
    for name, report in measured(geometries).items():
        sources[name] = report.source, report.fingerprint
    if isinstance(whole, Analysis):
        sources[names[0]] = whole.provenance.source, whole.provenance.fingerprint
    rows = []
    for name, (source, fingerprint) in sources.items():
        rows.append((write_name(name), source))
        if fingerprint:
            rows.append((f"SHA-256 of {write_name(name)}", fingerprint))
    if isinstance(whole, Analysis):
        rows += _settings(whole)
    return tuple(rows)


def _settings(analysis: Analysis) -> list[tuple[str, str]]:
    origin = analysis.provenance
    options = ", ".join(f"{name} = {_value(value)}" for name, value in origin.options.items())
    versions = ", ".join(f"{name} {version}" for name, version in origin.versions.items())
    return [("options of the curve", options), ("versions", versions)]


def _value(value: object) -> str:
    if value is None:
        return "default"
    return f"{value:g}" if isinstance(value, float) else str(value)
