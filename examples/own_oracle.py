"""An oracle of one's own: somebody who takes all images of one class for another.

oracle: {confused: {method: examples/own_oracle.py:Confused, takes: "7", for_class: "1"}}
"""

from dataclasses import dataclass

import numpy as np

from fal.data.oracles.base import Oracle
from fal.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Confused(Oracle):
    """Answers as the data set's labels are, but for one class."""

    takes: str
    """The class that it does not know."""
    for_class: str
    """The class that it says instead."""

    def label(self, labels, classes, seed):
        for name in (self.takes, self.for_class):
            if name not in classes:
                raise InputError(f"there is no class '{name}' among {', '.join(classes)}")
        wrong = labels == classes.index(self.takes)
        return np.where(wrong, classes.index(self.for_class), labels)
