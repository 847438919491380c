import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks.experiments import matrix_information as experiment  # noqa: E402
from benchmarks.experiments import matrix_information_losses as losses  # noqa: E402
from benchmarks.experiments import matrix_information_networks as networks  # noqa: E402
from benchmarks.experiments.matrix_information_figure import COLLAPSED, draw  # noqa: E402
from ibcollapse.nn.datasets import Dataset, Samples  # noqa: E402
from ibcollapse.nn.networks import build_network  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def blobs():
    """Three Gaussian classes in five dimensions."""
    generator = torch.Generator().manual_seed(0)
    means = 3.0 * torch.randn(3, 5, generator=generator)

    def samples(n):
        labels = torch.arange(n) % 3
        inputs = means[labels] + torch.randn(n, 5, generator=generator)
        return Samples(inputs, labels, torch.arange(n))

    return Dataset(samples(60), samples(30), ("a", "b", "c"))


@pytest.fixture
def plan():
    return dataclasses.replace(networks.PLAN, epochs=4, checkpoints=(0, 2, 4), batch_size=20)


def small_network(seed=0, n_classes=3):
    return build_network(
        "mlp", input_shape=(5,), feature_dim=8, head_dim=4, n_classes=n_classes, seed=seed
    )


def test_a_simplex_of_features_on_its_own_rows_has_the_collapsed_ratio():
    simplex = np.eye(10) - 0.1
    labels = np.repeat(np.arange(10), 4)
    found = networks.against_rows(simplex[labels], simplex, labels)
    assert found.mir == pytest.approx(COLLAPSED, abs=1e-9)
    # The value for ten classes in theory §6.
    assert pytest.approx(0.9523507825, abs=1e-9) == COLLAPSED
    assert found.hdr == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.9])
def test_pruning_removes_the_smallest_entries_of_all_matrices_together(fraction):
    network = small_network()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    sparse = networks.pruned(network, fraction)
    weights = torch.cat([w.flatten() for w in before.values() if w.ndim > 1])
    kept = torch.cat([w.flatten() for w in sparse.state_dict().values() if w.ndim > 1])
    assert int((kept == 0).sum()) == round(fraction * len(weights))
    if fraction:
        assert weights[kept != 0].abs().min() >= weights[kept == 0].abs().max()
    assert torch.equal(kept[kept != 0], weights[kept != 0])
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, before[name])
        if weight.ndim == 1:
            assert torch.equal(sparse.state_dict()[name], weight)


def test_mixtures_run_from_the_first_to_the_second_network():
    first, second = small_network(0).state_dict(), small_network(1).state_dict()
    network = small_network(2)
    for share in (0.0, 0.3, 1.0):
        found = networks.mixed(network, first, second, share).state_dict()
        for name in first:
            expected = (1 - share) * first[name] + share * second[name]
            torch.testing.assert_close(found[name], expected)


def test_a_barrier_is_the_fall_below_the_line_between_the_ends():
    assert networks.barrier(np.array([0.8, 0.5, 0.6])) == pytest.approx(0.2)
    assert networks.barrier(np.array([0.8, 0.75, 0.6])) == pytest.approx(0.0)


def test_measures_are_those_of_the_layer_before_the_classifier(blobs):
    network = small_network()
    found = networks.measured(network, blobs.test)
    with torch.no_grad():
        features = network.head(network.encoder(blobs.test.inputs)).numpy()
        logits = network(blobs.test.inputs)
    expected = networks.against_rows(
        features, network.classifier.weight.detach().numpy(), blobs.test.labels.numpy()
    )
    assert found["mir"] == pytest.approx(expected.mir, abs=1e-6)
    assert found["accuracy"] == (logits.argmax(dim=1) == blobs.test.labels).double().mean().item()


def test_without_classifier_features_are_set_beside_their_class_means(blobs):
    network = small_network(n_classes=None)
    found = networks.measured(network, blobs.test)
    with torch.no_grad():
        features = network(blobs.test.inputs).double().numpy()
    labels = blobs.test.labels.numpy()
    means = np.array([features[labels == c].mean(axis=0) for c in range(3)])
    expected = networks.against_rows(features, means, labels)
    assert found == pytest.approx({"mir": expected.mir, "hdr": expected.hdr}, abs=1e-6)


def test_training_goes_on_from_the_last_recorded_epoch(blobs, plan, tmp_path, monkeypatch):
    whole = networks.trained(plan, blobs, tmp_path / "whole").state_dict()
    epochs = []
    step = networks.Run.train_epoch

    def stopping(run):
        if run.epoch == 3 and len(epochs) == 3:
            raise KeyboardInterrupt
        step(run)
        epochs.append(run.epoch)

    monkeypatch.setattr(networks.Run, "train_epoch", stopping)
    with pytest.raises(KeyboardInterrupt):
        networks.trained(plan, blobs, tmp_path / "stopped")
    resumed = networks.trained(plan, blobs, tmp_path / "stopped").state_dict()
    assert epochs == [1, 2, 3, 3, 4]
    for name, weight in whole.items():
        assert torch.equal(resumed[name], weight)
        assert torch.equal(networks.weights_at(tmp_path / "whole", 4)[name], weight)


