"""What a browser makes of a report with every section; needs Chromium."""

import re
import shutil
import subprocess

import pytest

from ibcollapse.report import SECTIONS, write_report

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


@pytest.fixture(scope="module")
def opened(report, tmp_path_factory):
    """The document after loading, and what the browser logged."""
    folder = tmp_path_factory.mktemp("report")
    page = write_report(report, folder / "page.html")
    quiet = ("--no-first-run", "--disable-component-update", "--disable-background-networking")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-sync", *quiet]
    command += [f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr"]
    command += ["--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    return done.stdout.decode(), done.stderr.decode()


def test_nothing_is_asked_of_the_network_and_nothing_complained_of(opened):
    document, log = opened
    assert [line for line in log.splitlines() if "CONSOLE" in line] == []
    # Names of XML dialects are no requests; the icon and the heat maps are inside the page.
    addresses = re.findall(r'(?:href|src)="([^"]*)"', document)
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)


def test_the_loops_the_intervals_the_bounds_and_the_path_are_there(opened):
    document, _ = opened
    for caption in (
        "Hysteresis: the betas at which",
        "percentile intervals from resampling",
        "Losses beside the smallest",
        "Checkpoints.",
    ):
        assert caption in document
    # Values under the pointer: a title inside the drawing, which the browser shows.
    assert re.search(r"<title>β = [^<]*\|T\| = \d+</title>", document)


def test_every_section_is_drawn_and_every_link_of_the_page_arrives(opened):
    document, _ = opened
    assert document.count("<section ") == len(SECTIONS) + 1
    targets = re.findall(r'<a href="#([^"]+)"', document)
    assert len(targets) == len(SECTIONS) + 1
    for target in targets:
        assert f'id="{target}"' in document
