"""How many threads the linear algebra of a command gets."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibcollapse.features import FeatureSource

# Products and spectra of less are over before a second thread has helped; where other work wants
# the processors, too, threads that wait for each other took 8 to 16 times the computing and 7 to
# 26 times as long (`information` of 500 samples, two threads).
_WIDTH, _SAMPLES = 1024, 4096


@contextlib.contextmanager
def limited_threads(workers: int | None) -> Iterator[None]:
    """Let the linear algebra use at most `workers` threads; None leaves it alone."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=workers):
        yield


def threads_for(sources: "Sequence[FeatureSource]") -> contextlib.AbstractContextManager[None]:
    """One thread for features that are small, else as many as there are."""
    small = all(s.n_features <= _WIDTH and s.n_samples <= _SAMPLES for s in sources)
    return limited_threads(1 if small else None)
