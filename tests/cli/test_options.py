import inspect

import pytest

from ibcollapse_cli import options


def test_the_selection_is_one_argument(run_command):
    seen = {}
    done = run_command(
        lambda selection: seen.update(selection),
        *("--layer", "head", "--epoch", "200", "--no-transpose", "--drop-nonfinite"),
        decorators=[options.feature_options],
    )
    assert done.exit_code == 0
    assert seen == {
        "features_key": None,
        "labels_key": None,
        "group": None,
        "layer": "head",
        "epoch": 200,
        "split": None,
        "pool": None,
        "transpose": False,
        "drop_nonfinite": True,
    }


def test_the_selection_fits_the_reader():
    features = pytest.importorskip("ibcollapse.features")
    parameters = inspect.signature(features.open_features).parameters
    assert set(options._SELECTION) == set(parameters) - {"features"}


def test_common_options_arrive_with_their_defaults(run_command):
    seen = {}
    decorators = [options.common_options, options.units_option]
    done = run_command(lambda **kwargs: seen.update(kwargs), decorators=decorators)
    assert done.exit_code == 0
    assert seen == {"json_path": None, "seed": 0, "workers": None, "quiet": False, "units": "nats"}


@pytest.mark.parametrize(
    "arguments", [["--workers", "0"], ["--seed", "-1"], ["--units", "hartleys"], ["--epoch", "x"]]
)
def test_wrong_values_are_wrong_usage(run_command, arguments):
    decorators = [options.common_options, options.units_option, options.feature_options]
    done = run_command(lambda **kwargs: None, *arguments, decorators=decorators)
    assert done.exit_code == 2
    assert arguments[0] in done.stderr


def test_the_output_option_carries_its_help(run_command):
    decorators = [options.output_option("Folder of the results.")]
    done = run_command(lambda output: None, "--help", decorators=decorators)
    assert "Folder of the results." in done.output


@pytest.mark.parametrize("option", ["-o", "--json"])
def test_a_folder_in_place_of_a_file_is_refused_before_the_work(run_command, tmp_path, option):
    decorators = [options.output_option("A file."), options.json_option]
    done = run_command(
        lambda **kwargs: pytest.fail("it ran"), option, str(tmp_path), decorators=decorators
    )
    assert done.exit_code == 2
    assert str(tmp_path) in done.stderr.replace("\n", "")
    assert list(tmp_path.iterdir()) == []
