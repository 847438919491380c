"""The section about dynamics: every measure along the stored checkpoints."""

import math

from ibcollapse.coincidence import CoincidenceOptions
from ibcollapse.report.document import Picture, Section, Table
from ibcollapse.report.figures import render_svg, trajectory_figure
from ibcollapse.report.figures.beta_axis import format_beta
from ibcollapse.report.findings import Missing, missing_section
from ibcollapse.report.measurements import FeatureRun, Measurements
from ibcollapse.report.section_progress import SectionProgress
from ibcollapse.report.sections.registry import SectionKind
from ibcollapse.report.wording import NOTHING, Units, unit_scale, write_number, write_sentence
from ibcollapse.trajectory import Trajectory, dynamics

TITLE = "Dynamics along training"
_MOST_ROWS = 40
# A page is to take a minute: `ibcollapse dynamics` follows all checkpoints, with more points each.
_MOST_CHECKPOINTS = 10
_POINTS_A_CHECKPOINT = 96
_INFORMATION = ("i_xy_held_out",)
_BETAS = ("onset", "beta_all", "labels_beta_last", "pair_beta_last")
# Column of the trajectory, heading.
_COLUMNS = (
    ("epoch", "epoch"),
    ("accuracy", "accuracy"),
    ("i_xy_held_out", "I(X;Y) held out"),
    ("onset", "exact onset β"),
    ("beta_all", "β with K clusters"),
    ("labels_beta_last", "last β, labels"),
    ("pair_beta_last", "last β, pair"),
    ("nc1", "NC1"),
    ("etf_distance", "off the ETF"),
    ("cca_identified", "CCA held out"),
    ("mir", "MIR"),
)


def dynamics_section(found: Trajectory | Missing, units: Units) -> Section:
    """What the claim comes down to, in words, with the path of every measure."""
    if isinstance(found, Missing):
        return missing_section(TITLE, found)
    text = [write_sentence(statement.text) for statement in found.statements]
    text.append(
        f"A transition counts as included at or below β = {found.beta:g}; accuracy as flat within "
        f"{found.tolerance:g} of its last value. The exact bottleneck of a checkpoint is that of "
        f"at most {found.checkpoints[0].coincidence.options.max_rows} merged points."
    )
    picture = Picture(
        render_svg(trajectory_figure(found)),
        "Critical betas, geometry, alignment, matrix information and accuracy along the stored "
        "checkpoints, and their path in the information plane.",
        wide=True,
    )
    notes = tuple(write_sentence(note) for note in found.notes)
    return Section(TITLE, tuple(text), notes, (picture,), (_table(found, units),))


def _table(found: Trajectory, units: Units) -> Table:
    columns = found.columns()
    # A column that nothing was measured for (no second network) would be a column of gaps.
    shown = [(key, name) for key, name in _COLUMNS if any(_is_there(v) for v in columns[key])]
    heads = tuple(f"{name} [{units}]" if key in _INFORMATION else name for key, name in shown)
    cells = [[_write(key, value, units) for value in columns[key]] for key, _ in shown]
    rows = tuple(zip(*cells, strict=True))
    caption = "Checkpoints."
    if len(rows) > _MOST_ROWS:
        caption = f"The last {_MOST_ROWS} of {len(rows)} checkpoints."
    return Table(heads, rows[-_MOST_ROWS:], caption)


def _is_there(value: object) -> bool:
    return not (value is None or (isinstance(value, float) and math.isnan(value)))


def _write(key: str, value: float, units: Units) -> str:
    if not _is_there(value):
        return NOTHING
    if key == "epoch":
        return str(value)
    if key in _BETAS:
        return format_beta(value)
    return write_number(value * unit_scale(units) if key in _INFORMATION else value)


def measure_dynamics(found: Measurements, run: FeatureRun) -> None:
    """The trajectory of the first network, or of the two that there are."""
    progress = SectionProgress(run.progress, "dynamics")
    networks = run.sources if len(run.sources) == 2 else run.sources[:1]
    epochs = sorted(set.intersection(*(set(s.contents.epochs) for s in networks)))
    if run.epoch is not None or len(epochs) < 2:
        found.results["dynamics"] = Missing(
            "one checkpoint was chosen with --epoch"
            if run.epoch is not None
            else "fewer than two checkpoints are stored (in common), so there is no path to follow"
        )
        return
    step = -(-len(epochs) // _MOST_CHECKPOINTS)
    # From the last one backwards: the path must not end before it does.
    chosen = sorted(epochs[::-1][::step])
    # The intervals of the exact bottleneck would cost ten times what everything else does.
    options = CoincidenceOptions(max_rows=_POINTS_A_CHECKPOINT, n_resamples=0, seed=run.seed)
    found.results["dynamics"] = found.attempt(
        lambda: dynamics(*networks, epochs=chosen, options=options, progress=progress)
    )


SECTION = SectionKind(
    title=TITLE,
    shared=("dynamics",),
    write=lambda given: dynamics_section(given.shared("dynamics"), given.units),
    measure=measure_dynamics,
)
