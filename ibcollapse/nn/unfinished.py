"""The folder that keeps a training run alive across kills."""

import contextlib
import dataclasses
import fcntl
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ibcollapse.errors import OutputError
from ibcollapse.storage.atomic import atomic_path


@dataclasses.dataclass(frozen=True)
class UnfinishedRun:
    """State of a run beside its output: a recent epoch, and the weights at each checkpoint.

    Every file is written whole or not at all, so a kill at any moment leaves the state of some
    finished epoch.
    """

    folder: Path

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder and keep other processes out of it; at the end one without a state goes.

        Raises
        ------
        OutputError
            When the folder cannot be made or another process is using it.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            lock = (self.folder / "lock").open("w")
        except OSError as error:
            raise OutputError(
                f"cannot write {self.folder}: {error.strerror}; choose another output"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise OutputError(
                    f"{self.folder}: another process is training into it; wait for it or choose "
                    "another output"
                ) from error
            try:
                yield
            finally:
                if not self._state.is_file():  # Nothing to go on from: the disk was full.
                    shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _state(self) -> Path:
        return self.folder / "state.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state of the run."""
        _write(state, self._state)

    def load(self) -> dict[str, Any] | None:
        """State that `save` wrote last, None in a fresh folder."""
        return _read(self._state)

    def save_weights(self, epoch: int, weights: dict[str, Any]) -> None:
        """Keep the weights of a checkpoint until the features are written."""
        _write(weights, self.folder / f"weights_{epoch:06d}.pt")

    def load_weights(self, epoch: int) -> dict[str, Any]:
        """Weights that `save_weights` kept.

        Raises
        ------
        OutputError
            When they are gone.
        """
        weights = _read(self.folder / f"weights_{epoch:06d}.pt")
        if weights is None:
            raise OutputError(
                f"{self.folder}: the weights of epoch {epoch} are missing; delete the folder to "
                "start again"
            )
        return weights

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)


def _write(state: dict[str, Any], path: Path) -> None:
    # torch.save hides a full disk in a RuntimeError; the bytes are written here instead.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
