"""Image batches as the networks take them: gathered, augmented and normalized on the device.

The data set stays one uint8 tensor. There is no loader: a batch is a handful of tensor operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fal import integrity
from fal.data.augmentation import Augmentation, crop, mirror

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from fal.data.dataset import Dataset


@dataclass(frozen=True)
class Images:
    """A data set's images on a device, and how training augments them.

    pixels: uint8 [N, H, W, C], or float32 where they are features. mean, std: per channel, with 255
    of uint8 counted as 1. flip: mirror half of
    the training images. crop_padding: pad training images by this many black pixels on each side
    and crop them at random to their size.
    """

    pixels: Tensor
    mean: Sequence[float]
    std: Sequence[float]
    flip: bool = False
    crop_padding: int = 0
    _scale: Tensor = field(init=False, repr=False)
    _offset: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        import torch

        mean, std = (self.pixels.new_tensor(v, dtype=torch.float32) for v in (self.mean, self.std))
        white = 1 if self.pixels.is_floating_point() else 255
        object.__setattr__(self, "_scale", 1 / (white * std))
        object.__setattr__(self, "_offset", -mean / std)

    @classmethod
    def of(
        cls, dataset: Dataset, part: Literal["train", "test"], device: str | torch.device
    ) -> tuple[Images, Tensor]:
        """The images of a part of ``dataset`` on ``device``, and their labels int64 [N] there.

        Raises DamagedError if the file that images are mapped from is damaged.
        """
        import torch

        pixels, labels = getattr(dataset, f"{part}_images"), getattr(dataset, f"{part}_labels")
        if file := getattr(pixels, "filename", None):
            integrity.check([file])
        images = cls(
            torch.from_numpy(pixels).to(device),
            dataset.mean,
            dataset.std,
            dataset.flip,
            dataset.crop_padding,
        )
        return images, torch.from_numpy(labels).to(device)

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
        import torch

        flip = shift = None
        if self.flip:
            flip = torch.randint(2, size, generator=generator, dtype=torch.bool)
        if self.crop_padding:
            shift = torch.randint(2 * self.crop_padding + 1, (*size, 2), generator=generator)
        return Augmentation(flip, shift)

    def batch(self, index: Tensor, augmentation: Augmentation | None = None) -> Tensor:
        """Normalized images float32 [B, S*C, H, W], channels last, for ``index`` [B, S]."""
        import torch

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
