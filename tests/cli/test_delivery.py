import pytest

from ibcollapse.errors import OutputError
from ibcollapse_cli.delivery import Postponed, deliver
from ibcollapse_cli.outcome import Failure
from ibcollapse_cli.streams import StandardOutputError


@pytest.fixture
def taken():
    return []


def step(taken, name, error=None):
    def take(*arguments):
        taken.append((name, *arguments))
        if error is not None:
            raise error

    return take


@pytest.mark.parametrize(
    ("json_path", "expected"),
    [
        (None, [("file",), ("show",)]),
        ("-", [("file",), ("json", "-")]),
        ("x.json", [("file",), ("json", "x.json"), ("show",)]),
    ],
)
def test_files_come_before_what_is_printed(taken, json_path, expected):
    deliver(
        [step(taken, "file")],
        json_path=json_path,
        write=step(taken, "json"),
        show=step(taken, "show"),
    )
    assert taken == expected


def test_every_step_is_taken_and_one_line_tells_all_errors(taken, capsys):
    full = OutputError("cannot write curve.h5: no space")
    with pytest.raises(Failure) as caught:
        deliver(
            [step(taken, "file", full), step(taken, "picture", OutputError("nor curve.png"))],
            json_path="x.json",
            write=step(taken, "json"),
            show=step(taken, "show"),
            notes=["a note"],
        )
    assert caught.value.message == "cannot write curve.h5: no space; also: nor curve.png"
    assert caught.value.exit_code == 2
    assert caught.value.__cause__ is full
    assert [name for name, *_ in taken] == ["file", "picture", "json", "show"]
    assert capsys.readouterr().err.splitlines() == ["note: a note"]


def test_a_single_error_is_raised_as_it_is(taken):
    full = OutputError("cannot write curve.h5: no space")
    with pytest.raises(OutputError) as caught:
        deliver(
            [step(taken, "file", full)],
            json_path=None,
            write=step(taken, "json"),
            show=step(taken, "show"),
        )
    assert caught.value is full


@pytest.mark.usefixtures("_in_folder")
def test_an_internal_error_decides_the_exit_code(taken):
    with pytest.raises(Failure) as caught:
        deliver(
            [step(taken, "file", OutputError("full")), step(taken, "picture", KeyError("x"))],
            json_path=None,
            write=step(taken, "json"),
            show=step(taken, "show", StandardOutputError(BrokenPipeError(32, "Broken pipe"))),
        )
    assert caught.value.exit_code == 70
    assert caught.value.message.startswith("internal error: KeyError: 'x'; please report it")
    assert caught.value.message.endswith("; also: full")


@pytest.fixture
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_an_interrupt_ends_it_at_once(taken):
    with pytest.raises(KeyboardInterrupt):
        deliver(
            [step(taken, "file", KeyboardInterrupt())],
            json_path=None,
            write=step(taken, "json"),
            show=step(taken, "show"),
        )
    assert taken == [("file",)]


def test_a_postponed_error_waits_until_it_is_asked_for():
    with Postponed() as postponed:
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        postponed.raise_error()


def test_nothing_is_raised_where_nothing_failed():
    with Postponed() as postponed:
        pass
    postponed.raise_error()


def test_an_interrupt_is_not_postponed():
    with pytest.raises(KeyboardInterrupt), Postponed():
        raise KeyboardInterrupt
