"""Ranking by score, without torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from fal.rng import numpy_generator


def top(scores: Any, budget: int, seed: int) -> np.ndarray:
    """Positions of the ``budget`` highest scores, the highest first; equals in random order.

    By position, equals would be of one class wherever images are stored class by class.

    scores: [n], a tensor of any device or what NumPy can read. Returns int64 [min(budget, n)].
    """
    values = to_numpy(scores).astype(np.float64)
    order = numpy_generator(seed, "ties").permutation(len(values))
    return order[np.argsort(-values[order], kind="stable")[:budget]]


def to_numpy(values: Any) -> np.ndarray:
    """An array of what NumPy can read, or of a tensor of any device."""
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)
