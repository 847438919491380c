"""Every command that README and docs/ show is run, and prints what they show.

When a figure has changed for a good reason: PYTHONPATH=tests python -m console_blocks PAGE.
"""

import importlib.util
import shutil

import pytest
from console_blocks import ROOT, ShownCommand, first_difference, run, shown_commands

from ibcollapse_cli.main import COMMANDS

DOCS = ROOT / "docs"
# What a page may show without its being run here: setting up is what CI itself does.
OTHER_PROGRAMS = {
    "python3",
    "pip",
    "pytest",
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
    return [ROOT / "README.md", *sorted(built)]


def cases():
    for page in pages():
        for i, command in enumerate(shown_commands(page.read_text(encoding="utf-8"))):
            # With --dist=loadgroup the pages, each of which is run in order, are shared out.
            marks = [pytest.mark.xdist_group(str(page.relative_to(ROOT)))]
            if command.is_slow or page.name == "README.md":
                marks.append(pytest.mark.slow)
            if command.is_ours and command.arguments[:1] == ["train"]:
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
    monkeypatch.chdir(folder)


@pytest.mark.parametrize(("page", "command"), list(cases()))
@pytest.mark.usefixtures("page_folder")
def test_a_shown_command_prints_what_is_shown(page, command):
    if not command.is_ours:
        assert command.line.split()[0] in OTHER_PROGRAMS
        return
    if command.arguments[:1] == ["train"]:
        pytest.importorskip("torch")
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
