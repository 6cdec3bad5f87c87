"""Tables of images: what is read, and all that can be wrong with their rows."""

import os
import unicodedata

import numpy as np
import pytest
from PIL import Image

from data.image_files import FORMATS, load, make, picture, tiff
from fal.data import kinds
from fal.data.dataset import Dataset
from fal.data.tables import read_table
from fal.errors import InputError

HEAD = "image,site,label,split\n"
TABLE = HEAD + "".join(
    f"scans/{site} {label} {i}.png,{site},{label},{'test' if i == 2 else 'train'}\n"
    for site in ("Köln", "Bad Ems")
    for label in ("benign", "malign")
    for i in range(3)
)
NAMES = [line.split(",")[0] for line in TABLE.splitlines()[1:]]


def members(text=TABLE, **more):
    return {**{name: picture() for name in NAMES}, "images.csv": text.encode(), **more}


def table(rows, names=("a.png", "b.png", "c.png", "d.png"), classes=None, head=HEAD):
    return read_table("t.csv", head + "\n".join(rows) + "\n", names, classes)


GOOD = ["a.png,x,cat,train", "b.png,y,dog,train", "c.png,x,cat,test"]


@pytest.mark.parametrize("form", FORMATS)
def test_all_containers_give_the_same_data_set(tmp_path, form):
    data = load("table", path=make(tmp_path, form, members()), image_size=8)
    assert data.classes == ["benign", "malign"]
    assert data.train_labels.tolist() == [0, 0, 1, 1] * 2
    assert data.test_labels.tolist() == [0, 1, 0, 1]
    assert data.sites.names == ("Bad Ems", "Köln")
    assert data.sites.train.tolist() == [1] * 4 + [0] * 4
    assert data.sites.test.tolist() == [1, 1, 0, 0]
    assert data.train_files == tuple(name for name in NAMES if not name.endswith("2.png"))
    assert data.warnings == ()
    data.save(tmp_path / "prepared")
    back = Dataset.open(tmp_path / "prepared").sites
    assert back.names == data.sites.names
    assert np.array_equal(back.train, data.sites.train)
    assert np.array_equal(back.test, data.sites.test)


def test_the_path_may_be_the_table_itself_and_images_lie_beside_it(tmp_path):
    folder = make(tmp_path, "folder", {f"a/{name}": data for name, data in members().items()})
    data = load("table", path=str(folder / "a" / "images.csv"), image_size=8)
    same = load("table", path=str(folder), image_size=8)
    assert np.array_equal(data.train_images, same.train_images)
    assert same.train_files[0].startswith("a/scans/")


@pytest.mark.parametrize("way", ["../{}", "./../{}", "../b/../{}"])
def test_a_path_may_go_up_as_far_as_the_folder_goes(tmp_path, way):
    rows = TABLE.replace("scans/", way.format("scans/"))
    files = {name: picture() for name in NAMES} | {"tables/images.csv": rows.encode()}
    data = load("table", path=make(tmp_path, ".zip", files), image_size=8)
    assert data.train_files[0] == NAMES[0]
    with pytest.raises(InputError, match=r"there is no file '../a.png'"):
        table(["../a.png,x,cat,train"])


def test_spreadsheets_write_tables_in_their_own_ways(tmp_path):
    text = "\ufeff" + TABLE.replace(",", ";").replace("image;", "Image ;").replace("/", "\\")
    text = text.replace("\n", ";\r\n").replace("train", " Train")
    data = load("table", path=make(tmp_path, "folder", members(text)), image_size=8)
    assert len(data.train_labels) == 8


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_umlauts_of_one_sign_or_two_are_the_same(form):
    names = [unicodedata.normalize(form, "Größe.PNG"), "b.png", "c.png"]
    other = unicodedata.normalize("NFD" if form == "NFC" else "NFC", "Größe.PNG")
    read = table([f"{other},x,cat,train", *GOOD[1:]], names)
    assert read.rows[0].file == names[0]


def two_signs(text):
    return unicodedata.normalize("NFD", text)


def test_labels_and_sites_that_look_the_same_are_the_same():
    rows = ["a.png,Süd,Nävus", f"b.png,{two_signs('Süd')} ,{two_signs('Nävus')}", "c.png,Süd,MEL"]
    for classes in (None, ["MEL", "Nävus"]):
        read = table(rows, head="image,site,label\n", classes=classes)
        assert read.classes == ["MEL", "Nävus"]
        assert [(row.site, row.label) for row in read.rows[:2]] == [("Süd", "Nävus")] * 2


