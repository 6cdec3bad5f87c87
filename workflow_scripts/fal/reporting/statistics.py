"""Statistics of learning curves and of runs paired by seed: arrays in, numbers out.

Accuracies are in percent and differences in percentage points; a positive difference means that
the first of two strategies is the better.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from fal.rng import numpy_generator

LEVEL = 0.05
"""The level of every test, in each direction that it is made in; intervals cover 1 - LEVEL."""

RESAMPLES = 10_000
"""Resamples of every bootstrap that cannot take them all."""

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """An interval of confidence of 95%; both NaN where there is none."""

    low: float
    high: float


NO_INTERVAL = Interval(np.nan, np.nan)


def area_under_curve(labels: ArrayLike, accuracy: ArrayLike) -> float:
    """The area under a learning curve in percent of accuracy.

    The trapezoids between consecutive cycles, over labeled images, divided by the span from the
    first cycle to the last: the mean height of the curve that connects the points by straight
    lines. Labeled fractions give the same number as labeled images. The area of a curve without a
    span is its mean accuracy.

    labels, accuracy: [cycles], labels not decreasing: equal where people were sure of no image.
    """
    x, y = _curve(labels, accuracy)
    span = x[-1] - x[0]
    return float(np.trapezoid(y, x) / span) if span > 0 else float(y.mean())


def labels_to_reach(labels: ArrayLike, accuracy: ArrayLike, target: float) -> float:
    """The labeled images with which a learning curve first reaches an accuracy.

    Linear between cycles; those of the first cycle if that is accurate enough already, NaN if no
    cycle is.

    labels, accuracy: [cycles], labels not decreasing. target: percent.
    """
    x, y = _curve(labels, accuracy)
    reached = np.flatnonzero(y >= target)
    if not len(reached):
        return np.nan
    after = reached[0]
    if after == 0:
        return float(x[0])
    share = (target - y[after - 1]) / (y[after] - y[after - 1])
    return float(x[after - 1] + share * (x[after] - x[after - 1]))


def labels_saved(
    labels: ArrayLike, accuracy: ArrayLike, baseline_labels: ArrayLike, baseline: ArrayLike
) -> float:
    """How many labeled images fewer than the baseline a strategy needs to be as accurate as it.

    Both counts are those of ``labels_to_reach`` for the baseline's accuracy after its last cycle.
    NaN if the strategy does not reach it; negative if it does so later.
    """
    target = float(np.asarray(baseline)[-1])
    needed = labels_to_reach(labels, accuracy, target)
    return labels_to_reach(baseline_labels, baseline, target) - needed


def _curve(labels: ArrayLike, accuracy: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(labels, dtype=float), np.asarray(accuracy, dtype=float)
    if x.shape != y.shape or x.ndim != 1 or not len(x) or (np.diff(x) < 0).any():
        raise ValueError("a learning curve has one accuracy per label count, and those never fall")
    return x, y


def mean_interval(differences: ArrayLike) -> Interval:
    """Interval of 95% for the mean of paired differences: bias-corrected, accelerated bootstrap.

    Efron (1987), Better bootstrap confidence intervals. The acceleration is the jackknife's; for
    the bias, resamples with the mean of the sample count by halves. Of up to eight differences
    all resamples are taken, of more a number that depends on nothing but how many they are, so the
    interval of the negated differences is the negated interval, for more than eight nearly. No
    interval for a single difference; a point where all are equal. It lies within the differences,
    so with a handful of them it is too narrow: of normal differences it covers the mean in 50% of
    the samples of two, 73% of three, 84% of five, 90% of ten.

    differences: [n], not empty.
    """
    sample = np.sort(np.asarray(differences, dtype=float))
    if len(sample) < 2:
        return NO_INTERVAL
    deviations = sample - sample.mean()
    spread = (deviations**2).sum()
    # Deviations that are nothing but rounding have no direction.
    if spread <= len(sample) * (1e-12 * np.abs(sample).max()) ** 2:
        return Interval(float(sample.mean()), float(sample.mean()))
    counts, chances = _resamples(len(sample))
    means = counts @ deviations / len(sample)
    equal = 1e-9 * np.sqrt(spread)
    below = (chances[means < -equal].sum() + chances[means <= equal].sum()) / 2
    bias = special.ndtri(below)
    acceleration = (deviations**3).sum() / (6 * spread**1.5)
    z = bias + special.ndtri([LEVEL / 2, 1 - LEVEL / 2])
    levels = special.ndtr(bias + z / (1 - acceleration * z))
    low, high = np.quantile(means, levels, weights=chances, method="inverted_cdf")
    return Interval(float(sample.mean() + low), float(sample.mean() + high))


@lru_cache(maxsize=32)
def _resamples(size: int) -> tuple[Floats, Floats]:
    """How often each member of a sample is in each resample, and how probable that one is.

    Returns [resamples, size] and [resamples]: all of them, or ``RESAMPLES`` if there are more.
    """
    if math.comb(2 * size - 1, size) > RESAMPLES:
        generator = numpy_generator(0, "bootstrap")
        drawn = generator.multinomial(size, np.full(size, 1 / size), size=RESAMPLES)
        return drawn.astype(float), np.full(RESAMPLES, 1 / RESAMPLES)
    every = itertools.combinations_with_replacement(range(size), size)
    counts = np.array([np.bincount(members, minlength=size) for members in every], dtype=float)
    orders = math.factorial(size) / special.factorial(counts).prod(axis=1)
    return counts, orders / size**size


def hodges_lehmann(differences: ArrayLike) -> float:
    """The median of the means of all pairs of differences, each with itself too.

    Hodges and Lehmann (1963): the estimate of location that belongs to the Wilcoxon test.
    """
    sample = np.asarray(differences, dtype=float)
    first, second = np.triu_indices(len(sample))
    return float(np.median((sample[first] + sample[second]) / 2))


def wilcoxon_p(differences: ArrayLike) -> float:
    """Exact one-sided p of Wilcoxon's signed-rank test that differences tend to be positive.

    The probability, over all 2^n equally likely signs, of a sum of positive ranks at least as
    large as the observed. Zeros are dropped, ties share their mean rank, and the distribution is
    that of the very ranks: exact for any n. 1 where all differences are zero.
    """
    sample = np.asarray(differences, dtype=float)
    sample = sample[sample != 0]
    ranks = (2 * _ranks(np.abs(sample))).astype(int)  # Doubled, so integers.
    chance = np.zeros(ranks.sum() + 1)
    chance[0] = 1
    for rank in ranks:
        positive = np.concatenate([np.zeros(rank), chance[:-rank]])
        chance = (chance + positive) / 2
    return float(min(1, chance[ranks[sample > 0].sum() :].sum()))


def _ranks(values: Floats) -> Floats:
    """Ranks along the last axis, the smallest first from 1; equals share their mean rank."""
    others, own = values[..., None, :], values[..., None]
    return (others < own).sum(axis=-1) + ((others == own).sum(axis=-1) + 1) / 2


def win_ratio(differences: ArrayLike) -> float:
    """The share of positive differences, zeros counted by halves."""
    sample = np.asarray(differences, dtype=float)
    return float(((sample > 0).sum() + (sample == 0).sum() / 2) / len(sample))


def holm(p_values: ArrayLike) -> Floats:
    """Holm's (1979) corrected p of a family of tests; those that are NaN do not count.

    p_values: [tests].
    """
    p = np.asarray(p_values, dtype=float)
    corrected = np.full(len(p), np.nan)
    tests = np.flatnonzero(~np.isnan(p))
    order = tests[np.argsort(p[tests], kind="stable")]
    scaled = np.arange(len(order), 0, -1) * p[order]
    corrected[order] = np.minimum(1, np.maximum.accumulate(scaled))
    return corrected


def smallest_p(seeds: int) -> float:
    """The smallest p that ``wilcoxon_p`` can give for so many pairs: 2^-seeds."""
    return float(0.5**seeds)


def seed_count(seeds: float) -> str:
    """How many seeds, in words."""
    return "1 seed" if seeds == 1 else f"{seeds:.0f} seeds"


def indecision(seeds: int, others: Sequence[int] = ()) -> str:
    """That so few seeds can decide nothing, in words; empty where they can decide something.

    others: how many seeds each of the other comparisons has that Holm's correction is for. If
    every comparison had the smallest p that it can have, so would every corrected one.
    """
    count = seed_count(seeds)
    corrected = holm([smallest_p(number) for number in (seeds, *others)])[0]
    if smallest_p(seeds) > LEVEL:
        return f"{count} can decide nothing: the smallest p is {smallest_p(seeds):.3g}"
    if corrected > LEVEL:
        return (
            f"{count} can decide nothing among {1 + len(others)} comparisons: "
            f"the smallest corrected p is {corrected:.3g}"
        )
    return ""


class Friedman(NamedTuple):
    """Friedman's test: ranks [strategies] averaged over settings, chi-square statistic, its p."""

    ranks: Floats
    statistic: float
    p: float


