"""Joint moments of several networks' features from one streamed pass.

One symmetric product per block holds everything: beside the features, each row carries its
squared length for every network and a one, so the same Gram matrix gives covariances, means and
the fourth moments that the debiased CKA needs. Grams of parts add up to the Gram of the whole.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk

from ibcollapse.features.pairing import PairedSources
from ibcollapse.features.precision import listed_features, stored_precision
from ibcollapse.gaussian.moments import class_sums
from ibcollapse.progress import Progress

_BLOCK_NUMBERS = 1 << 21  # float64 numbers a block: 16 MiB
# A feature whose deviation is below this share of its mean is constant up to float64 rounding.
_CONSTANT = 1e-12


@dataclasses.dataclass(frozen=True)
class PairMoments:
    """Central moments of two networks' features over the same samples (population, 1/n).

    `n_samples`; `mean_a` (d_a,), `mean_b` (d_b,); covariances `s_aa` (d_a, d_a), `s_ab`
    (d_a, d_b), `s_bb` (d_b, d_b); `fourth` (2, 2): means of ‖a‖⁴, ‖a‖²‖b‖², ‖b‖⁴ of centred
    samples, NaN where a projection lost them.
    """

    n_samples: int
    mean_a: NDArray[np.float64]
    mean_b: NDArray[np.float64]
    s_aa: NDArray[np.float64]
    s_ab: NDArray[np.float64]
    s_bb: NDArray[np.float64]
    fourth: NDArray[np.float64]

    def project(self, axes_a: NDArray[np.float64], axes_b: NDArray[np.float64]) -> "PairMoments":
        """Moments of the features times `axes_a` (d_a, r) and `axes_b` (d_b, s)."""
        return PairMoments(
            self.n_samples,
            self.mean_a @ axes_a,
            self.mean_b @ axes_b,
            axes_a.T @ self.s_aa @ axes_a,
            axes_a.T @ self.s_ab @ axes_b,
            axes_b.T @ self.s_bb @ axes_b,
            np.full((2, 2), np.nan),
        )

    def about(self, other: "PairMoments") -> "PairMoments":
        """Second moments of these samples about the means of `other`."""
        a, b = self.mean_a - other.mean_a, self.mean_b - other.mean_b
        return dataclasses.replace(
            self,
            s_aa=self.s_aa + np.outer(a, a),
            s_ab=self.s_ab + np.outer(a, b),
            s_bb=self.s_bb + np.outer(b, b),
        )


@dataclasses.dataclass(frozen=True)
class JointMoments:
    """Sums over samples of the augmented rows (features less `shift`, squared lengths, 1).

    `gram` (p + m + 1, p + m + 1) symmetric, for m networks of p features in all; `shift` (p,);
    `widths`: features a network; `constant` (p,): features that count as constant whatever their
    sums say, because their type does not resolve them over all samples.
    """

    gram: NDArray[np.float64]
    shift: NDArray[np.float64]
    widths: tuple[int, ...]
    constant: NDArray[np.bool_]

    def __add__(self, other: "JointMoments") -> "JointMoments":
        return dataclasses.replace(self, gram=self.gram + other.gram)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return round(float(self.gram[-1, -1]))

    def pair(self, i: int, j: int) -> PairMoments:
        """Central moments of networks i and j."""
        n, ones = self.n_samples, self.gram[:, -1] / self.gram[-1, -1]
        a, b = self._columns(i), self._columns(j)
        covariance = {
            (s, t): self._covariance(u, v)
            for s, u in (("a", a), ("b", b))
            for t, v in (("a", a), ("b", b))
        }
        fourth = np.array([[self._fourth(k, m) for m in (i, j)] for k in (i, j)])
        return PairMoments(
            n,
            self.shift[a] + ones[a],
            self.shift[b] + ones[b],
            covariance["a", "a"],
            covariance["a", "b"],
            covariance["b", "b"],
            fourth,
        )

    def _covariance(self, u: slice, v: slice) -> NDArray[np.float64]:
        """Covariance of two blocks of columns, exactly zero for constant features."""
        mean, deviation = self.gram[:, -1] / self.n_samples, self._deviation()
        covariance = self.gram[u, v] / self.n_samples - np.outer(mean[u], mean[v])
        covariance[deviation[u] == 0] = 0.0
        covariance[:, deviation[v] == 0] = 0.0
        return np.asarray(covariance, dtype=np.float64)

    def _deviation(self) -> NDArray[np.float64]:
        """Standard deviation of each feature, 0 where it is rounding of the mean."""
        mean, variance = self.mean_and_variance()
        varies = (variance > (_CONSTANT * mean) ** 2) & ~self.constant
        return np.where(varies, np.sqrt(np.maximum(variance, 0.0)), 0.0)

    def mean_and_variance(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of each feature, (p,) each."""
        p = len(self.shift)
        mean = self.gram[:p, -1] / self.n_samples
        return self.shift + mean, np.diag(self.gram)[:p] / self.n_samples - mean**2

    def _columns(self, i: int) -> slice:
        start = sum(self.widths[:i])
        return slice(start, start + self.widths[i])

    def _fourth(self, i: int, j: int) -> float:
        """Mean of ‖x − x̄‖² ‖y − ȳ‖², expanded about the shift: ‖x − x̄‖² = k − 2 x·x̄ + ‖x̄‖²."""
        mean = self.gram / self.n_samples
        ones, row = mean[:, -1], sum(self.widths)
        u, v, k, m = self._columns(i), self._columns(j), row + i, row + j
        x, y = ones[u], ones[v]
        xx, yy = x @ x, y @ y
        cross = mean[k, m] - 2 * y @ mean[v, k] - 2 * x @ mean[u, m] + 4 * x @ mean[u, v] @ y
        return float(cross + yy * (ones[k] - 2 * xx) + xx * (ones[m] - 2 * yy) + xx * yy)


