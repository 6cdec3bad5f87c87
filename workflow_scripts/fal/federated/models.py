"""Image classifiers, and stacks of them that train several clients in lockstep.

A stack of S networks is one network with S times the channels and S times the convolution groups:
each group sees its own client's channels only, batch norm keeps its statistics per channel, so the
S clients share every kernel launch and nothing else. S = 1 is the plain network.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fal.errors import InputError
from fal.federated.networks.base import Network

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
    network: Network,
    image_shape: tuple[int, int, int],
    num_classes: int,
    seed: int = 0,
    stack: int = 1,
) -> Classifier:
    """A freshly initialised classifier whose weights depend on ``seed`` alone.

    image_shape: (channels, height, width).

    Raises InputError for images that are too small for the network, and for a stack of a network
    that has none.
    """
    _check_size(network, image_shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone, num_features = network.backbone(image_shape)
        net = Classifier(backbone, num_features, num_classes)
        return widen(net, stack).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def widen(net: Classifier, stack: int) -> Classifier:
    """Turn one network into a stack of ``stack`` networks (in place; weights are not kept).

    Raises InputError, naming the layer, if a layer with weights has no wide counterpart.
    """
    if stack > 1:
        for path, layer in list(net.named_modules()):
            if _has_own_weights(layer):
                parent, _, name = path.rpartition(".")
                setattr(net.get_submodule(parent), name, _wide(path, layer, stack))
        net.stack = stack
    return net


def stacks_exactly(network: Network, image_shape: tuple[int, int, int]) -> bool:
    """Whether a stack of two gives for each of its networks what that network gives alone.

    In training and in use, in double precision: normalizing few values makes so much of single
    precision's rounding that it looks like another network. One whose layers draw at random does
    not, as its draws are shared.
    """
    try:
        pair = build(network, image_shape, num_classes=2, seed=0, stack=2)
    except InputError:
        return False
    singles = [build(network, image_shape, num_classes=2, seed=seed) for seed in (1, 2)]
    rows = [read(net) for net in singles]
    write(pair, {name: torch.cat([weights[name] for weights in rows]) for name in rows[0]})
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 2, *image_shape, generator=generator, dtype=torch.double)
    try:
        for net in (pair, *singles):
            net.double()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            undrawn = torch.get_rng_state()
            for training in (False, True):
                nets = [net.train(training) for net in (pair, *singles)]
                together = nets[0](images.flatten(1, 2))
                alone = torch.cat([net(images[:, s]) for s, net in enumerate(nets[1:])], dim=1)
                if not torch.allclose(together, alone, rtol=1e-6):
                    return False
            return torch.equal(torch.get_rng_state(), undrawn)
    except Exception:  # whatever a user's network raises where shapes fit one network only
        return False


def check_backbone(network: Network, image_shape: tuple[int, int, int], owner: str) -> None:
    """Raise InputError unless the backbone makes of images [B, ...] features [B, D], and says D.

    owner: whose backbone it is, in the sentence.
    """
    _check_size(network, image_shape)
    with torch.random.fork_rng(devices=[]):
        made = network.backbone(image_shape)
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], nn.Module)):
        raise InputError(
            f"{owner}: backbone returned {type(made).__name__}, but must return a module and the "
            "number of its features"
        )
    backbone, num_features = made
    for path, layer in backbone.named_modules():
        counts = getattr(layer, "num_batches_tracked", None) is not None
        if counts and layer.momentum is None:
            raise InputError(
                f"{owner}: backbone's layer '{path}' counts the batches that it has seen "
                "(momentum=None), but whole numbers are not federated; give it a momentum, such as "
                "0.1"
            )
    images = torch.zeros(2, *image_shape)
    try:
        features = backbone.eval()(images)
    except Exception as error:
        raise InputError(
            f"{owner}: backbone's module fails on images {list(images.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if tuple(features.shape) != (2, num_features):
        raise InputError(
            f"{owner}: backbone's module makes features {list(features.shape)} of images "
            f"{list(images.shape)}, but must make [2, {num_features}], as backbone says"
        )


def _check_size(network: Network, image_shape: tuple[int, int, int]) -> None:
    least = network.least_size
    if min(image_shape[1:]) < least:
        raise InputError(
            f"images of {image_shape[1]}x{image_shape[2]} pixels are too small: "
            f"{least}x{least} is the least"
        )


def _has_own_weights(layer: nn.Module) -> bool:
    own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
    return bool(own)


def _wide(path: str, layer: nn.Module, stack: int) -> nn.Module:
    """``stack`` layers like ``layer`` side by side."""
    if type(layer) is nn.Conv2d and layer.padding_mode == "zeros":
        return nn.Conv2d(
            layer.in_channels * stack,
            layer.out_channels * stack,
            layer.kernel_size,  # type: ignore[arg-type]
            layer.stride,  # type: ignore[arg-type]
            layer.padding,  # type: ignore[arg-type]
            layer.dilation,  # type: ignore[arg-type]
            groups=layer.groups * stack,
            bias=layer.bias is not None,
        )
    if type(layer) is nn.BatchNorm2d:
        return nn.BatchNorm2d(
            layer.num_features * stack,
            layer.eps,
            layer.momentum,
            layer.affine,
            layer.track_running_stats,
        )
    if type(layer) is nn.GroupNorm:
        return nn.GroupNorm(
            layer.num_groups * stack, layer.num_channels * stack, layer.eps, layer.affine
        )
    if type(layer) is StackedLinear:
        return StackedLinear(layer.in_features, layer.out_features, stack)
    raise InputError(
        f"layer '{path}' of the network, {layer}, cannot be stacked to train several clients in "
        "lockstep; train one client at a time"
    )


class Stacks:
    """Networks of one kind on one device, one for each size and role, used again and again.

    Making one costs as much as some steps of training. A network has the weights of whoever used
    it last: write others before use.

    build: makes an untrained stack of a size from a seed.
    """

    def __init__(self, build: Callable[[int, int], Classifier], device: torch.device | str):
        self._build, self._device = build, device
        self._made: dict[tuple[int, str], Classifier] = {}

    def fresh(self, size: int, seed: int) -> Classifier:
        """An untrained stack of ``size`` networks that nobody else uses."""
        return self._build(size, seed).to(self._device)

    def get(self, size: int, role: str = "student") -> Classifier:
        """The stack of ``size`` networks that serves as ``role``: student or teacher."""
        key = size, role
        if key not in self._made:
            self._made[key] = self.fresh(size, 0)
        return self._made[key]


def tensors(net: Classifier) -> Weights:
    """The network's own parameters and batch-norm statistics, by name (not copies).

    Whole numbers, such as batch norm's count of batches, are no weights.
    """
    return {
        name: tensor
        for name, tensor in net.state_dict(keep_vars=True).items()
        if tensor.is_floating_point()
    }


@torch.no_grad()
def read(net: Classifier) -> Weights:
    """Copies of all weights, each [S, ...] with one row per network of the stack."""
    return {name: rows(tensor, net.stack) for name, tensor in tensors(net).items()}


def joined(weights: Tensor) -> Tensor:
    """``rows`` [S, ...] side by side again, as a parameter of the stack has them."""
    return weights.flatten(0, 1) if weights.dim() > 1 else weights.squeeze(0)


@torch.no_grad()
def write(net: Classifier, weights: Weights) -> Classifier:
    """Load weights of shape [S, ...] into the stack, and return it."""
    for name, tensor in tensors(net).items():
        tensor.copy_(weights[name].reshape(tensor.shape))
    return net


def rows(tensor: Tensor, stack: int) -> Tensor:
    """A copy [S, ...] of one of a stack's tensors, with one row per network."""
    tensor = tensor.detach()
    tensor = tensor.unflatten(0, (stack, -1)) if tensor.dim() else tensor.view(1)
    return tensor.clone(memory_format=torch.contiguous_format)


def row(weights: Weights, k: int) -> Weights:
    """The weights [1, ...] of the k-th network."""
    return {name: tensor[k : k + 1] for name, tensor in weights.items()}
