"""Progress of a command that measures many things: a line for each of them, not for each step."""

from ibcollapse.progress import Progress


class SectionProgress:
    """A `Progress` that tells `inner` of one stage, whatever is begun and ended within it.

    A note, such as the next checkpoint, begins another stage under its own name.
    """

    def __init__(self, inner: Progress, section: str) -> None:
        self._inner, self._section = inner, section
        inner.start(section)

    def start(self, description: str, total: float | None = None) -> None:
        """A step of the section: too short for a line of its own."""

    def advance(self, steps: float = 1.0) -> None:
        """The steps within are of different length; their share says nothing."""

    def note(self, text: str) -> None:
        """Begin a stage about what `text` names."""
        self._inner.start(f"{self._section}, {text}")

    def finish(self) -> None:
        """The section goes on after each of its steps; the next `start` of `inner` ends it."""
