"""Tasks for people: the images of one client that are to be labeled.

A task is a table to fill in, a page that shows the images and saves the filled-in table, and an
import for Label Studio. Whoever labels uses the one that they like best. None of them is read
again: what was asked follows from the query.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd

from fal.data.dataset import Dataset
from fal.data.listing import as_name
from fal.data.oracles.base import Oracle
from fal.data.thumbnails import png_uri
from fal.errors import InputError
from fal.storage import save_text, without_formulas
from fal.templating import render

COLUMNS = ("index", "file", "label")
"""Of a task's table: the image, by its place in the training set and its file's name (empty where
it has none), and the name of its class, which is to be filled in."""

UNSURE = "unsure"
"""The answer of somebody who cannot tell: the image goes back to where it came from."""

ILLEGIBLE = "\N{REPLACEMENT CHARACTER}"
"""What browsers have for bytes that are no UTF-8, as names of files may have some."""

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Task:
    """Images of one client that are to be labeled.

    name: of its files, without suffix. index: int64 [n], places in the training set. files: their
    names, or nothing. classes: the names to choose from. site: where all images are from, such as
    a hospital, or nothing.
    """

    name: str
    index: np.ndarray
    files: Sequence[str]
    classes: Sequence[str]
    site: str = ""

    def rows(self) -> list[dict[str, Any]]:
        """The table to fill in."""
        files = self.files or [""] * len(self.index)
        return [
            {"index": int(index), "file": file, "label": ""}
            for index, file in zip(self.index, files, strict=True)
        ]


def client_tasks(name: str, query: str | Path, dataset: Dataset, oracle: Oracle) -> list[Task]:
    """A task for each client about those of its queried images that the oracle does not know.

    name: what the names of the tasks begin with. query: table with the columns client and index.
    Raises InputError if a class cannot be told from another, or from ``UNSURE``, by its name.
    """
    _check_classes(dataset)
    queried = pd.read_csv(query, usecols=["client", "index"])
    unknown = queried[~oracle.knows(dataset.train_labels)[queried["index"]]]
    tasks = []
    for client, rows in unknown.groupby("client"):
        index = np.sort(rows["index"].to_numpy())
        files = [dataset.train_files[i] for i in index] if dataset.train_files else []
        own = f"{name}_client-{client}"
        tasks.append(Task(own, index, files, dataset.classes, dataset.site_of(index)))
    return tasks


def _check_classes(dataset: Dataset) -> None:
    seen: dict[str, str] = {}
    for name in dataset.classes:
        if bare(name) == UNSURE:
            raise InputError(
                f"data set '{dataset.name}' has a class '{name}', which here is the answer of "
                "somebody who cannot tell; give the class another name"
            )
        if (other := seen.setdefault(bare(name), name)) != name:
            raise InputError(
                f"data set '{dataset.name}' has the classes {other!a} and {name!a}, which people "
                "cannot tell apart; give one of them another name"
            )


def write_tasks(folder: str | Path, tasks: Sequence[Task], images: np.ndarray) -> None:
    """Write tasks, and remove from the folder what was asked before and is not any more.

    images: uint8 [N, H, W, C], all of the training set.
    """
    written = {path for task in tasks for path in write_task(folder, task, images[task.index])}
    for path in set(Path(folder).glob("*_client-*")).difference(written):
        path.unlink()


def write_task(folder: str | Path, task: Task, images: np.ndarray) -> list[Path]:
    """Write a task's table (.csv), page (.html) and Label Studio import (.json and .xml).

    images: uint8 [n, H, W, C] of the task. Returns the files.
    """
    pictures = [png_uri(image) for image in images]
    texts = {
        ".csv": table_text(task.rows()),
        ".html": page_text(task, pictures),
        ".json": label_studio_tasks(task, pictures),
        ".xml": label_studio_config(task.classes),
    }
    written = []
    for suffix, text in texts.items():
        written.append(Path(folder) / f"{task.name}{suffix}")
        save_text(written[-1], text)
    return written


def table_text(rows: Sequence[dict[str, Any]]) -> str:
    """Rows of ``COLUMNS`` as CSV."""
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return without_formulas(table).to_csv(index=False, lineterminator="\n")


def bare(cell: str) -> str:
    """The text of a cell as it is compared: as a name (``as_name``), without what
    ``fal.storage.without_formulas`` may have put before it, and with ``ILLEGIBLE`` for bytes that
    are no UTF-8."""
    text = re.sub(f"[{ILLEGIBLE}\udc80-\udcff]+", ILLEGIBLE, as_name(cell))
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@") else text


def page_text(task: Task, pictures: Sequence[str]) -> str:
    """A page that shows the pictures (``data:`` URIs), asks for classes and saves the table."""
    images = [
        {
            **row,
            "picture": picture,
            "shown": PurePosixPath(row["file"]).name or row["index"],
            "digest": _image_digest(row, picture),
        }
        for row, picture in zip(task.rows(), pictures, strict=True)
    ]
    answers = [*task.classes, UNSURE]
    return render(
        TEMPLATES, "task.html.j2", task=task, images=images, answers=answers, columns=COLUMNS
    )


def _image_digest(row: Mapping[str, Any], picture: str) -> str:
    """What tells an image of a task from all others: a short digest of its row and picture."""
    return hashlib.sha256(json.dumps([row, picture]).encode()).hexdigest()[:16]


def label_studio_tasks(task: Task, pictures: Sequence[str]) -> str:
    """Label Studio's import: one object with ``data`` for each image, the picture within."""
    rows = zip(task.rows(), pictures, strict=True)
    data = [
        {"data": {"image": picture, "index": row["index"], "file": row["file"]}}
        for row, picture in rows
    ]
    return json.dumps(data, indent=1) + "\n"


def label_studio_config(classes: Sequence[str]) -> str:
    """Label Studio's labeling interface: the image and one choice among the classes."""
    choices = "\n".join(f"    <Choice value={quoteattr(name)}/>" for name in (*classes, UNSURE))
    return f"""<View>
  <Image name="image" value="$image"/>
  <Choices name="label" toName="image" choice="single" showInline="true">
{choices}
  </Choices>
</View>
"""
