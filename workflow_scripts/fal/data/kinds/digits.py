"""The digits that come with scikit-learn (Alpaydin and Kaynak, 1998)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fal.data.kinds.base import RawImages, WithTestFraction
from fal.data.sampling import size_of_test_set

CLASSES = 10
IMAGES = 1797


@dataclass(frozen=True, kw_only=True)
class Digits(WithTestFraction):
    """1,797 scans of handwritten digits, 8 x 8 gray; they need no path and no download."""

    flip: bool = False
    """Whether half of the images are mirrored left to right in training, drawn anew each time."""

    def read(self, download_dir: Path) -> RawImages:
        """All images, their 17 gray levels spread over 0..255."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., None]
        classes = [str(label) for label in digits.target_names]
        return RawImages(classes, images, digits.target.astype(np.int64))

    def source_size(self) -> tuple[int, int]:
        return CLASSES, IMAGES - size_of_test_set(IMAGES, CLASSES, self.test_fraction)
