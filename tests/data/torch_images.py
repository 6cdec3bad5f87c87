"""A small data set on a device."""

import numpy as np
import torch

from fal.data.images import Images


def make_images(count=60, size=8, channels=1, flip=False, crop_padding=0) -> Images:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(
        256, (count, size, size, channels), generator=generator, dtype=torch.uint8
    )
    mean, std = np.linspace(0.4, 0.6, channels), np.linspace(0.2, 0.3, channels)
    return Images(pixels, mean.tolist(), std.tolist(), flip, crop_padding)
