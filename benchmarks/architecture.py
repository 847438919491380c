"""What a reader of the library has to hold in mind, counted.

`python -m benchmarks.architecture [--most NAME=VALUE ...] [--list]` prints, below a limit that
`--most` gives where there is one:

* `files_solve`, `files_transitions`: files of ibcollapse/ that `ib.solve` and `ib.find_transitions`
  of one table of 30 x 4 enter, outside kernels/, channel/ and results/; `depth_solve` and
  `depth_transitions`: how many functions of these files wait for one another at the deepest point;
* `long_signatures`: functions with eight positional parameters or more, outside kernels/ and the
  commands of the command line;
* `constants`: numbers bound to names of a module, outside kernels/, tolerances.py and settings.py;
* `caches`: dictionaries of weak references and caching decorators at the level of a module;
* `complex_functions`: functions with a cyclomatic complexity above 15 (`complexity`).

`--list` names what was counted. Exit code 1 where a count is above its limit.
"""

import argparse
import ast
import dataclasses
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from types import CodeType, FrameType

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("ibcollapse", "cli/ibcollapse_cli")
# What a reader of the algorithms need not open: compiled loops, the data and what is handed over.
UNCOUNTED_FOLDERS = ("kernels", "channel", "results")
SETTINGS = ("tolerances", "settings")
MOST_PARAMETERS = 7
MOST_COMPLEX = 15
BETA = 3.0

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
_WEAK = ("WeakKeyDictionary", "WeakValueDictionary", "WeakSet")
_CACHING = ("cache", "lru_cache")


def functions(tree: ast.AST) -> Iterator[_Function]:
    """Every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, _Function))


def n_positional(function: _Function) -> int:
    """Parameters that a call may give by position, `self` and `cls` apart."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def is_command(function: _Function) -> bool:
    """Whether it is a click command or group, whose parameters are options of the command line."""
    return any(_called_name(d) in ("command", "group") for d in function.decorator_list)


def long_signatures(tree: ast.Module) -> list[str]:
    """Functions with more than seven positional parameters."""
    return [
        f.name for f in functions(tree) if n_positional(f) > MOST_PARAMETERS and not is_command(f)
    ]


def constants(tree: ast.Module) -> list[str]:
    """Names that a module binds to numbers, or to tuples of numbers, at its own level."""
    found: list[str] = []
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            pairs = [pair for t in statement.targets for pair in _paired(t, statement.value)]
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            pairs = [(statement.target, statement.value)]
        else:
            continue
        found += [t.id for t, value in pairs if isinstance(t, ast.Name) and is_number(value)]
    return found


def is_number(value: ast.expr) -> bool:
    """Whether an expression is made of written numbers alone, a tuple of them included."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, (int, float)) and not isinstance(value.value, bool)
    if isinstance(value, ast.UnaryOp):
        return is_number(value.operand)
    if isinstance(value, ast.BinOp):
        return is_number(value.left) and is_number(value.right)
    return isinstance(value, ast.Tuple) and bool(value.elts) and all(map(is_number, value.elts))


def caches(tree: ast.Module) -> list[str]:
    """Names of module-level dictionaries of weak references and of functions that cache."""
    found: list[str] = []
    for statement in tree.body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            made = isinstance(statement.value, ast.Call) and _called_name(statement.value) in _WEAK
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found += [t.id for t in targets if made and isinstance(t, ast.Name)]
        elif isinstance(statement, _Function):
            decorators = map(_called_name, statement.decorator_list)
            found += [statement.name] * any(name in _CACHING for name in decorators)
    return found


def complexity(function: _Function) -> int:
    """One, and one more for each way that a branch, loop, handler, filter, `and` or `or` adds.

    McCabe's number (1976, doi 10.1109/TSE.1976.233837) with compound conditions taken apart.
    Functions and classes inside it count for themselves.
    """
    return 1 + sum(map(_ways, _own_nodes(function)))


def complex_functions(tree: ast.Module) -> list[str]:
    """Functions with a cyclomatic complexity above 15, each with it."""
    counted = ((f.name, complexity(f)) for f in functions(tree))
    return [f"{name} ({ways})" for name, ways in counted if ways > MOST_COMPLEX]


def _ways(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return int(isinstance(node, _BRANCHES))


def _own_nodes(function: _Function) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def _paired(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """The parts of `a, b = 1, 2`; of anything else, itself."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=False))
    return [(target, value)]


def _called_name(node: ast.expr) -> str:
    """The last name of `a.b.c` or of a call of it."""
    if isinstance(node, ast.Call):
        return _called_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@dataclasses.dataclass
