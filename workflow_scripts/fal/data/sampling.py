"""How many of a number, and which of them: rounding and stratified draws."""

import math

import numpy as np


def round_half_up(value: float) -> int:
    """The nearest whole number; halves go up, where the builtin rounds them to the even one."""
    return math.floor(value + 0.5)


def size_of_test_set(images: int, classes: int, fraction: float) -> int:
    """How many of ``images`` a test set of ``fraction`` gets.

    Both parts keep at least one image of each class. Halves are rounded to the even number.
    """
    return min(max(round(fraction * images), classes), images - classes)


def long_tail(labels: np.ndarray, imbalance: float, rng: np.random.Generator) -> np.ndarray:
    """Ascending indices of a long-tailed part of examples with ``labels`` int64 [N].

    Of C classes, class c keeps at random n * imbalance^(c / (C - 1)) examples, rounded down and at
    least one, n being the size of the largest class; classes that have fewer keep all (Cui et al.,
    CVPR 2019, and Cao et al., NeurIPS 2019, for classes of equal size).
    """
    sizes = np.bincount(labels)
    steps = max(1, len(sizes) - 1)
    kept = [
        rng.permutation(np.flatnonzero(labels == c))[
            : max(1, int(sizes.max() * imbalance ** (c / steps)))
        ]
        for c in range(len(sizes))
    ]
    return np.sort(np.concatenate(kept))


def stratified_draw(
    labels: np.ndarray, count: int, most: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """``count`` ascending indices: of each class one, and beyond that its share of the rest.

    labels: int64 [N]. No class gives more than ``most`` [classes]. Shares are rounded by largest
    remainder.
    """
    share = (most - 1) * (count - len(most)) / max(1, (most - 1).sum())
    quota = np.floor(share).astype(np.int64)
    short = count - len(most) - quota.sum()
    quota[np.argsort(quota - share, kind="stable")[:short]] += 1
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[: 1 + extra]
        for label, extra in enumerate(quota)
    ]
    return np.sort(np.concatenate(drawn))
