"""Files are compared with the records of the jobs that wrote them."""

import json

import pytest

from fal import integrity
from fal.integrity import DamagedError, check, read_record, write_record


@pytest.fixture
def folder(tmp_path):
    """A folder with two files and a record, and a table whose record lies one folder above."""
    (tmp_path / "tables").mkdir()
    files = [tmp_path / name for name in ("query.csv", "labeled.npz", "tables/accuracy.csv")]
    for file in files:
        file.write_bytes(bytes(range(100)))
    write_record(tmp_path / "query_provenance.json", {"step": "query"}, map(str, files[:2]))
    write_record(tmp_path / "provenance.json", {"step": "collect"}, map(str, files[2:]))
    return tmp_path


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip_a_bit, cut, empty])
@pytest.mark.parametrize("name", ["query.csv", "labeled.npz", "tables/accuracy.csv"])
def test_any_damage_is_noticed_and_the_file_and_its_step_are_named(folder, damage, name):
    check([folder / name])
    damage(folder / name)
    with pytest.raises(DamagedError, match=f"{name}' is not what (query|collect) wrote") as error:
        check(folder / name for name in ("query.csv", "labeled.npz", "tables/accuracy.csv"))
    assert error.value.paths == [folder / name]


def test_several_are_counted_and_told_with_what_was_written_beside_them(folder):
    for name in ("query.csv", "tables/accuracy.csv"):
        cut(folder / name)
    with pytest.raises(DamagedError, match="nor are 1 other files") as error:
        check([folder / "query.csv", folder / "tables/accuracy.csv"])
    assert folder / "labeled.npz" in error.value.siblings


def test_a_file_that_is_gone_is_told(folder):
    (folder / "query.csv").unlink()
    with pytest.raises(DamagedError, match="is missing, though query wrote it"):
        check([folder / "query.csv"])


def test_what_no_record_names_is_accepted(folder):
    (folder / "mine.csv").write_text("a")
    check([folder / "mine.csv", folder / "nowhere" / "b.csv"])


def test_records_of_before_there_were_digests_tell_nothing(tmp_path):
    (tmp_path / "provenance.json").write_text(json.dumps({"step": "train", "code": "a"}))
    (tmp_path / "metrics.csv").write_text("a")
    check([tmp_path / "metrics.csv", tmp_path / "provenance.json"])


def test_a_file_may_be_what_either_of_two_records_says(folder):
    old = (folder / "query.csv").read_bytes()
    (folder / "query.csv").write_text("new")
    write_record(folder / ".x_provenance.json", {"step": "x"}, [str(folder / "query.csv")])
    check([folder / "query.csv"])
    (folder / "query.csv").write_bytes(old)
    check([folder / "query.csv"])


def test_a_moved_folder_stays_whole(folder, tmp_path_factory):
    moved = folder.rename(tmp_path_factory.mktemp("elsewhere") / "moved")
    check([moved / "query.csv", moved / "tables/accuracy.csv"])
    cut(moved / "query.csv")
    with pytest.raises(DamagedError):
        check([moved / "query.csv"])


def test_a_record_that_is_changed_anywhere_is_noticed(folder):
    path = folder / "query_provenance.json"
    content = path.read_bytes()
    assert len(content) > 200
    for position in range(0, len(content), 7):
        for bit in (0, 5):
            changed = bytearray(content)
            changed[position] ^= 1 << bit
            path.write_bytes(changed)
            with pytest.raises(DamagedError, match=r"the record '.*' is damaged"):
                read_record(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedError, match=r"the record '.*' is damaged") as error:
        check([folder / "query.csv"])
    assert error.value.paths == [path]
    assert folder / "query.csv" in error.value.siblings


def test_what_a_record_holds_comes_back(tmp_path):
    (tmp_path / "a").write_text("1")
    record = {"step": "train", "seconds": 0.1, "numbers": {1: float("nan")}, "path": tmp_path}
    write_record(tmp_path / "provenance.json", record, [str(tmp_path / "a")])
    read = read_record(tmp_path / "provenance.json")
    assert read.step == "train"
    assert read.outputs == {"a": integrity.digest(tmp_path / "a")}
    assert read.paths() == [tmp_path / "a"]
    assert integrity.recorded(tmp_path / "a") == {"a": integrity.digest(tmp_path / "a")}
