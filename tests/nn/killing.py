"""Training in a process of its own that is killed at one optimisation step."""

import subprocess
import sys

import torch

from ibcollapse.nn import trainer

_SCRIPT = """
import os, signal, sys
import torch
from ibcollapse.nn import TrainingPlan, train, trainer
steps = 0
step = torch.optim.SGD.step
def killing_step(self, *args, **kwargs):
    global steps
    steps += 1
    if steps == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *args, **kwargs)
torch.optim.SGD.step = killing_step
torch.set_num_threads(int(sys.argv[4]))
trainer.SAVE_EVERY_S = float(sys.argv[5])
train(eval(sys.argv[1]), sys.argv[2])
"""


def train_until_killed(plan, path, at_step, save_every=trainer.SAVE_EVERY_S):
    """Train `plan` into `path` and kill it before optimisation step `at_step`."""
    given = (repr(plan), path, at_step, torch.get_num_threads(), save_every)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *map(str, given)], capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr
