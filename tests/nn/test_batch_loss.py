import pytest

torch = pytest.importorskip("torch")

from ibcollapse.nn import TrainingPlan, matrix_information_loss, run, supcon_loss  # noqa: E402
from ibcollapse.nn.networks import build_network  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("options", "extra"),
    [
        ({"loss": "supcon", "temperature": 0.7}, None),
        ({"loss": "cross-entropy", "label_smoothing": 0.2}, None),
        ({"loss": "cross-entropy", "mir_weight": 0.5, "hdr_weight": 0.25}, (0.5, 0.25)),
        ({"loss": "cross-entropy", "feature_decay": 0.3}, None),
    ],
)
def test_batch_loss_is_the_one_of_the_plan(options, extra):
    plan = TrainingPlan(**options)
    network = build_network(
        "mlp",
        input_shape=(5,),
        feature_dim=8,
        head_dim=4,
        n_classes=None if plan.loss == "supcon" else 3,
        seed=0,
    )
    inputs, labels = torch.randn(12, 5), torch.arange(12) % 3
    head = network.head(network.encoder(inputs))
    if plan.loss == "supcon":
        expected = supcon_loss(head, labels, temperature=0.7)
    else:
        log_p = torch.log_softmax(network(inputs), dim=1)
        smooth = plan.label_smoothing
        targets = (1 - smooth) * torch.eye(3)[labels] + smooth / 3
        expected = -(targets * log_p).sum(dim=1).mean()
        expected = expected + plan.feature_decay / 2 * (head**2).sum() / len(head)
    if extra is not None:
        expected = expected + matrix_information_loss(
            head, network.classifier.weight[labels], mir_weight=extra[0], hdr_weight=extra[1]
        )
    torch.testing.assert_close(run.batch_loss(plan, network, inputs, labels), expected)