def test_the_list_of_classes_is_read_as_labels_are(tmp_path):
    text = TABLE.replace("benign,", f"{two_signs('Nävus')},")
    path = str(make(tmp_path, "folder", members(text)))
    data = load("table", path=path, image_size=8, classes=["malign ", "Nävus"])
    assert data.classes == ["malign", "Nävus"]
    assert data.train_labels.tolist() == [1, 1, 0, 0] * 2
    with pytest.raises(InputError, match="classes names 'Nävus' more than once"):
        load("table", path=path, classes=["Nävus", "malign", two_signs("Nävus")])


def digests(kind):
    return kind.fingerprint(), kind.content_digest()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_table_is_known_by_the_images_that_it_lists_too(tmp_path, form):
    folder = make(tmp_path, "folder", {"a.png": b"1", "c/Größe.png": b"2", "neighbor.png": b"3"})
    named = ["a.png", f"c\\{unicodedata.normalize(form, 'Größe.png')}"]
    (folder / "t.csv").write_text(HEAD + "".join(f"{name},x,y,train\n" for name in named))
    kind = kinds.create("table", path=str(folder / "t.csv"))
    before = digests(kind)
    (folder / "neighbor.png").write_bytes(b"4")
    assert digests(kind) == before
    os.utime(folder / "a.png", ns=(0, 1))
    assert kind.fingerprint() != before[0]
    assert kind.content_digest() == before[1]
    before = digests(kind)
    (folder / "c" / "Größe.png").write_bytes(b"4")
    os.utime(folder / "c" / "Größe.png", ns=(0, 1))
    assert not set(digests(kind)) & set(before)
    before = digests(kind)
    (folder / "a.png").unlink()
    assert not set(digests(kind)) & set(before)


def test_what_is_wrong_with_a_table_is_not_said_by_its_fingerprint(tmp_path):
    path = tmp_path / "t.csv"
    seen = set()
    for text in (b"", b"picture\nx\n", "größe".encode("latin-1"), b'image\n"' + b"x" * 200_000):
        path.write_bytes(text)
        seen |= set(digests(kinds.create("table", path=str(path))))
    assert len(seen) == 8
    with pytest.raises(InputError, match="cannot be read"):
        kinds.create("table", path=str(tmp_path / "gone.csv")).fingerprint()


def test_images_of_all_kinds_and_sizes(tmp_path):
    files = {
        "Gray scan.PNG": picture((20, 9), "L"),
        "deep.tif": tiff(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000),
        "clear.png": picture((5, 5), "RGBA"),
        "colors.gif": picture((30, 30), "P", "GIF"),
    }
    rows = [f"{name},s,{label},train" for name, label in zip(files, "abab", strict=True)]
    text = HEAD + "\n".join([*rows, "t.png,s,a,test"])
    path = make(tmp_path, ".zip", {**files, "t.png": picture(), "t.csv": text.encode()})
    data = load("table", path=path, image_size=8)
    assert data.train_images.shape == (4, 8, 8, 3)
    assert data.train_labels.tolist() == [0, 1, 0, 1]
    assert "deep.tif, have more than 8 bits" in data.warnings[0]


def test_transparency_is_dropped_and_colors_below_it_stay(tmp_path):
    image = Image.new("RGBA", (8, 8), (200, 100, 50, 0))
    image.save(tmp_path / "a.png")
    for name, color in (("b.png", 1), ("c.png", 2)):
        (tmp_path / name).write_bytes(picture(color=color))
    (tmp_path / "t.csv").write_text(HEAD + "\n".join(GOOD))
    data = load("table", path=str(tmp_path), image_size=8)
    assert np.unique(data.train_images[0].reshape(-1, 3), axis=0).tolist() == [[200, 100, 50]]


def test_images_without_a_label(tmp_path):
    text = TABLE.replace("Köln benign 0.png,Köln,benign", "Köln benign 0.png,Köln,")
    text = text.replace("Bad Ems malign 2.png,Bad Ems,malign", "Bad Ems malign 2.png,Bad Ems, ")
    kind = kinds.create("table", path=str(make(tmp_path, "folder", members(text))), image_size=8)
    without = kind.load("x")
    assert without.train_labels.tolist() == [0, 1, 1, 0, 0, 1, 1]
    assert len(without.test_labels) == len(without.sites.test) == 3
    tests, training = without.warnings
    assert tests == "1 test image(s) of data set 'x' have no label and were left out"
    assert training.startswith("1 training image(s) of data set 'x' have no label and were left")
    kept = kind.load("x", keep_unlabeled=True)
    assert kept.train_labels.tolist() == [-1, 0, 1, 1, 0, 0, 1, 1]
    assert kept.train_files[0].endswith("Köln benign 0.png")
    assert "benign 3, malign 4; without a label 1" in kept.describe()


