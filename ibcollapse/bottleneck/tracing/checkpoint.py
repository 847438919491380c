"""What a trace needs to go on after a kill, kept in a file while it runs."""

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture
from ibcollapse.bottleneck.pricing.ascent import Maxima
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.solver.column_generation import SolvedState
from ibcollapse.storage.serialize import load_result, register, save

# The file is rewritten this often (seconds), and less often where that would take a twentieth of
# the time.
SAVE_EVERY = 5.0
_LEAST_RATIO = 20.0

# The channel is at hand where the file is read, and the Hessian can be had again.
_NOT_KEPT = {"channel", "hessian"}
_PARTS = {"mixture": Mixture, "evaluation": Evaluation, "maxima": Maxima}


@register("bottleneck/UnfinishedTrace")
@dataclasses.dataclass(frozen=True, eq=False)
class UnfinishedTrace:
    """A walk up the curve between two steps; the rest of it is a function of this alone.

    Attributes
    ----------
    fingerprint : str
        Of the channel and of every option.
    solutions, transitions : tuple
        What was collected, by increasing beta.
    next_beta : float
        Where the walk was going.
    state, postponed : dict
        Solved states as `as_fields` spells them; `postponed` may be None.
    rng : str
        State of the random generator, JSON.
    """

    fingerprint: str
    solutions: tuple[IBSolution, ...]
    transitions: tuple[PhaseTransition, ...]
    next_beta: float
    state: dict[str, Any]
    postponed: dict[str, Any] | None
    rng: str

    def restore_rng(self, rng: np.random.Generator) -> None:
        """Put the generator back to where it was."""
        rng.bit_generator.state = json.loads(self.rng)


class TraceKeeper:
    """The file at `path` in which a trace is kept, for the run with this fingerprint.

    `tracks_other_run` says that the file was that of another run and will be replaced.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path, self._fingerprint = path, fingerprint
        self._saved, self._cost = time.monotonic(), 0.0
        self.tracks_other_run = False

    def load(self) -> UnfinishedTrace | None:
        """What an earlier run of the same kind left; None where there is nothing.

        Raises
        ------
        ResultFileError
            When the file is damaged or none of this library.
        """
        if not self._path.exists():
            return None
        found = load_result(self._path)
        if isinstance(found, UnfinishedTrace) and found.fingerprint == self._fingerprint:
            return found
        self.tracks_other_run = True
        return None

    def is_due(self) -> bool:
        """Whether the file is old enough to be replaced."""
        age = time.monotonic() - self._saved
        return age >= max(SAVE_EVERY, _LEAST_RATIO * self._cost)

    def save(
        self,
        solutions: list[IBSolution],
        transitions: list[PhaseTransition],
        next_beta: float,
        states: tuple[SolvedState, SolvedState | None],
        rng: np.random.Generator,
    ) -> None:
        """Replace the file, whole or not at all."""
        began = time.monotonic()
        here, postponed = states
        trace = UnfinishedTrace(
            self._fingerprint,
            tuple(solutions),
            tuple(transitions),
            float(next_beta),
            as_fields(here),
            None if postponed is None else as_fields(postponed),
            json.dumps(rng.bit_generator.state),
        )
        save(trace, self._path)
        self._saved = time.monotonic()
        self._cost = self._saved - began


def trace_fingerprint(channel: Channel, *options: Any) -> str:
    """SHA-256 of everything that a trace of the channel depends on."""
    digest = hashlib.sha256()
    for array in (channel.p_x, channel.log_p_y_given_x):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(repr((channel.class_names, options)).encode())
    return digest.hexdigest()


def as_fields(state: SolvedState) -> dict[str, Any]:
    """The fields of a state, those of its parts as dicts."""
    return {
        name: _fields(value) if name in _PARTS else value
        for name, value in _fields(state).items()
        if name not in _NOT_KEPT
    }


def from_fields(channel: Channel, fields: Mapping[str, Any]) -> SolvedState:
    """The state of the channel that `as_fields` spelled out."""
    parts = {name: part(**_writable(fields[name])) for name, part in _PARTS.items()}
    return SolvedState(channel, **{**fields, **parts})


def compact(state: SolvedState) -> SolvedState:
    """The same state with arrays in row order, as a file gives them back.

    The order of an array decides the order of sums: a walk that goes on from a file takes the same
    bits as one that was never stopped only if both have it.
    """
    return from_fields(state.channel, as_fields(state))


def _fields(part: Any) -> dict[str, Any]:
    return {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}


def _writable(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: np.array(value, order="C") if isinstance(value, np.ndarray) else value
        for name, value in fields.items()
    }
