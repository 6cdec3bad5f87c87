"""Networks: the registry, and how to make one from its name and options."""

from __future__ import annotations

from typing import Any

from fal.federated.networks.base import Network
from fal.registry import Entry, Registry

NETWORKS = Registry(
    "network",
    Network,
    {
        "cnn": Entry("fal.federated.networks.cnn", "CNN"),
        "linear": Entry("fal.federated.networks.vectors", "Linear"),
        "mlp": Entry("fal.federated.networks.vectors", "MLP"),
        "resnet18": Entry("fal.federated.networks.torchvision_networks", "ResNet18"),
        "mobilenet_v2": Entry("fal.federated.networks.torchvision_networks", "MobileNetV2"),
    },
)


def create(method: str, **options: Any) -> Network:
    """The network ``method``, a name of NETWORKS or ``path/to/file.py:Class``.

    Raises InputError if the name or an option is unknown or a value will not do.
    """
    return NETWORKS.create(method, **options)
