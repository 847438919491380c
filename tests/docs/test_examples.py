"""The Python that the documentation shows runs: `pycon` as doctests, `python` blocks whole."""

import doctest
import re
import shutil
import tomllib

import pytest
from console_blocks import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# Blocks that are no program: shell commands have their own tests, directives are Sphinx's.
OTHER_LANGUAGES = {"", "console", "toml"}


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture
def in_copy(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_copy")
@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p, "pycon")], ids=lambda p: str(p.relative_to(ROOT))
)
def test_sessions_print_what_is_shown(page):
    session = "\n".join(blocks(page, "pycon"))
    example = doctest.DocTestParser().get_doctest(session, {}, page.name, str(page), 0)
    told: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=told.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(told)


def programs():
    for page in PAGES:
        program = "\n".join(blocks(page, "python"))
        if program:
            marks = [pytest.mark.torch] if "import torch" in program else []
            yield pytest.param(page, program, marks=marks, id=str(page.relative_to(ROOT)))


@pytest.mark.usefixtures("in_copy")
@pytest.mark.parametrize(("page", "program"), list(programs()))
def test_the_programs_of_a_page_run_in_order(page, program):
    exec(compile(program, str(page), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_block_escapes_the_tests(page):
    opened = re.findall(r"^ *```(.*)$", page.read_text(encoding="utf-8"), re.M)[::2]
    languages = {language for language in opened if not language.startswith("{")}
    assert languages <= OTHER_LANGUAGES | {"python", "pycon"}
    for text in blocks(page, "toml"):
        tomllib.loads(text)


def test_every_room_has_a_page_of_the_reference():
    rooms = {path.parent.name for path in (ROOT / "ibcollapse").glob("*/__init__.py")}
    # Its public part is `ibcollapse.serialize`, on the page about results.
    rooms.remove("storage")
    documented = {page.stem for page in (DOCS / "reference").glob("*.md")}
    assert rooms <= documented
