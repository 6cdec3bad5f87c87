"""Networks of torchvision, with stems for small images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fal.federated.networks.base import Network

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class ResNet18(Network):
    """ResNet-18 (He et al., CVPR 2016) with a 3x3 stem without pooling, as is usual for 32x32."""

    weight_bytes = 44_700_000

    def backbone(self, image_shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn
        from torchvision.models import resnet18

        net = resnet18(norm_layer=self.norm_layer)
        net.conv1 = nn.Conv2d(image_shape[0], 64, 3, padding=1, bias=False)
        net.maxpool = nn.Identity()
        net.fc = nn.Identity()
        return net, 512


@dataclass(frozen=True, kw_only=True)
class MobileNetV2(Network):
    """MobileNetV2 (Sandler et al., CVPR 2018) with a stem of stride 1."""

    weight_bytes = 9_000_000

    def backbone(self, image_shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn
        from torchvision.models import mobilenet_v2

        features = mobilenet_v2(norm_layer=self.norm_layer).features
        features[0][0] = nn.Conv2d(image_shape[0], 32, 3, padding=1, bias=False)
        return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 1280
