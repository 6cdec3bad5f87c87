"""CIFAR in its official forms, and pickles that must not be opened."""

import os
import pickle

import numpy as np
import pytest

from data.image_files import load, make
from fal.data.kinds.cifar import load_plain
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
    with pytest.raises(InputError, match=r"the checksum of \w+ is wrong"):
        load("cifar10", path=path)
    assert not (tmp_path / "evil").exists()


class Evil:
    """Unpickled, it calls ``function``."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(5))
def test_a_pickle_that_calls_anything_is_refused_and_nothing_is_run(tmp_path, protocol):
    target = tmp_path / "evil"
    for call in (
        Evil(open, str(target), "w"),
        Evil(os.system, f"touch {target}"),
        Evil(np.save, target, 1),
        Evil(getattr, "", "join"),
    ):
        for content in (call, {"data": [call]}, {"data": np.array([call], dtype=object)}):
            with pytest.raises(InputError, match=r"asks for [\w.]+, which is no plain data"):
                load_plain(pickle.dumps(content, protocol))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("protocol", [3, 4])
def test_plain_data_comes_back(protocol):
    data = np.arange(12, dtype=np.uint8).reshape(3, 4)
    content = {"data": data, "labels": [1, 2], "batch_label": "training batch 1 of 5"}
    found = load_plain(pickle.dumps(content, protocol))
    assert np.array_equal(found.pop("data"), data)
    assert found == {key: value for key, value in content.items() if key != "data"}


def test_python_2_pickles_as_the_official_ones_are(tmp_path):
    """{'data': numpy.array([1, 2], 'uint8'), 'fine_labels': [3]}, as Python 2 wrote it."""
    content = (
        b"(dp1\nS'data'\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntp4\n"
        b"S'b'\ntRp5\n(I1\n(I2\ntcnumpy\ndtype\np6\n(S'u1'\nI0\nI1\ntRp7\n(I3\nS'|'\nNNNI-1\nI-1\n"
        b"I0\ntbI00\nS'\\x01\\xff'\ntbsS'fine_labels'\n(lp8\nI3\nas."
    )
    found = load_plain(content)
    assert found["data"].tolist() == [1, 255]
    assert found["fine_labels"] == [3]


def test_cifar_that_is_not_there_or_damaged(tmp_path):
    with pytest.raises(InputError, match="neither cifar-10-batches-py/ nor cifar-10-python"):
        load("cifar10", path=tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        load("cifar100", path=tmp_path / "nowhere")
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"\x1f\x8bcut")
    with pytest.raises(InputError, match="damaged"):
        load("cifar10", path=tmp_path)
