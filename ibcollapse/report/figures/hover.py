"""What the pointer shows of points and transitions, the same in every figure."""

from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.report.figures.beta_axis import format_beta
from ibcollapse.report.wording import shorten


def describe_solution(solution: IBSolution, unit: float) -> str:
    """Beta, both informations (nats × `unit`) and the number of clusters."""
    x, y = solution.i_xt * unit, solution.i_ty * unit
    return f"β = {format_beta(solution.beta)}: ({x:.4g}, {y:.4g}), |T| = {solution.n_clusters}"


def describe_transition(transition: PhaseTransition) -> str:
    """Its kind, its beta and the classes that part there."""
    kind = "first-order" if transition.order == 1 else "continuous"
    groups = " | ".join(", ".join(group) for group in transition.separates)
    text = f"{kind} transition at β = {format_beta(transition.beta, digits=6)}"
    return f"{text}: {shorten(groups, 200)}" if groups else text
