"""Small pictures of images."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from fal.reporting import thumbnails


def pixels_of(uri):
    head, _, text = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(base64.b64decode(text))))


@pytest.mark.parametrize("channels", [1, 3])
def test_small_images_keep_their_pixels(channels):
    image = np.random.default_rng(0).integers(0, 256, (8, 12, channels), dtype=np.uint8)
    shown = pixels_of(thumbnails.thumbnail(image))
    assert np.array_equal(shown.reshape(image.shape), image)


def test_large_images_are_made_smaller():
    image = np.zeros((300, 150, 3), np.uint8)
    assert pixels_of(thumbnails.thumbnail(image)).shape == (64, 32, 3)


def test_images_are_named_after_their_classes():
    images = np.zeros((3, 4, 4, 1), np.uint8)
    named = thumbnails.named_thumbnails([2, 0, 1], images, np.array([0, -1, 1]), ["cat", "dog"])
    assert [name for name, _ in named] == ["dog", "cat", "unlabeled"]
