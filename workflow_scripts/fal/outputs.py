"""What models give for images: what passes from trained models to query strategies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fal import storage

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Outputs:
    """One model's view of n examples. features: float32 [n, D]; logits: float32 [n, C]."""

    features: Tensor
    logits: Tensor


def save(path: str | Path, outputs: Mapping[str, Outputs]) -> None:
    """Write the outputs of several models, by role, to a .safetensors file."""
    storage.save_state(path, {role: asdict(its) for role, its in outputs.items()})


def load(path: str | Path, device: str | object = "cpu") -> dict[str, Outputs]:
    """Read what ``save`` wrote."""
    return {role: Outputs(**its) for role, its in storage.load_state(path, device).items()}
