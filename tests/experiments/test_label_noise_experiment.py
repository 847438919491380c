import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.experiments import label_noise
from benchmarks.experiments.label_noise_growth import measure_growth

pytestmark = pytest.mark.torch

STEPS = 100.0 * np.array([[10, 11, 9], [15, 14, 16], [22, 21, 20], [30, 33, 31], [60, 50, 55.0]])


def test_steps_of_a_run_that_never_fits_leave_out_the_rest_of_each_epoch():
    # 500 samples in batches of 64: 7 steps an epoch.
    assert label_noise.last_step("ce", 0.8) == 7 * 1000
    assert label_noise.last_step("supcon", 0.6) == 7 * 1000
    assert label_noise.last_step("supcon", 0.8) == 7 * 4000


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_runs_that_never_fit_are_counted_with_the_steps_they_had(seeds, monkeypatch, capsys):
    def quickly(noise, steps, *, n_draws, generator):
        return measure_growth(noise, steps, n_draws=5, generator=generator)

    monkeypatch.setattr(label_noise, "measure_growth", quickly)
    unfitted, least = STEPS.copy(), STEPS.copy()
    unfitted[-1, seeds], least[-1, seeds] = np.nan, 28000.0
    label_noise.print_growth({"supcon": unfitted})
    without, bound = capsys.readouterr().out.splitlines()[-2:]
    label_noise.print_growth({"supcon": least})
    whole = capsys.readouterr().out.splitlines()[-1]
    assert bound == whole.replace("| supcon |", "| supcon, at least |")
    assert without.startswith("| supcon | 0 to 0.6 |")
