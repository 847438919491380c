import contextlib
import errno
import json
import math
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import ibcollapse as ib
from ibcollapse_cli.main import main

# BSC(0.1), uniform input: Mrs Gerber's lemma, in bits.
BSC = [[0.45, 0.05], [0.05, 0.45]]


@pytest.fixture
def features(tmp_path):
    """Three well separated classes in four dimensions, 60 rows each."""
    rng = np.random.default_rng(0)
    y = np.arange(180) % 3
    x = np.eye(3, 4)[y] * 2.0 + rng.normal(size=(180, 4))
    path = tmp_path / "features.h5"
    with h5py.File(path, "w") as file:
        file["features"], file["labels"] = x.astype(np.float32), y
    return path


@pytest.fixture
def table(tmp_path):
    np.save(tmp_path / "joint.npy", np.array(BSC))
    return tmp_path / "joint.npy"


def run(command, *arguments, where):
    with contextlib.chdir(where):
        return CliRunner().invoke(main, [command, *map(str, arguments)])


def test_main_job_writes_table_pictures_and_a_result_that_loads(features, tmp_path):
    result = run("curve", features, where=tmp_path)
    assert result.exit_code == 0, result.output
    folder = tmp_path / "ibcollapse_features"
    assert sorted(p.name for p in folder.iterdir()) == [
        "curve.h5", "curve.png", "curve.svg", "tree.png", "tree.svg"
    ]  # fmt: skip
    analysis = ib.load_result(folder / "curve.h5")
    for transition in analysis.transitions:
        assert f"{transition.beta:.10g}" in result.stdout
    assert analysis.curve.status == "converged"


def test_a_joint_table_is_said_to_be_one_and_counts_need_the_option(tmp_path):
    (tmp_path / "t.csv").write_text("9,1\n1,9\n")
    result = run("transitions", "t.csv", where=tmp_path)
    assert result.exit_code == 2
    assert "sum to 20" in result.stderr
    assert "--joint" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    result = run("transitions", "t.csv", "--joint", "--json", "-", where=tmp_path)
    assert result.exit_code == 0, result.output
    said = (
        "t.csv: read as a joint table: 2 x 2, rows are x, columns y (0, 1), counts that sum to 20"
    )
    assert said in result.stderr.splitlines()
    # The binary symmetric channel: beta_c = (1 − 2 delta)^−2.
    beta = json.loads(result.stdout)["transitions"][0]["beta"]
    assert beta == pytest.approx(0.8**-2, rel=1e-9)


def test_json_holds_the_documented_keys(features, tmp_path):
    result = run("curve", features, "--json", "-", "--quiet", where=tmp_path)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["units"] == "nats"
    assert set(found["curve"]) >= {"beta", "i_xt", "i_ty", "gap", "clusters"}
    assert set(found["transitions"][0]) >= {
        "beta", "beta_local", "order", "jump_i_xt", "jump_i_ty",
        "clusters_before", "clusters_after", "multiplicity", "separates",
    }  # fmt: skip
    assert set(found["channel"]) >= {
        "n", "n_reduced", "information_lost", "temperature", "held_out_log_loss",
    }  # fmt: skip
    assert {"i_xy", "i_xy_held_out", "h_y", "gaussian", "provenance", "schema"} <= set(found)
    assert len(found["gaussian"]["critical_betas"]) == 2
    assert found["tree"]["newick"].endswith(";")
    assert found["hysteresis"] == []
    assert found["bootstrap"] is None
    assert list(tmp_path.iterdir()) == [features]
    assert result.stderr == ""


def test_json_is_what_the_library_computes(features, tmp_path):
    found = json.loads(run("curve", features, "--json", "-", where=tmp_path).stdout)
    analysis = ib.curve(features)
    assert found["curve"]["i_ty"] == analysis.curve.i_ty.tolist()
    assert found["provenance"]["fingerprint"] == analysis.provenance.fingerprint


def test_a_joint_table_gives_its_closed_form_onset(table, tmp_path):
    found = json.loads(run("transitions", table, "--json", "-", where=tmp_path).stdout)
    (onset,) = found["transitions"]
    # beta_c = (1 − 2 delta)^−2
    assert onset["beta"] == pytest.approx(1.5625, rel=1e-9)
    assert onset["order"] == 2


def test_bits_show_in_the_table_only(table, tmp_path):
    result = run("curve", table, "--units", "bits", where=tmp_path)
    h_y = float(next(line for line in result.stdout.splitlines() if "H(Y)" in line).split()[-1])
    assert h_y == pytest.approx(1.0)
    analysis = ib.load_result(tmp_path / "ibcollapse_joint" / "curve.h5")
    assert analysis.channel.h_y == pytest.approx(math.log(2))


