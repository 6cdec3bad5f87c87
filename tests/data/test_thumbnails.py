"""Small pictures of images."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from fal.data.thumbnails import png_uri


def pixels_of(uri):
    head, _, text = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(base64.b64decode(text))))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("longest", [None, 12])
def test_small_images_keep_their_pixels(channels, longest):
    image = np.random.default_rng(0).integers(0, 256, (8, 12, channels), dtype=np.uint8)
    assert np.array_equal(pixels_of(png_uri(image, longest)).reshape(image.shape), image)


def test_large_images_are_made_smaller():
    assert pixels_of(png_uri(np.zeros((300, 150, 3), np.uint8), 64)).shape == (64, 32, 3)
