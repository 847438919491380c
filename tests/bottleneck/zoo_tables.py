"""Tables of real data for the zoo: data sets that come with scikit-learn, and printed tables."""

import functools

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_linnerud, load_wine

# Hair by eye colour of 592 students (Snee 1974).
HAIR_EYE = ((68, 20, 15, 5), (119, 84, 54, 29), (26, 17, 14, 14), (7, 94, 10, 16))
# Class by lost or saved on the Titanic (Dawson 1995).
TITANIC = ((122, 203), (167, 118), (528, 178), (673, 212))
# Department by admitted or rejected, Berkeley 1973 (Bickel, Hammel and O'Connell 1975).
BERKELEY = ((601, 332), (370, 215), (322, 596), (269, 523), (147, 437), (46, 668))
# Staff group by smoking: none, light, medium, heavy (Greenacre 1984).
SMOKERS = ((4, 2, 3, 2), (4, 3, 7, 4), (25, 10, 12, 4), (18, 24, 33, 13), (10, 6, 7, 2))


def binned_against_class(data: np.ndarray, labels: np.ndarray, bins: int) -> np.ndarray:
    """Counts of (feature, quantile bin) by class: every feature of every sample counts once."""
    counts = []
    for feature in data.T:
        edges = np.quantile(feature, np.linspace(0, 1, bins + 1)[1:-1])
        table = np.zeros((bins, labels.max() + 1), dtype=np.int64)
        np.add.at(table, (np.searchsorted(edges, feature), labels), 1)
        counts.append(table)
    return np.concatenate(counts)


def class_by_pixel() -> np.ndarray:
    """Ink of each digit in each of the 64 pixels, (10, 64)."""
    digits = load_digits()
    table = np.zeros((10, 64))
    np.add.at(table, digits.target, digits.data)
    return table.astype(np.int64)


def quantiles_by_quantiles(x: np.ndarray, y: np.ndarray, bins: int) -> np.ndarray:
    def binned(values: np.ndarray) -> np.ndarray:
        edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
        return np.searchsorted(edges, values)

    table = np.zeros((bins, bins), dtype=np.int64)
    np.add.at(table, (binned(x), binned(y)), 1)
    return table


def _iris(bins: int) -> np.ndarray:
    return binned_against_class(*load_iris(return_X_y=True), bins)


def _wine(bins: int) -> np.ndarray:
    data, labels = load_wine(return_X_y=True)
    return binned_against_class(data[:, :4], labels, bins)


def _cancer(bins: int) -> np.ndarray:
    data, labels = load_breast_cancer(return_X_y=True)
    return binned_against_class(data[:, :10], labels, bins)


def _petals() -> np.ndarray:
    data = load_iris().data
    return quantiles_by_quantiles(data[:, 2], data[:, 3], 6)


def _gymnasts() -> np.ndarray:
    """Twenty men by their exercises and bodies: a dense table of measurements, (20, 6)."""
    both = load_linnerud()
    return np.hstack([both.data, both.target]).astype(np.int64)


_TABLES = (
    lambda: np.array(HAIR_EYE),
    lambda: np.array(TITANIC),
    lambda: np.array(BERKELEY),
    lambda: np.array(SMOKERS),
    lambda: _iris(4),
    _petals,
    lambda: _wine(6),
    lambda: _cancer(4),
    _gymnasts,
    lambda: class_by_pixel().T,
    class_by_pixel,
)
N_TABLES = len(_TABLES)


@functools.cache
def real_table(which: int) -> np.ndarray:
    """Counts, (n_x, n_y), without empty rows or columns."""
    counts = _TABLES[which]()
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    counts.setflags(write=False)
    return counts
