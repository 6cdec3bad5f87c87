"""CIFAR in its official forms, and pickles that must not be opened."""

import pickle

import numpy as np
import pytest

from data.image_files import load, make
from fal.errors import InputError


@pytest.mark.parametrize("where", ["folder", "inside", "archive", "beside"])
def test_cifar_is_found_in_the_official_forms(cifar, tmp_path, where):
    kind, official, members, images, labels = cifar
    if where in ("folder", "inside"):
        path = make(tmp_path, "folder", members)
        path = path / official.base_folder if where == "inside" else path
    else:
        path = make(tmp_path, ".tar.gz", members).rename(tmp_path / official.filename)
        path = tmp_path if where == "beside" else path
    data = load(kind, path=path)
    planes = data.train_images.transpose(0, 3, 1, 2).reshape(len(images), 3072)
    assert np.array_equal(planes, images)
    assert np.array_equal(data.train_labels, labels)
    assert len(data.test_images) == 2 * len(data.classes)
    assert data.classes[1] == "c1"
    assert data.flip
    assert data.train_images.flags.c_contiguous


def test_cifar_pickles_with_another_checksum_are_never_opened(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "evil"), "w"))

    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"]
    path = make(
        tmp_path, "folder", {f"cifar-10-batches-py/{n}": pickle.dumps(Evil()) for n in names}
    )
    with pytest.raises(InputError, match="checksum is wrong"):
        load("cifar10", path=path)
    assert not (tmp_path / "evil").exists()


def test_cifar_that_is_not_there_or_damaged(tmp_path):
    with pytest.raises(InputError, match="neither cifar-10-batches-py/ nor cifar-10-python"):
        load("cifar10", path=tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        load("cifar100", path=tmp_path / "nowhere")
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"\x1f\x8bcut")
    with pytest.raises(InputError, match="damaged"):
        load("cifar10", path=tmp_path)
