"""`ibcollapse train`: train small networks and record their features."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse_cli.console import show_progress
from ibcollapse_cli.delivery import deliver
from ibcollapse_cli.formats import write_json, write_line, write_table
from ibcollapse_cli.options import (
    json_option,
    output_option,
    quiet_option,
    read_integers,
    workers_option,
)

if TYPE_CHECKING:
    from ibcollapse.nn import TrainingRecord


def _integers(context: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    return read_integers(context, option, text) or ()


_LOSSES = ["supcon", "cross-entropy", "spectral", "infonce-dot", "infonce-distance", "vicreg"]
_NETWORKS = ["conv", "resnet", "mlp", "linear"]

# Defaults are those of `ibcollapse.nn.TrainingPlan`, repeated because importing it loads torch;
# a test keeps them equal.
_PLAN_OPTIONS = (
    click.option("--data", default="digits", help="digits, fashion-mnist, .npz or IDX folder."),
    click.option(
        "--loss",
        type=click.Choice(_LOSSES),
        default="supcon",
        help="What is minimised.",
    ),
    click.option(
        "--network",
        type=click.Choice(_NETWORKS),
        default="conv",
        help="Encoder.",
    ),
    click.option("--feature-dim", type=int, default=64, help="Width of the layer encoder."),
    click.option("--head-dim", type=int, default=32, help="Width of the layer head; 0: none."),
    click.option(
        "--normalisation",
        type=click.Choice(["none", "batch", "layer"]),
        default="none",
        help="Of the hidden layers of mlp.",
    ),
    click.option("--classifier-bias/--no-classifier-bias", default=True, help="Of the classifier."),
    click.option("--epochs", type=int, default=200, help="Passes over the data."),
    click.option(
        "--checkpoints",
        metavar="N,N,...",
        default="",
        callback=_integers,
        show_default="eight, spaced geometrically",
        help="Epochs to record.",
    ),
    click.option("--batch-size", type=int, default=256, help="Samples a step."),
    click.option("--learning-rate", type=float, default=0.1, help="At first; a tenth after half."),
    click.option("--momentum", type=float, default=0.9, help="Of the optimiser."),
    click.option("--weight-decay", type=float, default=5e-4, help="Of the optimiser."),
    click.option(
        "--decayed",
        type=click.Choice(["all", "head", "classifier"]),
        default="all",
        help="What the weight decay acts on: all, head and classifier, or classifier.",
    ),
    click.option(
        "--feature-decay",
        type=float,
        default=0.0,
        help="Penalty on what the classifier reads: this times half its mean squared length.",
    ),
    click.option(
        "--schedule",
        type=click.Choice(["steps", "constant"]),
        default="steps",
        help="Of the learning rate.",
    ),
    click.option("--temperature", type=float, default=0.1, help="Of supcon and InfoNCE."),
    click.option("--label-smoothing", type=float, default=0.0, help="Of the cross-entropy."),
    click.option("--mir-weight", type=float, default=0.0, help="Weight of 1 - MIR in the loss."),
    click.option("--hdr-weight", type=float, default=0.0, help="Weight of HDR in the loss."),
    click.option(
        "--imbalance",
        type=click.Choice(["none", "step", "long-tail"]),
        default="none",
        help="How class sizes fall off.",
    ),
    click.option(
        "--imbalance-ratio", type=float, default=10.0, help="Largest over smallest class."
    ),
    click.option("--label-noise", type=float, default=0.0, help="Fraction of changed labels."),
    click.option("--augment-shift", type=int, default=0, help="Of the two views: pixels."),
    click.option("--augment-flip", type=float, default=0.0, help="Probability of a mirror image."),
    click.option("--augment-noise", type=float, default=0.0, help="Standard deviation."),
    click.option("--augment-erase", type=float, default=0.0, help="Side of a square, as a share."),
    click.option("--data-seed", type=int, default=0, help="Of imbalance and label noise."),
    click.option(
        "--fit-every",
        type=int,
        default=0,
        help="Steps between two looks at whether the training labels are fitted; 0: none.",
    ),
    click.option(
        "--stop-at-fit", is_flag=True, default=False, help="End with the epoch that fits them."
    ),
    click.option("--device", default="cpu", help="cpu or cuda."),
    click.option(
        "--dtype",
        type=click.Choice(["float16", "float32", "float64"]),
        default="float32",
        help="Of the stored features.",
    ),
)


def _plan_options(command: Any) -> Any:
    for option in reversed(_PLAN_OPTIONS):
        command = option(command)
    return command


@click.command(
    short_help="Train a small network and record its features.",
    context_settings={"show_default": True},
)
@output_option(
    "Feature file to make (.h5); with several seeds, _seed<N> is put before .h5.", is_file=False
)
@click.option(
    "--seeds", metavar="N,N,...", default="0", callback=_integers, help="One network for each."
)
@_plan_options
@click.option(
    "--pairs",
    type=click.Path(path_type=Path),
    help="Also write a pair of views of each sample to PATH (.npz), for predict --pairs.",
)
@json_option
@workers_option
@quiet_option
def train(
    output: Path | None,
    seeds: tuple[int, ...],
    pairs: Path | None,
    json_path: str | None,
    workers: int | None,
    quiet: bool,
    **plan: Any,
) -> None:
    """Train small networks and write their features at several checkpoints.

    \b
      ibcollapse train -o digits.h5 --seeds 0,1 --epochs 100

    Losses without labels (spectral, infonce-dot, infonce-distance, vicreg) compare two augmented
    views of each sample and need an --augment option.

    A run that is stopped goes on where it was when the same command is given again.
    """
    if output is None:
        raise click.UsageError("name the file to make with -o FILE.h5")
    from ibcollapse.nn import TrainingPlan, write_views
    from ibcollapse.nn import train as train_network

    plans = [TrainingPlan(seed=seed, **plan) for seed in seeds]
    if pairs is not None:
        write_views(plans[0], pairs)
    with show_progress(quiet=quiet) as progress:
        runs = [
            train_network(
                plan, _target(output, plan.seed, seeds), workers=workers, progress=progress
            )
            for plan in plans
        ]
    deliver(
        [],
        json_path=json_path,
        write=lambda path: write_json("ibcollapse/training", {"runs": runs}, path),
        show=lambda: _show(runs, tells_fit=bool(plan["fit_every"])),
    )


def _show(runs: "list[TrainingRecord]", *, tells_fit: bool) -> None:
    for run in runs:
        columns = (run.epochs, run.loss, run.train_accuracy, run.test_accuracy)
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        header = ("epoch", "loss", "train accuracy", "test accuracy")
        write_table(header, rows, title=str(run.path))
        if tells_fit:
            write_line(f"steps to fit: {run.steps_to_fit or 'not fitted'}")


def _target(output: Path, seed: int, seeds: tuple[int, ...]) -> Path:
    return output if len(seeds) == 1 else output.with_stem(f"{output.stem}_seed{seed}")
