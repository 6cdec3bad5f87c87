"""Prepared data sets as files."""

import json

import numpy as np
import pytest
from image_files import load

from fal.data.dataset import Dataset
from fal.errors import InputError


def test_save_and_open(tmp_path):
    data = load("digits", name="scans")
    data.save(tmp_path / "scans")
    back = Dataset.open(tmp_path / "scans")
    assert isinstance(back.train_images, np.memmap)
    for key, value in vars(data).items():
        assert np.array_equal(getattr(back, key), value)
    metadata = json.loads((tmp_path / "scans" / "dataset.json").read_text())
    assert set(metadata) == {
        *("name", "kind", "classes", "mean", "std", "flip", "crop_padding", "note")
    }
    with pytest.raises(InputError, match=r"dataset\.json is missing"):
        Dataset.open(tmp_path)


def test_open_refuses_pickled_arrays(tmp_path):
    load("digits").save(tmp_path)
    np.save(tmp_path / "train_labels.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        Dataset.open(tmp_path)
