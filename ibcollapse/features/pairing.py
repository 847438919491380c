"""Two or more feature sources of the same samples, read side by side."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.features.source import FeatureSource
from ibcollapse.features.text import as_text


@dataclasses.dataclass(frozen=True)
class PairedSources:
    """Sources whose k-th sample is the same input, in the order of the first one.

    Attributes
    ----------
    sources : tuple of FeatureSource
    matched_by : str
        "ids" (stored with every source) or "order" (row k of each is taken to be one sample).
    orders : tuple
        For each source the rows to take, int64 (n_samples,), or None where they are in order.
    """

    sources: tuple[FeatureSource, ...]
    matched_by: str
    orders: tuple[NDArray[np.int64] | None, ...]

    @property
    def n_samples(self) -> int:
        """Number of common samples."""
        return self.sources[0].n_samples

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each sample, codes into the first source's names."""
        return self.sources[0].labels

    def blocks(self, rows: int) -> Iterator[tuple[NDArray[np.floating[Any]], ...]]:
        """One array (m, n_features) a source, m = `rows` but for the last, of the same samples.

        A source in another order is held in memory for the time of the pass; the others are
        streamed. Blocks are valid until the next one is asked for.
        """
        streams = [
            _blocks_of(source, order, rows)
            for source, order in zip(self.sources, self.orders, strict=True)
        ]
        yield from zip(*streams, strict=True)


def pair_sources(sources: Sequence[FeatureSource]) -> PairedSources:
    """`PairedSources`, matched on sample ids where every source stores them, else by order.

    Raises
    ------
    InputError
        On different samples, numbers of samples or labels, or repeated ids.
    """
    first = sources[0]
    matched_by = "order" if any(source.ids is None for source in sources) else "ids"
    orders: list[NDArray[np.int64] | None] = [None]
    for number, source in enumerate(sources[1:], start=2):
        order = None
        if matched_by == "ids":
            order = _order_of_ids(_ids_of(first, 1), _ids_of(source, number), number)
        elif source.n_samples != first.n_samples:
            raise InputError(
                f"{first.n_samples} samples in the first source and {source.n_samples} in source "
                f"{number}, which are matched by order; store sample ids, or the same samples"
            )
        _require_same_labels(first, source, order, number)
        orders.append(order)
    return PairedSources(tuple(sources), matched_by, tuple(orders))


def _ids_of(source: FeatureSource, number: int) -> NDArray[Any]:
    return as_text(np.asarray(source.ids), f"sample ids of source {number}", InputError)


def _order_of_ids(
    wanted: NDArray[Any], found: NDArray[Any], number: int
) -> NDArray[np.int64] | None:
    if (wanted.dtype.kind in "iu") != (found.dtype.kind in "iu"):
        raise InputError(
            f"sample ids are {wanted.dtype} in the first source and {found.dtype} in source "
            f"{number}; store the same kind in both"
        )
    sorter = np.argsort(found, kind="stable")
    ordered = found[sorter]
    if len(np.unique(wanted)) < len(wanted) or (ordered[1:] == ordered[:-1]).any():
        raise InputError(f"sample ids repeat in the first source or in source {number}")
    common = int(np.isin(wanted, found).sum())
    if common < max(len(wanted), len(found)):
        raise InputError(
            f"{len(wanted)} samples in the first source, {len(found)} in source {number}, "
            f"{common} ids in both; store the features of the same samples"
        )
    order = sorter[np.searchsorted(ordered, wanted)]
    return None if np.array_equal(order, np.arange(len(order))) else order


def _require_same_labels(
    first: FeatureSource, source: FeatureSource, order: NDArray[np.int64] | None, number: int
) -> None:
    labels = source.labels if order is None else source.labels[order]
    names = np.array(first.class_names)[first.labels], np.array(source.class_names)[labels]
    different = np.flatnonzero(names[0] != names[1])
    if len(different):
        row = int(different[0])
        raise InputError(
            f"labels differ in {len(different)} of {len(labels)} samples (sample {row}: "
            f"{str(names[0][row])!r}, in source {number} {str(names[1][row])!r}); store the same "
            "samples in the same order, or sample ids"
        )


def _blocks_of(
    source: FeatureSource, order: NDArray[np.int64] | None, rows: int
) -> Iterator[NDArray[np.floating[Any]]]:
    if order is not None:
        whole = np.concatenate([x.copy() for x, _ in source.chunks()])[order]
        yield from (whole[start : start + rows] for start in range(0, len(whole), rows))
        return
    held: list[NDArray[np.floating[Any]]] = []
    missing = rows
    for x, _ in source.chunks(rows):
        while len(x):
            piece, x = x[:missing], x[missing:]
            missing -= len(piece)
            # A source may end a block before `rows` and then use its memory again.
            held.append(piece if missing == 0 else piece.copy())
            if missing == 0:
                yield held[0] if len(held) == 1 else np.concatenate(held)
                held, missing = [], rows
    if held:
        yield np.concatenate(held)
