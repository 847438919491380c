"""Whether samples are the rows or the columns of a stored matrix: the labels' length says."""

from collections.abc import Sequence

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.stores.store import StoredArray, shown


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
    vectors, one_hot = _label_lengths(labels)
    shapes = [array.shape for array in features]
    if not all(shapes):
        return None
    n_plain = sum(shape[0] for shape in shapes)
    n_turned = sum(shape[1] for shape in shapes) if all(len(s) == 2 for s in shapes) else None
    fits_plain = n_plain in vectors | one_hot
    fits_turned = n_turned in (vectors | one_hot if is_matlab or transpose else vectors)
    if transpose is not None:
        return transpose if (fits_turned if transpose else fits_plain) else None
    if fits_plain and fits_turned and is_matlab:
        raise FeatureFileError(
            f"{name}: {shown(features[0].key)} is {features[0].shape} for {n_plain} labels, so "
            "rows and columns both fit; say which are samples: --no-transpose (rows, as HDF5 "
            "shows them) or --transpose (columns)"
        )
    if fits_plain:
        return False
    return True if fits_turned else None


def stored_samples(features: Sequence[StoredArray], *, transposed: bool) -> int:
    """Samples in all shards together."""
    return sum(array.shape[1 if transposed else 0] for array in features)


def _label_lengths(labels: Sequence[StoredArray]) -> tuple[set[int], set[int]]:
    """Samples that these labels may stand for: read as a vector, and read as one-hot rows."""
    shapes = [array.shape for array in labels]
    if all(len(shape) == 1 or (len(shape) == 2 and 1 in shape) for shape in shapes):
        return {sum(max(shape) if min(shape) else 0 for shape in shapes)}, set()
    if all(len(shape) == 2 for shape in shapes):
        return set(), {sum(s[0] for s in shapes), sum(s[1] for s in shapes)}
    return set(), set()
