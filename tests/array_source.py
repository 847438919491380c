"""A feature source of arrays that allows what files do not: absent and single-sample classes."""

import numpy as np


class ArraySource:
    classifier = ids = logits = layer = epoch = split = contents = None
    description, fingerprint = "arrays", "0" * 64

    def __init__(self, x, labels, *, n_classes=None):
        self.x, self.labels = np.asarray(x), np.asarray(labels, dtype=np.int64)
        n_classes = int(self.labels.max()) + 1 if n_classes is None else n_classes
        self.class_names = tuple(str(code) for code in range(n_classes))
        self.n_samples, self.n_features = self.x.shape

    def chunks(self, rows=None):
        rows = rows or self.n_samples
        for start in range(0, self.n_samples, rows):
            yield self.x[start : start + rows], self.labels[start : start + rows]

    def select(self, *, layer=None, epoch=None, split=None):
        return self