def test_a_site_without_any_label_is_a_client_only_where_somebody_can_be_asked(tmp_path):
    text = TABLE.replace("Köln,benign,train", "Köln,,train").replace(
        "Köln,malign,train", "Köln,,train"
    )
    kind = kinds.create("table", path=str(make(tmp_path, "folder", members(text))), image_size=8)
    assert kind.site_names(keep_unlabeled=False) == ["Bad Ems"]
    assert kind.site_names(keep_unlabeled=True) == ["Bad Ems", "Köln"]
    data = kind.load("x")
    assert data.sites.names == ("Bad Ems", "Köln")
    assert data.sites.train.max() == 0


def test_names_of_sites_that_could_be_no_folders():
    rows = [
        f"{name}.png,{site},{label},train"
        for name, site, label in (
            ("a", "St. Mary/East: 1?", "cat"),
            ("b", "..", "dog"),
            ("c", "CON", "cat"),
        )
    ]
    assert [row.site for row in table(rows).rows] == ["St. Mary/East: 1?", "..", "CON"]


def test_a_test_part_is_drawn_where_the_table_has_no_split(tmp_path):
    rows = [f"{i}.png,{'small' if i == 0 else 'large'},{'ab'[i % 2]}" for i in range(20)]
    files = {f"{i}.png": picture() for i in range(20)}
    text = "image,site,label\n" + "\n".join(rows)
    path = make(tmp_path, "folder", {**files, "t.csv": text.encode()})
    for seed in range(8):
        data = load("table", path=path, image_size=8, test_fraction=0.5, seed=seed)
        assert data.sites.names == ("large", "small")
        assert 1 in data.sites.train
        assert len(data.train_labels) + len(data.test_labels) == 20
    with pytest.raises(InputError, match="leaves the site 'small' without training images"):
        for seed in range(20):
            load("table", path=path, image_size=8, train_size=4, seed=seed)


def test_all_mistakes_of_a_table_are_told_at_once_and_the_first_named():
    rows = [
        *GOOD,
        "a.png,x,cat,train",
        ",x,cat,train",
        "A.PNG,x,cat,train",
        "gone.png,x,cat,train",
        "d.png,x,emu,test",
        "",
    ]
    with pytest.raises(InputError) as caught:
        table(rows)
    assert str(caught.value) == (
        "table 't.csv' has 5 mistakes: line 5: 'a.png' is listed in line 2 already; line 6 names "
        "no image; line 7: there is no file 'A.PNG', but 'a.png'; line 8: there is no file "
        "'gone.png'; line 9: class 'emu' is in the test part only"
    )
    with pytest.raises(InputError, match=r"has 95 mistakes: line 5: .*; and 90 more$"):
        table([*GOOD, *[f"x{i}.png,x,cat,train" for i in range(95)]])


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([*GOOD, "d.png,x,cat,val"], {}, "line 5: split is 'val', but must be train or test"),
        ([*GOOD, "d.png,,cat,train"], {}, "a mistake: line 5 names no site"),
        (["a.png,x,cat,test", "b.png,x,dog,test"], {}, "no image is in the training part"),
        (
            ["/x/a.png,x,cat,train"],
            {},
            r"'/x/a.png'; paths start at the table's folder$",
        ),
        (GOOD, {"classes": ["cat", "god"]}, "line 3: label 'dog' is no class; known are"),
        (["a.png,x,cat,train"], {}, "only one class, 'cat'; at least 2 classes"),
        (["a.png,x,,train"], {}, "has no labels; at least 2 classes"),
        (GOOD, {"head": "picture,site,label,split\n"}, "no column 'image'; known are label, pict"),
        (GOOD, {"head": "image,label,label,split\n"}, "the column 'label' more than once"),
    ],
)
def test_mistakes_of_tables(rows, options, message):
    with pytest.raises(InputError, match=message):
        table(rows, **options)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_separator_in_a_text_without_quotes_is_no_other_class(separator):
    head = "image,site,label\n".replace(",", separator)
    rows = [f"{name}.png,Süd,carcinoma, {kind}" for name, kind in ("ab", "bs")]
    with pytest.raises(InputError) as caught:
        table([row.replace(",", separator) for row in rows], head=head)
    assert str(caught.value).startswith("table 't.csv' has 2 mistakes: line 2 has a cell beyond ")
    assert "line 3 has a cell beyond the 3 columns, 's'; a text that holds the" in str(caught.value)


