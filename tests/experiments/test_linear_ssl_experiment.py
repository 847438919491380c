import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

torch = pytest.importorskip("torch")

from benchmarks.experiments import linear_ssl  # noqa: E402
from benchmarks.experiments.linear_ssl_figure import Lines, draw  # noqa: E402
from benchmarks.experiments.published_vicreg import vicreg_variances  # noqa: E402
from ibcollapse.nn import vicreg_loss  # noqa: E402
from ibcollapse.nn.datasets import load_dataset  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    path = tmp_path_factory.mktemp("digits") / "centred.npz"
    linear_ssl.write_centred_digits(path)
    return path


def test_digits_are_centred_by_their_training_mean(digits):
    centred, plain = load_dataset(str(digits)), load_dataset("digits")
    assert centred.train.inputs.mean(dim=0).abs().max() < 1e-6
    shift = plain.train.inputs - centred.train.inputs
    torch.testing.assert_close(shift, shift[:1].expand_as(shift))
    torch.testing.assert_close(plain.test.inputs - centred.test.inputs, shift[: len(plain.test)])


@pytest.mark.parametrize("noise_share", [0.1, 0.25, 0.4, 0.9])
def test_published_vicreg_variance_minimises_the_loss_of_one_output(noise_share):
    def loss(g):
        return 25 * (2 * noise_share * g + max(0.0, 1 - np.sqrt(g + 1e-4)))

    best = minimize_scalar(loss, bounds=(0, 2), method="bounded", options={"xatol": 1e-10}).x
    found = vicreg_variances(np.array([[1 - noise_share]]), np.array([[noise_share]]), n_outputs=1)
    assert found == pytest.approx([best], abs=1e-6)


def test_that_loss_of_one_output_is_the_library_s():
    rng = np.random.default_rng(0)
    n, noise_share, deviation = 200_000, 0.4, 0.7
    signal = np.sqrt(1 - noise_share) * rng.normal(size=n)
    views = [
        torch.from_numpy(deviation * (signal + np.sqrt(noise_share) * rng.normal(size=n)))[:, None]
        for _ in range(2)
    ]
    expected = 25 * (2 * noise_share * deviation**2 + 1 - np.sqrt(deviation**2 + 1e-4))
    # 2e5 samples leave 0.3 % of a variance.
    assert vicreg_loss(*views).item() == pytest.approx(expected, rel=0.01)


def test_with_a_direction_each_no_output_of_published_vicreg_collapses():
    found = vicreg_variances(np.diag([1.0, 1e-3, 1e-9]), np.eye(3), n_outputs=3)
    assert found.min() == pytest.approx(1 / 16 - 1e-4, rel=1e-6)


def test_trained_variances_meet_the_prediction(digits, tmp_path):
    sweep = dataclasses.replace(linear_ssl.SWEEPS["spectral"], n_epochs=20)
    row = linear_ssl.compared(sweep, 0.5, digits, tmp_path)
    assert row["predicted"] == sorted(row["predicted"], reverse=True)
    assert row["learned"] == pytest.approx(row["predicted"], abs=0.05)


def test_summary_counts_directions_and_distances():
    rows = [
        {"strength": 0.1, "predicted": [0.5, 0.2], "learned": [0.5, 0.1]},
        {"strength": 0.2, "predicted": [0.4, 0.0], "learned": [0.4, 0.0]},
    ]
    found = linear_ssl.summary("sweep", rows)
    assert found["rms difference"] == "0.0500"
    assert found["largest difference"] == "0.1000"
    assert found["directions predicted"] == "2 1"
    assert found["directions learned"] == "2 1"


def test_collapse_under_noise_is_where_it_meets_the_variance_of_the_data():
    # At α = 2 a direction collapses where 2c = a + c: at a noise variance of a.
    a0 = np.diag([0.81, 0.49, 0.25, 0.04, 0.0])
    found = linear_ssl.lines(linear_ssl.SWEEPS["like"], a0)
    # 0.2 is inside the grid too; a direction without data is never learned.
    assert sorted(found.thresholds) == pytest.approx([0.2, 0.5, 0.7, 0.9], rel=1e-9)
    at = np.searchsorted(found.strengths, 0.6)
    assert np.sum(found.variances[at] > 0) == 2
    assert linear_ssl.lines(linear_ssl.SWEEPS["decay"], a0) is None


def test_the_figure_has_a_line_and_marks_a_direction():
    rows = [{"strength": s, "predicted": [s, 0.1], "learned": [s, 0.2]} for s in (0.5, 1.0)]
    grid = np.array([0.5, 0.7, 1.0])
    dense = Lines(grid, np.ones((3, 2)), np.array([0.6, 0.8]))
    figure = draw([("a", rows, dense), ("b", rows, None)])
    assert len(figure.axes) == 2
    # The second panel: a line and marks each; the first also two thresholds and the legend's two.
    assert len(figure.axes[1].lines) == 4
    assert len(figure.axes[0].lines) == 8
