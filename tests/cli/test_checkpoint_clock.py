from pathlib import Path

from trajectory.runs import FAST, write_run

import ibcollapse as ib
from ibcollapse.progress import SilentProgress
from ibcollapse_cli import checkpoint_clock
from ibcollapse_cli.checkpoint_clock import CheckpointClock


class Notes(SilentProgress):
    def __init__(self):
        self.said, self.stages = [], 0

    def start(self, description, total=None):
        self.stages += 1

    def note(self, text):
        self.said.append(text)


def test_time_left_is_that_of_the_checkpoints_done(monkeypatch):
    now = iter([0.0, 10.0, 40.0])
    monkeypatch.setattr(checkpoint_clock.time, "monotonic", lambda: next(now))
    notes = Notes()
    clock = CheckpointClock(notes)
    # The first one is found finished in the store: it is never begun.
    for text in ("epoch 1, checkpoint 2 of 5", "aside", "epoch 2, checkpoint 3 of 5"):
        clock.note(text)
    clock.note("epoch 3, checkpoint 4 of 5")
    assert notes.said == [
        "epoch 1, checkpoint 2 of 5",
        "aside",
        # 10 s for one, three to go; then 20 s each for two, two to go.
        "epoch 2, checkpoint 3 of 5, about 30.0 s left",
        "epoch 3, checkpoint 4 of 5, about 40.0 s left",
    ]


def test_the_checkpoints_of_a_run_are_timed(tmp_path: Path):
    notes = Notes()
    path = write_run(tmp_path / "a.h5", 0)
    ib.dynamics(path, epochs=[0, 4], options=FAST, progress=CheckpointClock(notes))
    first, second = (note for note in notes.said if "checkpoint" in note)
    assert first == "epoch 0, checkpoint 1 of 2"
    assert second.startswith("epoch 4, checkpoint 2 of 2, about ")
    assert notes.stages > 2