def test_a_separator_may_stand_in_quotes_or_end_a_row():
    head = "image,site,label\n"
    rows = ['a.png,x,"carcinoma, basal"', 'b.png,x,"carcinoma, squamous",, ']
    assert table(rows, head=head).classes == ["carcinoma, basal", "carcinoma, squamous"]


def test_a_quote_that_swallows_rows_is_named_by_the_line_that_it_begins_in():
    with pytest.raises(
        InputError, match=r"line 3 has a cell with a line break, 'y,dog,train\.\.\.'"
    ):
        table([GOOD[0], 'b.png,"y,dog,train', 'c.png,x",cat,test', "d.png,x,dog,train"])
    with pytest.raises(InputError, match=r"line 4 has a cell with a line break, 'test\.\.\.'"):
        table([*GOOD[:2], 'c.png,x,cat,"test'])
    with pytest.raises(InputError, match="a mistake: line 1 has a cell with a line break, 'spl"):
        table([*GOOD, 'd.png,x,cat,"'], head='image,site,label,"split\n')
    many = ["a.png,x,cat,train" for _ in range(10_000)]
    with pytest.raises(
        InputError, match=r"mistake: line 4 opens a quote \(\"\) that is not closed"
    ):
        table([*GOOD[:2], '"c.png,x,cat,test', *many])


def test_a_class_of_the_list_may_have_no_images_yet_where_labels_are_missing(tmp_path):
    text = TABLE.replace("malign 0.png,Köln,malign", "malign 0.png,Köln,")
    path = str(make(tmp_path, "folder", members(text)))
    kind = kinds.create("table", path=path, image_size=8, classes=["malign", "benign", "rare"])
    assert kind.load("x", keep_unlabeled=True).classes == ["malign", "benign", "rare"]


def test_a_class_that_nobody_has_labeled_yet_is_told_as_nothing_tests_it(tmp_path):
    rows = [f"{label}{i}.png,{label}" for label in ("cat", "dog", "") for i in range(5)]
    files = {row.split(",")[0]: picture() for row in rows}
    text = "image,label\n" + "\n".join(rows) + "\n"
    path = make(tmp_path, "folder", {**files, "t.csv": text.encode()})
    kind = kinds.create("table", path=str(path), classes=["cat", "dog", "owl", "yak"])
    data = kind.load("pets", keep_unlabeled=True)
    assert np.bincount(data.test_labels).tolist() == [1, 1]
    told = (
        "no test image of data set 'pets' is of class 'owl' and of 1 more: no accuracy tells of it"
    )
    assert data.warnings == (told,)


def test_a_class_whose_test_images_would_take_a_site_all_its_images_is_told(tmp_path):
    rows = [
        f"{site}{label}{i}.png,{site},{label}" for site in "xy" for label in "ab" for i in "123"
    ]
    rows += [f"{site}c.png,{site},c" for site in "uvw"]
    files = {row.split(",")[0]: picture() for row in rows}
    text = "image,site,label\n" + "\n".join(rows) + "\n"
    path = make(tmp_path, "folder", {**files, "t.csv": text.encode()})
    data = load("table", path=path, test_fraction=0.5)
    assert 2 not in data.test_labels
    assert "no test image of data set 'table' is of class 'c': no accuracy tells of it" in (
        data.warnings
    )


def test_a_text_that_is_no_csv_is_told(tmp_path):
    (tmp_path / "images.txt").write_text("image,label\n")
    with pytest.raises(InputError, match=r"images.txt' is no table: its name must end in \.csv or"):
        load("table", path=str(tmp_path / "images.txt"), image_size=8)


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"images.csv": None}, {}, "holds no table: a .csv file with the columns image, site"),
        (
            {"more.csv": b"x"},
            {},
            r"several tables \(images.csv, more.csv\); say which one with",
        ),
        ({}, {"table": "other.csv"}, "holds no table other.csv"),
        ({"images.csv": "größe".encode("latin-1")}, {}, "'images.csv' is not UTF-8 text"),
        ({"images.csv": b"a\0b"}, {}, "'images.csv' is no text"),
        ({NAMES[0]: b"no image"}, {}, r"1 unreadable image\(s\), such as scans/Köln benign 0.png"),
    ],
)
def test_files_that_are_no_table(tmp_path, files, options, message):
    content = {k: v for k, v in {**members(), **files}.items() if v is not None}
    with pytest.raises(InputError, match=message):
        load("table", path=make(tmp_path, "folder", content), image_size=8, **options)
    if files:
        rows = {"more.csv", "images.csv"} <= content.keys()
        assert not rows or load(
            "table", path=str(tmp_path / "set"), image_size=8, table="images.csv"
        )
