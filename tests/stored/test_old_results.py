"""Result files that released versions wrote load for ever, and say what they said.

`python -m stored.make` wrote them, with the release that names their folder.
"""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from ibcollapse.bottleneck import IBCurve, trace_curve
from ibcollapse.serialize import load_result, to_dict

HERE = Path(__file__).parent
RELEASES = sorted(folder for folder in HERE.iterdir() if (folder / "expected.json").exists())


def frozen_files():
    for release in RELEASES:
        expected = json.loads((release / "expected.json").read_text())
        for name, told in expected.items():
            yield pytest.param(release / name, told, id=f"{release.name}/{name}")


def same(found, expected):
    if isinstance(expected, float):
        return found == expected or (math.isnan(found) and math.isnan(expected))
    return found == expected


@pytest.mark.parametrize(("path", "told"), list(frozen_files()))
def test_a_result_of_an_older_version_loads_and_says_the_same(path, told):
    result = load_result(path)
    assert type(result).__name__ == told["class"]
    fields = to_dict(result)
    differing = {
        name: (fields.get(name), value)
        for name, value in told["values"].items()
        # The version of a schema may have moved on; the fields are migrated.
        if name != "version" and not same(fields.get(name), value)
    }
    assert not differing


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_every_file_of_a_release_is_expected(release):
    named = set(json.loads((release / "expected.json").read_text()))
    there = {path.name for path in release.iterdir()} - {"expected.json", "unfinished_trace.h5"}
    assert there == named
    assert len(named) > 20


class Notes:
    def __init__(self):
        self.notes = []

    def start(self, what, total=None):
        pass

    def advance(self, amount=1.0):
        pass

    def note(self, text):
        self.notes.append(text)

    def finish(self):
        pass


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_an_unfinished_trace_goes_on_or_is_replaced_and_says_so(release, tmp_path):
    path = tmp_path / "unfinished.h5"
    shutil.copy(release / "unfinished_trace.h5", path)
    kept = load_result(path)
    soft = np.random.default_rng(5).dirichlet(np.full(400 * 8, 0.3)).reshape(400, 8)
    progress = Notes()
    curve = trace_curve(soft, time_limit=1.0, resume=path, progress=progress)
    assert isinstance(curve, IBCurve)
    assert len(progress.notes) == 1
    assert progress.notes[0] in (
        f"going on after {len(kept.solutions)} finished points",
        "an unfinished run of other input or options is replaced",
    )
