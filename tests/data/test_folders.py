"""Which folders are taken for classes, and which layouts are refused."""

import pytest

from fal.data.folders import find_layout
from fal.errors import InputError


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


@pytest.mark.parametrize("part", ["", "pets/", "train/"])
@pytest.mark.parametrize(
    "label", ["unlabelled", "Unlabeled", "unknown", "_none_", "no-label", "un-labeled", "UNSORTED"]
)
def test_folders_of_images_without_labels(part, label):
    names = [f"{part}{name}/1.png" for name in ("cat", "dog", label)]
    names += [name.replace("train/", "test/") for name in names]
    with pytest.raises(
        InputError, match=rf"class folder '{label}'.*take the folder out, or rename"
    ):
        find_layout(names)


def test_folders_that_only_sound_like_it():
    labels = ["known", "nonfiction", "unicorn", "label", "unknown bird"]
    found = find_layout([f"{label}/1.png" for label in labels])
    assert sorted({label for _, label in found.train}) == sorted(labels)


@pytest.mark.parametrize("part", ["", "x/", "train/"])
@pytest.mark.parametrize(
    "folders",
    [
        ("site1/benign", "site1/malignant", "site2/benign", "site2/malignant"),
        ("site1/benign", "site1/malignant", "site2/benign", "site3/malignant"),
        ("site1/benign", "site1/malignant", "site2/benign"),
        ("site1/benign/deep", "site1/malignant", "site2/benign/deeper", "site2/malignant/y"),
    ],
)
def test_folders_that_could_be_sites(part, folders):
    names = [f"{part}{folder}/1.png" for folder in folders]
    names += [name.replace("train/", "test/") for name in names]
    with pytest.raises(InputError, match=r"'site1' and 'site2' both hold a folder 'benign'.*sites"):
        find_layout(names)


@pytest.mark.parametrize(
    "folders",
    [
        ("cat/persian", "cat/siamese", "dog/poodle", "dog/beagle"),
        ("cat/persian", "cat/other", "dog/poodle", "dog/other"),
        ("benign/SOB/adenosis", "malignant/SOB/ductal"),
        ("cat", "cat/kittens", "dog/puppies", "dog/kittens"),
        ("cat", "dog"),
    ],
)
def test_nested_folders_that_are_classes(folders):
    layout = find_layout([f"{folder}/1.png" for folder in folders])
    assert {label for _, label in layout.train} == {folder.split("/")[0] for folder in folders}
