"""Training with losses of two augmented views."""

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nn.killing import train_until_killed  # noqa: E402

from ibcollapse import landscape  # noqa: E402
from ibcollapse.errors import InputError  # noqa: E402
from ibcollapse.nn import (  # noqa: E402
    TrainingPlan,
    info_nce_loss,
    run,
    spectral_contrastive_loss,
    train,
    vicreg_loss,
    write_views,
)
from ibcollapse.nn.datasets import load_dataset  # noqa: E402
from ibcollapse.nn.networks import build_network  # noqa: E402
from ibcollapse.nn.plan import SELF_SUPERVISED  # noqa: E402

pytestmark = pytest.mark.torch


def pair_plan(mixture, loss="spectral", **changes):
    options = {
        "data": str(mixture),
        "loss": loss,
        "network": "linear",
        "feature_dim": 3,
        "head_dim": 0,
        "epochs": 4,
        "checkpoints": (0, 2, 4),
        "batch_size": 20,
        "learning_rate": 1e-3,
        "augment_noise": 0.5,
    }
    return TrainingPlan(**(options | changes))


def network_of(plan, n_inputs=5):
    return build_network(
        plan.network,
        input_shape=(n_inputs,),
        feature_dim=plan.feature_dim,
        head_dim=plan.head_dim,
        n_classes=None,
        unit_outputs=plan.unit_outputs,
        seed=0,
    )


def stored_features(record):
    with h5py.File(record.path) as file:
        return {epoch: group["test/features/head"][...] for epoch, group in file["epochs"].items()}


EXPECTED = {
    "spectral": spectral_contrastive_loss,
    "infonce-dot": lambda a, b: info_nce_loss(a, b, temperature=0.5),
    "infonce-distance": lambda a, b: info_nce_loss(
        a, b, temperature=0.5, similarity="squared-distance"
    ),
    "vicreg": vicreg_loss,
}


@pytest.mark.parametrize("loss", SELF_SUPERVISED)
def test_batch_loss_pairs_first_with_second_views(mixture, loss):
    plan = pair_plan(mixture, loss, temperature=0.5)
    network = network_of(plan)
    first, second = torch.randn(6, 5), torch.randn(6, 5)
    found = run.batch_loss(plan, network, torch.cat([first, second]), torch.zeros(6))
    torch.testing.assert_close(found, EXPECTED[loss](network(first), network(second)))


@pytest.mark.parametrize("loss", SELF_SUPERVISED)
@pytest.mark.parametrize("network", ["linear", "mlp"])
def test_gradient_is_finite_where_all_outputs_are_zero(mixture, loss, network):
    plan = pair_plan(mixture, loss, network=network)
    collapsed = network_of(plan)
    with torch.no_grad():
        for weight in collapsed.parameters():
            weight.zero_()
    run.batch_loss(plan, collapsed, torch.randn(12, 5), torch.zeros(6)).backward()
    for name, weight in collapsed.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name


def test_outputs_have_length_one_where_the_plan_says_so(mixture):
    inputs = torch.randn(9, 5)
    for loss in SELF_SUPERVISED:
        for name in ("linear", "mlp"):
            plan = pair_plan(mixture, loss, network=name)
            norms = network_of(plan)(inputs).norm(dim=1)
            is_unit = torch.allclose(norms, torch.ones(9))
            assert is_unit == (loss.startswith("infonce") and name == "mlp"), (loss, name)


def test_batches_hold_two_views_that_differ_between_batches_and_epochs(mixture, monkeypatch):
    seen = []

    def keep(plan, network, inputs, labels):
        seen.append(inputs.detach().clone())
        return loss(plan, network, inputs, labels)

    loss = run.batch_loss
    monkeypatch.setattr(run, "batch_loss", keep)
    pair = run.Run(pair_plan(mixture, "vicreg"), load_dataset(mixture))
    pair.train_epoch()
    pair.train_epoch()
    # Four batches of 20 an epoch.
    assert [len(inputs) for inputs in seen] == [40] * 8
    first, second = seen[0].chunk(2)
    difference = first - second
    # Views of the same samples: what is left is noise, of standard deviation 0.5 · √2.
    assert difference.std().item() == pytest.approx(0.707, rel=0.25)
    assert not torch.equal(seen[0], seen[4])


