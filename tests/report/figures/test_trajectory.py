import dataclasses

import pytest
from trajectory.runs import FAST, write_run

import ibcollapse as ib
from ibcollapse.errors import InputError
from ibcollapse.report import coincidence_figure, save_figure, trajectory_figure


@pytest.fixture(scope="module", params=["one network", "pair"])
def trajectory(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    files = [write_run(folder / "a.h5", 1, epochs=(0, 1))]
    if request.param == "pair":
        files.append(write_run(folder / "b.h5", 2, epochs=(0, 1)))
    return ib.dynamics(*files, options=FAST)


def test_every_panel_has_the_epochs_or_the_plane(trajectory, tmp_path):
    figure = trajectory_figure(trajectory, title="a $ name")
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert len(titles) == 9
    assert all(titles)
    plane = next(ax for ax in figure.axes if ax.get_title(loc="left") == "information plane")
    own = next(line for line in plane.lines if line.get_label() == "the network")
    assert own.get_xdata() == pytest.approx(trajectory.columns()["own_i_xt"])
    first = save_figure(figure, tmp_path / "one.svg").read_bytes()
    again = trajectory_figure(trajectory, title="a $ name")
    assert save_figure(again, tmp_path / "two.svg").read_bytes() == first


def test_no_legend_covers_a_line(trajectory):
    report = trajectory.checkpoints[-1].coincidence
    for figure in (trajectory_figure(trajectory), coincidence_figure(report)):
        figure.draw_without_rendering()
        for ax in figure.axes:
            inside, legend = ax.get_window_extent(), ax.get_legend()
            label = ax.xaxis.label.get_window_extent()
            if legend is not None:
                assert not legend.get_window_extent().overlaps(inside), ax.get_title(loc="left")
                assert not legend.get_window_extent().overlaps(label), ax.get_title(loc="left")


def test_report_shows_its_sum_and_its_bound(trajectory):
    report = trajectory.checkpoints[-1].coincidence
    figure = coincidence_figure(report)
    rule = figure.axes[1]
    lines = {line.get_label(): line for line in rule.lines}
    assert lines["Σ (β_i − 1)"].get_ydata()[-1] == pytest.approx(report.labels.excess)
    assert lines["bound tr(Σ_W Σ_B⁺)"].get_ydata()[0] == report.labels.bound


def test_missing_measures_leave_words(trajectory):
    report = dataclasses.replace(trajectory.checkpoints[0].coincidence, labels=None, accuracy=None)
    figure = coincidence_figure(report)
    assert "no Gaussian" in figure.axes[1].texts[0].get_text()
    assert figure.axes[3].texts[0].get_text() == "not measured"


def test_empty_trajectory_is_refused(trajectory):
    with pytest.raises(InputError, match="no checkpoint"):
        trajectory_figure(dataclasses.replace(trajectory, checkpoints=()))
