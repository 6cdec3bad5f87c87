"""What models give for images: what passes from trained models to query strategies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fal import storage

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Outputs:
    """One model's view of n examples. features: float32 [n, D]; logits: float32 [n, C]."""

    features: Tensor
    logits: Tensor


def accuracies(outputs: Mapping[str, Outputs], labels: np.ndarray) -> dict[str, float]:
    """How many percent of the examples each model is right about, by role.

    labels: int64 [n], below 0 for examples that do not count. Nothing if none counts.
    """
    counts = labels >= 0
    if not counts.any():
        return {}
    return {
        role: 100 * float((its.logits.argmax(1).cpu().numpy() == labels)[counts].mean())
        for role, its in outputs.items()
    }


def save(path: str | Path, outputs: Mapping[str, Outputs]) -> None:
    """Write the outputs of several models, by role, to a .safetensors file."""
    storage.save_state(path, {role: asdict(its) for role, its in outputs.items()})


def load(path: str | Path, device: str | object = "cpu") -> dict[str, Outputs]:
    """Read what ``save`` wrote."""
    return {role: Outputs(**its) for role, its in storage.load_state(path, device).items()}
