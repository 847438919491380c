"""Matrix mutual information ratio and entropy difference ratio, with their permutation null."""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.matrix_information import spectra
from ibcollapse.matrix_information.batches import draw_batches, entropies_of_batches
from ibcollapse.matrix_information.passes import entropies_by_passes
from ibcollapse.matrix_information.rows import Rows
from ibcollapse.progress import SILENT, Progress
from ibcollapse.storage.serialize import register

FloatArray = NDArray[np.float64]

# Below this an entropy is the rounding of a rank-one Gram and no ratio of it means anything.
_ZERO_ENTROPY = 1e-12


@register("matrix_information/MatrixInformation")
@dataclasses.dataclass(frozen=True)
class MatrixInformation:
    """Entropies of two Gram matrices and of their Hadamard product; nats, means over batches.

    Attributes
    ----------
    mir : float
        Mutual information over the smaller entropy; NaN where that entropy is zero.
    hdr : float
        Difference of the entropies over the larger one; NaN where that one is zero.
    entropy_a, entropy_b, entropy_joint : float
        Entropies of the two Grams and of their Hadamard product, nats.
    mutual_information : float
        entropy_a + entropy_b − entropy_joint, nats.
    null_mean, null_std : float
        Mean and deviation of `mir` when the samples of b are permuted (HDR does not change).
    z : float
        (mir − null_mean) / null_std.
    p_value : float
        Two-sided rank of |mir − null_mean| among the permutations, (1 + hits) / (1 + n).
    n_permutations : int
        0 leaves the four null fields NaN.
    alpha : float
        Order of the entropy; 1 is von Neumann's.
    centred : bool
        Whether the samples' mean was subtracted before the rows were normalised.
    n_samples : int
        Samples that were used.
    batch_size : int or None
        Samples a batch; None: all at once.
    n_batches : int
    against : str
        What b is: "second representation", "classifier rows" or "class means".
    """

    mir: float
    hdr: float
    entropy_a: float
    entropy_b: float
    entropy_joint: float
    mutual_information: float
    null_mean: float
    null_std: float
    z: float
    p_value: float
    n_permutations: int
    alpha: float
    centred: bool
    n_samples: int
    batch_size: int | None
    n_batches: int
    against: str


def information_of_rows(
    a: Rows,
    b: Rows,
    *,
    alpha: float = 1.0,
    batch_size: int | None = None,
    n_permutations: int = 20,
    seed: int = 0,
    centred: bool = False,
    against: str = "second representation",
    progress: Progress = SILENT,
) -> MatrixInformation:
    """`MatrixInformation` of two sets of unit rows, sample i of one beside sample i of the other.

    Entropies of Song et al. 2024 (arXiv 2406.03999). `centred` and `against` only describe how the
    rows were made. Beyond `spectra.MAX_SIDE` samples at once, streamed rows are read several times
    and not held; so are batches that do not fit into 256 MiB together.

    Raises
    ------
    InputError
        On different numbers of samples, a batch size or number of permutations out of range, or
        an eigenproblem that is too large (`spectra.MAX_SIDE`).
    """
    n_samples = a.n_samples
    if b.n_samples != n_samples:
        raise InputError(f"{n_samples} samples against {b.n_samples}; both need the same samples")
    if n_permutations < 0 or n_permutations == 1:
        raise InputError(f"n_permutations = {n_permutations}; expected 0 (no null) or at least 2")
    rng = np.random.default_rng(seed)
    batches = draw_batches(n_samples, batch_size, rng)
    progress.start("matrix information", len(batches) * (1 + n_permutations))
    settings: dict[str, Any] = {
        "alpha": alpha,
        "n_permutations": n_permutations,
        "rng": rng,
        "progress": progress,
    }
    if batch_size is None and n_samples > spectra.MAX_SIDE:
        marginals, joints = entropies_by_passes(a, b, **settings)
    else:
        marginals, joints = entropies_of_batches(a, b, batches, **settings)
    progress.finish()
    return _summary(marginals, joints, alpha, centred, batches, batch_size, against)


def _summary(
    marginals: FloatArray,
    joints: FloatArray,
    alpha: float,
    centred: bool,
    batches: list[NDArray[np.int64]],
    batch_size: int | None,
    against: str,
) -> MatrixInformation:
    smaller, larger = marginals.min(axis=1), marginals.max(axis=1)
    mutual = marginals.sum(axis=1, keepdims=True) - joints
    mir = _ratio(mutual, smaller[:, None]).mean(axis=0)
    null_mean = null_std = z = p_value = math.nan
    if len(mir) > 1:
        null_mean, null_std = float(mir[1:].mean()), float(mir[1:].std(ddof=1))
        z = (float(mir[0]) - null_mean) / null_std if null_std > 0 else math.nan
        hits = np.sum(np.abs(mir[1:] - null_mean) >= abs(mir[0] - null_mean))
        p_value = float((1 + hits) / len(mir))
    return MatrixInformation(
        mir=float(mir[0]),
        hdr=float(_ratio(larger - smaller, larger).mean()),
        entropy_a=float(marginals[:, 0].mean()),
        entropy_b=float(marginals[:, 1].mean()),
        entropy_joint=float(joints[:, 0].mean()),
        mutual_information=float(mutual[:, 0].mean()),
        null_mean=null_mean,
        null_std=null_std,
        z=z,
        p_value=p_value,
        n_permutations=joints.shape[1] - 1,
        alpha=alpha,
        centred=centred,
        n_samples=sum(len(batch) for batch in batches),
        batch_size=batch_size,
        n_batches=len(batches),
        against=against,
    )


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """part / whole, NaN where `whole` is zero up to rounding."""
    ratio = np.full(part.shape, np.nan)
    np.divide(part, whole, where=whole > _ZERO_ENTROPY, out=ratio)
    return ratio
