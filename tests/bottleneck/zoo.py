"""A zoo of channels for the bottleneck engine: named families, many sizes, any number of seeds.

A member is named `family/size/seed`, as "sparse_counts/100x20/3"; the name alone says what it is.
`members` spreads any number of them evenly over the families. Only NumPy, SciPy and the data sets
of scikit-learn are used here: nothing of the engine that is tested on them.
"""

import dataclasses
import functools
import math
import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from bottleneck.zoo_closed_forms import (
    ClosedForm,
    binary_input,
    circulant,
    deterministic,
    erasure,
    independent,
    second_correlation,
    symmetric,
)
from bottleneck.zoo_tables import N_TABLES, real_table

Size = tuple[int, ...]
Made = tuple[np.ndarray, ClosedForm]
Maker = Callable[[np.random.Generator, Size, int], Made]

# Larger tables are solved at three betas instead of being traced.
TRACED_POINTS, TRACED_CLASSES = 40, 12
# Betas at which they are solved: shares of (onset − 1) above one, unless the onset is next to one.
BETA_FACTORS = (1.05, 1.6, 4.0)


@dataclasses.dataclass(frozen=True, eq=False)
class Member:
    """One channel of the zoo.

    Attributes
    ----------
    name, family : str
        "family/size/seed", and its first part.
    joint : float64 (n_x, n_y)
        p(x, y), sums to one. Rows and columns may be empty in some families.
    audit : str
        "trace": the whole curve; "betas": `solve` at `BETA_FACTORS`.
    closed : ClosedForm
        What is known of its curve without a solver.
    """

    name: str
    family: str
    joint: np.ndarray
    audit: str
    closed: ClosedForm

    @property
    def size(self) -> Size:
        """(n_x, n_y)."""
        return self.joint.shape

    def betas(self, onset: float) -> tuple[float, ...]:
        """Betas to solve at, given the onset of the first transition."""
        above = onset - 1 if math.isfinite(onset) and onset - 1 > 1e-12 else 1.0
        return tuple(1 + factor * above for factor in BETA_FACTORS)


@dataclasses.dataclass(frozen=True)
class Family:
    """How members of one kind are made, and the sizes that `members` takes in turn."""

    make: Maker
    sizes: tuple[str, ...]
    always_traced: bool = False


def pick(rng: np.random.Generator, seed: int, levels: Sequence[float]) -> float:
    """A level of noise: the levels themselves for the first seeds, then log-uniform in between."""
    if seed < len(levels):
        return levels[seed]
    return float(np.exp(rng.uniform(math.log(min(levels)), math.log(max(levels)))))


def normalised(rows: np.ndarray) -> np.ndarray:
    return rows / rows.sum(axis=-1, keepdims=True)


