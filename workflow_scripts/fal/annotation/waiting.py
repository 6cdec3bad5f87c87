"""How far people have come: which tasks are answered, and which wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from zipfile import BadZipFile

from fal import integrity
from fal.annotation.answers import check_unchanged, find_answers, read_answers, to_delete
from fal.annotation.tasks import Task, client_tasks
from fal.data.dataset import Dataset
from fal.data.labeled import Labeled
from fal.data.oracles.base import Oracle
from fal.errors import InputError


@dataclass(frozen=True)
class Asked:
    """The tasks of all clients after one query.

    name: what the names of the tasks begin with. query: the table of what was queried. listing:
    names the tasks, which lie in a folder of the same name beside it. dataset: the record
    dataset.json of what they are about. labeled: where the answers go. trained: the results of all
    cycles that are trained with them. answers: the folder that people put their answers into.
    oracle: that asks them.
    """

    name: str
    query: Path
    listing: Path
    dataset: Path
    labeled: Path
    trained: tuple[Path, ...]
    answers: Path
    oracle: Oracle

    @property
    def folder(self) -> Path:
        """Where the tasks lie."""
        return self.listing.with_suffix("")

    def tasks(self) -> list[Task] | None:
        """All tasks, those that are answered too; None while something that they follow from is
        not there, as when a data set is prepared anew.

        Raises InputError if it is damaged.
        """
        try:
            integrity.check([self.query])
            dataset = _opened(self.dataset, self.dataset.stat().st_mtime_ns)
            return client_tasks(self.name, self.query, dataset, self.oracle)
        except integrity.DamagedError as error:
            if not all(path.exists() for path in error.paths):
                return None
            raise InputError(f"{error}; remove it, and the same command makes it anew") from error
        except (FileNotFoundError, IndexError):
            return None

    def unanswered(self) -> list[Task]:
        """The tasks that wait for an answer.

        Raises InputError for answers that cannot be used, or have changed after they were used.
        """
        return [task for task in self.tasks() or [] if not self._answered(task)]

    def is_answered(self) -> bool:
        """Whether none waits of what was asked; raises InputError as ``unanswered``."""
        return self.tasks() is not None and not self.unanswered()

    def files(self) -> list[Path]:
        """The files with answers that are there."""
        found = (find_answers(self.answers, task.name) for task in self.tasks() or [])
        return [path for path in found if path]

    def given(self) -> dict[str, list[int]]:
        """What the answers say, by task, whatever they are written in and since when.

        Raises InputError for answers that cannot be used.
        """
        found = ((task, find_answers(self.answers, task.name)) for task in self.tasks() or [])
        return {task.name: read_answers(path, task).tolist() for task, path in found if path}

    def _answered(self, task: Task) -> bool:
        path = find_answers(self.answers, task.name)
        trained = [result.parent for result in self.trained if result.exists()]
        if path is None and trained:
            raise InputError(
                f"the answers to the task {task.name}, which later cycles were trained with, are "
                f"not in the folder '{self.answers}' any more; put them back, or, to be asked "
                f"anew, {to_delete(trained)}"
            )
        if path is None:
            return False
        given = read_answers(path, task)
        if trained and (used := self._used()) is not None:
            check_unchanged(path, task, given, used, trained)
        return True

    def _used(self) -> dict[int, int] | None:
        """The class that each image was trained with, by its index; None where that is damaged or
        not there, as it is made anew from the answers."""
        try:
            integrity.check([self.labeled])
            labeled = Labeled.open(self.labeled)
            return dict(zip(labeled.index.tolist(), labeled.label.tolist(), strict=True))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None


@lru_cache
def _opened(description: Path, changed: int) -> Dataset:
    """The data set that dataset.json describes; changed: when that was written."""
    return Dataset.open(description.parent)


def answered(asked: Sequence[Asked]) -> int:
    """How many queries in a row, from the first one, are answered."""
    return len(list(takewhile(Asked.is_answered, asked)))


def waiting_sentence(asked: Iterable[Asked]) -> str:
    """What is to be done by people, in one sentence, or nothing."""
    # What is asked before cycle 0 is the same for many runs.
    written = list({one.listing: one for one in asked if one.listing.exists()}.values())
    waiting = [(one, task) for one in written for task in one.unanswered()]
    if not waiting:
        if any(one.is_answered() for one in written):
            return "All images that were asked for have labels: call snakemake again to go on"
        return ""
    images = sum(len(task.index) for _, task in waiting)
    folders = list(dict.fromkeys(str(one.folder) for one, _ in waiting))
    more = f" and {len(folders) - 1} more folder{'s' * (len(folders) > 2)}"
    where = folders[0] + (more if len(folders) > 1 else "")
    tasks = "1 task" if len(waiting) == 1 else f"{len(waiting)} tasks"
    return (
        f"{images} images wait for their labels ({tasks} in {where}): open the .html files, save "
        f"the answers in the folder {waiting[0][0].answers}, and call snakemake again"
    )
