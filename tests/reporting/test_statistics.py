import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fal.reporting import statistics

# Of all libraries that are only compared with, the one that takes seconds to import.
STATSMODELS = pytest.mark.xdist_group("statsmodels")

POINTS = st.integers(-40, 40).map(lambda number: number / 8)  # With ties, zeros, and no rounding.
DIFFERENCES = st.lists(POINTS, min_size=1, max_size=9).map(np.array)

few = settings(max_examples=25)
imports_slowly = pytest.mark.xdist_group("slow imports")


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


class TestCurves:
    def test_area_of_known_curves(self):
        assert statistics.area_under_curve([10, 20], [50, 70]) == 60
        assert statistics.area_under_curve([10, 20, 40], [50, 70, 70]) == pytest.approx(200 / 3)
        assert statistics.area_under_curve([5], [33]) == 33

    def test_a_query_without_a_sure_answer_adds_no_area(self):
        assert statistics.area_under_curve([10, 10, 20], [50, 90, 70]) == 80
        assert statistics.area_under_curve([10, 10], [50, 60]) == 55
        assert statistics.labels_to_reach([10, 10, 20], [50, 60, 70], 55) == 10

    def test_area_is_the_mean_height_of_the_curve(self):
        labels = np.array([140, 210, 280, 350, 500])
        accuracy = 80 + normal(0, 5)
        middles = (np.arange(360_000) + 0.5) / 1000 + 140
        height = np.interp(middles, labels, accuracy).mean()
        assert statistics.area_under_curve(labels, accuracy) == pytest.approx(height, abs=1e-6)

    @few
    @given(st.lists(st.floats(0, 100), min_size=1, max_size=8), st.integers(1, 1000))
    def test_area_of_fractions_is_that_of_labels(self, accuracy, total):
        labels = np.arange(1, len(accuracy) + 1) ** 2
        by_labels = statistics.area_under_curve(labels, accuracy)
        assert statistics.area_under_curve(labels / total, accuracy) == pytest.approx(by_labels)
        assert min(accuracy) - 1e-9 <= by_labels <= max(accuracy) + 1e-9

    @pytest.mark.parametrize("labels", [[2, 1], [1, 2, 3], []])
    def test_labels_never_get_fewer(self, labels):
        with pytest.raises(ValueError, match="never fall"):
            statistics.area_under_curve(labels, [50, 60][: len(labels)])

    @pytest.mark.parametrize(
        ("target", "needed"),
        [(40, 10), (50, 10), (55, 15), (60, 20), (60.5, 32.5), (62, 40), (62.1, math.nan)],
    )
    def test_labels_to_reach(self, target, needed):
        # Down and up again between 20 and 40: what counts is the first time.
        found = statistics.labels_to_reach([10, 20, 30, 40], [50, 60, 60, 62], target)
        assert found == pytest.approx(needed, nan_ok=True)
        if target <= 60:
            dented = statistics.labels_to_reach([10, 20, 30, 40], [50, 60, 40, 62], target)
            assert dented == pytest.approx(needed)

    @few
    @given(st.lists(st.integers(0, 100), min_size=1, max_size=7), st.integers(0, 100))
    def test_labels_to_reach_lie_on_the_curve(self, accuracy, target):
        labels = np.arange(len(accuracy)) * 70 + 140
        needed = statistics.labels_to_reach(labels, accuracy, target)
        if max(accuracy) < target:
            assert math.isnan(needed)
        elif accuracy[0] >= target:
            assert needed == labels[0]
        else:
            assert np.interp(needed, labels, accuracy) == pytest.approx(target)
            assert max(np.array(accuracy)[labels < needed]) < target

    def test_labels_saved(self):
        baseline = ([10, 20, 30], [50, 60, 70])
        assert statistics.labels_saved([10, 20, 30], [50, 70, 71], *baseline) == 10
        assert statistics.labels_saved([10, 20, 40], [50, 60, 80], *baseline) == 0
        assert statistics.labels_saved([10, 20, 50], [50, 60, 70], *baseline) == -20
        assert math.isnan(statistics.labels_saved([10, 20, 30], [50, 60, 69], *baseline))


