"""Mirrored and cropped images, and how they are drawn."""

import torch

from data.torch_images import make_images
from fal.data.augmentation import Augmentation, crop, mirror


def test_mirroring_twice_and_cropping_at_the_center_change_nothing():
    pixels = make_images(channels=3).pixels
    always = torch.ones(len(pixels), dtype=torch.bool)
    assert torch.equal(mirror(mirror(pixels, always), always), pixels)
    center = torch.full((len(pixels), 2), 4)
    assert torch.equal(crop(pixels, center, 4), pixels)


def test_draws_follow_the_generator_and_cover_all_cases():
    images = make_images(flip=True, crop_padding=2)
    first, again, other = (
        images.draw_augmentation((500,), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first.flip, again.flip)
    assert torch.equal(first.shift, again.shift)
    assert not torch.equal(first.flip, other.flip)
    assert 0.4 < first.flip.float().mean() < 0.6
    assert first.shift.unique().tolist() == [0, 1, 2, 3, 4]


def test_sets_that_are_not_augmented_draw_nothing():
    drawn = make_images().draw_augmentation((3,), torch.Generator())
    assert drawn.flip is None
    assert drawn.shift is None


def test_augmentations_are_indexed_and_stacked_like_the_images():
    images = make_images(flip=True, crop_padding=1)
    generator = torch.Generator().manual_seed(0)
    parts = [images.draw_augmentation((2, 5), generator) for _ in range(3)]
    stacked = Augmentation.stack(parts, dim=2)
    assert stacked.flip.shape == (2, 5, 3)
    assert stacked.shift.shape == (2, 5, 3, 2)
    piece = stacked[1, 2:4]
    assert torch.equal(piece.flip[:, 1], parts[1].flip[1, 2:4])
    assert torch.equal(piece.shift[:, 2], parts[2].shift[1, 2:4])
