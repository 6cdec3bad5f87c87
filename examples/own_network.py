"""A network of one's own: one hidden layer on all pixels.

models: [cnn, {my-mlp: {method: examples/own_network.py:MLP, hidden: 128}}]
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from fal.federated.networks.base import Network


@dataclass(frozen=True, kw_only=True)
class MLP(Network):
    """A fully connected layer, a normalization and ReLU; the classifier's own layer comes on top.

    The layer is written as a convolution as large as the image, which computes the same as
    ``nn.Linear``: convolutions can be stacked, so that several clients train in lockstep.
    """

    hidden: Annotated[int, Ge(1)] = 128
    """Units of the hidden layer."""

    def backbone(self, image_shape):
        from torch import nn

        channels, *size = image_shape
        layers = [
            nn.Conv2d(channels, self.hidden, size),
            self.norm_layer(self.hidden),
            nn.ReLU(),
            nn.Flatten(),
        ]
        return nn.Sequential(*layers), self.hidden
