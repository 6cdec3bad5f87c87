"""Whether a data set was prepared of the files that are there."""

import json
import os

import pytest

from data.image_files import class_folders, make
from fal.data import kinds
from fal.data.prepared import _content, record_of, settled_fingerprint, settled_options
from fal.options import given_options


@pytest.fixture
def archive(tmp_path):
    return make(tmp_path, ".zip", class_folders(count=2))


def kind_of(archive):
    return kinds.create("image_folder", path=str(archive))


def prepare(folder, kind, **record):
    made = {"settings": {"fingerprint": kind.fingerprint()}, "content": kind.content_digest()}
    (folder / "provenance.json").write_text(json.dumps({**made, **record}))


def test_new_times_alone_change_nothing(archive, tmp_path):
    kind = kind_of(archive)
    before = kind.fingerprint()
    assert settled_fingerprint(kind, tmp_path) == before
    prepare(tmp_path, kind)
    assert settled_fingerprint(kind, tmp_path) == before
    os.utime(archive, ns=(0, 1))
    assert kind.fingerprint() != before
    assert settled_fingerprint(kind, tmp_path) == before


def test_new_times_are_looked_into_once(archive, tmp_path, monkeypatch):
    kind = kind_of(archive)
    prepare(tmp_path, kind)
    before = kind.fingerprint()
    os.utime(archive, ns=(0, 1))
    assert settled_fingerprint(kind, tmp_path) == before
    _content.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(type(kind), "content_digest", lambda self: pytest.fail("was read"))
        assert settled_fingerprint(kind, tmp_path) == before
    os.utime(archive, ns=(0, 2))
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    assert settled_fingerprint(kind, tmp_path) == kind.fingerprint()


def test_new_content_of_the_same_size_does(archive, tmp_path):
    kind = kind_of(archive)
    prepare(tmp_path, kind)
    content = bytearray(archive.read_bytes())
    content[-1] ^= 1
    archive.write_bytes(content)
    os.utime(archive, ns=(0, 1))
    assert settled_fingerprint(kind, tmp_path) == kind.fingerprint()


def test_files_are_read_only_where_times_have_changed(archive, tmp_path, monkeypatch):
    kind = kind_of(archive)
    prepare(tmp_path, kind)
    monkeypatch.setattr(type(kind), "content_digest", lambda self: pytest.fail("was read"))
    assert settled_fingerprint(kind, tmp_path) == kind.fingerprint()


@pytest.mark.parametrize("record", [{"content": ""}, {"settings": None}, {"settings": {}}])
def test_a_record_that_does_not_tell_is_no_help(archive, tmp_path, record):
    kind = kind_of(archive)
    prepare(tmp_path, kind, **record)
    os.utime(archive, ns=(0, 1))
    assert settled_fingerprint(kind, tmp_path) == kind.fingerprint()


TABLE = {"path": "a.csv", "classes": ("cat", "dog"), "image_size": 16}


@pytest.mark.parametrize(
    ("now", "missing_then", "same"),
    [
        ({}, [], True),
        ({"path": "/elsewhere/a.csv"}, [], True),
        ({"image_size": 8}, [], False),
        ({"classes": ("dog", "cat")}, [], False),
        ({"path": "b.csv"}, ["flip", "normalization"], True),
        ({"flip": False}, ["flip"], False),
    ],
)
def test_another_path_and_a_new_option_at_its_default_are_the_same_data(
    tmp_path, now, missing_then, same
):
    def options(**changed):
        return {"kind": "table", **given_options(kinds.create("table", **{**TABLE, **changed}))}

    made = {key: value for key, value in options().items() if key not in missing_then}
    record = {"settings": {"options": made}}
    (tmp_path / "provenance.json").write_text(json.dumps(record, sort_keys=True))
    given = options(**now)
    found = settled_options(given, kinds.create("table", **{**TABLE, **now}), tmp_path)
    # Snakemake compares texts: of the same order and types.
    assert repr(found) == repr(made if same else given)


def test_a_data_set_that_is_not_prepared_is_made_by_the_options_given(tmp_path):
    kind = kinds.create("table", **TABLE)
    assert settled_options({"kind": "table"}, kind, tmp_path) == {"kind": "table"}


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_records_that_are_none(tmp_path, text):
    (tmp_path / "provenance.json").write_text(text)
    assert record_of(tmp_path) == {}
