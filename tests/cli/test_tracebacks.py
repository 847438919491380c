"""Where a user finds the traceback of an internal error."""

import os
import re
import tempfile

import pytest

from ibcollapse.internal_errors import log_caught
from ibcollapse_cli.tracebacks import reported


def fail():
    raise ZeroDivisionError("division\nby zero")


def kept_file(stderr):
    return re.search(r"which is in (\S+) \(", stderr).group(1)


def test_an_internal_error_is_one_line_that_names_the_file_with_its_traceback(
    run_command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    done = run_command(fail)
    assert done.exit_code == 70
    assert done.stderr.startswith(r"Error: internal error: ZeroDivisionError: division\nby zero;")
    assert done.stderr.count("\n") == 1
    (file,) = tmp_path.iterdir()
    assert kept_file(done.stderr) == str(file)
    assert "in fail" in file.read_text()


def test_a_folder_that_cannot_be_written_sends_it_to_the_temporary_one(
    run_command, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "getcwd", lambda: "/proc")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    done = run_command(fail)
    assert done.exit_code == 70
    (file,) = tmp_path.iterdir()
    assert kept_file(done.stderr) == str(file)


def test_without_any_folder_it_goes_to_standard_error(run_command, monkeypatch):
    for module, name in ((os, "getcwd"), (tempfile, "gettempdir")):
        monkeypatch.setattr(module, name, lambda: "/proc")
    done = run_command(fail)
    assert done.exit_code == 70
    assert "in fail" in done.stderr
    assert "its traceback, which is above" in done.stderr


def test_a_full_disk_leaves_no_empty_file(run_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/proc")

    def refuse(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", refuse)
    assert "in fail" in run_command(fail).stderr
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_the_library_caught_keeps_its_traceback(run_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def body():
        try:
            fail()
        except ZeroDivisionError:
            log_caught("an internal error stopped the curve")
        raise reported("an internal error stopped the curve")

    done = run_command(body)
    assert done.exit_code == 70
    assert done.stderr.startswith("Error: an internal error stopped the curve; please report it")
    (file,) = tmp_path.iterdir()
    assert "in fail" in file.read_text()


@pytest.fixture(autouse=True)
def _no_litter(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
