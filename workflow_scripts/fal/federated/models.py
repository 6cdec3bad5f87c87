"""Image classifiers, and stacks of them that train several clients in lockstep.

A stack of S networks is one network with S times the channels and S times the convolution groups:
each group sees its own client's channels only, batch norm keeps its statistics per channel, so the
S clients share every kernel launch and nothing else. S = 1 is the plain network.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from fal.errors import InputError, suggest
from fal.federated.blocks import ConvBlock

Weights = dict[str, Tensor]


class Classifier(nn.Module):
    """A backbone that gives features and a linear head that gives logits.

    Input [B, S*channels, H, W]; features [B, S*D]; logits [B, S, C].
    """

    def __init__(self, backbone: nn.Module, num_features: int, num_classes: int):
        super().__init__()
        self.stack = 1
        self.backbone = backbone
        self.head = StackedLinear(num_features, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))


class StackedLinear(nn.Linear):
    """S linear layers side by side: [B, S*in] -> [B, S, out]."""

    def __init__(self, in_features: int, out_features: int, stack: int = 1):
        super().__init__(in_features, out_features * stack)
        self.stack = stack

    def forward(self, x: Tensor) -> Tensor:
        if self.stack == 1:
            return super().forward(x).unsqueeze(1)
        x = x.view(len(x), self.stack, self.in_features)
        weight = self.weight.view(self.stack, -1, self.in_features)
        return torch.einsum("bsi,soi->bso", x, weight) + self.bias.view(self.stack, -1)


def build(
    name: str,
    image_shape: tuple[int, int, int],
    num_classes: int,
    norm: str = "batch",
    seed: int = 0,
    stack: int = 1,
) -> Classifier:
    """A freshly initialised classifier whose weights depend on ``seed`` alone.

    name: cnn (4 x [conv3x3(64) - norm - maxpool2 - ReLU] + linear), resnet18 (3x3 stem without
    pooling, as is usual for 32x32 images) or mobilenet_v2 (stem of stride 1).
    image_shape: (channels, height, width). norm: batch or group.

    Raises InputError for an unknown name or norm, and for images under 8x8 pixels.
    """
    if name not in BACKBONES:
        raise InputError(f"model '{name}' is unknown{suggest(name, BACKBONES)}")
    if norm not in NORMS:
        raise InputError(f"norm '{norm}' is unknown{suggest(norm, NORMS)}")
    if min(image_shape[1:]) < 8:
        raise InputError(f"images of {image_shape[1:]} pixels are too small: 8x8 is the least")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone, num_features = BACKBONES[name](image_shape, NORMS[norm])
        net = Classifier(backbone, num_features, num_classes)
        return widen(net, stack).to(memory_format=torch.channels_last)


def _cnn(image_shape: tuple[int, int, int], norm: Callable[[int], nn.Module]):
    """The paper's network; small images are pooled in fewer blocks, down to 2x2 at least."""
    channels, *size = image_shape
    poolings = min(4, int(math.log2(min(size))) - 1)
    blocks = [
        ConvBlock(channels if block == 0 else 64, 64, norm, pool=block < poolings)
        for block in range(4)
    ]
    area = math.prod(side // 2**poolings for side in size)
    return nn.Sequential(*blocks, nn.Flatten()), 64 * area


def _resnet18(image_shape: tuple[int, int, int], norm: Callable[[int], nn.Module]):
    from torchvision.models import resnet18

    net = resnet18(norm_layer=norm)
    net.conv1 = nn.Conv2d(image_shape[0], 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    net.fc = nn.Identity()
    return net, 512


def _mobilenet_v2(image_shape: tuple[int, int, int], norm: Callable[[int], nn.Module]):
    from torchvision.models import mobilenet_v2

    features = mobilenet_v2(norm_layer=norm).features
    features[0][0] = nn.Conv2d(image_shape[0], 32, 3, padding=1, bias=False)
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 1280


BACKBONES = {"cnn": _cnn, "resnet18": _resnet18, "mobilenet_v2": _mobilenet_v2}
NORMS = {
    "batch": nn.BatchNorm2d,
    "group": lambda channels: nn.GroupNorm(math.gcd(32, channels), channels),
}


def widen(net: Classifier, stack: int) -> Classifier:
    """Turn one network into a stack of ``stack`` networks (in place; weights are not kept)."""
    if stack > 1:
        _widen(net, stack)
        net.stack = stack
    return net


def _widen(module: nn.Module, stack: int) -> None:
    for name, child in module.named_children():
        _widen(child, stack)
        if isinstance(child, nn.Conv2d):
            wide = nn.Conv2d(
                child.in_channels * stack,
                child.out_channels * stack,
                child.kernel_size,
                child.stride,
                child.padding,
                groups=child.groups * stack,
                bias=child.bias is not None,
            )
        elif isinstance(child, nn.BatchNorm2d):
            wide = nn.BatchNorm2d(child.num_features * stack)
        elif isinstance(child, nn.GroupNorm):
            wide = nn.GroupNorm(child.num_groups * stack, child.num_channels * stack)
        elif isinstance(child, StackedLinear):
            wide = StackedLinear(child.in_features, child.out_features, stack)
        else:
            continue
        setattr(module, name, wide)


def tensors(net: Classifier) -> Weights:
    """The network's own parameters and batch-norm statistics, by name (not copies)."""
    return {
        name: tensor
        for name, tensor in net.state_dict(keep_vars=True).items()
        if not name.endswith("num_batches_tracked")
    }


@torch.no_grad()
def read(net: Classifier) -> Weights:
    """Copies of all weights, each [S, ...] with one row per network of the stack."""
    return {
        name: tensor.detach()
        .unflatten(0, (net.stack, -1))
        .clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors(net).items()
    }


@torch.no_grad()
def write(net: Classifier, weights: Weights) -> Classifier:
    """Load weights of shape [S, ...] into the stack, and return it."""
    for name, tensor in tensors(net).items():
        tensor.copy_(weights[name].flatten(0, 1))
    return net


def row(weights: Weights, k: int) -> Weights:
    """The weights [1, ...] of the k-th network."""
    return {name: tensor[k : k + 1] for name, tensor in weights.items()}
