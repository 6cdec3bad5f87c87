"""Folders and archives of class folders, whole ones and bad ones."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from data.image_files import FORMATS, class_folders, huge_png, load, make, picture, split_set, tiff
from fal.data import kinds
from fal.errors import InputError


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
    assert (data.name, data.flip, data.crop_padding) == ("pets", True, 0)
    assert data.warnings == ()
    for images, part in ((data.train_images, "train"), (data.test_images, "test")):
        names = sorted(name for name in members if name.startswith(part) and name.endswith("png"))
        if part == "train":
            assert data.train_files == tuple(names)
        for image, name in zip(images, names, strict=True):
            assert np.array_equal(image, np.asarray(Image.open(io.BytesIO(members[name]))))


@pytest.mark.parametrize("top", ["pets/", "a/b/"])
def test_enclosing_folders_are_seen_through(tmp_path, top):
    members = split_set(top=top) | {f"{top}logo.png": picture()}
    path = make(tmp_path, ".tar.gz", members)
    data = load("image_folder", path=path)
    assert data.classes == ["cat", "dog"]
    assert len(data.train_images) == 12
    assert data.warnings == (f"1 image(s) of '{path}' outside the class folders were ignored",)


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


def test_unreadable_images_are_named_and_counted(tmp_path):
    whole = picture((64, 64), form="JPEG")
    bad = {f"train/cat/bad{i}.jpg": b"a text that calls itself an image" for i in range(7)}
    bad["train/cat/cut.jpg"] = whole[: len(whole) // 2]
    with pytest.raises(
        InputError, match=r"8 unreadable image\(s\), such as train/cat/bad0\.jpg"
    ) as e:
        load("image_folder", path=make(tmp_path, ".zip", split_set() | bad))
    assert "bad1.jpg (not a whole image: no format that Pillow knows)" in str(e.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (picture((64, 64), form="JPEG")[:500], "not a whole image: "),
        (huge_png(20_001, 20_000), r"too large \(400 megapixels; the limit is 179\)"),
        (tiff(np.array([[0, np.nan]], np.float32)), "it holds NaN or infinite values"),
        (tiff(np.array([[0, -np.inf]], np.float32)), "it holds NaN or infinite values"),
    ],
)
def test_unreadable_images_say_why(tmp_path, data, reason):
    path = make(tmp_path, "folder", split_set() | {"train/cat/größe.png": data})
    with pytest.raises(InputError, match=rf"1 unreadable .* train/cat/größe\.png \({reason}"):
        load("image_folder", path=path)


def test_files_stay_with_their_images(tmp_path):
    members = {f"{label}/{i}.png": picture((8, 8)) for label in ("cat", "dog") for i in range(20)}
    data = load("image_folder", path=make(tmp_path, "folder", members), image_size=8, train_size=9)
    assert len(data.train_files) == len(data.train_images) == 9
    for name, image, label in zip(
        data.train_files, data.train_images, data.train_labels, strict=True
    ):
        assert np.array_equal(image, np.asarray(Image.open(io.BytesIO(members[name]))))
        assert name.startswith(data.classes[label])


def test_tiny_and_deep_images_are_warned_of(tmp_path):
    deep = {f"train/cat/deep{i}.tif": tiff(np.array([[3, 9]], np.uint16)) for i in range(2)}
    path = make(tmp_path, "folder", split_set() | deep | {"test/dog/x.png": picture((2, 9))})
    first, second = load("image_folder", path=path).warnings
    assert "2 image(s)" in first
    assert "such as train/cat/deep0.tif, have more than 8 bits a value" in first
    assert "3 image(s)" in second
    assert "smaller than 8x8 pixels, such as test/dog/x.png with 2x9" in second
    assert "stretched to 32x32" in second


@pytest.mark.parametrize("top", ["", "pets/"])
def test_files_that_are_not_read_are_warned_of(tmp_path, top):
    left_out = {
        "cat/1.dcm": b"1",
        "cat/sub/2.dcm": b"1",
        "dog/scan.2024.01": b"1",
        "emu/3.dcm": b"1",
    }
    members = {**class_folders(classes=("cat", "dog")), **left_out, "README.md": b"1"}
    path = make(tmp_path, "folder", {top + name: data for name, data in members.items()})
    (sentence,) = load("image_folder", path=path).warnings
    assert sentence == (
        f"4 file(s) in the folders of '{path}' are no images that can be read and were left out: "
        "3 .dcm, 1 .01"
    )


def test_a_site_of_unreadable_files_is_no_client_less(tmp_path):
    members = {
        f"{site}/{label}/{i}.png": picture() for site in "xy" for label in "ab" for i in (1, 2)
    }
    path = make(tmp_path, ".zip", {**members, "z/a/1.dcm": b"1"})
    kind = kinds.create("image_folder", path=str(path), folders="sites")
    for read in (kind.load, lambda _: kind.site_names(keep_unlabeled=True)):
        with pytest.raises(InputError, match=r"the folder 'z' of .* has the place of a site"):
            read("x")


def several(form, mode="RGB", count=3):
    buffer = io.BytesIO()
    first, *rest = (Image.new(mode, (8, 8), 60 * i) for i in range(count))
    first.save(buffer, form, save_all=True, append_images=rest)
    return buffer.getvalue()


def test_stacks_and_animations_are_warned_of(tmp_path):
    members = {
        "train/cat/x.tif": several("TIFF"),
        "train/dog/deep.tif": several("TIFF", "I;16"),
        "train/dog/x.gif": several("GIF"),
        "test/dog/x.webp": several("WEBP"),
        "train/cat/one.tif": several("TIFF", count=1),
        "train/cat/photo.jpg": several("MPO"),
        "train/cat/cut.gif": several("GIF")[:-32],
    }
    path = make(tmp_path, "folder", split_set() | members)
    data = load("image_folder", path=path, image_size=8)
    (sentence,) = [sentence for sentence in data.warnings if "pages" in sentence]
    assert sentence.startswith("4 image(s) of")
    assert "such as test/dog/x.webp with 3; the first of each was taken" in sentence
    images = dict(zip(data.train_files, data.train_images, strict=True))
    assert not images["train/cat/x.tif"].any()


def test_embedded_digits_and_pictures_of_8x8_are_not_warned_of(tmp_path):
    assert load("digits").warnings == ()
    assert load("image_folder", path=make(tmp_path, ".tar", split_set())).warnings == ()


def test_single_image_class_cannot_be_split(tmp_path):
    path = make(tmp_path, ".zip", class_folders() | {"yak/1.png": picture()})
    with pytest.raises(InputError, match=r"class 'yak'.*single image"):
        load("image_folder", path=path)


@pytest.mark.parametrize("first", [picture((2, 2)), b"no image"])
def test_of_members_of_one_name_the_last_counts(tmp_path, first):
    members = {f"{label}/{i}.png": picture() for label in "ab" for i in range(5)}
    path = make(tmp_path, ".tar", {**members, "a/0.png": first})
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo("a/0.png")
        info.size = len(members["b/0.png"])
        archive.addfile(info, io.BytesIO(members["b/0.png"]))
    data = load("image_folder", path=path, image_size=8, test_fraction=0.1)
    assert len(data.train_images) + len(data.test_images) == 10
    images = dict(zip(data.train_files, data.train_images, strict=True))
    expected = np.asarray(Image.open(io.BytesIO(members["b/0.png"])))
    assert np.array_equal(images["a/0.png"], expected)
    assert data.warnings == ()


def test_zip_with_folder_entries(tmp_path):
    path = make(tmp_path, ".zip", split_set())
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("train/empty")
    assert load("image_folder", path=path).classes == ["cat", "dog"]
