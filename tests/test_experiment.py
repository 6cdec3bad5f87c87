"""Configuration files that extend one another."""

import pytest

from fal.errors import InputError
from fal.experiment import merge, read


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.write_text(text)
    return folder


def test_a_file_comes_after_what_it_extends_and_before_the_next(tmp_path):
    write(
        tmp_path,
        defaults="seeds: [1]\nclients: [10]\ntraining: {rounds: 1, momentum: 0}",
        paper="extends: base.yaml\nseeds: [1, 2, 3]\ntraining: {rounds: 100}",
        base="clients: [5]\nalphas: [0.1]",
        figure="extends: paper.yaml\nalphas: [1]",
        scale="training: {rounds: 2}",
    )
    files = [tmp_path / f"{name}.yaml" for name in ("defaults", "figure", "scale")]
    assert read(files) == {
        "seeds": [1, 2, 3],
        "clients": [5],
        "alphas": [1],
        "training": {"rounds": 2, "momentum": 0},
    }


def test_what_two_files_extend_does_not_undo_the_first(tmp_path):
    write(
        tmp_path,
        paper="seeds: [1, 2, 3]\nclients: [10]",
        first="extends: paper.yaml\nseeds: [7]",
        second="extends: paper.yaml\nclients: [20]",
    )
    whole = read([tmp_path / "first.yaml", tmp_path / "second.yaml"])
    assert whole == {"seeds": [7], "clients": [20]}


def test_a_path_is_seen_from_the_file_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    write(tmp_path, paper="seeds: [5]")
    write(tmp_path / "deep", mine="extends: ../paper.yaml")
    monkeypatch.chdir("/")
    assert read([tmp_path / "deep" / "mine.yaml"]) == {"seeds": [5]}


def test_merging_replaces_all_but_mappings_and_changes_neither():
    base, over = {"a": {"x": 1, "y": [1, 2]}, "b": 3}, {"a": {"y": [9]}, "b": {"z": 0}, "c": None}
    assert merge(base, over) == {"a": {"x": 1, "y": [9]}, "b": {"z": 0}, "c": None}
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("extends: nothing.yaml", "no file"),
        ("extends: mine.yaml", "extends it in turn"),
        ("extends: [a.yaml]", "must be the path"),
        ("- a", "must be a mapping"),
        ("a: [", "cannot be read"),
        ("a: {b: 1}\nc: 2\na: {d: 1}", "has 'a' twice, in lines 1 and 3; make one of them"),
        ("a: [{b: 1,\n b: 2}]", "has 'b' twice, in lines 1 and 2"),
    ],
)
def test_unusable_files_are_one_sentence(tmp_path, text, words):
    write(tmp_path, mine=text)
    with pytest.raises(InputError, match=words) as caught:
        read([tmp_path / "mine.yaml"])
    assert "mine.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_extend_each_other_are_refused(tmp_path):
    write(tmp_path, one="extends: two.yaml", two="extends: one.yaml")
    with pytest.raises(InputError, match="in turn"):
        read([tmp_path / "one.yaml"])
