"""Small pictures of images, named after their classes, for the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fal.data.thumbnails import png_uri

SIDE = 64
"""Pixels of a thumbnail's longer side, at most."""


def named_thumbnails(
    index: Iterable[int], images: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> list[tuple[str, str]]:
    """The images at ``index`` of a training set, each with the name of its class.

    images: uint8 [N, H, W, C]. labels: int64 [N], positions in ``classes``; negative ones have no
    name yet.
    """
    return [
        (classes[labels[i]] if labels[i] >= 0 else "unlabeled", png_uri(images[i], SIDE))
        for i in index
    ]
