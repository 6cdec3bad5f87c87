"""Tasks for people."""

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html import escape

import numpy as np
import pytest

from fal.annotation.answers import NO_LABEL, read_answers
from fal.annotation.tasks import (
    UNSURE,
    Task,
    label_studio_config,
    page_text,
    write_task,
    write_tasks,
)
from reporting import chromium

CLASSES = ["cat", 'a "dog",  big', "<script>x</script>", "=1+1"]
TASK = Task("ifal_cycle-0_client-1", np.array([5, 2, 9]), ["a b.png", "ü.png", "=<i>.png"], CLASSES)
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)


def choose(browser, places):
    """Choose, of each image, the answer at a place of the list."""
    browser.evaluate(
        "[...document.querySelectorAll('select')].forEach((select, place) => {"
        f"  select.selectedIndex = {places}[place];"
        "  select.dispatchEvent(new Event('change', { bubbles: true })) })"
    )
    # On a busy machine the process of the next page may otherwise begin before it is told of them.
    browser.evaluate("new Promise(done => setTimeout(done, 200))")


@pytest.fixture
def written(tmp_path):
    return {path.suffix: path for path in write_task(tmp_path, TASK, IMAGES)}


def test_a_task_that_is_not_asked_any_more_is_removed(tmp_path):
    images = np.zeros((10, 8, 8, 1), np.uint8)
    tasks = [replace(TASK, name=f"initial_client-{client}") for client in (0, 1, 10)]
    write_tasks(tmp_path, tasks, images)
    (tmp_path / "notes.txt").touch()
    write_tasks(tmp_path, [tasks[0], tasks[2]], images)
    assert {path.stem for path in tmp_path.iterdir()} == {
        "initial_client-0",
        "initial_client-10",
        "notes",
    }


def test_the_table_has_a_row_for_each_image_and_no_label(written):
    assert written[".csv"].read_text(encoding="utf-8") == (
        "index,file,label\n5,a b.png,\n2,ü.png,\n9,'=<i>.png,\n"
    )


def test_label_studio_gets_pictures_and_choices(written):
    tasks = json.loads(written[".json"].read_text())
    assert [task["data"]["index"] for task in tasks] == [5, 2, 9]
    assert all(task["data"]["image"].startswith("data:image/png;base64,") for task in tasks)
    view = ElementTree.fromstring(label_studio_config(CLASSES))
    assert [choice.get("value") for choice in view.iter("Choice")] == [*CLASSES, UNSURE]
    assert view.find("Choices").get("toName") == view.find("Image").get("name")


@pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium on this machine")
def test_in_the_page_one_labels_and_saves_the_table(written, tmp_path):
    with chromium.started(tmp_path / "profile") as browser:
        browser.open(written[".html"])
        choose(browser, [2, 3, 5])
        assert browser.evaluate("document.querySelector('#count').textContent") == "3"
        saved = browser.evaluate("table()")
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
        browser.open(written[".html"])
        assert browser.evaluate("table()") == saved
        assert browser.errors == []
    path = tmp_path / "saved.csv"
    path.write_text(saved, encoding="utf-8")
    assert read_answers(path, TASK).tolist() == [1, 2, NO_LABEL]


@pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium on this machine")
def test_the_page_fills_in_earlier_answers_for_the_same_images_only(written, tmp_path):
    page = written[".html"]
    other = IMAGES[::-1].copy()
    changes = [  # another picture, another place in the training set, another file; and other order
        (replace(TASK, index=np.array([5, 2, 9])), np.stack([IMAGES[0], other[0], IMAGES[2]])),
        (replace(TASK, index=np.array([6, 2, 9])), IMAGES),
        (replace(TASK, files=["a b.png", "x.png", "=<i>.png"]), IMAGES),
        (replace(TASK, index=TASK.index[::-1], files=TASK.files[::-1]), other),
    ]
    found = []
    with chromium.started(tmp_path / "profile") as browser:
        browser.open(page)
        choose(browser, [2, 3, 5])
        for task, images in changes:
            write_task(tmp_path, task, images)
            browser.open(page)
            found.append(browser.evaluate("figures.map(answer)"))
        choose(browser, [5, 3, 1])
        write_task(tmp_path, TASK, IMAGES)
        browser.open(page)
        found.append(browser.evaluate("figures.map(answer)"))
        browser.evaluate('localStorage.setItem(key, \'["cat", "cat", "cat"]\')')
        browser.open(page)
        found.append(browser.evaluate("figures.map(answer)"))
        assert browser.errors == []
    first = [CLASSES[1], CLASSES[2], UNSURE]
    assert found == [
        [first[0], "", first[2]],
        ["", first[1], first[2]],
        [first[0], "", first[2]],
        first[::-1],
        [CLASSES[0], CLASSES[2], UNSURE],
        ["", "", ""],
    ]


@pytest.mark.parametrize(("site", "heading"), [("Klinik <Süd>", "Klinik <Süd>"), ("", TASK.name)])
def test_the_page_is_headed_by_the_site_if_there_is_one(site, heading):
    page = page_text(replace(TASK, site=site), [""] * 3)
    assert f"<h1>{escape(heading)}</h1>" in page
    assert TASK.name in page.partition("</title>")[0]
