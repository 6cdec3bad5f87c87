"""Batches against their images one by one."""

import numpy as np
import pytest
import torch

from data.image_files import load
from data.torch_images import make_images
from fal.data.images import Images


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


def test_images_are_not_copied():
    images = make_images()
    assert Images(images.pixels, [0.5], [0.2]).pixels.data_ptr() == images.pixels.data_ptr()


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_part_of_a_data_set(part):
    dataset = load("digits", train_size=50)
    images, labels = Images.of(dataset, part, "cpu")
    assert np.array_equal(images.pixels.numpy(), getattr(dataset, f"{part}_images"))
    assert np.array_equal(labels.numpy(), getattr(dataset, f"{part}_labels"))
    assert (images.mean, images.std) == (dataset.mean, dataset.std)
    assert (images.flip, images.crop_padding) == (dataset.flip, dataset.crop_padding)
    assert images.shape == (1, 8, 8)