@dataclasses.dataclass(frozen=True)
class StreamedMoments:
    """What one pass over paired sources gives.

    `train` and `test` (None without held-out samples) add up to all; `class_means`: per network,
    float64 (n_present, d), of all samples; `rows`: per network, the samples asked for, float64
    (n_rows, d), in the order of the sources; `constant`: per network, numbers of the features that
    are constant up to the rounding of their stored type. They have no variance in any of these: one
    mean in `class_means`, 0 in `rows`.
    """

    train: JointMoments
    test: JointMoments | None
    class_means: tuple[NDArray[np.float64], ...]
    rows: tuple[NDArray[np.float64], ...]
    constant: tuple[tuple[int, ...], ...]

    @property
    def total(self) -> JointMoments:
        """Moments of all samples."""
        return self.train if self.test is None else self.train + self.test


def stream_moments(
    paired: PairedSources,
    held_out: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    progress: Progress,
) -> StreamedMoments:
    """One pass: `StreamedMoments` with `held_out` samples apart and `kept` samples returned.

    Parameters
    ----------
    paired : PairedSources
    held_out, kept : bool (n_samples,)
    progress : Progress
        Advanced by the samples of each block.
    """
    sums = _Sums(paired)
    start = 0
    progress.start("joint moments", paired.n_samples)
    for block in paired.blocks(sums.block_rows):
        part = slice(start, start + len(block[0]))
        sums.add(block, paired.labels[part], held_out[part], kept[part])
        start = part.stop
        progress.advance(len(block[0]))
    progress.finish()
    present = sums.of_class[:, -1] > 0
    means = sums.of_class[present, : len(sums.shift)] / sums.of_class[present, -1:] + sums.shift
    grams = [_symmetric(gram) for gram in sums.grams]
    nothing = np.zeros(len(sums.shift), dtype=np.bool_)
    total = JointMoments(grams[0] + grams[1], sums.shift, sums.widths, nothing)
    centre, variance = total.mean_and_variance()
    constant = _constant(paired, sums, centre, variance)
    train, test = (JointMoments(gram, sums.shift, sums.widths, constant) for gram in grams)
    rows = np.concatenate(sums.rows)
    means[:, constant] = centre[constant]
    # The mean of equal numbers but zeros may be off by a rounding, and leave a variance.
    rows[:, constant] = 0.0
    edges = np.cumsum(sums.widths)[:-1]
    return StreamedMoments(
        train,
        test if held_out.any() else None,
        tuple(np.split(means, edges, axis=1)),
        tuple(np.split(rows, edges, axis=1)),
        tuple(tuple(np.flatnonzero(part).tolist()) for part in np.split(constant, edges)),
    )


