"""Prepared data sets as files."""

import json

import numpy as np
import pytest

from data.image_files import load
from fal.data.dataset import Dataset, Sites
from fal.errors import InputError


def test_save_and_open(tmp_path):
    data = load("digits", name="scans")
    data.save(tmp_path / "scans")
    back = Dataset.open(tmp_path / "scans")
    assert isinstance(back.train_images, np.memmap)
    for key, value in vars(data).items():
        assert np.array_equal(getattr(back, key), value)
    metadata = json.loads((tmp_path / "scans" / "dataset.json").read_text())
    assert set(metadata) == {"name", "classes", "mean", "std", "flip", "crop_padding", "digests"}
    with pytest.raises(InputError, match=r"dataset\.json is missing"):
        Dataset.open(tmp_path)


@pytest.mark.parametrize("part", ["test_images", "test_labels", "train_images", "train_files"])
def test_the_description_changes_with_every_file(tmp_path, part):
    data = load("digits", train_size=20)
    data.train_files = tuple(f"{i}.png" for i in range(20))
    data.save(tmp_path)
    described = (tmp_path / "dataset.json").read_bytes()
    data.save(tmp_path)
    assert (tmp_path / "dataset.json").read_bytes() == described
    setattr(data, part, getattr(data, part)[::-1])
    data.save(tmp_path)
    assert (tmp_path / "dataset.json").read_bytes() != described


def test_what_an_earlier_version_prepared_can_be_opened(tmp_path):
    load("digits").save(tmp_path)
    path = tmp_path / "dataset.json"
    metadata = json.loads(path.read_text())
    del metadata["digests"]
    path.write_text(json.dumps(metadata))
    assert len(Dataset.open(tmp_path).classes) == 10


def test_open_refuses_pickled_arrays(tmp_path):
    load("digits").save(tmp_path)
    np.save(tmp_path / "train_labels.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        Dataset.open(tmp_path)


@pytest.mark.parametrize(
    "files", [(), ("größe/süß.png", "a b/c\u2028d\x85.png", "\udcff.png", " x ")]
)
def test_files_are_kept_one_a_line(tmp_path, files):
    data = load("digits", train_size=10)
    data.train_files = files
    data.classes[0] = "größe"
    data.save(tmp_path)
    assert Dataset.open(tmp_path).train_files == files
    assert Dataset.open(tmp_path).classes[0] == "größe"
    lines = (tmp_path / "train_files.txt").read_bytes().split(b"\n")
    assert len(lines) == len(files) + 1
    assert "größe".encode() in (tmp_path / "dataset.json").read_bytes()


def test_description():
    data = load("digits", train_size=22)
    assert data.describe() == (
        "22 training and 359 test images of 10 classes; training images of each (2 to 3): "
        "0 2, 1 3, 2 2, 3 3, 4 2, 5 2, 6 2, 7 2, 8 2, 9 2"
    )
    data.classes = [f"c{i}" for i in range(100)]
    assert data.describe().endswith("c18 0, c19 0, and 80 more")
    data.sites = Sites(("Köln", "Ulm", "test only"), np.arange(22) % 7 // 6, np.array([2]))
    assert data.describe().endswith("; from Köln 19, Ulm 3")


def test_a_line_break_in_a_name_shifts_no_line(tmp_path):
    data = load("digits", train_size=10)
    data.train_files = ("a\nb.png", "c.png")
    data.save(tmp_path)
    assert Dataset.open(tmp_path).train_files == ("a b.png", "c.png")


def test_the_site_of_images_is_told_where_it_is_one():
    dataset = load("digits", train_size=10)
    assert dataset.site_of(np.arange(10)) == ""
    dataset.sites = Sites(("a", "b"), np.arange(10) % 2, np.array([0]))
    assert dataset.site_of(np.array([1, 7])) == "b"
    assert dataset.site_of(np.array([1, 2])) == ""