def make_symmetric(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Every class is confused with every other alike; p(x) uniform."""
    (k,) = size
    error = pick(rng, seed, (0.1, 0.01, 0.3, 1e-3, 0.5))
    mixing = 1 - error * k / (k - 1) if k > 2 else 1 - 2 * min(error, 0.45)
    return (mixing * np.eye(k) + (1 - mixing) / k) / k, symmetric(k, mixing)


def make_hierarchical(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Classes are the leaves of a tree (branches, depth); the nearer in it, the more confused."""
    branches, depth = size
    k = branches**depth
    shares = rng.dirichlet(np.full(depth + 1, 1.5)) if seed else normalised(np.ones(depth + 1))
    rows = np.zeros((k, k))
    for level, share in enumerate(shares):
        block = branches ** (depth - level)
        rows += share * np.kron(np.eye(k // block), np.full((block, block), 1 / block))
    coarsest = float(shares[1:].sum())
    return rows / k, ClosedForm(onset_local=coarsest**-2)


def make_ring(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Classes on a circle, confused with their neighbours; every rotation leaves it the same."""
    (k,) = size
    width = pick(rng, seed, (1.0, 0.5, 0.25, 2.0))
    angles = 2 * np.pi * np.arange(k) / k
    base = normalised(np.exp((np.cos(angles) - 1) / (2 * np.pi * width / k) ** 2))
    return circulant(base)


def make_typewriter(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """A key gives itself or, with some probability (one half at seed 0), the next key."""
    (k,) = size
    base = np.zeros(k)
    base[1] = 0.5 if seed == 0 else float(rng.uniform(0.05, 0.5))
    base[0] = 1 - base[1]
    return circulant(base)


def make_regression(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """y = f(x) + noise in bins: ordered points, ordered classes."""
    n, k = size
    noise = pick(rng, seed, (0.2, 0.1, 0.5, 0.05))
    x = np.linspace(-1, 1, n)
    shapes = (x, np.sin(3 * x), x**3, np.abs(x), np.tanh(4 * x))
    f = shapes[int(rng.integers(len(shapes)))]
    centres = np.linspace(f.min(), f.max(), k)
    rows = normalised(np.exp(-((f[:, None] - centres) ** 2) / (2 * noise**2)))
    return rows / n, ClosedForm()


def make_z_channel(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """One input is never mistaken, the other with probability e; skewed priors."""
    error = pick(rng, seed, (0.3, 0.1, 0.5, 0.9, 0.01))
    prior = 0.5 if seed == 0 else float(rng.uniform(0.02, 0.98))
    return binary_input(prior, np.array([[1.0, 0.0], [error, 1 - error]]))


def make_skewed_binary(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Two points, K classes: a rare one against a common one."""
    (k,) = size
    prior = pick(rng, seed, (0.3, 1e-2, 1e-3, 1e-4))
    error = float(rng.uniform(0.02, 0.3)) if seed else 0.1
    rows = np.array([[1 - error, error], [error, 1 - error]])
    if k > 2:
        rows = rng.dirichlet(np.full(k, 0.7), 2)
    return binary_input(prior, rows)


def make_erasure(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Y = X, or "erased": I(T;Y) = (1 − e) I(X;T) for every T."""
    (k,) = size
    erased = pick(rng, seed, (0.3, 0.1, 0.5, 0.9))
    return erasure(rng.dirichlet(np.full(k, 3.0)) if seed else np.full(k, 1 / k), erased)


def make_deterministic(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Y = f(X), or with a leak of 1e-3 to 1e-10 into random classes."""
    n, k = size
    leaks = (0.0, 1e-3, 1e-4, 1e-6, 1e-8, 1e-9, 1e-10)
    leak = leaks[(seed + n // 6) % len(leaks)]
    labels = np.concatenate([np.arange(k), rng.integers(k, size=n - k)])
    weights = rng.dirichlet(np.ones(n))
    if leak == 0:
        return np.eye(k)[labels] * weights[:, None], deterministic(weights, labels)
    rows = (1 - leak) * np.eye(k)[labels] + leak * rng.dirichlet(np.ones(k), n)
    return rows * weights[:, None], ClosedForm()


def make_blocks(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Groups (how many, points, classes) that no point connects, or next to none."""
    groups, n, k = size
    leak = (0.0, 1e-3, 1e-6, 1e-9)[(seed + groups) % 4]
    joint = np.zeros((groups * n, groups * k))
    for g, weight in enumerate(rng.dirichlet(np.full(groups, 4.0))):
        block = rng.dirichlet(np.full(n * k, 1.0)).reshape(n, k)
        joint[g * n : (g + 1) * n, g * k : (g + 1) * k] = weight * block
    if leak == 0:
        return joint, ClosedForm(onset=1.0, onset_local=1.0)
    # Group against group: what remains of a function of the group is 1 − leak of it.
    leaking = (1 - leak) * joint + leak * np.outer(joint.sum(1), joint.sum(0))
    return leaking, ClosedForm(onset_local=(1 - leak) ** -2)


def make_sparse_counts(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Words by topics, counted: many zeros, many small counts."""
    n, k = size
    total, concentration = 50 * n, float(rng.choice([0.1, 0.2, 0.3]))
    topics = rng.dirichlet(np.full(4, 0.5), n) @ rng.dirichlet(np.full(k, concentration), 4)
    expected = topics * rng.dirichlet(np.ones(n))[:, None]
    counts = rng.multinomial(total, (expected / expected.sum()).ravel()).reshape(n, k)
    return counts[:, counts.sum(axis=0) > 0] / total, ClosedForm()


def make_real(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Tables of data that everybody has (`bottleneck.zoo_tables`), then resamples of them."""
    (table,) = size
    counts = real_table(table)
    if seed:
        total = int(counts.sum())
        p = (counts / total).ravel()
        counts = rng.multinomial(min(total, 10**6), p).reshape(counts.shape)
    return counts / counts.sum(), ClosedForm()


def make_etf(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Posteriors of samples of Gaussian classes whose means are a simplex."""
    n, k = size
    noise = pick(rng, seed, (0.5, 0.3, 0.2, 0.8, 0.12))
    labels = np.arange(n) % k
    x = np.eye(k)[labels] + noise * rng.standard_normal((n, k))
    scores = x / noise**2
    rows = normalised(np.exp(scores - scores.max(axis=1, keepdims=True)))
    return rows / n, ClosedForm()


def make_zipf(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Points as frequent as words: p(x) ∝ 1/rank, over symmetric or random rows."""
    n, k = size
    p_x = normalised(1 / np.arange(1, n + 1))
    error = pick(rng, seed, (0.1, 0.3, 0.01))
    own = np.eye(k)[np.arange(n) % k]
    rest = np.full((n, k), 1 / k) if seed % 2 == 0 else rng.dirichlet(np.ones(k), n)
    return ((1 - error) * own + error * rest) * p_x[:, None], ClosedForm()


def make_colours(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Colour naming: meanings on a lattice in three dimensions, p(u|m) ∝ exp(−|u − m|²/2s²)."""
    width = pick(rng, seed, (0.8, 0.5, 1.2))
    axes = np.meshgrid(*[np.arange(n) for n in size], indexing="ij")
    places = np.stack([axis.ravel() for axis in axes], axis=1).astype(float)
    if seed:
        places += 0.1 * rng.standard_normal(places.shape)
    distances = ((places[:, None] - places) ** 2).sum(axis=2)
    rows = normalised(np.exp(-distances / (2 * width**2)))
    return rows / len(rows), ClosedForm()


def make_dirichlet(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Random rows of one concentration, uneven weights."""
    n, k = size
    rows = rng.dirichlet(np.full(k, pick(rng, seed, (0.5, 1.0, 0.2, 5.0))), n)
    return rows * rng.dirichlet(np.full(n, 2.0))[:, None], ClosedForm()


def make_collapsed(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Posteriors of a network that hardly errs: logits far apart."""
    n, k = size
    logits = pick(rng, seed, (5.0, 10.0, 20.0, 30.0)) * rng.standard_normal((n, k))
    rows = normalised(np.exp(logits - logits.max(axis=1, keepdims=True)))
    return rows / n, ClosedForm()


def make_weak(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Rows close to one another: onsets at large beta. Every fifth is independent."""
    n, k = size
    share = pick(rng, seed, (0.1, 0.03, 0.01, 0.003)) if seed % 5 != 4 else 0.0
    joint = rng.dirichlet(np.full(n * k, 0.7)).reshape(n, k)
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    if share == 0:
        return product, independent()
    return (1 - share) * product + share * joint, ClosedForm()


def make_one_hot(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Points that belong to a class for certain beside soft ones; zeros in many rows."""
    joint, _ = make_dirichlet(rng, size, seed)
    n, k = size
    certain = rng.random(n) < 0.4
    certain[0] = False
    labels = rng.integers(k, size=n)
    joint[certain] = np.eye(k)[labels[certain]] * joint[certain].sum(axis=1)[:, None]
    return joint, ClosedForm()


def make_empty(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Points of no weight and a class that never occurs."""
    joint, _ = make_dirichlet(rng, size, seed)
    joint[rng.random(len(joint)) < 0.2] = 0.0
    joint = np.insert(joint, int(rng.integers(joint.shape[1] + 1)), 0.0, axis=1)
    if not joint.any():
        joint[0, :] = 1.0
    return joint / joint.sum(), ClosedForm()


def make_near_twins(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Rows that occur twice up to a relative 1e-14, 1e-12, 1e-9 or 1e-6."""
    joint, _ = make_dirichlet(rng, size, seed)
    nudge = (1e-12, 1e-9, 1e-6, 1e-14)[seed % 4] * rng.standard_normal(joint.shape)
    both = np.concatenate([joint, joint * (1 + nudge)])
    return both / both.sum(), ClosedForm()


# What `duplicated` and `permuted` are made of.
_BASES = ("symmetric/4", "ring/6", "hierarchical/2x2", "z_channel/2", "dirichlet/8x4", "etf/15x3")


def _base(rng: np.random.Generator, size: Size, seed: int) -> Member:
    return member(f"{_BASES[size[0]]}/{seed}")


def make_duplicated(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """A member with rows and columns parted in equal ones; its curve stays."""
    base = _base(rng, size, seed)
    joint = base.joint
    for axis in (0, 1):
        n = joint.shape[axis]
        copies = np.concatenate([np.arange(n), rng.integers(n, size=max(1, n // 2))])
        shares = rng.uniform(0.2, 1.0, len(copies))
        shares /= np.bincount(copies, shares)[copies]
        joint = np.take(joint, copies, axis) * (shares[:, None] if axis == 0 else shares)
    return joint, base.closed


def make_permuted(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """A member with its rows and columns in another order; its curve stays."""
    base = _base(rng, size, seed)
    return base.joint[rng.permutation(len(base.joint))][
        :, rng.permutation(base.joint.shape[1])
    ], base.closed


def make_textbook(rng: np.random.Generator, size: Size, seed: int) -> Made:
    """Tables that were written about, or that once failed; any seed gives the same."""
    (which,) = size
    if which == 0:
        columns = np.array([[0.7, 0.3, 0.075], [0.15, 0.5, 0.025], [0.15, 0.2, 0.9]])
        # Wu, Fischer, Chuang and Tegmark (2019); two transitions known to six digits.
        return columns.T / 3, ClosedForm(onset=1.937899, onset_local=2.073443, digits=6e-7)
    if which == 1:
        # Six of six random starts of Blahut–Arimoto miss its optimum at beta = 3.
        return np.random.default_rng(1).dirichlet(np.full(40, 0.5)).reshape(8, 5), ClosedForm()
    if which == 2:
        return binary_input(0.5, np.array([[0.499, 0.501], [0.501, 0.499]]))
    if which == 3:
        return binary_input(1e-4, np.array([[0.9, 0.1], [0.1, 0.9]]))
    # One channel, uniform, with three equal rows beside another.
    rows = np.array([[0.6, 0.4], [0.6, 0.4], [0.6, 0.4], [0.1, 0.9]])
    return rows / 4, ClosedForm(onset_local=second_correlation(rows / 4) ** -2)


FAMILIES: dict[str, Family] = {
    "symmetric": Family(
        make_symmetric,
        ("3", "2", "5", "10", "4", "24", "8", "30", "12", "50", "6", "64", "100"),
        always_traced=True,
    ),
    "hierarchical": Family(make_hierarchical, ("2x2", "3x2", "2x3", "4x2", "2x4", "3x3", "2x5")),
    "ring": Family(make_ring, ("4", "6", "5", "8", "12", "9", "24", "60")),
    "typewriter": Family(make_typewriter, ("4", "3", "5", "8", "6", "12", "10", "26")),
    "regression": Family(make_regression, ("6x3", "12x4", "20x6", "40x10", "100x20", "300x30")),
    "z_channel": Family(make_z_channel, ("2",)),
    "skewed_binary": Family(make_skewed_binary, ("2", "3", "5")),
    "erasure": Family(make_erasure, ("2", "3", "5", "10", "30")),
    "deterministic": Family(make_deterministic, ("6x3", "12x4", "30x6", "40x10", "200x20")),
    "blocks": Family(make_blocks, ("2x2x2", "3x4x2", "2x6x3", "4x8x3", "5x30x4")),
    "sparse_counts": Family(
        make_sparse_counts, ("10x4", "12x6", "20x8", "40x12", "10x30", "100x20", "200x20", "400x30")
    ),
    "real": Family(make_real, tuple(str(i) for i in range(N_TABLES))),
    "etf": Family(make_etf, ("12x3", "15x4", "40x5", "40x10", "300x10", "1000x10")),
    "zipf": Family(make_zipf, ("4x4", "6x4", "12x5", "30x10", "30x30", "200x20")),
    "colours": Family(make_colours, ("2x2x2", "2x2x3", "3x3x3", "4x4x4", "5x5x5")),
    "dirichlet": Family(
        make_dirichlet, ("4x3", "6x3", "10x4", "12x5", "30x6", "40x12", "100x10", "60x40")
    ),
    "collapsed": Family(make_collapsed, ("6x3", "12x4", "30x6", "40x10", "300x12")),
    "weak": Family(make_weak, ("4x3", "8x4", "12x5", "30x6", "100x10")),
    "one_hot": Family(make_one_hot, ("5x3", "10x4", "12x5", "30x6", "40x12", "100x12")),
    "empty": Family(make_empty, ("6x3", "10x4", "30x6", "100x10")),
    "near_twins": Family(make_near_twins, ("4x3", "6x4", "15x5", "40x8")),
    "duplicated": Family(make_duplicated, tuple(str(i) for i in range(len(_BASES)))),
    "permuted": Family(make_permuted, tuple(str(i) for i in range(len(_BASES)))),
    "textbook": Family(make_textbook, ("0", "1", "2", "3", "4")),
}


@functools.lru_cache(maxsize=64)
def member(name: str) -> Member:
    """The member of this name, "family/size/seed": always the same bits.

    Raises
    ------
    ValueError
        When the name has another form or the family is unknown.
    """
    parts = name.split("/")
    if len(parts) != 3 or parts[0] not in FAMILIES:
        raise ValueError(
            f"{name!r} is no member of the zoo: expected family/size/seed with a family of "
            + ", ".join(FAMILIES)
        )
    family = FAMILIES[parts[0]]
    size, seed = tuple(int(n) for n in parts[1].split("x")), int(parts[2])
    rng = np.random.default_rng([zlib.crc32(parts[0].encode()), *size, seed])
    joint, closed = family.make(rng, size, seed)
    joint = np.ascontiguousarray(joint / joint.sum())
    joint.setflags(write=False)
    n_x, n_y = joint.shape
    is_traced = family.always_traced or (n_x <= TRACED_POINTS and n_y <= TRACED_CLASSES)
    return Member(name, parts[0], joint, "trace" if is_traced else "betas", closed)


def names(
    n: int, *, seed: int = 0, families: Sequence[str] | None = None, most_cells: float = math.inf
) -> Iterator[str]:
    """Names of `n` members, families in turn, each through its sizes and then on to new seeds.

    `most_cells` leaves out sizes whose tables have more entries; a family of which nothing is
    left is left out.
    """
    sizes = {
        family: kept
        for family in families or FAMILIES
        if (kept := [s for s in FAMILIES[family].sizes if _cells(family, s) <= most_cells])
    }
    order = list(sizes)
    for i in range(n):
        family, turn = order[i % len(order)], i // len(order)
        round_, at = divmod(turn, len(sizes[family]))
        yield f"{family}/{sizes[family][at]}/{1000 * seed + round_}"


def members(
    n: int, *, seed: int = 0, families: Sequence[str] | None = None, most_cells: float = math.inf
) -> Iterator[Member]:
    """`n` members spread evenly over the families; see `names`."""
    return map(member, names(n, seed=seed, families=families, most_cells=most_cells))


@functools.lru_cache
def _cells(family: str, size: str) -> int:
    return int(member(f"{family}/{size}/0").joint.size)
