"""Random changes of training images, as operations on whole batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """How each image of some shape [...] is changed; None where a set is not augmented so.

    flip: bool [...], whether it is mirrored. shift: int64 [..., 2], the row and column at which
    the crop begins in the padded image.
    """

    flip: Tensor | None = None
    shift: Tensor | None = None

    def _each(self, change: Callable[[Tensor], Tensor]) -> Augmentation:
        return Augmentation(*(None if t is None else change(t) for t in (self.flip, self.shift)))

    def __getitem__(self, where: Any) -> Augmentation:
        return self._each(lambda t: t[where])

    def to(self, device: torch.device) -> Augmentation:
        return self._each(lambda t: t.to(device))

    @staticmethod
    def stack(parts: Sequence[Augmentation], dim: int) -> Augmentation:
        """The augmentations of several sets of images as one, along a new dimension ``dim``."""
        import torch

        flips = [part.flip for part in parts if part.flip is not None]
        shifts = [part.shift for part in parts if part.shift is not None]
        return Augmentation(
            torch.stack(flips, dim) if flips else None,
            torch.stack(shifts, dim) if shifts else None,
        )


def mirror(pixels: Tensor, flip: Tensor) -> Tensor:
    """Mirror those images of ``pixels`` [..., H, W, C] for which ``flip`` [...] is true."""
    import torch

    return torch.where(flip[..., None, None, None], pixels.flip(-2), pixels)


def crop(pixels: Tensor, shift: Tensor, padding: int) -> Tensor:
    """Pad images [..., H, W, C] by black pixels, cut each to its old size from ``shift`` on."""
    import torch
    from torch.nn.functional import pad

    *many, height, width, channels = pixels.shape
    padded = pad(pixels.flatten(0, -4), (0, 0, padding, padding, padding, padding))
    shift = shift.flatten(0, -2)
    image = torch.arange(len(padded), device=pixels.device)[:, None, None]
    row = shift[:, 0, None, None] + torch.arange(height, device=pixels.device)[:, None]
    column = shift[:, 1, None, None] + torch.arange(width, device=pixels.device)
    return padded[image, row, column].view(*many, height, width, channels)
