"""The pages for developers name files and functions that exist, and count lines as they are."""

import ast
import functools
import re

import pytest
from console_blocks import ROOT

PAGES = [*sorted((ROOT / "docs" / "development").rglob("*.md")), ROOT / "CONTRIBUTING.md"]
SOURCES = [
    p for top in ("ibcollapse", "cli", "tests", "benchmarks") for p in (ROOT / top).rglob("*")
]
FILES = [p.relative_to(ROOT).as_posix() for p in SOURCES if "__pycache__" not in p.parts]
ROWS = re.compile(
    r"^\| (?:(?P<names>`.*`) of )?`(?P<path>\S+\.py)` \|.*\| (?P<lines>\d+) \|$", re.M
)
IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$")


def text_of(page):
    return page.read_text(encoding="utf-8")


def prose(page):
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.M | re.S)


def spans(page):
    return re.findall(r"`([^`\n]+)`", prose(page))


def found(path):
    """Files or folders that end in this path."""
    return [f for f in FILES if f"/{f}".endswith("/" + path.rstrip("/"))]


def definitions(path):
    """Lines of every function, class and constant of a file, by name."""
    defined = {}
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined[node.name] = node.end_lineno - node.lineno + 1
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            defined[node.id] = 1
    return defined


def pages(pages=PAGES):
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


@pytest.mark.parametrize("page", pages())
def test_files_and_folders_that_a_page_names_exist(page):
    named = [s for s in spans(page) if re.fullmatch(r"[\w/]+(\.py|/)", s)]
    assert [path for path in named if not found(path) and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", pages())
def test_a_function_is_in_the_file_that_a_page_names_beside_it(page):
    beside = re.findall(r"`([\w.]+)`\s\(`([\w/]+\.py)`", prose(page))
    beside += re.findall(r"`([\w.]+)`\sof\s`([\w/]+\.py)`", prose(page))
    missing = [
        (name, path)
        for name, path in beside
        if not any(name.split(".")[-1] in definitions(file) for file in found(path))
    ]
    assert missing == []


@functools.cache
def words_of_the_sources():
    code = [f for f in FILES if f.endswith(".py") and not f.startswith("tests/")]
    texts = [text_of(ROOT / f) for f in (*code, "pyproject.toml", "tests/conftest.py")]
    return set(re.findall(r"\w+", "\n".join(texts)))


@pytest.mark.parametrize("page", pages())
def test_names_that_a_page_uses_are_used_in_the_sources(page):
    words = words_of_the_sources()
    named = {part for s in spans(page) if IDENTIFIER.fullmatch(s) for part in s.split(".")}
    # Of file names in the root of the repository only the parts are looked for.
    assert {name for name in named if name not in words} - {"py", "md", "CONTRIBUTING"} == set()


@pytest.mark.parametrize("page", pages())
def test_names_in_the_diagrams_of_a_page_are_used_in_the_sources(page):
    diagrams = "".join(re.findall(r"^```\n(.*?)^```$", text_of(page), flags=re.M | re.S))
    named = set(re.findall(r"\b_?[a-z]+(?:_[a-z]+)+\b|\b_[a-z]+\b|\b[A-Z][a-z]+[A-Z]\w+", diagrams))
    assert named <= words_of_the_sources()


def reading_order():
    rows = list(ROWS.finditer(text_of(ROOT / "docs" / "development" / "architecture.md")))
    return [(row["path"], re.findall(r"`(\w+)`", row["names"] or ""), row["lines"]) for row in rows]


def counted_lines(path, names):
    (file,) = found(path)
    if not names:
        return len((ROOT / file).read_text(encoding="utf-8").splitlines())
    return sum(definitions(file)[name] for name in names)


@pytest.mark.parametrize(("path", "names", "lines"), reading_order())
def test_the_reading_order_counts_lines_to_a_tenth(path, names, lines):
    assert int(lines) == pytest.approx(counted_lines(path, names), rel=0.1)


def test_the_reading_order_is_an_afternoon_and_not_a_week():
    assert 900 < sum(int(lines) for *_, lines in reading_order()) < 1500


def test_hooks_are_checks_of_the_whole_run_and_fetch_nothing():
    hooks = text_of(ROOT / ".pre-commit-config.yaml")
    assert re.findall(r"repo: (\S+)", hooks) == ["local"]
    checks = re.findall(r"entry: (\S+(?: check| format --check)?)", hooks)
    assert checks == ["ruff check", "ruff format --check", "mypy", "lint-imports"]
    programs = re.findall(
        r'"\$bin/([\w-]+)"((?: check| format --check)?)', text_of(ROOT / ".ci/run")
    )
    assert set(checks) <= {program + what for program, what in programs}
