"""Units that flip by one last bit separate no classes and correlate no networks."""

import dataclasses

import numpy as np
import pytest
from coincidence.designs import simplex_network

import ibcollapse.coincidence as coincidence
from ibcollapse.coincidence.label_bottleneck import label_bottleneck
from ibcollapse.coincidence.mode_accuracy import label_mode_accuracy
from ibcollapse.features import open_features
from ibcollapse.progress import SILENT

QUICK = {"n_bootstrap": 0, "confidence": 0.9}


def flipping(seed=0):
    """A float16 network, and the same with a unit that tells class 0 by its last bit."""
    x, y = simplex_network(4, 0.3)
    x = np.tile(x, (10, 1)) + 0.01 * np.random.default_rng(seed).normal(size=(10 * len(x), 3))
    y = np.tile(y, 10)
    x = x.astype(np.float16)
    one = np.float16(1)
    told = np.where(y == 0, one, np.nextafter(one, np.float16(2)))[:, None]
    return x, np.hstack([x, told]), y


@pytest.mark.parametrize("shrinkage", [0.0, 0.2])
def test_a_last_bit_is_no_direction_that_determines_the_labels(shrinkage):
    plain, told, y = flipping()
    rng = np.random.default_rng(0)
    found, without = (
        label_bottleneck(
            open_features((x, y)), shrinkage=shrinkage, rng=rng, progress=SILENT, **QUICK
        )
        for x in (told, plain)
    )
    assert (found.constant, without.constant) == ((3,), ())
    np.testing.assert_allclose(found.critical_betas, without.critical_betas, rtol=1e-9)
    accuracy, expected = (
        label_mode_accuracy(
            open_features((x, y)),
            folds=4,
            shrinkage=shrinkage,
            rng=np.random.default_rng(1),
            progress=SILENT,
        ).mean
        for x in (told, plain)
    )
    np.testing.assert_allclose(accuracy, expected, atol=1e-12)


def test_the_report_names_them_and_no_proxy_sees_them():
    _, told, y = flipping()
    _, other, _ = flipping(seed=1)
    options = dataclasses.replace(
        coincidence.CoincidenceOptions(),
        n_bootstrap=0,
        n_permutations=0,
        n_resamples=0,
        folds=3,
        shrinkage=0.1,
        n_points=3,
    )
    rng = np.random.default_rng(2)
    other[:, :3] = rng.normal(size=(len(y), 3)).astype(np.float16) + 3 * np.eye(4, 3)[y]
    found = coincidence.measure_coincidence((told, y), (other, y), options=options)
    assert [note[:9] for note in found.notes] == ["network 1", "network 2"]
    for proxy in (found.pair, found.meta_gaussian):
        assert proxy.critical_betas.min() > 1.01