def test_run_killed_in_mid_epoch_ends_with_the_same_bits(mixture, tmp_path):
    plan = pair_plan(mixture, "infonce-dot", network="mlp", temperature=0.5)
    train_until_killed(plan, tmp_path / "killed.h5", 11)
    resumed = stored_features(train(plan, tmp_path / "killed.h5"))
    whole = stored_features(train(plan, tmp_path / "whole.h5"))
    assert list(resumed) == ["000000", "000002", "000004"]
    for epoch, features in whole.items():
        np.testing.assert_array_equal(resumed[epoch], features)
    assert not np.array_equal(whole["000002"], whole["000004"])


def test_the_seed_draws_the_views(mixture, tmp_path):
    pairs = [write_views(pair_plan(mixture, seed=s), tmp_path / f"{s}.npz") for s in (0, 1)]
    again = write_views(pair_plan(mixture), tmp_path / "again.npz")
    first, other, same = (landscape.load_pairs(path) for path in (*pairs, again))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first[0], other[0])


def test_stored_pairs_carry_the_covariances_of_the_augmentation(mixture, tmp_path):
    path = write_views(pair_plan(mixture), tmp_path / "pairs.npz", per_sample=40)
    view_a, view_b = landscape.load_pairs(path)
    assert view_a.shape == view_b.shape == (40 * 90, 5)
    found = landscape.covariances_from_pairs(view_a, view_b)
    inputs = np.load(mixture)["x_train"]
    # 3600 pairs: the relative deviation of an estimated variance is √(2/3600) = 2.4 %.
    np.testing.assert_allclose(found.c, 0.25 * np.eye(5), atol=0.25 * 0.1)
    np.testing.assert_allclose(found.a0, np.cov(inputs.T, ddof=0), atol=0.4)


def test_a_linear_network_reaches_the_predicted_variances(mixture):
    # The theory of the spectral loss is about second moments: centre the data, to variances of 1.
    arrays = dict(np.load(mixture))
    centre, scale = arrays["x_train"].mean(axis=0), arrays["x_train"].std()
    inputs = (arrays["x_train"] - centre) / scale
    np.savez(mixture, **arrays | {"x_train": inputs})
    plan = pair_plan(
        mixture,
        batch_size=90,
        epochs=300,
        checkpoints=(300,),
        learning_rate=0.02,
        augment_noise=0.5,
    )
    # Not `train`, which saves the state to disk at every epoch.
    linear = run.Run(plan, load_dataset(mixture))
    for _ in range(plan.epochs):
        linear.train_epoch()
    (weight,) = (weight.detach().double().numpy() for weight in linear.network.parameters())
    data, noise = np.cov(inputs.T, ddof=0), 0.25 * np.eye(5)
    learned = np.linalg.eigvalsh(weight @ (data + noise) @ weight.T)[::-1]
    predicted = landscape.selfsupervised(data, noise, n_outputs=3)
    # Fresh noise each step and the pairs left out of 90 rows: a few percent.
    np.testing.assert_allclose(learned, predicted.feature_variances[:3], rtol=0.08)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment_noise": 0.0}, "two augmented views, which would be equal; set one of augment_"),
        ({"loss": "cross-entropy"}, "loss 'cross-entropy' takes the samples as they are"),
        ({"label_smoothing": 0.1}, "use loss='cross-entropy'"),
        ({"head_dim": 4}, "would not be linear; use head_dim=0"),
        ({"augment_erase": 1.0}, "augment_erase is 1.0; it must be below 1"),
        ({"augment_flip": 1.5}, "augment_flip is 1.5; it must be at most 1"),
        ({"augment_noise": -1.0}, "augment_noise is -1.0; it must be at least 0"),
    ],
)
def test_plans_that_contradict_themselves_are_named(mixture, options, message):
    with pytest.raises(InputError, match=message):
        pair_plan(mixture, **options)


def test_rows_cannot_be_shifted(mixture, tmp_path):
    with pytest.raises(InputError, match="are no images"):
        train(pair_plan(mixture, augment_shift=1), tmp_path / "run.h5")


@pytest.mark.parametrize(
    ("changes", "name", "options", "message"),
    [
        ({}, "pairs.h5", {}, "written as .npz"),
        ({}, "pairs.npz", {"per_sample": 0}, "per_sample is 0"),
        (
            {"loss": "supcon", "augment_noise": 0.0},
            "pairs.npz",
            {},
            "loss 'supcon' takes no views",
        ),
    ],
)
def test_pairs_that_cannot_be_written_are_named(mixture, tmp_path, changes, name, options, message):
    with pytest.raises(InputError, match=message):
        write_views(pair_plan(mixture, **changes), tmp_path / name, **options)
