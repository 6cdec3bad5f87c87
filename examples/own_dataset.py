"""A kind of data set of one's own: a bright blob, whose quarter of the image is the class.

Name it in the configuration as ``datasets: [{blobs: {kind: examples/own_dataset.py:Blobs}}]``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge

from fal.data.kinds.base import RawImages, WithTestFraction
from fal.rng import numpy_generator

CLASSES = ["upper left", "upper right", "lower left", "lower right"]
SIZE = 16


@dataclass(frozen=True, kw_only=True)
class Blobs(WithTestFraction):
    """Gray blobs in one of four quarters, under noise."""

    images: Annotated[int, Ge(8)] = 800
    """Images, training and test together."""
    noise: Annotated[float, Ge(0)] = 0.4
    """Standard deviation of the noise, where the blob's height is 1."""

    flip: bool = False  # A mirrored blob is of another class.

    def read(self, download_dir: Path) -> RawImages:
        rng = numpy_generator(0, "blobs")
        labels = np.arange(self.images) % len(CLASSES)
        corner = np.stack([labels // 2, labels % 2], axis=1) * SIZE / 2
        center = corner + rng.uniform(0, SIZE / 2, corner.shape)
        row, column = np.mgrid[:SIZE, :SIZE]
        y, x = center.T[:, :, None, None]
        values = np.exp(-((row - y) ** 2 + (column - x) ** 2) / 8)
        values += rng.normal(0, self.noise, values.shape)
        pixels = np.clip(80 + 120 * values, 0, 255).astype(np.uint8)
        return RawImages(classes=CLASSES, images=pixels[..., None], labels=labels)
