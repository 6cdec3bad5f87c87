"""Answers of people: read, and checked against what was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fal.annotation.tasks import COLUMNS, ILLEGIBLE, UNSURE, Task, bare
from fal.data.cells import read_header, read_lines, repeated, surplus
from fal.errors import InputError, suggest

NO_LABEL = -1
"""In the place of a class where somebody was unsure."""

LISTED = 20
"""Mistakes of a file that are named, at most."""

SUFFIXES = (".csv", ".tsv", ".json")
"""Of the files that hold answers: a filled-in table, or Label Studio's export."""


NOT_TEXT = "the file is not UTF-8 text; save it as UTF-8"

EARLIER = "; if it answers what was asked earlier under this name, take it out of the folder"
"""The end of a sentence about answers to other images."""


_COPY = re.compile(r"[ _-]?\(?\d+\)?$")


class Answer(NamedTuple):
    """One answer. where: in the file, in words. image: its index, as a text. fault: why it cannot
    be told what is meant, or nothing."""

    where: str
    image: str
    file: str
    label: str
    fault: str = ""


def find_answers(folder: str | Path, name: str) -> Path | None:
    """The file with the answers to the task ``name``, if it is there.

    Raises InputError if there are two.
    """
    found = [path for suffix in SUFFIXES if (path := Path(folder) / f"{name}{suffix}").is_file()]
    if len(found) > 1:
        raise InputError(
            f"there are two files with answers to one task, '{found[0]}' and '{found[1].name}'; "
            "keep one of them"
        )
    return found[0] if found else None


def unused_answers(folder: str | Path, names: Container[str]) -> list[str]:
    """Sentences about the files in a folder of answers that answer none of the tasks ``names``.

    Of files that are no answers, or lie in a sub-folder, those are told that are called like a task
    without answers.
    """
    sentences, unknown = [], []
    found = [path for pattern in ("*", "*/*") for path in Path(folder).glob(pattern)]
    for path in filter(Path.is_file, sorted(found)):
        suffix = path.suffix.lower()
        here, readable = path.parent == Path(folder), suffix in SUFFIXES
        if here and path.stem in names and path.suffix in SUFFIXES:
            continue
        # A browser numbers what is saved again: NAME (1).csv.
        right = path.stem if path.stem in names else _COPY.sub("", path.stem)
        if right in names and here and readable:
            sentences.append(f"'{path}' is not used; if it is to be, call it '{right}{suffix}'")
        elif right in names and not find_answers(folder, right):
            sentences.append(
                f"'{path}' is not used: answers are tables or exports of Label Studio (.json) in "
                f"the folder '{folder}' itself; if it has some, save them there as '{right}.csv'"
            )
        elif here and readable:
            unknown.append(f"'{path.name}'")
    if unknown:
        more = f", and {len(unknown) - LISTED} more" if len(unknown) > LISTED else ""
        sentences.append(
            f"'{folder}' has answers that are not used, as no task is called so up to now: "
            f"{', '.join(unknown[:LISTED])}{more}"
        )
    return sentences


def read_answers(path: str | Path, task: Task) -> np.ndarray:
    """The classes int64 [n] of a task's images, in its order, ``NO_LABEL`` where unsure.

    path: the task's table, filled in (.csv or .tsv; commas, semicolons or tabs), or the export of
    Label Studio (.json).

    Raises InputError that tells all mistakes of the file: an unknown class, an image without an
    answer, one that was not asked for, two different answers for one, a line with too many cells.
    """
    read = _label_studio_answers if Path(path).suffix == ".json" else _table_answers
    try:
        answers = list(read(Path(path).read_text(encoding="utf-8-sig", errors="surrogateescape")))
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(f"'{path}' cannot be read as answers ({error})") from None
    labels: dict[int, int] = {}
    mistakes = list(_take(answers, task, labels))
    missing = [index for index in task.index.tolist() if index not in labels]
    asked = {answer.image for answer in answers}
    mistakes += [_missing(index, task) for index in missing if str(index) not in asked]
    if mistakes:
        advice = "" if all(_asked_for(image, task) for image in asked) else EARLIER
        raise InputError(_listing(path, mistakes) + advice)
    return np.array([labels[index] for index in task.index.tolist()], dtype=np.int64)


