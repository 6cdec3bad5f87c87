"""How far people have come."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fal.annotation import waiting
from fal.annotation.tasks import write_task
from fal.annotation.waiting import Asked, answered, waiting_sentence
from fal.data import oracles
from fal.data.dataset import Dataset
from fal.data.labeled import Labeled
from fal.errors import InputError
from fal.integrity import write_record

IMAGES = np.zeros((4, 4, 4, 1), np.uint8)
UNKNOWN = np.full(4, -1)
CLASSES = ["cat", "dog"]
FILES = ("=a", "b", "c", "d")


@pytest.fixture
def asked(tmp_path):
    """Two queries; of the first one two clients are asked about two images each."""
    data = Dataset("pets", IMAGES, UNKNOWN, IMAGES, UNKNOWN, CLASSES, [0.0], [1.0], False, 0, FILES)
    data.save(tmp_path / "data")
    (tmp_path / "answers").mkdir()
    queries = [
        Asked(
            name=name,
            query=tmp_path / f"query-{n}.csv",
            listing=tmp_path / f"tasks-{n}.json",
            dataset=tmp_path / "data" / "dataset.json",
            labeled=tmp_path / f"labeled-{n}.npz",
            trained=tuple(tmp_path / f"cycle-{m}" / "result.json" for m in range(n, 2)),
            answers=tmp_path / "answers",
            oracle=oracles.create("human"),
        )
        for n, name in enumerate(("first", "second"))
    ]
    queries[0].query.write_text("client,index,score\n1,3,\n0,1,\n0,0,\n1,2,\n")
    tasks = queries[0].tasks()
    for task in tasks:
        write_task(queries[0].folder, task, IMAGES[task.index])
    queries[0].listing.write_text(json.dumps([task.name for task in tasks]))
    return queries


def train(one, cycle=0):
    """Have a cycle be trained with the answers."""
    one.trained[cycle].parent.mkdir(exist_ok=True)
    one.trained[cycle].touch()


def answer(one, client, labels, index=None):
    rows = zip(index or (2 * client, 2 * client + 1), labels, strict=True)
    text = "index,file,label\n" + "".join(f"{i},,{label}\n" for i, label in rows)
    (one.answers / f"first_client-{client}.csv").write_text(text)


def test_a_query_is_answered_when_all_its_tasks_are(asked):
    assert answered(asked) == 0
    answer(asked[0], 0, ["cat", "dog"])
    assert answered(asked) == 0
    assert [task.name for task in asked[0].unanswered()] == ["first_client-1"]
    answer(asked[0], 1, ["unsure", "dog"])
    assert answered(asked) == 1
    assert waiting_sentence(asked[1:]) == ""


def test_what_waits_is_said_in_one_sentence(asked):
    assert waiting_sentence(asked) == (
        f"4 images wait for their labels (2 tasks in {asked[0].folder}): open the .html files, "
        f"save the answers in the folder {asked[0].answers}, and call snakemake again"
    )


def test_what_several_runs_ask_alike_is_counted_once(asked):
    assert waiting_sentence([asked[0], replace(asked[0], trained=())]) == waiting_sentence(asked)


def test_what_needs_no_people_is_said_to_go_on(asked):
    asked[0].query.write_text("client,index\n")
    sentence = "All images that were asked for have labels: call snakemake again to go on"
    assert waiting_sentence(asked) == sentence


def test_what_answers_say_does_not_depend_on_how_it_is_written(asked):
    one = asked[0]
    answer(one, 0, ["cat", "unsure"])
    given = one.given()
    assert given == {"first_client-0": [0, -1]}
    assert one.files() == [one.answers / "first_client-0.csv"]
    answer(one, 0, ["unsure", " cat "], index=(1, 0))
    assert one.given() == given
    answer(one, 0, ["dog", "unsure"])
    assert one.given() != given


@pytest.mark.parametrize("name", ["first_client-0.csv", "first_client-1.html"])
def test_the_forms_to_fill_in_do_not_say_what_was_asked(asked, name):
    form = asked[0].folder / name
    form.write_text("index;label\n1;cat\n", encoding="utf-8-sig")
    assert [task.index.tolist() for task in asked[0].unanswered()] == [[0, 1], [2, 3]]
    form.unlink()
    assert [task.index.tolist() for task in asked[0].unanswered()] == [[0, 1], [2, 3]]


def test_an_image_whose_row_was_deleted_is_missing(asked):
    answer(asked[0], 0, ["dog"], index=(1,))
    (asked[0].folder / "first_client-0.csv").write_text("index,file,label\n1,b,dog\n")
    with pytest.raises(InputError, match=r"has 1 mistake: image 0 \(=a\) is missing$"):
        answered(asked)


def test_nothing_is_asked_while_the_data_set_is_prepared_anew(asked):
    answer(asked[0], 0, ["cat", "dog"])
    answer(asked[0], 1, ["unsure", "dog"])
    asked[0].dataset.unlink()
    assert answered(asked) == 0
    assert waiting_sentence(asked) == ""


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (["cat", "unsure"], "'pets' has a class 'unsure', which here is the answer of somebody"),
        (["cat", "dog", "cat "], "'pets' has the classes 'cat' and 'cat ', which people cannot"),
        (["ä", "a\u0308"], r"classes '\\xe4' and 'a\\u0308', which people cannot tell apart"),
    ],
)
def test_classes_that_cannot_be_answered_are_refused(asked, classes, sentence):
    metadata = json.loads(asked[0].dataset.read_text())
    asked[0].dataset.write_text(json.dumps(metadata | {"classes": classes}))
    waiting._opened.cache_clear()
    with pytest.raises(InputError, match=f"{sentence}.*give .* another name"):
        asked[0].tasks()


def test_bad_answers_are_told(asked):
    answer(asked[0], 0, ["cat", "bird"])
    with pytest.raises(InputError, match="line 3: 'bird' is no class"):
        answered(asked)


def test_answers_may_change_until_they_are_used(asked):
    client = np.array([0, 0, 1, 1])
    answer(asked[0], 0, ["cat", "dog"])
    answer(asked[0], 1, ["unsure", "dog"])
    Labeled.of(np.arange(4), np.array([0, 1, -1, 1]), client).save(asked[0].labeled)
    answer(asked[0], 0, ["dog", "dog"])
    assert answered(asked) == 1
    train(asked[0], cycle=1)
    with pytest.raises(InputError, match=r"image 0 \(=a\) was 'cat' .* and is 'dog' now") as error:
        answered(asked)
    assert str(error.value).endswith(f"delete '{asked[0].trained[1].parent}'")
    train(asked[0])
    with pytest.raises(InputError) as error:
        answered(asked)
    both = "', '".join(str(result.parent) for result in asked[0].trained)
    assert str(error.value).endswith(f"delete '{both}'")


@pytest.mark.parametrize("damage", ["removed", "recorded", "unrecorded"])
def test_damaged_labels_are_made_anew_from_the_answers(asked, damage):
    one = asked[0]
    answer(one, 0, ["cat", "dog"])
    answer(one, 1, ["unsure", "dog"])
    Labeled.of(np.arange(4), np.array([1, 1, -1, 1]), np.array([0, 0, 1, 1])).save(one.labeled)
    if damage != "unrecorded":
        write_record(one.labeled.parent / "provenance.json", {"step": "read"}, [one.labeled])
    train(one)
    with pytest.raises(InputError, match=r"was 'dog' .* and is 'cat' now"):
        answered(asked)
    content = bytearray(one.labeled.read_bytes())
    content[len(content) // 2] ^= 1
    one.labeled.write_bytes(content if damage == "recorded" else content[:50])
    if damage == "removed":
        one.labeled.unlink()
    assert answered(asked) == 1


@pytest.mark.parametrize("name", ["query-0.csv", "data/train_labels.npy", "data/train_files.txt"])
def test_of_what_tasks_follow_from_the_missing_is_made_anew_and_the_damaged_told(asked, name):
    answer(asked[0], 0, ["cat", "dog"])
    answer(asked[0], 1, ["unsure", "dog"])
    path = asked[0].listing.parent / name
    write_record(path.parent / "provenance.json", {"step": "write"}, [path])
    assert answered(asked) == 1
    path.write_bytes(path.read_bytes()[:-1])
    waiting._opened.cache_clear()
    with pytest.raises(InputError, match=f"{name}' is not what write wrote; remove it, and the"):
        answered(asked)
    path.unlink()
    assert answered(asked) == 0
    assert waiting_sentence(asked) == ""


def test_answers_that_were_used_stay_where_they_are(asked):
    train(asked[0])
    with pytest.raises(InputError, match=r"task first_client-0, .* put them back, or") as error:
        answered(asked)
    cycle = asked[0].trained[0].parent
    assert str(error.value).endswith(f"to be asked anew, delete '{cycle}'")
