"""What all kinds of data sets share: options, draws, sizes, fingerprints."""

import subprocess
import sys

import numpy as np
import pytest
from image_files import load, make, split_set
from PIL import Image

from fal.data.decoding import resize
from fal.errors import InputError


def test_digits():
    data = load("digits")
    assert data.train_images.shape == (1438, 8, 8, 1)
    assert data.test_images.shape == (359, 8, 8, 1)
    assert data.classes == list("0123456789")
    assert data.train_images.min() == 0
    assert data.train_images.max() == 255
    assert not data.flip
    shares = np.bincount(data.test_labels) / np.bincount(
        np.concatenate([data.train_labels, data.test_labels])
    )
    assert shares == pytest.approx(0.2, abs=0.01)


def test_train_size_is_stratified_and_leaves_the_test_set_alone():
    whole, small = load("digits"), load("digits", train_size=100)
    assert np.array_equal(whole.test_images, small.test_images)
    assert np.bincount(small.train_labels).sum() == 100
    assert set(np.bincount(small.train_labels)) <= {9, 10, 11}
    rows = {image.tobytes() for image in whole.train_images}
    assert all(image.tobytes() in rows for image in small.train_images)
    assert len(load("digits", train_size=1438).train_images) == 1438
    assert np.bincount(load("digits", train_size=10).train_labels).tolist() == [1] * 10


def test_imagenet_s_statistics_are_for_color_images(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for i in range(4):
            pixels = rng.integers(256, size=(8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{i}.png")
    own = load("image_folder", path=tmp_path)
    other = load("image_folder", path=tmp_path, normalization="imagenet")
    assert np.array_equal(own.train_images, other.train_images)
    assert (other.mean, other.std) == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert own.mean != other.mean
    with pytest.raises(InputError, match="normalization of data set 'digits' is imagenet"):
        load("digits", normalization="imagenet")


def test_image_size_scales_embedded_images():
    data = load("digits", image_size=16)
    assert data.train_images.shape == (1438, 16, 16, 1)
    assert resize(np.full((1, 8, 8, 3), 77, np.uint8), 5).tolist() == [[[[77] * 3] * 5] * 5]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("cifar1", {}, "did you mean 'cifar1"),
        ("image_folder", {}, "needs a path"),
        ("image_folder", {"path": "nowhere"}, "'nowhere' does not exist"),
        ("digits", {"train_size": 9}, r"number of classes \(10\)"),
        ("digits", {"train_size": 2000}, r"training images \(1438\)"),
        ("digits", {"test_fraction": 0}, "between 0 and 1"),
        ("digits", {"test_fraction": 1.0}, "between 0 and 1"),
        ("digits", {"image_size": 0}, "at least 1"),
    ],
)
def test_unusable_arguments(kind, options, message):
    with pytest.raises(InputError, match=message):
        load(kind, **options)


def test_reading_without_torch(tmp_path):
    path = make(tmp_path, ".zip", split_set())
    code = (
        "import sys; from fal.data.datasets import load; "
        f"load('digits'); load('image_folder', path={str(path)!r}); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
