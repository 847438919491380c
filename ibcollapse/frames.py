"""Results as pandas data frames and xarray datasets; both are optional.

A result with a table or arrays of its own has methods `to_pandas` and `to_xarray`, which build on
this module; `to_pandas` here makes one row of any result.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ibcollapse.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

# name → (dimensions, values)
Variables = Mapping[str, tuple[Sequence[str], Any]]


def to_pandas(*results: Any) -> "pd.DataFrame":
    """One row for each result: its numbers, texts and truth values, nested ones as "a.b".

    Arrays and sequences are left out. Information is in nats.

    Raises
    ------
    InputError
        On something that is no result.
    MissingExtraError
        Without pandas.
    """
    return make_frame([scalars_of(result) for result in results])


def scalars_of(result: Any) -> dict[str, Any]:
    """The single values of a result by name, nested results' as "outer.inner".

    Examples
    --------
    >>> from ibcollapse import Channel, solve
    >>> found = scalars_of(solve(Channel.from_joint([[0.45, 0.05], [0.05, 0.45]]), 3.0))
    >>> round(found["i_ty"], 6), found["status"]
    (0.358076, 'converged')
    """
    if not dataclasses.is_dataclass(result) or isinstance(result, type):
        raise InputError(f"a {type(result).__name__} is no result of ibcollapse")
    found: dict[str, Any] = {}
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, (bool, int, float, str)):
            found[field.name] = value
        elif dataclasses.is_dataclass(value):
            inner = scalars_of(value)
            found |= {f"{field.name}.{name}": item for name, item in inner.items()}
    return found


def make_frame(table: Any) -> "pd.DataFrame":
    """Data frame of columns or of rows, as `pandas.DataFrame` takes them."""
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingExtraError("frames", "a data frame") from error
    return pd.DataFrame(table)


def make_dataset(
    variables: Variables, coordinates: Variables, attributes: Mapping[str, Any]
) -> "xr.Dataset":
    """Dataset of named variables and coordinates, each with its dimensions."""
    try:
        import xarray as xr
    except ModuleNotFoundError as error:
        raise MissingExtraError("frames", "a dataset of labelled arrays") from error
    return xr.Dataset(
        {name: (list(dims), values) for name, (dims, values) in variables.items()},
        coords={name: (list(dims), values) for name, (dims, values) in coordinates.items()},
        attrs=dict(attributes),
    )
