"""Which folders are taken for classes, and which layouts are refused."""

import unicodedata

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


@pytest.mark.parametrize("name", ["train", "Train", "valid"])
def test_layout_with_a_class_named_like_a_part(name):
    layout = find_layout([f"vehicles/{name}/1.png", "vehicles/car/1.png"])
    assert sorted(label for *_, label in layout.train) == sorted(["car", name])
    names = [f"{part}/{label}/1.png" for part in ("train", "test") for label in ("car", name)]
    assert find_layout(names).classes == sorted(["car", name])
    names = [f"{site}/{name}" for site in "xy" for name in names]
    assert find_layout(names, folders="sites").classes == sorted(["car", name])


@pytest.mark.parametrize(
    ("folders", "named"),
    [
        (["Train/{}", "Test/{}"], "Test"),
        (["TRAINING/{}", "test/{}"], "TRAINING"),
        (["test/{}", "val/{}"], "val"),
        (["{}/train", "{}/test"], "a/test"),
        (["{}", "validation"], "validation"),
        (["train", "test"], "test"),
    ],
)
def test_parts_of_other_names_are_no_classes(folders, named):
    names = {f"{folder.format(label)}/1.png" for folder in folders for label in "ab"}
    for said in (None, "classes"):
        with pytest.raises(InputError, match=f"the folder '{named}' of .* is named like a part"):
            find_layout(names, folders=said)


@pytest.mark.parametrize(
    ("folders", "named"),
    [
        (["x/Train/{}", "x/Test/{}", "y/Train/{}", "y/Test/{}"], "x/Test"),
        (["x/train/{}", "x/val/{}", "y/train/{}", "y/val/{}"], "x/val"),
        (["x/train/{}", "x/test/{}", "y/test/{}", "y/validation/{}"], "y/validation"),
        (["x/train/{}", "x/test/{}", "y/{}"], "x/test"),
        (["Train/x/{}", "Test/x/{}", "Train/y/{}"], "Test"),
        (["train/x/{}", "test/x/{}", "val/x/{}"], "val"),
        (["x/train/{}", "x/test/{}", "y/train/Training/{}"], "y/Training"),
        (["x/{}/train", "x/{}/test", "y/{}"], "x/a/test"),
        (["x/{}", "y/{}", "y/Testing"], "y/Testing"),
    ],
)
def test_parts_of_other_names_or_of_some_sites_are_no_classes_and_no_sites(folders, named):
    names = {f"{folder.format(label)}/1.png" for folder in folders for label in "ab"}
    with pytest.raises(InputError, match=rf"the folder '{named}' of .* is named like a part"):
        find_layout(names, folders="sites")


@pytest.mark.parametrize("part", ["", "pets/", "train/"])
@pytest.mark.parametrize(
    "label", ["unclassified", "unknown", "_none_", "no-label", "un-annotated", "UNSORTED"]
)
def test_folders_that_may_be_of_images_without_labels(part, label):
    names = [f"{part}{name}/1.png" for name in ("cat", "dog", label)]
    names += [name.replace("train/", "test/") for name in names]
    with pytest.raises(InputError, match=rf"class folder '{label}'; call it 'unlabeled' if its"):
        find_layout(names)


def test_folders_that_only_sound_like_it():
    labels = ["known", "nonfiction", "unicorn", "label", "unknown bird"]
    found = find_layout([f"{label}/1.png" for label in labels])
    assert sorted({label for *_, label in found.train}) == sorted(labels)


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
    assert {label for *_, label in layout.train} == {folder.split("/")[0] for folder in folders}


@pytest.mark.parametrize("layout", ["{label}", "train/{label}", "{site}/{label}"])
def test_folders_that_look_the_same_are_one_class_and_one_site(layout):
    look = {
        name: [name, unicodedata.normalize("NFD", name), f" {name} "]
        for name in ("Nävus", "MEL", "Süd", "Ost")
    }
    names = [
        f"{layout.format(label=label, site=site)}/{i}.png"
        for i in range(2)
        for label in (*look["Nävus"], *look["MEL"])
        for site in (*look["Süd"], *look["Ost"])
    ]
    names += [name.replace("train/", "test/") for name in names]
    found = find_layout(names, folders="sites" if "site" in layout else "classes")
    assert found.classes == ["MEL", "Nävus"]
    assert {label for *_, label in found.test} <= {"MEL", "Nävus"}
    assert found.sites(keep_unlabeled=True) == (["Ost", "Süd"] if "site" in layout else [])
    assert {file for file, _, _ in [*found.train, *found.test]} == set(names)


