"""The supervised-contrastive loss."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ibcollapse.errors import InputError
from ibcollapse.nn.losses.precision import (
    at_least_float32,
    check_positive,
    no_autocast,
    unit_rows,
)

# Rows of the similarity matrix alive at once. The backward pass computes each block again, so a
# batch of n needs memory for BLOCK_ROWS × n similarities, not n × n.
BLOCK_ROWS = 1024


def supcon_loss(
    features: Tensor,
    labels: Tensor,
    *,
    temperature: float = 0.1,
    form: Literal["out", "in"] = "out",
) -> Tensor:
    """Supervised-contrastive loss of a batch: the mean over its anchors, in nats.

    With z the rows of `features` scaled to length one, s_ij = z_i·z_j / τ, P(i) the other rows
    with the label of i and Z_i = Σ_{l≠i} exp s_il,

        out:  mean_i [ log Z_i − 1/|P(i)| Σ_{p∈P(i)} s_ip ]
        in:   mean_i [ log Z_i − log( 1/|P(i)| Σ_{p∈P(i)} exp s_ip ) ]

    The mean runs over the anchors that have a positive; a row alone in its class is a negative for
    the others and nothing else. The form "out" is the standard one and never below "in". The
    minimum is not zero: it tends to log(n_c − 1) for n_c rows a class at low temperature.

    Parameters
    ----------
    features : Tensor (n, d) or (n, n_views, d)
        Embeddings of any length, float of any precision; half precision is computed in float32.
        All views of a sample share its label.
    labels : integer Tensor (n,)
        Class of each sample; any integers.
    temperature : float
        τ, above 0.
    form : {"out", "in"}
        Where the mean over positives stands, outside or inside the logarithm.

    Returns
    -------
    Tensor ()
        float32, or float64 for float64 features. Zero, with zero gradient, when no two rows share
        a label.

    Raises
    ------
    InputError
        On a temperature that is not above 0, an unknown form, or shapes that do not match.

    References
    ----------
    Khosla et al. (2020), Supervised Contrastive Learning, arXiv:2004.11362, eqs. 2 and 3.

    Examples
    --------
    >>> import torch
    >>> loss = supcon_loss(torch.ones(8, 2, 4), torch.arange(8) % 2)
    >>> round(loss.exp().item(), 4)
    15.0
    """
    check_positive("temperature", temperature)
    if form not in ("out", "in"):
        raise InputError(f"form is {form!r}; choose 'out' or 'in'")
    features, labels = _flatten_views(features, labels)
    with no_autocast(features):
        z = unit_rows(at_least_float32(features))
        codes, counts = _class_codes(labels)
        n_positives = counts[codes] - 1
        anchors = torch.nonzero(n_positives > 0).squeeze(1)
        if len(anchors) == 0:
            return z.sum() * 0.0
        weights = n_positives[anchors].to(z.dtype)
        if form == "in":
            log_shares = _over_anchors(_log_positive_share, z, codes, anchors, temperature)
            return (weights.log() - log_shares).mean()
        log_partition = _over_anchors(_log_partition, z, codes, anchors, temperature)
        # Σ_p z_i·z_p needs the sum of each class only, not the similarities one by one.
        others = _class_sums(z, codes, len(counts))[codes] - z
        attraction = (z * others).sum(dim=1)[anchors] / (weights * temperature)
        return (log_partition - attraction).mean()


def _flatten_views(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    if features.ndim not in (2, 3) or labels.shape != features.shape[:1] or len(labels) == 0:
        raise InputError(
            f"features have shape {tuple(features.shape)} and labels {tuple(labels.shape)}; "
            "expected (n, d) or (n, n_views, d) with labels (n,) and n >= 1"
        )
    if labels.is_floating_point() or labels.is_complex():
        raise InputError(f"labels are {labels.dtype}; expected integers")
    if features.ndim == 3:
        labels = labels.repeat_interleave(features.shape[1])
        features = features.flatten(0, 1)
    return features, labels


def _class_codes(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Codes 0…K−1 of the labels, (n,), and the rows of each class, (K,)."""
    _, codes, counts = torch.unique(labels, return_inverse=True, return_counts=True)
    return codes, counts


def _class_sums(z: Tensor, codes: Tensor, n_classes: int) -> Tensor:
    # A product with the one-hot labels; index_add_ would sum in random order on CUDA.
    members = codes[None, :] == torch.arange(n_classes, device=codes.device)[:, None]
    return members.to(z.dtype) @ z


def _similarities(z: Tensor, rows: Tensor, temperature: float) -> Tensor:
    """s_ij of the anchors i in `rows` with all j, (n_rows, n); −∞ where j = i."""
    itself = rows[:, None] == torch.arange(len(z), device=z.device)[None, :]
    return (z[rows] @ z.T / temperature).masked_fill(itself, -torch.inf)


def _log_partition(z: Tensor, codes: Tensor, rows: Tensor, temperature: float) -> Tensor:
    """log Z_i of the anchors in `rows`."""
    return _similarities(z, rows, temperature).logsumexp(dim=1)


def _log_positive_share(z: Tensor, codes: Tensor, rows: Tensor, temperature: float) -> Tensor:
    """log( Σ_{p∈P(i)} exp s_ip / Z_i ) of the anchors in `rows`."""
    similarity = _similarities(z, rows, temperature)
    strangers = codes[rows][:, None] != codes[None, :]
    positives = similarity.masked_fill(strangers, -torch.inf)
    return positives.logsumexp(dim=1) - similarity.logsumexp(dim=1)


def _over_anchors(
    quantity: Callable[[Tensor, Tensor, Tensor, float], Tensor],
    z: Tensor,
    codes: Tensor,
    anchors: Tensor,
    temperature: float,
) -> Tensor:
    """`quantity` of every anchor, (n_anchors,), block by block."""
    blocks = torch.split(anchors, BLOCK_ROWS)
    if len(blocks) == 1:
        return quantity(z, codes, anchors, temperature)
    return torch.cat(
        [
            checkpoint(
                quantity, z, codes, rows, temperature, use_reentrant=False, preserve_rng_state=False
            )
            for rows in blocks
        ]
    )
