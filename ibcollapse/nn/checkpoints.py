"""From the weights at each checkpoint to a feature file."""

from pathlib import Path

from ibcollapse.features import FeatureWriter
from ibcollapse.nn.accuracy import accuracies, batches
from ibcollapse.nn.datasets import Dataset
from ibcollapse.nn.networks import StagedNetwork
from ibcollapse.nn.plan import TrainingPlan
from ibcollapse.nn.recorder import FeatureRecorder
from ibcollapse.nn.run import Run
from ibcollapse.nn.unfinished import UnfinishedRun
from ibcollapse.progress import Progress

# What a reader takes unless told otherwise. On the training split of a collapsed network p(y|x) is
# one-hot and its information curve a corner, and the head keeps little but the class: the encoder
# on unseen samples is where there is something to see.
DEFAULT_LAYER = "encoder"
DEFAULT_SPLIT = "test"


def write_checkpoints(
    path: Path, run: Run, data: Dataset, unfinished: UnfinishedRun, progress: Progress
) -> None:
    """Write features, labels, logits and the numbers of every checkpoint to `path`.

    The weights of the run's network are replaced by those of each checkpoint in turn.
    """
    plan, network = run.plan, run.network
    accuracy = "classifier" if plan.has_classifier else "nearest class mean of the last layer"
    with FeatureWriter(
        path,
        class_names=data.class_names,
        dtype=plan.dtype,
        default_layer=DEFAULT_LAYER,
        default_split=DEFAULT_SPLIT,
        provenance={**plan.provenance(), "accuracy": accuracy},
    ) as writer:
        recorder = _recorder(writer, network, plan)
        for epoch in run.recorded_epochs:
            network.load_state_dict(unfinished.load_weights(epoch))
            for split, samples in (("train", data.train), ("test", data.test)):
                recorder.record(batches(samples), epoch=epoch, split=split)
            train, test = accuracies(network, data)
            writer.metrics(epoch=epoch, train_accuracy=train, test_accuracy=test)
            writer.metrics(epoch=epoch, **run.history(epoch))
            progress.advance()


def _recorder(writer: FeatureWriter, network: StagedNetwork, plan: TrainingPlan) -> FeatureRecorder:
    if not plan.has_classifier:
        return FeatureRecorder(writer, network, layers=("encoder", "head"))
    # What the classifier reads is the head's output or, without a head, the encoder's.
    return FeatureRecorder(
        writer,
        network,
        layers=("encoder",) if plan.head_dim else (),
        classifier="classifier",
        classifier_input="head" if plan.head_dim else "encoder",
    )
