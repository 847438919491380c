"""How far a curve would move on other samples: bootstrap and matching of transitions."""

from ibcollapse.bottleneck.uncertainty.bootstrap import CurveBootstrap, bootstrap_curve

__all__ = ["CurveBootstrap", "bootstrap_curve"]
