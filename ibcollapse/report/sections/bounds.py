"""How far each network is from the lower bounds of its losses, as a table."""

from collections.abc import Mapping

from ibcollapse.landscape import BoundDistance, NetworkBounds
from ibcollapse.report.document import Table
from ibcollapse.report.wording import write_name, write_number


def bounds_tables(found: Mapping[str, NetworkBounds]) -> tuple[Table, ...]:
    """One table with the losses of every network beside their bounds; none without a network."""
    if not found:
        return ()
    rows = []
    for name, bounds in found.items():
        size = bounds.batch_size
        loss = f"contrastive, τ = {bounds.temperature:g}, batches of {size}"
        rows.append(_row(name, loss, bounds.supcon, size))
        if bounds.cross_entropy is not None:
            rows.append(_row(name, "cross-entropy of the stored classifier", bounds.cross_entropy))
    caption = (
        "Losses beside the smallest that any features could have (Graf et al. 2021), nats a "
        "sample; for cross-entropy, any of the same norms. Batches are drawn at random."
    )
    return (Table(("network", "loss", "measured", "bound", "above it"), tuple(rows), caption),)


def _row(name: str, loss: str, distance: BoundDistance, size: int = 1) -> tuple[str, ...]:
    measured = write_number(distance.loss / size)
    if distance.standard_error:
        measured += f" ± {write_number(distance.standard_error / size, digits=2)}"
    bound, excess = distance.bound / size, distance.excess / size
    return (write_name(name), loss, measured, write_number(bound), write_number(excess))
