"""Commands that the documentation shows, with the output it shows: found, run, compared.

`PYTHONPATH=tests python -m console_blocks docs/tutorial.md ...` runs the commands of a page and
writes what they print today below those that no longer print what is shown; cut it down to what
the page needs. A line "..." stands for any lines.

`PYTHONPATH=tests python -m console_blocks --times docs/tutorial.md` runs them as a reader does,
each in a process of its own, and says how long each took.
"""

import contextlib
import dataclasses
import math
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from ibcollapse.features import FeatureWriter
from ibcollapse_cli.main import main

ROOT = Path(__file__).resolve().parents[1]
_FENCED = re.compile(r"^```([^`\n]*)\n(.*?)^```$", re.M | re.S)
# "$ ibcollapse ...", or, where a page writes the environment's folder, ".venv/bin/ibcollapse ...".
_PROMPT = re.compile(r"^(?:\$ (?:\.venv/bin/)?|\.venv/bin/)(.*)$")
# "| `ibcollapse ...` | what it answers |", a command without an ellipsis.
_TABLED = re.compile(r"^\| `(ibcollapse [^`…]+)` \|", re.M)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$")
# Figures shown hold on other machines to this; rounding noise, such as a gap, is below _NOISE.
_RELATIVE, _NOISE = 0.05, 1e-8


@dataclasses.dataclass(frozen=True)
class ShownCommand:
    """A command line of a page, its expected exit code, and the lines shown below it."""

    line: str
    output: tuple[str, ...]

    @property
    def arguments(self) -> list[str]:
        """Words after the program's name; a comment is none of them."""
        return shlex.split(self.line, comments=True)[1:]

    @property
    def is_ours(self) -> bool:
        """Whether it calls ibcollapse and not, say, pip."""
        return shlex.split(self.line, comments=True)[0] == "ibcollapse"

    @property
    def is_slow(self) -> bool:
        """Whether its comment warns of the time it takes."""
        return "# takes" in self.line

    @property
    def exit_code(self) -> int:
        """0, or what the comment "# exit N" announces."""
        announced = re.search(r"# exit (\d+)", self.line)
        return int(announced.group(1)) if announced else 0


def shown_commands(page: str) -> Iterator[ShownCommand]:
    """Every command of a page's console blocks, of its plain blocks with a prompt, and of tables.

    A command in a table shows no output; its files are those of `tabled_files`.
    """
    for language, text in _FENCED.findall(page):
        if language in ("console", ""):
            yield from _commands_of(text)
    for line in _TABLED.findall(_FENCED.sub("", page)):
        yield ShownCommand(line, ("...",))


def tabled_files(folder: Path) -> None:
    """Write the files that commands in tables name: two networks at two checkpoints."""
    labels = np.arange(60) % 3
    for seed, name in enumerate(("features.h5", "a.h5", "b.h5")):
        rng = np.random.default_rng(seed)
        with FeatureWriter(folder / name) as writer:
            for epoch in (0, 1):
                h = (1.0 + epoch) * np.eye(3, 4)[labels] + rng.normal(size=(60, 4))
                writer.append({"head": h}, labels, epoch=epoch, split="test", ids=np.arange(60))


def _commands_of(block: str) -> list[ShownCommand]:
    commands: list[tuple[str, list[str]]] = []
    for text in block.splitlines():
        prompt = _PROMPT.match(text)
        if prompt:
            commands.append((prompt.group(1), []))
        elif commands:
            commands[-1][1].append(text)
    return [ShownCommand(line, tuple(output)) for line, output in commands]


def run(command: ShownCommand) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one of our commands, run in this process."""
    result = CliRunner().invoke(main, command.arguments, prog_name="ibcollapse")
    return result.exit_code, result.stdout, result.stderr


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A temporary folder with a copy of data/, made the current one."""
    with tempfile.TemporaryDirectory() as name:
        shutil.copytree(ROOT / "data", Path(name) / "data")
        with contextlib.chdir(name):
            yield Path(name)


def first_difference(shown: tuple[str, ...], printed: str) -> str:
    """What the shown lines claim that was not printed; empty when they agree.

    Lines follow each other as in the print, "..." skipping any; words are equal and numbers equal
    to 5 %.
    """
    actual = [line.split() for line in printed.splitlines() if line.strip()]
    position, may_skip = 0, False
    for line in shown:
        if line.strip() in ("", "..."):
            may_skip = may_skip or line.strip() == "..."
            continue
        ahead = range(position, len(actual) if may_skip else min(position + 1, len(actual)))
        found = next((i for i in ahead if _agree(line.split(), actual[i])), None)
        if found is None:
            here = " ".join(actual[position]) if position < len(actual) else "(the end)"
            return f"shown: {line.strip()}\nprinted: {here}"
        position, may_skip = found + 1, False
    return ""


def _agree(shown: list[str], printed: list[str]) -> bool:
    return len(shown) == len(printed) and all(map(_same_word, shown, printed))


def _same_word(shown: str, printed: str) -> bool:
    # In JSON a comma follows the figure.
    if shown.endswith(",") and printed.endswith(","):
        shown, printed = shown[:-1], printed[:-1]
    if _NUMBER.match(shown) and _NUMBER.match(printed):
        return math.isclose(float(shown), float(printed), rel_tol=_RELATIVE, abs_tol=_NOISE)
    return shown == printed


def _refreshed(block: re.Match[str]) -> str:
    if block.group(1) != "console":
        return block.group(0)
    lines: list[str] = []
    for command in _commands_of(block.group(2)):
        lines.append(f"$ {command.line}")
        if command.is_ours:
            _, output, errors = run(command)
            # An error is what the page shows when it shows a failing command.
            printed = output if command.exit_code != 2 else errors
            if first_difference(command.output, printed):
                lines += [line.rstrip() for line in printed.splitlines()]
                continue
        lines += command.output
    return "```console\n" + "\n".join(lines) + "\n```"


def refresh(path: Path) -> None:
    """Write today's output of its commands into a page where what it shows no longer holds."""
    page = path.read_text(encoding="utf-8")
    with data_folder():
        page = _FENCED.sub(_refreshed, page)
    path.write_text(page, encoding="utf-8")


def print_times(path: Path) -> None:
    """Run the page's commands one after the other in a copy of data/; print wall seconds of each.

    `CalledProcessError` on one that does not end as the page says.
    """
    total = 0.0
    with data_folder():
        for command in shown_commands(path.read_text(encoding="utf-8")):
            if not command.is_ours:
                continue
            began = time.perf_counter()
            program = [sys.executable, "-m", "ibcollapse", *command.arguments, "--quiet"]
            ended = subprocess.run(program, capture_output=True, check=False)
            if ended.returncode != command.exit_code:
                ended.check_returncode()
            seconds = time.perf_counter() - began
            total += seconds
            print(f"{seconds:6.1f} s  {command.line}")
    print(f"{total:6.1f} s  in all")


if __name__ == "__main__":
    task = print_times if sys.argv[1] == "--times" else refresh
    for name in sys.argv[2 if task is print_times else 1 :]:
        task(Path(name).resolve())
