"""What every network is. Files of networks import torch inside functions only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from fal.options import Options

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Network(Options):
    """Base of all networks; its dataclass fields are its options.

    A subclass makes the backbone. Clients train in lockstep where its layers with weights are
    convolutions and what ``norm_layer`` gives, and all else treats each channel alike and apart;
    other networks train one client after another.
    """

    weight_bytes: ClassVar[int | None] = None
    """About how many bytes a model of 32x32 images takes; None: unknown."""

    least_size: ClassVar[int] = 8
    """Height and width in pixels of the smallest images that it takes; 1: it takes vectors."""

    norm: Literal["batch", "group"] = "batch"
    """Normalization layers."""

    def backbone(self, image_shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        """A module that turns images [B, channels, H, W] into features [B, D], and D.

        image_shape: (channels, height, width).
        """
        raise NotImplementedError

    def norm_layer(self, channels: int) -> nn.Module:
        """A normalization layer for so many channels."""
        from torch import nn

        if self.norm == "batch":
            return nn.BatchNorm2d(channels)
        return nn.GroupNorm(math.gcd(32, channels), channels)
