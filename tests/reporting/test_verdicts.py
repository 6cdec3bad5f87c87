import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fal.reporting import ranking, statistics, verdicts
from reporting.synthetic_runs import SETTING as DIGITS
from reporting.synthetic_runs import flat, run, table_of


def random_table(seed):
    """Two settings with ties, a run that is missing and one that is not complete."""
    generator = np.random.default_rng(seed)
    runs = []
    for alpha in (0.1, 1.0):
        for strategy, number in itertools.product(("ifal", "random", "kafal", "logo"), range(1, 8)):
            accuracy = 60 + np.round(generator.normal(scale=3, size=4), 1)
            if (strategy, number, alpha) == ("kafal", 3, 1.0):
                accuracy = accuracy[:2]
            if (strategy, number, alpha) != ("ifal", 2, 0.1):
                setting = {**DIGITS, "alpha": alpha}
                runs.append(run(strategy, number, accuracy, setting, last5=accuracy[-1] + 0.5))
    return table_of(*runs)


def row_of(table, **values):
    same = np.logical_and.reduce([table[name] == value for name, value in values.items()])
    assert same.sum() == 1
    return table[same].iloc[0]


def verdict(levels, strategy, reference="random"):
    found = verdicts.verdict_table(flat(levels))
    return row_of(found, measure="final", reference=reference, strategy=strategy)["verdict"]


class TestVerdictTable:
    def test_agrees_with_loops(self):
        table = random_table(0)
        curves = {
            run: rows["accuracy"].to_numpy()
            for run, rows in table.groupby(["alpha", "strategy", "seed"])
        }
        found = verdicts.verdict_table(table)
        assert len(found) == 2 * 3 * 2 * 3  # Settings, measures, references, others.
        for alpha, reference in itertools.product((0.1, 1.0), ("random", "ifal")):
            p_values = {}
            for strategy in {"ifal", "random", "kafal", "logo"} - {reference}:
                row = row_of(
                    found, alpha=alpha, measure="area", reference=reference, strategy=strategy
                )
                differences = []
                for number in range(1, 8):
                    pair = [curves.get((alpha, name, number), ()) for name in (strategy, reference)]
                    if all(len(curve) == 4 for curve in pair):
                        first, second = [((c[1:] + c[:-1]) / 2).mean() for c in pair]
                        differences.append(first - second)
                assert row["seeds"] == len(differences)
                assert row["missing"] == 7 - len(differences)
                assert row["difference"] == pytest.approx(np.mean(differences))
                assert row["mean"] - row["reference_mean"] == pytest.approx(row["difference"])
                walsh = itertools.combinations_with_replacement(differences, 2)
                assert row["hodges_lehmann"] == pytest.approx(
                    np.median([sum(w) / 2 for w in walsh])
                )
                assert [row["low"], row["high"]] == pytest.approx(
                    statistics.mean_interval(differences)
                )
                assert row["win_ratio"] == pytest.approx(np.mean(np.array(differences) > 0))
                p = stats.wilcoxon(
                    np.round(differences, 3),
                    alternative="greater",
                    method=stats.PermutationMethod(),  # All 2^7 signs: exact with ties.
                ).pvalue
                assert row["p"] == pytest.approx(p)
                assert row["smallest_p"] == 0.5 ** len(differences)
                p_values[strategy] = p, row["p_holm"]
            p, corrected = zip(*p_values.values(), strict=True)
            np.testing.assert_allclose(corrected, statistics.holm(p))

    def test_does_not_depend_on_the_order_of_rows(self):
        table = random_table(3)
        shuffled = verdicts.verdict_table(table.sample(frac=1, random_state=1))
        pd.testing.assert_frame_equal(shuffled, verdicts.verdict_table(table))

    def test_is_antisymmetric(self):
        found = verdicts.verdict_table(random_table(4)).query("measure == 'final'")
        there = found.query("reference == 'random' and strategy == 'ifal'").reset_index()
        back = found.query("reference == 'ifal' and strategy == 'random'").reset_index()
        for name, mirrored in [("difference", "difference"), ("hodges_lehmann", "hodges_lehmann")]:
            np.testing.assert_allclose(there[name], -back[mirrored])
        np.testing.assert_allclose(there["p"], back["p_worse"])
        np.testing.assert_allclose(there["win_ratio"], 1 - back["win_ratio"])

    def test_ties_of_rounded_accuracies(self):
        # 1, 1 and 2 of 360 images: as the table has them, the ones are not equal.
        table = flat({"random": [50.2778, 60.5556, 70], "kafal": [50.5556, 60.8333, 69.4444]})
        row = row_of(verdicts.verdict_table(table), measure="final")
        assert row["p"] == statistics.wilcoxon_p([1, 1, -2])
        assert row["hodges_lehmann"] == pytest.approx((0.2777 - 0.1389) / 2)

    def test_measures_that_were_not_taken_are_left_out(self):
        table = table_of(run("ifal", 1, [50, 70]), run("random", 1, [50, 60]))
        found = verdicts.verdict_table(table)
        assert list(found["measure"]) == ["area", "area", "final", "final"]

    def test_references_of_ones_own(self):
        found = verdicts.verdict_table(random_table(0), references=["logo", "absent"])
        assert set(found["reference"]) == {"logo"}

    def test_nothing_to_compare(self):
        found = verdicts.verdict_table(flat({"ifal": [50, 60]}))
        assert found.empty
        assert list(found) == list(verdicts.verdict_table(random_table(0)))

    def test_names_that_look_like_numbers(self):
        found = verdicts.verdict_table(flat({"random": [50], "10": [51], "<script>": [50]}))
        assert set(found["strategy"]) == {"10", "<script>"}


