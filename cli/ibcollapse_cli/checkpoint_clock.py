"""How long the checkpoints that are left may take, from those that are done."""

import re
import time

from ibcollapse.progress import Progress
from ibcollapse_cli.console import format_duration

# What `ibcollapse.dynamics` notes as it begins one.
_CHECKPOINT = re.compile(r"checkpoint (?P<number>\d+) of (?P<total>\d+)$")


class CheckpointClock:
    """A `Progress` that tells `inner` everything, and the time left with each new checkpoint.

    The stages within have their own; they are of very different length.
    """

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self._began = time.monotonic()
        self._done = -1

    def start(self, description: str, total: float | None = None) -> None:
        """Begin a stage of `inner`."""
        self._inner.start(description, total)

    def advance(self, steps: float = 1.0) -> None:
        """Advance the stage of `inner`."""
        self._inner.advance(steps)

    def note(self, text: str) -> None:
        """Pass `text` on; of a checkpoint after the first, with the time that is left."""
        found = _CHECKPOINT.search(text)
        if found is not None:
            self._done += 1
            if self._done:
                each = (time.monotonic() - self._began) / self._done
                left = each * (int(found["total"]) - int(found["number"]) + 1)
                text = f"{text}, about {format_duration(left)} left"
        self._inner.note(text)

    def finish(self) -> None:
        """End the stage of `inner`."""
        self._inner.finish()
