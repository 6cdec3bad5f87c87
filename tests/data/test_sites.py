"""How many clients there are where each site is one."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from data.image_files import make, picture
from fal.data import kinds
from fal.data.partition import client_of_parts, client_parts, from_sites
from fal.data.sites import number_of_sites
from fal.errors import InputError


@pytest.fixture
def kind(tmp_path):
    names = [f"{site}/{label}/{i}.png" for site in "xyz" for label in "ab" for i in range(4)]
    path = make(tmp_path, ".zip", {name: picture() for name in names})
    return kinds.create("image_folder", path=str(path), folders="sites", image_size=8)


def write_record(folder, kind, **changed):
    from fal.options import given_options

    options = {"kind": "image_folder", **given_options(kind)}
    settings = {"options": options, "fingerprint": kind.fingerprint(), **changed}
    (folder / "provenance.json").write_text(json.dumps({"settings": settings}))


def test_the_prepared_data_set_is_asked_if_it_was_made_of_the_same(kind, tmp_path, monkeypatch):
    prepared = tmp_path / "prepared"
    assert number_of_sites(kind, prepared, False) == 3
    kind.load("x").save(prepared)
    np.savez(prepared / "sites.npz", train=np.arange(7), test=np.arange(7))
    write_record(prepared, kind)
    assert number_of_sites(kind, prepared, False) == 7
    assert number_of_sites(kind, prepared, True) == 3
    moved = replace(kind, path=shutil.copy(kind.path, tmp_path / "copied.zip"))
    write_record(prepared, kind, fingerprint=moved.fingerprint())
    assert number_of_sites(moved, prepared, False) == 7
    assert number_of_sites(replace(moved, image_size=9), prepared, False) == 3
    write_record(prepared, kind, fingerprint="another")
    assert number_of_sites(kind, prepared, False) == 3


def test_a_data_set_without_sites(tmp_path):
    path = make(tmp_path, ".zip", {f"{label}/{i}.png": picture() for label in "ab" for i in (1, 2)})
    kind = kinds.create("image_folder", path=str(path), image_size=8)
    with pytest.raises(
        InputError, match=r"no site is told .* looked for in the folders <site>/<class>/"
    ):
        number_of_sites(kind, tmp_path, False)


def test_each_site_is_a_client(kind):
    data = kind.load("x")
    client = from_sites(data.sites.train, 3)
    for k, part in enumerate(client_parts(client)):
        assert {data.train_files[i][0] for i in part} == {"xyz"[k]}
    assert np.array_equal(client_of_parts(client_parts(client)), client)
    with pytest.raises(InputError, match="the data set has 3 sites, but 4 were found before"):
        from_sites(data.sites.train, 4)
