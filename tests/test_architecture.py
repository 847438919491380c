"""The counts of `benchmarks.architecture`, on sources small enough to count by hand."""

import ast
import importlib.util
import threading
from pathlib import Path

import pytest

from benchmarks import architecture
from benchmarks.architecture import Follower, complexity, constants


def parsed(text):
    return ast.parse(text)


def only_function(text):
    (function,) = parsed(text).body
    return function


def test_eight_positional_parameters_are_too_many_and_keywords_count_for_nothing():
    tree = parsed(
        "def seven(a, b, /, c, d, e, f, g, *, h, i): ...\n"
        "def eight(a, b, /, c, d, e, f, g, h): ...\n"
        "class C:\n"
        "    def method(self, a, b, c, d, e, f, g): ...\n"
    )
    assert architecture.long_signatures(tree) == ["eight"]


def test_options_of_a_click_command_are_no_signature_to_remember():
    signature = "def curve(a, b, c, d, e, f, g, h): ...\n"
    assert architecture.long_signatures(parsed("@click.command('curve')\n" + signature)) == []
    assert architecture.long_signatures(parsed("@click.option('--a')\n" + signature)) == ["curve"]


def test_constants_are_numbers_that_a_module_binds_itself():
    tree = parsed(
        "A = 1e-9\n"
        "B, C = -1, 2 ** 10\n"
        "D: int = 3\n"
        "E = (1, 2.5)\n"
        "text, flag, nothing, call, empty = 'x', True, None, float('inf'), ()\n"
        "def f():\n    inside = 1\n"
        "class K:\n    field = 1\n"
    )
    assert constants(tree) == ["A", "B", "C", "D", "E"]


def test_caches_are_weak_dictionaries_and_decorated_functions_of_a_module():
    tree = parsed(
        "kept: WeakKeyDictionary[A, B] = weakref.WeakKeyDictionary()\n"
        "table = {}\n"
        "@functools.lru_cache(maxsize=2)\ndef f(): ...\n"
        "@functools.cache\ndef g(): ...\n"
        "class K:\n    @functools.cached_property\n    def h(self): ...\n"
    )
    assert architecture.caches(tree) == ["kept", "f", "g"]


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        ("return 1", 1),
        ("if a: return 1", 2),
        ("if a:\n  pass\n elif b:\n  pass\n else:\n  pass", 3),
        ("return a and b and c or d", 4),
        ("for x in y:\n  while x: pass\n else: pass", 3),
        ("try: pass\n except A: pass\n except B: pass", 3),
        ("return [x for x in y if a if b]", 4),
        ("return a if b else c", 2),
        ("match a:\n  case 1: pass\n  case 2: pass", 3),
        ("def inside():\n  if a: pass\n return inside", 1),
    ],
)
def test_complexity_is_one_more_than_the_decisions(body, ways):
    assert complexity(only_function(f"def f():\n {body}")) == ways


def test_only_functions_above_the_limit_are_complex():
    fifteen = "def f():\n" + " if a: pass\n" * 14
    assert architecture.complex_functions(parsed(fifteen)) == []
    assert architecture.complex_functions(parsed(fifteen + " if a: pass\n")) == ["f (16)"]


@pytest.fixture
def package(tmp_path):
    """Three files: `outer` calls `inner` by a comprehension, `inner` calls a kernel."""
    sources = {
        "kernels/loops.py": "def kernel(): return 1\n",
        "inner.py": "def inner(kernel): return kernel()\n",
        "outer.py": "def outer(inner, kernel): return [inner(kernel) for _ in range(2)]\n",
    }
    functions = {}
    for name, text in sources.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        functions |= {n: f for n, f in vars(module).items() if callable(f) and n in text}
    return tmp_path, functions


def test_a_route_has_the_files_that_were_entered_and_the_depth_of_waiting_functions(package):
    folder, named = package
    with Follower(folder) as follower:
        found = follower.follow(lambda: named["outer"](named["inner"], named["kernel"]))
        alone = follower.follow(lambda: named["kernel"]())
    assert (found.files, found.depth) == ({"outer.py", "inner.py"}, 2)
    assert (alone.files, alone.depth) == (set(), 0)


def test_a_route_goes_on_in_threads_from_a_depth_of_zero(package):
    folder, named = package

    def in_a_thread(kernel):
        thread = threading.Thread(target=named["inner"], args=(kernel,))
        thread.start()
        thread.join()

    with Follower(folder) as follower:
        found = follower.follow(lambda: named["outer"](in_a_thread, named["kernel"]))
    assert (found.files, found.depth) == ({"outer.py", "inner.py"}, 1)


def test_files_of_other_packages_and_of_kernels_are_not_read():
    package = Path("/p/ibcollapse")
    assert architecture.is_read(package / "bottleneck" / "solver" / "solve.py", package)
    assert not architecture.is_read(package / "bottleneck" / "kernels" / "sweep.py", package)
    assert not architecture.is_read(Path("/p/numpy/core.py"), package)


def test_a_count_above_its_limit_is_told_and_one_at_it_is_not():
    counts = {"caches": 3, "constants": 5}
    assert architecture.too_many(counts, {"caches": 3}) == []
    (sentence,) = architecture.too_many(counts, {"caches": 3, "constants": 4})
    assert sentence.startswith("constants is 5")


@pytest.fixture
def without_routes(monkeypatch):
    monkeypatch.setattr(architecture, "routes", dict)
    monkeypatch.setattr(architecture, "counted", lambda: {"caches": ["a.py: kept"]})


@pytest.mark.usefixtures("without_routes")
def test_growth_is_refused_by_the_exit_code(capsys):
    assert architecture.main(["--most", "caches=1"]) == 0
    assert architecture.main(["--most", "caches=0"]) == 1
    assert "caches is 1" in capsys.readouterr().err


@pytest.mark.usefixtures("without_routes")
@pytest.mark.parametrize("given", ["cachse=1", "caches", "caches=few"])
def test_a_limit_of_nothing_that_is_counted_is_refused(given, capsys):
    with pytest.raises(SystemExit, match="2"):
        architecture.main(["--most", given])
    assert given.partition("=")[0] in capsys.readouterr().err