def friedman(scores: ArrayLike) -> Friedman:
    """Friedman's test that all strategies do equally well, over settings.

    The best of a setting has rank 1, ties share their mean rank, and the statistic is corrected
    for them. Demšar (2006), Statistical comparisons of classifiers over multiple data sets.

    scores: [settings, strategies], higher is better; at least two strategies.
    """
    values = np.asarray(scores, dtype=float)
    settings, strategies = values.shape
    ranks = _ranks(-values)
    # The variance that ranks without ties have is k (k + 1) / 12.
    variance = ((ranks - (strategies + 1) / 2) ** 2).sum() / (settings * (strategies - 1))
    mean = ranks.mean(axis=0)
    if variance == 0:
        return Friedman(mean, 0.0, 1.0)
    statistic = settings * ((mean - (strategies + 1) / 2) ** 2).sum() / variance
    return Friedman(mean, float(statistic), float(special.chdtrc(strategies - 1, statistic)))


def critical_difference(strategies: int, settings: int) -> float:
    """Nemenyi's critical difference of average ranks at the 5% level, for ``friedman``."""
    # All of scipy.stats takes a second to import, and whoever ranks runs imports this module.
    from scipy.stats import studentized_range

    quantile = studentized_range.ppf(1 - LEVEL, strategies, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(strategies * (strategies + 1) / (6 * settings)))


