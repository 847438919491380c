import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.landscape import batch_graph, bind_batches, simplex_gram, supcon_geometry
from ibcollapse.landscape.free_loss import FreeSupCon
from ibcollapse.serialize import load_result, save


def schedule_loss(features, labels, batches):
    return sum(
        float(FreeSupCon(labels[b], 1.0).value_and_slope(features[b])[0]) * len(b)
        for b in map(np.asarray, batches)
    )


def simplex_features(labels):
    n_classes = labels.max() + 1
    values, vectors = np.linalg.eigh(simplex_gram(n_classes))
    return (vectors * np.sqrt(np.maximum(values, 0)))[:, 1:][labels]


def rotation_about(axis, angle):
    """Rotation of R³ by `angle` that keeps `axis`."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def test_full_batch_determines_everything():
    labels = np.repeat(np.arange(3), 2)
    graph = batch_graph(labels, [range(6)])
    assert graph.determined
    assert graph.relu_determined
    assert graph.pairs_met.all()
    assert np.array_equal(graph.class_pieces, [1, 1, 1])
    assert np.array_equal(graph.component, np.zeros(6))


def test_disconnected_batches_leave_the_cross_gram_free():
    labels = np.tile(np.repeat(np.arange(4), 2), 2)
    batches = [np.arange(8), np.arange(8, 16)]
    graph = batch_graph(labels, batches)
    assert not graph.determined
    assert not graph.relu_determined
    assert graph.rigid_parts == 2
    assert np.array_equal(graph.class_pieces, [2, 2, 2, 2])
    features = simplex_features(labels)
    turned = features.copy()
    turned[8:] = features[8:] @ rotation_about(np.array([1.0, 2, 3]), 1.0)
    assert schedule_loss(turned, labels, batches) == pytest.approx(
        schedule_loss(features, labels, batches), rel=1e-14
    )
    assert np.abs((turned @ turned.T - features @ features.T)[:8, 8:]).max() > 0.5


def test_a_connected_graph_is_not_enough_without_relu():
    # Two batches share sample 0: the second turns about it at no cost.
    labels = np.array([0, 0, 1, 1, 2, 2, 3, 3, 0, 1, 1, 2, 2, 3, 3])
    batches = [np.arange(8), np.array([0, *range(8, 15)])]
    graph = batch_graph(labels, batches)
    assert len(np.unique(graph.component)) == 1
    assert graph.pairs_met.all()
    assert not graph.determined
    features = simplex_features(labels)
    turned = features.copy()
    turned[8:] = features[8:] @ rotation_about(features[0], 1.0)
    assert schedule_loss(turned, labels, batches) == pytest.approx(
        schedule_loss(features, labels, batches), rel=1e-14
    )
    assert np.abs(turned @ turned.T - features @ features.T).max() > 0.5
    assert not graph.relu_determined  # the other classes are in two pieces


@pytest.mark.parametrize(("n_bound", "determined"), [(1, False), (2, False), (3, True), (4, True)])
def test_bound_examples_of_all_but_one_class_determine_the_geometry(n_bound, determined):
    labels = np.concatenate([np.tile(np.repeat(np.arange(4), 2), 2), np.arange(n_bound)])
    batches = bind_batches([np.arange(8), np.arange(8, 16)], np.arange(16, 16 + n_bound))
    graph = batch_graph(labels, batches)
    assert graph.determined == determined
    assert graph.relu_determined == (n_bound == 4)


def test_a_bound_schedule_has_the_geometry_of_its_composition():
    # Two batches of (3, 2, 2), one sample a class bound to both: every descent ends at one Gram.
    labels = np.concatenate([np.tile([0, 0, 0, 1, 1, 2, 2], 2), np.arange(3)])
    batches = bind_batches([np.arange(7), np.arange(7, 14)], [14, 15, 16])
    assert batch_graph(labels, batches).determined
    losses = [FreeSupCon(labels[b], 1.0) for b in batches]
    rng = np.random.default_rng(0)
    expected = supcon_geometry([4, 3, 3], 1.0).gram[np.ix_(labels, labels)]
    for _ in range(3):
        h = rng.normal(size=(17, 4))
        h /= np.linalg.norm(h, axis=1, keepdims=True)
        for _ in range(3000):
            slope = np.zeros_like(h)
            for batch, loss in zip(batches, losses, strict=True):
                slope[batch] += loss.value_and_slope(h[batch])[1] * len(batch)
            h = h - 0.2 * slope
            h /= np.linalg.norm(h, axis=1, keepdims=True)
        assert h @ h.T == pytest.approx(expected, abs=1e-6)


def test_relu_needs_every_pair_of_classes_to_meet():
    labels = np.array([0, 0, 1, 1, 2, 2])
    chain = batch_graph(labels, [[0, 1, 2, 3], [2, 3, 4, 5]])
    assert np.array_equal(chain.class_pieces, [1, 1, 1])
    assert not chain.pairs_met[0, 2]
    assert not chain.relu_determined
    assert batch_graph(labels, [[0, 1, 2, 3], [2, 3, 4, 5], [0, 1, 4, 5]]).relu_determined


def test_unequal_compositions_are_not_claimed_to_be_determined():
    labels = np.array([0, 0, 0, 1, 1])
    graph = batch_graph(labels, [[0, 1, 3, 4], [0, 1, 2, 3, 4]])
    assert not graph.determined
    assert graph.relu_determined


def test_binding_adds_a_sample_once():
    (batch,) = bind_batches([[3, 1]], [1, 0])
    assert np.array_equal(batch, [0, 1, 3])


def test_the_graph_survives_a_file(tmp_path):
    graph = batch_graph(np.array([0, 0, 1, 1]), [[0, 1, 2, 3]])
    loaded = load_result(save(graph, tmp_path / "graph.h5"))
    assert np.array_equal(loaded.pairs_met, graph.pairs_met)
    assert loaded.determined


@pytest.mark.parametrize(
    ("labels", "batches", "message"),
    [
        ([0, 1], [], "no batch"),
        ([0, 1], [[]], "batch 0"),
        ([0, 1], [[0, 2]], "outside"),
        ([0, 1], [[0, 0]], "twice"),
        ([0, 2], [[0, 1]], "without holes"),
        ([0, 0], [[0, 1]], "at least two"),
        ([0.5, 1.0], [[0, 1]], "integers"),
    ],
)
def test_bad_schedules_are_refused(labels, batches, message):
    with pytest.raises(InputError, match=message):
        batch_graph(np.array(labels), batches)
