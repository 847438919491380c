import pytest

from ibcollapse_cli.analysing import parting_classes

NAMES = tuple(str(n) for n in range(100))


@pytest.mark.parametrize(
    ("groups", "written"),
    [
        ((), "–"),
        ((("cat", "dog"), ("ship",)), "cat dog | ship"),
        ((NAMES[:12], NAMES[12:13]), "0 1 2 3 4 5 6 7 8 9 10 11 | 12"),
        ((NAMES[:10] + NAMES[11:40], NAMES[10:11]), "39 others | 10"),
        (
            (NAMES[:15], NAMES[15:30]),
            "0 1 2 3 4 5 6 7 8 9 10 and 4 more | 15 16 17 18 19 20 21 22 23 24 25 and 4 more",
        ),
        (
            tuple((name,) for name in NAMES),
            "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 88 more groups",
        ),
    ],
)
def test_many_classes_fit_a_line_of_the_table(groups, written):
    assert parting_classes(groups) == written
