import subprocess
import sys

import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse.errors import InputError

pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def symmetric():
    """W = I/2 + 1/6 of three classes: a jump, so that two points share a beta."""
    channel = ib.Channel.from_joint((0.5 * np.eye(3) + 0.5 / 3) / 3, class_names=["a", "b", "c"])
    return ib.trace_curve(channel, n_points=5)


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    return 2.0 * np.eye(3, 4)[y] + rng.normal(size=(90, 4)), np.array(["x", "y", "z"])[y]


def test_a_curve_is_a_dataset_whose_decoders_give_its_information_back(symmetric):
    pytest.importorskip("xarray")
    found = symmetric.to_xarray()
    assert dict(found.sizes)["point"] == len(symmetric.solutions)
    assert found["beta"].to_numpy().tolist() == symmetric.beta.tolist()
    # I(T;Y) = Σ p(t) p(y|t) log p(y|t)/p(y), with p(y) uniform.
    r = found["p_y_given_t"]
    again = (found["p_t"] * (r * np.log(r * 3)).sum("class_name")).sum("cluster")
    assert again.to_numpy() == pytest.approx(symmetric.i_ty, abs=1e-10)
    assert found["class_name"].to_numpy().tolist() == ["a", "b", "c"]
    assert found.attrs["units"] == "nats"


def test_transitions_are_a_frame(symmetric):
    frame = symmetric.transitions_to_pandas()
    assert frame["beta"].tolist() == [t.beta for t in symmetric.transitions]
    assert frame["separates"][0] == (("a",), ("b",), ("c",))
    assert list(symmetric.to_pandas()["i_ty"]) == symmetric.i_ty.tolist()


def test_a_geometry_report_is_a_frame_of_classes_and_a_dataset_of_grams(features):
    pytest.importorskip("xarray")
    report = ib.collapse_geometry(features)
    assert report.to_pandas()["count"].tolist() == [30, 30, 30]
    found = report.to_xarray()
    assert found["gram"].sel(class_name="x", other="z").item() == report.gram[0, 2]
    assert found.attrs["nc1"] == report.nc1


def test_a_bootstrap_is_a_frame_of_intervals_and_a_dataset_of_resamples(features):
    pytest.importorskip("xarray")
    found = ib.curve(features, max_loss=0.2, n_points=4, fraction=0.3, bootstrap=2).bootstrap
    frame = found.to_pandas()
    assert frame[["low", "high"]].to_numpy().tolist() == found.beta_intervals.tolist()
    dataset = found.to_xarray()
    assert dataset["i_ty"].dims == ("resample", "rate")
    assert dataset["band"].sel(end="high").to_numpy() == pytest.approx(
        found.band[:, 1], nan_ok=True
    )


def test_any_results_are_rows_of_their_single_values(features):
    x, y = features
    reports = [ib.collapse_geometry((scale * x, y)) for scale in (1.0, 2.0)]
    frame = ib.to_pandas(*reports)
    assert frame["nc1"].tolist() == [report.nc1 for report in reports]
    assert frame["simplex_fit.residual"][0] == reports[0].simplex_fit.residual
    assert "gram" not in frame


@pytest.mark.parametrize("thing", [3.0, "text", ib.GeometryReport])
def test_what_is_no_result_is_refused(thing):
    with pytest.raises(InputError, match="no result"):
        ib.to_pandas(thing)


@pytest.mark.parametrize(("package", "method"), [("pandas", "to_pandas"), ("xarray", "to_xarray")])
def test_without_the_extra_the_error_names_it(package, method):
    program = f"""
import sys
sys.modules["{package}"] = None
import ibcollapse as ib
from ibcollapse.errors import MissingExtraError
curve = ib.trace_curve(ib.Channel.from_joint([[0.45, 0.05], [0.05, 0.45]]), n_points=3)
try:
    curve.{method}()
except MissingExtraError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert "needs the extra 'frames': pip install pandas xarray\n" in done.stdout.decode()
