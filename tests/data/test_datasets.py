"""Data sets read from small files in the official formats, and from bad ones."""

import hashlib
import io
import json
import pickle
import subprocess
import sys
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from test_archives import FORMATS, make

from fal.data.datasets import KINDS, Dataset, load
from fal.data.decoding import channel_statistics, decode, resize
from fal.data.image_folder import find_layout
from fal.errors import InputError

RNG = np.random.default_rng(0)


def picture(size=(8, 8), mode="RGB", form="PNG", color=None):
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = RNG.integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    if color is not None:
        pixels[:] = color
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def split_set(train=6, test=3, classes=("cat", "dog"), top=""):
    return {
        f"{top}{part}/{label}/{i}.png": picture()
        for part, count in (("train", train), ("test", test))
        for label in classes
        for i in range(count)
    }


def class_folders(count=10, classes=("cat", "dog", "emu")):
    return {f"{label}/{i}.png": picture() for label in classes for i in range(count)}


# --- image_folder -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_all_containers_give_the_same_data_set(tmp_path, form):
    members = split_set() | {"README.md": b"x", "train/.DS_Store": b"x", "__MACOSX/a.png": b"x"}
    path = make(tmp_path, form, members)
    data = load("image_folder", name="pets", path=path, image_size=8)
    assert data.classes == ["cat", "dog"]
    assert data.train_images.shape == (12, 8, 8, 3)
    assert data.train_images.dtype == np.uint8
    assert data.train_labels.tolist() == [0] * 6 + [1] * 6
    assert data.test_labels.tolist() == [0] * 3 + [1] * 3
    assert data.test_labels.dtype == np.int64
    assert (data.name, data.kind, data.flip, data.crop_padding) == ("pets", "image_folder", True, 0)
    assert data.note == ""
    for images, part in ((data.train_images, "train"), (data.test_images, "test")):
        names = sorted(name for name in members if name.startswith(part) and name.endswith("png"))
        for image, name in zip(images, names, strict=True):
            assert np.array_equal(image, np.asarray(Image.open(io.BytesIO(members[name]))))


@pytest.mark.parametrize("top", ["pets/", "a/b/"])
def test_enclosing_folders_are_seen_through(tmp_path, top):
    members = split_set(top=top) | {f"{top}logo.png": picture()}
    data = load("image_folder", path=make(tmp_path, ".tar.gz", members))
    assert data.classes == ["cat", "dog"]
    assert len(data.train_images) == 12
    assert data.note == "1 image(s) outside the class folders were ignored"


@pytest.mark.parametrize("top", ["", "pets/"])
def test_one_folder_is_split_class_by_class(tmp_path, top):
    members = {top + name: data for name, data in class_folders().items()}
    path = make(tmp_path, ".zip", members)
    data = load("image_folder", path=path, test_fraction=0.2, seed=3)
    assert np.bincount(data.train_labels).tolist() == [8, 8, 8]
    assert np.bincount(data.test_labels).tolist() == [2, 2, 2]
    again = load("image_folder", path=path, test_fraction=0.2, seed=3)
    other = load("image_folder", path=path, test_fraction=0.2, seed=4)
    assert np.array_equal(data.test_images, again.test_images)
    assert not np.array_equal(data.test_images, other.test_images)
    everything = np.concatenate([data.train_images, data.test_images]).reshape(30, -1)
    assert len(np.unique(everything, axis=0)) == 30


def test_formats_sizes_and_modes_are_mixed_freely(tmp_path):
    members = {
        "train/a/1.jpg": picture((40, 30), form="JPEG"),
        "train/a/2.PNG": picture((5, 9), "RGBA"),
        "train/a/3.bmp": picture((16, 16), form="BMP"),
        "train/b/sub/4.gif": picture((20, 20), "L", "GIF"),
        "train/b/5.webp": picture((20, 20), form="WEBP"),
        "train/b/6": picture((7, 7)),
        "train/b/LICENSE": b"no image, and no suffix that says so",
        "train/b/labels.csv": b"no image",
        "test/a/1.tiff": picture((20, 20), form="TIFF"),
        "test/b/1.png": picture((20, 20), "L"),
    }
    data = load("image_folder", path=make(tmp_path, "folder", members))
    assert data.train_images.shape == (6, 32, 32, 3)
    assert data.test_images.shape == (2, 32, 32, 3)


