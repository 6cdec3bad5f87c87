"""Small pictures of images for the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

SIDE = 64
"""Pixels of a thumbnail's longer side at most; smaller images stay as they are."""


def thumbnail(pixels: np.ndarray) -> str:
    """An image, uint8 [H, W, C] with one channel or three, as a ``data:`` URI of a PNG."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else np.asarray(pixels))
    image.thumbnail((SIDE, SIDE))
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def named_thumbnails(
    index: Sequence[int], images: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> list[tuple[str, str]]:
    """The images at ``index`` of a training set, each with the name of its class.

    images: uint8 [N, H, W, C]. labels: int64 [N], positions in ``classes``; negative ones have no
    name yet.
    """
    return [
        (classes[labels[i]] if labels[i] >= 0 else "unlabeled", thumbnail(images[i])) for i in index
    ]
