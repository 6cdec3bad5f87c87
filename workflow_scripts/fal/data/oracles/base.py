"""What every oracle is: whoever says of which class a queried image is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fal.errors import InputError
from fal.options import Options


@dataclass(frozen=True, kw_only=True)
class Oracle(Options):
    """Base of all oracles; its dataclass fields are its options. Subclasses ``label``.

    asks_people: whether the answers come from outside, in files, and the workflow waits for them.
    reads: the options that name a file it reads, each with what that is; where such a file changes,
    what followed from it is made anew.
    """

    asks_people: ClassVar[bool] = False
    reads: ClassVar[Mapping[str, str]] = {}

    def knows(self, labels: np.ndarray) -> np.ndarray:
        """Of which images it need not be asked, bool [N]; labels: as in ``label``."""
        return labels >= 0

    def label(self, labels: np.ndarray, classes: Sequence[str], seed: int) -> np.ndarray:
        """What it says, int64 [N], of all training images: the same whenever it is asked.

        labels: int64 [N], the data set's own labels, -1 where there is none. classes: their names.
        Raises InputError where it cannot be done.
        """
        raise NotImplementedError

    def ask(self, labels: np.ndarray, classes: Sequence[str], seed: int) -> np.ndarray:
        """What it says, as ``label``; raises InputError unless that is a class for each image."""
        said = np.asarray(self.label(labels, classes, seed))
        if said.shape != labels.shape or said.dtype.kind not in "iu":
            raise InputError(
                f"the oracle {type(self).__name__} must say whole numbers {list(labels.shape)}, "
                f"one for each image, not {said.dtype} {list(said.shape)}"
            )
        strange = said[(said < -1) | (said >= len(classes))]
        if len(strange):
            raise InputError(
                f"the oracle {type(self).__name__} says {strange[0]}, but must say positions in "
                f"the {len(classes)} classes, counted from 0, or -1 where it cannot tell"
            )
        return said.astype(np.int64)
