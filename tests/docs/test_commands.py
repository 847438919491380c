"""Every command that README and docs/ show is run, and prints what they show.

When a figure has changed for a good reason: PYTHONPATH=tests python -m console_blocks PAGE.
"""

import importlib.util
import itertools
import shutil

import pytest
from console_blocks import ROOT, ShownCommand, first_difference, run, shown_commands, tabled_files

from ibcollapse_cli.main import COMMANDS

DOCS = ROOT / "docs"
# What a page may show without its being run here: setting up is what CI itself does.
# No room in a table for the warning that a command takes minutes.
SLOW = {"ibcollapse train -o run.h5"}
OTHER_PROGRAMS = {
    "python3",
    "pip",
    "pytest",
    "ruff",
    "sphinx-build",
    "git",
    "python",
    "OMP_NUM_THREADS=1",
    "PYTHONPATH=tests",
    "PYTHONPATH=.:cli:tests",
}


def is_absent(name):
    return importlib.util.find_spec(f"ibcollapse_cli.commands.{name}") is None


def pages():
    absent = {DOCS / "commands" / f"{name}.md" for name in COMMANDS if is_absent(name)}
    built = [p for p in DOCS.rglob("*.md") if "_build" not in p.parts and p not in absent]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(built)]


def needs_torch(command, trained):
    """Whether it trains, or names a file that one before it made so; `trained` gathers these."""
    files = {word for word in command.line.split() if "." in word and "/" not in word}
    needs = command.is_ours and (command.arguments[:1] == ["train"] or bool(files & trained))
    if needs:
        trained |= files
    return needs


def cases():
    for page in pages():
        trained: set[str] = set()
        for i, command in enumerate(shown_commands(page.read_text(encoding="utf-8"))):
            # With --dist=loadgroup the pages, each of which is run in order, are shared out.
            marks = [pytest.mark.xdist_group(str(page.relative_to(ROOT)))]
            if command.is_slow or command.line in SLOW:
                marks.append(pytest.mark.slow)
            if needs_torch(command, trained):
                marks.append(pytest.mark.torch)
            yield pytest.param(
                page, command, id=f"{page.relative_to(ROOT)}-{i + 1}-{command.line}", marks=marks
            )


@pytest.fixture(scope="module")
def copied_data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documented")
    shutil.copytree(ROOT / "data", folder / "data")
    return folder


@pytest.fixture
def page_folder(copied_data, request, monkeypatch):
    """The folder of the commands of one page, which may use what earlier ones wrote."""
    name = str(request.getfixturevalue("page").relative_to(ROOT)).replace("/", "-")
    folder = copied_data / name
    if not folder.exists():
        folder.mkdir()
        (folder / "data").symlink_to(copied_data / "data")
        tabled_files(folder)
    monkeypatch.chdir(folder)


def assert_named_files_exist(command):
    """Modules and paths that another program is given are there."""
    words = command.line.partition("#")[0].split()
    for before, word in itertools.pairwise(words):
        if before == "-m" and words[words.index("-m") - 1].endswith("python"):
            parts = word.split(".")
            folders = (ROOT, ROOT / "tests")
            assert any(f.joinpath(*parts).with_suffix(".py").exists() for f in folders) or (
                importlib.util.find_spec(word) is not None
            )
        elif word.endswith((".py", ".md", ".txt")):
            assert (ROOT / word).exists()


@pytest.mark.parametrize(("page", "command"), list(cases()))
@pytest.mark.usefixtures("page_folder")
def test_a_shown_command_prints_what_is_shown(page, command):
    if not command.is_ours:
        assert command.line.split()[0] in OTHER_PROGRAMS
        assert_named_files_exist(command)
        return
    code, output, errors = run(command)
    assert code == command.exit_code, errors
    difference = first_difference(command.output, errors if code == 2 else output)
    assert not difference, f"{page.name}: {command.line}\n{difference}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_with_an_example(name):
    page = (DOCS / "commands" / f"{name}.md").read_text(encoding="utf-8")
    assert f"{{command-help}} {name}\n" in page
    assert any(c.arguments[:1] == [name] for c in shown_commands(page))


def test_text_between_two_blocks_is_no_block():
    page = "```console\n$ pip list\n```\n$ rm -r .\n```console\n$ pip check\n```"
    assert [command.line for command in shown_commands(page)] == ["pip list", "pip check"]


def test_a_command_in_a_table_is_shown():
    page = "| command | answers |\n|---|---|\n| `ibcollapse inspect f.h5` | what is in it |\n"
    assert [c.arguments for c in shown_commands(page)] == [["inspect", "f.h5"]]
    assert list(shown_commands("| `ibcollapse curve … ` | no command |\n")) == []


def test_what_a_trained_file_is_used_for_needs_torch():
    page = "```console\n$ ibcollapse train -o t.h5\n$ ibcollapse inspect t.h5\n$ ibcollapse -h\n```"
    trained = set()
    assert [needs_torch(c, trained) for c in shown_commands(page)] == [True, True, False]


def test_a_command_keeps_its_comment_out_of_its_arguments():
    (command,) = shown_commands("```console\n$ ibcollapse curve f.h5  # takes 20 s\nbeta 2\n```")
    assert command == ShownCommand("ibcollapse curve f.h5  # takes 20 s", ("beta 2",))
    assert command.arguments == ["curve", "f.h5"]
    assert command.is_slow


def test_a_wrong_figure_or_word_is_a_difference():
    printed = "beta   order\n1.9379 2\n5.6 2\n"
    assert first_difference(("beta order", "...", "5.60 2"), printed) == ""
    assert "1.5" in first_difference(("beta order", "1.5 2"), printed)
    assert "gamma" in first_difference(("gamma order",), printed)
    # Without "..." nothing may be left out in between.
    assert first_difference(("beta order", "5.6 2"), printed)
