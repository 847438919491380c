"""How results show themselves: a table in a notebook, a figure from `plot`.

Results know nothing of HTML or figures. `storage.serialize.register` lets every result class show
itself; what it shows is registered here by `report`, by the name under which the class is stored,
and loaded when a result is first shown or drawn.
"""

import importlib
from collections.abc import Callable
from typing import Any, TypeVar

# Results with a method `plot`; the others have no figure of their own.
DRAWN = frozenset(
    {
        "analysis/Analysis",
        "bottleneck/Hysteresis",
        "bottleneck/IBCurve",
        "coincidence/CoincidenceReport",
        "landscape/AugmentationPath",
        "trajectory/Trajectory",
    }
)
# The modules that register, apart: a table needs no matplotlib.
_TABLES = "ibcollapse.report.result_tables"
_FIGURES = "ibcollapse.report.result_figures"

_Function = TypeVar("_Function", bound=Callable[..., Any])

_tables: dict[str, Callable[[Any], str]] = {}
_figures: dict[str, Callable[..., Any]] = {}


def register_table(*schemas: str) -> Callable[[_Function], _Function]:
    """Decorator: the function makes the HTML of results stored under `schemas`.

    Without any, it makes that of every result that has no other.
    """

    def enter(function: _Function) -> _Function:
        _tables.update(dict.fromkeys(schemas or ("",), function))
        return function

    return enter


def register_figure(schema: str, function: Callable[..., Any]) -> None:
    """Let `function` draw results stored under `schema`, one of `DRAWN`."""
    if schema not in DRAWN:
        raise KeyError(f"{schema} is not in display.DRAWN, so its class has no method plot")
    _figures[schema] = function


def show(cls: type, schema: str) -> None:
    """Give the class stored under `schema` its HTML and, if it is drawn, its method `plot`."""

    def html(self: Any) -> str:
        """A short table of the result, for notebooks."""
        importlib.import_module(_TABLES)
        return (_tables.get(schema) or _tables[""])(self)

    def plot(self: Any, **options: Any) -> Any:
        """Matplotlib figure of the result, as `ibcollapse.plot` draws it with these options."""
        importlib.import_module(_FIGURES)
        return _figures[schema](self, **options)

    cls._repr_html_ = html  # type: ignore[attr-defined]
    if schema in DRAWN:
        cls.plot = plot  # type: ignore[attr-defined]
