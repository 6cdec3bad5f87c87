"""Who labels the queried images, by name."""

from __future__ import annotations

from typing import Any

from fal.data.oracles.base import Oracle
from fal.registry import Entry, Registry

ORACLES: Registry[Oracle] = Registry(
    "oracle",
    Oracle,
    {
        "simulated": Entry("fal.data.oracles.simulated", "Simulated"),
        "noisy": Entry("fal.data.oracles.noisy", "Noisy"),
        "human": Entry("fal.data.oracles.human", "Human"),
    },
)


def create(method: str, **options: Any) -> Oracle:
    """The oracle ``method``, a name of ORACLES or ``path/to/file.py:Class``.

    Raises InputError if the name or an option is unknown or a value will not do.
    """
    return ORACLES.create(method, **options)