def test_gray_images_stay_gray_only_if_all_are(tmp_path):
    members = {f"{label}/{i}.png": picture(mode="L") for label in "ab" for i in range(4)}
    path = make(tmp_path, ".tar", members)
    assert load("image_folder", path=path, image_size=8).train_images.shape == (6, 8, 8, 1)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "holds no images"),
        (["1.png", "2.png"], "no class folders"),
        (["cat/1.png", "cat/2.png"], "only one class, 'cat'"),
        (["top/cat/1.png"], "only one class, 'cat'"),
        (["train/cat/1.png", "test/cat/1.png"], "only one class, 'cat'"),
        (["train/cat/1.png", "train/dog/1.png"], "no test/<class> images"),
        (["train/a/1.png", "train/b/1.png", "test/a/1.png"], "only train has b"),
        (["train/a/1.png", "test/b/1.png", "test/a/1.png"], "only test has b"),
        (["x/train/a/1.png", "y/train/a/1.png"], "'x/train' and 'y/train'"),
    ],
)
def test_layouts_that_make_no_data_set(names, message):
    with pytest.raises(InputError, match=message):
        find_layout(names)


def test_layout_with_a_class_called_train():
    layout = find_layout(["vehicles/train/1.png", "vehicles/car/1.png"])
    assert [label for _, label in layout.train] == ["car", "train"]


