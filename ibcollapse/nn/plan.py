"""What a training run is asked to do."""

import dataclasses
import math
from typing import Any, Literal, get_args

from ibcollapse.errors import InputError

LossName = Literal[
    "supcon", "cross-entropy", "spectral", "infonce-dot", "infonce-distance", "vicreg"
]
NetworkName = Literal["conv", "resnet", "mlp", "linear"]
NormalisationName = Literal["none", "batch", "layer"]
DecayedName = Literal["all", "head", "classifier"]
ScheduleName = Literal["steps", "constant"]
ImbalanceName = Literal["none", "step", "long-tail"]
FeatureType = Literal["float16", "float32", "float64"]

# They compare two augmented views of each sample and see no label.
SELF_SUPERVISED = ("spectral", "infonce-dot", "infonce-distance", "vicreg")
AUGMENTATIONS = ("augment_shift", "augment_flip", "augment_noise", "augment_erase")
_INFONCE = ("infonce-dot", "infonce-distance")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Everything that determines a run: the same plan gives the same features, bit for bit on CPU.

    Attributes
    ----------
    data : str
        "digits" (scikit-learn's), "fashion-mnist" (Debian's package dataset-fashion-mnist), an
        .npz file or a folder of IDX files; see `load_dataset`.
    loss : str
        "supcon" or "cross-entropy"; or, of two augmented views and without labels, "spectral"
        (contrastive), "infonce-dot", "infonce-distance" or "vicreg" with its published weights.
    network : str
        "conv", "resnet", "mlp" or "linear"; see `build_network`. InfoNCE sees unit-norm outputs,
        except of a linear network, whose theory (`ibcollapse.landscape`) is about plain ones.
    feature_dim, head_dim : int
        Widths of the layers `encoder` and `head`; head_dim 0 leaves the head out.
    normalisation, classifier_bias
        "none", "batch" or "layer" in the hidden layers of "mlp"; a bias in the classifier.
    epochs : int
        Passes over the training samples.
    checkpoints : tuple of int
        Epochs whose features are recorded, 0 being the initialisation; () takes eight, spaced
        geometrically.
    batch_size, learning_rate, momentum, weight_decay
        Stochastic gradient descent.
    decayed : str
        What the weight decay acts on: "all" parameters, those of "head" and classifier, or those
        of the "classifier" alone.
    feature_decay : float
        Weight of ½ mean ‖h‖² of the classifier's inputs h, added to the cross-entropy. With
        `decayed` "classifier" and no bias this is the penalised problem of unconstrained features,
        `seli_geometry` with ridge = √(weight_decay · feature_decay / n).
    schedule : str
        Of the learning rate. "steps": it falls to a tenth after a half and again after three
        quarters of the epochs; "constant".
    temperature : float
        Of the supervised-contrastive loss and of InfoNCE.
    label_smoothing, mir_weight, hdr_weight : float
        Of the cross-entropy, and of the matrix-information terms added to it.
    imbalance : str
        "none"; "step": the second half of the classes keeps 1/imbalance_ratio of its samples;
        "long-tail": class c of K keeps imbalance_ratio^(−c/(K−1)).
    imbalance_ratio : float
        Largest over smallest class, at least 1.
    label_noise : float
        Fraction of the training labels changed to another class, below 1.
    augment_shift, augment_flip, augment_noise, augment_erase
        Of the two views of a self-supervised loss; see `Augmentation`.
    seed : int
        Of the initial weights and the order of the batches.
    data_seed : int
        Of the samples that imbalance drops and the labels that noise changes: two runs that
        differ in `seed` only see the same data.
    fit_every : int
        Optimisation steps between two measurements of the training accuracy, which end when the
        labels are fitted; 0 measures nothing. See `TrainingRecord.steps_to_fit`.
    stop_at_fit : bool
        Let the epoch in which the labels are fitted be the last one; it is recorded as well.
    device : str
        A torch device.
    dtype : str
        Type of the features in the file: "float16", "float32" or "float64".

    Raises
    ------
    InputError
        When a value is outside its range or two contradict each other.
    """

    data: str = "digits"
    loss: LossName = "supcon"
    network: NetworkName = "conv"
    feature_dim: int = 64
    head_dim: int = 32
    normalisation: NormalisationName = "none"
    classifier_bias: bool = True
    epochs: int = 200
    checkpoints: tuple[int, ...] = ()
    batch_size: int = 256
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    decayed: DecayedName = "all"
    feature_decay: float = 0.0
    schedule: ScheduleName = "steps"
    temperature: float = 0.1
    label_smoothing: float = 0.0
    mir_weight: float = 0.0
    hdr_weight: float = 0.0
    imbalance: ImbalanceName = "none"
    imbalance_ratio: float = 10.0
    label_noise: float = 0.0
    augment_shift: int = 0
    augment_flip: float = 0.0
    augment_noise: float = 0.0
    augment_erase: float = 0.0
    seed: int = 0
    data_seed: int = 0
    fit_every: int = 0
    stop_at_fit: bool = False
    device: str = "cpu"
    dtype: FeatureType = "float32"

    def __post_init__(self) -> None:
        self._check_choices()
        self._check_ranges()
        if not self.checkpoints:
            object.__setattr__(self, "checkpoints", _geometric_checkpoints(self.epochs))
        elif min(self.checkpoints) < 0 or max(self.checkpoints) > self.epochs:
            raise InputError(
                f"checkpoints are {self.checkpoints}; each must lie in 0 to epochs = {self.epochs}"
            )
        object.__setattr__(self, "checkpoints", tuple(sorted(set(self.checkpoints))))
        self._check_combinations()

    def _check_combinations(self) -> None:
        if self.stop_at_fit and not self.fit_every:
            raise InputError("stop_at_fit needs a measurement; give fit_every of at least 1")
        if not self.has_classifier and (self.label_smoothing or self.mir_weight or self.hdr_weight):
            raise InputError(
                "label_smoothing, mir_weight and hdr_weight need a classifier; "
                "use loss='cross-entropy'"
            )
        of_classifier = self.feature_decay or self.decayed != "all" or not self.classifier_bias
        if of_classifier and not self.has_classifier:
            raise InputError(
                f"feature_decay, decayed={self.decayed!r} and classifier_bias=False need a "
                "classifier; use loss='cross-entropy'"
            )
        if self.normalisation != "none" and self.network != "mlp":
            raise InputError(
                f"normalisation {self.normalisation!r} is an option of network 'mlp'; leave it "
                f"out for {self.network!r}"
            )
        if self.network == "linear" and self.head_dim:
            raise InputError(
                f"network 'linear' with head_dim {self.head_dim} would not be linear; use "
                "head_dim=0"
            )
        augmented = any(getattr(self, name) for name in AUGMENTATIONS)
        if self.loss in SELF_SUPERVISED and not augmented:
            raise InputError(
                f"loss {self.loss!r} compares two augmented views, which would be equal; set one "
                f"of {', '.join(AUGMENTATIONS)}"
            )
        if augmented and self.loss not in SELF_SUPERVISED:
            raise InputError(
                f"{', '.join(AUGMENTATIONS)} make the views of a self-supervised loss; "
                f"loss {self.loss!r} takes the samples as they are"
            )

    def _check_choices(self) -> None:
        for field, choices in (
            ("loss", get_args(LossName)),
            ("network", get_args(NetworkName)),
            ("normalisation", get_args(NormalisationName)),
            ("decayed", get_args(DecayedName)),
            ("schedule", get_args(ScheduleName)),
            ("imbalance", get_args(ImbalanceName)),
            ("dtype", get_args(FeatureType)),
        ):
            if getattr(self, field) not in choices:
                found = getattr(self, field)
                raise InputError(f"{field} is {found!r}; choose one of {', '.join(choices)}")

    def _check_ranges(self) -> None:
        for field, lowest in (
            ("feature_dim", 1),
            ("head_dim", 0),
            ("epochs", 1),
            ("batch_size", 2),
            ("seed", 0),
            ("data_seed", 0),
            ("fit_every", 0),
            ("learning_rate", 0.0),
            ("momentum", 0.0),
            ("weight_decay", 0.0),
            ("feature_decay", 0.0),
            ("label_smoothing", 0.0),
            ("mir_weight", 0.0),
            ("hdr_weight", 0.0),
            ("imbalance_ratio", 1.0),
            ("label_noise", 0.0),
            ("augment_shift", 0),
            ("augment_flip", 0.0),
            ("augment_noise", 0.0),
            ("augment_erase", 0.0),
        ):
            value = getattr(self, field)
            if not (math.isfinite(value) and value >= lowest):
                raise InputError(f"{field} is {value}; it must be at least {lowest}")
        for field in ("momentum", "label_smoothing", "label_noise", "augment_erase"):
            if getattr(self, field) >= 1.0:
                raise InputError(f"{field} is {getattr(self, field)}; it must be below 1")
        if self.augment_flip > 1.0:
            raise InputError(f"augment_flip is {self.augment_flip}; it must be at most 1")
        if not 0.0 < self.temperature < math.inf:
            raise InputError(f"temperature is {self.temperature}; it must be above 0")

    @property
    def has_classifier(self) -> bool:
        """Whether the network ends in a linear classifier."""
        return self.loss == "cross-entropy"

    @property
    def unit_outputs(self) -> bool:
        """Whether the loss sees outputs scaled to length one."""
        return self.loss == "supcon" or (self.loss in _INFONCE and self.network != "linear")

    def learning_rate_at(self, epoch: int) -> float:
        """Rate of epoch 1 … epochs; a function of the epoch alone, so that runs can resume."""
        if self.schedule == "constant":
            return self.learning_rate
        done = (epoch - 1) / self.epochs
        return self.learning_rate * (1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01)

    def provenance(self) -> dict[str, str | float | int]:
        """The plan as flat values, for the attributes of a feature file."""
        fields: dict[str, Any] = dataclasses.asdict(self)
        fields["checkpoints"] = " ".join(str(epoch) for epoch in self.checkpoints)
        return fields


def _geometric_checkpoints(epochs: int) -> tuple[int, ...]:
    return (0, *{round(epochs ** (k / 6)) for k in range(7)})
