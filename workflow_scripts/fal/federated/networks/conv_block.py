"""The convolution block of the paper's network, arranged to touch its large tensors rarely.

At 32x32 pixels the normalization and pooling of the first block cost as much as its convolutions,
because memory and not arithmetic limits them. So pooling comes before ReLU (their order does not
matter) and, in training, before the normalization too, which then works on a quarter of the values.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvBlock(nn.Module):
    """conv3x3 - norm - 2x2 max pooling (if ``pool``) - ReLU."""

    conv: nn.Conv2d
    norm: nn.Module

    def __init__(
        self, in_channels: int, out_channels: int, norm: Callable[[int], nn.Module], pool: bool
    ):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm = norm(out_channels)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.norm, nn.BatchNorm2d) and not self.training:
            x = self._convolve_folded(x, self.norm)
        elif isinstance(self.norm, nn.BatchNorm2d) and self.pool:
            return F.relu_(self._convolve_pool_normalize(x, self.norm))
        else:
            x = self.norm(self.conv(x))
        return F.relu_(F.max_pool2d(x, 2) if self.pool else x)

    def _convolve_folded(self, x: Tensor, norm: nn.BatchNorm2d) -> Tensor:
        """Convolution and the normalization by running statistics as one convolution."""
        conv = self.conv
        assert conv.bias is not None and norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        bias = (conv.bias - norm.running_mean) * scale + norm.bias
        return F.conv2d(x, conv.weight * column(scale), bias, padding=1, groups=conv.groups)

    def _convolve_pool_normalize(self, x: Tensor, norm: nn.BatchNorm2d) -> Tensor:
        """Batch norm by a negative weight would turn maxima into minima: its sign goes into the
        convolution. The convolution's bias changes nothing but the running mean."""
        conv = self.conv
        assert conv.bias is not None and norm.running_mean is not None
        assert norm.running_var is not None and norm.momentum is not None
        sign = torch.where(norm.weight.detach() < 0, -1.0, 1.0)
        x = F.conv2d(x, conv.weight * column(sign), padding=1, groups=conv.groups)
        out, mean, variance = PoolNormalize.apply(
            x, norm.weight * sign, norm.bias, conv.bias, norm.eps
        )
        with torch.no_grad():
            norm.running_mean.lerp_(mean * sign + conv.bias, norm.momentum)
            norm.running_var.lerp_(variance, norm.momentum)
        return out


def column(channels: Tensor) -> Tensor:
    """[C] as [C, 1, 1, 1], to multiply the rows of a convolution's weight."""
    return channels.view(-1, 1, 1, 1)


def plane(channels: Tensor) -> Tensor:
    """[C] as [C, 1, 1], to multiply the channels of images."""
    return channels.view(-1, 1, 1)


class PoolNormalize(torch.autograd.Function):
    """Batch norm and 2x2 max pooling of ``x`` [B, C, H, W] for weights >= 0, pooling first.

    Returns the output [B, C, H/2, W/2] and, not differentiable, mean and unbiased variance [C] of
    ``x``. ``conv_bias``, added to ``x`` before a batch norm, would have no effect: its gradient is
    zero. The gradient of x is ``a + b * x`` per channel (what its mean and variance contribute)
    plus, at each maximum, what the output passes on (Ioffe & Szegedy, ICML 2015, section 3).
    """

    @staticmethod
    def forward(ctx, x, weight, bias, conv_bias, eps):
        x = x.contiguous(memory_format=torch.channels_last)
        mean, unbiased = torch.zeros_like(weight), torch.zeros_like(weight)
        _, variance = torch.batch_norm_update_stats(x, mean, unbiased, 1.0)
        inverse = torch.rsqrt(variance + eps)
        pooled, where = F.max_pool2d(x, 2, return_indices=True)
        normalized = (pooled - plane(mean)).mul_(plane(inverse))
        ctx.save_for_backward(x, normalized, where, mean, inverse, weight)
        ctx.mark_non_differentiable(mean, unbiased)
        return torch.addcmul(plane(bias), normalized, plane(weight)), mean, unbiased

    @staticmethod
    def backward(ctx, grad, _mean, _unbiased):
        x, normalized, where, mean, inverse, weight = ctx.saved_tensors
        grad_bias = grad.sum((0, 2, 3))
        grad_weight = (grad * normalized).sum((0, 2, 3))
        scale = weight * inverse
        count = x.numel() / x.shape[1]
        slope = -scale * inverse * grad_weight / count
        level = -scale * grad_bias / count - slope * mean
        grad_x = torch.addcmul(level, pixels(x), slope)
        grad_x.scatter_add_(1, pixels(where), pixels(grad * plane(scale)))
        grad_x = grad_x.to(x.dtype).unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        return grad_x, grad_weight, grad_bias, torch.zeros_like(grad_bias), None


def pixels(x: Tensor) -> Tensor:
    """[B, C, H, W] as [B, H*W, C], without a copy if its memory is channels last."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)
