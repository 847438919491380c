"""What a browser makes of a report; needs Chromium."""

import html
import re
import shutil
import subprocess

import pytest

from ibcollapse.report import (
    Picture,
    Report,
    Section,
    Table,
    curve_figure,
    plot_information_plane,
    render_report,
    render_svg,
)

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture(scope="module")
def source(symmetric):
    name = "a_very_long_class_name_" * 8
    plane = plot_information_plane(symmetric)
    pictures = (
        Picture(render_svg(plane.figure), name),
        Picture(render_svg(curve_figure(symmetric)), "wide", wide=True),
    )
    table = Table((name, "beta"), ((name, "1.2"), ("<b>", "2.5")), name)
    section = Section(name, text=(name,), warnings=(name,), pictures=pictures, tables=(table,))
    return render_report(Report(name, (name,), (section, section), ((name, name),), name, name))


def open_in_browser(source, folder, *flags):
    """The document after loading, and what the browser logged."""
    page = folder / "page.html"
    page.write_text(source, encoding="utf-8")
    quiet = ("--no-first-run", "--disable-component-update", "--disable-background-networking")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-sync", *quiet]
    command += [f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", *flags]
    command += ["--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    return done.stdout.decode(), done.stderr.decode()


def console_lines(log):
    return [line for line in log.splitlines() if "CONSOLE" in line]


def test_the_browser_has_nothing_to_complain_about(source, tmp_path):
    document, log = open_in_browser(source, tmp_path)
    assert document.count("<section ") == 3
    assert console_lines(log) == []


def test_the_policy_stops_a_script_that_got_in(source, tmp_path):
    # That the test above can fail: the same page with a script in it does complain.
    script = "<script>document.title = 'taken over'</script></body>"
    document, log = open_in_browser(source.replace("</body>", script), tmp_path)
    assert "<title>taken over" not in document
    assert console_lines(log) != []


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_the_page_never_scrolls_sideways(source, tmp_path, width):
    # In a frame, because a headless window cannot be as narrow as a phone.
    framed = html.escape(POLICY.sub("", source))
    measure = """
      addEventListener("load", () => {
        const page = document.querySelector("iframe").contentDocument.documentElement;
        document.title = "measured " + page.scrollWidth + " " + page.scrollHeight;
      });
    """
    style = f"width:{width}px;height:2000px;border:0"
    wrapper = f'<script>{measure}</script><iframe style="{style}" srcdoc="{framed}"></iframe>'
    document, _ = open_in_browser(wrapper, tmp_path)
    page_width, page_height = map(int, re.search(r"measured (\d+) (\d+)", document).groups())
    assert page_width <= width
    assert page_height > 1000
