"""From beta to beta: predict along the tangent, correct, stay on the branch."""

from ibcollapse.bottleneck.continuation.hysteresis import Hysteresis, trace_hysteresis

__all__ = ["Hysteresis", "trace_hysteresis"]