class TestCycleVerdicts:
    def test_agrees_with_loops(self):
        table = random_table(5)
        accuracy = table.set_index(["alpha", "strategy", "seed", "cycle"])["accuracy"]
        found = verdicts.cycle_verdicts(table, ["random"])
        assert len(found) == 2 * 3 * 3  # Settings, queries, others.
        assert "measure" not in found
        for row in found.to_dict("records"):
            keys = [(row["alpha"], name) for name in (row["strategy"], "random")]
            pairs = [
                [accuracy[(*key, seed, row["cycle"])] for key in keys]
                for seed in range(1, 8)
                if all((*key, seed, row["cycle"]) in accuracy.index for key in keys)
            ]
            differences = [one - other for one, other in pairs]
            assert row["seeds"] == len(pairs)
            assert row["difference"] == pytest.approx(np.mean(differences))
            interval = statistics.mean_interval(differences)
            assert [row["low"], row["high"]] == pytest.approx(interval)

    def test_a_run_counts_as_far_as_it_is(self):
        found = verdicts.cycle_verdicts(random_table(5), ["random"])
        pairs = found[(found["alpha"] == 1.0) & (found["strategy"] == "kafal")]
        assert dict(zip(pairs["cycle"], pairs["seeds"], strict=True)) == {1: 7, 2: 6, 3: 6}

    def test_the_last_cycle_is_the_final_accuracy(self):
        table = random_table(6)
        last = verdicts.cycle_verdicts(table).query("cycle == 3").drop(columns="cycle")
        final = verdicts.verdict_table(table, measures=["final"]).drop(columns="measure")
        by_names = ["alpha", "reference", "strategy"]
        pd.testing.assert_frame_equal(
            *(t.sort_values(by_names, ignore_index=True) for t in (last, final)), check_dtype=False
        )

    def test_settings_end_where_they_end(self):
        runs = [
            run(name, 1, range(cycles), {**DIGITS, "alpha": alpha})
            for name in ("random", "ifal")
            for cycles, alpha in ((2, 0.1), (4, 1.0))
        ]
        found = verdicts.cycle_verdicts(table_of(*runs), ["random"])
        cycles = found.groupby("alpha")["cycle"].agg(list).to_dict()
        assert cycles == {0.1: [1], 1.0: [1, 2, 3]}

    def test_nothing_to_compare(self):
        table = random_table(7)
        for nothing in (table[table["cycle"] == 0], flat({"ifal": [50, 60]})):
            found = verdicts.cycle_verdicts(nothing)
            assert found.empty
            assert list(found) == list(verdicts.cycle_verdicts(table))


