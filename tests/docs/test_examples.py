"""The Python that the documentation shows runs: `pycon` as doctests, `python` blocks whole."""

import doctest
import re
import shutil

import pytest
from console_blocks import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# Pages whose ```python blocks are programs, to be run in order; elsewhere they are sketches.
PROGRAMS = {"recording.md": "torch", "extending.md": "numpy"}


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture
def in_copy(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_copy")
@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p, "pycon")], ids=lambda p: str(p.relative_to(DOCS))
)
def test_sessions_print_what_is_shown(page):
    session = "\n".join(blocks(page, "pycon"))
    example = doctest.DocTestParser().get_doctest(session, {}, page.name, str(page), 0)
    told: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=told.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(told)


@pytest.mark.usefixtures("in_copy")
@pytest.mark.parametrize(("name", "needs"), PROGRAMS.items())
def test_programs_run(name, needs):
    pytest.importorskip(needs)
    programs = blocks(DOCS / name, "python")
    assert programs
    exec(compile("\n".join(programs), name, "exec"), {"__name__": "__main__"})


def test_every_room_has_a_page_of_the_reference():
    rooms = {path.parent.name for path in (ROOT / "ibcollapse").glob("*/__init__.py")}
    documented = {page.stem for page in (DOCS / "reference").glob("*.md")}
    assert rooms <= documented
