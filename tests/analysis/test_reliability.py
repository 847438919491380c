import numpy as np
import pytest

from ibcollapse.analysis.reliability import measure_reliability
from ibcollapse.features import open_features
from ibcollapse.gaussian import cross_fit


@pytest.fixture(scope="module", params=["empirical", "uniform"])
def posterior(request):
    """Held-out posteriors of three overlapping classes of 60, 40 and 20 samples."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), (60, 40, 20))
    x = 2.0 * np.eye(3, 4)[y] + rng.normal(size=(120, 4))
    return cross_fit(open_features((x, y)), priors=request.param).posterior


def test_the_bins_add_up_to_the_calibration_error_and_the_accuracy(posterior):
    found = measure_reliability(posterior)
    # Sums of 120 terms in another order.
    assert found.calibration_error == pytest.approx(posterior.calibration_error, rel=1e-12)
    assert found.weight.sum() == pytest.approx(1.0, rel=1e-12)
    assert np.nansum(found.weight * found.accuracy) == pytest.approx(posterior.accuracy, rel=1e-12)
    assert found.n == 120


def test_a_bin_is_the_mean_of_its_rows(posterior):
    found = measure_reliability(posterior)
    stated = np.exp(posterior.log_p_y_given_x).max(axis=1)
    right = posterior.log_p_y_given_x.argmax(axis=1) == posterior.labels
    for i, (confidence, accuracy) in enumerate(zip(found.confidence, found.accuracy, strict=True)):
        inside = (stated >= i / 15) & ((stated < (i + 1) / 15) | (i == 14))
        if not inside.any():
            assert np.isnan(confidence)
            continue
        weights = posterior.p_x[inside]
        assert confidence == pytest.approx(np.average(stated[inside], weights=weights), rel=1e-12)
        assert accuracy == pytest.approx(np.average(right[inside], weights=weights), abs=1e-12)
