"""A kernel runs whatever has become of its cache, and uses the cache where it is sound."""

import importlib.util
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import ibcollapse.bottleneck
from ibcollapse.bottleneck.kernels.kernel_cache import KernelCache

SOURCE = """
from ibcollapse.bottleneck.kernels.compilation import kernel


@kernel
def twice(x):
    return 2 * x
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "twice.py").write_text(SOURCE)
    assert fresh(tmp_path) == "compiled"
    assert fresh(tmp_path) == "cached"
    return tmp_path


def fresh(folder):
    """How a kernel that was never called in this process comes to its result."""
    spec = importlib.util.spec_from_file_location("twice", folder / "twice.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.twice(21.0) == 42.0
    return "cached" if sum(module.twice.stats.cache_hits.values()) else "compiled"


def files(folder, suffix):
    found = list((folder / "__pycache__").glob(f"*{suffix}"))
    assert found
    return found


def emptied_page(content):
    """What a crash leaves of a page that never reached the disk, inside the machine code."""
    middle = content.index(b"ELF") + 512
    return content[:middle] + bytes(256) + content[middle + 256 :]


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: bytes(len(content)),
        lambda content: b"\x80\x05N.",
        lambda content: b"no pickle at all" + content,
        lambda content: emptied_page(content) if b"ELF" in content else bytes(3) + content[3:],
    ],
    ids=["empty", "half", "zeros", "None", "text", "an empty page"],
)
def test_damaged_files_are_compiled_again_and_written_anew(folder, suffix, damage):
    for path in files(folder, suffix):
        content = path.read_bytes()
        assert damage(content) != content
        path.write_bytes(damage(content))
    assert fresh(folder) == "compiled"
    assert fresh(folder) == "cached"


def test_data_without_its_index_and_an_index_without_its_data_are_compiled_again(folder):
    for suffix in (".nbi", ".nbc"):
        for path in files(folder, suffix):
            path.unlink()
        assert fresh(folder) == "compiled"
        assert fresh(folder) == "cached"


@pytest.mark.parametrize("call", ["open", "replace", "makedirs"])
def test_a_disk_that_takes_no_file_costs_only_the_cache(tmp_path, monkeypatch, call):
    (tmp_path / "twice.py").write_text(SOURCE)

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    spec = importlib.util.spec_from_file_location("twice", tmp_path / "twice.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with monkeypatch.context() as patched:
        if call == "open":
            patched.setattr("numba.core.caching.open", full, raising=False)
        else:
            patched.setattr(f"os.{call}", full)
        assert module.twice(21.0) == 42.0
    assert not list(tmp_path.rglob("*.tmp.*"))
    assert fresh(tmp_path) == "compiled"
    assert fresh(tmp_path) == "cached"


def test_a_module_whose_folder_cannot_be_written_has_no_cache(tmp_path):
    (tmp_path / "twice.py").write_text(SOURCE)
    (tmp_path / "__pycache__").write_text("in the way")
    code = (
        "import twice; assert twice.twice(21.0) == 42.0; print(type(twice.twice._cache).__name__)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere"}
    environment["PYTHONPATH"] = str(Path(ibcollapse.__file__).parents[1])
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert found.stdout == "NullCache\n", found.stderr


def test_every_compiled_function_of_the_package_is_cached_like_this():
    package = ibcollapse.bottleneck
    found = {}
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        values = vars(importlib.import_module(module.name))
        found |= {
            f"{module.name}.{name}": value
            for name, value in values.items()
            if isinstance(value, Dispatcher)
        }
    assert len(found) > 20
    others = {
        name
        for name, value in found.items()
        if not isinstance(value._cache, KernelCache)
        and value.targetoptions.get("inline", "never") == "never"
    }
    assert not others
