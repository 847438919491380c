"""Where a branch fails: onset, location, branch switching, classification, bracketing."""

from ibcollapse.bottleneck.transitions.onset import Onset, find_onset, onset_beta, onset_beta_local

__all__ = ["Onset", "find_onset", "onset_beta", "onset_beta_local"]
