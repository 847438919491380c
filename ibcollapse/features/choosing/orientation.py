"""Whether samples are the rows or the columns of a stored matrix: the labels' length says."""

from collections.abc import Sequence

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.stores.store import StoredArray, one_line


def is_transposed(
    features: Sequence[StoredArray],
    labels: Sequence[StoredArray],
    *,
    transpose: bool | None,
    is_matlab: bool,
    name: str,
) -> bool | None:
    """Whether samples are columns; None where the labels fit neither way.

    A square matrix from MATLAB, whose axes may or may not have been reversed on the way, is
    refused rather than guessed; anywhere else the rows of a square matrix are the samples.

    Raises
    ------
    FeatureFileError
        On that square matrix, without `transpose`.
    """
    n = _n_labels(labels)
    shapes = [array.shape for array in features]
    if n is None or not all(shapes):
        return None
    fits_plain = sum(shape[0] for shape in shapes) == n
    fits_turned = all(len(s) == 2 for s in shapes) and sum(shape[1] for shape in shapes) == n
    if transpose is not None:
        return transpose if (fits_turned if transpose else fits_plain) else None
    if fits_plain and fits_turned and is_matlab:
        raise FeatureFileError(
            f"{name}: {one_line(features[0].key)} is {features[0].shape} for {n} labels, so "
            "rows and columns both fit; say which are samples: --no-transpose (rows, as HDF5 "
            "shows them) or --transpose (columns)"
        )
    if fits_plain:
        return False
    return True if fits_turned else None


def stored_samples(features: Sequence[StoredArray], *, transposed: bool) -> int:
    """Samples in all shards together."""
    return sum(array.shape[1 if transposed else 0] for array in features)


def _n_labels(labels: Sequence[StoredArray]) -> int | None:
    """Samples that these labels stand for; the longer side of one-hot rows, which have more
    samples than classes however they are turned."""
    shapes = [array.shape for array in labels]
    if all(len(shape) == 1 or (len(shape) == 2 and 1 in shape) for shape in shapes):
        return sum(max(shape) if min(shape) else 0 for shape in shapes)
    if all(len(shape) == 2 for shape in shapes):
        return max(sum(shape[0] for shape in shapes), sum(shape[1] for shape in shapes))
    return None
