"""What a section of a report needs of the feature files, one function a section."""

import functools
from typing import TYPE_CHECKING, Any

from ibcollapse.progress import Progress

if TYPE_CHECKING:
    from ibcollapse.features import FeatureSource
    from ibcollapse_cli.measuring import Measurements

# A page is to take a minute: `ibcollapse dynamics` follows all checkpoints, with more points each.
_MOST_CHECKPOINTS = 10
_POINTS_A_CHECKPOINT = 96
# Beyond this, entropies are means over batches: a Gram of all samples has as many rows as samples.
_BATCH = 1000


def measure_geometry(
    found: "Measurements",
    sources: "list[FeatureSource]",
    temperature: float,
    seed: int,
    progress: Progress,
) -> None:
    """Neural collapse of every network, and its losses beside their lower bounds."""
    from ibcollapse.geometry import collapse_geometry
    from ibcollapse.landscape import network_bounds

    found.geometry, found.bounds = {}, {}
    for name, source in zip(found.names, sources, strict=True):
        found.geometry[name] = found.attempt(
            functools.partial(collapse_geometry, source, progress=progress)
        )
        bound = functools.partial(
            network_bounds, source, temperature=temperature, seed=seed, progress=progress
        )
        found.bounds[name] = found.attempt(bound)


def measure_alignment(
    found: "Measurements", sources: "list[FeatureSource]", seed: int, progress: Progress
) -> None:
    """Alignment of two networks, consensus of more."""
    from ibcollapse.alignment import align, align_many
    from ibcollapse.report import Missing

    if len(sources) == 1:
        found.alignment = Missing(
            "one file was given; name another network's features of the same samples to align them"
        )
    elif len(sources) == 2:
        found.alignment = found.attempt(lambda: align(*sources, seed=seed, progress=progress))
    else:
        found.alignment = found.attempt(lambda: align_many(sources, progress=progress))


def measure_information(
    found: "Measurements", sources: "list[FeatureSource]", seed: int, progress: Progress
) -> None:
    """Matrix information and effective ranks of every network, and of two with each other."""
    from ibcollapse.matrix_information import effective_ranks, matrix_information

    found.information, found.ranks = {}, {}
    options: dict[str, Any] = {"seed": seed, "progress": progress}
    if sources[0].n_samples > _BATCH:
        options["batch_size"] = _BATCH
    for name, source in zip(found.names, sources, strict=True):
        found.information[name] = found.attempt(
            functools.partial(matrix_information, source, **options)
        )
        found.ranks[name] = found.attempt(
            functools.partial(effective_ranks, source, progress=progress)
        )
    if len(sources) == 2:
        found.information["both"] = found.attempt(lambda: matrix_information(*sources, **options))


def measure_dynamics(
    found: "Measurements",
    sources: "list[FeatureSource]",
    selection: dict[str, Any],
    seed: int,
    progress: Progress,
) -> None:
    """The trajectory of the first network, or of the two that there are."""
    from ibcollapse.coincidence import CoincidenceOptions
    from ibcollapse.report import Missing
    from ibcollapse.trajectory import dynamics

    networks = sources if len(sources) == 2 else sources[:1]
    epochs = sorted(set.intersection(*(set(s.contents.epochs) for s in networks)))
    if selection["epoch"] is not None or len(epochs) < 2:
        found.dynamics = Missing(
            "one checkpoint was chosen with --epoch"
            if selection["epoch"] is not None
            else "fewer than two checkpoints are stored (in common), so there is no path to follow"
        )
        return
    step = -(-len(epochs) // _MOST_CHECKPOINTS)
    # From the last one backwards: the path must not end before it does.
    chosen = sorted(epochs[::-1][::step])
    # The intervals of the exact bottleneck would cost ten times what everything else does.
    options = CoincidenceOptions(max_rows=_POINTS_A_CHECKPOINT, n_resamples=0, seed=seed)
    found.dynamics = found.attempt(
        lambda: dynamics(*networks, epochs=chosen, options=options, progress=progress)
    )
