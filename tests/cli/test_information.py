import json

import numpy as np
import pytest
from click.testing import CliRunner

from ibcollapse.features import FeatureWriter
from ibcollapse.matrix_information import effective_ranks, matrix_information
from ibcollapse_cli.main import main


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 4
    means = rng.normal(size=(4, 5))
    for name in ("a.h5", "b.h5"):
        with FeatureWriter(tmp_path / name) as writer:
            x = means[y] + 0.3 * rng.normal(size=(40, 5))
            writer.append({"head": x}, y, epoch=0, split="test")
    return tmp_path / "a.h5", tmp_path / "b.h5"


def run(*arguments):
    return CliRunner().invoke(main, ["information", *map(str, arguments)])


def test_json_holds_the_librarys_numbers(files):
    result = run(files[0], "--json", "-", "--seed", 4, "--centred", "--permutations", 5)
    found = json.loads(result.stdout)
    expected = matrix_information(files[0], centred=True, n_permutations=5, seed=4)
    assert (found["mir"], found["z"]) == (expected.mir, expected.z)
    assert found["against"] == "class means"
    assert found["ranks"]["lidar"] == effective_ranks(files[0]).lidar


def test_two_files_and_bits(files):
    result = run(*files, "--units", "bits", "--batch-size", 20)
    assert result.exit_code == 0, result.output
    expected = matrix_information(*files, batch_size=20)
    assert f"{expected.entropy_a / np.log(2):.6g}" in result.stdout
    assert "batches: 2" in result.stdout


def test_a_missing_classifier_is_one_line(files):
    result = run(files[0], "--against", "classifier")
    assert result.exit_code == 2
    assert "no classifier is stored" in result.stderr
