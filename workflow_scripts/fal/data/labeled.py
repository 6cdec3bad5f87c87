"""What is labeled when a cycle begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fal import storage


@dataclass(frozen=True)
class Labeled:
    """The labeled images of all clients.

    index: int64 [n], ascending places in the training set. label: int64 [n], the class that the
    oracle gave each. unsure: int64 [clients], how many images each client has asked about in vain:
    its next query may be so much larger.
    """

    index: np.ndarray
    label: np.ndarray
    unsure: np.ndarray

    @classmethod
    def of(cls, index: np.ndarray, label: np.ndarray, client: np.ndarray) -> Labeled:
        """Answers ``label`` int64 [n], negative where unsure, to images ``index`` in any order.

        client: int64 [N], client of each training image.
        """
        nothing = np.zeros(0, dtype=np.int64)
        unsure = np.zeros(client.max() + 1, dtype=np.int64)
        return cls(nothing, nothing, unsure).extended(index, label, client)

    @classmethod
    def open(cls, path: str | Path) -> Labeled:
        """Read what ``save`` wrote."""
        return cls(*(storage.load_array(path, key) for key in ("index", "label", "unsure")))

    def save(self, path: str | Path) -> None:
        """Write it to an .npz file."""
        storage.save_array(path, index=self.index, label=self.label, unsure=self.unsure)

    def extended(self, index: np.ndarray, label: np.ndarray, client: np.ndarray) -> Labeled:
        """With the answers to one more query, as in ``of``; only its own unsure ones count."""
        sure = label >= 0
        every = np.concatenate([self.index, index[sure]])
        order = np.argsort(every, kind="stable")
        return Labeled(
            every[order],
            np.concatenate([self.label, label[sure]])[order],
            np.bincount(client[index[~sure]], minlength=len(self.unsure)),
        )

    def labels(self, size: int) -> np.ndarray:
        """The labels int64 [size] of all training images, -1 where the oracle gave none."""
        labels = np.full(size, -1, dtype=np.int64)
        labels[self.index] = self.label
        return labels
