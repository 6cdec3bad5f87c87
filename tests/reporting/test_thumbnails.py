"""Small pictures in the page."""

import numpy as np

from fal.reporting import thumbnails


def test_images_are_named_after_their_classes():
    images = np.zeros((3, 4, 4, 1), np.uint8)
    named = thumbnails.named_thumbnails([2, 0, 1], images, np.array([0, -1, 1]), ["cat", "dog"])
    assert [name for name, _ in named] == ["dog", "cat", "unlabeled"]
