import numpy as np
import pytest
from alignment.pair_material import labels_of, whole
from scipy.stats import ortho_group

from ibcollapse.alignment import align
from ibcollapse.errors import InputError
from ibcollapse.features import FeatureWriter
from ibcollapse.geometry import simplex_vertices
from ibcollapse.serialize import from_dict, to_dict


def test_related_networks_stand_out_of_the_null():
    rng = np.random.default_rng(10)
    a = rng.normal(size=(100, 4))
    b = a @ rng.normal(size=(4, 4)) + 0.5 * rng.normal(size=(100, 4))
    y = labels_of(100)
    found = align((a, y), (b, y), n_bootstrap=0).whole
    for name, index in found.indices.items():
        assert index.p_value == pytest.approx(1 / 21), name
        assert abs(index.z) > 4, name
    assert found.shape_angle.z < 0


def collapsed_pair(n_classes, sigma_x, sigma_y, per_class):
    """Two networks with ETF means of norm 1 in rotated spaces and independent isotropic noise."""
    rng = np.random.default_rng(12)
    y = np.repeat(np.arange(n_classes), per_class)
    means = simplex_vertices(n_classes)
    turn = ortho_group.rvs(n_classes - 1, random_state=3)
    noise = rng.normal(size=(2, len(y), n_classes - 1))
    return (means[y] + sigma_x * noise[0], y), ((means @ turn)[y] + sigma_y * noise[1], y)


def test_population_betas_of_two_collapsed_networks():
    # information_bottleneck section 5: K = 10, sigma .3 and .5 -> nine equal 5.8825.
    a, b = collapsed_pair(10, 0.3, 0.5, 3000)
    found = align(a, b, n_permutations=0, n_bootstrap=50).bottleneck
    assert found.n_resolved == 9
    # A correlation of .41 has deviation (1 - rho^2)/sqrt(n) = .005 at 30 000 samples, its beta
    # .14; nine equal ones repel each other to about +-sqrt(9) times that and more at the ends.
    np.testing.assert_allclose(found.critical_betas, 5.8825, atol=0.8)
    assert 1 / np.mean(found.rho**2) == pytest.approx(5.8825, rel=0.02)
    assert np.all(found.beta_low < found.critical_betas)
    assert np.all(found.critical_betas < found.beta_high)
    width = (found.beta_high - found.beta_low) / found.critical_betas
    # 95 % of a normal: 2 * 1.96 * 2 (1 - rho^2) / (rho sqrt(n)).
    expected = 7.84 * (1 - found.rho**2) / found.rho / np.sqrt(30000)
    np.testing.assert_allclose(width, expected, rtol=0.4)
    assert (found.directions_a.shape, found.loadings_b.shape) == ((9, 9), (9, 9))


def test_identified_space_is_aligned_where_the_complement_is_not():
    rng = np.random.default_rng(13)
    y = np.repeat(np.arange(4), 60)
    means = simplex_vertices(4)
    signal = means[y] + 0.1 * rng.normal(size=(240, 3))
    noise = 0.3 * rng.normal(size=(2, 240, 5))
    a = np.column_stack([signal, noise[0]])
    b = np.column_stack([signal @ ortho_group.rvs(3, random_state=0), noise[1]])
    found = align((a, y), (b, y), n_bootstrap=0)
    assert (found.identified_rank_a, found.identified_rank_b) == (3, 3)
    assert found.identified.cca_mean_rho.value > 0.95
    assert found.complement.cca_mean_rho.value < 0.3
    assert found.complement.cca_mean_rho.p_value > 0.02
    assert np.isnan(found.identified.cka_debiased.value)


