"""People who look at the images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import MinLen

from fal.data.oracles.simulated import Simulated


@dataclass(frozen=True, kw_only=True)
class Human(Simulated):
    """Asks people for the labels that the data set does not have: see docs/annotation.md."""

    asks_people: ClassVar[bool] = True

    answers: Annotated[str, MinLen(1)] = "answers"
    """Folder with the files of answers, one for each task."""
    ask_all: bool = False
    """Whether to ask about images, too, whose label the data set has: to try it out."""

    def knows(self, labels: np.ndarray) -> np.ndarray:
        return (labels >= 0) & (not self.ask_all)
