import collections
import html.parser

import numpy as np
import pytest

from ibcollapse.errors import InputError, OutputError
from ibcollapse.report import (
    Picture,
    Report,
    Section,
    Table,
    curve_figure,
    gram_figure,
    render_report,
    render_svg,
    write_report,
)

HOSTILE = '</title><script>alert("1")</script><img src="https://example.org/x" onerror=f()>'


class Page(html.parser.HTMLParser):
    """Tags, attributes and text of a page, in order."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def values(self, name):
        return [attributes[name] for _, attributes in self.tags if name in attributes]


@pytest.fixture(scope="module")
def report(symmetric):
    drawing = render_svg(curve_figure(symmetric, title=HOSTILE))
    heat_map = render_svg(gram_figure({HOSTILE: np.eye(10)}))
    section = Section(
        title=f"Curve of {HOSTILE}",
        text=(HOSTILE,),
        warnings=(HOSTILE,),
        pictures=(Picture(drawing, HOSTILE, wide=True), Picture(heat_map, "Gram")),
        tables=(Table(("class", "β"), ((HOSTILE, "1.2"), ("b", "−3e-4")), HOSTILE),),
    )
    return Report(
        title=HOSTILE,
        headline=(HOSTILE, "β = 1.2"),
        sections=(section, section, Section("Über…")),
        analysed=((HOSTILE, HOSTILE),),
        methods=HOSTILE,
        bibtex="@article{a,\n  title = {" + HOSTILE + "}\n}",
    )


@pytest.fixture(scope="module")
def page(report):
    return Page(render_report(report))


def test_names_never_become_markup(page):
    assert not {"script", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert sum(HOSTILE in text for text in page.text) >= 8


def test_the_page_asks_for_nothing_outside_itself(page):
    for name in ("src", "href", "xlink:href"):
        assert all(value.startswith(("#", "data:")) for value in page.values(name))
    policies = [a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_ids_are_unique_and_links_lead_somewhere(page):
    counts = collections.Counter(page.values("id"))
    assert max(counts.values()) == 1
    links = [a["href"] for t, a in page.tags if t == "a"]
    assert len(links) == 4
    assert all(link[1:] in counts for link in links)
    references = [v for v in page.values("xlink:href") if v.startswith("#")]
    assert references
    assert {value[1:] for value in references} <= set(counts)


def test_numbers_are_set_flush_right_with_their_heading(page):
    cells = [(tag, attributes.get("class")) for tag, attributes in page.tags if tag in ("th", "td")]
    assert cells[:6] == [
        ("th", None),
        ("th", "number"),
        ("td", None),
        ("td", "number"),
        ("td", None),
        ("td", "number"),
    ]


def test_equal_reports_are_equal_pages(report, tmp_path):
    paths = [write_report(report, tmp_path / f"{i}.html") for i in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_text(encoding="utf-8") == render_report(report)


def test_an_empty_report_is_a_page():
    page = Page(render_report(Report("Nothing", (), ())))
    assert "Nothing" in page.text
    assert "section" not in {tag for tag, _ in page.tags}


def test_a_picture_that_could_run_is_refused_and_nothing_is_written(tmp_path):
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
    report = Report("r", (), (Section("s", pictures=(Picture(svg, "c"),)),))
    with pytest.raises(InputError, match="<script>"):
        write_report(report, tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_an_output_error(report, tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        write_report(report, tmp_path / "missing" / "r.html")
