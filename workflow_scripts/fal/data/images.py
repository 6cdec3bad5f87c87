"""Image batches as the networks take them: gathered, flipped, cropped and normalized on the device.

The data set stays one uint8 tensor. There is no loader: a batch is a handful of tensor operations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """How each image of some shape [...] is changed; None where a set is not augmented that way.

    flip: bool [...], whether it is mirrored. shift: int64 [..., 2], the row and column at which
    the crop begins in the padded image.
    """

    flip: Tensor | None = None
    shift: Tensor | None = None

    def _each(self, change) -> "Augmentation":
        return Augmentation(*(None if t is None else change(t) for t in (self.flip, self.shift)))

    def __getitem__(self, where) -> "Augmentation":
        return self._each(lambda t: t[where])

    def to(self, device: torch.device) -> "Augmentation":
        return self._each(lambda t: t.to(device))

    @staticmethod
    def stack(parts: Sequence["Augmentation"], dim: int) -> "Augmentation":
        """The augmentations of several sets of images as one, along a new dimension ``dim``."""
        flips, shifts = [p.flip for p in parts], [p.shift for p in parts]
        return Augmentation(
            None if flips[0] is None else torch.stack(flips, dim),
            None if shifts[0] is None else torch.stack(shifts, dim),
        )


@dataclass(frozen=True)
class Images:
    """A data set's images on a device, and how training augments them.

    pixels: uint8 [N, H, W, C]. mean, std: per channel, with 255 counted as 1. flip: mirror half of
    the training images. crop_padding: pad training images by this many black pixels on each side
    and crop them at random to their size.
    """

    pixels: Tensor
    mean: Sequence[float]
    std: Sequence[float]
    flip: bool = False
    crop_padding: int = 0

    def __post_init__(self):
        mean, std = (self.pixels.new_tensor(v, dtype=torch.float32) for v in (self.mean, self.std))
        object.__setattr__(self, "_scale", 1 / (255 * std))
        object.__setattr__(self, "_offset", -mean / std)

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        _, height, width, channels = self.pixels.shape
        return channels, height, width

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    def draw_augmentation(self, size: tuple[int, ...], generator: torch.Generator) -> Augmentation:
        """Random changes for ``size`` images, drawn on the CPU."""
        flip = shift = None
        if self.flip:
            flip = torch.randint(2, size, generator=generator, dtype=torch.bool)
        if self.crop_padding:
            shift = torch.randint(2 * self.crop_padding + 1, (*size, 2), generator=generator)
        return Augmentation(flip, shift)

    def batch(self, index: Tensor, augmentation: Augmentation | None = None) -> Tensor:
        """Normalized images float32 [B, S*C, H, W], channels last, for ``index`` [B, S]."""
        pixels = self.pixels[index]
        if augmentation is not None:
            if augmentation.flip is not None:
                pixels = mirror(pixels, augmentation.flip)
            if augmentation.shift is not None:
                pixels = crop(pixels, augmentation.shift, self.crop_padding)
        pixels = pixels.movedim(1, 3)  # [B, H, W, S, C]
        images = torch.addcmul(self._offset, pixels, self._scale)
        images = images.flatten(3).permute(0, 3, 1, 2)
        return images.contiguous(memory_format=torch.channels_last)


def mirror(pixels: Tensor, flip: Tensor) -> Tensor:
    """Mirror those images of ``pixels`` [..., H, W, C] for which ``flip`` [...] is true."""
    return torch.where(flip[..., None, None, None], pixels.flip(-2), pixels)


def crop(pixels: Tensor, shift: Tensor, padding: int) -> Tensor:
    """Pad images [..., H, W, C] by black pixels, cut each to its old size from ``shift`` on."""
    *many, height, width, channels = pixels.shape
    padded = F.pad(pixels.flatten(0, -4), (0, 0, padding, padding, padding, padding))
    shift = shift.flatten(0, -2)
    image = torch.arange(len(padded), device=pixels.device)[:, None, None]
    row = shift[:, 0, None, None] + torch.arange(height, device=pixels.device)[:, None]
    column = shift[:, 1, None, None] + torch.arange(width, device=pixels.device)
    return padded[image, row, column].view(*many, height, width, channels)
