"""What all kinds of data sets share: options, draws, sizes, fingerprints."""

import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from data.image_files import class_folders, load, make, split_set
from fal.data import kinds
from fal.data.decoding import resize
from fal.data.kinds.base import DatasetKind, RawImages, WithTestFraction
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
        ("digits", {"train_size": 9}, r"'digits': train_size is 9, but must lie between 10, "),
        ("digits", {"train_size": 2000}, r"and 1438, all training images"),
        ("digits", {"test_fraction": 0}, "test_fraction is 0, but must be a number above 0"),
        ("digits", {"test_fraction": 1.0}, "above 0 and below 1"),
        ("digits", {"image_size": 7}, "a whole number of at least 8, or null"),
        ("digits", {"path": "x"}, "no option 'path'"),
        ("cifar10", {"test_fraction": 0.1}, "no option 'test_fraction'"),
        ("digits", {"normalization": "image"}, "did you mean 'imagenet'"),
    ],
)
def test_unusable_arguments(kind, options, message):
    with pytest.raises(InputError, match=message):
        load(kind, **options)


def test_reading_without_torch(tmp_path):
    path = make(tmp_path, ".zip", split_set())
    code = (
        "import sys; from fal.data import kinds; kinds.create('digits').load('a'); "
        f"kinds.create('image_folder', path={str(path)!r}).load('b'); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_describing_kinds_imports_nothing_slow():
    slow = ("torch", "sklearn", "torchvision", "PIL", "tqdm", "pandas", "pydantic")
    code = (
        "import sys; from fal.data.kinds import KINDS; [KINDS.find(name) for name in KINDS]; "
        f"import fal.data.images, fal.data.labeling; print([m for m in {slow} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "options", [{}, {"test_fraction": 0.33}, {"test_fraction": 0.001}, {"train_size": 100}]
)
def test_the_size_of_the_digits_is_known_beforehand(options):
    classes, size = kinds.create("digits", **options).size()
    data = load("digits", **options)
    assert (classes, size) == (len(data.classes), len(data.train_labels))


def test_sizes_that_are_known_beforehand():
    assert kinds.create("cifar10").size() == (10, 50_000)
    assert kinds.create("cifar100", train_size=500).size() == (100, 500)
    assert kinds.create("tiny_imagenet").size() == (200, 100_000)
    assert kinds.create("image_folder", path="x").size() is None
    assert kinds.create("image_folder", path="x", train_size=70).size() == (None, 70)
    with pytest.raises(InputError, match=r"^train_size is 99, but must lie between 100, one"):
        kinds.create("cifar100", train_size=99).size()


def test_every_change_of_the_files_changes_the_fingerprint(tmp_path):
    path = make(tmp_path, "folder", class_folders(count=2))
    kind = kinds.create("image_folder", path=str(path))
    seen = [kind.fingerprint()]

    def changed():
        seen.append(kind.fingerprint())
        return len(set(seen)) == len(seen)

    image = path / "cat" / "0.png"
    assert kind.fingerprint() == seen[0]
    image.with_name("new.png").write_bytes(b"1")
    assert changed()
    image.write_bytes(image.read_bytes() + b"1")
    assert changed()
    os.utime(image, ns=(0, 1))
    assert changed()
    image.rename(path / "dog" / "moved.png")
    assert changed()
    (path / "dog" / "moved.png").unlink()
    assert changed()
    (path / "dog" / ".DS_Store").write_bytes(b"1")
    assert not changed()


def test_the_content_digest_is_blind_to_times_alone(tmp_path):
    path = make(tmp_path, "folder", class_folders(count=2))
    kind = kinds.create("image_folder", path=str(path))
    image = path / "cat" / "0.png"
    content = image.read_bytes()
    before = kind.content_digest()
    os.utime(image, ns=(0, 1))
    (path / ".DS_Store").write_bytes(b"1")
    assert kind.content_digest() == before
    image.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    changed = kind.content_digest()
    image.rename(path / "dog" / "moved.png")
    assert len({before, changed, kind.content_digest()}) == 3
    (path / "dog" / "moved.png").rename(image)
    image.write_bytes(content)
    assert kind.content_digest() == before
    (path / "link.png").symlink_to("nowhere.png")
    assert kind.content_digest() != before


def test_fingerprints_of_archives_and_of_nothing(tmp_path):
    path = make(tmp_path, ".zip", class_folders(count=2))
    kind = kinds.create("image_folder", path=str(path))
    before = kind.fingerprint()
    os.utime(path, ns=(0, 1))
    assert kind.fingerprint() != before
    for none in (kinds.create("digits"), kinds.create("cifar10")):
        assert none.fingerprint() == none.content_digest() == ""
    nowhere = kinds.create("image_folder", path="nowhere")
    for digest in (nowhere.fingerprint, nowhere.content_digest):
        with pytest.raises(InputError, match="'nowhere' cannot be read"):
            digest()


def test_cifar_does_not_depend_on_what_lies_beside_it(tmp_path):
    archive = tmp_path / "cifar-10-python.tar.gz"
    archive.write_bytes(b"1")
    kind = kinds.create("cifar10", path=str(tmp_path))
    before = kind.fingerprint()
    (tmp_path / "holiday.jpg").write_bytes(b"1")
    assert kind.fingerprint() == before
    archive.write_bytes(b"12")
    assert kind.fingerprint() != before


@dataclass(frozen=True, kw_only=True)
class Given(WithTestFraction):
    """A kind that read ``raw``."""

    raw: RawImages

    def read(self, download_dir):
        return self.raw


IMAGES, LABELS = np.zeros((20, 8, 8, 1), np.uint8), np.arange(20) % 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": IMAGES / 255}, r"images must be uint8 \[N, H, W, 1 or 3\], not float64"),
        ({"images": IMAGES[..., 0]}, r"not uint8 \[20, 8, 8\]"),
        ({"labels": LABELS[:-1]}, r"labels must be int64 \[20\], one for each image"),
        ({"labels": LABELS / 1}, "not float64"),
        ({"labels": LABELS + 1}, "positions in its 2 classes"),
        ({"labels": LABELS * 0}, "class 'b' has no images"),
        ({"files": ("1.png",)}, "1 files are named, but there are 20"),
        ({"test_images": IMAGES[..., 0], "test_labels": LABELS}, "test_images must be uint8"),
    ],
)
def test_what_a_reader_must_not_return(change, message):
    raw = RawImages(["a", "b"], IMAGES, LABELS)
    assert len(Given(raw=raw).load("mine").train_labels) == 16
    with pytest.raises(InputError, match=message):
        Given(raw=raw._replace(**change)).load("mine")


def test_a_kind_without_test_images_must_say_how_many_to_split_off():
    class Plain(DatasetKind):
        def read(self, download_dir):
            return RawImages(["a", "b"], IMAGES, LABELS)

    with pytest.raises(InputError, match="Plain read no test images; derive it from WithTestF"):
        Plain().load("mine")


def test_a_long_tail_leaves_the_test_set_as_it_is():
    whole, tail = load("digits"), load("digits", imbalance=0.1)
    counts = np.bincount(tail.train_labels)
    assert counts[-1] == pytest.approx(0.1 * counts[0], abs=1)
    assert np.all(np.diff(counts) < 0)
    assert np.array_equal(whole.test_images, tail.test_images)
    assert kinds.create("digits", imbalance=0.1).size() is None
    again = load("digits", imbalance=0.1)
    assert np.array_equal(again.train_images, tail.train_images)