def test_unreadable_images_are_named_and_counted(tmp_path):
    whole = picture((64, 64), form="JPEG")
    bad = {f"train/cat/bad{i}.jpg": b"a text that calls itself an image" for i in range(7)}
    bad["train/cat/cut.jpg"] = whole[: len(whole) // 2]
    with pytest.raises(InputError, match=r"8 unreadable image\(s\), such as train/cat/bad0\.jpg"):
        load("image_folder", path=make(tmp_path, ".zip", split_set() | bad))


def test_single_image_class_cannot_be_split(tmp_path):
    path = make(tmp_path, ".zip", class_folders() | {"yak/1.png": picture()})
    with pytest.raises(InputError, match=r"class 'yak'.*single image"):
        load("image_folder", path=path)


# --- other kinds --------------------------------------------------------------------------------


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


def md5(data):
    return hashlib.md5(data).hexdigest()


@pytest.fixture(params=["cifar10", "cifar100"])
def cifar(request, tmp_path, monkeypatch):
    """A small set in the official format: (kind, torchvision class, members, images, labels)."""
    from torchvision import datasets

    official = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[request.param]
    key, classes = ("labels", 10) if request.param == "cifar10" else ("fine_labels", 100)
    members, images, labels = {}, {}, {}
    for part in ("train_list", "test_list"):
        checked = []
        for name, _ in getattr(official, part):
            data = RNG.integers(0, 256, (2 * classes, 3072), dtype=np.uint8)
            numbers = np.arange(2 * classes) % classes
            members[name] = pickle.dumps({"data": data, key: numbers.tolist()})
            checked.append([name, md5(members[name])])
            images.setdefault(part, []).append(data)
            labels.setdefault(part, []).append(numbers)
        monkeypatch.setattr(official, part, checked)
    meta = dict(official.meta)
    members[meta["filename"]] = pickle.dumps({meta["key"]: [f"c{i}" for i in range(classes)]})
    monkeypatch.setattr(official, "meta", meta | {"md5": md5(members[meta["filename"]])})
    members = {f"{official.base_folder}/{name}": data for name, data in members.items()}
    arrays = [np.concatenate(part) for part in (images["train_list"], labels["train_list"])]
    return request.param, official, members, *arrays


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


@pytest.fixture
def served(tmp_path):
    """A folder and the URL under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(QuietHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_downloads_are_checked_kept_and_reused(cifar, tmp_path, served, monkeypatch):
    kind, official, members, images, _ = cifar
    folder, url = served
    archive = make(tmp_path, ".tar.gz", members).rename(folder / official.filename)
    monkeypatch.setattr(official, "url", f"{url}/{archive.name}")
    monkeypatch.setattr(official, "tgz_md5", md5(archive.read_bytes()))
    data = load(kind, download_dir=tmp_path / "downloads")
    assert len(data.train_images) == len(images)
    assert [file.name for file in (tmp_path / "downloads").iterdir()] == [archive.name]
    archive.unlink()
    assert len(load(kind, download_dir=tmp_path / "downloads").train_images) == len(images)


@pytest.mark.parametrize("name", ["tiny.zip", "nowhere.zip"])
def test_failed_downloads_are_told_and_leave_nothing(tmp_path, served, monkeypatch, name):
    from fal.data import tiny_imagenet

    folder, url = served
    (folder / "tiny.zip").write_bytes(b"not the official archive")
    monkeypatch.setattr(tiny_imagenet, "URL", f"{url}/{name}")
    with pytest.raises(InputError, match="could not download"):
        load("tiny_imagenet", download_dir=tmp_path / "downloads")
    assert not list((tmp_path / "downloads").iterdir())


@pytest.fixture
def tiny_members():
    top = "tiny-imagenet-200/"
    members = {f"{top}wnids.txt": b"n02\nn01\n", f"{top}words.txt": b"n01\tcat\nn02\tdog\n"}
    for wnid in ("n01", "n02"):
        for i in range(5):
            gray = wnid == "n01" and i == 0
            name = f"{top}train/{wnid}/images/{wnid}_{i}.JPEG"
            members[name] = picture((64, 64), "L" if gray else "RGB", "JPEG")
        members[f"{top}train/{wnid}/{wnid}_boxes.txt"] = b"n01_0.JPEG\t0\t0\t9\t9\n"
    table = []
    for i, wnid in enumerate(["n02", "n01", "n02", "n01"]):
        members[f"{top}val/images/val_{i}.JPEG"] = picture((64, 64), form="JPEG", color=40 * i)
        table.append(f"val_{i}.JPEG\t{wnid}\t0\t0\t62\t62\n")
    members[f"{top}val/val_annotations.txt"] = "".join(table).encode()
    members[f"{top}test/images/test_0.JPEG"] = picture((64, 64), form="JPEG")
    return members


@pytest.mark.parametrize("where", ["zip", "beside", "folder", "inside"])
def test_tiny_imagenet(tmp_path, tiny_members, where):
    if where in ("zip", "beside"):
        path = make(tmp_path, ".zip", tiny_members).rename(tmp_path / "tiny-imagenet-200.zip")
        path = tmp_path if where == "beside" else path
    else:
        path = make(tmp_path, "folder", tiny_members)
        path = path / "tiny-imagenet-200" if where == "inside" else path
    data = load("tiny_imagenet", path=path)
    assert data.classes == ["n01", "n02"]
    assert data.train_images.shape == (10, 64, 64, 3)
    assert data.train_labels.tolist() == [0] * 5 + [1] * 5
    assert data.test_labels.tolist() == [1, 0, 1, 0]
    assert data.test_images.mean(axis=(1, 2, 3)).tolist() == pytest.approx([0, 40, 80, 120], abs=2)
    assert (data.flip, data.crop_padding) == (True, 4)
    assert load("tiny_imagenet", path=path, image_size=32).test_images.shape == (4, 32, 32, 3)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("val/val_annotations.txt", "not the official tiny-imagenet-200"),
        ("val/images/val_2.JPEG", "disagree about .*val_2.JPEG"),
    ],
)
def test_tiny_imagenet_with_parts_missing(tmp_path, tiny_members, lost, message):
    del tiny_members[f"tiny-imagenet-200/{lost}"]
    with pytest.raises(InputError, match=message):
        load("tiny_imagenet", path=make(tmp_path, ".zip", tiny_members))


# --- options, statistics, files -----------------------------------------------------------------


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


@given(
    images=hnp.arrays(
        np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5), st.just(3))
    )
)
def test_statistics_agree_with_numpy(images):
    mean, std = channel_statistics(images)
    pixels = images.reshape(-1, 3) / 255
    assert mean == pytest.approx(pixels.mean(axis=0))
    assert std == pytest.approx(np.maximum(pixels.std(axis=0), 1 / 255), abs=1e-6)


def test_statistics_of_many_chunks():
    images = RNG.integers(0, 256, (10_000, 2, 2, 1), dtype=np.uint8)
    mean, std = channel_statistics(images)
    assert mean == pytest.approx([images.mean() / 255])
    assert std == pytest.approx([images.std() / 255])


def test_sixteen_bit_palette_and_rotated_images():
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 4), 128 << 8, np.uint16)).save(buffer, "PNG")
    pixels, gray = decode(buffer.getvalue(), 4)
    assert gray
    assert pixels.tolist() == [[[128] * 3] * 4] * 4
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (200, 10, 30)).quantize(4).save(buffer, "PNG", transparency=b"\x40")
    pixels, gray = decode(buffer.getvalue(), 4)
    assert not gray
    assert pixels.tolist() == [[[200, 10, 30]] * 4] * 4
    buffer, image = io.BytesIO(), np.zeros((4, 4, 3), np.uint8)
    image[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(image).save(buffer, "PNG", exif=exif)
    assert np.array_equal(decode(buffer.getvalue(), 4)[0], image[::-1])


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


def test_reading_without_torch(tmp_path):
    path = make(tmp_path, ".zip", split_set())
    code = (
        "import sys; from fal.data.datasets import load; "
        f"load('digits'); load('image_folder', path={str(path)!r}); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_kind_has_a_reader():
    from importlib import import_module

    for kind in KINDS.values():
        assert callable(getattr(import_module(kind.module), kind.reader))


def test_zip_with_folder_entries(tmp_path):
    path = make(tmp_path, ".zip", split_set())
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("train/empty")
    assert load("image_folder", path=path).classes == ["cat", "dog"]
