"""Ranking by score, without torch."""

from __future__ import annotations

from typing import Any

import numpy as np


def top(scores: Any, budget: int) -> np.ndarray:
    """Positions of the ``budget`` highest scores, the highest first; ties by position.

    scores: [n], a tensor of any device or what NumPy can read. Returns int64 [min(budget, n)].
    """
    return np.argsort(-to_numpy(scores).astype(np.float64), kind="stable")[:budget]


def to_numpy(values: Any) -> np.ndarray:
    """An array of what NumPy can read, or of a tensor of any device."""
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)
