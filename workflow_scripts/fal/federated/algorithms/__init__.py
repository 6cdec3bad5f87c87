"""Federated learning algorithms: the registry, and how to make one from its name and options."""

from __future__ import annotations

from typing import Any

from fal.federated.algorithms.base import Algorithm
from fal.registry import Entry, Registry

ALGORITHMS = Registry(
    "algorithm",
    Algorithm,
    {
        "fedavg": Entry("fal.federated.algorithms.fedavg", "FedAvg"),
        "fedprox": Entry("fal.federated.algorithms.fedprox", "FedProx"),
        "scaffold": Entry("fal.federated.algorithms.scaffold", "Scaffold"),
    },
)


def create(method: str, **options: Any) -> Algorithm:
    """The algorithm ``method``, a name of ALGORITHMS or ``path/to/file.py:Class``.

    Raises InputError if the name or an option is unknown or a value will not do.
    """
    return ALGORITHMS.create(method, **options)
