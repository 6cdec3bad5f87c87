"""What a model says of images: the file that passes from trained models to query strategies."""

from __future__ import annotations

from dataclasses import dataclass
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


def save(path: str | Path, outputs: Outputs) -> None:
    """Write a model's features and logits to a .safetensors file."""
    storage.save_tensors(path, {"features": outputs.features, "logits": outputs.logits})


def load(path: str | Path, device: str | object = "cpu") -> Outputs:
    """Read what ``save`` wrote."""
    return Outputs(**storage.load_tensors(path, device))
