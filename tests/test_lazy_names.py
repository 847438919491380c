import json
import subprocess
import sys

import pytest

import ibcollapse


def run_python(code):
    """What a fresh interpreter prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def test_importing_loads_nothing_heavy_and_is_quick():
    code = """
import json, sys, time
start = time.process_time()
import ibcollapse
spent = time.process_time() - start
heavy = ["numba", "numpy", "scipy", "matplotlib", "torch", "h5py", "sklearn", "pandas", "click"]
print(json.dumps([spent, [name for name in heavy if name in sys.modules]]))
"""
    spent, loaded = run_python(code)
    assert loaded == []
    # Processor time: a busy machine must not fail this.
    assert spent < 0.5


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.torch] if name == "nn" else [])
        for name in ibcollapse.__all__
    ],
)
def test_every_public_name_resolves(name):
    assert getattr(ibcollapse, name) is not None
    assert name in dir(ibcollapse)


def test_every_lazy_name_is_public_and_only_those():
    assert sorted({*ibcollapse._HOME, *ibcollapse._MODULES}) == sorted(ibcollapse.__all__)
    assert len(set(ibcollapse.__all__)) == len(ibcollapse.__all__)


def test_names_that_do_not_exist_are_attribute_errors():
    with pytest.raises(AttributeError, match="has no attribute 'solved'"):
        _ = ibcollapse.solved
    assert not hasattr(ibcollapse, "__wrapped__")


def test_the_typed_package_says_so():
    code = """
import importlib.resources, json
print(json.dumps((importlib.resources.files("ibcollapse") / "py.typed").is_file()))
"""
    assert run_python(code) is True
