"""What an error advises is something that can be done."""

import re
import tomllib
from pathlib import Path

import pytest

from ibcollapse import errors

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("extra", errors._PACKAGES)
def test_the_packages_of_a_missing_extra_are_those_that_it_installs(extra):
    message = str(errors.MissingExtraError(extra, "this"))
    advised = message.partition("pip install ")[2].split()
    assert advised == [re.split("[<>=~!]", requirement)[0] for requirement in EXTRAS[extra]]


def test_nothing_advises_an_install_from_an_index_that_has_no_such_package():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").glob("*.md")]
    pages += [p for room in ("ibcollapse", "cli") for p in (ROOT / room).rglob("*.py")]
    advice = re.compile(r"pip install [^`\n]*\bibcollapse\b")
    found = [p for p in pages if "_build" not in p.parts and advice.search(p.read_text("utf-8"))]
    assert found == []
