"""Options that several commands share, spelled once."""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

# The arguments of `ibcollapse.features.open_features`, in the order of the help.
_SELECTION = {
    "features_key": click.option(
        "--features-key", metavar="KEY", help="Dataset of the features; default found by its name."
    ),
    "labels_key": click.option(
        "--labels-key", metavar="KEY", help="Dataset of the labels; default found by its name."
    ),
    "group": click.option("--group", metavar="GROUP", help="Look only below this group."),
    "layer": click.option("--layer", metavar="NAME", help="Layer; default the file's default."),
    "epoch": click.option("--epoch", type=int, help="Checkpoint; default the last."),
    "split": click.option(
        "--split", metavar="NAME", help="Split, such as test; default the file's default."
    ),
    "pool": click.option(
        "--pool",
        metavar="HOW",
        help="How features of three or four axes become one vector: mean, first, last, mean-nchw, "
        "mean-nhwc or flatten.",
    ),
    "transpose": click.option(
        "--transpose/--no-transpose",
        default=None,
        help="Samples are the columns / the rows; default found from the labels.",
    ),
    "drop_nonfinite": click.option(
        "--drop-nonfinite", is_flag=True, help="Leave out samples with NaN or infinite features."
    ),
}


def feature_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose features in a file, handed on as one dict `selection`.

    Its keys are the keyword arguments of `ibcollapse.features.open_features`.
    """

    @functools.wraps(command)
    def collect(*args: Any, **kwargs: Any) -> Any:
        selection = {name: kwargs.pop(name) for name in _SELECTION}
        _prepare_guard(kwargs)
        return command(*args, selection=selection, **kwargs)

    for option in reversed(_SELECTION.values()):
        collect = option(collect)
    return collect


def _prepare_guard(given: dict[str, Any]) -> None:
    """Let the process that meets damaged HDF5 files first start while the command is imported."""
    from ibcollapse.storage.hdf5_guard import prepare

    for parameter in click.get_current_context().command.params:
        if isinstance(parameter, click.Argument) and parameter.name is not None:
            files = given[parameter.name]
            for file in files if isinstance(files, tuple) else (files,):
                if file is not None:
                    prepare(file)


def read_integers(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> tuple[int, ...] | None:
    """Callback of an option that is a list of whole numbers such as 0,1,2; None when not given."""
    if not text:
        return None
    try:
        return tuple(int(item) for item in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of whole numbers such as 0,1,2") from None


def json_option(command: _Command) -> _Command:
    """`--json PATH|-` as `json_path`: where the result goes as JSON, "-" for standard output."""
    return click.option(
        "--json",
        "json_path",
        metavar="PATH|-",
        type=click.Path(dir_okay=False, allow_dash=True),
        callback=_claimed,
        help="Write the result as JSON to PATH, or instead of the table to standard output (-).",
    )(command)


def quiet_option(command: _Command) -> _Command:
    """`-q/--quiet` as `quiet`: no progress and no remarks; errors still show."""
    return click.option(
        "-q", "--quiet", is_flag=True, help="No progress and no remarks on standard error."
    )(command)


def seed_option(command: _Command) -> _Command:
    """`--seed` as `seed`, a non-negative integer."""
    return click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Seed of everything random.",
    )(command)


def intervals_option(command: _Command) -> _Command:
    """`--bootstrap` as `bootstrap`: samples behind the intervals of a pair's critical betas."""
    return click.option(
        "--bootstrap",
        type=int,
        default=200,
        show_default=True,
        help="Bootstrap samples behind the 95 % intervals of the critical betas; 0 for none.",
    )(command)


def workers_option(command: _Command) -> _Command:
    """`--workers` as `workers`: threads to use, None for all processors this process may use."""
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Threads; default all processors.",
    )(command)


def units_option(command: _Command) -> _Command:
    """`--units nats|bits` as `units`, for tables and figures; JSON and result files are in nats."""
    return click.option(
        "--units",
        type=click.Choice(["nats", "bits"]),
        default="nats",
        show_default=True,
        help="Unit of information in tables and figures; JSON and result files stay in nats.",
    )(command)


def output_option(help: str, *, is_file: bool = True) -> Callable[[_Command], _Command]:
    """`-o/--output PATH` as `output` (a `Path` or None), with the command's own help text.

    A file is claimed for this run at once; a command that makes a folder or several files claims
    them itself.
    """
    return click.option(
        "-o",
        "--output",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help=help,
        callback=_claimed if is_file else None,
    )


def claim_file(output: Path) -> None:
    """Claim a file that this command will write, before hours of work and not after them.

    Raises
    ------
    OutputError
        When it is a folder, another run is writing it, or the folder around it cannot be written.
    """
    from ibcollapse.errors import OutputError

    if output.is_dir():
        raise OutputError(f"{output} is a folder; name a file in it")
    claim(output)


def claim(output: Path) -> None:
    """Keep other runs from writing to `output` until this command ends.

    What killed runs left half-written of it is removed.

    Raises
    ------
    OutputError
        When another run is writing it, or the folder around it cannot be written.
    """
    from ibcollapse.storage.atomic import remove_half_written
    from ibcollapse.storage.output_lock import output_lock

    click.get_current_context().with_resource(output_lock(output))
    remove_half_written(output)


def claim_folder(folder: Path, names: Iterable[str]) -> None:
    """Make `folder`, see that files can be written into it, and claim it with its files `names`.

    Raises
    ------
    OutputError
        When another run is writing it, or it cannot be made or written.
    """
    from ibcollapse.errors import OutputError
    from ibcollapse.storage.atomic import remove_half_written

    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"cannot write into {folder}: {error.strerror}; choose another -o"
        ) from error
    claim(folder)
    for name in names:
        remove_half_written(folder / name)


def _claimed(_context: click.Context, _option: click.Parameter, path: Any) -> Any:
    if path is not None and str(path) != "-":
        claim_file(Path(path))
    return path


def common_options(command: _Command) -> _Command:
    """`--json`, `--seed`, `--workers` and `--quiet`, which every computing command takes."""
    return json_option(seed_option(workers_option(quiet_option(command))))
