"""Images as small pictures that a page can hold."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
from PIL import Image


def png_uri(pixels: np.ndarray, longest: int | None = None) -> str:
    """An image, uint8 [H, W, C] with one channel or three, as a ``data:`` URI of a PNG.

    longest: pixels of the longer side at most; smaller images stay as they are.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else np.asarray(pixels))
    if longest is not None:
        image.thumbnail((longest, longest))
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
