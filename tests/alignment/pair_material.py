import numpy as np

from ibcollapse.alignment import align


def labels_of(n, n_classes=2):
    return np.arange(n) % n_classes


def whole(a, b, **options):
    for name, value in {"n_permutations": 0, "n_bootstrap": 0, "held_out": 0.0}.items():
        options.setdefault(name, value)
    y = labels_of(len(a))
    return align((a, y), (b, y), **options).whole
