"""What a training run leaves beside its output when it is killed or cannot write."""

import pytest

pytest.importorskip("torch")

from ibcollapse.errors import OutputError
from ibcollapse.nn import TrainingPlan, train
from ibcollapse.nn.unfinished import UnfinishedRun

pytestmark = pytest.mark.torch


@pytest.fixture
def plan(mixture):
    sizes = {"feature_dim": 8, "head_dim": 4, "batch_size": 20}
    return TrainingPlan(data=str(mixture), network="mlp", epochs=1, checkpoints=(0, 1), **sizes)


def test_what_a_killed_run_had_half_written_is_removed(plan, tmp_path):
    half = tmp_path / ".run-abcd_123.h5"
    others = [tmp_path / name for name in (".run-of-mine.h5", ".running-abcd_123.h5", "run-1.h5")]
    for path in (half, *others):
        path.touch()
    train(plan, tmp_path / "run.h5")
    assert not half.exists()
    assert all(path.exists() for path in others)


def test_a_full_disk_leaves_no_folder_without_a_state(plan, tmp_path, monkeypatch):
    def full(*_):
        raise OutputError("no space")

    monkeypatch.setattr(UnfinishedRun, "save", full)
    with pytest.raises(OutputError, match="no space"):
        train(plan, tmp_path / "run.h5")
    assert not list(tmp_path.glob("run.h5*"))
