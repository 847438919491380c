"""Freezes results of the installed version, for every later one to load.

    PYTHONPATH=tests python -m stored.make FOLDER

writes one small file a kind of result, an unfinished trace, and `expected.json` with what the
version that made them read from them. Run it with the release that is frozen, in its own checkout.
"""

import json
import sys
from pathlib import Path

import numpy as np
import stored_material
from trajectory.runs import FAST, write_run

import ibcollapse as ib
from ibcollapse.serialize import save, to_dict

SCALARS = (bool, int, float, str)


def larger_results(folder):
    """Results that `stored_material` leaves out because they take longer."""
    a, b = (write_run(folder / f"{name}.h5", i) for i, name in enumerate("ab"))
    joint = np.random.default_rng(3).dirichlet(np.full(24, 0.5)).reshape(6, 4)
    curve = ib.trace_curve(joint, n_points=6, fraction=0.6)
    symmetric = (0.5 * np.eye(3) + 0.5 / 3) / 3
    jump = ib.find_transitions(symmetric)[0]
    one = {"layer": "head", "epoch": 4}
    last = [ib.open_features(path, **one) for path in (a, b)]
    found = {
        "bootstrap": ib.bootstrap_curve(joint, n_samples=200, n_resamples=4, n_points=4),
        "hysteresis": ib.trace_hysteresis(symmetric, jump),
        "tree": ib.grow_separation_tree(curve),
        "convex": ib.solve_convex(joint, 0.3),
        "alignment": ib.align(*last),
        "information": ib.matrix_information(*last),
        "trajectory": ib.dynamics(a, b, options=FAST),
        "coincidence": ib.measure_coincidence(a, b, options=FAST, **one),
        "supcon geometry": ib.landscape.supcon_geometry([5, 3, 2], temperature=0.5),
        "seli geometry": ib.landscape.seli_geometry([5, 3, 2]),
        "analysis of features": ib.curve(a, n_points=4, fraction=0.5, **one),
    }
    for path in (a, b):
        path.unlink()
    return found


def scalars_of(result):
    """The plain numbers and words of a result, by name."""
    return {k: v for k, v in to_dict(result).items() if isinstance(v, SCALARS)}


def main(folder):
    """Write the files and what this version reads from them."""
    folder.mkdir(parents=True)
    expected = {}
    for i, (name, result) in enumerate(
        {**stored_material.results(), **larger_results(folder)}.items()
    ):
        path = save(result, folder / f"{name.replace(' ', '_')}{('.h5', '.json')[i % 2]}")
        expected[path.name] = {
            "class": type(result).__name__,
            "values": scalars_of(ib.load_result(path)),
        }
    unfinished = folder / "unfinished_trace.h5"
    soft = np.random.default_rng(5).dirichlet(np.full(400 * 8, 0.3)).reshape(400, 8)
    ib.trace_curve(soft, time_limit=8, resume=unfinished)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
