"""Networks for vectors of features, and for images taken as vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from fal.federated.networks.base import Network

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Linear(Network):
    """Logistic regression: the features are the input itself."""

    least_size: ClassVar[int] = 1
    norm: ClassVar[str] = "batch"  # type: ignore[misc]

    def backbone(self, image_shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        return nn.Flatten(), math.prod(image_shape)


@dataclass(frozen=True, kw_only=True)
class MLP(Network):
    """Hidden layers, each with a normalization and ReLU, on all values of the input.

    They are convolutions of a single pixel, so that clients train in lockstep.
    """

    least_size: ClassVar[int] = 1

    hidden: Annotated[int, Ge(1)] = 128
    """Units of a hidden layer."""
    layers: Annotated[int, Ge(1)] = 1
    """Number of hidden layers."""

    def backbone(self, image_shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        modules: list[nn.Module] = [nn.Flatten(), nn.Unflatten(1, (-1, 1, 1))]
        width = math.prod(image_shape)
        for _ in range(self.layers):
            modules += [nn.Conv2d(width, self.hidden, 1), self.norm_layer(self.hidden), nn.ReLU()]
            width = self.hidden
        return nn.Sequential(*modules, nn.Flatten()), width
