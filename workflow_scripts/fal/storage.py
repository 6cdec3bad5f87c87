"""Reading and writing what passes between the steps: no pickle, and never half a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends without error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def save_array(path: str | Path, **arrays: np.ndarray) -> None:
    """Write arrays to an .npz file."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_array(path: str | Path, key: str) -> np.ndarray:
    """Read one array of an .npz file."""
    with np.load(path, allow_pickle=False) as file:
        return file[key]


def save_tensors(path: str | Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors of any device to a .safetensors file."""
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        save_file({name: t.cpu().contiguous() for name, t in tensors.items()}, temporary)


def load_tensors(path: str | Path, device: str | object = "cpu") -> dict[str, Tensor]:
    """Read a .safetensors file."""
    from safetensors.torch import load_file

    return load_file(path, device=str(device))


def save_state(path: str | Path, state: dict[str, dict[str, Tensor]]) -> None:
    """Write a training's state, tensors by part and name, to a .safetensors file."""
    save_tensors(
        path, {f"{part}/{name}": t for part, named in state.items() for name, t in named.items()}
    )


def load_state(path: str | Path, device: str | object = "cpu") -> dict[str, dict[str, Tensor]]:
    """What save_state wrote."""
    state: dict[str, dict[str, Tensor]] = {}
    for key, tensor in load_tensors(path, device).items():
        part, _, name = key.partition("/")
        state.setdefault(part, {})[name] = tensor
    return state