def test_a_cap_on_clusters_is_reported(features, tmp_path):
    result = run("curve", features, "--max-clusters", 2, "-o", "out", where=tmp_path)
    assert result.exit_code == 0
    assert "raise max_clusters" in result.stderr


BAD = {
    "missing file": lambda path: path.unlink(),
    "not HDF5": lambda path: path.write_bytes(b"no features here"),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:1500]),
    "no labels": lambda path: edit(path, labels=None),
    "labels of another length": lambda path: edit(path, labels=np.arange(5) % 2),
    "NaN features": lambda path: edit(path, features=np.full((180, 4), np.nan)),
    "one class": lambda path: edit(path, labels=np.zeros(180, dtype=int)),
    "one sample in a class": lambda path: edit(path, labels=np.r_[np.zeros(179, int), 1]),
    "compound dtype": lambda path: edit(path, features=np.zeros(180, dtype=[("a", "f4")])),
    "1-D features": lambda path: edit(path, features=np.zeros(180)),
    "4-D features": lambda path: edit(path, features=np.zeros((180, 2, 3, 3))),
    "no rows": lambda path: edit(path, features=np.zeros((0, 4)), labels=np.zeros(0, int)),
}


def edit(path, **arrays):
    with h5py.File(path, "a") as file:
        for name, values in arrays.items():
            del file[name]
            if values is not None:
                file[name] = values


def test_a_time_limit_keeps_what_a_longer_one_goes_on_from(features, tmp_path):
    folder = tmp_path / "ibcollapse_features"
    ended = run("curve", features, "--time-limit", "1e-6", where=tmp_path)
    assert ended.exit_code == 1, ended.output
    assert "the time was up at beta = 1," in ended.stderr
    assert (folder / "curve.unfinished.h5").exists()
    result = run("curve", features, "--time-limit", "1000", where=tmp_path)
    assert result.exit_code == 0, result.output
    assert "going on after 1 finished points" in result.stderr
    assert not (folder / "curve.unfinished.h5").exists()
    listed = run("transitions", features, "--time-limit", "1e-6", where=tmp_path)
    assert listed.exit_code == 1, listed.output


@pytest.mark.parametrize("fault", BAD)
def test_bad_input_is_one_line_with_exit_code_2_and_leaves_no_result(features, tmp_path, fault):
    BAD[fault](features)
    result = run("curve", features, "--quiet", "-o", "out", where=tmp_path)
    assert result.exit_code == 2, result.output
    assert len(result.stderr.strip().splitlines()) == 1
    assert "features.h5" in result.stderr
    assert "Traceback" not in result.output
    assert not list((tmp_path / "out").iterdir())


def test_nonfinite_rows_can_be_dropped(features, tmp_path):
    with h5py.File(features, "a") as file:
        file["features"][7, 1] = np.inf
    refused = run("curve", features, "-o", "out", where=tmp_path)
    assert "--drop-nonfinite" in refused.stderr
    taken = run("curve", features, "--drop-nonfinite", "--json", "-", where=tmp_path)
    assert json.loads(taken.stdout)["channel"]["n"] == 179


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused_before_the_work(features, tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)
    result = run("curve", features, "-o", "out", where=tmp_path)
    assert result.exit_code == 2


def test_an_output_that_is_a_file_is_refused_before_the_work(features, tmp_path):
    (tmp_path / "out").write_text("mine")
    result = run("curve", features, "-o", "out", where=tmp_path)
    assert result.exit_code == 2
    assert "out" in result.stderr
    assert (tmp_path / "out").read_text() == "mine"


def test_a_full_disk_leaves_no_partial_file(features, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    result = run("curve", features, "-o", "out", where=tmp_path)
    assert result.exit_code == 2
    assert "No space left" in result.stderr
    assert not list((tmp_path / "out").iterdir())


def test_ctrl_c_keeps_the_finished_points(tmp_path):
    # A table whose curve takes long enough to be interrupted: many clusters, many points.
    rows = np.random.default_rng(2).dirichlet(np.full(500, 0.5)).reshape(50, 10)
    np.save(tmp_path / "joint.npy", rows)
    command = [
        sys.executable, "-m", "ibcollapse_cli.main", "curve", "joint.npy", "-o", "out",
        "--points", "2000",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "reducing" in line:
            break
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    partial = ib.load_result(tmp_path / "out" / "curve.h5")
    assert len(partial.curve.solutions) >= 1
    assert "interrupted" in partial.curve.status