def test_the_span_of_the_classifiers_is_identified_up_to_a_linear_map(tmp_path):
    # logits W f = W' f' for f' = A' f and W' = W A^-T: the same functions span both spaces.
    rng = np.random.default_rng(20)
    y, x = labels_of(80, 3), rng.normal(size=(80, 5))
    weight, mapping = rng.normal(size=(3, 5)), rng.normal(size=(5, 5)) + 2 * np.eye(5)
    for name, features, rows in (
        ("a.h5", x, weight),
        ("b.h5", x @ mapping, np.linalg.solve(mapping, weight.T).T),
    ):
        with FeatureWriter(tmp_path / name) as writer:
            writer.append({"head": features}, y, epoch=0, split="train")
            writer.classifier(rows, layer="head", epoch=0)
    found = align(
        tmp_path / "a.h5", tmp_path / "b.h5", span="classifier", n_permutations=0, n_bootstrap=0
    )
    np.testing.assert_allclose(found.identified.rho, 1.0, rtol=1e-9)
    assert found.identified_rank_a == 2
    with pytest.raises(InputError, match="no classifier is stored with network 1"):
        align((x, y), (x, y), span="classifier", n_permutations=0, n_bootstrap=0)


def test_points_have_no_complement():
    y = np.repeat(np.arange(3), 20)
    x = np.eye(3)[y]
    found = align((x, y), (2 * x, y), n_permutations=0, n_bootstrap=0)
    assert found.complement is None
    assert found.identified.procrustes_cosine.value == pytest.approx(1.0, rel=1e-12)


def test_shuffled_files_are_paired_by_their_ids(tmp_path):
    rng = np.random.default_rng(14)
    x, y, order = rng.normal(size=(40, 3)), labels_of(40), rng.permutation(40)
    for name, rows in (("a.h5", np.arange(40)), ("b.h5", order)):
        with FeatureWriter(tmp_path / name) as writer:
            writer.append({"head": x[rows]}, y[rows], epoch=1, split="train", ids=rows)
    found = align(tmp_path / "a.h5", tmp_path / "b.h5", n_permutations=0, n_bootstrap=0)
    assert found.matched_by == "ids"
    assert found.whole.procrustes_cosine.value == pytest.approx(1.0, abs=1e-7)


def test_more_features_than_samples_are_refused_or_regularised():
    # peers_and_pitfalls: CCA of noise at N = 100 < d = 200 gives rho = 1.
    rng = np.random.default_rng(15)
    a, b = rng.normal(size=(100, 200)), rng.normal(size=(100, 200))
    with pytest.raises(InputError, match="200 features and 100 samples to fit"):
        whole(a, b)
    regular = whole(a, b, ridge=0.5, shrinkage=0.5)
    assert regular.cca_mean_rho.value < 1.0
    assert regular.null_floor == 1.0
    assert regular.n_above_floor == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ridge": -1.0}, "ridge"),
        ({"shrinkage": 2.0}, "shrinkage"),
        ({"alpha": -0.1}, "alpha"),
        ({"held_out": 1.0}, "held_out"),
        ({"held_out": 0.05}, "2 held out"),
        ({"n_permutations": 1}, "n_permutations"),
        ({"n_permutations": 2, "null_samples": 3}, "null_samples"),
        ({"confidence": 1.0}, "confidence"),
        ({"span": "means"}, "span"),
        ({"rank_tolerance": 0.0}, "rank_tolerance"),
        ({"n_bootstrap": -1}, "n_bootstrap"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    x = np.random.default_rng(16).normal(size=(40, 3))
    with pytest.raises(InputError, match=message):
        whole(x, x, **options)


def test_constant_networks_are_refused():
    x = np.random.default_rng(17).normal(size=(40, 3))
    with pytest.raises(InputError, match="coincide"):
        whole(x, np.full((40, 3), 0.1))


def test_alignment_round_trips():
    x = np.random.default_rng(18).normal(size=(40, 3))
    y = labels_of(40)
    found = align((x, y), (x + 1, y), n_permutations=2, n_bootstrap=4)
    again = from_dict(to_dict(found))
    assert again.whole.cka == found.whole.cka
    np.testing.assert_array_equal(again.bottleneck.beta_low, found.bottleneck.beta_low)
    assert again.matched_by == "order"
