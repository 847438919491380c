"""Measuring along checkpoints, with what is finished kept in a file."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ibcollapse.coincidence import CoincidenceOptions
from ibcollapse.coincidence.options import DEFAULTS
from ibcollapse.errors import InputError, OutputError
from ibcollapse.features import Features, FeatureSource, open_features
from ibcollapse.progress import SILENT, Progress
from ibcollapse.provenance import Provenance, provenance_of
from ibcollapse.storage.serialize import load_result
from ibcollapse.trajectory.checkpoint import Checkpoint, measure_checkpoint
from ibcollapse.trajectory.trajectory import Trajectory


def dynamics(
    a: Features,
    b: Features | None = None,
    *,
    epochs: Sequence[int] | None = None,
    beta: float = 2.0,
    tolerance: float = 0.01,
    options: CoincidenceOptions = DEFAULTS,
    store: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
    **selection: Any,
) -> Trajectory:
    """`Trajectory` of one network, or of two trained apart, along their stored checkpoints.

    Parameters
    ----------
    a, b : path, FeatureSource or (features, labels)
        Features at several epochs. With b, the epochs that both store are measured.
    epochs : sequence of int, optional
        Checkpoints to measure; default: all.
    beta : float
        Trade-off at which a transition counts as included, above 1. At the default 2 a Gaussian
        mode is open once half of the variance of its variate is shared, ρ² ≥ 1/2.
    tolerance : float
        Distance to the last accuracy that counts as flat.
    options : CoincidenceOptions
        How every checkpoint is measured.
    store : path, optional
        Result file (.h5 or .json) that is written after every checkpoint. A later call with the
        same features and options takes from it what is finished.
    progress : Progress
        Told about every stage of every checkpoint.
    **selection :
        Which features of the files: `layer`, `split` and the other keyword arguments of
        `ibcollapse.open_features` but `epoch`.

    Raises
    ------
    InputError
        When there is no checkpoint that both networks store, an epoch that was asked for is
        missing, or features cannot be measured.
    OutputError
        When `store` holds another trajectory, or cannot be written.
    """
    if selection.get("epoch") is not None:
        raise InputError("dynamics goes through the epochs; choose them with epochs, not epoch")
    if not beta > 1 or not 0 <= tolerance < 1:
        raise InputError(
            f"beta = {beta}, tolerance = {tolerance}; expected beta above 1 and a share below 1"
        )
    networks = [open_features(a, **selection)]
    if b is not None:
        networks.append(open_features(b, **selection))
    wanted, notes = _common_epochs(networks, epochs)
    origin = _origin(networks, options)
    kept = {} if store is None else _finished(Path(store), origin)
    for number, epoch in enumerate(wanted, start=1):
        if epoch not in kept:
            progress.note(f"epoch {epoch}, checkpoint {number} of {len(wanted)}")
            kept[epoch] = _measure(networks, epoch, options, progress)
            if store is not None:
                # Checkpoints of an earlier call that were not asked for now stay in the file.
                _trajectory(kept, sorted(kept), beta, tolerance, notes, origin).save(store)
    found = _trajectory(kept, wanted, beta, tolerance, notes, origin)
    if store is not None:
        found.save(store)
    return found


def _measure(
    networks: list[FeatureSource], epoch: int, options: CoincidenceOptions, progress: Progress
) -> Checkpoint:
    here = [n if n.epoch in (None, epoch) else n.select(epoch=epoch) for n in networks]
    try:
        return measure_checkpoint(here[0], here[1] if len(here) > 1 else None, options, progress)
    except InputError as error:
        raise InputError(f"epoch {epoch}: {error}") from error


def _trajectory(
    kept: dict[int, Checkpoint],
    epochs: Sequence[int],
    beta: float,
    tolerance: float,
    notes: tuple[str, ...],
    origin: Provenance,
) -> Trajectory:
    checkpoints = tuple(kept[epoch] for epoch in epochs)
    return Trajectory(checkpoints, beta, tolerance, len(epochs), notes, origin)


def _common_epochs(
    networks: list[FeatureSource], asked: Sequence[int] | None
) -> tuple[list[int], tuple[str, ...]]:
    stored = [set(n.contents.epochs) or {0 if n.epoch is None else n.epoch} for n in networks]
    common = set.intersection(*stored)
    lonely = sorted(set.union(*stored) - common)
    if not common:
        raise InputError(
            f"the networks store no common epoch ({sorted(stored[0])} and {sorted(stored[-1])})"
        )
    if asked is not None:
        if missing := sorted(set(asked) - common):
            raise InputError(f"epochs {missing} are not stored; there are {sorted(common)}")
        return sorted(set(asked)), ()
    notes = (f"epochs that only one network stores are left out: {lonely}",) if lonely else ()
    return sorted(common), notes


def _origin(networks: list[FeatureSource], options: CoincidenceOptions) -> Provenance:
    fingerprints = [n.fingerprint for n in networks]
    chosen = {f"layer_{i}": n.layer for i, n in enumerate(networks, start=1)}
    chosen |= {f"split_{i}": n.split for i, n in enumerate(networks, start=1)}
    joined = hashlib.sha256("".join(fingerprints).encode()).hexdigest()
    described = "; ".join(n.description for n in networks)
    return provenance_of(
        described,
        fingerprints[0] if len(fingerprints) == 1 else joined,
        {**chosen, **dataclasses.asdict(options)},
    )


def _finished(path: Path, origin: Provenance) -> dict[int, Checkpoint]:
    """Checkpoints in the file at `path`; none when there is no file."""
    if not path.exists():
        return {}
    found = load_result(path)
    if not isinstance(found, Trajectory):
        raise OutputError(f"{path} holds a {type(found).__name__}; choose another output")
    earlier = found.provenance
    if earlier.fingerprint != origin.fingerprint or earlier.options != origin.options:
        different = sorted(
            name for name, value in origin.options.items() if earlier.options.get(name) != value
        )
        what = f"options {', '.join(different)}" if different else "features"
        raise OutputError(
            f"{path} holds a trajectory of other {what}; delete it or choose another output"
        )
    return {checkpoint.epoch: checkpoint for checkpoint in found.checkpoints}