class TestVerdict:
    def test_three_seeds(self):
        assert verdict({"random": [50, 60, 70], "ifal": [52, 61, 73]}, "ifal") == (
            "2.0 points above random [1.0, 3.0]; "
            "3 seeds can decide nothing: the smallest p is 0.125"
        )

    def test_one_seed(self):
        assert verdict({"random": [50], "ifal": [48.5]}, "ifal") == (
            "1.5 points below random; 1 seed can decide nothing: the smallest p is 0.5"
        )

    def test_better_worse_and_neither(self):
        levels = {
            "random": [50] * 7,
            "ifal": [51, 52, 53, 54, 55, 56, 57],
            "kafal": [49, 48, 47, 46, 45, 44, 43],
            "logo": [51, 49, 52, 48, 53, 50, 50],
        }
        assert verdict(levels, "ifal").endswith("; better (corrected p 0.023, 7 seeds)")
        assert verdict(levels, "kafal").endswith("; worse (corrected p 0.023, 7 seeds)")
        assert verdict(levels, "kafal").startswith("4.0 points below random [2.6, 5.4]")
        assert "; not told apart (corrected p" in verdict(levels, "logo")

    def test_a_single_comparison_is_not_corrected(self):
        levels = {"random": [50] * 5, "ifal": [51, 52, 53, 54, 55]}
        assert verdict(levels, "ifal").endswith("; better (p 0.031, 5 seeds)")

    def test_comparisons_without_a_pair_are_not_corrected_for(self):
        levels = {
            "random": [50] * 5 + [None],
            "ifal": [51, 52, 53, 54, 55, None],
            "kafal": [None] * 5 + [60],
        }
        assert verdict(levels, "ifal").endswith("; better (p 0.031, 5 seeds)")

    def test_seeds_that_neither_has_are_not_missing(self):
        levels = {"random": [50, 60], "ifal": [51, 61], "ifal (before)": [51, 61, 71, 81]}
        found = verdicts.verdict_table(flat(levels), ["random"])
        assert row_of(found, measure="final", strategy="ifal")["missing"] == 0
        assert row_of(found, measure="final", strategy="ifal (before)")["missing"] == 2

    def test_five_seeds_decide_nothing_among_many(self):
        levels = {"random": [50] * 5} | {name: [51, 52, 53, 54, 55] for name in "abc"}
        assert verdict(levels, "b").endswith(
            "5 seeds can decide nothing among 3 comparisons: the smallest corrected p is 0.0938"
        )

    def test_missing_runs(self):
        levels = {"random": [50, 60, 70], "ifal": [51, None, 71]}
        assert verdict(levels, "ifal") == (
            "1.0 points above random [1.0, 1.0]; 2 seeds can decide nothing: the smallest p is "
            "0.25; 1 seed without a pair"
        )

    def test_no_seed_in_common(self):
        table = flat({"random": [50, None], "ifal": [None, 51], "kafal": [50, None]})
        found = verdicts.verdict_table(table, ["random"])
        row = row_of(found, measure="area", strategy="ifal")
        assert row["verdict"] == "no seed has both ifal and random"
        assert (row["seeds"], row["missing"]) == (0, 2)
        numbers = row[["mean", "difference", "low", "p", "p_holm", "smallest_p", "win_ratio"]]
        assert numbers.isna().all()

    def test_equal_everywhere(self):
        assert verdict({"random": [50, 60], "ifal": [50, 60]}, "ifal").startswith(
            "0.0 points above random [0.0, 0.0]"
        )


