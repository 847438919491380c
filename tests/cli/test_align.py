import json

import numpy as np
import pytest
from click.testing import CliRunner

from ibcollapse import alignment
from ibcollapse.features import FeatureWriter
from ibcollapse.serialize import load_result
from ibcollapse_cli.main import main


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    signal = rng.normal(size=(3, 4))[y] + 0.5 * rng.normal(size=(90, 4))
    paths = []
    for name in ("a.h5", "b.h5", "c.h5"):
        with FeatureWriter(tmp_path / name) as writer:
            x = signal @ rng.normal(size=(4, 4)) + 0.1 * rng.normal(size=(90, 4))
            writer.append({"head": x}, y, epoch=0, split="test")
        paths.append(tmp_path / name)
    return paths


def run(*arguments):
    return CliRunner().invoke(main, ["align", *map(str, arguments)])


def test_a_pair(files, tmp_path):
    options = ("--permutations", 4, "--bootstrap", 10, "--seed", 3)
    result = run(*files[:2], *options, "--output", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    found = alignment.align(*files[:2], n_permutations=4, n_bootstrap=10, seed=3)
    assert f"{found.whole.cka.held_out:.6g}" in result.stdout
    assert "matched by order" in result.stderr
    stored = load_result(tmp_path / "out.json")
    np.testing.assert_array_equal(stored.bottleneck.beta_high, found.bottleneck.beta_high)
    as_json = json.loads(run(*files[:2], *options, "--json", "-", "-q").stdout)
    assert as_json["schema"] == "ibcollapse/alignment"
    assert as_json["identified"]["cka_debiased"]["value"] is None
    assert as_json["bottleneck"]["critical_betas"] == found.bottleneck.critical_betas.tolist()


def test_three_networks_have_a_consensus(files):
    result = run(*files)
    assert result.exit_code == 0, result.output
    found = alignment.align_many(files)
    assert f"{found.deviation[2]:.6g}" in result.stdout
    assert json.loads(run(*files, "--json", "-").stdout)["status"] == "converged"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--ridge", "-1"], "ridge = -1.0"), (["--held-out", "2"], "held_out = 2.0")],
)
def test_bad_options_are_one_line(files, arguments, message):
    result = run(*files[:2], *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_one_network_is_refused(files):
    result = run(files[0])
    assert result.exit_code == 2
    assert "needs at least 2" in result.stderr
