"""How many of a number, and which of them: rounding and stratified draws."""

import math

import numpy as np

DECIMALS = 9
"""To which amounts are taken before they are rounded: no share of images is meant to be finer."""


def round_half_up(value: float) -> int:
    """The nearest whole number; halves go up, where the builtin rounds them to the even one.

    A product such as 0.29 * 50 is a half, though binary fractions make it a little less.
    """
    return math.floor(round(value, DECIMALS) + 0.5)


def round_up(value: float) -> int:
    """The next whole number from ``value`` up; 0.07 * 100 is 7, as ``round_half_up`` has it."""
    return math.ceil(round(value, DECIMALS))


def size_of_test_set(images: int, classes: int, fraction: float) -> int:
    """How many of ``images`` a test set of ``fraction`` gets.

    Both parts keep at least one image of each class. Halves are rounded to the even number.
    """
    return min(max(round(fraction * images), classes), images - classes)


def long_tail(
    labels: np.ndarray, classes: int, imbalance: float, rng: np.random.Generator
) -> np.ndarray:
    """Ascending indices of a long-tailed part of examples with ``labels`` int64 [N].

    Of C = ``classes``, class c keeps at random n * imbalance^(c / (C - 1)) examples, rounded down
    and at least one, n being the size of the largest class; classes that have fewer keep all (Cui
    et al., CVPR 2019, and Cao et al., NeurIPS 2019, for classes of equal size).
    """
    sizes = np.bincount(labels, minlength=classes)
    steps = max(1, classes - 1)
    kept = [
        rng.permutation(np.flatnonzero(labels == c))[
            : max(1, int(sizes.max() * imbalance ** (c / steps)))
        ]
        for c in range(classes)
    ]
    return np.sort(np.concatenate(kept))


def stratified_draw(
    labels: np.ndarray, count: int, most: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """``count`` ascending indices: of each class one, and beyond that its share of the rest.

    labels: int64 [N]. No class gives more than ``most`` [classes], which may be 0. Shares are
    rounded by largest remainder.
    """
    first = np.minimum(most, 1)
    left = count - first.sum()
    share = (most - first) * left / max(1, (most - first).sum())
    quota = np.floor(share).astype(np.int64)
    quota[np.argsort(quota - share, kind="stable")[: left - quota.sum()]] += 1
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[:number]
        for label, number in enumerate(first + quota)
    ]
    return np.sort(np.concatenate(drawn))
