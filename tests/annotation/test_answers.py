"""Answers of people, good and bad."""

import json
from unicodedata import normalize

import numpy as np
import pytest

from fal.annotation.answers import (
    NO_LABEL,
    check_unchanged,
    find_answers,
    read_answers,
    unused_answers,
)
from fal.annotation.tasks import Task
from fal.errors import InputError

TASK = Task("task", np.array([5, 2, 9]), ["a.png", "b.png", "c.png"], ["cat", "dog"])
GOOD = "index,file,label\n5,a.png,cat\n2,b.png,unsure\n9,c.png,dog\n"


def written(folder, text, name="task.csv", encoding="utf-8"):
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace("\n", "\r\n"),
        GOOD + "\n,,\n",
        "label,note,file,index\ndog,x,c.png,9\ncat,y,a.png,5\n unsure ,z,,2\n",
        "Index,FILE, Label\n5,a.png,cat,,\n2,b.png,unsure\n9,c.png,dog\n",
        'index,file,label,note\n5,a.png,cat,"two\nlines"\n2,,unsure\n9,,dog,\n',
    ],
    ids=[
        "as asked",
        "semicolons",
        "tabs",
        "CRLF",
        "blank lines",
        "other order",
        "capitals",
        "notes of several lines",
    ],
)
def test_good_answers_are_read_in_the_order_of_the_task(tmp_path, text):
    assert read_answers(written(tmp_path, text), TASK).tolist() == [0, NO_LABEL, 1]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    path = written(tmp_path, GOOD, encoding="utf-8-sig")
    assert read_answers(path, TASK).tolist() == [0, NO_LABEL, 1]


def test_names_like_formulas_are_read_as_they_were(tmp_path):
    task = Task("task", np.array([1]), ["=a.png"], ["-cat", "dog"])
    for text in ("1,'=a.png,'-cat\n", "1,=a.png,-cat\n"):
        path = written(tmp_path, f"index,file,label\n{text}")
        assert read_answers(path, task).tolist() == [0]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json"])
@pytest.mark.parametrize(("asked", "said"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_are_the_same_in_both_forms_of_unicode_and_with_blanks(tmp_path, asked, said, suffix):
    file, label = "Süd/ä.png", "Nävus"
    task = Task("task", np.array([1]), [normalize(asked, file)], ["cat ", normalize(asked, label)])
    for name, number in ((label, 1), ("cat", 0), (" cat ", 0)):
        text = f"index,file,label\n1,{normalize(said, file)},{normalize(said, name)}\n"
        if suffix == ".json":
            result = [{"value": {"choices": [normalize(said, name)]}}]
            data = {"index": 1, "file": normalize(said, file)}
            text = json.dumps([{"data": data, "annotations": [{"result": result}]}])
        path = written(tmp_path, text, f"task{suffix}")
        assert read_answers(path, task).tolist() == [number]


def test_the_export_of_label_studio_is_read(tmp_path):
    def entry(index, choice, cancelled=False):
        result = [{"type": "choices", "value": {"choices": [choice]}}]
        return {
            "data": {"index": index, "image": "data:...", "file": ""},
            "annotations": [
                {"was_cancelled": True, "result": [{"value": {"choices": ["dog"]}}]},
                {"was_cancelled": cancelled, "result": result},
            ],
        }

    export = [entry(9, "dog"), entry(5, "cat"), entry(2, "unsure")]
    path = written(tmp_path, json.dumps(export), "task.json")
    assert read_answers(path, TASK).tolist() == [0, NO_LABEL, 1]
    export[0] = entry(9, "dog", cancelled=True)
    path = written(tmp_path, json.dumps(export), "task.json")
    with pytest.raises(InputError, match=r"task 1: image 9 \(c.png\) has no label"):
        read_answers(path, TASK)


def test_a_text_that_holds_the_separator_is_not_cut_off(tmp_path):
    task = Task("task", np.array([5, 2]), [], ["melanoma", "melanoma, in situ"])
    path = written(tmp_path, 'index,file,label\n5,,melanoma, in situ\n2,,"melanoma, in situ"\n')
    with pytest.raises(InputError) as error:
        read_answers(path, task)
    assert str(error.value) == (
        f"'{path}' has 1 mistake: line 2 has a cell beyond the 3 columns, 'in situ'; a text that "
        'holds the separator must stand in quotes (")'
    )


def test_names_that_are_no_text_are_compared_by_what_is_legible(tmp_path):
    task = Task("task", np.array([5, 2]), ["R\udcf6ntgen.png", "b.png"], ["M\udcfcller", "cat"])
    for broken in (b"\xf6", b"\xfc", "\ufffd".encode()):
        path = tmp_path / "task.csv"
        text = b"index,file,label\n5,R%bntgen.png,M%bller\n2,b.png,cat\n" % (broken, broken)
        path.write_bytes(text)
        assert read_answers(path, task).tolist() == [0, 1]


def test_a_label_in_another_encoding_is_told_so(tmp_path):
    task = Task("task", np.array([5]), [], ["nävus", "cat"])
    path = written(tmp_path, "index,file,label\n5,,nävus\n", encoding="cp1252")
    with pytest.raises(InputError, match=r"is no class \(the file is not UTF-8 text; save it as"):
        read_answers(path, task)


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path):
    text = "index,file,label\n5,a.png,catt\n2,x.png,dog\n7,,dog\nx,,dog\n9,c.png,dog\n9,c.png,cat\n"
    path = written(tmp_path, text)
    with pytest.raises(InputError) as error:
        read_answers(path, TASK)
    assert str(error.value) == (
        f"'{path}' has 5 mistakes: line 2: 'catt' is no class; did you mean 'cat'?; line 3: image "
        "2 is 'b.png', not 'x.png'; line 4: image '7' was not asked for; line 5: image 'x' was not "
        "asked for; line 7: image 9 (c.png) has two labels; if it answers what was asked earlier "
        "under this name, take it out of the folder"
    )


def test_what_is_missing_or_empty_is_named(tmp_path):
    path = written(tmp_path, "index,file,label\n5,a.png,cat\n2,b.png,\n")
    with pytest.raises(InputError) as error:
        read_answers(path, TASK)
    assert str(error.value) == (
        f"'{path}' has 2 mistakes: line 3: image 2 (b.png) has no label; image 9 (c.png) is missing"
    )


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("task.csv", "image,label\n5,cat\n", "there is no column 'index'"),
        ("task.csv", "", "there is no column 'index'"),
        ("task.json", "[{]", "Expecting"),
        ("task.json", '[{"annotations": []}]', "export as JSON, not as JSON-MIN"),
        ("task.json", '[{"data": {"index": 5}, "annotations": [7]}]', "'int'"),
        ("task.csv", f'index,file,label\n5,a.png,"cat\n{"2,b.png,dog" * 20000}', "line 2 opens"),
        ("task.csv", GOOD.replace("file", "label"), "there is no column 'file'"),
        ("task.csv", "index,file,label,label\n5,a.png,cat,dog\n", "'label' is there more than"),
    ],
)
def test_another_file_is_refused(tmp_path, name, text, reason):
    with pytest.raises(InputError, match=f"cannot be read as answers.*{reason}"):
        read_answers(written(tmp_path, text, name), TASK)