def test_a_shared_start_is_trained_on_with_other_batches(blobs, plan, tmp_path):
    networks.trained(plan, blobs, tmp_path / "first")
    start = networks.weights_at(tmp_path / "first", 2)
    other = dataclasses.replace(plan, seed=9)
    networks.trained(other, blobs, tmp_path / "second", start=start, from_epoch=2)
    kept = networks.weights_at(tmp_path / "second", 2)
    ends = [networks.weights_at(tmp_path / name, 4) for name in ("first", "second")]
    assert all(torch.equal(kept[name], weight) for name, weight in start.items())
    assert not all(torch.equal(ends[0][name], weight) for name, weight in ends[1].items())
    with pytest.raises(SystemExit, match="another plan"):
        networks.trained(plan, blobs, tmp_path / "second")


def test_tables_average_the_seeds_of_a_setting_and_tell_their_range():
    rows = [
        {"smoothing": s, "seed": seed, "split": "test", "accuracy": s + seed, "mir": 1.0, "hdr": 0}
        for s in (0.0, 0.5)
        for seed in (0, 1)
    ]
    table = experiment.shown("smoothing", rows)
    assert [row["accuracy"] for row in table] == [
        "0.5000 (0.0000 to 1.0000)",
        "1.0000 (0.5000 to 1.5000)",
    ]
    (single,) = experiment.shown("smoothing", rows[:1])
    assert single["accuracy"] == "0.0000"
    assert [row["smoothing"] for row in table] == [0.0, 0.5]


def test_mixing_table_holds_ends_middle_and_barrier():
    path = [(0.0, 0.8, 0.9), (0.5, 0.4, 0.5), (1.0, 0.6, 0.7)]
    rows = [
        {"partner": "another", "seed": seed, "share": s, "split": split}
        | {"accuracy": a - fall * (s == 0.5), "mir": m, "hdr": 1 - m}
        for split in ("train", "test")
        for seed, fall in ((0, 0.0), (1, 0.2))
        for s, a, m in path
    ]
    (train, _) = experiment.mixing_table(rows)
    assert train["accuracy: ends"] == "0.800, 0.600"
    assert train["accuracy: middle"] == "0.300 (0.200 to 0.400)"
    # Of each seed, and not of the mean path.
    assert train["barrier"] == "0.400 (0.300 to 0.500)"
    first, second = map(float, train["correlation of accuracy with hdr"].split(", "))
    assert first == -1.0
    assert -1.0 < second < -0.9
    constant = [row | {"accuracy": 0.5} for row in rows]
    assert experiment.mixing_table(constant)[0]["correlation of accuracy with mir"] == "–, –"


def test_arms_are_compared_seed_by_seed():
    def row(accuracy):
        names = ("train_accuracy", "test_loss", "test_mir", "test_hdr")
        return dict.fromkeys(names, 0.5) | {"test_accuracy": accuracy}

    found = {"none": [row(0.2), row(0.9)], "both": [row(0.3), row(1.0)]}
    base, both = losses.compared(found)
    assert base["difference in test accuracy"] == ""
    assert both["difference in test accuracy"] == "+0.1000 [+0.1000, +0.1000]"
    assert both["test accuracy"] == "0.6500"


def test_outcome_is_that_of_the_plan(blobs, plan):
    found = losses.outcome(plan, blobs)
    assert set(found) == {
        f"{split}_{name}"
        for split in ("train", "test")
        for name in ("accuracy", "loss", "mir", "hdr")
    }
    assert losses.outcome(plan, blobs) == found
    assert losses.outcome(dataclasses.replace(plan, mir_weight=1.0), blobs) != found


def test_a_run_from_nothing_is_complete_and_is_not_repeated(blobs, plan, tmp_path, monkeypatch):
    for module in (experiment, networks):
        monkeypatch.setattr(module, "PLAN", plan)
    monkeypatch.setattr(networks, "fashion_part", lambda: blobs)
    for name, value in (
        ("RECORDED", (0, 2, 4)),
        ("SHARED", (0, 2)),
        ("SMOOTHING", (0.0, 0.2)),
        ("FRACTIONS", (0.0, 0.5)),
        ("SHARES", (0.0, 0.5, 1.0)),
        ("digits", lambda _: [{"network": "ce", "epoch": 0, "split": "test", "mir": 1, "hdr": 0}]),
    ):
        monkeypatch.setattr(experiment, name, value)
    experiment.main("run", tmp_path)
    names = ("digits", "training", "smoothing", "pruning", "mixing")
    kept = {name: (tmp_path / f"{name}.json").read_text() for name in names}
    shares, seeds = 3, len(experiment.SEEDS)
    assert kept["mixing"].count("another start") == shares * seeds
    assert (tmp_path / "matrix_information.png").exists()
    monkeypatch.delattr(networks.Run, "train_epoch")
    experiment.main("run", tmp_path)
    assert kept == {name: (tmp_path / f"{name}.json").read_text() for name in names}


def test_the_figure_shows_every_experiment():
    rows = [
        {"network": "supcon", "seed": 0, "epoch": e, "split": "test", "mir": 0.5, "hdr": 0.1}
        for e in (0, 1)
    ]
    figure = draw({"training": rows})
    assert len(figure.axes) == 12
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert len(titles) == 4
    # Accuracy is not there; MIR and HDR of the first column are, over both epochs.
    drawn = [
        row
        for row in (0, 1, 2)
        if any(list(line.get_ydata()) in ([0.5] * 2, [0.1] * 2) for line in figure.axes[row].lines)
    ]
    assert drawn == [1, 2]
