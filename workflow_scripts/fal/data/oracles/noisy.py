"""An oracle that is wrong now and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from annotated_types import Ge, Le

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

    Names are compared as ``as_name`` gives them.
    Raises InputError if the file cannot be read, or lacks a class, or has a row without numbers.
    """
    names = [as_name(name) for name in classes]
    try:
        table = pd.read_csv(path, index_col=0, dtype={0: str}, encoding="utf-8-sig")
        table.index = table.index.astype(str)
        table = table.rename(index=as_name, columns=as_name)
        matrix = table.loc[names, names].to_numpy(dtype=float)
    except KeyError as error:
        missing = next(
            name for name in names if name not in table.index or name not in table.columns
        )
        raise InputError(
            f"confusion '{path}' has no row or no column for the class '{missing}'"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"confusion '{path}' cannot be read as a table ({error})") from None
    sums = matrix.sum(axis=1)
    bad = np.flatnonzero((matrix < 0).any(axis=1) | ~np.isfinite(sums) | (sums <= 0))
    if len(bad):
        raise InputError(
            f"confusion '{path}': the row of '{classes[bad[0]]}' must have numbers of at least 0 "
            "that are not all 0"
        )
    return matrix / sums[:, None]
