"""A kind of data set of one's own: stripes, whose direction is the class.

Name it in the configuration as ``datasets: [{stripes: {kind: examples/own_dataset.py:Stripes}}]``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from fal.data.kinds.base import RawImages, WithTestFraction
from fal.rng import numpy_generator

CLASSES = ["horizontal", "vertical", "diagonal", "antidiagonal"]
SIZE = 16


@dataclass(frozen=True, kw_only=True)
class Stripes(WithTestFraction):
    """Gray stripes in four directions, shifted at random and under noise."""

    images: Annotated[int, Ge(8)] = 800
    """Images, training and test together."""
    noise: Annotated[float, Ge(0)] = 0.5
    """Standard deviation of the noise, where the stripes go from -1 to 1."""

    flip: ClassVar[bool] = False  # A mirrored diagonal is of another class.

    def read(self, download_dir: Path) -> RawImages:
        rng = numpy_generator(0, "stripes")
        labels = np.arange(self.images) % len(CLASSES)
        row, column = np.mgrid[:SIZE, :SIZE]
        position = np.stack([row, column, row - column, row + column])[labels]
        shift = rng.uniform(0, 2 * np.pi, (self.images, 1, 1))
        values = np.sin(position + shift) + rng.normal(0, self.noise, position.shape)
        pixels = np.clip(127.5 + 60 * values, 0, 255).astype(np.uint8)
        return RawImages(classes=CLASSES, images=pixels[..., None], labels=labels)