class TestSettingSentence:
    @pytest.mark.parametrize(
        ("levels", "sentence"),
        [
            (
                {"random": [50, 60, 70], "ifal": [51, 61, 71], "g-entropy": [52, 61, 73]},
                "g-entropy leads with 62.0 % (area), 2.0 points above random [1.0, 3.0]; "
                "3 seeds can decide nothing: the smallest p is 0.125",
            ),
            (
                {"random": [50, 60], "ifal": [49, 58], "kafal": [40, 50]},
                "random leads with 55.0 % (area), 1.5 points above ifal [1.0, 2.0]; "
                "2 seeds can decide nothing: the smallest p is 0.25",
            ),
            (
                {"kafal": [50], "ifal": [49]},
                "kafal leads with 50.0 % (area), 1.0 points above ifal; "
                "1 seed can decide nothing: the smallest p is 0.5",
            ),
            ({"ifal": [50]}, "ifal has 50.0 % (area); there is nothing to compare it with"),
            (
                {"random": [50, 60, 70], "ifal": [52, 59, 80], "kafal": [53, 61, None]},
                "kafal leads with 57.0 % (area, in the 2 seeds that all strategies have), 2.0 "
                "points above random [1.0, 3.0]; 2 seeds can decide nothing: the smallest p is "
                "0.25; 1 seed without a pair",
            ),
            (
                {"random": [50, 60, 90, 70], "ifal": [52, 62, 80, 60], "kafal": [51, 61]},
                "ifal leads with 57.0 % (area, in the 2 seeds that all strategies have), over 4 "
                "pairs 4.0 points below random [-2.0, 10.0]; 4 seeds can decide nothing: the "
                "smallest p is 0.0625",
            ),
            (
                {"random": [50, None], "ifal": [None, 51]},
                "ifal leads with 51.0 % (area, over its own seeds, as no seed has a run of every "
                "strategy), no seed has both ifal and random",
            ),
        ],
    )
    def test_words(self, levels, sentence):
        assert verdicts.setting_sentence(flat(levels)) == sentence

    def test_is_that_of_the_verdict_table(self):
        table = random_table(2).query("alpha == 1.0")
        found = verdicts.verdict_table(table, ["random"]).query("measure == 'area'")
        areas = ranking.run_measures(table).pivot(index="seed", columns="strategy", values="area")
        common = [seed for seed, row in areas.iterrows() if not row.isna().any()]
        means = areas.loc[common].mean()
        sentence = verdicts.setting_sentence(table)
        leader = means.idxmax()
        assert leader != "random" and 0 < len(common) < len(areas)
        area = f"{means.max():.1f} % (area, in the {len(common)} seeds that all strategies have)"
        assert sentence.startswith(f"{leader} leads with {area}, ")
        assert sentence.endswith(row_of(found, strategy=leader)["verdict"])

    def test_nothing_complete(self):
        table = table_of(run("ifal", 1, [50, 70]), run("ifal", 2, [50, 70]))
        assert verdicts.setting_sentence(table.drop(index=[0, 3])) == "no run is complete"


class TestLabelsTable:
    def test_known(self):
        table = table_of(
            run("random", 1, [50, 60, 70]),
            run("random", 2, [50, 60, 80]),
            run("kafal", 1, [50, 70, 75]),
            run("kafal", 2, [50, 90, 90]),
            run("ifal", 1, [50, 60, 65]),
            run("ifal", 2, [50, 80, 90]),
        )
        found = verdicts.labels_table(table, ["random"]).set_index("strategy")
        assert found.loc["kafal", ["target", "needed", "saved", "reached"]].to_list() == [
            75,
            (150 + 137.5) / 2,
            (50 + 62.5) / 2,
            2,
        ]
        # Of two runs one does not get there, so the one in the middle is not known.
        assert found.loc["ifal", ["needed", "saved"]].isna().all()
        assert found.loc["ifal", ["reached", "seeds", "missing"]].to_list() == [1, 2, 0]
        assert found.loc["random", ["needed", "saved", "reached"]].to_list() == [200, 0, 2]

    def test_most_runs_reach(self):
        table = table_of(
            *(run("random", seed, [50, 60]) for seed in (1, 2, 3, 4)),
            run("ifal", 1, [50, 70]),
            run("ifal", 2, [50, 55]),
            run("ifal", 3, [50, 60]),
        )
        row = row_of(verdicts.labels_table(table), reference="random", strategy="ifal")
        assert row[["needed", "saved", "reached", "seeds", "missing"]].to_list() == [
            150,
            0,
            2,
            3,
            1,
        ]

    def test_references_that_are_not_there_are_left_out(self):
        table = flat({"ifal": [50], "kafal": [60]})
        assert set(verdicts.labels_table(table)["reference"]) == {"ifal"}
        assert verdicts.labels_table(table, ["random"]).empty

    def test_no_pair(self):
        found = verdicts.labels_table(flat({"random": [50, None], "ifal": [None, 60]}))
        row = row_of(found, reference="random", strategy="ifal")
        assert row[["target", "needed", "saved"]].isna().all()
        assert row[["reached", "seeds", "missing"]].to_list() == [0, 0, 2]
