"""How far people have come."""

import json

import numpy as np
import pytest

from fal.annotation.tasks import Task, write_task
from fal.annotation.waiting import Asked, answered, given_answers, waiting_sentence
from fal.data.labeled import Labeled
from fal.errors import InputError

IMAGES = np.zeros((2, 4, 4, 1), np.uint8)


@pytest.fixture
def asked(tmp_path):
    """Two queries; those of the first two clients after the first one are written."""
    (tmp_path / "dataset.json").write_text(json.dumps({"classes": ["cat", "dog"]}))
    (tmp_path / "answers").mkdir()
    queries = [
        Asked(
            listing=tmp_path / f"tasks-{n}.json",
            dataset=tmp_path / "dataset.json",
            labeled=tmp_path / f"labeled-{n}.npz",
            trained=tmp_path / f"result-{n}.json",
            answers=tmp_path / "answers",
        )
        for n in range(2)
    ]
    for k in range(2):
        task = Task(f"first_client-{k}", np.array([2 * k, 2 * k + 1]), ["=a", "b"], [])
        write_task(queries[0].folder, task, IMAGES)
    queries[0].listing.write_text('["first_client-0", "first_client-1"]')
    return queries


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


def test_what_needs_no_people_is_said_to_go_on(asked):
    asked[0].listing.write_text("[]")
    sentence = "All images that were asked for have labels: call snakemake again to go on"
    assert waiting_sentence(asked) == sentence


def test_what_answers_say_does_not_depend_on_how_it_is_written(asked):
    one = asked[0]
    answer(one, 0, ["cat", "unsure"])
    given = given_answers(one.listing, one.dataset, one.answers)
    assert given == {"first_client-0": [0, -1]}
    answer(one, 0, ["unsure", " cat "], index=(1, 0))
    assert given_answers(one.listing, one.dataset, one.answers) == given
    answer(one, 0, ["dog", "unsure"])
    assert given_answers(one.listing, one.dataset, one.answers) != given


def test_nothing_is_asked_while_the_data_set_is_prepared_anew(asked):
    answer(asked[0], 0, ["cat", "dog"])
    answer(asked[0], 1, ["unsure", "dog"])
    asked[0].dataset.unlink()
    assert answered(asked) == 0
    assert waiting_sentence(asked) == ""


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
    asked[0].trained.touch()
    with pytest.raises(InputError, match=r"image 0 \(=a\) was 'cat' .* and is 'dog' now"):
        answered(asked)


def test_answers_that_were_used_stay_where_they_are(asked):
    asked[0].trained.touch()
    with pytest.raises(InputError, match=r"task first_client-0, .* put them back"):
        answered(asked)
