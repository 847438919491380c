"""The walk up the curve, its checkpoints, and curves that are known in closed form."""

from ibcollapse.bottleneck.tracing.trace import find_transitions, trace_curve
from ibcollapse.bottleneck.tracing.tracer import CurveInterrupted

__all__ = ["CurveInterrupted", "find_transitions", "trace_curve"]