def _constant(
    paired: PairedSources,
    sums: "_Sums",
    mean: NDArray[np.float64],
    variance: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Features (p,) whose deviation over all samples their stored type does not resolve."""
    edges = np.cumsum(sums.widths)[:-1]
    squares = np.split(mean**2 + np.maximum(variance, 0.0), edges)
    rounding = np.concatenate(
        [
            stored_precision(source, dtypes).rounding(square)
            for source, dtypes, square in zip(paired.sources, sums.dtypes, squares, strict=True)
        ]
    )
    # Also where float64 products of the mean leave nothing.
    varies = variance > np.maximum(rounding, _CONSTANT * np.abs(mean)) ** 2
    return np.asarray(~varies, dtype=np.bool_)


def constant_notes(constant: Sequence[Sequence[int]]) -> tuple[str, ...]:
    """A sentence for each network with constant features, given by their numbers."""
    return tuple(
        f"network {number}: left out {len(features)} of the features, constant up to the rounding "
        f"of their stored type: {listed_features(features)}"
        for number, features in enumerate(constant, start=1)
        if features
    )


class _Sums:
    """What `stream_moments` adds up: Grams of both parts, class sums, and the rows it keeps."""

    def __init__(self, paired: PairedSources) -> None:
        self.widths = tuple(source.n_features for source in paired.sources)
        side = sum(self.widths) + len(self.widths) + 1
        self.block_rows = max(256, _BLOCK_NUMBERS // side)
        # Only their upper triangles are written.
        self.grams = [np.zeros((side, side), order="F") for _ in range(2)]
        self.of_class = np.zeros((len(paired.sources[0].class_names), side))
        self.shift: NDArray[np.float64] = np.zeros(0)
        self.rows: list[NDArray[np.float64]] = []
        self.dtypes: list[set[np.dtype[Any]]] = [set() for _ in paired.sources]
        self._buffer = np.empty((self.block_rows, side))

    def add(
        self,
        block: tuple[NDArray[np.floating[Any]], ...],
        labels: NDArray[np.int64],
        held_out: NDArray[np.bool_],
        kept: NDArray[np.bool_],
    ) -> None:
        if not self.rows:
            # Any point near the data will do: it keeps large common offsets out of the products.
            self.shift = np.concatenate([x.mean(axis=0, dtype=np.float64) for x in block])
        for dtypes, x in zip(self.dtypes, block, strict=True):
            dtypes.add(x.dtype)
        # Held-out rows go last, so that each part is one contiguous product.
        order = np.argsort(held_out, kind="stable")
        z = _augmented(block, self.shift, order, self._buffer)
        n_train = len(order) - int(held_out.sum())
        for k, section in enumerate((z[:n_train], z[n_train:])):
            if len(section):
                self.grams[k] = dsyrk(1.0, section.T, beta=1.0, c=self.grams[k], overwrite_c=True)
        self.of_class += class_sums(z, labels[order], len(self.of_class))
        self.rows.append(np.concatenate([x[kept] for x in block], axis=1, dtype=np.float64))


def _augmented(
    block: tuple[NDArray[np.floating[Any]], ...],
    shift: NDArray[np.float64],
    order: NDArray[np.int64],
    buffer: NDArray[np.float64],
) -> NDArray[np.float64]:
    z, start = buffer[: len(order)], 0
    z[:, -1] = 1.0
    for number, x in enumerate(block):
        columns = z[:, start : start + x.shape[1]]
        np.subtract(x[order], shift[start : start + x.shape[1]], out=columns)
        z[:, len(shift) + number] = np.einsum("ij,ij->i", columns, columns)
        start += x.shape[1]
    return z


def _symmetric(upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix whose upper triangle dsyrk wrote."""
    full = np.triu(upper)
    return np.asarray(full + np.triu(upper, 1).T, order="C")