class Route:
    """Files that a call entered, and the most functions of theirs that waited for one another."""

    files: set[str] = dataclasses.field(default_factory=set)
    depth: int = 0


def is_read(path: PurePath, package: Path) -> bool:
    """Whether it is a file of the package outside the folders that need not be opened."""
    if not path.is_relative_to(package):
        return False
    return not set(path.relative_to(package).parts[:-1]) & set(UNCOUNTED_FOLDERS)


class Follower:
    """Follows calls into the files of `package`.

    Threads that were started while it is there are followed as well, each from a depth of zero.
    Comprehensions and lambdas are part of the function that they stand in.
    """

    def __init__(self, package: Path) -> None:
        self._package, self._read = package, dict[CodeType, bool]()
        self._route: Route | None = None
        self._depths = threading.local()

    def __enter__(self) -> "Follower":
        threading.setprofile(self._watch)
        return self

    def __exit__(self, *_error: object) -> None:
        threading.setprofile(None)  # type: ignore[arg-type]

    def follow(self, call: Callable[[], object]) -> Route:
        """Where a call goes."""
        self._route = found = Route()
        self._depths = threading.local()
        sys.setprofile(self._watch)
        try:
            call()
        finally:
            sys.setprofile(None)
            self._route = None
        return found

    def _watch(self, frame: FrameType, event: str, _argument: object) -> None:
        route, code = self._route, frame.f_code
        if route is None or event not in ("call", "return") or not self._is_read(code):
            return
        depth = getattr(self._depths, "depth", 0) + (1 if event == "call" else -1)
        self._depths.depth = depth
        if event == "call":
            route.files.add(Path(code.co_filename).relative_to(self._package).as_posix())
            route.depth = max(route.depth, depth)

    def _is_read(self, code: CodeType) -> bool:
        if code not in self._read:
            named = not code.co_name.startswith("<")
            self._read[code] = named and is_read(Path(code.co_filename), self._package)
        return self._read[code]


def routes() -> dict[str, Route]:
    """Those of `ib.solve` and `ib.find_transitions` on one table, with everything compiled."""
    from ibcollapse import find_transitions, solve

    table = np.random.default_rng(0).dirichlet(np.full(4, 0.5), 30) / 30.0
    with Follower(ROOT / "ibcollapse") as follower:
        # What compiles is not followed; threads stay, so that they have to begin here.
        solve(table, BETA)
        find_transitions(table)
        return {
            "solve": follower.follow(lambda: solve(table, BETA)),
            "transitions": follower.follow(lambda: find_transitions(table)),
        }


def counted() -> dict[str, list[str]]:
    """What is counted in the text, by the name of the count."""
    found: dict[str, list[str]] = {
        "long_signatures": [],
        "constants": [],
        "caches": [],
        "complex_functions": [],
    }
    for path in sorted(p for source in SOURCES for p in (ROOT / source).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        in_kernels = "kernels" in path.parts
        parts = {
            "long_signatures": [] if in_kernels else long_signatures(tree),
            "constants": [] if in_kernels or path.stem in SETTINGS else constants(tree),
            "caches": caches(tree),
            "complex_functions": complex_functions(tree),
        }
        for name, names in parts.items():
            found[name] += [f"{path.relative_to(ROOT)}: {each}" for each in names]
    return found


def limit_of(text: str) -> tuple[str, int]:
    """Name and number of "name=number"; `ValueError` where it is none."""
    name, _, number = text.partition("=")
    return name, int(number)


def too_many(counts: dict[str, int], limits: dict[str, int]) -> list[str]:
    """A sentence for each count above its limit.

    Raises
    ------
    KeyError
        On a limit of nothing that is counted.
    """
    return [
        f"{name} is {counts[name]}, at most {most} were there"
        for name, most in limits.items()
        if not counts[name] <= most
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.architecture", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--most", type=limit_of, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--list", action="store_true", help="name what was counted")
    given = parser.parse_args(arguments)
    limits = dict(given.most)

    lists: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for name, found in routes().items():
        lists[f"files_{name}"] = sorted(found.files)
        counts[f"files_{name}"], counts[f"depth_{name}"] = len(found.files), found.depth
    for name, names in counted().items():
        lists[name], counts[name] = names, len(names)
    unknown = sorted(set(limits) - set(counts))
    if unknown:
        parser.error(f"nothing is called {', '.join(unknown)}; expected {', '.join(counts)}")
    for name, count in counts.items():
        most = f"  (at most {limits[name]})" if name in limits else ""
        print(f"{name:18} {count:5}{most}")
        if given.list:
            print("".join(f"    {each}\n" for each in lists.get(name, ())), end="")
    over = too_many(counts, limits)
    for sentence in over:
        print(sentence, file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