def test_a_table_in_utf_16_is_told_so(tmp_path):
    with pytest.raises(InputError, match="not UTF-8 text; save it as UTF-8"):
        read_answers(written(tmp_path, GOOD, encoding="utf-16"), TASK)


def test_an_index_of_any_length_and_a_choice_of_any_type_are_mistakes(tmp_path):
    with pytest.raises(InputError, match=r"line 2: image '1{5000}' was not asked for"):
        read_answers(written(tmp_path, GOOD.replace("5,", f"{'1' * 5000},")), TASK)
    result = [{"value": {"choices": [3]}}]
    export = json.dumps([{"data": {"index": 5}, "annotations": [{"result": result}]}])
    with pytest.raises(InputError, match="task 1: '3' is no class"):
        read_answers(written(tmp_path, export, "task.json"), TASK)


def test_a_label_changed_later_is_named(tmp_path):
    given = np.array([0, NO_LABEL, 1])
    check_unchanged("a.csv", TASK, given, {5: 0, 9: 1}, ["cycle-1"])
    with pytest.raises(InputError) as error:
        check_unchanged("a.csv", TASK, given, {5: 1, 2: 0, 9: 1}, ["cycle-1", "cycle-2"])
    assert str(error.value) == (
        "'a.csv' has 2 mistakes: image 5 (a.png) was 'dog' when a later cycle was trained and is "
        "'cat' now; image 2 (b.png) was 'cat' when a later cycle was trained and is 'unsure' now; "
        "restore the labels, or, to train with the new ones, delete 'cycle-1', 'cycle-2'"
    )


def test_answers_are_found_by_the_name_of_their_task(tmp_path):
    assert find_answers(tmp_path, "task") is None
    path = written(tmp_path, GOOD)
    assert find_answers(tmp_path, "task") == path
    written(tmp_path, "[]", "task.json")
    with pytest.raises(InputError, match="keep one of them"):
        find_answers(tmp_path, "task")


def test_answers_under_the_name_of_no_task_are_told(tmp_path):
    assert unused_answers(tmp_path / "not there", {"task-1"}) == []
    for name in ("task-1.csv", "task-2.json", "notes.txt", "task-1.xml"):
        written(tmp_path, GOOD, name)
    assert unused_answers(tmp_path, {"task-1", "task-2"}) == []
    wrong = {"task-1 (1).csv": "csv", "task-1(12).csv": "csv", "task-1 2.json": "json"}
    wrong |= {"task-1-1.csv": "csv", "task-1.CSV": "csv", "task-1 (1).CSV": "csv"}
    for name in (*wrong, "task-3.csv", "project (1).json"):
        written(tmp_path, GOOD, name)
    assert unused_answers(tmp_path, {"task-1", "task-2"}) == [
        *(
            f"'{tmp_path / name}' is not used; if it is to be, call it 'task-1.{wrong[name]}'"
            for name in sorted(wrong)
        ),
        f"'{tmp_path}' has answers that are not used, as no task is called so up to now: "
        "'project (1).json', 'task-3.csv'",
    ]


def test_answers_in_another_form_or_place_are_told_while_there_are_no_others(tmp_path):
    (tmp_path / "north").mkdir()
    names = ["north/task-1.csv", "task-1 (2).ods", "task-1.xlsx"]
    for name in (*names, "north/notes.csv", "readme.txt"):
        written(tmp_path, GOOD, name)
    assert unused_answers(tmp_path, {"task-1"}) == [
        f"'{tmp_path / name}' is not used: answers are tables or exports of Label Studio (.json) "
        f"in the folder '{tmp_path}' itself; if it has some, save them there as 'task-1.csv'"
        for name in names
    ]
    written(tmp_path, GOOD, "task-1.tsv")
    assert unused_answers(tmp_path, {"task-1"}) == []
