"""Names of the native feature-file layout, version 1 (docs/feature_files.md)."""

FORMAT = "ibcollapse-features"
FORMAT_VERSION = 1

EPOCHS = "epochs"
FEATURES = "features"
LABELS = "labels"
IDS = "ids"
LOGITS = "logits"
CLASSIFIER = "classifier"
WEIGHT = "weight"
BIAS = "bias"
PROVENANCE_PREFIX = "made_"


def epoch_path(epoch: int) -> str:
    """Group of one epoch, zero-padded: HDF5's alphabetical order is then the order of training."""
    return f"{EPOCHS}/{epoch:06d}"


def split_path(epoch: int, split: str) -> str:
    """Group of one split at one epoch."""
    return f"{epoch_path(epoch)}/{split}"
