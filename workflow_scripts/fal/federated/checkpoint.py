"""Where an unfinished training stands, so that a killed job goes on from there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fal import storage

if TYPE_CHECKING:
    from fal.federated.algorithms import State


class Checkpoint:
    """The last saved state of one training and its history, in a hidden file beside its results.

    key: all that the training depends on; files, given as Paths, count by their contents. What
    was saved under another key is never loaded. every: seconds between two savings.
    """

    def __init__(self, folder: str | Path, key: Iterable[object], every: float):
        digest = hashlib.blake2b(digest_size=16)
        for part in key:
            digest.update(part.read_bytes() if isinstance(part, Path) else repr(part).encode())
            digest.update(b"\0")
        self.folder, self.every = Path(folder), every
        self.path = self.folder / f".checkpoint-{digest.hexdigest()}.safetensors"
        self.last = time.monotonic()

    def load(self, device: str = "cpu") -> tuple[State, list[dict]] | None:
        """The state and the history that ``save`` was last given, or None if there are none."""
        if not self.path.exists():
            return None
        state = storage.load_state(self.path, device)
        columns = {name: column.cpu() for name, column in state.pop("history").items()}
        return state, pd.DataFrame(columns).to_dict("records")

    def save(self, state: State, history: list[dict]) -> None:
        """Keep the state and the history, one row of numbers per round, if it is time."""
        if time.monotonic() - self.last < self.every:
            return
        import torch

        columns = {n: torch.tensor(c.to_numpy()) for n, c in pd.DataFrame(history).items()}
        storage.save_state(self.path, {**state, "history": columns})
        self.last = time.monotonic()

    def remove(self) -> None:
        """Forget this and all other checkpoints of the folder: the results are there."""
        for path in self.folder.glob(".checkpoint-*"):
            path.unlink()
