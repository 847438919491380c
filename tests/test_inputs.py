"""Every public function takes paths, arrays and tensors, and gives the same for all of them."""

import dataclasses

import h5py
import numpy as np
import pytest

import ibcollapse as ib
from ibcollapse.errors import IBCollapseError

QUICK = {"n_points": 4, "max_loss": 0.2, "fraction": 0.3}
FEW = ib.CoincidenceOptions(n_bootstrap=5, n_resamples=0, n_points=3, max_rows=10, max_clusters=2)

OF_FEATURES = {
    "curve": lambda f: ib.curve(f, **QUICK).curve.i_xy,
    "align": lambda f: ib.align(f, f, n_bootstrap=5).whole.cka.value,
    "align_many": lambda f: ib.align_many([f, f, f]).deviation[0],
    "collapse_geometry": lambda f: ib.collapse_geometry(f).nc1,
    "matrix_information": lambda f: ib.matrix_information(f).mir,
    "effective_ranks": lambda f: ib.matrix_information.effective_ranks(f).rankme,
    "measure_coincidence": lambda f: ib.measure_coincidence(f, options=FEW).geometry.nc1,
    "dynamics": lambda f: ib.dynamics(f, options=FEW).columns()["nc1"][0],
    "cross_fit": lambda f: ib.cross_fit(f).fit.i_xy_held_out,
    "fit_gaussian": lambda f: ib.fit_gaussian(f).i_xy_held_out,
    "inspect_features": lambda f: ib.inspect_features(f).chosen.n_samples,
}
OF_TABLES = {
    "solve": lambda t: ib.solve(t, 3.0).i_ty,
    "solve_rate": lambda t: ib.solve_rate(t, i_xt=0.1).i_ty,
    "solve_relevance": lambda t: ib.solve_relevance(t, i_ty=0.05).i_xt,
    "solve_convex": lambda t: ib.solve_convex(t, 0.5).objective,
    "trace_curve": lambda t: ib.trace_curve(t, n_points=4).i_xy,
    "find_transitions": lambda t: ib.find_transitions(t, n_points=4)[0].beta,
    "certify": lambda t: ib.certify(t, [1.0], np.full((1, 3), 1 / 3), 2.0).gap,
    "curve": lambda t: ib.curve(ib.Channel.from_joint(t), n_points=4).curve.i_xy,
}


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = (2 * np.eye(3, 4)[y] + rng.normal(size=(60, 4))).astype(np.float32)
    path = tmp_path_factory.mktemp("inputs") / "a.h5"
    with h5py.File(path, "w") as file:
        file["features"], file["labels"] = x, y
    return x, y, path


@pytest.mark.parametrize("name", OF_FEATURES)
def test_a_path_a_pair_and_a_source_are_the_same(features, name):
    x, y, path = features
    call = OF_FEATURES[name]
    expected = call((x, y))
    assert call(path) == expected
    assert call(str(path)) == expected
    if name != "inspect_features":
        assert call(ib.open_features((x, y))) == expected


@pytest.mark.torch
@pytest.mark.parametrize("name", OF_FEATURES)
def test_tensors_are_arrays_also_those_with_gradients(features, name):
    torch = pytest.importorskip("torch")
    x, y, _ = features
    pair = (torch.tensor(x, requires_grad=True), torch.tensor(y))
    assert OF_FEATURES[name](pair) == OF_FEATURES[name]((x, y))


@pytest.mark.torch
@pytest.mark.parametrize("name", OF_TABLES)
def test_a_joint_table_may_be_an_array_a_tensor_or_a_channel(name):
    torch = pytest.importorskip("torch")
    table = (0.5 * np.eye(3) + 0.5 / 3) / 3
    call = OF_TABLES[name]
    expected = call(table)
    assert call(torch.tensor(table, requires_grad=True)) == expected
    assert call(table.tolist()) == expected
    if name != "curve":
        assert call(ib.Channel.from_joint(table)) == expected


def test_a_joint_table_may_be_a_file(tmp_path):
    table = (0.5 * np.eye(3) + 0.5 / 3) / 3
    np.save(tmp_path / "joint.npy", table)
    assert ib.solve(tmp_path / "joint.npy", 4.5).i_ty == ib.solve(table, 4.5).i_ty


def test_a_file_of_numbers_that_do_not_sum_to_one_may_have_been_meant_as_a_joint_table(tmp_path):
    np.save(tmp_path / "joint.npy", 0.96 * (0.5 * np.eye(3) + 0.5 / 3) / 3)
    with pytest.raises(IBCollapseError, match=r"no labels .* joint=True .* it sums to 0\.96$"):
        ib.curve(tmp_path / "joint.npy")
    np.save(tmp_path / "features.npy", np.random.default_rng(0).normal(size=(20, 3)))
    with pytest.raises(IBCollapseError) as refused:
        ib.curve(tmp_path / "features.npy")
    assert "joint table" not in str(refused.value)


def test_whole_numbers_are_features_unless_said_to_be_a_joint_table(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = rng.integers(0, 9, size=(60, 3)) + 5 * np.eye(3, dtype=int)[y]
    np.save(tmp_path / "train_features.npy", x)
    np.save(tmp_path / "train_labels.npy", y)
    found = ib.curve(tmp_path / "train_features.npy", time_limit=1e-3)
    assert found.fit is not None
    assert found.channel.h_y == pytest.approx(np.log(3), abs=0.1)
    table = ib.curve(tmp_path / "train_features.npy", joint=True, time_limit=1e-3)
    assert table.fit is None
    assert table.channel.i_xy == pytest.approx(ib.Channel.from_joint(x).i_xy, abs=1e-14)


def test_counts_need_a_word_where_features_might_be_meant(tmp_path):
    (tmp_path / "t.csv").write_text("30,5\n4,25\n")
    with pytest.raises(IBCollapseError, match=r"sum to 64; a joint table .* joint=True \(--joint"):
        ib.curve(tmp_path / "t.csv")
    counts = ib.Channel.from_joint([[30, 5], [4, 25]])
    assert ib.curve(tmp_path / "t.csv", joint=True).channel.i_xy == counts.i_xy
    assert ib.onset_beta(tmp_path / "t.csv") == ib.onset_beta(counts)
    with pytest.raises(IBCollapseError, match="expected the path of a file"):
        ib.curve(([[0.0], [1.0]], [0, 1]), joint=True)


@pytest.mark.torch
def test_gaussian_bottlenecks_take_tensors():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    y = x[:, :2] + rng.normal(size=(80, 2))
    ours = ib.GaussianIB.from_samples(x, y).critical_betas
    theirs = ib.GaussianIB.from_samples(torch.tensor(x, requires_grad=True), torch.tensor(y))
    assert np.array_equal(theirs.critical_betas, ours)
    rho = torch.tensor([0.9, 0.5], dtype=torch.float64, requires_grad=True)
    found = ib.GaussianIB.from_correlations(rho).critical_betas
    assert found == pytest.approx([1 / 0.81, 4.0], rel=1e-12)


@pytest.mark.parametrize("call", [*OF_FEATURES.values(), *OF_TABLES.values()])
def test_what_is_none_of_these_is_a_clear_error(call):
    with pytest.raises(IBCollapseError):
        call(3.0)


def test_a_table_that_is_no_joint_one_says_what_is_expected():
    with pytest.raises(IBCollapseError, match="divide it by its sum"):
        ib.solve(np.eye(3), 2.0)


def test_results_stay_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ib.solve(np.eye(2) / 2, 2.0).beta = 3.0
