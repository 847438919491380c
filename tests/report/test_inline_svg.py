import pytest

from ibcollapse.errors import InputError
from ibcollapse.report.figures import curve_figure, render_svg
from ibcollapse.report.inline_svg import inline_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'


def embed(body):
    return inline_svg(f"{HEAD}{body}</svg>", prefix="p", label="a <label>")


def test_ids_and_references_are_renamed_together():
    text = embed('<g id="a" clip-path="url(#c)"><use xlink:href="#a"/></g><text>id="a"</text>')
    assert 'id="p-a"' in text
    assert 'clip-path="url(#p-c)"' in text
    assert 'xlink:href="#p-a"' in text
    assert '<text>id="a"</text>' in text
    assert 'aria-label="a &lt;label&gt;"' in text


def test_what_matplotlib_draws_passes(symmetric):
    assert inline_svg(render_svg(curve_figure(symmetric)), prefix="p", label="").startswith("<svg")


def test_embedded_pixels_pass_unchanged():
    image = '<image xlink:href="data:image/png;base64,AAAA" />'
    assert image in embed(image)


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        '<g onload="alert(1)"/>',
        "<foreignObject/>",
        '<use xlink:href="https://example.org/x.svg#a"/>',
        '<use href="other.svg#a"/>',
        '<image xlink:href="https://example.org/x.png"/>',
        '<image xlink:href="data:image/svg+xml;base64,AAAA"/>',
        '<g style="fill: url(https://example.org/x)"/>',
        '<a xlink:href="#a"/>',
    ],
)
def test_what_could_run_or_load_is_refused(body):
    with pytest.raises(InputError, match="picture 'p'"):
        embed(body)


@pytest.mark.parametrize("svg", ["", "<svg", "<html/>", "<svg/>"])
def test_what_is_no_svg_is_refused(svg):
    with pytest.raises(InputError, match="picture 'p'"):
        inline_svg(svg, prefix="p", label="")
