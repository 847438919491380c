"""What is made of a channel's rows once, for whoever asks first, and kept as long as the channel.

A walk along the curve asks for the same layouts of the rows at every beta, and does so from the
thread that looks for a spinodal, too.
"""

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ibcollapse.bottleneck.kernels import PackedChannel
    from ibcollapse.bottleneck.kernels.sparse_products import SparseRows

_Made = TypeVar("_Made")

# Posteriors up to this are left out of the sparse rows, where at most this share is left.
_NEGLIGIBLE = 1e-6
_SPARSE = 0.25


class PreparedChannel:
    """What a channel's `prepared` holds; every thread gets the same objects, each made once.

    It refers to the channel's arrays and not to the channel, which goes as soon as nobody needs it.
    """

    def __init__(self, p_x: NDArray[np.float64], log_p_y_given_x: NDArray[np.float64]) -> None:
        self._p_x, self._log_rows = p_x, log_p_y_given_x
        self._made: dict[Hashable, Any] = {}
        # What is made may be made of other things that are kept here.
        self._lock = threading.RLock()

    def once(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """What `make()` gives, called for the first that asks for `key`; the others wait for it.

        It is for what upper layers derive from a channel: `key` is their own class or function,
        with whatever else it depends on. `make` waits for no other thread, which may wait here
        itself, and refers to no channel in what it returns. What it raises is not kept.
        """
        if key not in self._made:
            with self._lock:
                if key not in self._made:
                    self._made[key] = make()
        return cast(_Made, self._made[key])

    @property
    def p_y_given_x(self) -> NDArray[np.float64]:
        """Posteriors, float64 (n_x, n_classes), read-only."""

        def make() -> NDArray[np.float64]:
            rows: NDArray[np.float64] = np.exp(self._log_rows)
            rows.setflags(write=False)
            return rows

        return self.once("p_y_given_x", make)

    @property
    def packed(self) -> "PackedChannel":
        """The rows in the layout of the compiled kernels."""
        from ibcollapse.bottleneck.kernels import PackedChannel

        return self.once("packed", lambda: PackedChannel.pack(self._p_x, self._log_rows))

    @property
    def sparse_rows(self) -> "SparseRows | None":
        """The posteriors that are not negligible; None where those are too many.

        Only what steers a step is computed from them; values and gradients take all.
        """
        from ibcollapse.bottleneck.kernels.sparse_products import SparseRows

        def make() -> SparseRows | None:
            w = self.p_y_given_x
            few = np.count_nonzero(w > _NEGLIGIBLE) <= _SPARSE * w.size
            return SparseRows.above(w, _NEGLIGIBLE) if few else None

        return self.once("sparse_rows", make)

    @property
    def all_rows(self) -> "SparseRows":
        """All posteriors in the form of the sparse ones."""
        from ibcollapse.bottleneck.kernels.sparse_products import SparseRows

        return self.once("all_rows", lambda: SparseRows.above(self.p_y_given_x, -1.0))
