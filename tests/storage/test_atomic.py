import stat

import pytest

from ibcollapse.errors import OutputError
from ibcollapse.storage.atomic import atomic_path, remove_half_written


def test_the_target_appears_whole_when_the_block_ends(tmp_path):
    target = tmp_path / "a.json"
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".json"
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_what_goes_wrong_in_the_block_leaves_the_old_file(tmp_path, error):
    target = tmp_path / "a.json"
    target.write_text("old")

    def interrupted():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_operating_systems_error_becomes_an_output_error(tmp_path):
    def full_disk():
        with atomic_path(tmp_path / "a.json"):
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"No space left.*nothing was left behind"):
        full_disk()
    assert list(tmp_path.iterdir()) == []


def test_the_file_gets_the_mode_of_a_plain_open(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    with atomic_path(tmp_path / "atomic") as temporary:
        temporary.write_text("")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "atomic")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("name", ["absent/a.json", "x" * 300 + ".json"])
def test_places_that_cannot_be_written_are_named(tmp_path, name):
    with pytest.raises(OutputError, match="cannot write"), atomic_path(tmp_path / name):
        pass


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"), atomic_path(tmp_path):
        pass


def test_what_killed_runs_left_is_found_and_nothing_else(tmp_path):
    target = tmp_path / "a[1].h5"
    with atomic_path(target) as temporary:
        left = tmp_path / temporary.name
        temporary.write_text("half")
        names = ["a[1].h5", ".a[1]-abcdefgh.png", ".a1-abcdefgh.h5", ".a[1]-notes.h5"]
        for name in names:
            (tmp_path / name).touch()
        remove_half_written(target)
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
        left.touch()


def test_nothing_is_left_of_a_folder_that_is_not_there(tmp_path):
    remove_half_written(tmp_path / "absent" / "a.h5")
