"""The page of figures shows every function that draws on given axes."""

import inspect

import pytest
from console_blocks import ROOT

import ibcollapse.report

PAGE = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
DRAWING = [name for name in ibcollapse.report.__all__ if name.startswith("plot_")]


@pytest.mark.parametrize("name", DRAWING)
def test_a_function_that_draws_is_shown_and_takes_axes(name):
    assert f"`{name}(" in PAGE
    assert (ROOT / "docs" / "images" / f"{name}.png").exists()
    assert f"(images/{name}.png)" in PAGE
    parameter = inspect.signature(getattr(ibcollapse.report, name)).parameters["ax"]
    assert parameter.kind is parameter.KEYWORD_ONLY


def test_every_whole_figure_is_named():
    names = [name for name in ibcollapse.report.__all__ if name.endswith("_figure")]
    assert [name for name in names if f"`{name}`" not in PAGE] == ["save_figure"]
