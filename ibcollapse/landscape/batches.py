"""Which relations between features a fixed schedule of batches determines."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register

Codes = NDArray[np.int64]


@register("landscape/BatchGraph")
@dataclasses.dataclass(frozen=True)
class BatchGraph:
    """Samples joined wherever they share a batch, and what the contrastive loss then fixes.

    Attributes
    ----------
    component : int64 (n_samples,)
        Connected component of each sample in the whole graph.
    class_pieces : int64 (n_classes,)
        Connected components of the graph restricted to each class; 1 = the class collapses to one
        point, more = that many points that need not agree.
    pairs_met : bool (n_classes, n_classes)
        Whether two classes share a batch.
    relu_determined : bool
        Whether the minimiser with features h ≥ 0 is unique: every pair of classes meets and every
        class is connected (Kini et al. 2023, necessary and sufficient).
    determined : bool
        Whether uniqueness without the sign constraint is proved: every batch has the same class
        composition with at least two samples a class, and batches can be joined one after another
        through shared samples of at least K − 1 classes. Each batch then has the same Gram of rank
        K − 1, any K − 1 of whose classes span it, so an overlap leaves no rotation free.
    rigid_parts : int
        Groups of batches that remain after all such joining. Two of them alone can be rotated
        about their shared samples at no cost (with equal compositions).
    """

    component: Codes
    class_pieces: Codes
    pairs_met: NDArray[np.bool_]
    relu_determined: bool
    determined: bool
    rigid_parts: int

    def __post_init__(self) -> None:
        for array in (self.component, self.class_pieces, self.pairs_met):
            array.setflags(write=False)


def batch_graph(labels: Codes, batches: Sequence[Sequence[int] | Codes]) -> BatchGraph:
    """Batch graph of a schedule, with what it determines.

    Connectedness alone is not enough without the sign constraint: two batches that share one
    sample can be rotated about it.

    Parameters
    ----------
    labels : int (n_samples,)
        Class of each sample, 0 … n_classes − 1, every class present.
    batches : sequence of int sequences
        Sample indices of each batch of the schedule.

    Raises
    ------
    InputError
        On an empty schedule or batch, indices out of range or repeated in a batch, or absent
        classes.

    References
    ----------
    Kini, Vakilian, Behnia, Gill, Thrampoulidis 2023, arXiv:2306.07960.
    """
    codes = _validated_labels(labels)
    schedule = _validated_batches(batches, len(codes))
    n_classes = int(codes.max()) + 1
    sample = np.concatenate(schedule)
    batch = np.repeat(np.arange(len(schedule)), [len(b) for b in schedule])
    component = _components(sample, batch, len(codes), len(schedule))
    # A batch is one node a class here, so that only members of a class join.
    piece = _components(
        sample, batch * n_classes + codes[sample], len(codes), len(schedule) * n_classes
    )
    pieces = np.array([len(np.unique(piece[codes == c])) for c in range(n_classes)])
    composition = np.zeros((len(schedule), n_classes), dtype=np.int64)
    np.add.at(composition, (batch, codes[sample]), 1)
    present = composition > 0
    met = (present.T.astype(np.int64) @ present) > 0
    alike = bool(np.all(composition == composition[0]) and composition.min() >= 2)
    parts = _rigid_parts(schedule, codes, n_classes)
    covered = len(np.unique(sample)) == len(codes)
    return BatchGraph(
        component=component,
        class_pieces=pieces,
        pairs_met=met,
        relu_determined=bool(met.all() and np.all(pieces == 1)),
        determined=alike and covered and parts == 1,
        rigid_parts=parts,
    )


def bind_batches(
    batches: Sequence[Sequence[int] | Codes], bound: Sequence[int] | Codes
) -> tuple[Codes, ...]:
    """Every batch with the samples `bound` added (once).

    One bound sample a class makes every pair of classes meet and every class connected, so the
    ReLU geometry is determined; bound samples of K − 1 classes join batches of equal composition
    without the sign constraint. The geometry then is `supcon_geometry` of the new composition.
    """
    fixed = np.unique(np.asarray(bound, dtype=np.int64))
    return tuple(np.union1d(np.asarray(batch, dtype=np.int64), fixed) for batch in batches)


def _components(sample: Codes, node: Codes, n_samples: int, n_nodes: int) -> Codes:
    """Component of each sample in the bipartite graph of samples and nodes."""
    size = n_samples + n_nodes
    edges = coo_array((np.ones(len(sample)), (sample, n_samples + node)), shape=(size, size))
    _, component = connected_components(edges, directed=False)
    _, renumbered = np.unique(component[:n_samples], return_inverse=True)
    return renumbered.astype(np.int64)


def _rigid_parts(schedule: list[Codes], codes: Codes, n_classes: int) -> int:
    """Groups of batches left when those that share samples of K − 1 classes are joined."""
    parts = [set(batch.tolist()) for batch in schedule]
    joined = True
    while joined:
        joined = False
        kept: list[set[int]] = []
        for part in parts:
            for other in kept:
                shared = np.fromiter(part & other, dtype=np.int64)
                if len(np.unique(codes[shared])) >= n_classes - 1:
                    other |= part
                    joined = True
                    break
            else:
                kept.append(part)
        parts = kept
    return len(parts)


def _validated_labels(labels: Codes) -> Codes:
    codes = np.asarray(labels)
    if codes.ndim != 1 or len(codes) == 0 or codes.dtype.kind not in "iu":
        raise InputError(f"labels have shape {codes.shape} ({codes.dtype}); give integers (n,)")
    present = np.unique(codes)
    if not np.array_equal(present, np.arange(len(present))) or len(present) < 2:
        raise InputError(
            f"labels hold the classes {present[:10].tolist()}; number at least two from 0 "
            f"without holes"
        )
    return codes.astype(np.int64)


def _validated_batches(batches: Sequence[Sequence[int] | Codes], n_samples: int) -> list[Codes]:
    schedule = [np.asarray(batch) for batch in batches]
    if not schedule:
        raise InputError("the schedule holds no batch")
    for i, batch in enumerate(schedule):
        if batch.ndim != 1 or len(batch) == 0 or batch.dtype.kind not in "iu":
            raise InputError(f"batch {i} is no list of sample indices: shape {batch.shape}")
        if batch.min() < 0 or batch.max() >= n_samples:
            raise InputError(f"batch {i} names a sample outside 0…{n_samples - 1}")
        if len(np.unique(batch)) != len(batch):
            raise InputError(f"batch {i} names a sample twice")
    return [batch.astype(np.int64) for batch in schedule]