def exact_interval(sample):
    """BCa for the mean from all n^n resamples, in loops."""
    size, center = len(sample), sum(sample) / len(sample)
    means = [sum(chosen) / size for chosen in itertools.product(sample, repeat=size)]
    halves = [0.5 if abs(m - center) < 1e-9 else float(m < center) for m in means]
    bias = stats.norm.ppf(sum(halves) / len(halves))
    left_out = [(sum(sample) - value) / (size - 1) for value in sample]
    steps = [sum(left_out) / size - value for value in left_out]
    acceleration = sum(s**3 for s in steps) / (6 * sum(s**2 for s in steps) ** 1.5)
    ends = []
    for z in (stats.norm.ppf(0.025), stats.norm.ppf(0.975)):
        shifted = bias + (bias + z) / (1 - acceleration * (bias + z))
        ends.append(np.quantile(means, stats.norm.cdf(shifted), method="inverted_cdf"))
    return ends


class TestMeanInterval:
    @pytest.mark.parametrize(
        "sample", [[1, 2, 3], [1, 2, 4, 9], [-3, 0, 0, 1], [0.1, 0.2, 0.3, 5, 5]]
    )
    def test_agrees_with_all_resamples(self, sample):
        assert statistics.mean_interval(sample) == pytest.approx(exact_interval(sample))

    @few
    @given(DIFFERENCES.filter(lambda sample: 1 < len(sample) < 9))
    def test_of_the_other_way_round_is_the_negated(self, sample):
        low, high = statistics.mean_interval(sample)
        assert statistics.mean_interval(-sample) == pytest.approx((-high, -low))

    @pytest.mark.parametrize("size", [6, 8, 9, 15, 40])
    def test_agrees_with_scipy(self, size):
        sample = np.exp(normal(size, size))
        expected = stats.bootstrap((sample,), np.mean, n_resamples=20_000, rng=1)
        found = statistics.mean_interval(sample)
        assert found == pytest.approx(
            tuple(expected.confidence_interval), abs=0.03 * np.ptp(sample)
        )

    @pytest.mark.parametrize(("size", "covered"), [(2, 0.50), (3, 0.73), (5, 0.84)])
    def test_is_too_narrow_for_few(self, size, covered):
        # As docs/verdicts.md and the tables say; the standard error is at most 0.025.
        intervals = [statistics.mean_interval(sample) for sample in normal(size, 400, size)]
        assert np.mean([low <= 0 <= high for low, high in intervals]) == pytest.approx(
            covered, abs=0.07
        )

    def test_one_difference_has_none(self):
        assert np.isnan(statistics.mean_interval([1.5])).all()

    @pytest.mark.parametrize("value", [0.0, 1.7, -0.1])
    def test_equal_differences_are_a_point(self, value):
        assert statistics.mean_interval([value] * 3) == pytest.approx((value, value))

    def test_rounding_is_no_spread(self):
        low, high = statistics.mean_interval([0.3, 0.1 + 0.2, 0.3])
        assert low == high == pytest.approx(0.3)

    @few
    @given(DIFFERENCES, st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order(self, sample, random):
        shuffled = random.sample(list(sample), len(sample))
        np.testing.assert_equal(
            statistics.mean_interval(shuffled), statistics.mean_interval(sample)
        )

    @few
    @given(DIFFERENCES.filter(lambda sample: len(sample) > 1), st.sampled_from([0.1, 3, 1000]))
    def test_moves_and_grows_with_the_sample(self, sample, factor):
        low, high = statistics.mean_interval(sample)
        moved = statistics.mean_interval(factor * sample + 7)
        assert moved == pytest.approx((factor * low + 7, factor * high + 7))
        assert sample.min() - 1e-9 <= low <= high <= sample.max() + 1e-9


class TestHodgesLehmann:
    def test_known(self):
        assert statistics.hodges_lehmann([3]) == 3
        assert statistics.hodges_lehmann([1, 2, 9]) == pytest.approx(3.5)

    @few
    @given(DIFFERENCES)
    def test_agrees_with_loops_and_is_antisymmetric(self, sample):
        pairs = itertools.combinations_with_replacement(sample, 2)
        expected = np.median([(a + b) / 2 for a, b in pairs])
        assert statistics.hodges_lehmann(sample) == expected
        assert statistics.hodges_lehmann(-sample) == -expected
        assert statistics.hodges_lehmann(sample + 4) == expected + 4


def enumerated_p(sample):
    """The one-sided signed-rank p from all signs, in loops."""
    sample = [value for value in sample if value]
    ranks = stats.rankdata(np.abs(sample)) if sample else []
    observed = sum(rank for rank, value in zip(ranks, sample, strict=True) if value > 0)
    signs = list(itertools.product([0, 1], repeat=len(ranks)))
    sums = [sum(rank for rank, sign in zip(ranks, row, strict=True) if sign) for row in signs]
    return sum(value >= observed - 1e-9 for value in sums) / len(sums)


class TestWilcoxon:
    @pytest.mark.parametrize("size", [1, 2, 3, 5, 10, 20, 30, 60])
    def test_agrees_with_scipy_without_ties(self, size):
        for seed in range(5):
            sample = normal(100 * size + seed, size) + 0.3
            expected = stats.wilcoxon(sample, alternative="greater", method="exact").pvalue
            assert statistics.wilcoxon_p(sample) == pytest.approx(expected, rel=1e-9)

    @few
    @given(DIFFERENCES)
    def test_agrees_with_all_signs(self, sample):
        assert statistics.wilcoxon_p(sample) == pytest.approx(enumerated_p(sample), rel=1e-12)

    @few
    @given(DIFFERENCES)
    def test_both_sides(self, sample):
        better, worse = statistics.wilcoxon_p(sample), statistics.wilcoxon_p(-sample)
        assert better + worse >= 1
        assert statistics.wilcoxon_p(100 * sample) == better
        assert statistics.wilcoxon_p(sample[::-1]) == better

    def test_zeros(self):
        assert statistics.wilcoxon_p([0, 0]) == 1
        assert statistics.wilcoxon_p([0, 1, 2, 0]) == 0.25

    @pytest.mark.parametrize("seeds", [1, 3, 5, 12])
    def test_smallest(self, seeds):
        assert statistics.wilcoxon_p(np.arange(1, seeds + 1)) == statistics.smallest_p(seeds)
        assert statistics.wilcoxon_p(np.ones(seeds)) == 2**-seeds

    def test_many_pairs_with_ties(self):
        sample = np.round(normal(5, 300) + 0.1, 1)
        approximate = stats.wilcoxon(sample, alternative="greater", method="asymptotic").pvalue
        assert statistics.wilcoxon_p(sample) == pytest.approx(approximate, rel=0.05)


class TestHolm:
    def test_known(self):
        # Three tests: 0.01 x 3, then 0.03 x 2, and 0.04 x 1 no smaller than that.
        np.testing.assert_allclose(statistics.holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
        np.testing.assert_allclose(statistics.holm([0.6, math.nan, 0.6]), [1, math.nan, 1])
        assert statistics.holm([]).shape == (0,)
        assert statistics.holm([0.2]) == [0.2]

    @imports_slowly
    @STATSMODELS
    def test_agrees_with_statsmodels(self):
        multitest = pytest.importorskip("statsmodels.stats.multitest")
        for seed in range(20):
            p_values = np.round(np.random.default_rng(seed).random(1 + seed) ** 3, 2)
            expected = multitest.multipletests(p_values, method="holm")[1]
            np.testing.assert_allclose(statistics.holm(p_values), expected)

    @few
    @given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
    def test_keeps_the_order(self, p_values):
        corrected = statistics.holm(p_values)
        assert (np.diff(corrected[np.argsort(p_values, kind="stable")]) >= 0).all()
        assert (corrected >= p_values).all()
        assert corrected.min() == min(1, len(p_values) * min(p_values))


@few
@given(DIFFERENCES)
def test_win_ratio(sample):
    wins = statistics.win_ratio(sample)
    assert wins == np.mean([1 if d > 0 else 0.5 if d == 0 else 0 for d in sample])
    assert wins + statistics.win_ratio(-sample) == pytest.approx(1)


class TestIndecision:
    def test_words(self):
        assert statistics.indecision(3) == "3 seeds can decide nothing: the smallest p is 0.125"
        assert statistics.indecision(1) == "1 seed can decide nothing: the smallest p is 0.5"
        assert statistics.indecision(4).endswith("0.0625")
        assert statistics.indecision(5) == ""

    def test_of_a_family(self):
        assert statistics.indecision(5, [5]) == (
            "5 seeds can decide nothing among 2 comparisons: the smallest corrected p is 0.0625"
        )
        assert statistics.indecision(9, [9] * 14) == ""
        assert statistics.indecision(3, [3]).endswith("the smallest p is 0.125")

    def test_others_with_more_seeds_come_first(self):
        assert statistics.indecision(5, [12] * 9) == ""
        best = [2**-5, *[2**-12] * 9]
        assert statistics.holm(best)[0] == 2**-5


class TestFriedman:
    @pytest.mark.parametrize("decimals", [6, 0])
    @pytest.mark.parametrize("shape", [(4, 3), (12, 5), (3, 16)])
    def test_agrees_with_scipy(self, shape, decimals):
        scores = np.round(3 * normal(sum(shape), *shape), decimals)
        found = statistics.friedman(scores)
        expected = stats.friedmanchisquare(*scores.T)
        assert found.statistic == pytest.approx(expected.statistic)
        assert found.p == pytest.approx(expected.pvalue)

    def test_best_has_rank_one_and_ties_share(self):
        found = statistics.friedman([[90, 80, 80], [70, 60, 65]])
        np.testing.assert_allclose(found.ranks, [1, 2.75, 2.25])

    def test_all_tied(self):
        assert statistics.friedman(np.ones((3, 4)))[1:] == (0, 1)

    def test_two_strategies(self):
        # (wins - losses)^2 / settings.
        assert statistics.friedman([[2, 1], [2, 1], [2, 1], [1, 2]]).statistic == pytest.approx(1)


class TestCriticalDifference:
    def test_known(self):
        # Demsar (2006), section 3.2.3: four classifiers, fourteen data sets.
        assert statistics.critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)

    @imports_slowly
    @STATSMODELS
    @pytest.mark.parametrize("shape", [(8, 4), (20, 7)])
    def test_agrees_with_autorank(self, shape):
        autorank = pytest.importorskip("autorank")
        scores = normal(sum(shape), *shape) + np.linspace(0, 1, shape[1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = autorank.autorank(
                pd.DataFrame(scores), force_mode="nonparametric", approach="frequentist"
            )
        found = statistics.friedman(scores)
        assert found.p == pytest.approx(expected.pvalue)
        assert statistics.critical_difference(*shape[::-1]) == pytest.approx(expected.cd, abs=1e-3)
        ranks = expected.rankdf["meanrank"].sort_index()
        np.testing.assert_allclose(found.ranks, ranks)

    @imports_slowly
    @STATSMODELS
    def test_agrees_with_scikit_posthocs(self):
        posthocs = pytest.importorskip("scikit_posthocs")
        scores = normal(3, 15, 6) + 0.5 * np.arange(6)
        p = posthocs.posthoc_nemenyi_friedman(scores).to_numpy()
        ranks = statistics.friedman(scores).ranks
        apart = np.abs(ranks[:, None] - ranks) > statistics.critical_difference(6, 15)
        np.testing.assert_array_equal(apart, p < 0.05)
        assert 0 < apart.sum() < 30

    @given(st.lists(st.integers(2, 20).map(lambda n: n / 2), max_size=7), st.integers(0, 5))
    def test_groups_are_the_largest_close_sets(self, ranks, difference):
        close = [
            set(group)
            for size in range(2, len(ranks) + 1)
            for group in itertools.combinations(range(len(ranks)), size)
            if np.ptp([ranks[place] for place in group]) <= difference
        ]
        largest = [group for group in close if not any(group < other for other in close)]
        found = statistics.undecided_groups(ranks, difference)
        assert sorted(map(sorted, found)) == sorted(map(sorted, largest))
        assert all(np.diff([ranks[place] for place in group]).min() >= 0 for group in found)


def slow_penalties(accuracies):
    strategies = np.shape(accuracies[0])[1]
    matrix = np.zeros((strategies, strategies))
    for accuracy in accuracies:
        for at_count, i, j in itertools.product(accuracy, range(strategies), range(strategies)):
            paired = ~np.isnan(at_count[i]) & ~np.isnan(at_count[j])
            if i != j and paired.sum() > 1:
                test = stats.ttest_rel(at_count[i][paired], at_count[j][paired])
                if test.pvalue < 0.05 and test.statistic > 0:
                    matrix[i, j] += 1 / len(accuracy)
    return matrix


class TestPenaltyMatrix:
    def test_agrees_with_loops(self):
        generator = np.random.default_rng(7)
        accuracies = []
        for counts, seeds in [(6, 5), (3, 5), (1, 3), (4, 10)]:
            accuracy = generator.normal(size=(counts, 4, seeds)) + np.arange(4)[:, None]
            accuracy[generator.random(accuracy.shape) < 0.15] = np.nan
            accuracies.append(accuracy)
        found = statistics.penalty_matrix(accuracies)
        np.testing.assert_allclose(found, slow_penalties(accuracies))
        assert found.max() > 1
        assert (found + found.T <= len(accuracies)).all()

    def test_five_seeds_need_a_t_of_2776(self):
        noise = np.array([-2, -1, 0, 1, 2])
        error = noise.std(ddof=1) / math.sqrt(5)
        for t, beats in [(2.77, 0), (2.78, 1)]:
            accuracy = [[50 + noise + t * error, np.full(5, 50)]]
            np.testing.assert_array_equal(
                statistics.penalty_matrix([accuracy]), [[0, beats], [0, 0]]
            )

    def test_half_of_the_counts_is_half_a_setting(self):
        accuracy = [[[60, 61, 62], [50, 51.5, 52]], [[60, 61, 62], [60, 61, 62]]]
        np.testing.assert_array_equal(
            statistics.penalty_matrix([accuracy, accuracy]), [[0, 1], [0, 0]]
        )

    def test_one_seed_beats_nobody(self):
        assert not statistics.penalty_matrix([[[[90], [10]]]]).any()
        assert not statistics.penalty_matrix([[[[90, math.nan], [10, 20]]]]).any()


class TestInterquartileMean:
    @pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 30])
    def test_agrees_with_scipy(self, size):
        values = normal(size, size)
        expected = stats.trim_mean(values, 0.25)
        assert statistics.interquartile_mean(values) == pytest.approx(expected)

    def test_interval_agrees_with_loops(self):
        strata = [normal(0, 5), normal(1, 3) + 2, normal(2, 8) - 1]
        generator = np.random.default_rng(0)
        means = [
            stats.trim_mean(np.concatenate([generator.choice(s, len(s)) for s in strata]), 0.25)
            for _ in range(1000)
        ]
        expected = tuple(np.quantile(means, [0.025, 0.975]))
        assert statistics.interquartile_mean_interval(strata) == pytest.approx(expected, abs=0.15)

    def test_settings_keep_their_weights(self):
        # Were all values resampled together, the mean could be anything from 0 to 100.
        low, high = statistics.interquartile_mean_interval([[0, 0, 0, 0], [100, 100, 100, 100]])
        assert low == high == 50

    def test_none_without_two_seeds(self):
        assert np.isnan(statistics.interquartile_mean_interval([[1.0], [2.0], []])).all()

    @few
    @given(st.lists(DIFFERENCES, min_size=1, max_size=3), st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order_of_seeds(self, strata, random):
        shuffled = [random.sample(list(values), len(values)) for values in strata]
        np.testing.assert_equal(
            statistics.interquartile_mean_interval(shuffled),
            statistics.interquartile_mean_interval(strata),
        )
