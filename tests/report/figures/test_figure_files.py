import dataclasses
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from ibcollapse.errors import InputError, OutputError
from ibcollapse.report.figures import (
    curve_figure,
    plot_information_plane,
    render_svg,
    save_figure,
)

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_equal_figures_are_equal_files(symmetric, tmp_path, suffix):
    paths = [tmp_path / f"{i}{suffix}" for i in range(2)]
    for path in paths:
        assert save_figure(plot_information_plane(symmetric).figure, path) == path
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert len(first) > 5000


def test_text_stays_text_and_no_date_is_written(symmetric):
    root = ET.fromstring(render_svg(curve_figure(symmetric)))
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {"I(X;T) [nats]", "β = 1.225", "first-order transition"} <= set(texts)
    assert not list(root.iter(f"{SVG}metadata"))


def test_values_show_under_the_pointer(symmetric):
    hostile = tuple(
        dataclasses.replace(t, separates=(('<b>"cat"</b>',), ("dog & co",)))
        for t in symmetric.transitions
    )
    curve = dataclasses.replace(symmetric, transitions=hostile)
    root = ET.fromstring(render_svg(curve_figure(curve)))
    titles = [title.text for title in root.iter(f"{SVG}title")]
    # Once in the plane and once in the panel of beta.
    [found, again] = [title for title in titles if "first-order" in title]
    assert again == found
    assert found.startswith("first-order transition at β = 1.22462")
    assert found.endswith(': <b>"cat"</b> | dog & co')
    # In both, one for each solution and one for the transition.
    assert len(titles) == 2 * (len(curve.solutions) + 1)


def test_an_unknown_suffix_is_refused(symmetric, tmp_path):
    with pytest.raises(InputError, match=r"\.png, \.svg or \.pdf"):
        save_figure(curve_figure(symmetric), tmp_path / "curve.jpg")


def test_a_missing_folder_is_an_output_error(symmetric, tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        save_figure(curve_figure(symmetric), tmp_path / "missing" / "curve.png")


def test_figures_never_import_pyplot(tmp_path):
    program = """
import sys
from ibcollapse.report import gram_figure, save_figure
save_figure(gram_figure({"identity": [[1.0, 0.0], [0.0, 1.0]]}), sys.argv[1])
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program, tmp_path / "x.svg"], check=True)
