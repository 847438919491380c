"""Progress of long work: a protocol that the command line implements, silent by default."""

from typing import Protocol


class Progress(Protocol):
    """What long work reports to; advanced per chunk or per beta, never inside a kernel."""

    def start(self, description: str, total: float | None = None) -> None:
        """Begin a stage of `total` steps (None: unknown), ending the one before."""

    def advance(self, steps: float = 1.0) -> None:
        """Record `steps` more steps of the current stage as done."""

    def note(self, text: str) -> None:
        """Tell the user one line about the current stage."""

    def finish(self) -> None:
        """End the current stage."""


class SilentProgress:
    """A `Progress` that says nothing."""

    def start(self, description: str, total: float | None = None) -> None:
        """Begin a stage."""

    def advance(self, steps: float = 1.0) -> None:
        """Record finished steps."""

    def note(self, text: str) -> None:
        """Drop the line."""

    def finish(self) -> None:
        """End the stage."""


SILENT: Progress = SilentProgress()