def undecided_groups(ranks: ArrayLike, difference: float) -> list[list[int]]:
    """The bars of a critical-difference diagram.

    All largest groups of at least two strategies whose average ranks are at most ``difference``
    apart, each as positions in ``ranks``, best first.
    """
    values = np.asarray(ranks, dtype=float)
    order = [int(position) for position in np.argsort(values, kind="stable")]
    groups: list[list[int]] = []
    for start, best in enumerate(order):
        group = [p for p in order[start:] if values[p] - values[best] <= difference]
        if len(group) > 1 and not (groups and set(group) <= set(groups[-1])):
            groups.append(group)
    return groups


def penalty_matrix(settings: Sequence[ArrayLike]) -> Floats:
    """How often each strategy (row) beats each other (column), counted in settings.

    Ash et al. (2020), Deep batch active learning by diverse, uncertain gradient lower bounds,
    section 5: at each labeled count of a setting, i beats j if a two-sided paired t-test of
    their accuracies over seeds is significant at 5%, with i's mean the higher; with five seeds
    that is t > 2.776. Each win adds 1 / (labeled counts of the setting), so that a setting adds at
    most 1 to an entry. The mean of a column is how often its strategy is beaten: the smaller, the
    better. Their counts are 100 and 100 + 2^m batches up to where random sampling has 99% of its
    final accuracy; here they are what the caller gives.

    settings: of each the accuracies [labeled counts, strategies, seeds], NaN where a run is
    missing; a test needs two seeds that both strategies have. Differences that are all the same
    are significant unless they are 0.

    Returns [strategies, strategies].
    """
    return np.sum([_penalties(np.asarray(accuracy, dtype=float)) for accuracy in settings], axis=0)


def _penalties(accuracy: Floats) -> Floats:
    differences = accuracy[:, :, None] - accuracy[:, None]
    paired = ~np.isnan(differences)
    seeds = paired.sum(axis=-1)
    freedom = np.maximum(seeds - 1, 1)
    mean = differences.sum(axis=-1, where=paired) / np.maximum(seeds, 1)
    squares = ((differences - mean[..., None]) ** 2).sum(axis=-1, where=paired)
    error = np.sqrt(squares / freedom / np.maximum(seeds, 1))
    beats = (mean > special.stdtrit(freedom, 1 - LEVEL / 2) * error) & (seeds > 1)
    return beats.mean(axis=0)


def interquartile_mean(values: ArrayLike) -> float:
    """The mean without the lowest and the highest quarter (each rounded down to whole values).

    Agarwal et al. (2021), Deep reinforcement learning at the edge of the statistical precipice.
    """
    return float(_trimmed(np.asarray(values, dtype=float).ravel()))


def interquartile_mean_interval(strata: Sequence[ArrayLike]) -> Interval:
    """Interval of 95% for the interquartile mean of all values: stratified percentile bootstrap.

    Each setting is resampled on its own, so that all keep their weights (Agarwal et al., 2021).
    No interval where no setting has two values.

    strata: of each setting the values [seeds].
    """
    settings = [np.sort(np.asarray(values, dtype=float)) for values in strata]
    if all(len(values) < 2 for values in settings):
        return NO_INTERVAL
    generator = numpy_generator(0, "stratified bootstrap")
    resamples = [
        values[generator.integers(len(values), size=(RESAMPLES, len(values)))]
        for values in settings
        if len(values)
    ]
    means = _trimmed(np.concatenate(resamples, axis=1))
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
    return Interval(float(low), float(high))


def _trimmed(values: Floats) -> Floats:
    cut = values.shape[-1] // 4
    return np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut].mean(axis=-1)
