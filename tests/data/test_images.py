import numpy as np
import pytest
import torch

from fal.data.images import Augmentation, Images, crop, mirror
from federations import make_images


def slow_image(images: Images, index: int, flip: bool, shift: tuple[int, int] | None):
    """One image by the definition, channels first."""
    pixels = images.pixels[index].numpy()
    height, width, _ = pixels.shape
    if flip:
        pixels = pixels[:, ::-1]
    if shift is not None:
        pad = images.crop_padding
        padded = np.pad(pixels, ((pad, pad), (pad, pad), (0, 0)))
        pixels = padded[shift[0] : shift[0] + height, shift[1] : shift[1] + width]
    normal = (pixels / 255 - np.array(images.mean)) / np.array(images.std)
    return normal.transpose(2, 0, 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stack", [1, 2])
@pytest.mark.parametrize(("flip", "padding"), [(False, 0), (True, 0), (False, 2), (True, 3)])
def test_a_batch_equals_its_images_one_by_one(channels, stack, flip, padding):
    images = make_images(channels=channels, flip=flip, crop_padding=padding)
    index = torch.tensor([[4, 9], [0, 4], [59, 1]])[:, :stack]
    augmentation = images.draw_augmentation(tuple(index.shape), torch.Generator().manual_seed(2))
    batch = images.batch(index, augmentation)
    assert batch.shape == (3, stack * channels, 8, 8)
    assert batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=torch.channels_last)
    for b in range(3):
        expected = [
            slow_image(
                images,
                index[b, s],
                flip and bool(augmentation.flip[b, s]),
                tuple(augmentation.shift[b, s].tolist()) if padding else None,
            )
            for s in range(stack)
        ]
        np.testing.assert_allclose(batch[b].numpy(), np.concatenate(expected), atol=1e-5)


def test_without_augmentation_images_are_only_normalized():
    images = make_images(flip=True, crop_padding=2)
    batch = images.batch(torch.tensor([[7]]))
    np.testing.assert_allclose(batch[0].numpy(), slow_image(images, 7, False, None), atol=1e-5)


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


def test_images_are_not_copied():
    images = make_images()
    assert Images(images.pixels, [0.5], [0.2]).pixels.data_ptr() == images.pixels.data_ptr()
