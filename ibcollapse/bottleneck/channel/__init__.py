"""p(x) and p(y|x): reading, merging equal rows, what is prepared, groups of classes."""

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.joint_tables import read_joint

__all__ = ["Channel", "read_joint"]
