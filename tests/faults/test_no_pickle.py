"""Nothing that the package reads can run code: no pickle, and torch loads weights only."""

import ast
from pathlib import Path

import pytest
from faults.killing import ROOT

SOURCES = sorted([*(ROOT / "ibcollapse").rglob("*.py"), *(ROOT / "cli").rglob("*.py")])
UNPICKLERS = {"dill", "cloudpickle", "joblib", "shelve", "marshal"}
# Compiled kernels are code, which their user's own cache folder holds; Numba pickles them.
CODE = ROOT / "ibcollapse" / "bottleneck" / "kernels" / "kernel_cache.py"


def calls(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {key.arg: ast.unparse(key.value) for key in node.keywords}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled_or_evaluated(path: Path):
    for name, keywords in calls(path):
        assert not name.startswith("pickle.") or path == CODE, f"{path}: {name}"
        assert name not in {"eval", "exec", "compile"}, f"{path}: {name}"
        assert name.partition(".")[0] not in UNPICKLERS, f"{path}: {name}"
        if name == "torch.load":
            assert keywords.get("weights_only") == "True", path
        if name == "np.load":
            assert keywords.get("allow_pickle") == "False", path


def test_the_check_sees_the_calls_that_there_are():
    found = {name for path in SOURCES for name, _ in calls(path)}
    assert {"torch.load", "np.load"} <= found
