"""How far people have come: which tasks are answered, and which wait."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from fal.annotation.answers import check_unchanged, find_answers, read_answers
from fal.annotation.tasks import Task
from fal.data.labeled import Labeled
from fal.errors import InputError


@dataclass(frozen=True)
class Asked:
    """The tasks of all clients after one query.

    listing: names the tasks, which lie in a folder of the same name beside it. dataset: the record
    dataset.json of what they are about. labeled: where the answers go. trained: a result of what is
    trained with them. answers: the folder that people put their answers into.
    """

    listing: Path
    dataset: Path
    labeled: Path
    trained: Path
    answers: Path

    @property
    def folder(self) -> Path:
        """Where the tasks lie."""
        return self.listing.with_suffix("")

    @property
    def is_written(self) -> bool:
        """Whether the tasks are there; they are not while the data set is prepared anew."""
        return self.listing.exists() and self.dataset.exists()

    def tasks(self) -> list[Task]:
        """All tasks, those that are answered too."""
        return open_tasks(self.listing, self.dataset) if self.is_written else []

    def unanswered(self) -> list[Task]:
        """The tasks that wait for an answer.

        Raises InputError for answers that cannot be used, or have changed after they were used.
        """
        return [task for task in self.tasks() if not self._answered(task)]

    def is_answered(self) -> bool:
        """Whether the tasks were written and none waits; raises InputError as ``unanswered``."""
        return self.is_written and not self.unanswered()

    def _answered(self, task: Task) -> bool:
        path = find_answers(self.answers, task.name)
        if path is None and self.trained.exists():
            raise InputError(
                f"the answers to the task {task.name}, which a later cycle was trained with, are "
                f"not in the folder '{self.answers}' any more; put them back"
            )
        if path is None:
            return False
        given = read_answers(path, task)
        if self.trained.exists():
            labeled = Labeled.open(self.labeled)
            used = dict(zip(labeled.index.tolist(), labeled.label.tolist(), strict=True))
            check_unchanged(path, task, given, used, self.trained.parent)
        return True


def open_tasks(listing: Path, dataset: Path) -> list[Task]:
    """The tasks that ``listing`` names; dataset: dataset.json of what they are about."""
    folder = listing.with_suffix("")
    classes = json.loads(dataset.read_text())["classes"]
    names = json.loads(listing.read_text())
    return [Task.open(folder / f"{name}.csv", classes) for name in names]


def given_answers(listing: Path, dataset: Path, answers: Path) -> dict[str, list[int]]:
    """What the answers in a folder say, by task, whatever they are written in and since when."""
    found = ((task, find_answers(answers, task.name)) for task in open_tasks(listing, dataset))
    return {task.name: read_answers(path, task).tolist() for task, path in found if path}


def answered(asked: Sequence[Asked]) -> int:
    """How many queries in a row, from the first one, are answered."""
    return len(list(takewhile(Asked.is_answered, asked)))


def waiting_sentence(asked: Iterable[Asked]) -> str:
    """What is to be done by people, in one sentence, or nothing."""
    asked = list(asked)
    waiting = [(one, task) for one in asked for task in one.unanswered()]
    if not waiting:
        if any(one.is_answered() for one in asked):
            return "All images that were asked for have labels: call snakemake again to go on"
        return ""
    images = sum(len(task.index) for _, task in waiting)
    folders = list(dict.fromkeys(str(one.folder) for one, _ in waiting))
    where = folders[0] if len(folders) == 1 else f"{folders[0]} and {len(folders) - 1} more folders"
    tasks = "1 task" if len(waiting) == 1 else f"{len(waiting)} tasks"
    return (
        f"{images} images wait for their labels ({tasks} in {where}): open the .html files, save "
        f"the answers in the folder {waiting[0][0].answers}, and call snakemake again"
    )
