"""What happens at a critical beta."""

import dataclasses
from collections.abc import Iterable

from ibcollapse.bottleneck.results.solution import CONVERGED
from ibcollapse.storage.serialize import register


@register("bottleneck/PhaseTransition")
@dataclasses.dataclass(frozen=True)
class PhaseTransition:
    """A beta at which the support of the optimal representation changes.

    Attributes
    ----------
    beta : float
        Where the globally optimal solution changes (the true transition).
    beta_local : float
        Where the solution below it loses local stability (spinodal); `beta` ≤ `beta_local`.
        NaN when it keeps its stability as far as it was followed.
    order : int
        1: I(X;T) jumps and the curve has a straight segment of slope 1/beta. 2: continuous.
    mechanism : str
        "jump" (order 1); "split" (an atom loses stability, beta = beta_local); "nucleation" (a new
        atom appears at a finite distance, with a weight that grows from zero: continuous although
        beta < beta_local); "death" (an atom's weight reaches zero); "unresolved" (several changes
        closer together than the resolution).
    jump_i_xt, jump_i_ty : float
        Jumps in I(X;T) and I(T;Y), nats; 0 at second order.
    clusters_before, clusters_after : int
        Distinct clusters on the two sides.
    multiplicity : int
        Multiplicity of the critical eigenvalue: directions that open at once.
    separates : tuple of tuple of str
        Groups of class names that one cluster held together before and that part here.
    certified : bool
        Whether both sides' solutions carry a gap below the solver's tolerance; False marks a
        transition located by the local criterion alone.
    """

    beta: float
    beta_local: float
    order: int
    mechanism: str
    jump_i_xt: float
    jump_i_ty: float
    clusters_before: int
    clusters_after: int
    multiplicity: int
    separates: tuple[tuple[str, ...], ...]
    certified: bool


class Transitions(tuple[PhaseTransition, ...]):
    """The transitions of a curve by increasing beta: a tuple that knows how the curve ended.

    Attributes
    ----------
    status : str
        That of the curve: "converged", or a sentence that says where and why the list ends early.
    """

    status: str

    def __new__(cls, transitions: Iterable[PhaseTransition], status: str) -> "Transitions":
        """The tuple of `transitions`."""
        made = super().__new__(cls, transitions)
        made.status = status
        return made

    def __getnewargs__(self) -> tuple[tuple[PhaseTransition, ...], str]:
        """What a copy is made from."""
        return tuple(self), self.status

    @property
    def converged(self) -> bool:
        """Whether the curve ended where it was asked to: every transition up to there is listed."""
        return self.status.startswith(CONVERGED)
