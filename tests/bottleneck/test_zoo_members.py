"""The zoo itself: the same bits from the same name, valid tables, true closed forms."""

import math

import numpy as np
import pytest
from bottleneck import zoo
from bottleneck.ground_truths import binary_symmetric_point, symmetric_point
from bottleneck.zoo_closed_forms import binary_input, second_correlation


@pytest.fixture(scope="module")
def herd():
    return list(zoo.members(10 * len(zoo.FAMILIES), seed=3))


def test_a_name_means_the_same_bits_whoever_asks(herd):
    for one in herd[:48]:
        zoo.member.cache_clear()
        again = zoo.member(one.name)
        assert again.joint.tobytes() == one.joint.tobytes(), one.name
        assert again.audit == one.audit


def test_tables_are_joint_distributions(herd):
    for one in herd:
        assert one.joint.ndim == 2, one.name
        assert np.isfinite(one.joint).all(), one.name
        assert (one.joint >= 0).all(), one.name
        assert one.joint.sum() == pytest.approx(1.0, abs=1e-13), one.name
        assert not one.joint.flags.writeable


def test_families_are_taken_in_turn():
    taken = [zoo.member(name).family for name in zoo.names(3 * len(zoo.FAMILIES))]
    assert {family: taken.count(family) for family in taken} == dict.fromkeys(zoo.FAMILIES, 3)


def test_every_size_of_a_family_has_its_turn():
    names = list(zoo.names(13, families=["symmetric"]))
    assert [name.split("/")[1] for name in names] == list(zoo.FAMILIES["symmetric"].sizes)


def test_another_seed_gives_other_members():
    first, second = (set(zoo.names(200, seed=seed)) for seed in (0, 1))
    assert not first & second


def test_random_members_of_two_seeds_differ():
    assert not np.array_equal(
        zoo.member("dirichlet/6x3/0").joint, zoo.member("dirichlet/6x3/1").joint
    )


def test_only_small_tables_are_asked_for():
    assert max(one.joint.size for one in zoo.members(60, most_cells=60)) <= 60


def test_large_tables_are_solved_at_single_betas():
    assert zoo.member("sparse_counts/100x20/3").audit == "betas"
    assert zoo.member("sparse_counts/12x6/3").audit == "trace"


@pytest.mark.parametrize("name", ["unheard_of/3/0", "ring/6", "ring"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValueError, match="no member of the zoo"):
        zoo.member(name)


def test_local_onsets_are_second_singular_values(herd):
    known = [one for one in herd if one.closed.onset_local not in (None, 1.0, math.inf)]
    assert len(known) > 40
    for one in known:
        expected = second_correlation(one.joint[one.joint.sum(axis=1) > 0]) ** -2
        assert one.closed.onset_local == pytest.approx(expected, rel=1e-6), one.name


def test_no_lagrangian_is_above_zero_or_rises(herd):
    known = [one for one in herd if one.closed.lagrangian is not None]
    assert len(known) > 40
    for one in known:
        values = [one.closed.lagrangian(beta) for beta in (1.0, 1.5, 2.5, 4.0, 8.0)]
        assert values[0] == pytest.approx(0.0, abs=1e-15), one.name
        assert (np.diff(values) <= 1e-15).all(), one.name


@pytest.mark.parametrize("beta", [1.2, 1.57, 2.0, 5.0])
def test_two_points_by_an_envelope_are_mrs_gerbers_lemma(beta):
    _, closed = binary_input(0.5, np.array([[0.9, 0.1], [0.1, 0.9]]))
    i_xt, i_ty = binary_symmetric_point(0.1, beta)
    assert closed.lagrangian(beta) == pytest.approx(i_xt - beta * i_ty, abs=1e-13)


def test_duplicates_and_permutations_keep_the_closed_form():
    base, twin = zoo.member("symmetric/4/2"), zoo.member("duplicated/0/2")
    assert twin.joint.shape[0] > 4
    assert twin.closed.lagrangian(3.0) == base.closed.lagrangian(3.0)
    i_xt, i_ty = symmetric_point(4, base.closed.onset_local**-0.5, 3.0)
    assert twin.closed.lagrangian(3.0) == pytest.approx(min(0.0, i_xt - 3.0 * i_ty), abs=1e-12)


def test_duplicated_rows_carry_the_same_information():
    def information(joint):
        product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        kept = joint > 0
        return float((joint[kept] * np.log(joint[kept] / product[kept])).sum())

    for derived in ("duplicated", "permuted"):
        original = zoo.member("dirichlet/8x4/7").joint
        other = zoo.member(f"{derived}/4/7").joint
        assert information(other) == pytest.approx(information(original), rel=1e-12)
