"""An oracle that is wrong now and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from fal.data.cells import read_lines
from fal.data.listing import as_name
from fal.data.oracles.base import Oracle
from fal.errors import InputError
from fal.rng import numpy_generator


@dataclass(frozen=True, kw_only=True)
class Noisy(Oracle):
    """Confuses classes at random; the same image gets the same answer from it under one seed."""

    reads: ClassVar[Mapping[str, str]] = {"confusion": "the CSV file of confusions"}

    rate: Annotated[float, Ge(0), Le(1)] | None = None
    """Share of the images of each class that it takes for another class, each other one alike."""
    confusion: str | None = None
    """CSV file with, in the first column, the true class and, in a column for each class, how
    often it is taken for that one: probabilities or counts."""

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.confusion is None):
            raise InputError("give either rate or confusion, and not both")

    def label(self, labels: np.ndarray, classes: Sequence[str], seed: int) -> np.ndarray:
        cumulative = self.matrix(classes).cumsum(axis=1)
        chance = numpy_generator(seed, "oracle").random(len(labels))
        known = labels >= 0
        said = (chance[known, None] >= cumulative[labels[known]]).sum(axis=1)
        answers = labels.copy()
        answers[known] = np.minimum(said, len(classes) - 1)
        return answers

    def matrix(self, classes: Sequence[str]) -> np.ndarray:
        """Probabilities [C, C]: of the true class (row) to be taken for another (column).

        Raises InputError if the file of confusions does not fit the classes.
        """
        if self.confusion is not None:
            return read_confusion(self.confusion, classes)
        assert self.rate is not None
        others = max(1, len(classes) - 1)
        matrix = np.full((len(classes), len(classes)), self.rate / others)
        np.fill_diagonal(matrix, 1 - self.rate if len(classes) > 1 else 1)
        return matrix


def read_confusion(path: str | Path, classes: Sequence[str]) -> np.ndarray:
    """Confusion probabilities [C, C] from a CSV file, in the order of ``classes``.

    Cells are separated by commas, semicolons or tabs, names compared as ``as_name`` gives them.
    Raises InputError if the file cannot be read, lacks a class or has it twice, or has a row
    without numbers.
    """
    names = [as_name(name) for name in classes]
    try:
        lines = [cells for _, cells in read_lines(Path(path).read_text(encoding="utf-8-sig"))]
    except (OSError, ValueError) as error:
        raise InputError(f"confusion '{path}' cannot be read as a table ({error})") from None
    first, *lines = [list(map(as_name, cells)) for cells in lines if any(cells)] or [[]]
    columns, rows = first[1:], [cells[0] for cells in lines]
    for name in names:
        if name not in rows or name not in columns:
            raise InputError(f"confusion '{path}' has no row or no column for the class '{name}'")
        if rows.count(name) > 1 or columns.count(name) > 1:
            raise InputError(f"confusion '{path}' has two rows or columns for the class '{name}'")
    cells = [dict(zip(columns, lines[rows.index(name)][1:], strict=False)) for name in names]
    matrix = np.array([[_number(row.get(name, "")) for name in names] for row in cells])
    sums = matrix.sum(axis=1)
    bad = np.flatnonzero((matrix < 0).any(axis=1) | ~np.isfinite(sums) | (sums <= 0))
    if len(bad):
        raise InputError(
            f"confusion '{path}': the row of '{classes[bad[0]]}' must have numbers of at least 0 "
            "that are not all 0"
        )
    return matrix / sums[:, None]


def _number(text: str) -> float:
    """The number that a text is, NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return np.nan