def test_a_part_with_a_blank_is_no_class():
    with pytest.raises(InputError, match=r"the folder 'test ' of .* is named like a part"):
        find_layout([f"{part} /{label}/1.png" for part in ("train", "test") for label in "ab"])


SITES = [f"{site}/{label}/{i}.png" for site in "xy" for label in "ab" for i in range(2)]


@pytest.mark.parametrize("top", ["", "all/", "all/of/"])
def test_sites_whose_folders_are_the_classes(top):
    names = [f"{top}{name}" for name in [*SITES, "x/unlabeled/deep/3.png"]]
    found = find_layout([*names, f"{top}x/stray.png"], folders="sites")
    assert not found.has_test
    assert sorted(file for file, _, _ in found.train) == sorted(names)
    for file, site, label in found.train:
        parts = file.removeprefix(top).split("/")
        assert site == parts[0]
        assert label == ("" if parts[1] == "unlabeled" else parts[1])
    assert found.classes == ["a", "b"]
    assert found.sites(keep_unlabeled=False) == ["x", "y"]


@pytest.mark.parametrize("order", ["{part}/{site}/{label}", "{site}/{part}/{label}"])
def test_parts_above_or_below_the_sites(order):
    names = [
        f"{order.format(part=part, site=site, label=label)}/1.png"
        for part in ("train", "test")
        for site in "xy"
        for label in "ab"
    ]
    found = find_layout(names, folders="sites")
    assert found.has_test
    for examples, part in ((found.train, "train"), (found.test, "test")):
        assert len(examples) == 4
        assert all(part in file and {site, label} <= set(file) for file, site, label in examples)


@pytest.mark.parametrize(
    ("layout", "lost", "kinds"),
    [
        ("{}/{}", ["z/a/1.dcm", "z/b/2.DCM", "z/b/scan.2024.01"], "2 .dcm, 1 .01"),
        ("{}/{}", ["z/1.dcm", "z/12"], "1 .dcm, 1 without a suffix"),
        ("top/{}/{}", ["top/z/b/1.dcm"], "1 .dcm"),
        ("{}/train/{}", ["z/train/a/1.dcm"], "1 .dcm"),
        ("train/{}/{}", ["test/z/a/1.dcm"], "1 .dcm"),
    ],
)
def test_a_site_without_an_image_that_can_be_read(layout, lost, kinds):
    names = [f"{layout.format(site, label)}/1.png" for site in "xy" for label in "ab"]
    names += [name.replace("train/", "test/") for name in names]
    beside = ["README.md", f"{names[0]}.txt", f"{names[0].rpartition('/')[0]}.txt"]
    assert find_layout(names, "here", "sites", beside).sites(keep_unlabeled=True) == ["x", "y"]
    with pytest.raises(InputError) as caught:
        find_layout(names, "here", "sites", [*beside, *lost])
    assert str(caught.value).startswith("the folder 'z' of 'here' has the place of a site, but no")
    assert f"(its files: {kinds});" in str(caught.value)


def test_a_site_whose_images_are_in_no_class_folder():
    with pytest.raises(InputError, match=r"the folder 'z' .* \(its files: 1 \.png\); convert"):
        find_layout([*SITES, "z/1.png"], folders="sites")


def test_what_is_said_to_be_classes_is_taken_for_classes():
    found = find_layout(SITES, folders="classes")
    assert found.classes == ["x", "y"]
    assert found.sites(keep_unlabeled=True) == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["x/1.png", "y/1.png"], "no images in folders <site>/<class>"),
        (["x/a/1.png", "y/a/1.png"], "only one class, 'a'"),
        (["x/train/a/1.png", "y/train/b/1.png"], "must have images in train/<site>/<class> and"),
        (
            ["train/x/a/1.png", "train/x/b/1.png", "test/x/c/1.png"],
            "class 'c' of 'the folder' is in the test part only",
        ),
        (["x/a/1.png", "x/unknown/1.png", "y/a/2.png"], "class folder 'unknown'; call it 'unlab"),
    ],
)
def test_sites_that_make_no_data_set(names, message):
    with pytest.raises(InputError, match=message):
        find_layout(names, folders="sites")


def test_a_layout_that_can_be_read_in_two_ways_says_how_to_decide():
    with pytest.raises(InputError, match=r"say which with folders: sites or folders: classes$"):
        find_layout(SITES)
