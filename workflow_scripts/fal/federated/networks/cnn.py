"""The paper's network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fal.federated.networks.base import Network

if TYPE_CHECKING:
    from torch import nn

CHANNELS = 64
BLOCKS = 4


@dataclass(frozen=True, kw_only=True)
class CNN(Network):
    """4 x [conv3x3(64) - norm - ReLU - 2x2 max pooling], flattened.

    Small images are pooled in fewer blocks, down to 2x2 pixels at least.
    """

    weight_bytes = 500_000

    def backbone(self, image_shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        from fal.federated.networks.conv_block import ConvBlock

        channels, *size = image_shape
        poolings = min(BLOCKS, int(math.log2(min(size))) - 1)
        blocks = [
            ConvBlock(
                channels if block == 0 else CHANNELS,
                CHANNELS,
                self.norm_layer,
                pool=block < poolings,
            )
            for block in range(BLOCKS)
        ]
        area = math.prod(side // 2**poolings for side in size)
        return nn.Sequential(*blocks, nn.Flatten()), CHANNELS * area