def check_unchanged(
    path: str | Path,
    task: Task,
    given: np.ndarray,
    used: Mapping[int, int],
    cycles: Sequence[str | Path],
) -> None:
    """Raise InputError if answers have changed since they were used.

    given: int64 [n], what ``path`` says now. used: the class that later cycles were trained with,
    by index of the image; none for an image that nobody could tell. cycles: their folders.
    """
    names = [*task.classes, UNSURE]
    mistakes = [
        f"image {_named(index, task)} was '{names[used.get(index, NO_LABEL)]}' when a later cycle "
        f"was trained and is '{names[label]}' now"
        for index, label in zip(task.index.tolist(), given.tolist(), strict=True)
        if used.get(index, NO_LABEL) != label
    ]
    if mistakes:
        raise InputError(
            f"{_listing(path, mistakes)}; restore the labels, or, to train with the new ones, "
            f"{to_delete(cycles)}"
        )


def to_delete(cycles: Sequence[str | Path]) -> str:
    """The end of a sentence that advises to delete the folders of cycles."""
    return "delete " + ", ".join(f"'{cycle}'" for cycle in cycles)


def _take(answers: Iterable[Answer], task: Task, labels: dict[int, int]) -> Iterator[str]:
    """Put the classes of all good answers into ``labels``; yield a sentence for each bad one."""
    numbers = {bare(name): number for number, name in enumerate(task.classes)} | {UNSURE: NO_LABEL}
    files = {row["index"]: bare(row["file"]) for row in task.rows()}
    for where, text, given_file, given_label, fault in answers:
        file, label = bare(given_file), bare(given_label)
        if fault:
            yield f"{where} {fault}"
        elif not _asked_for(text, task):
            yield f"{where}: image '{text}' was not asked for"
        elif file and files[int(text)] and file != files[int(text)]:
            yield f"{where}: image {text} is '{files[int(text)]}', not '{file}'"
        elif not label:
            yield f"{where}: image {_named(int(text), task)} has no label"
        elif label not in numbers:
            illegible = f" ({NOT_TEXT})" if ILLEGIBLE in label else ""
            yield f"{where}: '{label}' is no class{illegible}{suggest(label, numbers)}"
        elif labels.setdefault(int(text), numbers[label]) != numbers[label]:
            yield f"{where}: image {_named(int(text), task)} has two labels"


def _asked_for(image: str, task: Task) -> bool:
    digits = image.isascii() and image.isdigit() and len(image) < len(str(2**63))
    return digits and int(image) in task.index


def _table_answers(text: str) -> Iterator[Answer]:
    if "\0" in text:
        raise ValueError(NOT_TEXT)
    lines = read_lines(text)
    header = read_header(lines)
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise ValueError(f"there is no column '{missing[0]}'")
    if column := repeated(header, COLUMNS):
        raise ValueError(f"the column '{column}' is there more than once")
    for number, cells in lines:
        row = dict(zip(header, map(str.strip, cells), strict=False))
        index, file, label = (row.get(name, "") for name in COLUMNS)
        if index or label:
            yield Answer(f"line {number}", index, file, label, surplus(cells, len(header)))


def _label_studio_answers(text: str) -> Iterator[Answer]:
    for number, entry in enumerate(json.loads(text), start=1):
        if "data" not in entry:
            raise ValueError(f"task {number} has no 'data'; export as JSON, not as JSON-MIN")
        data = entry["data"]
        done = [a for a in entry.get("annotations", ()) if not a.get("was_cancelled")]
        choices = [choice for a in done for r in a["result"] for choice in r["value"]["choices"]]
        where, index, file = f"task {number}", str(data["index"]), str(data.get("file", ""))
        for choice in choices or [""]:
            yield Answer(where, index, file, str(choice))


def _missing(index: int, task: Task) -> str:
    return f"image {_named(index, task)} is missing"


def _named(index: int, task: Task) -> str:
    file = next(row["file"] for row in task.rows() if row["index"] == index)
    return f"{index} ({file})" if file else str(index)


def _listing(path: str | Path, mistakes: Sequence[str]) -> str:
    shown = "; ".join(mistakes[:LISTED])
    more = f"; and {len(mistakes) - LISTED} more" if len(mistakes) > LISTED else ""
    return f"'{path}' has {len(mistakes)} mistake{'s' * (len(mistakes) > 1)}: {shown}{more}"
