"""A trace that is stopped and goes on from its file takes the same steps, to the last bit."""

import dataclasses

import numpy as np
import pytest
from known_channels import wu_fischer

from ibcollapse.bottleneck import Channel, trace_curve
from ibcollapse.bottleneck.tracing import checkpoint
from ibcollapse.bottleneck.tracing.checkpoint import UnfinishedTrace
from ibcollapse.bottleneck.tracing.tracer import CurveInterrupted
from ibcollapse.errors import ResultFileError
from ibcollapse.progress import SILENT
from ibcollapse.serialize import load_result, save

TABLE = np.random.default_rng(2).dirichlet(np.full(24, 0.5)).reshape(8, 3)
CHANNELS = {"wu_fischer": wu_fischer(), "table": Channel.from_joint(TABLE)}
QUICK = {"n_points": 12, "fraction": 0.8}


class Stopping:
    """A progress that raises at step `last`, and keeps what it was told."""

    def __init__(self, last=np.inf):
        self.last, self.steps, self.notes = last, 0, []

    def start(self, _description, total=None):
        pass

    def advance(self, steps=1.0):
        self.steps += 1
        if self.steps >= self.last:
            raise KeyboardInterrupt

    def note(self, text):
        self.notes.append(text)

    def finish(self):
        pass


@pytest.fixture(autouse=True)
def saving_each_step(monkeypatch):
    monkeypatch.setattr(checkpoint, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "_LEAST_RATIO", 0.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The curve of each channel, traced with a file but never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    return {
        name: trace_curve(channel, **QUICK, resume=folder / f"{name}.h5")
        for name, channel in CHANNELS.items()
    }


def bits(item):
    """Everything in a curve, arrays and floats as bytes."""
    if dataclasses.is_dataclass(item):
        return {f.name: bits(getattr(item, f.name)) for f in dataclasses.fields(item)}
    if isinstance(item, (tuple, list)):
        return [bits(one) for one in item]
    if isinstance(item, (np.ndarray, float)):
        return np.asarray(item).tobytes()
    return item


def stop(channel, path, step, **options):
    with pytest.raises(CurveInterrupted):
        trace_curve(channel, **QUICK, **options, resume=path, progress=Stopping(step))


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 8])
def test_a_stopped_trace_ends_with_the_same_bits(whole, tmp_path, name, step):
    path = tmp_path / "trace.h5"
    stop(CHANNELS[name], path, step)
    progress = Stopping()
    again = trace_curve(CHANNELS[name], **QUICK, resume=path, progress=progress)
    assert bits(again) == bits(whole[name])
    # The first step ends before anything was kept; all others are gone on from.
    assert progress.notes == ([] if step == 1 else [progress.notes[0]])
    assert step == 1 or "going on after" in progress.notes[0]


def test_a_trace_stopped_at_every_step_ends_with_the_same_bits(whole, tmp_path):
    path = tmp_path / "trace.json"
    for _ in range(200):
        try:
            # The second: the first tells what was covered by the trace that it goes on from.
            step = 3 if path.exists() else 2
            again = trace_curve(wu_fischer(), **QUICK, resume=path, progress=Stopping(step))
            break
        except CurveInterrupted:
            continue
    assert bits(again) == bits(whole["wu_fischer"])


@pytest.mark.parametrize("other", [{"seed": 1}, {"tol": 1e-8}, {"max_clusters": 3}])
def test_a_trace_of_other_options_is_replaced_and_said_so(tmp_path, other):
    path = tmp_path / "trace.h5"
    stop(wu_fischer(), path, 4)
    before = load_result(path).fingerprint
    progress = Stopping(6)
    with pytest.raises(CurveInterrupted):
        trace_curve(wu_fischer(), **QUICK, **other, resume=path, progress=progress)
    assert progress.notes == ["an unfinished run of other input or options is replaced"]
    assert load_result(path).fingerprint != before


def test_a_damaged_trace_is_refused(tmp_path):
    path = tmp_path / "trace.h5"
    stop(wu_fischer(), path, 4)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ResultFileError, match=r"trace\.h5"):
        trace_curve(wu_fischer(), **QUICK, resume=path, progress=SILENT)


def test_a_result_of_another_kind_is_replaced(whole, tmp_path):
    path = save(whole["wu_fischer"], tmp_path / "curve.h5")
    stop(wu_fischer(), path, 4)
    assert isinstance(load_result(path), UnfinishedTrace)
