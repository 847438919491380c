"""A hundred small members of the zoo, with every check of `benchmarks.audit`."""

import pytest
from bottleneck import zoo

from benchmarks.audit_checks import FAILURES
from benchmarks.audit_member import QUICK, audit

# Ten tests of ten members: what fails names its members, and no test takes long.
MEMBERS, TESTS = 100, 10
NAMES = list(zoo.names(MEMBERS, seed=0, most_cells=64))


@pytest.mark.parametrize("first", range(TESTS))
def test_nothing_fails(first):
    failures = [
        f"{name}: {finding.kind}: {finding.what}"
        for name in NAMES[first::TESTS]
        for finding in audit(zoo.member(name), QUICK)
        if finding.kind in FAILURES
    ]
    assert failures == []


def test_every_family_has_its_turn():
    assert {name.split("/")[0] for name in NAMES} == set(zoo.FAMILIES)
