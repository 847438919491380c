"""The blocks of the Hessian within atoms, from the moments of the posteriors under each."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import kernel

Array = NDArray[np.float64]


@kernel
def fill_blocks(
    second: Array,
    joint: Array,
    r: Array,
    scale: Array,
    ratio: Array,
    root_r: Array,
    first: int,
    step: int,
    blocks: Array,
) -> None:
    """Lower triangles of every `step`-th block from `first` on, of (n_t, 1 + K, 1 + K).

    The softmax's own curvature minus the moments of (1, w − r) under p(x, t), both scaled, as
    `hessian_matrix` has them where it sums all of the Hessian. `second` (n_t, K, K) are lower
    triangles of Σ_x p(x, t) w wᵀ, `joint` (n_t, K) is Σ_x p(x, t) w.
    """
    n_t, n_classes = r.shape
    for t in range(first, n_t, step):
        total = 0.0
        for y in range(n_classes):
            total += joint[t, y]
        block, s, gauge = blocks[t], scale[t], 1.0 - ratio[t]
        block[0, 0] = ratio[t] - s[0] * s[0] * total
        for y in range(n_classes):
            away = joint[t, y] - r[t, y] * total
            row = block[1 + y]
            row[0] = -s[0] * s[1 + y] * away
            for z in range(y + 1):
                spread = second[t, y, z] - r[t, y] * joint[t, z] - away * r[t, z]
                row[1 + z] = gauge * root_r[t, y] * root_r[t, z] - s[1 + y] * s[1 + z] * spread
            row[1 + y] += ratio[t]
